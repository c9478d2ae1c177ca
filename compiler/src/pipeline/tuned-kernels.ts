/**
 * Recorded schedules, chosen for all kernels of a program together: each byte of flash has a price in time, and the code
 * of all kernels a limit. Calls of one task share its code, and each has constants of its own.
 */
import { checkCancelled } from '../base/cancellation.ts';
import { estimateOperations } from '../loops/estimate.ts';
import { cheapestWithin } from '../base/knapsack.ts';
import { configKey, type ScheduleConfig } from '../schedule/task.ts';
import type { CompileContext, ScheduleChoice, ScheduledKernel } from './context.ts';

/**
 * Bytes of code that tuning may come to where nothing is asked for. Faster kernels are ever longer ones; a program that
 * takes more untuned may take as much as that.
 */
export const defaultCodeLimit = 20 * 1024;

/** Code around the kernels: start-up, memory functions, and the function that calls them; for each call. */
const [codeAround, codeOfCall] = [2048, 8];

/** A schedule whose bytes are known. */
interface Option extends ScheduleChoice {
  readonly bytes: NonNullable<ScheduleChoice['bytes']>;
}

/** Kernels of one task under one schedule. */
interface Group {
  readonly kernels: readonly number[];
  readonly options: readonly Option[];
  /** What a build without records takes, where it was measured. */
  readonly untuned: Option | undefined;
}

/**
 * The kernels, those with records under the schedules that are cheapest together with their bytes paid for. Where the code
 * has a limit, the program is not slower than `untuned` by its records, nor larger than both the limit and `untuned`.
 * Kernels whose own schedule was not measured with its bytes stay as they are.
 */
export function chooseRecorded(
  kernels: readonly ScheduledKernel[],
  untuned: readonly ScheduledKernel[],
  context: CompileContext,
): readonly ScheduledKernel[] {
  const total = measuredTotal(kernels, context);
  if (total === undefined || context.codePrice === 0) return kernels;
  const price = context.codePrice * total;
  const groups = groupsOf(kernels, untuned, context);
  let chosen = chooseOf(groups, price, kernels.length, context);
  if (Number.isFinite(context.codeLimit) && costBeyond(groups, chosen) > 0) {
    const narrowed = groups.map(({ options, untuned: own, ...group }) => {
      return { ...group, untuned: own, options: own ? options.filter(({ cost }) => cost <= own.cost) : options };
    });
    chosen = chooseOf(narrowed, price, kernels.length, context);
  }
  const replaced = [...kernels];
  for (const [g, group] of groups.entries())
    for (const k of group.kernels) {
      const [kernel, option] = [kernels[k], chosen[g]];
      if (kernel && option) replaced[k] = under(kernel, option.config, context);
    }
  return replaced;
}

/** The whole program's cost in the unit of the records, from the kernels that have some; undefined without any. */
function measuredTotal(kernels: readonly ScheduledKernel[], { choicesFor }: CompileContext): number | undefined {
  let [cost, known, all] = [0, 0, 0];
  for (const { task, lowered } of kernels) {
    const operations = estimateOperations(lowered.body);
    const [fastest] = choicesFor(task);
    all += operations;
    if (fastest === undefined) continue;
    cost += fastest.cost;
    known += operations;
  }
  return known > 0 ? (cost * all) / known : undefined;
}

function groupsOf(
  kernels: readonly ScheduledKernel[],
  untuned: readonly ScheduledKernel[],
  { choicesFor }: CompileContext,
): readonly Group[] {
  const groups = new Map<string, Group & { readonly kernels: number[] }>();
  for (const [k, { task, config }] of kernels.entries()) {
    const own = configKey(config);
    const key = `${task.key} ${own}`;
    const known = groups.get(key);
    if (known) {
      known.kernels.push(k);
      continue;
    }
    const options = choicesFor(task).filter((c): c is Option => c.bytes !== undefined);
    // Schedules that nobody measured compete with none.
    if (!options.some((o) => configKey(o.config) === own)) continue;
    const plain = untuned[k] && configKey(untuned[k].config);
    groups.set(key, { kernels: [k], options, untuned: options.find((o) => configKey(o.config) === plain) });
  }
  return [...groups.values()];
}

/** The options of least worth together, one of each group, within the limit. */
function chooseOf(
  groups: readonly Group[],
  price: number,
  calls: number,
  { codeLimit, token }: CompileContext,
): readonly (Option | undefined)[] {
  checkCancelled(token);
  const weighed = groups.map(({ kernels, options }) =>
    options.map(({ cost, bytes }) => ({
      value: kernels.length * (cost + price * bytes.constants) + price * bytes.code,
      weight: bytes.code,
    })),
  );
  // What always fits: the untuned schedules; where one is not known, the one of the least code.
  const sure = groups.map(({ untuned, options }) => untuned ?? lightest(options));
  const least = sure.reduce((sum, option) => sum + (option?.bytes.code ?? 0), 0);
  const limit = Math.max(codeLimit - codeAround - codeOfCall * calls, least);
  const indices = cheapestWithin(weighed, limit);
  return indices ? groups.map(({ options }, g) => options[indices[g] ?? 0]) : sure;
}

function lightest(options: readonly Option[]): Option | undefined {
  return options.reduce<Option | undefined>((a, b) => (a && a.bytes.code <= b.bytes.code ? a : b), undefined);
}

/** What schedules cost more in all than the untuned ones, as far as those were measured. */
function costBeyond(groups: readonly Group[], chosen: readonly (Option | undefined)[]): number {
  return groups.reduce((sum, { kernels, untuned }, g) => {
    const option = chosen[g];
    return untuned && option ? sum + kernels.length * (option.cost - untuned.cost) : sum;
  }, 0);
}

/**
 * Whether a program is slower than untuned by its records, where nothing is asked for that may make it so. Kernels whose
 * costs are not both known are left out.
 */
export function isSlower(
  kernels: readonly ScheduledKernel[],
  untuned: readonly ScheduledKernel[],
  { codeLimit, choicesFor }: CompileContext,
): boolean {
  if (!Number.isFinite(codeLimit)) return false;
  const costOf = ({ task, config }: ScheduledKernel): number | undefined => {
    const key = configKey(config);
    return choicesFor(task).find((c) => configKey(c.config) === key)?.cost;
  };
  const lost = kernels.map((kernel, k) => {
    const plain = untuned[k];
    return plain ? (costOf(kernel) ?? NaN) - (costOf(plain) ?? NaN) : 0;
  });
  return lost.reduce((sum, n) => (Number.isNaN(n) ? sum : sum + n), 0) > 0;
}

function under(kernel: ScheduledKernel, config: ScheduleConfig, context: CompileContext): ScheduledKernel {
  if (configKey(config) === configKey(kernel.config)) return { ...kernel, choice: 'tuned' };
  const lowered = context.backend.lower(kernel.step.fused, context.target, config);
  return lowered.ok ? { ...kernel, config, lowered: lowered.value, choice: 'tuned' } : kernel;
}
