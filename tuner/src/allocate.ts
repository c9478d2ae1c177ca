/** Which task the next trials are spent on: the one where they are expected to save most of the whole program. */

export interface TaskProgress {
  /** Tasks of one template do work of one kind. */
  readonly template: string;
  /** How often the task occurs in the program. */
  readonly weight: number;
  /** Multiply–accumulates (at least 1). */
  readonly work: number;
  /** Trials spent so far. */
  readonly trials: number;
  /** Least cost found; undefined before any success. */
  readonly best: number | undefined;
  /** Trials spent since the best was found. */
  readonly sinceBest: number;
  readonly exhausted: boolean;
}

/** A task with this few trials is served before any other. */
const FIRST_TRIALS = 1;

/** Share of a task's cost that may still be saved even when no other task of its template does its work cheaper. */
const LEAST_POTENTIAL = 0.3;

/**
 * Index of the task to go on with; undefined when every space is used up. The expected gain is the task's share of
 * the cost, times how far it lies above the best cost a unit of work that any task of its template reached, and falls with the trials
 * that brought nothing.
 */
export function nextTask(tasks: readonly TaskProgress[]): number | undefined {
  let chosen: number | undefined;
  let largest = Number.NEGATIVE_INFINITY;
  const reachable = new Map<string, number>();
  for (const { template, best, work } of tasks)
    if (best !== undefined) reachable.set(template, Math.min(reachable.get(template) ?? Infinity, best / work));
  for (const [index, task] of tasks.entries()) {
    if (task.exhausted) continue;
    const gain = expectedGain(task, reachable.get(task.template) ?? 0);
    if (gain > largest) {
      largest = gain;
      chosen = index;
    }
  }
  return chosen;
}

function expectedGain(task: TaskProgress, reachable: number): number {
  if (task.trials < FIRST_TRIALS) return Number.POSITIVE_INFINITY;
  // Nothing works yet: its cost is unknown, so it is explored like a task that could save everything, for a while.
  if (task.best === undefined) return Number.MAX_VALUE / (1 + task.trials) ** 4;
  const potential =
    LEAST_POTENTIAL + (1 - LEAST_POTENTIAL) * Math.max(0, 1 - (reachable * task.work) / Math.max(task.best, 1));
  return (task.weight * task.best * potential) / (4 + task.trials + 2 * task.sinceBest);
}
