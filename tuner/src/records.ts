/**
 * Tuning records: one JSON object a line, appended whole and synced, never rewritten. Reading is tolerant: a cut last
 * line, lines of a newer version and foreign lines are left in the file and reported.
 */
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import { configKey, type ScheduleConfig } from '../../compiler/src/schedule/task.ts';
import { costOf, flashOf, type Cost, type CostKind, type KernelBytes } from './objective.ts';

export const recordVersion = 1;

/** How a candidate ended. Only `ok` means that its output was compared with the reference and equal. */
export type Verdict =
  'ok' | 'cannot-lower' | 'compile-error' | 'does-not-fit' | 'wrong-answer' | 'timeout' | 'fault' | 'board-lost';

export const failureVerdicts: readonly Verdict[] = [
  'cannot-lower',
  'compile-error',
  'does-not-fit',
  'wrong-answer',
  'timeout',
  'fault',
  'board-lost',
];

export interface TuningRecord {
  readonly version: number;
  readonly task: string;
  readonly template: string;
  readonly config: ScheduleConfig;
  readonly board: string;
  /** First line of the compiler's version. */
  readonly compiler: string;
  readonly flags: readonly string[];
  /** Hertz of the board's timer; null when unknown. */
  readonly clock: number | null;
  /** Null unless the verdict is `ok`. */
  readonly cost: Cost | null;
  /** Cycles by the model of an emulated board, where they were asked for. */
  readonly cycles?: Cost;
  /** What it takes of the flash; absent from records of earlier versions and from failures. */
  readonly bytes?: KernelBytes;
  readonly verdict: Verdict;
  /** Why it failed, in a few words. */
  readonly detail?: string;
  /** Hash of the emitted C and its flags. */
  readonly kernel: string;
  /** Seed of the random inputs. */
  readonly seed: number;
  /** When it was measured, ISO 8601. */
  readonly time: string;
}

/** Something in a records file that was not used, and where. */
export interface RecordNotice {
  /** One-based; the last notice may be about the whole file. */
  readonly line: number;
  readonly message: string;
}

export interface RecordFile {
  readonly records: readonly TuningRecord[];
  readonly notices: readonly RecordNotice[];
}

/** Reads records from text. */
export function parseRecords(text: string): RecordFile {
  const records: TuningRecord[] = [];
  const notices: RecordNotice[] = [];
  const newer: number[] = [];
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    let data: unknown;
    try {
      data = JSON.parse(line);
    } catch {
      const cut = index === lines.length - 1;
      const message = cut ? 'the last line is cut off and is skipped' : 'this line is no JSON and is skipped';
      notices.push({ line: index + 1, message });
      continue;
    }
    if (isNewer(data)) {
      newer.push(index + 1);
    } else if (isRecord(data)) {
      records.push(data);
    } else {
      notices.push({ line: index + 1, message: 'this line is no tuning record and is skipped' });
    }
  }
  const [first] = newer;
  if (first !== undefined) {
    const message = `${newer.length} record${newer.length === 1 ? '' : 's'} of a newer version (from this line on) are kept but not used`;
    notices.push({ line: first, message });
  }
  return { records, notices: notices.sort((a, b) => a.line - b.line) };
}

function isObject(data: unknown): data is Record<string, unknown> {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}

function isNewer(data: unknown): boolean {
  return isObject(data) && typeof data['version'] === 'number' && data['version'] > recordVersion;
}

function isRecord(data: unknown): data is TuningRecord {
  if (!isObject(data)) return false;
  const { cost, verdict } = data;
  const costIsValid = isObject(cost) ? typeof cost['value'] === 'number' && cost['value'] >= 0 : cost === null;
  return (
    data['version'] === recordVersion &&
    ['task', 'template', 'board', 'compiler', 'kernel'].every((field) => typeof data[field] === 'string') &&
    isObject(data['config']) &&
    (verdict === 'ok' ? isObject(cost) : failureVerdicts.includes(verdict as Verdict)) &&
    costIsValid
  );
}

/** An open records file; several processes may append to the same one. */
export class RecordStore {
  readonly path: string;
  readonly notices: readonly RecordNotice[];
  private readonly descriptor: number;
  private readonly loaded: TuningRecord[];

  private constructor(path: string, descriptor: number, file: RecordFile) {
    this.path = path;
    this.descriptor = descriptor;
    this.loaded = [...file.records];
    this.notices = file.notices;
  }

  /** Opens or creates a file for appending. Fails with `cannot-write` when the place is read-only. */
  static open(path: string): Result<RecordStore> {
    try {
      const descriptor = openSync(path, 'a+');
      const file = parseRecords(readFileSync(path, 'utf8'));
      return ok(new RecordStore(path, descriptor, file));
    } catch (error) {
      const { message } = error as Error;
      return fail(
        'cannot-write',
        `The records file ${path} cannot be opened: ${message}.`,
        'Choose another place for it.',
      );
    }
  }

  /** Records read at opening and appended since. */
  get records(): readonly TuningRecord[] {
    return this.loaded;
  }

  /** Appends records in one write each call and syncs, so that a kill leaves whole lines or one cut last line. */
  append(records: readonly TuningRecord[]): Result<void> {
    if (records.length === 0) return ok(undefined);
    try {
      const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('');
      // A line that an earlier kill cut short is ended first, so that it does not swallow this one.
      writeSync(this.descriptor, this.endsInNewline() ? lines : `\n${lines}`);
      fsyncSync(this.descriptor);
      this.loaded.push(...records);
      return ok(undefined);
    } catch (error) {
      return fail('cannot-write', `The records file ${this.path} cannot be written: ${(error as Error).message}.`);
    }
  }

  private endsInNewline(): boolean {
    const { size } = fstatSync(this.descriptor);
    if (size === 0) return true;
    const last = Buffer.alloc(1);
    readSync(this.descriptor, last, 0, 1, size - 1);
    return last[0] === 10;
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

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
  readonly cost: number;
  readonly bytes: number | undefined;
}

export interface BestConfig {
  readonly config: ScheduleConfig;
  readonly template: string;
  readonly cost: Cost;
  readonly compiler: string;
  /** All configs of the task that were compared and equal, this one first. */
  readonly choices: readonly Choice[];
}

/** The cheapest compared-equal config of each task, by task key. */
export function bestConfigs(records: readonly TuningRecord[], filter: RecordFilter): ReadonlyMap<string, BestConfig> {
  const found = new Map<string, Map<string, { readonly record: TuningRecord; readonly cost: Cost }>>();
  for (const record of records) {
    const cost = costOf(record, filter.cost ?? 'timer');
    if (record.verdict !== 'ok' || cost === null || record.board !== filter.board) continue;
    if (filter.compiler !== undefined && record.compiler !== filter.compiler) continue;
    const ofTask = found.get(record.task) ?? new Map<string, { readonly record: TuningRecord; readonly cost: Cost }>();
    found.set(record.task, ofTask.set(configKey(record.config), { record, cost }));
  }
  const best = new Map<string, BestConfig>();
  for (const [task, ofTask] of found) {
    const sorted = [...ofTask.values()].sort((a, b) => a.cost.value - b.cost.value);
    const [first] = sorted;
    if (!first) continue;
    const { config, template, compiler } = first.record;
    const choices = sorted.map(({ record, cost }): Choice => {
      const bytes = record.bytes && flashOf(record.bytes);
      return { config: record.config, cost: cost.value, bytes };
    });
    best.set(task, { config, template, compiler, cost: first.cost, choices });
  }
  return best;
}
