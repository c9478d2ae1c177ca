/** How often, and from where, the tensors of a computation are read. */
import { elementCount } from '../tensor/ndarray.ts';
import type { TEExpr, TETensor } from '../tensor/te.ts';

export interface TensorUse {
  /** All tensors, producers before consumers. */
  readonly order: readonly TETensor[];
  /**
   * Load sites of each tensor; one that reads elements repeatedly (in a reduction, broadcasting) counts as many, and one
   * in a tensor that is computed where it is read as often as that is.
   */
  readonly reads: ReadonlyMap<TETensor, number>;
  /** Nodes that are reached along more than one edge of a body. */
  readonly shared: ReadonlySet<TEExpr>;
  /** Tensors whose body holds a reduction. */
  readonly reducing: ReadonlySet<TETensor>;
  /** Rough operations of one element; a float function counts several. */
  readonly cost: ReadonlyMap<TETensor, number>;
}

const many = 100;

export function loadsOf(outputs: readonly TETensor[]): TensorUse {
  const order: TETensor[] = [];
  const sites = new Map<TETensor, { readonly tensor: TETensor; readonly times: number }[]>();
  const shared = new Set<TEExpr>();
  const reducing = new Set<TETensor>();
  const cost = new Map<TETensor, number>();
  const seen = new Set<TETensor>();

  const visitTensor = (root: TETensor): void => {
    // An explicit stack: chains of operators may be long.
    const stack: { tensor: TETensor; done: boolean }[] = [{ tensor: root, done: false }];
    for (let top = stack.pop(); top; top = stack.pop()) {
      const { tensor, done } = top;
      if (done) {
        order.push(tensor);
        continue;
      }
      if (seen.has(tensor)) continue;
      seen.add(tensor);
      stack.push({ tensor, done: true });
      if (tensor.compute)
        for (const next of visitBody(tensor, tensor.compute.body)) stack.push({ tensor: next, done: false });
    }
  };
  const visitBody = (owner: TETensor, body: TEExpr): TETensor[] => {
    const nodes = new Set<TEExpr>();
    const found: { readonly tensor: TETensor; readonly times: number }[] = [];
    let total = 0;
    const visit = (e: TEExpr, inReduction: boolean): void => {
      if (e.kind === 'axis' || e.kind === 'const') return;
      if (nodes.has(e)) {
        shared.add(e);
        return;
      }
      nodes.add(e);
      total += e.kind === 'unary' ? 8 : e.kind === 'qmulshift' ? 8 : 1;
      switch (e.kind) {
        case 'load':
          found.push({ tensor: e.tensor, times: inReduction || spreads(owner, e.tensor) ? many : 1 });
          e.indices.forEach((i) => visit(i, inReduction));
          return;
        case 'binary':
        case 'compare':
          visit(e.left, inReduction);
          visit(e.right, inReduction);
          return;
        case 'select':
          visit(e.condition, inReduction);
          visit(e.then, inReduction);
          visit(e.otherwise, inReduction);
          return;
        case 'reduce':
          reducing.add(owner);
          if (e.init) visit(e.init, inReduction);
          visit(e.body, true);
          return;
        case 'qmulshift':
          visit(e.value, inReduction);
          visit(e.multiplier, inReduction);
          visit(e.shift, inReduction);
          return;
        default:
          visit(e.operand, inReduction);
      }
    };
    visit(body, false);
    cost.set(owner, total);
    sites.set(owner, found);
    return found.map((f) => f.tensor);
  };
  outputs.forEach(visitTensor);
  const reads = new Map<TETensor, number>();
  const uses = { order, reads, shared, reducing, cost };
  // Readers before what they read: how often they are computed themselves is known by then.
  for (const reader of [...order].reverse()) {
    const own = outputs.includes(reader) || isMaterialised(reader, uses) ? 1 : (reads.get(reader) ?? 1);
    for (const { tensor, times } of sites.get(reader) ?? [])
      reads.set(tensor, Math.min(many, (reads.get(tensor) ?? 0) + times * own));
  }
  return uses;
}

/** Whether a reader has more elements than what it reads, so that elements are read repeatedly. */
function spreads(reader: TETensor, read: TETensor): boolean {
  return elementCount(reader.shape) > elementCount(read.shape);
}

/** Whether a computed tensor gets memory of its own, rather than being computed where it is read. */
export function isMaterialised(tensor: TETensor, uses: TensorUse): boolean {
  const reads = uses.reads.get(tensor) ?? 0;
  if (reads <= 1) return false;
  if (uses.reducing.has(tensor)) return true;
  return (uses.cost.get(tensor) ?? 0) > 6 && reads > 1;
}
