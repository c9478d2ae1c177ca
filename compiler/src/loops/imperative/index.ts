/** The table of imperative nests, by operator. */
import type { Nest } from './nest.ts';
import { regionNests } from './regions.ts';
import { scatterNests } from './scatter.ts';
import { sortNests } from './sort.ts';
import { sparseNests } from './sparse.ts';
import { suppressionNests } from './suppression.ts';

const nests: ReadonlyMap<string, Nest> = new Map(
  Object.entries({ ...sortNests, ...scatterNests, ...sparseNests, ...suppressionNests, ...regionNests }),
);

/** The loops of an operator that no tensor expression says; undefined where there are none. */
export function nestOf(operator: string): Nest | undefined {
  return nests.get(operator);
}
