/** All diagnostics of the checker, for documentation, hover and tests. */
import { adviceEntries } from './catalogue/advice.ts';
import type { CatalogueEntry } from './catalogue/entry.ts';
import { nameEntries } from './catalogue/names.ts';
import { patternEntries } from './catalogue/patterns.ts';
import { formEntries } from './catalogue/syntax-forms.ts';
import { textEntries } from './catalogue/syntax-text.ts';
import { rangeEntries } from './catalogue/ranges.ts';
import { typeEntries } from './catalogue/types.ts';

export type { CatalogueEntry } from './catalogue/entry.ts';

/** In the order in which documentation shows them. */
export const catalogue: readonly CatalogueEntry[] = [
  ...nameEntries,
  ...typeEntries,
  ...patternEntries,
  ...adviceEntries,
];

/** What is found while reading the text, before anything is known of types. */
export const syntaxCatalogue: readonly CatalogueEntry[] = [...textEntries, ...formEntries];

/** What value ranges prove, in the editor. */
export const rangeCatalogue: readonly CatalogueEntry[] = rangeEntries;

const byCode = new Map([...catalogue, ...syntaxCatalogue, ...rangeCatalogue].map((entry) => [entry.code, entry]));

/** The entry of a code. */
export function catalogueEntry(code: string): CatalogueEntry | undefined {
  return byCode.get(code);
}

/** All codes. */
export function catalogueCodes(): Iterable<string> {
  return byCode.keys();
}
