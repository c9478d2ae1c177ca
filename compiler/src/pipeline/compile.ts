/** The whole way from text to C, for builds, deployment and tuning. */
import { neverCancelled } from '../base/cancellation.ts';
import type { CancellationToken } from '../base/cancellation.ts';
import { ok } from '../base/result.ts';
import type { CheckResult } from '../check/result.ts';
import type { EmittedModule } from '../emit/module.ts';
import type { IRModule } from '../ir/expr.ts';
import { refuse } from '../passes/fuse.ts';
import type { CompileResult } from '../passes/fuse.ts';
import type { FusedProgram } from '../passes/program.ts';
import type { ScheduleConfig, TuningTask } from '../schedule/task.ts';
import type { Target } from '../targets/target.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { decodeParams } from '../tensor/params.ts';
import type { ArenaPlan } from './arena.ts';
import { backend } from './backend.ts';
import type { Backend, CompileContext, Preset, ScheduleChoice, ScheduledKernel } from './context.ts';
import type { IntegerSolver } from '../memory/integer-program.ts';
import { codePriceIn } from './light-kernels.ts';
import { reportOf } from './report.ts';
import type { BuildReport } from './report.ts';
import { passes } from './simplification.ts';
import { runStages } from './stages.ts';
import type { StageName } from './stages.ts';
import type { CompileState } from './state.ts';
import { defaultCodeLimit } from './tuned-kernels.ts';

export interface CompileRequest {
  readonly text: string;
  /** A parameter file's bytes, or its tensors. */
  readonly params?: Uint8Array | ReadonlyMap<string, NDArray>;
  readonly target: Target;
  /** The program's name in C; a file's stem. Default `model`. */
  readonly name?: string;
  /** The best recorded configuration of a task. */
  readonly configFor?: (task: TuningTask) => ScheduleConfig | undefined;
  /** All measured configurations of a task, the cheapest first, to choose from where memory is scarce. */
  readonly choicesFor?: (task: TuningTask) => readonly ScheduleChoice[];
  /** Bytes that the arena should not exceed, or `untuned`: as many as without records. The report tells what came of it. */
  readonly arenaBudget?: number | 'untuned';
  /**
   * What a byte of flash is worth, as a part of the program's time; by default as `codePriceIn`
   * says, with `defaultCodeLimit`. 0: the fastest schedules, whatever they take.
   */
  readonly codePrice?: number | undefined;
  /**
   * Whether kernels may run in turns, some rows each, where that makes the arena smaller; by default unless the least code
   * is wanted and the arena has no limit.
   */
  readonly inTurns?: boolean;
  /** Bytes that each memory region has for the arena, the first choice first; by default one region without end. */
  readonly arenaRegions?: readonly number[] | undefined;
  /** Plans the arena exactly where the search leaves a gap. */
  readonly arenaSolver?: IntegerSolver | undefined;
  /** Passes that are left out, by name (`constant-channels`). Fails with `unknown-pass` when there is no such pass. */
  readonly withoutPasses?: readonly string[];
  readonly backend?: Backend;
  /** What schedules aim at; default `speed`. `size` takes the least code. */
  readonly preset?: Preset;
  /** Writes `#line` directives that name this file, as a debugger shall find it. */
  readonly lineFile?: string;
  readonly token?: CancellationToken;
}

export interface CompiledModel {
  readonly check: CheckResult;
  /** The checked program with its parameters bound: what the evaluator runs as the reference. */
  readonly typed: IRModule;
  readonly program: FusedProgram;
  readonly kernels: readonly ScheduledKernel[];
  readonly arena: ArenaPlan;
  readonly emitted: EmittedModule;
  readonly report: BuildReport;
}

/**
 * Runs the stages up to `last` for a preview. Failures name what cannot be compiled and where (`origin`); spans are
 * resolved by the anchors of the checked tree.
 */
export function lowerTo(request: CompileRequest, last: StageName): CompileResult<CompileState> {
  const context = contextOf(request);
  return context.ok ? runStages(request.text, context.value, last) : context;
}

/** Compiles a program to C. */
export function compileModel(request: CompileRequest): CompileResult<CompiledModel> {
  const lowered = lowerTo(request, 'c');
  return lowered.ok ? ok(modelOf(lowered.value, request)) : lowered;
}

/** The model of a state that has reached C, with its report. */
export function modelOf(state: CompileState, { name, target }: Pick<CompileRequest, 'name' | 'target'>): CompiledModel {
  const { check, typed, program, kernels, arena, emitted } = state;
  if (!check || !typed || !program || !kernels || !arena || !emitted) throw new Error('a stage left its part out');
  const report = reportOf(name ?? 'model', target.name, program, kernels, arena, emitted);
  return { check, typed, program, kernels, arena, emitted, report };
}

function contextOf(request: CompileRequest): CompileResult<CompileContext> {
  let params: ReadonlyMap<string, NDArray> | undefined;
  if (request.params instanceof Uint8Array) {
    const decoded = decodeParams(request.params);
    if (!decoded.ok) return refuse([], decoded.error.code, decoded.error.message, decoded.error.remedy);
    params = decoded.value;
  } else params = request.params;
  const withoutPasses = request.withoutPasses ?? [];
  const unknown = withoutPasses.find((name) => !passes.some((p) => p.name === name));
  if (unknown !== undefined) {
    const names = passes.map((p) => p.name).join(', ');
    return refuse([], 'unknown-pass', `There is no pass '${unknown}'.`, `Passes: ${names}.`);
  }
  return ok({
    withoutPasses,
    choicesFor: request.choicesFor ?? (() => []),
    arenaBudget: request.arenaBudget,
    codePrice: codePriceIn(request),
    codeLimit: request.codePrice === undefined && request.preset !== 'size' ? defaultCodeLimit : Infinity,
    // Turns take some hundred bytes of calls, which the least code goes without unless memory is limited.
    inTurns: request.inTurns ?? (request.preset !== 'size' || typeof request.arenaBudget === 'number'),
    arenaSolver: request.arenaSolver,
    arenaRegions: request.arenaRegions,
    target: request.target,
    backend: request.backend ?? backend,
    name: request.name ?? 'model',
    params,
    configFor: request.configFor ?? (() => undefined),
    token: request.token ?? neverCancelled,
    preset: request.preset ?? 'speed',
    lineFile: request.lineFile,
  });
}
