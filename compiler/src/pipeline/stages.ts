/**
 * The stages of compilation in one table. The preview, `relay lower`, `relay stages`, documentation and tests list these
 * rows; `compile.ts` runs them.
 */
import { checkCancelled } from '../base/cancellation.ts';
import { ok } from '../base/result.ts';
import { LineIndex, resolveSpan } from '../base/span.ts';
import { check } from '../check/check.ts';
import { emitModule } from '../emit/module.ts';
import type { ModuleSpec } from '../emit/module.ts';
import { elaborate } from '../ir/elaborate.ts';
import { printModule } from '../ir/print.ts';
import type { PrintedLine, PrintedText } from '../ir/print.ts';
import type { LoweredKernel } from '../loops/kernel.ts';
import { lowerGeneric } from '../loops/lower.ts';
import { operatorRegistry } from '../operators/registry.ts';
import { bindParams } from '../passes/bind-params.ts';
import { fuse, refuse } from '../passes/fuse.ts';
import type { CompileFailure, CompileResult } from '../passes/fuse.ts';
import { programModule } from '../passes/program.ts';
import type { FusedProgram } from '../passes/program.ts';
import { parseSource } from '../syntax/parser.ts';
import type { CompileContext, ScheduledKernel } from './context.ts';
import { fitArena, scratchKey, type Fitted } from './fit-arena.ts';
import { lightenKernels } from './light-kernels.ts';
import { orderKernels } from './kernel-order.ts';
import { moduleSpec } from './module-spec.ts';
import { printKernel } from './print-loops.ts';
import { printArena, printEmitted, printRuns, printScheduled } from './print-stages.ts';
import { passContext, runPasses, simplificationOrder } from './simplification.ts';
import { sizeFlags, smallestConfig } from './size-preset.ts';
import type { CompileState } from './state.ts';
import { planStreamed } from './streams.ts';
import { chooseRecorded, isSlower } from './tuned-kernels.ts';

export type StageName = 'source' | 'typed' | 'simplified' | 'fused' | 'loops' | 'scheduled' | 'planned' | 'c';

export interface Stage {
  readonly name: StageName;
  readonly title: string;
  /** One sentence. */
  readonly summary: string;
  /** Language of the printed text, for highlighting. */
  readonly language: 'relay' | 'c' | 'text';
  /** Adds this stage's part to what the stages before it made. */
  run(state: CompileState, context: CompileContext): CompileResult<CompileState>;
  /** The text of a state that has reached this stage; lines know the source spans they stand for. */
  print(state: CompileState): PrintedText;
}

function need<T>(part: T | undefined, name: string): T {
  if (part === undefined) throw new Error(`the stage before did not give ${name}`);
  return part;
}

function textOf(lines: readonly PrintedLine[]): PrintedText {
  return { text: lines.map((l) => `${l.text}\n`).join(''), lines };
}

const source: Stage = {
  name: 'source',
  title: 'Source',
  summary: 'The program as written, parsed and checked.',
  language: 'relay',
  run(state) {
    const tree = parseSource(state.text);
    const result = check(tree);
    const errors = [...tree.errors, ...result.diagnostics].filter((d) => d.severity === 'error');
    const [first] = errors;
    if (first !== undefined) {
      const range = resolveSpan(tree.anchors, first.span);
      const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
      const refused = refuse([first.span], first.code, `${first.message}${more}`, first.remedy);
      return refused.ok ? refused : { ok: false, error: { ...refused.error, range } };
    }
    return ok({ ...state, check: result });
  },
  print: (state) => textOf(state.text.split(/\r\n|\r|\n/).map((text) => ({ text, origin: [] }))),
};

const typed: Stage = {
  name: 'typed',
  title: 'Typed',
  summary: 'The graph with the type of every binding; parameters of a parameter file are bound.',
  language: 'relay',
  run(state, context) {
    const elaborated = elaborate(need(state.check, 'types'));
    if (!elaborated.ok) return refuse([], elaborated.error.code, elaborated.error.message, elaborated.error.remedy);
    const bound = context.params === undefined ? elaborated : bindParams(elaborated.value, context.params);
    if (!bound.ok) return refuse([], bound.error.code, bound.error.message, bound.error.remedy);
    return ok({ ...state, typed: bound.value });
  },
  print: (state) =>
    printModule(need(state.typed, 'the module'), { operators: operatorRegistry, metadata: false, types: true }),
};

const simplified: Stage = {
  name: 'simplified',
  title: 'Simplified',
  summary: 'Functions inlined, constants and batch norms folded, no-ops removed, equal expressions shared.',
  language: 'relay',
  run(state, context) {
    const { module, runs } = runPasses(
      need(state.typed, 'the module'),
      passContext(context.token),
      simplificationOrder.filter((pass) => !context.withoutPasses.includes(pass.name)),
    );
    return ok({ ...state, simplified: module, passes: runs });
  },
  print(state) {
    const body = printModule(need(state.simplified, 'the module'), { operators: operatorRegistry, metadata: false });
    return textOf([...printRuns(state.passes ?? []), ...body.lines]);
  },
};

const fused: Stage = {
  name: 'fused',
  title: 'Fused',
  summary: 'Operators grouped into kernels: one primitive function each, and the order of their calls.',
  language: 'relay',
  run(state, context) {
    const program = fuse(need(state.simplified, 'the module'), passContext(context.token));
    return program.ok ? ok({ ...state, program: program.value }) : program;
  },
  print(state) {
    const program = need(state.program, 'kernels');
    const body = printModule(programModule(program), { operators: operatorRegistry, metadata: false });
    const notes = program.barriers.map((b): PrintedLine => ({ text: `// ${b.message}`, origin: b.origin }));
    return textOf([...body.lines, ...(notes.length > 0 ? [{ text: '', origin: [] }] : []), ...notes]);
  },
};

const loops: Stage = {
  name: 'loops',
  title: 'Loops',
  summary: 'Every kernel as the loop nest that its operators mean, before scheduling.',
  language: 'text',
  run(state, context) {
    const lowered: LoweredKernel[] = [];
    for (const { fused: kernel } of need(state.program, 'kernels').kernels) {
      checkCancelled(context.token);
      const result = lowerGeneric(kernel.name, kernel.func);
      if (!result.ok) return refuse(kernel.func.origin, result.error.code, result.error.message, result.error.remedy);
      lowered.push({ ...result.value, origin: kernel.func.origin });
    }
    return ok({ ...state, loops: lowered });
  },
  print: (state) =>
    textOf(need(state.loops, 'loops').flatMap((kernel) => [...printKernel(kernel), { text: '', origin: [] }])),
};

/** Refuses tensors at the program's edge that C has no type for; kernels refuse their own. */
function narrowFloat({ inputs, outputs }: FusedProgram): ReturnType<typeof refuse> | undefined {
  const found = [...inputs, ...outputs].find((v) => v.dtype === 'float16' || v.dtype === 'bfloat16');
  return found && refuse(found.origin, 'no-narrow-float', `Tensors of ${found.dtype} cannot run on a board.`, 'Cast to float32 first.'); // prettier-ignore
}

const scheduled: Stage = {
  name: 'scheduled',
  title: 'Scheduled',
  summary: 'Every kernel under its best known schedule: blocked, unrolled, packed, on the target’s instructions.',
  language: 'text',
  run(state, context) {
    const narrow = narrowFloat(need(state.program, 'kernels'));
    if (narrow) return narrow;
    const kernels: ScheduledKernel[] = [];
    for (const step of need(state.program, 'kernels').kernels) {
      checkCancelled(context.token);
      const kernel = scheduleKernel(step, context);
      if (!kernel.ok) return kernel;
      kernels.push(kernel.value);
    }
    const light = lightenKernels(kernels, context);
    if (light.every(({ task }) => context.choicesFor(task).length === 0)) return ok({ ...state, kernels: light });
    const untuned = untunedKernels(need(state.program, 'kernels'), context);
    if (!untuned.ok) return untuned;
    return ok({ ...state, kernels: chooseRecorded(light, untuned.value, context) });
  },
  print: (state) => textOf(printScheduled(need(state.kernels, 'scheduled kernels'))),
};

/** The kernel under the recorded configuration, or under the heuristic's where none is recorded or it is outdated. */
function scheduleKernel(step: ScheduledKernel['step'], context: CompileContext): CompileResult<ScheduledKernel> {
  const { backend, target } = context;
  const task = backend.taskOf(step.fused, target);
  const space = backend.spaceOf(task, target);
  if (context.preset === 'size') {
    const config = smallestConfig(space, (c) => backend.lower(step.fused, target, c));
    const lowered = backend.lower(step.fused, target, config);
    if (lowered.ok) {
      const kernel = { ...lowered.value, flags: sizeFlags(lowered.value.flags) };
      return ok({ step, task, template: space.template, config, choice: 'default', lowered: kernel });
    }
  }
  const recorded = context.preset === 'size' ? undefined : context.configFor(task);
  if (recorded !== undefined && space.isValid(recorded)) {
    const lowered = backend.lower(step.fused, target, recorded);
    if (lowered.ok)
      return ok({ step, task, template: space.template, config: recorded, choice: 'tuned', lowered: lowered.value });
  }
  const lowered = backend.lower(step.fused, target, space.default);
  if (!lowered.ok)
    return refuse(
      step.fused.func.origin,
      lowered.error.code,
      `${task.description}: ${lowered.error.message}`,
      lowered.error.remedy,
    );
  return ok({ step, task, template: space.template, config: space.default, choice: 'default', lowered: lowered.value });
}

const planned: Stage = {
  name: 'planned',
  title: 'Planned',
  summary: 'The arena: where each tensor and each kernel’s scratch lies, and how near to the least it is.',
  language: 'text',
  run(state, context) {
    const given = need(state.program, 'kernels');
    const { program, kernels } = orderKernels(given, need(state.kernels, 'scheduled kernels'), context.token);
    const { arenaBudget } = context;
    if (arenaBudget !== 'untuned')
      return ok({ ...state, program, ...fitArena(program, kernels, context, arenaBudget ?? Infinity) });
    const untuned = untunedKernels(program, context);
    if (!untuned.ok) return untuned;
    const arena = planStreamed(program, untuned.value, context);
    const fitted = fitTuned(program, kernels, untuned.value, context, arena.plan.arenaBytes);
    // What records save may be less than what the arena's limit costs.
    const lost = isSlower(fitted.kernels, untuned.value, context);
    return ok({ ...state, program, ...(lost ? { kernels: untuned.value, arena } : fitted) });
  },
  print: (state) => textOf(printArena(need(state.arena, 'the plan'), need(state.kernels, 'scheduled kernels'))),
};

/** The kernels as they are without records. */
function untunedKernels(program: FusedProgram, given: CompileContext): CompileResult<readonly ScheduledKernel[]> {
  const context: CompileContext = { ...given, configFor: () => undefined, choicesFor: () => [] };
  const kernels: ScheduledKernel[] = [];
  for (const step of program.kernels) {
    const kernel = scheduleKernel(step, context);
    if (!kernel.ok) return kernel;
    kernels.push(kernel.value);
  }
  return ok(lightenKernels(kernels, context));
}

/** Fits the arena; where that changes schedules, those of equal memory are weighed anew, for code has its limit as well. */
function fitTuned(
  program: FusedProgram,
  kernels: readonly ScheduledKernel[],
  untuned: readonly ScheduledKernel[],
  context: CompileContext,
  budget: number,
): Fitted {
  const fitted = fitArena(program, kernels, context, budget);
  if (fitted.kernels === kernels) return fitted;
  const kept = new Set([...fitted.kernels, ...untuned].map((k) => `${k.task.key} ${scratchKey(k.config)}`));
  const choicesFor: CompileContext['choicesFor'] = (task) =>
    context.choicesFor(task).filter(({ config }) => kept.has(`${task.key} ${scratchKey(config)}`));
  const weighed = chooseRecorded(fitted.kernels, untuned, { ...context, choicesFor });
  const arena = planStreamed(program, weighed, context, budget);
  return arena.plan.arenaBytes <= fitted.arena.plan.arenaBytes ? { kernels: weighed, arena } : fitted;
}

/** The line of a kernel in the source: that of the first operator it computes. */
function linesOf(state: CompileState, { lineFile }: CompileContext): ModuleSpec['lineOf'] {
  const anchors = state.check?.tree.anchors;
  if (lineFile === undefined || anchors === undefined) return undefined;
  const index = new LineIndex(state.text);
  return ({ origin: [span] }) =>
    span === undefined
      ? undefined
      : { file: lineFile, line: index.position(resolveSpan(anchors, span).start).line + 1 };
}

/** Most statements of the source that stand above one kernel, and characters of each. */
const [mostStatements, mostCharacters] = [4, 100];

/** `line 12: %3 = nn.relu(%2);` for the operators that a kernel computes. */
function statementsOf(state: CompileState): (kernel: ScheduledKernel) => readonly string[] {
  const anchors = state.check?.tree.anchors;
  if (anchors === undefined) return () => [];
  const index = new LineIndex(state.text);
  return ({ lowered: { origin } }) => {
    const places = origin.map((span) => resolveSpan(anchors, span).start);
    const numbers = [...new Set(places.map((at) => index.position(at).line))].sort((a, b) => a - b);
    const lines = numbers.slice(0, mostStatements).map((line) => {
      const start = index.offset({ line, character: 0 });
      const text =
        state.text
          .slice(start, start + 400)
          .split(/\r?\n/)[0]
          ?.trim() ?? '';
      return `line ${line + 1}: ${text.length > mostCharacters ? `${text.slice(0, mostCharacters - 3)}...` : text}`;
    });
    return numbers.length > mostStatements ? [...lines, `and ${numbers.length - mostStatements} more lines`] : lines;
  };
}

const c: Stage = {
  name: 'c',
  title: 'C',
  summary: 'The C sources and the header.',
  language: 'c',
  run(state, context) {
    const program = need(state.program, 'kernels');
    const kernels = need(state.kernels, 'kernels');
    const lineOf = linesOf(state, context);
    const spec = moduleSpec(context.name, program, kernels, need(state.arena, 'the plan'), {
      ...(lineOf === undefined ? {} : { lineOf }),
      statementsOf: statementsOf(state),
      target: context.target.name,
    });
    return ok({ ...state, emitted: emitModule({ ...spec, shareSizes: context.preset === 'size' }) });
  },
  print: (state) => textOf(printEmitted(need(state.emitted, 'C'), need(state.kernels, 'scheduled kernels'))),
};

/** In order; each needs what the ones before it made. */
export const stages: readonly Stage[] = [source, typed, simplified, fused, loops, scheduled, planned, c];

/** The stage of that name. */
export function stageNamed(name: string): Stage | undefined {
  return stages.find((s) => s.name === name);
}

/**
 * Runs the stages up to `last` (included). `loops` is left out when later stages are wanted: they start from the fused
 * program.
 */
export function runStages(text: string, context: CompileContext, last: StageName): CompileResult<CompileState> {
  let state: CompileState = { text };
  for (const stage of stages) {
    if (stage.name === 'loops' && last !== 'loops') continue;
    checkCancelled(context.token);
    const result = stage.run(state, context);
    if (!result.ok) return placed(result.error, state);
    state = result.value;
    if (stage.name === last) break;
  }
  return ok(state);
}

/** A failure with its offsets in the text: spans mean nothing without the tree that this run parsed. */
function placed(error: CompileFailure, state: CompileState): CompileResult<never> {
  const [span] = error.origin;
  if (span === undefined || state.check === undefined || error.range !== undefined) return { ok: false, error };
  return { ok: false, error: { ...error, range: resolveSpan(state.check.tree.anchors, span) } };
}
