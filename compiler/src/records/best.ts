/** Which records a build uses, and what to say of those that it does not. */
import { counted } from '../base/text.ts';
import { configKey, type ScheduleConfig } from '../schedule/task.ts';
import { costOf, type Cost, type CostKind, type KernelBytes } from './objective.ts';
import type { TuningRecord } from './record.ts';

/** Which records a build may use. */
export interface RecordFilter {
  readonly board: string;
  /** Compiler version line; any when absent. */
  readonly compiler?: string | undefined;
  /** Which cost counts; the timer's when absent. Records without it are not used. */
  readonly cost?: CostKind | undefined;
}

/** A config that was compared and equal, with its last cost and, where it is known, its bytes of flash. */
export interface Choice {
  readonly config: ScheduleConfig;
  readonly template: string;
  readonly cost: number;
  readonly bytes: KernelBytes | undefined;
}

export interface BestConfig {
  readonly config: ScheduleConfig;
  readonly cost: Cost;
  /** All configs of the task that were compared and equal, this one first. */
  readonly choices: readonly Choice[];
}

/** The compared-equal configs of each task, the cheapest first, by task key. */
export function bestConfigs(records: readonly TuningRecord[], filter: RecordFilter): ReadonlyMap<string, BestConfig> {
  const found = new Map<string, Map<string, { readonly record: TuningRecord; readonly cost: Cost }>>();
  for (const record of records) {
    const cost = costOf(record, filter.cost ?? 'timer');
    if (record.verdict !== 'ok' || cost === null || mismatch(record, filter) !== undefined) continue;
    const ofTask = found.get(record.task) ?? new Map<string, { readonly record: TuningRecord; readonly cost: Cost }>();
    found.set(record.task, ofTask.set(configKey(record.config), { record, cost }));
  }
  const best = new Map<string, BestConfig>();
  for (const [task, ofTask] of found) {
    const sorted = [...ofTask.values()].sort((a, b) => a.cost.value - b.cost.value);
    const [first] = sorted;
    if (!first) continue;
    const choices = sorted.map(({ record: { config, template, bytes }, cost }): Choice => {
      return { config, template, cost: cost.value, bytes };
    });
    best.set(task, { config: first.record.config, cost: first.cost, choices });
  }
  return best;
}

/** Why a build may not use a record. */
type Reason = 'board' | 'compiler' | 'cost';

function mismatch(record: TuningRecord, { board, compiler, cost }: RecordFilter): Reason | undefined {
  if (record.board !== board) return 'board';
  if (compiler !== undefined && record.compiler !== compiler) return 'compiler';
  return costOf(record, cost ?? 'timer') === null ? 'cost' : undefined;
}

/** Records that fail a filter in one way: of another board, another compiler, without the cost. */
export interface UnusedRecords {
  readonly reason: Reason;
  /** The other board or compiler. */
  readonly name: string;
  /** How many there are of each task. */
  readonly tasks: Readonly<Record<string, number>>;
}

/** What records have to say to a build. Plain data, so that it can be sent. */
export interface RecordDigest {
  readonly board: string;
  readonly best: Readonly<Record<string, BestConfig>>;
  readonly unused: readonly UnusedRecords[];
}

/** Records as a build takes them. Where the compiler is not known, its records are taken that measured last. */
export function digestRecords(records: readonly TuningRecord[], wanted: RecordFilter): RecordDigest {
  const succeeded = records.filter(({ verdict }) => verdict === 'ok');
  const latest = succeeded.findLast(({ board }) => board === wanted.board);
  const filter = { ...wanted, compiler: wanted.compiler ?? latest?.compiler };
  const unused = new Map<string, { reason: Reason; name: string; tasks: Record<string, number> }>();
  for (const record of succeeded) {
    const reason = mismatch(record, filter);
    if (reason === undefined) continue;
    const name = reason === 'cost' ? '' : record[reason];
    const group = unused.get(`${reason} ${name}`) ?? {
      reason,
      name,
      tasks: Object.create(null) as Record<string, number>,
    };
    group.tasks[record.task] = (group.tasks[record.task] ?? 0) + 1;
    unused.set(`${reason} ${name}`, group);
  }
  return {
    board: filter.board,
    best: Object.fromEntries(bestConfigs(succeeded, filter)),
    unused: [...unused.values()],
  };
}

export const noRecords: RecordDigest = { board: '', best: {}, unused: [] };

/** A kernel of a build, as far as records are about it. */
export interface KernelRecords {
  readonly task: string;
  /** Records whose schedules it can take. */
  readonly usable: number;
}

/**
 * One line about records that were not used, where that is news: kernels have no record that applies, and there are records
 * of them under other conditions, or there are records and none is of this program. Records of other programs beside
 * those of this one are no news. `remedy` is what to do about it.
 */
export function unusedNotice(
  digest: RecordDigest,
  kernels: readonly KernelRecords[],
  remedy = `Tune the program on ${digest.board} to measure them.`,
): string | undefined {
  const { best, unused } = digest;
  const without = kernels.filter(({ usable }) => usable === 0);
  if (without.length === 0) return undefined;
  const tasks = new Set(without.map(({ task }) => task));
  const total = (counts: Readonly<Record<string, number>>, of?: ReadonlySet<string>): number =>
    Object.entries(counts).reduce((sum, [task, count]) => (of === undefined || of.has(task) ? sum + count : sum), 0);
  const measured = Object.fromEntries(Object.entries(best).map(([task, { choices }]) => [task, choices.length]));
  const all = [...unused, { reason: 'schedule' as const, name: '', tasks: measured }];
  let told = all.map(({ reason, name, tasks: counts }) => ({
    text: reasonText(reason, name),
    count: total(counts, tasks),
  }));
  if (told.every(({ count }) => count === 0) && without.length === kernels.length)
    told = [
      ...unused.map(({ reason, name, tasks: counts }) => ({ text: reasonText(reason, name), count: total(counts) })),
      { text: 'of other programs', count: total(measured) },
    ];
  const parts = told.filter(({ count }) => count > 0).map(({ text, count }) => `${counted(count, 'record')} ${text}`);
  if (parts.length === 0) return undefined;
  const verb = told.reduce((sum, { count }) => sum + count, 0) === 1 ? 'is' : 'are';
  const lack = `${without.length} of ${counted(kernels.length, 'kernel')} ${without.length === 1 ? 'has' : 'have'}`;
  return `${parts.join(', ')} ${verb} not used: ${lack} no record that applies. ${remedy}`;
}

function reasonText(reason: Reason | 'schedule', name: string): string {
  if (reason === 'board') return `of the board ${name}`;
  if (reason === 'schedule') return 'of schedules that this version does not have';
  return reason === 'compiler' ? `of another compiler (${name})` : 'without modelled cycles';
}
