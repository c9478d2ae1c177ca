/** How much working memory kernels may have, so that a search need not measure what no build would take. */
import { liveBytes } from '../memory/problem.ts';
import { arenaProblem } from './arena.ts';
import type { CompiledModel } from './compile.ts';
import { scratchBytes } from './fit-arena.ts';

/**
 * Bytes of scratch memory that each kernel may have with an arena of `budget` bytes, by default the program's own: what it
 * has, and what is free while it runs.
 */
export function scratchAllowances(
  { program, kernels, arena }: Pick<CompiledModel, 'program' | 'kernels' | 'arena'>,
  budget = arena.plan.arenaBytes,
): readonly number[] {
  const needs = new Map(
    liveBytes(arenaProblem(program, kernels, arena.streams)).map(({ step, bytes }) => [step, bytes]),
  );
  return kernels.map(({ lowered }, step) => scratchBytes(lowered) + Math.max(0, budget - (needs.get(step) ?? budget)));
}
