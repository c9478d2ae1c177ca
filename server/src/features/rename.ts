/** Rename: what may be renamed, and the edits. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import { fail, ok, type Result } from '../../../compiler/src/base/result.ts';
import { noWorse, tryEdits } from '../../../compiler/src/check/repairs/verify.ts';
import type { CheckResult, Symbol } from '../../../compiler/src/check/result.ts';
import type { GraphRef, LocalRef, Node } from '../../../compiler/src/syntax/tree.ts';
import { walkTree } from '../../../compiler/src/syntax/walk.ts';
import { occurrenceAt, symbolText } from '../locate.ts';
import { rangeOf, type CheckedSnapshot } from '../snapshot.ts';
import { replace } from './actions/action.ts';
import { preludeUri } from '../protocol.ts';
import { declarationOf, declaredHere, type FileByUri, type SharedName } from './declared.ts';
import { occurrencesOf, sharedOccurrences } from './navigation.ts';

type LocalName = LocalRef | GraphRef;

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
export function prepareRename(
  snapshot: CheckedSnapshot,
  offset: number,
  byUri: FileByUri = () => undefined,
): Result<RenameTarget> {
  const found = occurrenceAt(snapshot, offset);
  if (!found) return fail('nothing-to-rename', 'There is no name here.');
  const refusal = whyNot(snapshot, found.symbol, byUri);
  if (refusal) return fail('cannot-rename', refusal);
  return ok({ range: rangeOf(snapshot, found.span), placeholder: symbolText(found.symbol) });
}

/** The edits that rename the name at `offset`. `wanted` is taken with or without its sigil. */
export function rename(snapshot: CheckedSnapshot, offset: number, wanted: string): Result<readonly RenameEdit[]> {
  const found = occurrenceAt(snapshot, offset);
  if (!found) return fail('nothing-to-rename', 'There is no name here.');
  const refusal = whyNot(snapshot, found.symbol, () => undefined);
  if (refusal) return fail('cannot-rename', refusal);
  const name = withSigil(found.symbol, wanted.trim());
  if (!name.ok) return name;
  if (clashesWith(snapshot, found.symbol, name.value)) return taken(name.value);
  const places = occurrencesOf(snapshot, found.symbol, found.within);
  const edits = places.map(({ range }) => ({ range: narrowed(snapshot, range), newText: name.value }));
  return changesMeaning(snapshot, found.symbol, edits) ? taken(name.value) : ok(edits);
}

function taken(name: string): Result<never> {
  return fail('name-taken', `${name} is taken already.`, 'Choose another name.');
}

/**
 * The edits in another file that sees the declaration, which `newText` (with its sigil) names from now on. `taken`: the
 * file knows another thing by that name.
 */
export function renameImported(
  snapshot: CheckedSnapshot,
  shared: SharedName,
  newText: string,
  byUri: FileByUri,
): Result<readonly RenameEdit[]> {
  const renamed = { ...shared, name: newText.replace(/^@/, '') };
  if (declaredHere(snapshot, renamed)) return taken(newText);
  const uses = sharedOccurrences(snapshot, shared);
  const clash = declarationOf(snapshot, renamed, byUri) !== undefined;
  if (clash && (uses.length > 0 || sharedOccurrences(snapshot, renamed).length > 0)) return taken(newText);
  return ok(uses.map(({ range }) => ({ range: narrowed(snapshot, range), newText })));
}

/** Spans of dotted or sigil-less names are exact; a range that misses the sigil is widened to take it along. */
function narrowed(snapshot: CheckedSnapshot, range: TextRange): TextRange {
  const before = snapshot.text[range.start - 1];
  const first = snapshot.text[range.start];
  const hasSigil = first === '%' || first === '@';
  return !hasSigil && (before === '%' || before === '@') ? { start: range.start - 1, end: range.end } : range;
}

function whyNot(snapshot: CheckedSnapshot, symbol: Symbol, byUri: FileByUri): string | undefined {
  switch (symbol.kind) {
    case 'operator':
      return `${symbol.operator.name} is an operator of the language.`;
    case 'global':
    case 'constructor':
    case 'adt':
      if (symbol.definition) return undefined;
      if (!declarationOf(snapshot, symbol, byUri)) return `${symbolText(symbol)} is declared elsewhere.`;
      return declarationOf(snapshot, symbol, byUri)?.file.uri === preludeUri
        ? `${symbolText(symbol)} belongs to the prelude.`
        : undefined;
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
      return false;
  }
}

/**
 * Whether after the edits some local or graph name would mean another thing than before, or an error would be new: the
 * edited text is checked, and every name in it looked up again.
 */
function changesMeaning(snapshot: CheckedSnapshot, symbol: Symbol, edits: readonly RenameEdit[]): boolean {
  if (symbol.kind !== 'local' && symbol.kind !== 'graph') return false;
  const textEdits = edits.map(({ range, newText }) => replace(snapshot, range, newText));
  const after = tryEdits(snapshot, textEdits).check;
  if (!noWorse(snapshot.check, after) || doubled(after) > doubled(snapshot.check)) return true;
  const before = meanings(snapshot.check);
  const now = meanings(after);
  return before.length !== now.length || before.some((meaning, i) => meaning !== now[i]);
}

/** For every local or graph name in the order of the text: which node binds it, by number. */
function meanings(check: CheckResult): readonly number[] {
  const numbers = new Map<Node, number>();
  const names: LocalName[] = [];
  walkTree(check.tree, (node) => {
    numbers.set(node, numbers.size);
    if (node.kind === 'local' || node.kind === 'graphref') names.push(node);
  });
  return names.map((node) => {
    const symbol = check.symbolOf(node);
    return symbol?.kind === 'local' || symbol?.kind === 'graph' ? (numbers.get(symbol.definition) ?? -1) : -1;
  });
}

/** How many names are bound twice in one place. */
function doubled(check: CheckResult): number {
  return check.diagnostics.filter(({ code }) => code === 'duplicate-binder' || code === 'graph-number-redefined')
    .length;
}
