/**
 * The arena as an integer program, for problems in which placing one after another does not meet the bound. A solver is
 * handed in: it is large and lives outside the compiler.
 */
import { pairsOf } from './problem.ts';
import type { MemoryProblem } from './problem.ts';

/** Solves a program in the LP format of CPLEX; undefined when nothing feasible was found in time. */
export type IntegerSolver = (program: string) =>
  | {
      /** Whether no better solution exists. */
      readonly optimal: boolean;
      readonly values: ReadonlyMap<string, number>;
    }
  | undefined;

/** Pairs of buffers that live together, at most; a solver does not get far with more. */
const mostPairs = 3000;

/**
 * The program in LP format: places in units of each buffer's alignment, and a choice for every pair of buffers that live
 * together. The arena lies between `least` and `most` bytes. Undefined when there are too many pairs.
 */
export function integerProgram(problem: MemoryProblem, least: number, most: number): string | undefined {
  const { buffers } = problem;
  const unit = (i: number): number => Math.max(1, buffers[i]?.align ?? 1);
  const rules: string[] = [];
  const choices: string[] = [];
  const rule = (left: string, sign: '<=' | '>=' | '=', right: number): void => {
    rules.push(` r${rules.length}: ${left} ${sign} ${right}`);
  };
  const choice = (): string => `z${choices.push(`z${choices.length}`) - 1}`;
  buffers.forEach((b, i) => {
    rule(`arena - ${unit(i)} k${i}`, '>=', b.bytes);
  });
  let pairs = 0;
  for (const [i, j, need] of pairsOf(problem)) {
    if (++pairs > mostPairs) return undefined;
    // Offsets lie between 0 and `most`, so that this lets any distance pass.
    const free = 2 * most;
    const distance = `${unit(j)} k${j} - ${unit(i)} k${i}`;
    if (need.exactly === undefined) {
      const z = choice();
      rule(`${distance} - ${free} ${z}`, '>=', need.above - free);
      rule(`${distance} - ${free} ${z}`, '<=', -need.below);
      continue;
    }
    const [above, below, exact] = [choice(), choice(), choice()];
    rule(`${above} + ${below} + ${exact}`, '=', 1);
    rule(`${distance} - ${free} ${above}`, '>=', need.above - free);
    rule(`${distance} + ${free} ${below}`, '<=', free - need.below);
    rule(`${distance} - ${free} ${exact}`, '>=', need.exactly - free);
    rule(`${distance} + ${free} ${exact}`, '<=', free + need.exactly);
  }
  return [
    'Minimize',
    ' arena',
    'Subject To',
    ...rules,
    'Bounds',
    ` ${least} <= arena <= ${most}`,
    ...buffers.map((b, i) => ` 0 <= k${i} <= ${Math.max(0, Math.floor((most - b.bytes) / unit(i)))}`),
    'General',
    ...buffers.map((_, i) => ` k${i}`),
    ...(choices.length > 0 ? ['Binary', ...choices.map((z) => ` ${z}`)] : []),
    'End',
    '',
  ].join('\n');
}

/** Offsets that a solution gives, in bytes. */
export function offsetsOf(problem: MemoryProblem, values: ReadonlyMap<string, number>): number[] {
  return problem.buffers.map((b, i) => Math.round(values.get(`k${i}`) ?? 0) * Math.max(1, b.align));
}

/** Whether the offsets keep all demands; a solver works with floating point. */
export function isPlan(problem: MemoryProblem, offsets: readonly number[]): boolean {
  for (const [i, j, need] of pairsOf(problem)) {
    const distance = (offsets[j] ?? 0) - (offsets[i] ?? 0);
    if (distance < need.above && distance > -need.below && distance !== need.exactly) return false;
  }
  return true;
}
