/** All search strategies; lists and `--strategy` read this table. */
import { fail, ok, type Result } from '../../../compiler/src/base/result.ts';
import type { Strategy } from '../strategy.ts';
import { gridStrategy } from './grid.ts';
import { modelStrategy } from './model.ts';
import { randomStrategy } from './random.ts';

export const strategies: readonly Strategy[] = [modelStrategy, randomStrategy, gridStrategy];

/** The strategy of that name; `unknown-strategy` lists the others. */
export function findStrategy(name: string): Result<Strategy> {
  const found = strategies.find((strategy) => strategy.name === name);
  if (found) return ok(found);
  const names = strategies.map((strategy) => strategy.name).join(', ');
  return fail('unknown-strategy', `There is no search strategy named \`${name}\`.`, `Choose one of: ${names}.`);
}
