/**
 * Schedules chosen together: the cheapest ones whose arena stays within a budget. Where memory is tightest, a kernel gives
 * up some speed for less scratch memory, the one that loses least first.
 */
import { checkCancelled } from '../base/cancellation.ts';
import { estimateOperations } from '../loops/estimate.ts';
import type { LoweredKernel } from '../loops/kernel.ts';
import { liveBytes } from '../memory/problem.ts';
import type { FusedProgram } from '../passes/program.ts';
import { configKey, type ScheduleConfig, type ScheduleSpace } from '../schedule/task.ts';
import { elementBytes } from '../tensor/dtype.ts';
import { arenaProblem, planArena } from './arena.ts';
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
  const start: Fitted = { kernels, arena: planStreamed(program, kernels, context, budget) };
  if (start.arena.plan.arenaBytes <= budget) return start;
  // Exact plans take long: one is made of what was found.
  const search = new FitSearch(program, { ...context, arenaSolver: undefined });
  // What one step needs in any case, no other has to go below.
  for (let goal = budget; ;) {
    const { fitted, least } = search.run(start, goal);
    if (least <= goal || fitted.arena.plan.arenaBytes <= budget) {
      if (fitted.arena.plan.optimal || context.arenaSolver === undefined) return fitted;
      const arena = planStreamed(program, fitted.kernels, context, budget);
      return arena.plan.arenaBytes <= fitted.arena.plan.arenaBytes ? { ...fitted, arena } : fitted;
    }
    goal = least;
  }
}

class FitSearch {
  private readonly program: FusedProgram;
  private readonly context: CompileContext;
  private readonly choices = new Map<string, readonly ScheduleChoice[]>();

  constructor(program: FusedProgram, context: CompileContext) {
    this.program = program;
    this.context = context;
  }

  /** The plan after changes that aim at `goal` bytes; `least`: what the step needs at which no schedule helps, if one does not. */
  run(start: Fitted, goal: number): { readonly fitted: Fitted; readonly least: number } {
    let best = start;
    const failed = new Set<string>();
    for (let changes = 0; changes < mostChanges && best.arena.plan.arenaBytes > goal; changes++) {
      checkCancelled(this.context.token);
      const { step, bytes } = best.arena.plan.peak;
      const kernel = best.kernels[step];
      if (kernel === undefined) break;
      const options = optionsOf(this.program, best, step, this.choicesOf(kernel), this.context);
      const chosen = cheapest(
        options.filter((o) => !failed.has(o.key)),
        bytes - goal,
      );
      if (chosen === undefined) return { fitted: best, least: bytes };
      const next = best.kernels.map((other, k) => (k === step ? chosen.replaced : other));
      const arena = this.plan(next, best, goal);
      if (arena.plan.arenaBytes > best.arena.plan.arenaBytes) failed.add(chosen.key);
      else best = { kernels: next, arena };
    }
    return { fitted: best, least: 0 };
  }

  /** Whether kernels should run in turns is asked again only where some do. */
  private plan(kernels: readonly ScheduledKernel[], before: Fitted, goal: number): ArenaPlan {
    const { context, program } = this;
    if (before.arena.streams.length > 0) return planStreamed(program, kernels, context, goal);
    return planArena(program, kernels, context.token, [], { regions: context.arenaRegions });
  }

  private choicesOf(kernel: ScheduledKernel): readonly ScheduleChoice[] {
    const key = keyOf(kernel);
    const known = this.choices.get(key) ?? choicesOf(kernel, this.context);
    this.choices.set(key, known);
    return known;
  }
}

/** Task and schedule of a kernel. */
function keyOf({ task, config }: ScheduledKernel): string {
  return `${task.key} ${JSON.stringify(config)}`;
}

interface Option {
  readonly key: string;
  readonly replaced: ScheduledKernel;
  /** Bytes that its step needs less. */
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
    withoutScratch.has(name) ? [] : values.flatMap((value) => unrolled(space, { ...kernel.config, [name]: value })),
  );
  return configs.flatMap((config): ScheduleChoice[] => {
    const lowered = space.isValid(config) ? backend.lower(kernel.step.fused, target, config) : undefined;
    return lowered?.ok === true ? [{ config, cost: estimateOperations(lowered.value.body) }] : [];
  });
}

/** A schedule, and the same with the inner loop's next longer body: smaller blocks leave room for more steps a turn. */
function unrolled(space: ScheduleSpace, config: ScheduleConfig): readonly ScheduleConfig[] {
  const unroll = Number(config['unroll'] ?? 0);
  const values = space.knobs.find((k) => k.name === 'unroll')?.values ?? [];
  const longer = values.map(Number).filter((v) => unroll > 0 && v > unroll);
  return [config, ...(longer.length > 0 ? [{ ...config, unroll: Math.min(...longer) }] : [])];
}

/** The cheapest (first) of those that differ in knobs without effect on memory. */
function fastestOfEach(choices: readonly ScheduleChoice[]): readonly ScheduleChoice[] {
  const found = new Map<string, ScheduleChoice>();
  for (const choice of choices) {
    const key = scratchKey(choice.config);
    if (!found.has(key)) found.set(key, choice);
  }
  return [...found.values()];
}

/** Equal for schedules that differ in knobs without effect on memory. */
export function scratchKey(config: ScheduleConfig): string {
  return JSON.stringify(
    Object.entries(config)
      .filter(([name]) => !withoutScratch.has(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Schedules under which the kernel at `step` needs less memory: scratch, and inputs that its outputs cannot overwrite. */
function optionsOf(
  program: FusedProgram,
  { kernels, arena }: Fitted,
  step: number,
  choices: readonly ScheduleChoice[],
  context: CompileContext,
): readonly Option[] {
  const kernel = kernels[step];
  if (kernel === undefined) return [];
  const { backend, target } = context;
  const space = backend.spaceOf(kernel.task, target);
  const own = configKey(kernel.config);
  const now = choices.find((c) => configKey(c.config) === own)?.cost ?? Math.min(...choices.map((c) => c.cost));
  const streamed = arena.streams.some((s) => s.first <= step && step <= s.last);
  const needs = (replaced: ScheduledKernel): number => {
    if (streamed) return scratchBytes(replaced.lowered);
    const list = kernels.map((other, k) => (k === step ? replaced : other));
    return liveBytes(arenaProblem(program, list, arena.streams)).find((s) => s.step === step)?.bytes ?? 0;
  };
  const before = needs(kernel);
  return choices.flatMap(({ config, cost }): Option[] => {
    if (!space.isValid(config)) return [];
    const lowered = backend.lower(kernel.step.fused, target, config);
    if (!lowered.ok) return [];
    const flags = context.preset === 'size' ? kernel.lowered.flags : lowered.value.flags;
    const replaced = { ...kernel, config, lowered: { ...lowered.value, flags } };
    const saved = before - needs(replaced);
    if (saved <= 0) return [];
    return [{ key: `${step} ${keyOf(replaced)}`, replaced, saved, loss: (cost - now) / Math.max(1, now) }];
  });
}

/** Bytes of a kernel's working memory. */
export function scratchBytes(kernel: LoweredKernel): number {
  return kernel.scratch.reduce((sum, b) => sum + b.length * elementBytes(b.dtype), 0);
}
