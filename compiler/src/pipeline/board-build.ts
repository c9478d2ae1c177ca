/**
 * A program as it is built for a board: with the best records, within the board's memory. Builds, deployment, tuning and
 * previews compile by this one rule, so that the C that is looked at is the C that is built.
 */
import { checkCancelled, neverCancelled } from '../base/cancellation.ts';
import type { IntegerSolver } from '../memory/integer-program.ts';
import { arenaCapacity, arenaRegions, type BoardMemory } from '../memory/regions.ts';
import type { CompileResult } from '../passes/fuse.ts';
import { unusedNotice, type RecordDigest } from '../records/best.ts';
import type { TuningTask } from '../schedule/task.ts';
import type { Target } from '../targets/target.ts';
import { backend as wholeBackend } from './backend.ts';
import { lowerTo, type CompileRequest } from './compile.ts';
import type { Backend, ScheduleChoice, ScheduledKernel } from './context.ts';
import { stages, type StageName } from './stages.ts';
import type { CompileState } from './state.ts';

/** A program and what is asked of its build; records and memory say the rest. */
export type ProgramRequest = Omit<CompileRequest, 'configFor' | 'choicesFor' | 'arenaRegions' | 'arenaSolver'>;

export interface BoardBuild {
  readonly records: Pick<RecordDigest, 'best'>;
  /** Undefined: memory without end. */
  readonly memory: BoardMemory | undefined;
  /** Plans the arena exactly where the search leaves a gap. */
  readonly solver?: IntegerSolver | undefined;
}

/** Runs the stages up to `last` as a build for the board does. Fails as `lowerTo`. */
export function lowerForBoard(
  program: ProgramRequest,
  build: BoardBuild,
  last: StageName,
): CompileResult<CompileState> {
  const request = requestFor(program, build);
  // The plan may ask for other schedules than the fastest: up to it, earlier stages are no stages of the build.
  const place = (name: StageName): number => stages.findIndex((stage) => stage.name === name);
  if (place(last) < place('scheduled')) return lowerTo(request, last);
  const reach = place(last) < place('planned') ? 'planned' : last;
  const lowered = lowerTo(request, reach);
  const capacity = (build.memory && arenaCapacity(build.memory)) ?? Infinity;
  if (!lowered.ok || typeof program.arenaBudget === 'number') return lowered;
  if ((lowered.value.arena?.plan.arenaBytes ?? 0) <= capacity) return lowered;
  checkCancelled(program.token ?? neverCancelled);
  return lowerTo({ ...request, arenaBudget: Math.max(1, capacity) }, reach);
}

/** What the compiler is asked for: the program with its records and its board's memory. */
function requestFor(program: ProgramRequest, { records: { best }, memory, solver }: BoardBuild): CompileRequest {
  const choicesFor = usableChoices(best, program.backend ?? wholeBackend, program.target);
  return {
    // Tuned schedules shall not take more memory than untuned ones, unless more is granted.
    ...(Object.keys(best).length > 0 ? { arenaBudget: 'untuned' as const } : {}),
    ...(memory === undefined ? {} : { arenaRegions: arenaRegions(memory) }),
    ...(solver === undefined ? {} : { arenaSolver: solver }),
    ...program,
    choicesFor,
    configFor: (task) => choicesFor(task)[0]?.config,
  };
}

/** The recorded choices of a task that are points of its space as it is now; files are edited, templates change. */
function usableChoices(
  best: RecordDigest['best'],
  backend: Backend,
  target: Target,
): (task: TuningTask) => readonly ScheduleChoice[] {
  const known = new Map<string, readonly ScheduleChoice[]>();
  return (task) => {
    const recorded = Object.hasOwn(best, task.key) ? best[task.key] : undefined;
    if (recorded === undefined) return [];
    let usable = known.get(task.key);
    if (usable === undefined) {
      const space = backend.spaceOf(task, target);
      usable = recorded.choices.filter((c) => c.template === space.template && space.isValid(c.config));
      known.set(task.key, usable);
    }
    return usable;
  };
}

/** What to say of records that a build did not use, as `unusedNotice` has it. */
export function noticeOf(
  records: RecordDigest,
  kernels: readonly ScheduledKernel[],
  { backend, target }: Pick<ProgramRequest, 'backend' | 'target'>,
  remedy?: string,
): string | undefined {
  const choicesFor = usableChoices(records.best, backend ?? wholeBackend, target);
  return unusedNotice(
    records,
    kernels.map(({ task }) => ({ task: task.key, usable: choicesFor(task).length })),
    remedy,
  );
}
