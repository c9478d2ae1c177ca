/** All diagnostics of the checker, for documentation, hover and tests. */
import type { CatalogueEntry } from './catalogue/entry.ts';
import { nameEntries } from './catalogue/names.ts';
import { patternEntries } from './catalogue/patterns.ts';
import { typeEntries } from './catalogue/types.ts';

export type { CatalogueEntry } from './catalogue/entry.ts';

/** In the order in which documentation shows them. */
export const catalogue: readonly CatalogueEntry[] = [...nameEntries, ...typeEntries, ...patternEntries];

/** The entry of a code. */
export function catalogueEntry(code: string): CatalogueEntry | undefined {
  return catalogue.find((entry) => entry.code === code);
}
