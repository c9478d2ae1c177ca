/** What a search strategy is: it proposes points of one task's space and learns from what they cost. */
import type { ScheduleConfig, ScheduleSpace } from '../../compiler/src/schedule/task.ts';

/** A measured (or failed) point. */
export interface Observation {
  readonly config: ScheduleConfig;
  /** Cost in the board's unit, bytes paid for; undefined when the candidate failed. */
  readonly cost: number | undefined;
}

/**
 * What tasks with the same template have taught: features, and how a point compares with the one that its task starts from.
 * That carries over: tasks differ in what a unit of work costs, less in what a knob saves of it.
 */
export interface Experience {
  readonly template: string;
  readonly features: readonly number[];
  /** As `gainOf` has it. */
  readonly target: number;
  readonly task: string;
}

/** A cost beside the start's, as a logarithm: what a point gains (below 0) or loses. */
export function gainOf(cost: number, start: number): number {
  return Math.log(Math.max(cost, 1) / Math.max(start, 1));
}

export interface SearchContext {
  readonly task: string;
  readonly space: ScheduleSpace;
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
