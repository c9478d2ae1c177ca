/** Questions about bindings that several actions ask. */
import type { TextRange } from '../../../../compiler/src/base/span.ts';
import type { Symbol } from '../../../../compiler/src/check/result.ts';
import type { Expr, GraphStatement, LetStatement, Node } from '../../../../compiler/src/syntax/tree.ts';
import { walk, walkTree } from '../../../../compiler/src/syntax/walk.ts';
import type { Type } from '../../../../compiler/src/types/type.ts';
import { pathAt } from '../../locate.ts';
import { rangeOf, type CheckedSnapshot } from '../../snapshot.ts';
import { visibleLocals } from '../scope.ts';

export type Binding = LetStatement | GraphStatement;

function symbolOfBinding(binding: Binding): Symbol {
  return binding.kind === 'graph'
    ? { kind: 'graph', index: binding.index, definition: binding }
    : { kind: 'local', name: binding.name.text, definition: binding };
}

/** A binding's name as it is written. */
export function bindingName(binding: Binding): string {
  return binding.kind === 'graph' ? `%${binding.index}` : `%${binding.name.text}`;
}

/** The uses of a binding, in the order of the text. */
export function usesOf(snapshot: CheckedSnapshot, binding: Binding): readonly TextRange[] {
  const own = rangeOf(snapshot, binding.kind === 'graph' ? binding.nameSpan : binding.name.span);
  return snapshot.check
    .referencesTo(symbolOfBinding(binding))
    .map((span) => rangeOf(snapshot, span))
    .filter((range) => range.start !== own.start)
    .sort((a, b) => a.start - b.start);
}

/** The uses of all bindings inside a definition, each by the node that binds it. */
export function usesByBinding(snapshot: CheckedSnapshot, definition: Node): ReadonlyMap<Node, readonly TextRange[]> {
  const found = new Map<Node, TextRange[]>();
  walk(definition, (node) => {
    if (node.kind !== 'local' && node.kind !== 'graphref') return;
    const symbol = snapshot.check.symbolOf(node);
    if (symbol?.kind !== 'local' && symbol?.kind !== 'graph') return;
    const places = found.get(symbol.definition) ?? [];
    if (places.length === 0) found.set(symbol.definition, places);
    places.push(rangeOf(snapshot, node.span));
  });
  return found;
}

/** True when evaluating the expression twice, later or never makes no difference: no references, no calls of functions. */
export function isPure(expr: Expr): boolean {
  let pure = true;
  walk(expr, (node) => {
    if (node.kind === 'ref' || node.kind === 'ref_read' || node.kind === 'ref_write' || node.kind === 'sequence')
      pure = false;
    if (node.kind === 'call' && node.callee.kind !== 'name') pure = false;
    // A function's body is not evaluated where it stands.
    return pure && node.kind !== 'fn';
  });
  return pure;
}

/**
 * Whether moving the evaluation of the expression to another time may be noticed: it works on references, or calls
 * functions in a file where references exist.
 */
export function hasEffect(snapshot: CheckedSnapshot, expr: Expr): boolean {
  if (isPure(expr)) return false;
  let references = snapshot.tree.definitions.some((definition) => definition.kind === 'import');
  const visit = (node: Node): boolean => {
    references ||=
      node.kind === 'ref' || node.kind === 'ref_read' || node.kind === 'ref_write' || node.kind === 'sequence';
    return !references;
  };
  walkTree(snapshot.tree, visit);
  return references;
}

/** A local or graph name that an expression uses and that is bound outside of it. */
export interface FreeName {
  readonly text: string;
  readonly definition: Node;
  readonly ranges: readonly TextRange[];
  readonly type: Type | undefined;
}

/** The names that `nodes` use and that are bound outside of `within`. */
export function freeNames(snapshot: CheckedSnapshot, nodes: readonly Node[], within: TextRange): readonly FreeName[] {
  const found = new Map<Node, { text: string; definition: Node; ranges: TextRange[]; type: Type | undefined }>();
  for (const root of nodes)
    walk(root, (node) => {
      if (node.kind !== 'local' && node.kind !== 'graphref') return;
      const symbol = snapshot.check.symbolOf(node);
      if (symbol?.kind !== 'local' && symbol?.kind !== 'graph') return;
      const { definition } = symbol;
      const place = rangeOf(snapshot, definition.span);
      if (place.start >= within.start && place.end <= within.end) return;
      const text = symbol.kind === 'graph' ? `%${symbol.index}` : `%${symbol.name}`;
      const entry = found.get(definition) ?? {
        text,
        definition,
        ranges: [],
        type: snapshot.check.typeOf(definition),
      };
      entry.ranges.push(rangeOf(snapshot, node.span));
      found.set(definition, entry);
    });
  return [...found.values()];
}

/** True when every name means at `offset` what it means where it stands now. */
export function meanTheSameAt(snapshot: CheckedSnapshot, names: readonly FreeName[], offset: number): boolean {
  if (names.length === 0) return true;
  const visible = new Map(visibleLocals(snapshot, pathAt(snapshot, offset), offset).map((v) => [v.text, v.node]));
  return names.every(({ text, definition }) => {
    const seen = visible.get(text);
    // Old graph bindings are left out of the list of visible names; their numbers are unique.
    return seen === definition || (seen === undefined && definition.kind === 'graph');
  });
}

/** The definition (or the whole of an expression file) around a place. */
export function definitionAround(snapshot: CheckedSnapshot, path: readonly Node[]): TextRange {
  const [outer] = path;
  return outer ? rangeOf(snapshot, outer.span) : { start: 0, end: snapshot.text.length };
}

/** A graph number that the definition does not use yet. */
export function freshGraphIndex(snapshot: CheckedSnapshot, within: TextRange): number {
  const text = snapshot.text.slice(within.start, within.end);
  let next = 0;
  for (const match of text.matchAll(/%(\d+)\b/g)) next = Math.max(next, Number(match[1]) + 1);
  return next;
}

/** A local name like `base` that the definition does not use yet. */
export function freshLocal(snapshot: CheckedSnapshot, within: TextRange, base: string): string {
  const text = snapshot.text.slice(within.start, within.end);
  const taken = new Set([...text.matchAll(/%([A-Za-z_][\w/]*)/g)].map((match) => match[1]));
  let name = base;
  for (let i = 1; taken.has(name); i++) name = `${base}_${i}`;
  return name;
}
