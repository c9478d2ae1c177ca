/** Gradients of reductions and scans. */
import { adjoints, definition } from '../derivation.ts';
import type { Derivation } from '../derivation.ts';
import type { GradientRule } from '../operator.ts';
import type { ReduceAttributes } from '../relations/reduce.ts';
import { reducedAxes } from '../relations/reduce.ts';

/** `e`, a reduction's result or its adjoint, with the reduced dimensions back at size 1. */
function kept<E>(d: Derivation<E>, e: E, x: E, attrs: ReduceAttributes): E {
  const shape = d.shape(x);
  const reduced = new Set(reducedAxes(shape.length, attrs));
  return d.reshape(
    e,
    shape.map((n, i) => (reduced.has(i) ? 1 : n)),
  );
}

function reducedCount(shape: readonly number[], attrs: ReduceAttributes): number {
  return reducedAxes(shape.length, attrs).reduce((n, axis) => n * (shape[axis] ?? 1), 1);
}

/** Every element of the operand counts alike, by `factor`. */
function spread<E>(d: Derivation<E>, adjoint: E, attrs: ReduceAttributes, factor: number): E {
  const x = d.arg(0);
  return d.call('broadcast_to_like', [d.scale(kept(d, adjoint, x, attrs), factor), x]);
}

/** The adjoint goes to the elements that equal the extreme, in equal shares. */
const extreme = adjoints<ReduceAttributes>((d, { output, adjoint, attrs }) => {
  const x = d.arg(0);
  const where = d.call('cast', [d.call('equal', [x, kept(d, output, x, attrs)])], { dtype: d.dtype(x) });
  const axes = reducedAxes(d.shape(x).length, attrs);
  const share = d.div(kept(d, adjoint, x, attrs), d.sum(where, axes, true));
  return [d.mul(where, share)];
});

interface ScanAttributes {
  readonly axis: number | null;
  readonly dtype: string | null;
  readonly exclusive: boolean;
}

export const reductionAdjoints: Readonly<Record<string, GradientRule<never>>> = {
  sum: adjoints<ReduceAttributes>((d, { adjoint, attrs }) => [spread(d, adjoint, attrs, 1)]),
  mean: adjoints<ReduceAttributes>((d, { adjoint, attrs }) => [
    spread(d, adjoint, attrs, 1 / reducedCount(d.shape(d.arg(0)), attrs)),
  ]),
  max: extreme,
  min: extreme,
  prod: adjoints<ReduceAttributes>((d, { output, adjoint, attrs }) => {
    const x = d.arg(0);
    return [d.div(kept(d, d.mul(adjoint, output), x, attrs), x)];
  }),
  variance: definition<ReduceAttributes & { readonly unbiased: boolean }>((d, attrs) => {
    const [x, mean] = [d.arg(0), d.arg(1)];
    const centred = d.sub(x, mean);
    const { axis, keepdims, exclude } = attrs;
    const total = d.call('sum', [d.mul(centred, centred)], { axis, keepdims, exclude });
    const count = reducedCount(d.shape(x), attrs) - (attrs.unbiased ? 1 : 0);
    return { value: d.scale(total, 1 / count) };
  }),
  cumsum: adjoints<ScanAttributes>((d, { adjoint, attrs }) => {
    const x = d.arg(0);
    const axis = attrs.axis ?? 0;
    const back = d.call('reverse', [adjoint], { axis });
    const sums = d.call('cumsum', [back], { axis, exclusive: attrs.exclusive });
    return [d.call('cast_like', [d.reshape(d.call('reverse', [sums], { axis }), d.shape(x)), x])];
  }),
  cumprod: { none: 'no operator computes the products that leave out one element' },
};
