/**
 * Less code where it costs next to no time: a byte of flash has a price in time. A default schedule of a kernel with little
 * work is unrolled less.
 */
import { checkCancelled } from '../base/cancellation.ts';
import { estimateOperations } from '../loops/estimate.ts';
import type { LoweredKernel } from '../loops/kernel.ts';
import { configKey, type ScheduleConfig, type ScheduleSpace } from '../schedule/task.ts';
import type { CompileContext, Preset, ScheduledKernel } from './context.ts';
import { flashBytes } from './size-preset.ts';

/** What a byte of flash is worth, as a part of a program's time: forty of them, a ten-thousandth of it. */
export const defaultCodePrice = 1 / 400_000;

/** With the least code wanted: a kilobyte, half of the time. */
const sizeCodePrice = 200 * defaultCodePrice;

/** Estimates do not see all that unrolling saves: where only they tell the time, a byte is worth this part of its price. */
const estimatedPrice = 0.2;

/** The price of a byte in a build: what is asked for, else the preset's. */
export function codePriceIn({
  codePrice,
  preset,
}: {
  readonly codePrice?: number | undefined;
  readonly preset?: Preset | undefined;
}): number {
  return codePrice ?? (preset === 'size' ? sizeCodePrice : defaultCodePrice);
}

/** The price of a byte from the percent of time that a kilobyte has to save. */
export function codePriceOf(percent: number): number {
  return percent / 100 / 1024;
}

/** Kernels with a larger part of the work keep their default schedules, at the default price. */
const mostShare = 0.05;

/** Kernels with less code than this have nothing to give. */
const leastBytes = 256;

/** What `-O3` and `-funroll-loops` do to code and time against `-O2`, roughly: the estimates do not see it. */
const eager = { bytes: 2, operations: 0.9 };

interface Weight {
  readonly bytes: number;
  readonly operations: number;
}

/** The kernels, those with little work under schedules of less code. */
export function lightenKernels(
  kernels: readonly ScheduledKernel[],
  context: CompileContext,
): readonly ScheduledKernel[] {
  if (context.codePrice === 0) return kernels;
  const weights = kernels.map(({ lowered, config }) => weightOf(lowered, config));
  const total = weights.reduce((sum, w) => sum + w.operations, 0);
  // Equal kernels are weighed once: long programs repeat a few.
  const known = new Map<string, ScheduleConfig>();
  return kernels.map((kernel, k) => {
    checkCancelled(context.token);
    const weight = weights[k];
    if (weight === undefined || kernel.choice === 'tuned' || context.preset === 'size') return kernel;
    const share = mostShare * (context.codePrice / defaultCodePrice);
    if (weight.bytes < leastBytes || weight.operations > share * total) return kernel;
    const key = `${kernel.task.key} ${configKey(kernel.config)} ${weight.bytes} ${weight.operations}`;
    const config = known.get(key);
    const again = config && relowered(kernel, config, context);
    if (again !== undefined) return again;
    const light = lightened(kernel, weight, total, context);
    known.set(key, light.config);
    return light;
  });
}

/** The kernel under another configuration; undefined where it cannot be lowered so. */
function relowered(
  kernel: ScheduledKernel,
  config: ScheduleConfig,
  { backend, target }: CompileContext,
): ScheduledKernel | undefined {
  if (configKey(config) === configKey(kernel.config)) return kernel;
  const lowered = backend.lower(kernel.step.fused, target, config);
  return lowered.ok ? { ...kernel, config, lowered: lowered.value } : undefined;
}

function lightened(kernel: ScheduledKernel, own: Weight, total: number, context: CompileContext): ScheduledKernel {
  const { backend, target } = context;
  const space = backend.spaceOf(kernel.task, target);
  const price = (w: Weight): number => w.bytes + w.operations / (estimatedPrice * context.codePrice * total);
  let best = kernel;
  let least = price(own);
  for (const config of lighterConfigs(space, kernel.config)) {
    const lowered = backend.lower(kernel.step.fused, target, config);
    if (!lowered.ok) continue;
    const weight = weightOf(lowered.value, config);
    const cost = price(weight);
    if (weight.bytes < own.bytes && cost < least) [best, least] = [{ ...kernel, config, lowered: lowered.value }, cost];
  }
  return best;
}

/** Configurations that differ in what unrolls loops: the schedule, or the compiler. */
function lighterConfigs(space: ScheduleSpace, config: ScheduleConfig): readonly ScheduleConfig[] {
  const steady = space.knobs
    .find((k) => k.name === 'flags')
    ?.values.find((v) => /^-O2\b/.test(String(v)) && !isEager({ flags: v }));
  const flags = isEager(config) && steady !== undefined ? { flags: steady } : {};
  const unrolls = space.knobs.find((k) => k.name === 'unroll')?.values ?? [];
  return [{}, ...unrolls.map((unroll) => ({ unroll }))]
    .map((change): ScheduleConfig => ({ ...config, ...flags, ...change }))
    .filter((c) => space.isValid(c));
}

function isEager(config: ScheduleConfig): boolean {
  return /-O3|-funroll-loops/.test(String(config['flags'] ?? ''));
}

function weightOf(kernel: LoweredKernel, config: ScheduleConfig): Weight {
  const factor = isEager(config) ? eager : { bytes: 1, operations: 1 };
  return { bytes: factor.bytes * flashBytes(kernel), operations: factor.operations * estimateOperations(kernel.body) };
}
