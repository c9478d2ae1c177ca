/** Moving about in trees. Nothing here recurses, so chains and nests may be of any length. */
import { resolveSpan } from '../base/span.ts';
import type { AnchorMap } from '../base/span.ts';
import type { AttributeValue, FunctionNode, Node, Pattern, SourceTree, VarPattern } from './tree.ts';

/** The nodes directly under `node`, in source order. */
export function children(node: Node): Node[] {
  switch (node.kind) {
    case 'def':
      return functionChildren(node.fn);
    case 'fn':
      return functionChildren(node);
    case 'type':
      return [...(node.constructors ?? [])];
    case 'constructor':
    case 'tupletype':
    case 'ctorpattern':
    case 'tuplepattern':
    case 'tuple':
      return [...node.fields];
    case 'param':
      return [...node.attrs, ...optional(node.type)];
    case 'block':
      return [...node.statements, node.result];
    case 'let':
      return [...optional<Node>(node.pattern), ...optional(node.type), node.value];
    case 'graph':
    case 'sequence':
      return [node.value];
    case 'free_var':
    case 'varpattern':
      return optional(node.type);
    case 'if':
      return [node.condition, node.then, node.otherwise];
    case 'ref':
    case 'ref_read':
    case 'ref_write':
      return [...node.operands];
    case 'paren':
      return [node.inner];
    case 'missing':
      return [...(node.parts ?? [])];
    case 'projection':
      return [node.tuple];
    case 'call':
      return [node.callee, ...node.args, ...node.attrs];
    case 'infix':
      return [node.left, node.right];
    case 'match':
      return [node.scrutinee, ...node.arms];
    case 'arm':
      return [node.pattern, node.body];
    case 'tensortype':
      return [...node.shape];
    case 'fntype':
      return [...node.params, node.ret];
    case 'namedtype':
      return [...node.args];
    case 'reftype':
      return [node.content];
    case 'exprdim':
      return [node.left, node.right];
    case 'attribute':
      return valueChildren(node.value);
    default:
      return [];
  }
}

function optional<T>(node: T | undefined): T[] {
  return node === undefined ? [] : [node];
}

function functionChildren(fn: FunctionNode): Node[] {
  return [...fn.params, ...fn.attrs, ...optional(fn.ret), fn.body];
}

function valueChildren(value: AttributeValue): Node[] {
  const found: Node[] = [];
  const pending: AttributeValue[] = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.kind === 'expr') found.push(next.value);
    else if (next.kind === 'list')
      for (let i = next.items.length - 1; i >= 0; i--) pending.push(next.items[i] as AttributeValue);
  }
  return found;
}

/** The variables that a pattern binds, in source order. */
export function variablesOf(pattern: Pattern): readonly VarPattern[] {
  switch (pattern.kind) {
    case 'varpattern':
      return [pattern];
    case 'ctorpattern':
    case 'tuplepattern':
      return pattern.fields.flatMap(variablesOf);
    case 'wildcard':
      return [];
  }
}

/** Visits `node` and everything under it, parents first, in source order. `false` keeps out of a node's children. */
export function walk(node: Node, visit: (node: Node) => boolean | void): void {
  const pending: Node[] = [node];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (visit(next) === false) continue;
    const below = children(next);
    for (let i = below.length - 1; i >= 0; i--) pending.push(below[i] as Node);
  }
}

/** Visits every node of a file. */
export function walkTree(tree: SourceTree, visit: (node: Node) => boolean | void): void {
  for (const definition of tree.definitions) walk(definition, visit);
  if (tree.expression) walk(tree.expression, visit);
}

/**
 * The nodes around an offset, from the definition (or the expression file's block) to the innermost. A node covers
 * its end too, so that a cursor behind a name finds it; between two that touch, the one that starts there wins.
 */
export function nodeAt(tree: SourceTree, offset: number): readonly Node[] {
  const path: Node[] = [];
  const { anchors } = tree;
  let below: readonly Node[] = tree.expression ? [tree.expression] : tree.definitions;
  for (;;) {
    const next = pick(below, anchors, offset);
    if (next === undefined) return path;
    path.push(next);
    below = children(next);
  }
}

/** The last of `nodes` that covers `offset`. Long lists are in source order and searched by halves. */
function pick(nodes: readonly Node[], anchors: AnchorMap, offset: number): Node | undefined {
  let low = 0;
  let high = nodes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (resolveSpan(anchors, (nodes[middle] as Node).span).start <= offset) low = middle + 1;
    else high = middle;
  }
  // Siblings do not overlap; the steps back are for nodes of zero length.
  for (let i = low - 1; i >= 0 && i >= low - 3; i--) {
    const node = nodes[i] as Node;
    if (resolveSpan(anchors, node.span).end >= offset) return node;
  }
  return undefined;
}
