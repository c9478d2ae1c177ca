/** Shape manipulation with shapes as arguments. */
import { anyDim, tensorType } from '../../types/type.ts';
import { printShape } from '../../types/print.ts';
import { elementCount } from '../../tensor/ndarray.ts';
import type { AttributeSchema } from '../attributes.ts';
import { attr } from '../attributes.ts';
import { arrayAt, copyArray, elementAt, numbersOf } from '../compute/arrays.ts';
import type { InputSpec, KernelContext, Operator, StaticCall } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { dimValue } from '../relations/dims.ts';
import { originOf, copyOf } from '../relations/explain.ts';
import { done, failed, inputBlame, mostDimensions, requireRank, tensorInput } from '../relations/inputs.ts';
import { topKAttributes, topKKernel, topKRelation } from '../sort/index.ts';
import { anyDims, explainRuntime, lengthInput, moveArray, shapeInput } from './define.ts';
import type { NDArray } from '../../tensor/ndarray.ts';

const data: InputSpec = { name: 'data', summary: 'the tensor' };

/** An operator of a tensor and a vector: the result's rank follows from both, its sizes from values. */
function byVector(options: {
  readonly name: string;
  readonly summary: string;
  readonly vector: InputSpec;
  readonly attributes: AttributeSchema;
  readonly attrsType: string;
  /** More dimensions than one are an error, not ignored. */
  readonly onlyVector?: boolean;
  readonly rank: (dataRank: number, length: number) => number;
  readonly fusion: Operator['fusion'];
  readonly kernel: (data: NDArray, values: readonly number[]) => NDArray;
  /** The static operator's attributes. */
  readonly fixed: (shape: readonly number[], values: readonly number[]) => StaticCall['attrs'];
}): Operator {
  return defineOperator({
    name: options.name,
    summary: options.summary,
    inputs: [data, options.vector],
    attributes: options.attributes,
    attrsType: options.attrsType,
    relate: (context) => {
      const x = tensorInput(context, 0, 'data');
      if (x.kind !== 'tensor') return x;
      const length = lengthInput(context, 1, options.vector.name);
      if (typeof length !== 'number') return length;
      const vector = options.onlyVector ? tensorInput(context, 1, options.vector.name) : undefined;
      const wrong = vector?.kind === 'tensor' ? requireRank(vector, 1, options.vector.name, 1) : undefined;
      if (wrong) return wrong;
      return done(tensorType(anyDims(options.rank(x.shape.length, length)), x.dtype));
    },
    explain: explainRuntime(1),
    kernel: (context: KernelContext<unknown>) => [options.kernel(arrayAt(context, 0), numbersOf(arrayAt(context, 1)))],
    asStatic: {
      known: [1],
      call: ({ shape, values }) => ({
        operator: options.name.replace('dyn.', ''),
        args: [0],
        attrs: options.fixed(shape(0), values(1)),
      }),
    },
    fusion: options.fusion,
  });
}

/** Sizes after a reshape: 0 copies, −1 is inferred. */
function reshapedSizes(from: readonly number[], written: readonly number[]): readonly number[] {
  const sizes = written.map((n, i) => (n === 0 ? (from[i] ?? 1) : n));
  const known = sizes.filter((n) => n !== -1).reduce((a, b) => a * b, 1);
  return sizes.map((n) => (n === -1 ? elementCount(from) / known : n));
}

function repeatedIndex(indices: readonly number[], shape: readonly number[]): readonly number[] {
  const skip = indices.length - shape.length;
  return shape.map((n, d) => (indices[d + skip] ?? 0) % n);
}

const vectorOperators: readonly Operator[] = [
  byVector({
    name: 'dyn.reshape',
    summary: 'As `reshape`, with the new sizes as an argument.',
    vector: { name: 'newshape', summary: 'the new sizes; 0 copies a dimension, -1 is inferred' },
    attributes: {
      newshape: attr.maybeInts('not used: the sizes are an argument'),
      allowzero: attr.bool('not used', { default: false }),
    },
    attrsType: 'relay.attrs.ReshapeAttrs',
    rank: (_rank, length) => length,
    fusion: 'injective',
    kernel: (x, sizes) => ({ ...copyArray(x), shape: reshapedSizes(x.shape, sizes) }),
    fixed: (shape, sizes) => {
      const newshape = reshapedSizes(shape, sizes);
      return { newshape, allowzero: newshape.includes(0) };
    },
  }),
  byVector({
    name: 'dyn.tile',
    summary: 'As `tile`, with the repetitions as an argument.',
    vector: { name: 'reps', summary: 'how often along each dimension, aligned at the right' },
    attributes: { reps: attr.maybeInts('not used: the repetitions are an argument') },
    attrsType: 'relay.attrs.TileAttrs',
    rank: (rank, length) => Math.max(rank, length),
    fusion: 'injective',
    kernel: (x, reps) => {
      const rank = Math.max(x.shape.length, reps.length);
      const shape = Array.from({ length: rank }, (_, d) => {
        const size = x.shape[d - (rank - x.shape.length)] ?? 1;
        return size * (reps[d - (rank - reps.length)] ?? 1);
      });
      return moveArray(x, shape, (i) => repeatedIndex(i, x.shape));
    },
    fixed: (_shape, reps) => ({ reps }),
  }),
  byVector({
    name: 'dyn.broadcast_to',
    summary: 'As `broadcast_to`, with the sizes as an argument.',
    vector: shapeInput,
    attributes: {
      shape: attr.maybeInts('not used: the sizes are an argument'),
      dtype: attr.dtype('not used', { default: null }),
    },
    attrsType: 'relay.attrs.InitOpAttrs',
    rank: (_rank, length) => length,
    fusion: 'broadcast',
    kernel: (x, sizes) => moveArray(x, sizes, (i) => repeatedIndex(i, x.shape)),
    fixed: (_shape, sizes) => ({ shape: sizes }),
  }),
  byVector({
    name: 'dyn.squeeze',
    summary: 'As `squeeze`, with the axes as an argument.',
    vector: { name: 'axes', summary: 'the dimensions to remove, a vector' },
    attributes: { axis: attr.maybeInts('not used: the axes are an argument', { default: null }) },
    attrsType: 'relay.attrs.SqueezeAttrs',
    onlyVector: true,
    rank: (rank, length) => rank - length,
    fusion: 'injective',
    kernel: (x, axes) => {
      const drop = new Set(axes.map((a) => (a < 0 ? a + x.shape.length : a)));
      return { ...copyArray(x), shape: x.shape.filter((_, d) => !drop.has(d)) };
    },
    fixed: (_shape, axes) => ({ axis: axes }),
  }),
];

const expandDims = defineOperator({
  name: 'dyn.expand_dims',
  summary: 'As `expand_dims`, with the axis as an argument.',
  inputs: [data, { name: 'axis', summary: 'where to insert, a scalar' }],
  attributes: { num_newaxis: attr.int('how many dimensions to insert', { default: 1, min: 0, max: mostDimensions }) },
  attrsType: 'relay.attrs.DynExpandDimsAttrs',
  attrsTypeKey: true,
  relate: (context) => {
    const x = tensorInput(context, 0, 'data');
    if (x.kind !== 'tensor') return x;
    const axis = tensorInput(context, 1, 'axis');
    if (axis.kind !== 'tensor') return axis;
    const rank = x.shape.length + context.attrs.num_newaxis;
    return requireRank(axis, 1, 'axis', 0) ?? done(tensorType(anyDims(rank), x.dtype));
  },
  explain: explainRuntime(0),
  kernel: (context) => {
    const x = arrayAt(context, 0);
    const written = Number(elementAt(arrayAt(context, 1), 0));
    const axis = written < 0 ? written + x.shape.length + 1 : written;
    const ones = Array.from({ length: context.attrs.num_newaxis }, () => 1);
    return [{ ...copyArray(x), shape: [...x.shape.slice(0, axis), ...ones, ...x.shape.slice(axis)] }];
  },
  asStatic: {
    known: [1],
    call: ({ attrs, values }) => ({
      operator: 'expand_dims',
      args: [0],
      attrs: { axis: values(1)[0] ?? 0, num_newaxis: attrs.num_newaxis },
    }),
  },
  fusion: 'injective',
});

/** Where a slice starts, stops and how it goes, along each dimension. */
function walks(
  shape: readonly number[],
  begin: readonly number[] | undefined,
  end: readonly number[] | undefined,
  strides: readonly number[] | undefined,
  sized: boolean,
): readonly { readonly first: number; readonly last: number; readonly stride: number; readonly count: number }[] {
  return shape.map((extent, d) => {
    const stride = sized ? 1 : (strides?.[d] ?? 1);
    const clamp = (n: number): number => {
      const at = n < 0 ? n + extent : n;
      return Math.min(Math.max(at, stride < 0 ? -1 : 0), stride < 0 ? extent - 1 : extent);
    };
    const first = clamp(begin?.[d] ?? 0);
    const written = end?.[d] ?? extent;
    const last =
      sized && end?.[d] !== undefined ? (written < 0 ? extent : Math.min(extent, first + written)) : clamp(written);
    return { first, last, stride, count: Math.max(0, Math.ceil((last - first) / stride)) };
  });
}

const stridedSlice = defineOperator({
  name: 'dyn.strided_slice',
  summary: 'As `strided_slice`, with the positions as arguments.',
  inputs: [
    data,
    { name: 'begin', summary: 'the first position along each leading dimension' },
    { name: 'end', summary: 'the position to stop before, or the size' },
    { name: 'strides', summary: 'the steps' },
  ],
  attributes: {
    begin: attr.maybeInts('not used: positions are arguments'),
    end: attr.maybeInts('not used'),
    strides: attr.maybeInts('not used'),
    slice_mode: attr.string('`end`: `end` holds positions; `size`: it holds sizes', { default: 'end' }),
    axes: attr.maybeInts('not used'),
  },
  attrsType: 'relay.attrs.StridedSliceAttrs',
  relate: (context) => {
    const x = tensorInput(context, 0, 'data');
    if (x.kind !== 'tensor') return x;
    const count = lengthInput(context, 1, 'begin');
    if (typeof count !== 'number') return count;
    if (count > x.shape.length)
      return failed(
        'shape-mismatch',
        `\`begin\` has ${count} positions, but \`data\` ${printShape(x.shape)} has only ${x.shape.length} dimensions.`,
        inputBlame(1, 0),
        {
          remedy: 'Pass at most one position for each dimension.',
        },
      );
    return done(
      tensorType(
        x.shape.map((dim, d) => (d < count ? anyDim : dim)),
        x.dtype,
      ),
    );
  },
  explain: (context, _result, at) => {
    const [, begin] = context.inputs;
    const count = begin?.kind === 'tensor' ? Number(dimValue(begin.shape[0] ?? 0) ?? 0n) : 0;
    return at.dim < count ? originOf('known at run time', { kind: 'input', index: 0, dim: at.dim }) : copyOf(0, at.dim);
  },
  kernel: (context) => {
    const x = arrayAt(context, 0);
    const [begin, end, strides] = [1, 2, 3].map((i) => numbersOf(arrayAt(context, i)));
    const walk = walks(x.shape, begin, end, strides, context.attrs.slice_mode === 'size');
    return [
      moveArray(
        x,
        walk.map((w) => w.count),
        (i) => i.map((k, d) => (walk[d]?.first ?? 0) + k * (walk[d]?.stride ?? 1)),
      ),
    ];
  },
  asStatic: {
    known: [1, 2, 3],
    call: ({ attrs, shape, values }) => {
      const walk = walks(shape(0), values(1), values(2), values(3), attrs.slice_mode === 'size');
      return {
        operator: 'strided_slice',
        args: [0],
        attrs: {
          begin: walk.map((w) => w.first),
          // One before the first element is said as a position from the end.
          end: walk.map((w, d) => (w.last < 0 ? w.last - (shape(0)[d] ?? 0) : w.last)),
          strides: walk.map((w) => w.stride),
          slice_mode: 'end',
          axes: null,
        },
      };
    },
  },
  fusion: 'injective',
});

const topk = defineOperator({
  name: 'dyn.topk',
  summary: 'As `topk`, with the number of elements as an argument.',
  inputs: [data, { name: 'k', summary: 'how many, a scalar' }],
  attributes: { k: attr.maybeInt('not used: the number is an argument'), ...topKAttributes },
  attrsType: 'relay.attrs.TopkAttrs',
  relate: (context) => {
    const k = tensorInput(context, 1, 'k');
    const [x] = context.inputs;
    if (x === undefined || x.kind === 'incomplete') return { kind: 'wait' };
    if (k.kind !== 'tensor') return k;
    const single = k.shape.length === 0 || (k.shape.length === 1 && dimValue(k.shape[0] ?? 0) === 1n);
    if (!single)
      return failed(
        'shape-mismatch',
        `\`k\` must be a scalar or have shape (1), found ${printShape(k.shape)}.`,
        inputBlame(1),
        {
          remedy: 'Pass one number.',
        },
      );
    return topKRelation(x, context.attrs, () => anyDim);
  },
  explain: (context, _result, at) => {
    const [x] = context.inputs;
    const rank = x?.kind === 'tensor' ? x.shape.length : 0;
    const axis = context.attrs.axis < 0 ? context.attrs.axis + rank : context.attrs.axis;
    return at.dim === axis ? originOf('value of `k`, known at run time') : copyOf(0, at.dim);
  },
  kernel: (context) => topKKernel(arrayAt(context, 0), context.attrs, Number(elementAt(arrayAt(context, 1), 0))),
  asStatic: {
    known: [1],
    call: ({ attrs, values }) => ({ operator: 'topk', args: [0], attrs: { ...attrs, k: values(1)[0] ?? 0 } }),
  },
  fusion: 'opaque',
});

export const dynamicTransformOperators: readonly Operator[] = [...vectorOperators, expandDims, stridedSlice, topk];
