/** Gradients of operators over blocks and windows, by definitions with padding, slices and transposition. */
import { definition } from '../derivation.ts';
import type { Derivation } from '../derivation.ts';
import type { GradientRule } from '../operator.ts';
import { wrapAxis } from '../relations/axes.ts';
import { cut, padded } from '../transform/adjoints.ts';
import { axisIndex, parseLayout } from './layout.ts';
import type { PoolAttributes } from './pooling.ts';
import { readPadding } from './shapes.ts';

const range = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);
const total = <E>(d: Derivation<E>, terms: readonly E[]): E => terms.reduce((a, b) => d.add(a, b));

/** All index tuples below `sizes`. */
function tuples(sizes: readonly number[]): readonly (readonly number[])[] {
  return sizes.reduce<readonly (readonly number[])[]>(
    (all, n) => all.flatMap((t) => range(n).map((i) => [...t, i])),
    [[]],
  );
}

/** Every dimension 0, but `values` along `axes`. */
const along = (rank: number, axes: readonly number[], values: readonly number[], rest = 0): readonly number[] =>
  range(rank).map((axis) => (axes.includes(axis) ? (values[axes.indexOf(axis)] ?? rest) : rest));

/** For each element of a window, the data that it meets, one entry a window. */
function windowSlices<E>(
  d: Derivation<E>,
  x: E,
  axes: readonly number[],
  attrs: PoolAttributes,
  counts: readonly number[],
): readonly E[] {
  const rank = d.shape(x).length;
  const strides = along(rank, axes, attrs.strides, 1);
  return tuples(attrs.pool_size.slice(0, axes.length)).map((offset) => {
    const first = offset.map((k, i) => k * (attrs.dilation[i] ?? 1));
    const begin = along(rank, axes, first);
    const ends = first.map((k, i) => k + ((counts[i] ?? 1) - 1) * (attrs.strides[i] ?? 1) + 1);
    const end = range(rank).map((axis) =>
      axes.includes(axis) ? (ends[axes.indexOf(axis)] ?? 1) : (d.shape(x)[axis] ?? 1),
    );
    return d.call('strided_slice', [x], { begin, end, strides, axes: null });
  });
}

/** Windows over three dimensions: one slice of the padded data for each of their elements. */
function pool3d(kind: 'max' | 'avg'): GradientRule<never> {
  return definition<PoolAttributes>((d, attrs) => {
    const x = d.arg(0);
    const shape = d.shape(x);
    const layout = parseLayout(attrs.layout);
    const axes = typeof layout === 'string' ? [] : [...'DHW'].map((axis) => axisIndex(layout, axis));
    const padding = readPadding(attrs.padding, 3);
    if (axes.length !== 3 || axes.includes(-1) || 'kind' in padding) return { none: 'its layout is not plain' };
    const extents = axes.map((_, i) => ((attrs.pool_size[i] ?? 1) - 1) * (attrs.dilation[i] ?? 1) + 1);
    const counts = axes.map((axis, i) => {
      const room = (shape[axis] ?? 1) + (padding.before[i] ?? 0) + (padding.after[i] ?? 0) - (extents[i] ?? 1);
      return (attrs.ceil_mode ? Math.ceil : Math.floor)(room / (attrs.strides[i] ?? 1)) + 1;
    });
    // What the last window needs beyond the data; with `ceil_mode` more than the padding.
    const beyond = axes.map((axis, i) => {
      const needed = ((counts[i] ?? 1) - 1) * (attrs.strides[i] ?? 1) + (extents[i] ?? 1) - (padding.before[i] ?? 0);
      return Math.max(0, needed - (shape[axis] ?? 1));
    });
    const around = (e: typeof x, fill: number, before: readonly number[], after: readonly number[]) =>
      d.call('nn.pad', [e, d.number(fill, e)], {
        pad_width: along(shape.length, axes, before).map((n, i) => [n, along(shape.length, axes, after)[i] ?? 0]),
      });
    if (kind === 'max') {
      const slices = windowSlices(d, around(x, -Infinity, padding.before, beyond), axes, attrs, counts);
      return { value: slices.reduce((a, b) => d.call('maximum', [a, b])) };
    }
    const counted = d.call('ones_like', [x]);
    const inside = attrs.count_include_pad === true ? around(counted, 1, padding.before, padding.after) : counted;
    const none = axes.map(() => 0);
    const left =
      attrs.count_include_pad === true ? axes.map((_, i) => (beyond[i] ?? 0) - (padding.after[i] ?? 0)) : beyond;
    const ones = around(
      inside,
      0,
      attrs.count_include_pad === true ? none : padding.before,
      left.map((n) => Math.max(0, n)),
    );
    const sums = total(d, windowSlices(d, around(x, 0, padding.before, beyond), axes, attrs, counts));
    return { value: d.div(sums, total(d, windowSlices(d, ones, axes, attrs, counts))) };
  });
}

const lrn = definition<{ size: number; axis: number; bias: number; alpha: number; beta: number }>((d, attrs) => {
  const x = d.arg(0);
  const shape = d.shape(x);
  const axis = wrapAxis(attrs.axis, shape.length) ?? 0;
  const half = Math.floor(attrs.size / 2);
  const only = (n: number): readonly number[] => along(shape.length, [axis], [n]);
  const squares = padded(d, d.mul(x, x), only(half), only(half));
  const sum = total(
    d,
    range(attrs.size).map((offset) => cut(d, squares, only(offset), shape)),
  );
  const scaled = d.add(d.scale(sum, attrs.alpha / attrs.size), d.number(attrs.bias, x));
  return { value: d.div(x, d.call('power', [scaled, d.number(attrs.beta, x)])) };
});

/** The data with mirrored parts before and after it, along one dimension after the other. */
const mirrorPad = definition<{ readonly mode: string; readonly pad_width: readonly (readonly number[])[] }>(
  (d, attrs) => {
    const skip = attrs.mode === 'REFLECT' ? 1 : 0;
    let result = d.arg(0);
    for (const [axis, [before = 0, after = 0]] of attrs.pad_width.entries()) {
      const shape = d.shape(result);
      const extent = shape[axis] ?? 1;
      if (Math.max(before, after) + skip > extent) return { none: 'it mirrors more than there is' };
      const x = result;
      const mirrored = (begin: number, count: number): readonly (typeof x)[] => {
        if (count === 0) return [];
        const size = shape.map((n, i) => (i === axis ? count : n));
        return [d.call('reverse', [cut(d, x, along(shape.length, [axis], [begin]), size)], { axis })];
      };
      const parts = [...mirrored(skip, before), x, ...mirrored(extent - skip - after, after)];
      if (parts.length > 1) result = d.call('concatenate', [d.tuple(parts)], { axis });
    }
    return { value: result };
  },
);

interface Blocks {
  readonly block_shape: readonly number[];
}

const spaceToBatch = definition<
  Blocks & { readonly paddings: readonly (readonly number[])[]; readonly pad_value: number }
>((d, { block_shape: block, paddings, pad_value: fill }) => {
  const x = d.arg(0);
  const widths = d.shape(x).map((_, i) => (i === 0 ? [0, 0] : (paddings[i - 1] ?? [0, 0])));
  const wide = widths.flat().every((n) => n === 0)
    ? x
    : d.call('nn.pad', [x, d.number(fill, x)], { pad_width: widths });
  const [batch = 1, ...sizes] = d.shape(wide);
  if (block.some((b, i) => (sizes[i] ?? 1) % b !== 0)) return { none: 'its blocks do not divide the data evenly' };
  const n = block.length;
  const rest = sizes.slice(n);
  const split = [batch, ...block.flatMap((b, i) => [(sizes[i] ?? 1) / b, b]), ...rest];
  const order = [
    ...range(n).map((i) => 2 * i + 2),
    0,
    ...range(n).map((i) => 2 * i + 1),
    ...rest.map((_, i) => 2 * n + 1 + i),
  ];
  const moved = d.transpose(d.reshape(wide, split), order);
  const batches = batch * block.reduce((a, b) => a * b, 1);
  return { value: d.reshape(moved, [batches, ...block.map((b, i) => (sizes[i] ?? 1) / b), ...rest]) };
});

const batchToSpace = definition<Blocks & { readonly crops: readonly (readonly number[])[] }>(
  (d, { block_shape: block, crops }) => {
    const x = d.arg(0);
    const [batches = 1, ...sizes] = d.shape(x);
    const batch = batches / block.reduce((a, b) => a * b, 1);
    if (!Number.isInteger(batch)) return { none: 'its blocks do not divide the batch evenly' };
    const n = block.length;
    const rest = sizes.slice(n);
    const order = [n, ...range(n).flatMap((i) => [n + 1 + i, i]), ...rest.map((_, i) => 2 * n + 1 + i)];
    const split = d.transpose(d.reshape(x, [...block, batch, ...sizes]), order);
    const whole = d.reshape(split, [batch, ...block.map((b, i) => (sizes[i] ?? 1) * b), ...rest]);
    const begin = d.shape(whole).map((_, i) => (i === 0 ? 0 : (crops[i - 1]?.[0] ?? 0)));
    const size = d
      .shape(whole)
      .map((extent, i) => (i === 0 ? extent : extent - (begin[i] ?? 0) - (crops[i - 1]?.[1] ?? 0)));
    return { value: cut(d, whole, begin, size) };
  },
);

export const blockAdjoints: Readonly<Record<string, GradientRule<never>>> = {
  'nn.max_pool3d': pool3d('max'),
  'nn.avg_pool3d': pool3d('avg'),
  'nn.lrn': lrn,
  'nn.mirror_pad': mirrorPad,
  'nn.space_to_batch_nd': spaceToBatch,
  'nn.batch_to_space_nd': batchToSpace,
};
