/** From a place in the text to the nodes and names there. */
import type { Span } from '../../compiler/src/base/span.ts';
import type { Symbol } from '../../compiler/src/check/result.ts';
import type { FunctionDefinition, Name, NamedDimNode, Node } from '../../compiler/src/syntax/tree.ts';
import { nodeAt, walk } from '../../compiler/src/syntax/walk.ts';
import { rangeOf, touches, type CheckedSnapshot, type Snapshot } from './snapshot.ts';

/** The nodes around an offset, outermost first. */
export function pathAt(snapshot: Snapshot, offset: number): readonly Node[] {
  return nodeAt(snapshot.tree, offset);
}

/** A name in the text and what it means. */
export interface Occurrence {
  readonly symbol: Symbol;
  readonly span: Span;
  /** True where the name is introduced. */
  readonly declares: boolean;
  /** The function around a named dimension, beyond which it means nothing. */
  readonly within?: FunctionDefinition;
}

/** The name at an offset, whether it is used or introduced there. */
export function occurrenceAt(snapshot: CheckedSnapshot, offset: number): Occurrence | undefined {
  const path = pathAt(snapshot, offset);
  for (let i = path.length - 1; i >= 0; i--) {
    const node = path[i];
    if (!node) continue;
    const found =
      declarationIn(snapshot, node, offset) ??
      constructorIn(snapshot, node, path[i - 1], offset) ??
      dimensionIn(node, path) ??
      useIn(snapshot, node, offset);
    if (found) return found;
  }
  return undefined;
}

/** What `node` introduces under a name that stands at `offset`. */
function declarationIn(snapshot: CheckedSnapshot, node: Node, offset: number): Occurrence | undefined {
  const declared = declarationOf(node);
  if (declared && touches(rangeOf(snapshot, declared.span), offset)) return declared;
  if (node.kind === 'def' || node.kind === 'type' || node.kind === 'fn') {
    const names = node.kind === 'def' ? node.fn.typeParams : node.typeParams;
    const name = names.find((n: Name) => touches(rangeOf(snapshot, n.span), offset));
    if (name) return { symbol: { kind: 'typeParam', name }, span: name.span, declares: true };
  }
  return undefined;
}

/** The constructor whose name stands at `offset`; the type around it tells what it belongs to. */
function constructorIn(
  snapshot: CheckedSnapshot,
  node: Node,
  around: Node | undefined,
  offset: number,
): Occurrence | undefined {
  if (node.kind !== 'constructor' || around?.kind !== 'type') return undefined;
  if (!touches(rangeOf(snapshot, node.name.span), offset)) return undefined;
  const symbol = { kind: 'constructor', name: node.name.text, adt: around.name.text, definition: node } as const;
  return { symbol, span: node.name.span, declares: true };
}

/** The dimension that `node` names; the first mention in the signature introduces it. */
function dimensionIn(node: Node, path: readonly Node[]): Occurrence | undefined {
  const within = path.find((n): n is FunctionDefinition => n.kind === 'def');
  if (node.kind !== 'nameddim' || !within) return undefined;
  const parameter = within.fn.typeParams.find((name) => name.text === node.name);
  if (parameter) return { symbol: { kind: 'typeParam', name: parameter }, span: node.span, declares: false, within };
  const declares = dimensionsNamed(within, node.name)[0] === node;
  return { symbol: { kind: 'dimVar', name: node.name }, span: node.span, declares, within };
}

/** The mentions of a named dimension in a function, in the order of the text. */
export function dimensionsNamed(within: FunctionDefinition, name: string): readonly NamedDimNode[] {
  const found: NamedDimNode[] = [];
  walk(within, (node) => {
    if (node.kind === 'nameddim' && node.name === name) found.push(node);
  });
  return found;
}

/** The symbol that a node introduces by itself; type parameters, of which there may be many, aside. */
export function declarationOf(node: Node): Occurrence | undefined {
  const declares = true;
  switch (node.kind) {
    case 'def':
      return { symbol: { kind: 'global', name: node.name.text, definition: node }, span: node.name.span, declares };
    case 'type':
      return { symbol: { kind: 'adt', name: node.name.text, definition: node }, span: node.name.span, declares };
    case 'param':
    case 'let':
    case 'free_var':
    case 'varpattern':
      return { symbol: { kind: 'local', name: node.name.text, definition: node }, span: node.name.span, declares };
    case 'graph':
      return { symbol: { kind: 'graph', index: node.index, definition: node }, span: node.nameSpan, declares };
    default:
      return undefined;
  }
}

/** What the node refers to, when it is a reference whose name stands at `offset`. */
function useIn(snapshot: CheckedSnapshot, node: Node, offset: number): Occurrence | undefined {
  switch (node.kind) {
    case 'local':
    case 'graphref':
    case 'global':
    case 'name': {
      const symbol = snapshot.check.symbolOf(node);
      return symbol ? { symbol, span: node.span, declares: false } : undefined;
    }
    case 'ctorpattern':
    case 'namedtype': {
      if (!touches(rangeOf(snapshot, node.name.span), offset)) return undefined;
      const symbol = snapshot.check.symbolOf(node);
      return symbol ? { symbol, span: node.name.span, declares: false } : undefined;
    }
    default:
      return undefined;
  }
}

/** Where a symbol is introduced, when that is in this file. */
export function declarationSpan(symbol: Symbol): Span | undefined {
  switch (symbol.kind) {
    case 'local':
      return symbol.definition.name.span;
    case 'graph':
      return symbol.definition.nameSpan;
    case 'global':
    case 'constructor':
    case 'adt':
      return symbol.definition?.name.span;
    case 'typeParam':
      return symbol.name.span;
    case 'dimVar':
    case 'operator':
      return undefined;
  }
}

/** The whole of what introduces a symbol, for peeking. */
export function definitionSpan(symbol: Symbol): Span | undefined {
  switch (symbol.kind) {
    case 'local':
    case 'graph':
      return symbol.definition.span;
    case 'global':
    case 'constructor':
    case 'adt':
      return symbol.definition?.span;
    case 'typeParam':
      return symbol.name.span;
    case 'dimVar':
    case 'operator':
      return undefined;
  }
}

/** How a symbol is written, sigil included. */
export function symbolText(symbol: Symbol): string {
  switch (symbol.kind) {
    case 'local':
      return `%${symbol.name}`;
    case 'graph':
      return `%${symbol.index}`;
    case 'global':
      return `@${symbol.name}`;
    case 'constructor':
    case 'adt':
    case 'dimVar':
      return symbol.name;
    case 'typeParam':
      return symbol.name.text;
    case 'operator':
      return symbol.operator.name;
  }
}
