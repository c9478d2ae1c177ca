/** Sums, products, extremes, means and their positions. */
import { isFloat } from '../../tensor/dtype.ts';
import type { ReduceKind, TEExpr, TETensor } from '../../tensor/te.ts';
import { cast, compare, compute, dtypeOf, int, load, reduce as reduceExpr, select } from '../../tensor/te.ts';
import { adviseReduction } from '../advice/shapes.ts';
import { attr } from '../attributes.ts';
import { joinIndices, reduceTensor } from '../compute/reduce.ts';
import { broadcastLoad, flatten, number, op, outputOf, tensorAt } from '../compute/tensors.ts';
import type { Advice, GradientRule, Operator, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { done, failed, inputBlame, tensorInput } from '../relations/inputs.ts';
import { explainReduce, reducedAxes, reducedType } from '../relations/reduce.ts';
import type { ReduceAttributes } from '../relations/reduce.ts';

const data = { name: 'data', summary: 'the tensor to reduce' };
const attributes = {
  axis: attr.maybeInts('the dimensions to reduce; `None` for all', { default: null }),
  keepdims: attr.bool('reduced dimensions stay, with size 1', { default: false }),
  exclude: attr.bool('reduce all dimensions but those of `axis`', { default: false }),
};
const tolerance = { relative: 1e-4, absolute: 1e-5 };

/** Spreads a reduction's adjoint back over its input. */
const spread: GradientRule<ReduceAttributes> = (b, { args: [x], adjoint, attrs }) => {
  if (x === undefined) return [];
  const type = b.typeOf(x);
  const rank = type.kind === 'tensor' ? type.shape.length : 0;
  let wide = adjoint;
  if (!attrs.keepdims) for (const axis of reducedAxes(rank, attrs)) wide = b.call('expand_dims', [wide], { axis });
  return [b.call('broadcast_to_like', [wide, x])];
};

/** For reductions that mean nothing over no elements. */
function adviseExtreme(what: string) {
  return ({ inputs: [x], attrs }: Pick<RelateContext<ReduceAttributes>, 'inputs' | 'attrs'>): readonly Advice[] =>
    adviseReduction(x, reducedAxes(x?.kind === 'tensor' ? x.shape.length : 0, attrs), what);
}

/** The type that is left of the data. */
function relateReduction(context: Pick<RelateContext<ReduceAttributes>, 'inputs' | 'attrs'>): RelateResult {
  const x = tensorInput(context, 0, 'data');
  if (x.kind !== 'tensor') return x;
  const type = reducedType(x, context.attrs);
  return type.kind === 'tensor' ? done(type) : type;
}

interface Row {
  readonly name: string;
  readonly summary: string;
  readonly op: ReduceKind;
  /** Element type of the example. */
  readonly elements?: string;
  readonly gradient?: GradientRule<ReduceAttributes>;
  /** Whether it has a value for no elements at all. */
  readonly neutral?: true;
}

function reduction(row: Row): Operator {
  return defineOperator({
    name: row.name,
    summary: row.summary,
    inputs: [data],
    attributes,
    attrsType: 'relay.attrs.ReduceAttrs',
    relate: relateReduction,
    ...(row.neutral === true ? {} : { advise: adviseExtreme(`\`${row.name}\``) }),
    explain: explainReduce,
    compute: (context) => {
      const x = tensorAt(context, 0);
      const axes = reducedAxes(x.shape.length, context.attrs);
      const { shape } = outputOf(context);
      return [reduceTensor({ name: row.name, op: row.op, data: x, axes, keepDims: context.attrs.keepdims, shape })];
    },
    ...(row.gradient ? { gradient: row.gradient } : {}),
    fusion: 'reduction',
    tolerance,
    examples: [
      {
        title: 'Over the rows',
        source: `fn (%x: Tensor[(2, 3), ${row.elements ?? 'float32'}]) { ${row.name}(%x, axis=[1]) }`,
      },
    ],
  });
}

const reductions: readonly Row[] = [
  { name: 'sum', summary: 'Sum over the given dimensions.', op: 'sum', gradient: spread, neutral: true },
  { name: 'prod', summary: 'Product over the given dimensions.', op: 'prod', neutral: true },
  { name: 'max', summary: 'Greatest element over the given dimensions.', op: 'max' },
  { name: 'min', summary: 'Least element over the given dimensions.', op: 'min' },
  {
    name: 'all',
    summary: 'True where all elements over the given dimensions are true.',
    op: 'min',
    elements: 'bool',
    neutral: true,
  },
  {
    name: 'any',
    summary: 'True where any element over the given dimensions is true.',
    op: 'max',
    elements: 'bool',
    neutral: true,
  },
];

/** A quotient as TVM divides: floats exactly, integers toward zero. */
function quotient(a: TEExpr, divisor: number): TEExpr {
  const dtype = dtypeOf(a);
  return op(isFloat(dtype) ? 'div' : 'truncdiv', a, number(divisor, dtype));
}

/** A second stage that divides a sum's elements. */
function divided(name: string, sum: TETensor, divisor: number): TETensor {
  return compute(name, sum.shape, (...i) => quotient(load(sum, ...i), divisor));
}

function extentOf(x: TETensor, axes: readonly number[]): number {
  return axes.reduce((count, a) => count * (x.shape[a] ?? 1), 1);
}

const mean = defineOperator({
  name: 'mean',
  summary: 'Arithmetic mean over the given dimensions; integers round toward zero.',
  inputs: [data],
  attributes,
  attrsType: 'relay.attrs.ReduceAttrs',
  relate: relateReduction,
  advise: adviseExtreme('mean'),
  explain: explainReduce,
  compute: (context) => {
    const x = tensorAt(context, 0);
    const axes = reducedAxes(x.shape.length, context.attrs);
    const { shape } = outputOf(context);
    const sum = reduceTensor({ name: 'sum', op: 'sum', data: x, axes, keepDims: context.attrs.keepdims, shape });
    return [divided('mean', sum, extentOf(x, axes))];
  },
  fusion: 'reduction',
  tolerance,
  examples: [
    { title: 'Over height and width', source: 'fn (%x: Tensor[(1, 4, 4, 2), float32]) { mean(%x, axis=[1, 2]) }' },
  ],
});

const variance = defineOperator({
  name: 'variance',
  summary: 'Mean squared distance from `mean` over the given dimensions.',
  inputs: [data, { name: 'mean', summary: 'the mean over the same dimensions, which are kept with size 1' }],
  attributes: { ...attributes, unbiased: attr.bool('divide by the count less one', { default: false }) },
  attrsType: 'relay.attrs.VarianceAttrs',
  relate: (context) => {
    const x = tensorInput(context, 0, 'data');
    if (x.kind !== 'tensor') return x;
    const m = tensorInput(context, 1, 'mean');
    if (m.kind !== 'tensor') return m;
    if (x.shape.length === 0)
      return failed('rank-mismatch', '`data` must have at least 1 dimension, found a scalar.', inputBlame(0), {
        remedy: 'Pass a tensor with dimensions to reduce.',
      });
    if (m.shape.length !== x.shape.length)
      return failed(
        'rank-mismatch',
        `\`mean\` must have ${x.shape.length} dimensions like \`data\`, found ${m.shape.length}.`,
        inputBlame(1),
        {
          remedy: 'Compute the mean with `keepdims=True`.',
          related: [{ blame: inputBlame(0), message: `\`data\` has ${x.shape.length} dimensions.` }],
        },
      );
    const type = reducedType(x, context.attrs);
    return type.kind === 'tensor' ? done(type) : type;
  },
  explain: explainReduce,
  compute: (context) => {
    const [x, m] = [tensorAt(context, 0), tensorAt(context, 1)];
    const axes = reducedAxes(x.shape.length, context.attrs);
    const { shape } = outputOf(context);
    const sum = reduceTensor({
      name: 'squares',
      op: 'sum',
      data: x,
      axes,
      keepDims: context.attrs.keepdims,
      shape,
      element: (i) => {
        const distance = op('sub', load(x, ...i), broadcastLoad(m, i));
        return op('mul', distance, distance);
      },
    });
    return [divided('variance', sum, extentOf(x, axes) - (context.attrs.unbiased ? 1 : 0))];
  },
  fusion: 'reduction',
  tolerance,
});

function argReduction(name: string, summary: string, extreme: 'max' | 'min'): Operator {
  return defineOperator({
    name,
    summary,
    details: 'Over several dimensions it is the position in their row-major order. Of equal elements the first counts.',
    inputs: [data],
    attributes: {
      ...attributes,
      select_last_index: attr.bool('of equal elements the last counts', { default: false }),
    },
    attrsType: 'relay.attrs.ArgReduceAttrs',
    relate: (context) => {
      const x = tensorInput(context, 0, 'data');
      if (x.kind !== 'tensor') return x;
      const [first] = x.shape;
      if (first === undefined)
        return failed('rank-mismatch', '`data` must have at least 1 dimension, found a scalar.', inputBlame(0), {
          remedy: 'Pass a tensor with dimensions to search.',
        });
      const type = reducedType(
        x,
        context.attrs,
        typeof first !== 'number' && first.kind === 'int64' ? 'int64' : 'int32',
      );
      return type.kind === 'tensor' ? done(type) : type;
    },
    advise: adviseExtreme('position'),
    explain: explainReduce,
    compute: (context) => {
      const x = tensorAt(context, 0);
      const { shape, dtype } = outputOf(context);
      const { keepdims, select_last_index: last } = context.attrs;
      const axes = reducedAxes(x.shape.length, context.attrs);
      const extents = axes.map((a) => x.shape[a] ?? 1);
      const best = reduceTensor({ name: 'best', op: extreme, data: x, axes, keepDims: keepdims, shape });
      return [
        compute(name, shape, (...i) => {
          if (axes.length === 0) return cast(dtype, int(0));
          const position = reduceExpr(last ? 'max' : 'min', extents, (...r) => {
            const hit = compare('eq', load(x, ...joinIndices(x.shape.length, axes, i, r, keepdims)), load(best, ...i));
            return select(hit, flatten(r, extents), int(last ? -1 : 0x7fffffff));
          });
          return cast(dtype, position);
        }),
      ];
    },
    fusion: 'reduction',
    examples: [
      { title: 'The most likely class', source: `fn (%x: Tensor[(1, 10), float32]) { ${name}(%x, axis=[1]) }` },
    ],
  });
}

export const reduceOperators: readonly Operator[] = [
  ...reductions.map(reduction),
  mean,
  variance,
  argReduction('argmax', 'Position of the greatest element over the given dimensions.', 'max'),
  argReduction('argmin', 'Position of the least element over the given dimensions.', 'min'),
];
