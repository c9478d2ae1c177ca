/** Definition, references and highlights of the name at a place. */
import { LineIndex, type Span, type TextRange } from '../../../compiler/src/base/span.ts';
import type { Symbol } from '../../../compiler/src/check/result.ts';
import type { MetaRef } from '../../../compiler/src/syntax/tree.ts';
import { walkTree } from '../../../compiler/src/syntax/walk.ts';
import { declarationSpan, definitionSpan, dimensionsNamed, occurrenceAt, pathAt, type Occurrence } from '../locate.ts';
import { rangeOf, type CheckedSnapshot, type Snapshot } from '../snapshot.ts';
import { operatorDocumentation } from '../virtualDocuments.ts';
import { declarationOf, sharedNameOf, type FileByUri, type SharedName } from './declared.ts';
import { metadataEntry } from './metadataEntries.ts';

export interface Target {
  /** The name at the asked place. */
  readonly origin: TextRange;
  /** The file that the ranges below are in; the asked one where absent. */
  readonly file?: Pick<Snapshot, 'uri' | 'lines'>;
  /** The whole definition. */
  readonly full: TextRange;
  /** Its name. */
  readonly name: TextRange;
}

/**
 * Where the name at `offset` is introduced: in this file, in one that it imports, or in the prelude; for a reference to
 * the metadata section its entry; for an operator the page about it.
 */
export function definition(
  snapshot: CheckedSnapshot,
  offset: number,
  byUri: FileByUri = () => undefined,
): Target | undefined {
  const found = occurrenceAt(snapshot, offset);
  if (!found) return entryAt(snapshot, offset);
  const origin = rangeOf(snapshot, found.span);
  const here = declarationIn(snapshot, found);
  if (here) return { origin, ...here };
  if (found.symbol.kind === 'operator') return { origin, ...operatorPage(found.symbol.operator.name) };
  const shared = sharedNameOf(found.symbol);
  const elsewhere = shared && declarationOf(snapshot, shared, byUri);
  return elsewhere && { origin, ...elsewhere };
}

/** The page about an operator, from its start. */
function operatorPage(name: string): Omit<Target, 'origin'> {
  const start = { start: 0, end: 0 };
  return { file: { uri: operatorDocumentation(name), lines: new LineIndex('') }, full: start, name: start };
}

/** The declaration of a name in its own file. */
function declarationIn(
  snapshot: CheckedSnapshot,
  { symbol, within }: Occurrence,
): { readonly full: TextRange; readonly name: TextRange } | undefined {
  if (symbol.kind === 'dimVar') {
    const first = within && dimensionsNamed(within, symbol.name)[0];
    return first && { full: rangeOf(snapshot, first.span), name: rangeOf(snapshot, first.span) };
  }
  const name = declarationSpan(symbol);
  const full = definitionSpan(symbol);
  return name && full ? { full: rangeOf(snapshot, full), name: rangeOf(snapshot, name) } : undefined;
}

/** The reference to the metadata section at an offset. */
function metaAt(snapshot: Snapshot, offset: number): MetaRef | undefined {
  return pathAt(snapshot, offset).findLast((node): node is MetaRef => node.kind === 'meta');
}

function entryAt(snapshot: CheckedSnapshot, offset: number): Target | undefined {
  const reference = metaAt(snapshot, offset);
  const entry = reference && metadataEntry(snapshot, reference.key, reference.index);
  return entry && { origin: rangeOf(snapshot, reference.span), full: entry, name: entry };
}

export interface Reference {
  readonly range: TextRange;
  readonly declares: boolean;
}

/** Every place in this file that means the same as the name at `offset`, in the order of the text. */
export function references(snapshot: CheckedSnapshot, offset: number): readonly Reference[] {
  const found = occurrenceAt(snapshot, offset);
  if (found) return occurrencesOf(snapshot, found.symbol, found.within);
  const reference = metaAt(snapshot, offset);
  return reference ? metaReferences(snapshot, reference) : [];
}

/** Every reference to the same entry of the metadata section. */
function metaReferences(snapshot: Snapshot, { key, index }: MetaRef): readonly Reference[] {
  const found: Reference[] = [];
  walkTree(snapshot.tree, (node) => {
    if (node.kind === 'meta' && node.key === key && node.index === index)
      found.push({ range: rangeOf(snapshot, node.span), declares: false });
  });
  return found;
}

/** Every place that introduces or uses a symbol; a named dimension only `within` its function. */
export function occurrencesOf(
  snapshot: CheckedSnapshot,
  symbol: Symbol,
  within?: Occurrence['within'],
): readonly Reference[] {
  const declared = declarationSpan(symbol);
  const seen = new Map<number, Reference>();
  const add = (span: Span, declares: boolean): void => {
    const range = rangeOf(snapshot, span);
    if (!seen.has(range.start)) seen.set(range.start, { range, declares });
  };
  if (declared) add(declared, true);
  if (within && (symbol.kind === 'dimVar' || symbol.kind === 'typeParam')) {
    const name = symbol.kind === 'dimVar' ? symbol.name : symbol.name.text;
    dimensionsNamed(within, name).forEach((node, i) => add(node.span, symbol.kind === 'dimVar' && i === 0));
  }
  if (symbol.kind !== 'dimVar') for (const span of snapshot.check.referencesTo(symbol)) add(span, false);
  return [...seen.values()].sort((a, b) => a.range.start - b.range.start);
}

/** The places in a file that mean a name of another file, where the file sees that very declaration. */
export function sharedOccurrences(snapshot: CheckedSnapshot, shared: SharedName): readonly Reference[] {
  return occurrencesOf(snapshot, symbolNamed(snapshot, shared));
}

/** The symbol that the shared name is in this file, with its definition when that is here. */
function symbolNamed(snapshot: CheckedSnapshot, { kind, name }: SharedName): Symbol {
  for (const definition of snapshot.tree.definitions.toReversed()) {
    if (kind === 'global' && definition.kind === 'def' && definition.name.text === name)
      return { kind, name, definition };
    if (definition.kind !== 'type') continue;
    if (kind === 'adt' && definition.name.text === name) return { kind, name, definition };
    const constructor = kind === 'constructor' && definition.constructors?.find((c) => c.name.text === name);
    if (constructor) return { kind: 'constructor', name, adt: definition.name.text, definition: constructor };
  }
  return kind === 'constructor'
    ? { kind, name, adt: '', definition: undefined }
    : { kind, name, definition: undefined };
}
