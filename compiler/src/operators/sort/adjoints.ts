/** Gradients of orders: the elements, picked by their positions. */
import { definition } from '../derivation.ts';
import type { Derivation } from '../derivation.ts';
import type { GradientRule } from '../operator.ts';
import { wrapAxis } from '../relations/axes.ts';

interface SortAttributes {
  readonly axis: number;
  readonly is_ascend: boolean;
}

function positions<E>(d: Derivation<E>, { axis, is_ascend }: SortAttributes): E {
  return d.call('argsort', [d.arg(0)], { axis, is_ascend, dtype: 'int32' });
}

interface TopKAttributes extends SortAttributes {
  readonly k: number | null;
  readonly ret_type: string;
  readonly dtype: string | null;
}

export const sortAdjoints: Readonly<Record<string, GradientRule<never>>> = {
  sort: definition<SortAttributes>((d, attrs) => ({
    value: d.call('gather', [d.arg(0), positions(d, attrs)], { axis: attrs.axis }),
  })),
  topk: definition<TopKAttributes>((d, attrs) => {
    const x = d.arg(0);
    const shape = d.shape(x);
    const axis = wrapAxis(attrs.axis, shape.length) ?? 0;
    const k = attrs.k === null || attrs.k < 1 ? (shape[axis] ?? 1) : attrs.k;
    const first = d.call('strided_slice', [positions(d, attrs)], { begin: [0], end: [k], strides: [1], axes: [axis] });
    const values = d.call('gather', [x, first], { axis });
    if (attrs.ret_type === 'values') return { value: values };
    return { value: d.tuple([values, d.call('cast', [first], { dtype: attrs.dtype ?? 'int32' })]) };
  }),
};
