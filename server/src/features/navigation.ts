/** Definition, references and highlights of the name at a place. */
import type { Span, TextRange } from '../../../compiler/src/base/span.ts';
import type { Symbol } from '../../../compiler/src/check/result.ts';
import { declarationSpan, definitionSpan, occurrenceAt } from '../locate.ts';
import { rangeOf, type CheckedSnapshot } from '../snapshot.ts';

export interface Target {
  /** The name at the asked place. */
  readonly origin: TextRange;
  /** The whole definition. */
  readonly full: TextRange;
  /** Its name. */
  readonly name: TextRange;
}

/** Where the name at `offset` is introduced; undefined for operators and what other files declare. */
export function definition(snapshot: CheckedSnapshot, offset: number): Target | undefined {
  const found = occurrenceAt(snapshot, offset);
  if (!found) return undefined;
  const name = declarationSpan(found.symbol);
  const full = definitionSpan(found.symbol);
  if (!name || !full) return undefined;
  return { origin: rangeOf(snapshot, found.span), full: rangeOf(snapshot, full), name: rangeOf(snapshot, name) };
}

export interface Reference {
  readonly range: TextRange;
  readonly declares: boolean;
}

/** Every place in this file that means the same as the name at `offset`, in the order of the text. */
export function references(snapshot: CheckedSnapshot, offset: number): readonly Reference[] {
  const found = occurrenceAt(snapshot, offset);
  return found ? occurrencesOf(snapshot, found.symbol) : [];
}

/** Every place that introduces or uses a symbol. */
export function occurrencesOf(snapshot: CheckedSnapshot, symbol: Symbol): readonly Reference[] {
  const declared = declarationSpan(symbol);
  const seen = new Map<number, Reference>();
  const add = (span: Span, declares: boolean): void => {
    const range = rangeOf(snapshot, span);
    if (!seen.has(range.start)) seen.set(range.start, { range, declares });
  };
  if (declared) add(declared, true);
  for (const span of snapshot.check.referencesTo(symbol)) add(span, false);
  return [...seen.values()].sort((a, b) => a.range.start - b.range.start);
}
