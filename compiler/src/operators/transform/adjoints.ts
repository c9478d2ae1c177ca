/** Gradients of operators that move, select and repeat elements. */
import { adjoints } from '../derivation.ts';
import type { Derivation } from '../derivation.ts';
import type { GradientRule } from '../operator.ts';
import { wrapAxis } from '../relations/axes.ts';

const axisOf = (axis: number, rank: number): number => wrapAxis(axis, rank) ?? 0;
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The adjoint in the operand's shape. */
const reshaped = adjoints<unknown>((d, { adjoint }) => [d.reshape(adjoint, d.shape(d.arg(0)))]);
/** As `reshaped`, for operators that only look at the type of their second operand. */
const reshapedLike = adjoints<unknown>((d, { adjoint }) => [d.reshape(adjoint, d.shape(d.arg(0))), undefined]);
const collapsed = adjoints<unknown>((d, { adjoint }) => [d.collapse(adjoint, d.arg(0)), undefined]);
const filled = adjoints<unknown>((d, { adjoint }) => [d.sum(adjoint, [...d.shape(adjoint).keys()])]);

/** Zeros around `x`, `before` and `after` along each dimension. */
export function padded<E>(d: Derivation<E>, x: E, before: readonly number[], after: readonly number[]): E {
  if ([...before, ...after].every((n) => n === 0)) return x;
  return d.call('nn.pad', [x, d.number(0, x)], { pad_width: before.map((n, i) => [n, after[i] ?? 0]) });
}

/** The part of `x` that begins at `begin` and has the extents `size`. */
export function cut<E>(d: Derivation<E>, x: E, begin: readonly number[], size: readonly number[]): E {
  const whole = d.shape(x).every((n, i) => begin[i] === 0 && size[i] === n);
  const end = begin.map((n, i) => n + (size[i] ?? 0));
  return whole ? x : d.call('strided_slice', [x], { begin, end, strides: begin.map(() => 1), axes: null });
}

/** For a result whose element k along `axis` is element first + k·step of `x`. */
interface Cut {
  readonly first: number;
  readonly step: number;
}

/** Puts the adjoint of a slice back where it was cut out: reversed, spread and padded. */
function uncut<E>(d: Derivation<E>, adjoint: E, x: E, cuts: readonly Cut[]): E {
  const shape = d.shape(x);
  const sizes = d.shape(adjoint);
  let result = adjoint;
  for (const [axis, { step }] of cuts.entries())
    if (step < 0 && (sizes[axis] ?? 0) > 1) result = d.call('reverse', [result], { axis });
  const strides = cuts.map(({ step }) => Math.abs(step));
  if (strides.some((s, i) => s > 1 && (sizes[i] ?? 0) > 1)) result = d.call('nn.dilate', [result], { strides });
  const low = cuts.map(({ first, step }, i) => (step < 0 ? first + step * ((sizes[i] ?? 1) - 1) : first));
  const extent = d.shape(result);
  return padded(
    d,
    result,
    low,
    low.map((n, i) => (shape[i] ?? 0) - n - (extent[i] ?? 0)),
  );
}

interface SliceAttributes {
  readonly begin: readonly number[] | null;
  readonly end: readonly number[] | null;
  readonly strides: readonly number[] | null;
  readonly axes: readonly number[] | null;
  readonly slice_mode: string;
}

/** Where a static slice begins along each dimension, and its steps. */
function cutsOf(shape: readonly number[], attrs: SliceAttributes): readonly Cut[] {
  const cuts = shape.map((): Cut => ({ first: 0, step: 1 }));
  const axes = attrs.axes ?? shape.map((_, i) => i);
  axes.forEach((written, i) => {
    const axis = axisOf(written, shape.length);
    const size = shape[axis] ?? 1;
    const step = attrs.slice_mode === 'size' ? 1 : (attrs.strides?.[i] ?? 1);
    const begin = attrs.begin?.[i] ?? (step > 0 ? 0 : size);
    const first = begin < 0 ? begin + size : begin;
    cuts[axis] = { first: step > 0 ? Math.max(0, Math.min(first, size)) : Math.min(first, size - 1), step };
  });
  return cuts;
}

interface TakeAttributes {
  readonly axis: number | null;
  readonly batch_dims: number | null;
  readonly mode: string;
}

/** Adds the rows of the adjoint to the positions that they were taken from. */
const take = adjoints<TakeAttributes>((d, { adjoint, attrs }) => {
  if ((attrs.batch_dims ?? 0) !== 0) return { none: '`batch_dims` is not 0' };
  const [x, indices] = [d.arg(0), d.arg(1)];
  const shape = d.shape(x);
  const axis = attrs.axis === null ? 0 : axisOf(attrs.axis, shape.length);
  const flat = attrs.axis === null ? [count(shape)] : shape;
  const rank = flat.length;
  const size = flat[axis] ?? 1;
  const spans = d.shape(indices).length;
  const inRange =
    attrs.mode === 'wrap'
      ? d.call('floor_mod', [indices, d.number(size, indices)])
      : d.call('clip', [indices], { a_min: 0, a_max: size - 1 });
  // The picked dimensions first, as scattering wants them.
  const all = [...Array(rank - 1 + spans).keys()];
  const picked = all.slice(axis, axis + spans);
  const rows = d.transpose(adjoint, [...picked, ...all.filter((i) => i < axis || i >= axis + spans)]);
  const front = [axis, ...[...flat.keys()].filter((i) => i !== axis)];
  const zeros = d.zeros(d.transpose(d.reshape(x, flat), front));
  const tuples = d.call('expand_dims', [inRange], { axis: 0 });
  const sums = d.call('scatter_nd', [zeros, tuples, rows], { mode: 'add' });
  const back = front.map((_, i) => front.indexOf(i));
  return [d.reshape(d.transpose(sums, back), shape), undefined];
});

interface ScatterAttributes {
  readonly axis: number | null;
  readonly reduction: string;
}

const scatterElements = adjoints<ScatterAttributes>((d, { adjoint, attrs }) => {
  const [, indices, updates] = [d.arg(0), d.arg(1), d.arg(2)];
  const axis = attrs.axis ?? 0;
  if (attrs.reduction !== 'add' && attrs.reduction !== 'update')
    return { none: `\`reduction\` is "${attrs.reduction}"` };
  const data =
    attrs.reduction === 'add'
      ? adjoint
      : d.call('scatter_elements', [adjoint, indices, d.zeros(updates)], { axis, reduction: 'update' });
  return [data, undefined, d.call('gather', [adjoint, indices], { axis })];
});

const scatterNd = adjoints<{ readonly mode: string }>((d, { adjoint, attrs }) => {
  const [, indices, updates] = [d.arg(0), d.arg(1), d.arg(2)];
  if (attrs.mode !== 'add' && attrs.mode !== 'update') return { none: `\`mode\` is "${attrs.mode}"` };
  const data =
    attrs.mode === 'add' ? adjoint : d.call('scatter_nd', [adjoint, indices, d.zeros(updates)], { mode: 'update' });
  return [data, undefined, d.call('gather_nd', [adjoint, indices])];
});

const stack = adjoints<{ readonly axis: number }>((d, { adjoint, attrs }) => {
  const pieces = d.fields(d.arg(0));
  const axis = axisOf(attrs.axis, d.shape(adjoint).length);
  const parts = d.call('split', [adjoint], { indices_or_sections: pieces, axis });
  const part = (i: number) => d.call('squeeze', [d.field(parts, i)], { axis: [axis] });
  return [d.tuple(Array.from({ length: pieces }, (_, i) => part(i)))];
});

const tile = adjoints<{ readonly reps: readonly number[] }>((d, { adjoint, attrs }) => {
  const shape = d.shape(d.arg(0));
  const rank = Math.max(shape.length, attrs.reps.length);
  const at = (list: readonly number[], i: number): number => list[i - (rank - list.length)] ?? 1;
  const split = Array.from({ length: rank }, (_, i) => [at(attrs.reps, i), at(shape, i)]).flat();
  const copies = Array.from({ length: rank }, (_, i) => 2 * i);
  return [d.reshape(d.sum(d.reshape(adjoint, split), copies), shape)];
});

const repeat = adjoints<{ readonly repeats: number; readonly axis: number }>((d, { adjoint, attrs }) => {
  const shape = d.shape(d.arg(0));
  const axis = axisOf(attrs.axis, shape.length);
  const split = [...shape.slice(0, axis + 1), attrs.repeats, ...shape.slice(axis + 1)];
  return [d.sum(d.reshape(adjoint, split), [axis + 1])];
});

/** Each vector varies along one dimension of the grids; the others are summed. */
const meshgrid = adjoints<{ readonly indexing: string }>((d, { adjoint, attrs }) => {
  const count = d.fields(adjoint);
  const swaps = attrs.indexing === 'xy' && count >= 2;
  const parts = Array.from({ length: count }, (_, k) => {
    const own = swaps && k < 2 ? 1 - k : k;
    const others = Array.from({ length: count }, (_, i) => i).filter((i) => i !== own);
    return d.reshape(d.sum(d.field(adjoint, k), others), d.shape(d.field(d.arg(0), k)));
  });
  return [d.tuple(parts)];
});

/** For each operand the equation turned round: from the result and the other operands to it. */
const einsum = adjoints<{ readonly equation: string }>((d, { adjoint, attrs }) => {
  const [left = '', written] = attrs.equation.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  if (left.includes('.') || terms.some((t) => new Set(t).size < t.length))
    return { none: 'its equation repeats an index within an operand or has an ellipsis' };
  const all = terms.join('');
  const result =
    written ??
    [...new Set(all)]
      .filter((c) => all.split(c).length === 2)
      .sort()
      .join('');
  const tensors = terms.map((_, i) => d.field(d.arg(0), i));
  const parts = terms.map((term, i) => {
    const x = d.field(d.arg(0), i);
    const others = terms.filter((_, k) => k !== i);
    const known = [...term].filter((c) => result.includes(c) || others.some((t) => t.includes(c)));
    const operands = [adjoint, ...tensors.filter((_, k) => k !== i)];
    const equation = `${[result, ...others].join(',')}->${known.join('')}`;
    const found = d.call('einsum', [d.tuple(operands)], { equation });
    const sizes = d.shape(x).map((n, k) => (known.includes(term[k] ?? '') ? n : 1));
    return d.call('broadcast_to_like', [d.reshape(found, sizes), x]);
  });
  return [d.tuple(parts)];
});

export const transformAdjoints: Readonly<Record<string, GradientRule<never>>> = {
  reshape_like: reshapedLike,
  contrib_reverse_reshape: reshaped,
  sparse_reshape: { none: 'its operands are positions' },
  broadcast_to_like: collapsed,
  collapse_sum_to: adjoints<unknown>((d, { adjoint }) => [d.call('broadcast_to_like', [adjoint, d.arg(0)]), undefined]),
  full: filled,
  full_like: adjoints<unknown>((d, { adjoint }) => [undefined, d.sum(adjoint, [...d.shape(adjoint).keys()])]),
  where: adjoints<unknown>((d, { adjoint }) => {
    const [condition, x, y] = [d.arg(0), d.arg(1), d.arg(2)];
    const nothing = d.zeros(adjoint);
    return [
      undefined,
      d.collapse(d.call('where', [condition, adjoint, nothing]), x),
      d.collapse(d.call('where', [condition, nothing, adjoint]), y),
    ];
  }),
  strided_slice: adjoints<SliceAttributes>((d, { adjoint, attrs }) => {
    const x = d.arg(0);
    return [uncut(d, adjoint, x, cutsOf(d.shape(x), attrs))];
  }),
  slice_like: adjoints<unknown>((d, { adjoint }) => {
    const x = d.arg(0);
    return [
      uncut(
        d,
        adjoint,
        x,
        d.shape(x).map(() => ({ first: 0, step: 1 })),
      ),
      undefined,
    ];
  }),
  take,
  gather: adjoints<{ readonly axis: number | null }>((d, { adjoint, attrs }) => [
    d.call('scatter_elements', [d.zeros(d.arg(0)), d.arg(1), adjoint], { axis: attrs.axis ?? 0, reduction: 'add' }),
    undefined,
  ]),
  gather_nd: adjoints<{ readonly batch_dims: number | null }>((d, { adjoint, attrs }) => {
    if ((attrs.batch_dims ?? 0) !== 0) return { none: '`batch_dims` is not 0' };
    return [d.call('scatter_nd', [d.zeros(d.arg(0)), d.arg(1), adjoint], { mode: 'add' }), undefined];
  }),
  scatter_elements: scatterElements,
  scatter_nd: scatterNd,
  stack,
  tile,
  repeat,
  reverse_sequence: adjoints<{ readonly seq_axis: number; readonly batch_axis: number }>((d, { adjoint, attrs }) => [
    d.call('reverse_sequence', [adjoint, d.arg(1)], { seq_axis: attrs.seq_axis, batch_axis: attrs.batch_axis }),
    undefined,
  ]),
  sequence_mask: adjoints<{ readonly axis: number }>((d, { adjoint, attrs }) => [
    d.call('sequence_mask', [adjoint, d.arg(1)], { mask_value: 0, axis: attrs.axis }),
    undefined,
  ]),
  trilu: adjoints<{ readonly upper: boolean }>((d, { adjoint, attrs }) => [
    d.call('trilu', [adjoint, d.arg(1)], { upper: attrs.upper }),
    undefined,
  ]),
  layout_transform: adjoints<{ readonly src_layout: string; readonly dst_layout: string }>((d, { adjoint, attrs }) => {
    if (count(d.shape(adjoint)) !== count(d.shape(d.arg(0)))) return { none: 'the layout pads a dimension' };
    return [d.call('layout_transform', [adjoint], { src_layout: attrs.dst_layout, dst_layout: attrs.src_layout })];
  }),
  meshgrid,
  einsum,
  dft: { none: 'no operator computes it' },
  stft: { none: 'no operator sums over overlapping windows' },
  sliding_window: { none: 'no operator sums over overlapping windows' },
  strided_set: { none: 'its positions are known only at run time' },
  matrix_set_diag: { none: 'no operator reads diagonals' },
  adv_index: { none: 'no operator sums over its positions' },
  one_hot: { none: 'its operand is a position' },
};
