/** What compiling needs beside the text, and what becomes of its kernels. */
import type { CancellationToken } from '../base/cancellation.ts';
import type { LoweredKernel } from '../loops/kernel.ts';
import type { KernelStep } from '../passes/program.ts';
import type { ScheduleConfig, Scheduler, TuningTask } from '../schedule/task.ts';
import type { Target } from '../targets/target.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import type { KernelBytes } from '../records/objective.ts';
import type { IntegerSolver } from '../memory/integer-program.ts';

/** The backend as the pipeline sees it. */
export interface Backend extends Scheduler {
  /** The tuning task that a fused function is. */
  taskOf(fused: KernelStep['fused'], target: Target): TuningTask;
}

/** A schedule of a kernel and what it costs, in any unit that is one for all schedules of the task. */
export interface ScheduleChoice {
  readonly config: ScheduleConfig;
  readonly cost: number;
  /** Flash that the kernel takes, where it was measured. */
  readonly bytes?: KernelBytes | undefined;
}

export interface CompileContext {
  readonly target: Target;
  readonly backend: Backend;
  /** Name of the program in C: letters, digits, underscores. */
  readonly name: string;
  readonly params: ReadonlyMap<string, NDArray> | undefined;
  /** The best known configuration of a task, from tuning records; undefined: the heuristic's choice. */
  readonly configFor: (task: TuningTask) => ScheduleConfig | undefined;
  /** All measured configurations of a task, the cheapest first; empty without records. */
  readonly choicesFor: (task: TuningTask) => readonly ScheduleChoice[];
  /**
   * Bytes that the arena should not exceed: kernels then take schedules with less scratch memory. `untuned`: as many as
   * without records. Undefined: the fastest schedules, whatever they take.
   */
  readonly arenaBudget: number | 'untuned' | undefined;
  /** What a byte of flash is worth, as a part of the program's time; 0: the fastest schedules, whatever they take. */
  readonly codePrice: number;
  /** Bytes of code that recorded schedules may come to; the untuned ones' where they take more. Infinity: any number. */
  readonly codeLimit: number;
  /** Kernels may run in turns, some rows each, where that makes the arena smaller. */
  readonly inTurns: boolean;
  /** Bytes that each memory region has for the arena, the first choice first; none: one region without end. */
  readonly arenaRegions?: readonly number[] | undefined;
  /** Plans the arena exactly where the search leaves a gap. */
  readonly arenaSolver?: IntegerSolver | undefined;
  /** Names of passes that are left out. */
  readonly withoutPasses: readonly string[];
  readonly token: CancellationToken;
  /** `size`: the least code. */
  readonly preset: Preset;
  /** Path of the source for `#line` directives; undefined: none are written. */
  readonly lineFile: string | undefined;
}

export type Preset = 'speed' | 'size';

/** A kernel of the program with the schedule that was chosen for it. */
export interface ScheduledKernel {
  readonly step: KernelStep;
  readonly task: TuningTask;
  readonly template: string;
  readonly config: ScheduleConfig;
  /** `tuned` from records, `default` by the heuristic. */
  readonly choice: 'tuned' | 'default';
  readonly lowered: LoweredKernel;
}
