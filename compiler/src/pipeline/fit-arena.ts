/**
 * Schedules chosen together: the cheapest ones whose arena stays within a budget. Where memory is tightest, a kernel gives
 * up some speed for less scratch memory, the one that loses least first.
 */
import { checkCancelled } from '../base/cancellation.ts';
import { estimateOperations } from '../loops/estimate.ts';
import type { LoweredKernel } from '../loops/kernel.ts';
import type { FusedProgram } from '../passes/program.ts';
import type { ScheduleConfig } from '../schedule/task.ts';
import { elementBytes } from '../tensor/dtype.ts';
import type { ArenaPlan } from './arena.ts';
import type { CompileContext, ScheduleChoice, ScheduledKernel } from './context.ts';
import { planStreamed } from './streams.ts';

export interface Fitted {
  readonly kernels: readonly ScheduledKernel[];
  readonly arena: ArenaPlan;
}

/** Knobs that decide about speed alone. */
const withoutScratch: ReadonlySet<string> = new Set(['flags', 'unroll', 'requantize', 'packing', 'channels', 'tables']);

/** Changes of schedules, at most; each plans the arena anew. */
const mostChanges = 48;

/**
 * Plans the arena; while it is larger than `budget` bytes, kernels at the tightest step take schedules with less scratch
 * memory. What is returned may still be larger, when no schedule helps.
 */
export function fitArena(
  program: FusedProgram,
  kernels: readonly ScheduledKernel[],
  context: CompileContext,
  budget: number,
): Fitted {
  const { token } = context;
  const plan = (list: readonly ScheduledKernel[]): ArenaPlan => planStreamed(program, list, context);
  let best: Fitted = { kernels, arena: plan(kernels) };
  const choices = new Map<ScheduledKernel['task'], readonly ScheduleChoice[]>();
  for (let changes = 0; changes < mostChanges && best.arena.plan.arenaBytes > budget; changes++) {
    checkCancelled(token);
    const { arena } = best;
    const { step } = arena.plan.peak;
    const stream = arena.streams.find((s) => s.first <= step && step <= s.last);
    const [first, last] = stream === undefined ? [step, step] : [stream.first, stream.last];
    const excess = arena.plan.arenaBytes - budget;
    const options: Option[] = [];
    for (let k = first; k <= last; k++) {
      const kernel = best.kernels[k];
      // In a stream, scratch memory counts at its own kernel alone.
      if (kernel === undefined || (stream !== undefined && k !== step)) continue;
      const { task } = kernel;
      const known = choices.get(task) ?? choicesOf(kernel, context);
      choices.set(task, known);
      options.push(...optionsOf(kernel, k, known, context));
    }
    const chosen = cheapest(options, excess);
    if (chosen === undefined) break;
    const next = best.kernels.map((kernel, k) => (k === chosen.kernel ? chosen.replaced : kernel));
    const planned = plan(next);
    if (planned.plan.arenaBytes > arena.plan.arenaBytes) break;
    best = { kernels: next, arena: planned };
  }
  return best;
}

interface Option {
  readonly kernel: number;
  readonly replaced: ScheduledKernel;
  /** Bytes of scratch memory that it takes less. */
  readonly saved: number;
  /** What it costs more, as a part of the kernel's cost. */
  readonly loss: number;
}

/** Of those that save enough the cheapest; if none does, the one that saves most for its loss. */
function cheapest(options: readonly Option[], excess: number): Option | undefined {
  const enough = options.filter((o) => o.saved >= excess);
  if (enough.length > 0) return enough.reduce((a, b) => (b.loss < a.loss ? b : a));
  const worth = (o: Option): number => o.saved / (Math.max(0, o.loss) + 0.001);
  return options.reduce<Option | undefined>((a, b) => (a === undefined || worth(b) > worth(a) ? b : a), undefined);
}

/** Measured schedules of the task, else those one knob away from the kernel's own, by estimated cost. */
function choicesOf(kernel: ScheduledKernel, context: CompileContext): readonly ScheduleChoice[] {
  const measured = context.choicesFor(kernel.task);
  if (measured.length > 1) return fastestOfEach(measured);
  const { backend, target } = context;
  const space = backend.spaceOf(kernel.task, target);
  const configs = space.knobs.flatMap(({ name, values }) =>
    withoutScratch.has(name) ? [] : values.map((value): ScheduleConfig => ({ ...kernel.config, [name]: value })),
  );
  return configs.flatMap((config): ScheduleChoice[] => {
    const lowered = space.isValid(config) ? backend.lower(kernel.step.fused, target, config) : undefined;
    return lowered?.ok === true ? [{ config, cost: estimateOperations(lowered.value.body) }] : [];
  });
}

/** The cheapest (first) of those that differ in knobs without effect on memory. */
function fastestOfEach(choices: readonly ScheduleChoice[]): readonly ScheduleChoice[] {
  const found = new Map<string, ScheduleChoice>();
  for (const choice of choices) {
    const key = JSON.stringify(Object.entries(choice.config).filter(([name]) => !withoutScratch.has(name)));
    if (!found.has(key)) found.set(key, choice);
  }
  return [...found.values()];
}

function optionsOf(
  kernel: ScheduledKernel,
  index: number,
  choices: readonly ScheduleChoice[],
  context: CompileContext,
): readonly Option[] {
  const { backend, target } = context;
  const space = backend.spaceOf(kernel.task, target);
  const own = JSON.stringify(kernel.config);
  const now = choices.find((c) => JSON.stringify(c.config) === own)?.cost ?? Math.min(...choices.map((c) => c.cost));
  const before = scratchBytes(kernel.lowered);
  return choices.flatMap(({ config, cost }): Option[] => {
    if (!space.isValid(config)) return [];
    const lowered = backend.lower(kernel.step.fused, target, config);
    if (!lowered.ok) return [];
    const saved = before - scratchBytes(lowered.value);
    if (saved <= 0) return [];
    const flags = context.preset === 'size' ? kernel.lowered.flags : lowered.value.flags;
    const replaced = { ...kernel, config, lowered: { ...lowered.value, flags } };
    return [{ kernel: index, replaced, saved, loss: (cost - now) / Math.max(1, now) }];
  });
}

function scratchBytes(kernel: LoweredKernel): number {
  return kernel.scratch.reduce((sum, b) => sum + b.length * elementBytes(b.dtype), 0);
}
