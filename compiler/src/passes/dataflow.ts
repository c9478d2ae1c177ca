/** The operator calls of a straight-line function as a graph: consumers, post-dominators, paths between. */
import type { Call, Expr } from '../ir/expr.ts';
import { postOrder } from '../ir/visit.ts';

/** One operator call. Tuples and projections between calls are looked through. */
export interface DataflowNode {
  readonly call: Call;
  /** Position in topological order. */
  readonly index: number;
  readonly producers: readonly DataflowNode[];
  readonly consumers: DataflowNode[];
  /** True when the function's result holds it. */
  isResult: boolean;
  /** Nearest node through which all ways to the results lead; undefined when there is none. */
  postDominator: DataflowNode | undefined;
  /** Depth in the tree of post-dominators. */
  depth: number;
}

/** The calls that give the parts of `e`: itself, or those under tuples and projections. */
function producingCalls(e: Expr): readonly Call[] {
  const found: Call[] = [];
  const stack: Expr[] = [e];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (at.kind === 'call') found.push(at);
    else if (at.kind === 'get') stack.push(at.tuple);
    else if (at.kind === 'tuple') for (let i = at.fields.length - 1; i >= 0; i--) push(stack, at.fields[i]);
  }
  return found;
}

function push(stack: Expr[], e: Expr | undefined): void {
  if (e !== undefined) stack.push(e);
}

/** Builds the graph of `body`, nodes in topological order. */
export function dataflowOf(body: Expr): readonly DataflowNode[] {
  const nodes: DataflowNode[] = [];
  const byCall = new Map<Expr, DataflowNode>();
  for (const e of postOrder(body)) {
    if (e.kind !== 'call') continue;
    const producers: DataflowNode[] = [];
    for (const arg of e.args)
      for (const call of producingCalls(arg)) {
        const producer = byCall.get(call);
        if (producer !== undefined) producers.push(producer);
      }
    const node: DataflowNode = {
      call: e,
      index: nodes.length,
      producers,
      consumers: [],
      isResult: false,
      postDominator: undefined,
      depth: 0,
    };
    for (const producer of new Set(producers)) producer.consumers.push(node);
    nodes.push(node);
    byCall.set(e, node);
  }
  for (const call of producingCalls(body)) {
    const node = byCall.get(call);
    if (node !== undefined) node.isResult = true;
  }
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (node === undefined) continue;
    node.postDominator = node.isResult ? undefined : commonAncestor(node.consumers);
    node.depth = node.postDominator === undefined ? 0 : node.postDominator.depth + 1;
  }
  return nodes;
}

function commonAncestor(nodes: readonly DataflowNode[]): DataflowNode | undefined {
  let common = nodes[0];
  for (const node of nodes) {
    let other: DataflowNode | undefined = node;
    while (common !== other) {
      if (common === undefined || other === undefined) return undefined;
      if (common.depth > other.depth) common = common.postDominator;
      else if (other.depth > common.depth) other = other.postDominator;
      else {
        common = common.postDominator;
        other = other.postDominator;
      }
    }
  }
  return common;
}

/** The nodes strictly between `from` and its post-dominator `to`. */
export function nodesBetween(from: DataflowNode, to: DataflowNode): readonly DataflowNode[] {
  const found = new Set<DataflowNode>();
  const stack = [...from.consumers];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node === to || found.has(node)) continue;
    found.add(node);
    stack.push(...node.consumers);
  }
  return [...found];
}
