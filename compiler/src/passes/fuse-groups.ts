/**
 * Which operator calls share a kernel. An anchor (convolution, dense product, pooling, reduction) takes the pointwise
 * operators behind it, up to the node through which all its uses lead; pointwise and injective operators join their
 * neighbours. The rules are those of TVM's fusion, with two widenings: reductions and poolings also take pointwise
 * operators behind them, and single-input anchors take casts and the like before them.
 */
import { operatorName } from '../ir/build.ts';
import type { Call } from '../ir/expr.ts';
import type { FusionPattern, Operator } from '../operators/operator.ts';
import type { OperatorRegistry } from '../operators/registry.ts';
import { elementBytes } from '../tensor/dtype.ts';
import { printType } from '../types/print.ts';
import { dataflowOf, nodesBetween } from './dataflow.ts';
import type { DataflowNode } from './dataflow.ts';
import type { Expr } from '../ir/expr.ts';

/** Operators that only rename the elements' places in row-major order: no kernel is needed. */
const viewOperators: ReadonlySet<string> = new Set([
  'reshape',
  'contrib_reverse_reshape',
  'squeeze',
  'expand_dims',
  'nn.batch_flatten',
]);

export interface FusionGroup {
  readonly nodes: Set<DataflowNode>;
  anchor: DataflowNode | undefined;
}

export interface Grouping {
  readonly nodes: readonly DataflowNode[];
  readonly groupOf: ReadonlyMap<DataflowNode, FusionGroup>;
  /** Why a producer and its consumer are in different groups. */
  readonly reasons: ReadonlyMap<DataflowNode, string>;
}

const rank: Readonly<Record<FusionPattern, number>> = {
  elementwise: 0,
  broadcast: 1,
  injective: 2,
  reduction: 3,
  'out-elementwise-fusable': 4,
  tuple: 7,
  opaque: 8,
};

/** Whether `call` is a change of shape over the same memory. */
export function isView(call: Call): boolean {
  return viewOperators.has(operatorName(call) ?? '') && call.args.length === 1 && call.type.kind === 'tensor';
}

/**
 * How often one member of a kernel may be written out in it. What moves elements reads its operand at places of its
 * own, so operands read twice at every level of a chain would be written 2^n times.
 */
const mostCopies = 16;

/** Operators that a kernel takes at most, as in TVM (`relay.FuseOps.max_depth`): longer ones gain nothing. */
const mostMembers = 256;
const tooLong = `a kernel takes ${mostMembers} operators at most`;

/** Groups the calls of a function body into kernels, by the operators' fusion patterns. */
export function groupCalls(body: Expr, operators: Pick<OperatorRegistry, 'get'>): Grouping {
  return new Grouper(dataflowOf(body), operators).run();
}

class Grouper {
  private readonly nodes: readonly DataflowNode[];
  private readonly operators: Pick<OperatorRegistry, 'get'>;
  private readonly groupOf = new Map<DataflowNode, FusionGroup>();
  private readonly reasons = new Map<DataflowNode, string>();

  constructor(nodes: readonly DataflowNode[], operators: Pick<OperatorRegistry, 'get'>) {
    this.nodes = nodes;
    this.operators = operators;
    for (const node of nodes)
      this.groupOf.set(node, { nodes: new Set([node]), anchor: this.isAnchor(node) ? node : undefined });
  }

  run(): Grouping {
    // Later anchors first: a residual addition belongs to the branch that is computed last.
    const anchors = this.nodes.filter((n) => this.isAnchor(n)).reverse();
    for (const anchor of anchors) this.extendAnchor(anchor);
    for (const node of this.nodes) if (this.group(node).anchor === undefined) this.extendPointwise(node);
    return { nodes: this.nodes, groupOf: this.groupOf, reasons: this.reasons };
  }

  private operator(node: DataflowNode): Operator | undefined {
    return this.operators.get(operatorName(node.call) ?? '');
  }

  private pattern(node: DataflowNode): FusionPattern {
    // Several results are the results of a kernel of its own; views are no kernel at all.
    if (node.call.type.kind !== 'tensor' || isView(node.call)) return 'opaque';
    return this.operator(node)?.fusion ?? 'opaque';
  }

  private isAnchor(node: DataflowNode): boolean {
    const pattern = this.pattern(node);
    return pattern === 'out-elementwise-fusable' || pattern === 'reduction';
  }

  private group(node: DataflowNode): FusionGroup {
    const group = this.groupOf.get(node);
    if (group === undefined) throw new Error('a node without a group');
    return group;
  }

  private merge(into: FusionGroup, node: DataflowNode): void {
    const from = this.group(node);
    if (from === into) return;
    for (const n of from.nodes) {
      into.nodes.add(n);
      this.groupOf.set(n, into);
    }
    into.anchor ??= from.anchor;
  }

  /** Takes pointwise operators behind the anchor, as far as all uses of each end in the next. */
  private extendAnchor(anchor: DataflowNode): void {
    const group = this.group(anchor);
    const shape = printedShape(anchor);
    const chain: { readonly at: DataflowNode; readonly path: readonly DataflowNode[] }[] = [{ at: anchor, path: [] }];
    for (let at = anchor; ;) {
      const next = at.postDominator;
      if (next === undefined) {
        this.refuse(at, at.isResult ? 'it is a result of the program' : 'its uses do not meet again');
        break;
      }
      const path = [...nodesBetween(at, next), next];
      const long = chain.length + path.length > mostMembers ? tooLong : undefined;
      const why = long ?? path.map((node) => this.whyNotBehind(node, group, shape)).find((w) => w !== undefined);
      if (why !== undefined) {
        this.refuse(at, why);
        break;
      }
      chain.push({ at: next, path });
      at = next;
    }
    const kept = chain.slice(0, this.narrowest(chain.map((link) => link.at)) + 1);
    for (const { path } of kept) for (const node of path) this.merge(group, node);
  }

  /**
   * Where to end a kernel: a tensor that is only widened afterwards is stored narrow, and its consumer widens it on
   * reading. A result of the program is stored as it is anyway.
   */
  private narrowest(chain: readonly DataflowNode[]): number {
    const end = chain.length - 1;
    if (chain[end]?.isResult === true) return end;
    let best = end;
    for (let i = end; i >= 0; i--) if (elementSize(chain[i]) < elementSize(chain[best])) best = i;
    const at = chain[best];
    if (best < end && at !== undefined) this.refuse(at, 'what follows widens the elements, which costs memory');
    return best;
  }

  private whyNotBehind(node: DataflowNode, group: FusionGroup, shape: string): string | undefined {
    const name = operatorName(node.call) ?? 'the call';
    const other = this.group(node);
    if (other !== group && other.anchor !== undefined && other.nodes.size > 1 && other.anchor !== node)
      return `${name} is already part of ${operatorName(other.anchor.call)}'s kernel`;
    if (isView(node.call)) return `${name} only changes the shape and needs no kernel`;
    if (rank[this.pattern(node)] > rank.broadcast) return `${name} is not pointwise`;
    if (printedShape(node) !== shape) return `${name} changes the shape`;
    return undefined;
  }

  /** Lets a pointwise or injective operator join the node that all its uses lead to. */
  private extendPointwise(node: DataflowNode): void {
    const own = rank[this.pattern(node)];
    if (own > rank.injective) {
      if (isView(node.call)) this.refuse(node, 'it only changes the shape and needs no kernel');
      else this.refuse(node, 'the operator stands alone');
      return;
    }
    const next = node.postDominator;
    if (next === undefined) {
      this.refuse(node, node.isResult ? 'it is a result of the program' : 'its uses do not meet again');
      return;
    }
    const group = this.group(node);
    const path = nodesBetween(node, next);
    for (const between of path)
      if (rank[this.pattern(between)] > rank.injective || this.group(between).anchor !== undefined) {
        this.refuse(node, `${operatorName(between.call) ?? 'a use'} is not pointwise`);
        return;
      }
    const why = this.whyNotInto(node, next, path.length > 0);
    if (why !== undefined) {
      this.refuse(node, why);
      return;
    }
    const target = this.group(next);
    const members = new Set([...group.nodes, ...path.flatMap((n) => [...this.group(n).nodes]), ...target.nodes]);
    if (members.size > mostMembers) {
      this.refuse(node, tooLong);
      return;
    }
    const copies = this.copies(members);
    if (copies > mostCopies) {
      this.refuse(node, `${operatorName(next.call) ?? 'its use'} would write it out ${copies} times`);
      return;
    }
    for (const member of [...group.nodes, ...path]) this.merge(target, member);
  }

  /** How often the member of a kernel that is written out most often stands in it. */
  private copies(members: ReadonlySet<DataflowNode>): number {
    const copies = new Map<DataflowNode, number>();
    let most = 1;
    for (const node of [...members].sort((a, b) => b.index - a.index)) {
      let [moved, inPlace] = [0, 0];
      for (const consumer of node.consumers) {
        const outside = copies.get(consumer);
        if (outside === undefined) continue;
        // Pointwise operators read the same element: it is computed once for all of them.
        if (rank[this.pattern(consumer)] < rank.injective) inPlace = Math.max(inPlace, outside);
        else moved += outside * consumer.producers.filter((p) => p === node).length;
      }
      const own = Math.max(1, moved + inPlace);
      copies.set(node, own);
      most = Math.max(most, own);
    }
    return most;
  }

  private whyNotInto(node: DataflowNode, next: DataflowNode, branching: boolean): string | undefined {
    const name = operatorName(next.call) ?? 'the call';
    if (isView(next.call)) return `${name} only changes the shape and needs no kernel`;
    const target = this.group(next);
    const pattern = rank[this.pattern(next)];
    const injective = [...this.group(node).nodes].some((n) => rank[this.pattern(n)] > rank.broadcast);
    if (target.anchor === undefined)
      return pattern <= rank.injective ? undefined : `${name} takes no operator before it`;
    if (injective)
      return `${operatorName(node.call)} moves elements, which ${operatorName(target.anchor.call)}'s kernel does not`;
    if (next !== target.anchor) return undefined;
    const inputs = this.operator(next)?.inputs.length ?? 0;
    if (inputs !== 1 || branching) return `${name} reads each input element several times`;
    return undefined;
  }

  private refuse(node: DataflowNode, why: string): void {
    this.reasons.set(node, why);
  }
}

function elementSize(node: DataflowNode | undefined): number {
  return node?.call.type.kind === 'tensor' ? elementBytes(node.call.type.dtype) : 0;
}

function printedShape(node: DataflowNode): string {
  const type = node.call.type;
  return type.kind === 'tensor' ? printType({ ...type, dtype: 'int8' }) : '';
}
