/** Control flow around what a program computes: branches on values that are known late or early, and functions. */
import type { GraphBuilder } from './graph.ts';
import type { Random } from './random.ts';

/**
 * A branch: between two tensors of one type, or between one and what an operator makes of it. The node that holds it;
 * undefined where nothing fits.
 */
export function addBranch(b: GraphBuilder, r: Random): number | undefined {
  const tensors = b.nodes.flatMap((n, i) => (n.kind !== 'literal' && b.typeOf(i).kind === 'tensor' ? [i] : []));
  const one = r.pick(tensors);
  const alike = tensors.filter(
    (t) => t !== one && b.dtype(t) === b.dtype(one) && `${b.shape(t)}` === `${b.shape(one)}`,
  );
  const made =
    b.dtype(one) === 'bool' ? b.call('logical_not', [one]) : b.call(r.pick(['nn.relu', 'abs', 'copy']), [one]);
  const other = alike.length > 0 && r.chance(0.6) ? r.pick(alike) : made;
  const at = b.attempt('if', r.chance(0.5) ? [condition(b, r), one, other] : [condition(b, r), other, one]);
  // Something after the branch, so that its result is no output itself.
  return at !== undefined && r.chance(0.5) && b.dtype(at) !== 'bool' ? b.call('add', [at, one]) : at;
}

/** A bool without axes: given at run time, known at compile time, or computed. */
function condition(b: GraphBuilder, r: Random): number {
  switch (r.int(0, 2)) {
    case 0:
      return b.add({ kind: 'input', shape: [], dtype: 'bool' });
    case 1:
      return b.add({ kind: 'param', shape: [], dtype: 'bool', seed: 1, values: [r.int(0, 1)] });
    default: {
      const number = b.add({ kind: 'input', shape: [], dtype: 'int32', range: { low: -2, high: 2 } });
      return b.call(r.pick(['less', 'equal', 'greater_equal']), [number, b.literal(r.int(-1, 1))]);
    }
  }
}

/** Lets a few calls stand in functions of their own, with all that they need. */
export function addFunctions(b: GraphBuilder, r: Random): void {
  const calls = b.nodes.flatMap((n, i) => (n.kind === 'call' && b.typeOf(i).kind === 'tensor' ? [i] : []));
  for (let i = r.int(1, 2); i > 0 && calls.length > 0; i--) {
    const at = r.pick(calls);
    const node = b.nodes[at];
    if (node?.kind === 'call') b.nodes[at] = { ...node, within: r.pick(['function', 'closure']) };
  }
}
