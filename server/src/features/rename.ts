/** Rename: what may be renamed, and the edits. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import { fail, ok, type Result } from '../../../compiler/src/base/result.ts';
import type { Symbol } from '../../../compiler/src/check/result.ts';
import { occurrenceAt, symbolText } from '../locate.ts';
import { rangeOf, type CheckedSnapshot } from '../snapshot.ts';
import { occurrencesOf } from './navigation.ts';

export interface RenameTarget {
  readonly range: TextRange;
  /** What the editor offers to change: the name with its sigil. */
  readonly placeholder: string;
}

export interface RenameEdit {
  readonly range: TextRange;
  readonly newText: string;
}

/** The name at `offset`, when it can be renamed; else a failure that says why not. */
export function prepareRename(snapshot: CheckedSnapshot, offset: number): Result<RenameTarget> {
  const found = occurrenceAt(snapshot, offset);
  if (!found) return fail('nothing-to-rename', 'There is no name here.');
  const refusal = whyNot(found.symbol);
  if (refusal) return fail('cannot-rename', refusal);
  return ok({ range: rangeOf(snapshot, found.span), placeholder: symbolText(found.symbol) });
}

/** The edits that rename the name at `offset`. `wanted` is taken with or without its sigil. */
export function rename(snapshot: CheckedSnapshot, offset: number, wanted: string): Result<readonly RenameEdit[]> {
  const found = occurrenceAt(snapshot, offset);
  if (!found) return fail('nothing-to-rename', 'There is no name here.');
  const refusal = whyNot(found.symbol);
  if (refusal) return fail('cannot-rename', refusal);
  const name = withSigil(found.symbol, wanted.trim());
  if (!name.ok) return name;
  const clash = clashesWith(snapshot, found.symbol, name.value);
  if (clash) return fail('name-taken', `${name.value} is taken already.`, 'Choose another name.');
  const places = occurrencesOf(snapshot, found.symbol);
  return ok(places.map(({ range }) => ({ range: narrowed(snapshot, range), newText: name.value })));
}

/** Spans of dotted or sigil-less names are exact; a range that misses the sigil is widened to take it along. */
function narrowed(snapshot: CheckedSnapshot, range: TextRange): TextRange {
  const before = snapshot.text[range.start - 1];
  const first = snapshot.text[range.start];
  const hasSigil = first === '%' || first === '@';
  return !hasSigil && (before === '%' || before === '@') ? { start: range.start - 1, end: range.end } : range;
}

function whyNot(symbol: Symbol): string | undefined {
  switch (symbol.kind) {
    case 'operator':
      return `${symbol.operator.name} is an operator of the language.`;
    case 'global':
    case 'constructor':
    case 'adt':
      return symbol.definition ? undefined : `${symbolText(symbol)} is declared elsewhere.`;
    default:
      return undefined;
  }
}

const identifier = /^[A-Za-z_][\w/]*$/;
const reserved = new Set('let fn def if else type match extern free_var ref ref_read ref_write True False'.split(' '));

function withSigil(symbol: Symbol, wanted: string): Result<string> {
  const sigil = symbol.kind === 'local' || symbol.kind === 'graph' ? '%' : symbol.kind === 'global' ? '@' : '';
  const bare = sigil !== '' && wanted.startsWith(sigil) ? wanted.slice(1) : wanted;
  if (symbol.kind === 'graph')
    return /^\d+$/.test(bare)
      ? ok(`%${Number(bare)}`)
      : fail('bad-name', 'A graph binding is named by a number: %0, %1, …', 'Give a number.');
  if (!identifier.test(bare) || reserved.has(bare))
    return fail('bad-name', `${wanted} is not a name.`, 'Use letters, digits, _ and /, beginning with a letter or _.');
  return ok(sigil + bare);
}

/** Whether the file holds another thing of that name and sort, which the renamed one would be mixed up with. */
function clashesWith(snapshot: CheckedSnapshot, symbol: Symbol, name: string): boolean {
  if (name === symbolText(symbol)) return false;
  const { definitions } = snapshot.tree;
  switch (symbol.kind) {
    case 'global':
      return definitions.some((d) => d.kind === 'def' && `@${d.name.text}` === name);
    case 'adt':
      return definitions.some((d) => d.kind === 'type' && d.name.text === name);
    case 'constructor':
      return definitions.some((d) => d.kind === 'type' && (d.constructors ?? []).some((c) => c.name.text === name));
    default:
      return enclosingText(snapshot, symbol).some((text) => mentions(text, name));
  }
}

/** The text of the definitions in which a local name is used: no other name like it may stand there. */
function enclosingText(snapshot: CheckedSnapshot, symbol: Symbol): readonly string[] {
  const places = occurrencesOf(snapshot, symbol);
  const texts = snapshot.tree.definitions
    .map((d) => rangeOf(snapshot, d.span))
    .filter((range) => places.some((p) => range.start <= p.range.start && p.range.end <= range.end))
    .map((range) => snapshot.text.slice(range.start, range.end));
  return texts.length > 0 ? texts : [snapshot.text];
}

function mentions(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const before = text[at - 1] ?? ' ';
    const after = text[at + name.length] ?? ' ';
    if (!/[\w/]/.test(after) && (name.startsWith('%') || name.startsWith('@') || !/[\w/.%@]/.test(before))) return true;
  }
  return false;
}
