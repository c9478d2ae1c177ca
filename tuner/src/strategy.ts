/** What a search strategy is: it proposes points of one task's space and learns from what they cost. */
import type { ScheduleConfig, ScheduleSpace } from '../../compiler/src/schedule/task.ts';

/** A measured (or failed) point. */
export interface Observation {
  readonly config: ScheduleConfig;
  /** Cost in the board's unit; undefined when the candidate failed. */
  readonly cost: number | undefined;
}

/** What tasks with the same template have taught: features and log(cost / work), over all tasks of a session. */
export interface Experience {
  readonly template: string;
  readonly features: readonly number[];
  readonly target: number;
  readonly task: string;
}

export interface SearchContext {
  readonly task: string;
  readonly space: ScheduleSpace;
  /** Multiply–accumulates (at least 1), which makes costs of different tasks comparable. */
  readonly work: number;
  readonly seed: number;
  /** Grows while the session runs. */
  readonly experience: readonly Experience[];
}

export interface Searcher {
  /** Up to `count` points that were not proposed before; fewer, or none, when the space is used up. */
  propose(count: number): ScheduleConfig[];
  /** Results of proposed points, and of points measured in earlier sessions. */
  observe(observations: readonly Observation[]): void;
}

export interface Strategy {
  /** Name that `--strategy` takes. */
  readonly name: string;
  readonly summary: string;
  create(context: SearchContext): Searcher;
}
