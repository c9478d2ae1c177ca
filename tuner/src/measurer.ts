/** What measures candidates: compiled, loaded and run on a board in real use, a formula in tests. */
import type { Cost, KernelBytes } from '../../compiler/src/records/objective.ts';
import type { Verdict } from '../../compiler/src/records/record.ts';
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import type { Result } from '../../compiler/src/base/result.ts';
import type { LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import type { ScheduleConfig, TuningTask } from '../../compiler/src/schedule/task.ts';

/** A point of a task's space and the kernel made from it, or why there is none. */
export interface Candidate {
  readonly config: ScheduleConfig;
  readonly kernel: Result<LoweredKernel>;
  /** The program calls the kernel at several places, which share its code. */
  readonly shared?: boolean;
}

export interface Trial {
  readonly config: ScheduleConfig;
  readonly verdict: Verdict;
  readonly cost: Cost | null;
  /** Cycles by the board's model, where they were asked for. */
  readonly cycles?: Cost;
  /** Bytes of flash that the kernel takes; absent when it was not linked. */
  readonly bytes?: KernelBytes;
  readonly detail?: string;
  /** Hash of the emitted C and its flags; empty when nothing was emitted. */
  readonly kernel: string;
  readonly flags: readonly string[];
}

/** A batch that is compiled and linked. */
export interface Prepared {
  /**
   * Runs every candidate and hands over each trial as soon as it is known, so that a kill loses none. Fails only when
   * the board cannot be had or the token is cancelled.
   */
  run(token: CancellationToken, onTrial: (trial: Trial) => void): Promise<Result<void>>;
}

/** Seconds spent in each part of the trials so far. */
export interface Parts {
  propose: number;
  lower: number;
  compile: number;
  load: number;
  run: number;
}

export interface Measurer {
  /** Facts for records. */
  readonly board: string;
  readonly compiler: string;
  readonly clock: number | null;
  readonly seed: number;
  /** Compiles a batch of one task. While it does, an earlier batch may run. Fails when it was cancelled. */
  prepare(
    task: TuningTask,
    candidates: readonly Candidate[],
    parts: Parts,
    token: CancellationToken,
  ): Promise<Result<Prepared>>;
  close(): Promise<void>;
}
