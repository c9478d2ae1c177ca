/** Operators that keep the elements and change the shape. */
import { tensorType } from '../../types/type.ts';
import type { Dim } from '../../types/type.ts';
import { printDim, printShape } from '../../types/print.ts';
import { attr } from '../attributes.ts';
import { reindex } from '../compute/reindex.ts';
import type { DimOrigin, Operator, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { isFailed, normalizeAxes, normalizeInsertAxis } from '../relations/axes.ts';
import { dimValue, isDim, productOfDims } from '../relations/dims.ts';
import { copyOf, fromAttribute } from '../relations/explain.ts';
import { badAttribute, done, failed, inputBlame, mostDimensions, tensorInput } from '../relations/inputs.ts';
import { dataInput, moveElements } from './define.ts';
import { reshapedDims } from './reshape-shape.ts';

interface ReshapeAttrs {
  readonly newshape: readonly number[];
  readonly allowzero: boolean;
}

const newshapeAttributes = {
  newshape: attr.ints(
    'the new sizes; 0 copies a dimension, -1 is inferred, -2 copies the rest, -3 merges two, -4 splits one in two',
  ),
  allowzero: attr.bool('a 0 in `newshape` is a size of zero instead of a copy', { default: false }),
};

function reshapeRelation(reverse: boolean): (context: RelateContext<ReshapeAttrs>) => RelateResult {
  return (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const dims = reshapedDims(data.shape, context.attrs.newshape, context.attrs.allowzero, reverse);
    return 'kind' in dims
      ? dims
      : done(
          tensorType(
            dims.map((d) => d.dim),
            data.dtype,
          ),
        );
  };
}

function explainReshape(
  reverse: boolean,
): (context: RelateContext<ReshapeAttrs>, result: unknown, at: { readonly dim: number }) => DimOrigin | undefined {
  return (context, _result, at) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return undefined;
    const dims = reshapedDims(data.shape, context.attrs.newshape, context.attrs.allowzero, reverse);
    return 'kind' in dims ? undefined : dims[at.dim]?.origin;
  };
}

const reshape = defineOperator({
  name: 'reshape',
  summary: 'The same elements, in row-major order, in another shape.',
  details:
    '`newshape` is read from the left along the dimensions of `data`: a positive number is the size, `0` copies the ' +
    'dimension, `-1` takes what is left over, `-2` copies all remaining dimensions, `-3` merges two dimensions and ' +
    '`-4` splits one into the two sizes that follow (one of which may be `-1`).',
  inputs: [dataInput],
  attributes: newshapeAttributes,
  attrsType: 'relay.attrs.ReshapeAttrs',
  relate: reshapeRelation(false),
  explain: explainReshape(false),
  compute: moveElements('reshape', (i, context, data) => reindex(i, context.outputs[0]?.shape ?? [], data.shape)),
  gradient: (b, { args: [x], adjoint }) => (x === undefined ? [] : [b.call('reshape_like', [adjoint, x])]),
  fusion: 'injective',
  examples: [
    {
      title: 'Flatten all but the batch',
      source: 'fn (%x: Tensor[(2, 3, 4), float32]) { reshape(%x, newshape=[0, -1]) }',
    },
    {
      title: 'Merge the first two dimensions',
      source: 'fn (%x: Tensor[(2, 3, 4), float32]) { reshape(%x, newshape=[-3, -2]) }',
    },
  ],
});

const reverseReshape = defineOperator({
  name: 'contrib_reverse_reshape',
  summary: 'As `reshape`, with `newshape` read from the right.',
  inputs: [dataInput],
  attributes: newshapeAttributes,
  attrsType: 'relay.attrs.ReshapeAttrs',
  relate: reshapeRelation(true),
  explain: explainReshape(true),
  compute: moveElements('reverse_reshape', (i, context, data) =>
    reindex(i, context.outputs[0]?.shape ?? [], data.shape),
  ),
  fusion: 'injective',
});

interface LikeAttrs {
  readonly lhs_begin: number;
  readonly lhs_end: number | null;
  readonly rhs_begin: number;
  readonly rhs_end: number | null;
}

/** Result dimensions of `reshape_like`: parts of one shape and the other. */
function likeDims(
  left: readonly Dim[],
  right: readonly Dim[],
  attrs: LikeAttrs,
): readonly { readonly dim: Dim; readonly origin: DimOrigin }[] | undefined {
  const at = (n: number, rank: number): number => (n < 0 ? n + rank : n);
  const lhsBegin = at(attrs.lhs_begin, left.length);
  const lhsEnd = at(attrs.lhs_end ?? left.length, left.length);
  const rhsBegin = at(attrs.rhs_begin, right.length);
  const rhsEnd = at(attrs.rhs_end ?? right.length, right.length);
  if (lhsBegin < 0 || lhsBegin > left.length || lhsEnd < 0 || rhsBegin < 0 || rhsEnd > right.length) return undefined;
  const part = (shape: readonly Dim[], index: number, from: number, to: number) =>
    shape.flatMap((dim, i) => (i >= from && i < to ? [{ dim, origin: copyOf(index, i) }] : []));
  return [...part(left, 0, 0, lhsBegin), ...part(right, 1, rhsBegin, rhsEnd), ...part(left, 0, lhsEnd, left.length)];
}

const reshapeLike = defineOperator({
  name: 'reshape_like',
  summary: 'The elements of `data` in the shape of `shape_like`, or with a part of it put in.',
  inputs: [dataInput, { name: 'shape_like', summary: 'the tensor whose shape is taken' }],
  attributes: {
    lhs_begin: attr.int('first dimension of `data` to replace', { default: 0 }),
    lhs_end: attr.maybeInt('dimension of `data` after the last to replace; `None` for all', { default: null }),
    rhs_begin: attr.int('first dimension of `shape_like` to take', { default: 0 }),
    rhs_end: attr.maybeInt('dimension of `shape_like` after the last to take; `None` for all', { default: null }),
  },
  attrsType: 'relay.attrs.ReshapeLikeAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const like = tensorInput(context, 1, 'shape_like');
    if (like.kind !== 'tensor') return like;
    const dims = likeDims(data.shape, like.shape, context.attrs);
    if (!dims)
      return badAttribute(
        'lhs_begin',
        `The range to replace lies outside \`data\` ${printShape(data.shape)} or \`shape_like\` ${printShape(like.shape)}.`,
        'Keep begins and ends within the ranks.',
      );
    const shape = dims.map((d) => d.dim);
    const have = dimValue(productOfDims(data.shape));
    const want = dimValue(productOfDims(shape));
    if (have !== undefined && want !== undefined && have !== want)
      return failed(
        'shape-mismatch',
        `\`data\` of shape ${printShape(data.shape)} has ${have} elements, but ${printShape(shape)} has ${want}.`,
        inputBlame(1),
        {
          remedy: 'Use tensors with the same number of elements.',
          related: [{ blame: inputBlame(0), message: `\`data\` has ${have} elements.` }],
        },
      );
    return done(tensorType(shape, data.dtype));
  },
  explain: (context, _result, at) => {
    const [data, like] = context.inputs;
    if (data?.kind !== 'tensor' || like?.kind !== 'tensor') return undefined;
    return likeDims(data.shape, like.shape, context.attrs)?.[at.dim]?.origin;
  },
  compute: moveElements('reshape_like', (i, context, data) => reindex(i, context.outputs[0]?.shape ?? [], data.shape)),
  fusion: 'injective',
});

const expandDims = defineOperator({
  name: 'expand_dims',
  summary: 'Inserts dimensions of size 1 before dimension `axis`.',
  inputs: [dataInput],
  attributes: {
    axis: attr.int('where to insert; negative counts from behind the last dimension'),
    num_newaxis: attr.int('how many to insert', { default: 1, min: 0, max: mostDimensions }),
  },
  attrsType: 'relay.attrs.ExpandDimsAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const axis = normalizeInsertAxis(context.attrs.axis, data.shape.length);
    if (typeof axis !== 'number') return axis;
    const ones = Array.from({ length: context.attrs.num_newaxis }, () => 1);
    return done(tensorType([...data.shape.slice(0, axis), ...ones, ...data.shape.slice(axis)], data.dtype));
  },
  explain: (context, result, at) => {
    if (result.kind !== 'tensor') return undefined;
    const { axis, num_newaxis: count } = context.attrs;
    const start = axis < 0 ? axis + result.shape.length - count + 1 : axis;
    if (at.dim < start) return copyOf(0, at.dim);
    return at.dim < start + count ? fromAttribute('axis') : copyOf(0, at.dim - count);
  },
  compute: moveElements('expand_dims', (i, { attrs: { axis, num_newaxis: count } }, data) => {
    const start = axis < 0 ? axis + data.shape.length + 1 : axis;
    return i.filter((_, d) => d < start || d >= start + count);
  }),
  gradient: (b, { args: [x], adjoint }) => (x === undefined ? [] : [b.call('reshape_like', [adjoint, x])]),
  fusion: 'broadcast',
  examples: [
    {
      title: 'Add a batch dimension',
      source: 'fn (%x: Tensor[(3, 4), float32]) { expand_dims(%x, axis=0) }',
    },
  ],
});

/** The dimensions that `squeeze` keeps. */
function keptDims(shape: readonly Dim[], axes: readonly number[] | null): readonly number[] {
  const drop = new Set(axes?.map((a) => (a < 0 ? a + shape.length : a)));
  return shape.flatMap((dim, i) => ((axes === null ? isDim(dim, 1) : drop.has(i)) ? [] : [i]));
}

const squeeze = defineOperator({
  name: 'squeeze',
  summary: 'Removes dimensions of size 1: those of `axis`, or all.',
  inputs: [dataInput],
  attributes: {
    axis: attr.maybeInts('the dimensions to remove; `None` for every dimension of size 1', { default: null }),
  },
  attrsType: 'relay.attrs.SqueezeAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const { axis } = context.attrs;
    if (axis === null) {
      const unknown = data.shape.findIndex((dim) => dimValue(dim) === undefined);
      if (unknown >= 0)
        return failed(
          'bad-attribute',
          `Dimension ${unknown} of \`data\` is ${printDim(data.shape[unknown] ?? 0)}, so it is not known which dimensions are 1.`,
          inputBlame(0, unknown),
          { remedy: 'List the dimensions to remove in `axis`.' },
        );
    } else {
      const axes = normalizeAxes(axis, data.shape.length);
      if (isFailed(axes)) return axes;
      for (const a of axes) {
        const dim = data.shape[a] ?? 1;
        const value = dimValue(dim);
        if (value !== undefined && value !== 1n)
          return failed(
            'bad-attribute',
            `Dimension ${a} of \`data\` ${printShape(data.shape)} is ${value}; only dimensions of size 1 can be removed.`,
            { kind: 'attribute', name: 'axis' },
            {
              remedy: `Remove ${a} from \`axis\`.`,
              related: [{ blame: inputBlame(0, a), message: `This dimension is ${value}.` }],
            },
          );
      }
    }
    const shape = keptDims(data.shape, axis).map((i) => data.shape[i] ?? 1);
    return done(tensorType(shape, data.dtype));
  },
  explain: (context, _result, at) => {
    const [data] = context.inputs;
    if (data?.kind !== 'tensor') return undefined;
    const source = keptDims(data.shape, context.attrs.axis)[at.dim];
    return source === undefined ? undefined : copyOf(0, source);
  },
  compute: moveElements('squeeze', (i, context, data) => reindex(i, context.outputs[0]?.shape ?? [], data.shape)),
  gradient: (b, { args: [x], adjoint }) => (x === undefined ? [] : [b.call('reshape_like', [adjoint, x])]),
  fusion: 'injective',
  examples: [
    { title: 'Drop a dimension of one', source: 'fn (%x: Tensor[(1, 3, 1), float32]) { squeeze(%x, axis=[0]) }' },
  ],
});

export const reshapeOperators: readonly Operator[] = [reshape, reverseReshape, reshapeLike, expandDims, squeeze];
