/** Operators that cut a part out of a tensor, or put one in. */
import type { Dim } from '../../types/type.ts';
import { simplifyDim } from '../../types/dims.ts';
import { anyDim, tensorType } from '../../types/type.ts';
import { printDim, printShape } from '../../types/print.ts';
import { add, int, load, mul, compute } from '../../tensor/te.ts';
import { attr } from '../attributes.ts';
import {
  arrayAt,
  copyArray,
  elementAt,
  forEachIndex,
  numbersOf,
  positionOf,
  setElement,
  stridesOf,
} from '../compute/arrays.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import type { DimOrigin, Operator, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { normalizeAxis } from '../relations/axes.ts';
import { addDims, ceilDivDims, dimOp, dimValue, isAnyDim, isNamedDim, subDims } from '../relations/dims.ts';
import { attributeSource, copyOf, inputDim, originOf } from '../relations/explain.ts';
import { explainIdentity, identityRelation } from '../relations/identity.ts';
import { badAttribute, done, failed, inputBlame, tensorInput } from '../relations/inputs.ts';
import { dataInput, moveElements } from './define.ts';

type Failed = Extract<RelateResult, { kind: 'error' }>;

interface SliceAttrs {
  readonly begin: readonly number[] | null;
  readonly end: readonly number[] | null;
  readonly strides: readonly number[] | null;
  readonly slice_mode: string;
  readonly axes: readonly number[] | null;
}

interface SlicedDim {
  readonly dim: Dim;
  readonly begin: number;
  readonly stride: number;
  readonly origin: DimOrigin;
}

const farEnd = Number.MAX_SAFE_INTEGER;
/** Programs write this for “to the end”. */
const int32Max = 0x7fffffff;

/** An index within a dimension of `extent`, clipped to the range that a walk with `stride` may start or stop at. */
function canonical(index: number, extent: number, stride: number): number {
  const wrapped = index < 0 ? index + extent : index;
  const low = stride < 0 ? -1 : 0;
  const high = stride < 0 ? extent - 1 : extent;
  return Math.min(Math.max(wrapped, low), high);
}

/** What a slice leaves of each dimension. */
function slicedDims(shape: readonly Dim[], attrs: SliceAttrs): readonly SlicedDim[] | Failed {
  const { begin, end, strides, axes } = attrs;
  if (!begin || !end || !strides)
    return badAttribute(
      begin ? (end ? 'strides' : 'end') : 'begin',
      'A slice needs `begin`, `end` and `strides` as lists.',
    );
  const rank = shape.length;
  if (axes && !(axes.length === begin.length && axes.length === end.length && axes.length === strides.length))
    return badAttribute(
      'axes',
      `\`axes\`, \`begin\`, \`end\` and \`strides\` must have the same length; found ${axes.length}, ${begin.length}, ${end.length} and ${strides.length}.`,
    );
  if ((axes?.length ?? rank) === 0)
    return axes
      ? badAttribute('axes', '`axes` is empty, so nothing would be cut.', 'Name dimensions, or write `axes=None`.')
      : badAttribute('begin', '`data` is a scalar and has no dimensions to cut.');
  // Other operators count negative axes from the end; here they are refused.
  const negative = axes?.findIndex((axis) => axis < 0) ?? -1;
  if (axes && negative >= 0)
    return badAttribute(
      'axes',
      `Element ${negative} of \`axes\` is ${axes[negative] ?? 0}; the axes of a slice must not be negative.`,
      `Count from the first dimension: \`axes=[${axes.map((axis) => (axis < 0 ? axis + rank : axis)).join(', ')}]\`.`,
    );
  for (const [name, list] of [
    ['begin', begin],
    ['end', end],
    ['strides', strides],
  ] as const)
    if (!axes && list.length > rank)
      return badAttribute(
        name,
        `\`${name}\` has ${list.length} elements, but \`data\` ${printShape(shape)} has only ${rank} dimensions.`,
        `Remove elements from \`${name}\`.`,
      );
  const result: SlicedDim[] = shape.map((dim, i) => ({ dim, begin: 0, stride: 1, origin: copyOf(0, i) }));
  const count = axes?.length ?? rank;
  for (let k = 0; k < count; k++) {
    const axis = axes ? normalizeAxis(axes[k] ?? 0, rank, 'axes') : k;
    if (typeof axis !== 'number') return axis;
    const stride = attrs.slice_mode === 'end' ? (strides[k] ?? 1) : 1;
    if (stride === 0)
      return badAttribute(
        'strides',
        `Element ${k} of \`strides\` is 0; a step must not be zero.`,
        'Write 1 to take every element.',
      );
    const from = begin[k] ?? (stride > 0 ? 0 : farEnd);
    const written = end[k] ?? (stride < 0 ? 0 : farEnd);
    const to = attrs.slice_mode === 'size' && end[k] !== undefined ? (written < 0 ? farEnd : from + written) : written;
    const dim = shape[axis] ?? 1;
    const extent = dimValue(dim);
    if (extent === undefined) {
      if (isNamedDim(dim) && stride > 0) {
        const { first, last } = namedBounds(dim, from, to);
        const span = `${printDim(last)} − ${printDim(first)}`;
        const sources = (['begin', 'end', 'strides'] as const).map((name) => attributeSource(name, k));
        result[axis] = {
          dim: simplifyDim(ceilDivDims(subDims(last, first), stride)),
          begin: from,
          stride,
          origin: originOf(stride === 1 ? span : `ceil((${span}) / ${stride})`, inputDim(0, axis), ...sources),
        };
        continue;
      }
      result[axis] = { dim: anyDim, begin: from, stride, origin: originOf('', inputDim(0, axis)) };
      continue;
    }
    const first = canonical(from, Number(extent), stride);
    const last = canonical(to, Number(extent), stride);
    if (stride < 0 ? last > first : first > last)
      return badAttribute(
        'end',
        `Along dimension ${axis} (size ${extent}) the slice runs from ${first} to ${last} in steps of ${stride}, which is the wrong way.`,
        stride < 0 ? 'Let `end` be below `begin`.' : 'Let `end` be at or above `begin`.',
      );
    const step = Math.abs(stride);
    const size = Math.ceil(Math.abs(last - first) / step);
    const untouched = first === 0 && last === Number(extent) && stride === 1;
    const span = `${Math.max(first, last)} − ${Math.min(first, last)}`;
    const sources = (['begin', 'end', 'strides'] as const).flatMap((name) =>
      attrs[name]?.[k] === undefined ? [] : [attributeSource(name, k)],
    );
    result[axis] = {
      dim: typeof dim === 'number' ? size : { kind: 'int64', value: BigInt(size) },
      begin: first,
      stride,
      origin: untouched
        ? copyOf(0, axis)
        : originOf(step === 1 ? span : `ceil((${span}) / ${step})`, inputDim(0, axis), ...sources),
    };
  }
  return result;
}

/** Where a slice of a named size begins and ends; it is supposed not to begin behind its end. */
function namedBounds(extent: Dim, from: number, to: number): { readonly first: Dim; readonly last: Dim } {
  const first = from < 0 ? addDims(extent, from) : from;
  const last = to >= int32Max ? extent : to < 0 ? addDims(extent, to) : dimOp('min', extent, to);
  return { first, last: simplifyDim(last) };
}

const stridedSlice = defineOperator({
  name: 'strided_slice',
  summary:
    'The elements from `begin` up to, but without, `end` in steps of `strides`, for each dimension or each of `axes`.',
  details: 'Negative positions count from the end. With `slice_mode="size"`, `end` holds sizes and steps are 1.',
  inputs: [dataInput],
  attributes: {
    begin: attr.maybeInts('the first position along each dimension'),
    end: attr.maybeInts('the position to stop before, or the size'),
    strides: attr.maybeInts('the steps; negative steps run backwards'),
    slice_mode: attr.string('`end`: `end` holds positions; `size`: it holds sizes', { default: 'end' }),
    axes: attr.maybeInts('the dimensions that the lists are about; `None` for the first ones'),
  },
  attrsType: 'relay.attrs.StridedSliceAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const dims = slicedDims(data.shape, context.attrs);
    return 'kind' in dims
      ? dims
      : done(
          tensorType(
            dims.map((d) => d.dim),
            data.dtype,
          ),
        );
  },
  explain: (context, _result, at) => {
    const [data] = context.inputs;
    if (data?.kind !== 'tensor') return undefined;
    const dims = slicedDims(data.shape, context.attrs);
    return 'kind' in dims ? undefined : dims[at.dim]?.origin;
  },
  compute: moveElements('strided_slice', (i, context, data) => {
    const dims = slicedDims(data.shape, context.attrs);
    if ('kind' in dims) throw new Error(dims.error.message);
    return dims.map((d, k) => add(mul(i[k] ?? int(0), int(d.stride)), int(d.begin)));
  }),
  fusion: 'injective',
  examples: [
    {
      title: 'Every second column',
      source:
        'fn (%x: Tensor[(2, 6), float32]) { strided_slice(%x, begin=[0, 0], end=[2, 6], strides=[1, 2], axes=None) }',
    },
  ],
});

/** Which dimensions `slice_like` cuts to the size of the other tensor. */
function likeAxes(axes: readonly number[] | null, rank: number, likeRank: number): readonly number[] {
  if (axes === null) return Array.from({ length: Math.min(rank, likeRank) }, (_, i) => i);
  return axes.map((a) => (a < 0 ? a + rank : a));
}

const sliceLike = defineOperator({
  name: 'slice_like',
  summary: 'Cuts `data` at the end to the sizes of `shape_like`, along all dimensions or along `axes`.',
  inputs: [dataInput, { name: 'shape_like', summary: 'the tensor whose sizes are taken' }],
  attributes: { axes: attr.maybeInts('the dimensions to cut; `None` for all') },
  attrsType: 'relay.attrs.SliceLikeAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const like = tensorInput(context, 1, 'shape_like');
    if (like.kind !== 'tensor') return like;
    if (context.attrs.axes?.length === 0)
      return badAttribute(
        'axes',
        '`axes` is empty, so nothing would be cut.',
        'Name dimensions, or write `axes=None` for all.',
      );
    const shape = [...data.shape];
    for (const axis of likeAxes(context.attrs.axes, data.shape.length, like.shape.length)) {
      const have = data.shape[axis];
      const want = like.shape[axis];
      if (axis < 0 || have === undefined || want === undefined)
        return badAttribute(
          'axes',
          `\`axes\` names dimension ${axis}; \`data\` is ${printShape(data.shape)} and \`shape_like\` is ${printShape(like.shape)}.`,
          'Name dimensions that both tensors have.',
        );
      const a = dimValue(have);
      const b = dimValue(want);
      if (a !== undefined && b !== undefined && b > a)
        return failed(
          'shape-mismatch',
          `Dimension ${axis} of \`data\` is ${a}, which cannot be cut to the ${b} of \`shape_like\`.`,
          inputBlame(1, axis),
          {
            remedy: 'Make `shape_like` no larger than `data`.',
            related: [{ blame: inputBlame(0, axis), message: `\`data\` has ${a} here.` }],
          },
        );
      shape[axis] = want;
    }
    return done(tensorType(shape, data.dtype));
  },
  explain: (context, _result, at) => {
    const [data, like] = context.inputs;
    if (data?.kind !== 'tensor' || like?.kind !== 'tensor') return undefined;
    return copyOf(likeAxes(context.attrs.axes, data.shape.length, like.shape.length).includes(at.dim) ? 1 : 0, at.dim);
  },
  compute: moveElements('slice_like', (i) => i),
  fusion: 'injective',
});

const stridedSet = defineOperator({
  name: 'strided_set',
  summary: 'A copy of `data` in which the slice from `begin` to `end` in steps of `strides` is replaced by `v`.',
  inputs: [
    dataInput,
    { name: 'v', summary: 'the new elements' },
    { name: 'begin', summary: 'the first position along each dimension' },
    { name: 'end', summary: 'the position to stop before' },
    { name: 'strides', summary: 'the steps' },
  ],
  attributes: {},
  relate: identityRelation,
  explain: explainIdentity,
  kernel: (context) => {
    const result = copyArray(arrayAt(context, 0));
    const v = arrayAt(context, 1);
    const [begin, end, strides] = [2, 3, 4].map((i) => numbersOf(arrayAt(context, i)));
    const walk = result.shape.map((extent, d) => {
      const stride = strides?.[d] ?? 1;
      const first = canonical(begin?.[d] ?? (stride < 0 ? farEnd : 0), extent, stride);
      const last = canonical(end?.[d] ?? (stride < 0 ? -extent - 1 : farEnd), extent, stride);
      return { first, stride, count: stride === 0 ? 0 : Math.max(0, Math.ceil((last - first) / stride)) };
    });
    const outStrides = stridesOf(result.shape);
    const inStrides = stridesOf(v.shape);
    forEachIndex(
      walk.map((w) => w.count),
      (i) => {
        const target = i.map((k, d) => (walk[d]?.first ?? 0) + k * (walk[d]?.stride ?? 1));
        const skip = i.length - v.shape.length;
        const source = v.shape.map((n, d) => (n === 1 ? 0 : (i[d + skip] ?? 0)));
        setElement(result, positionOf(target, outStrides), elementAt(v, positionOf(source, inStrides)));
      },
    );
    return [result];
  },
  fusion: 'injective',
});

const slidingWindow = defineOperator({
  name: 'sliding_window',
  summary: 'All windows of `window_shape` over the dimensions from `axis` on, each laid out in dimensions of its own.',
  inputs: [dataInput],
  attributes: {
    axis: attr.int('the first dimension that the window moves along'),
    window_shape: attr.ints('the window’s sizes, one for each dimension from `axis` on'),
    strides: attr.ints('the steps of the window'),
  },
  attrsType: 'relay.attrs.SlidingWindowAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const { axis, window_shape: window, strides } = context.attrs;
    const rank = data.shape.length;
    if (axis < 0 || axis + window.length > rank)
      return badAttribute(
        'axis',
        `A window of ${window.length} dimensions from dimension ${axis} on does not fit into \`data\` ${printShape(data.shape)}.`,
        'Choose `axis` so that the window fits.',
      );
    if (strides.length < window.length)
      return badAttribute(
        'strides',
        `\`strides\` must have one step for each of the ${window.length} window dimensions, found ${strides.length}.`,
      );
    if (strides.some((s) => s <= 0))
      return badAttribute('strides', `Steps must be at least 1, found [${strides.join(', ')}].`);
    return done(
      tensorType(
        [
          ...data.shape.slice(0, axis),
          ...window.map((w, k) => windowCount(data.shape[axis + k] ?? 1, w, strides[k] ?? 1)),
          ...window,
        ],
        data.dtype,
      ),
    );
  },
  explain: (context, _result, at) => {
    const { axis, window_shape: window, strides } = context.attrs;
    if (at.dim < axis) return copyOf(0, at.dim);
    const k = at.dim - axis;
    if (k >= window.length) return originOf('', attributeSource('window_shape', k - window.length));
    const [data] = context.inputs;
    if (data?.kind !== 'tensor') return undefined;
    return originOf(
      `floor((${printDim(data.shape[at.dim] ?? 1)} − ${window[k] ?? 1}) / ${strides[k] ?? 1}) + 1`,
      inputDim(0, at.dim),
      attributeSource('window_shape', k),
      attributeSource('strides', k),
    );
  },
  compute: (context) => {
    const data = tensorAt(context, 0);
    const { axis, window_shape: window, strides } = context.attrs;
    return [
      compute('sliding_window', outputOf(context).shape, (...i) =>
        load(
          data,
          ...data.shape.map((_, d) => {
            const k = d - axis;
            if (k < 0) return i[d] ?? int(0);
            return add(mul(i[d] ?? int(0), int(strides[k] ?? 1)), i[axis + window.length + k] ?? int(0));
          }),
        ),
      ),
    ];
  },
  fusion: 'opaque',
});

function windowCount(extent: Dim, window: number, stride: number): Dim {
  if (isAnyDim(extent)) return anyDim;
  const positions = subDims(extent, window - 1);
  return stride === 1 ? positions : ceilDivDims(positions, stride);
}

export const sliceOperators: readonly Operator[] = [stridedSlice, sliceLike, stridedSet, slidingWindow];
