/** Tensors made from values: constants, ranges, one-hot rows. */
import { cast, compare, compute, load, select } from '../../tensor/te.ts';
import type { Dim, Type } from '../../types/type.ts';
import { anyDim, tensorType } from '../../types/type.ts';
import type { DType } from '../../tensor/dtype.ts';
import type { NDArray } from '../../tensor/ndarray.ts';
import type { OpaqueAttribute } from '../attributes.ts';
import { attr, writtenDim } from '../attributes.ts';
import { rangeArray } from '../compute/arrays.ts';
import { number, outputOf, scalarLoad, tensorAt } from '../compute/tensors.ts';
import type { DimOrigin, Operator, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';

import { copyOf, fromAttribute, originOf } from '../relations/explain.ts';
import { explainIdentity } from '../relations/identity.ts';
import { badAttribute, done, failed, inputBlame, requireRank, tensorInput } from '../relations/inputs.ts';

export const initAttributes = {
  shape: attr.dims('the sizes of the result'),
  dtype: attr.dtype('the element type of the result', { default: null }),
};

const shapeOrigin = (_context: unknown, _result: unknown, at: { readonly dim: number }) =>
  fromAttribute('shape', at.dim);

function filled(name: string, value: number, summary: string): Operator {
  return defineOperator({
    name,
    summary,
    inputs: [],
    attributes: initAttributes,
    attrsType: 'relay.attrs.InitOpAttrs',
    relate: ({ attrs }) => done(tensorType(attrs.shape.map(writtenDim), attrs.dtype ?? 'void')),
    explain: shapeOrigin,
    compute: (context) => {
      const { shape, dtype } = outputOf(context);
      return [compute(name, shape, () => number(value, dtype))];
    },
    fusion: 'elementwise',
    examples: [{ title: summary, source: `fn () { ${name}(shape=[2, 3], dtype="float32") }` }],
  });
}

const full = defineOperator({
  name: 'full',
  summary: 'A tensor of the given shape with the scalar `fill_value` everywhere.',
  inputs: [{ name: 'fill_value', summary: 'the value, a scalar' }],
  attributes: initAttributes,
  attrsType: 'relay.attrs.InitOpAttrs',
  relate: (context) => {
    const value = tensorInput(context, 0, 'fill_value');
    if (value.kind !== 'tensor') return value;
    const { shape, dtype } = context.attrs;
    return requireRank(value, 0, 'fill_value', 0) ?? done(tensorType(shape.map(writtenDim), dtype ?? value.dtype));
  },
  explain: shapeOrigin,
  compute: (context) => {
    const { shape, dtype } = outputOf(context);
    const value = tensorAt(context, 0);
    return [compute('full', shape, () => cast(dtype, scalarLoad(value)))];
  },
  fusion: 'elementwise',
  examples: [{ title: 'Sevens', source: 'fn () { full(7f, shape=[2, 2], dtype="float32") }' }],
});

const fullLike = defineOperator({
  name: 'full_like',
  summary: 'The scalar `fill_value` everywhere, in the shape and element type of `data`.',
  inputs: [
    { name: 'data', summary: 'the tensor whose shape and element type are taken' },
    { name: 'fill_value', summary: 'the value, a scalar' },
  ],
  attributes: {},
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const value = tensorInput(context, 1, 'fill_value');
    if (value.kind !== 'tensor') return value;
    return requireRank(value, 1, 'fill_value', 0) ?? done(tensorType(data.shape, data.dtype));
  },
  explain: explainIdentity,
  compute: (context) => {
    const { shape, dtype } = outputOf(context);
    const value = tensorAt(context, 1);
    return [compute('full_like', shape, () => cast(dtype, scalarLoad(value)))];
  },
  fusion: 'elementwise',
});

/** The scalar in `array` as a double; undefined unless it has one element. */
function scalarOf(array: NDArray | undefined): number | undefined {
  return array !== undefined && array.data.length === 1 ? Number(array.data[0]) : undefined;
}

const arangeInputs = ['start', 'end', 'step'] as const;

interface RangeAttrs {
  readonly start: OpaqueAttribute | null;
  readonly stop: OpaqueAttribute | null;
  readonly step: OpaqueAttribute | null;
}

/** Number of elements of a range with constant bounds; undefined when a bound is not constant. */
function rangeLength(context: Pick<RelateContext<RangeAttrs>, 'constant' | 'attrs'>) {
  const { attrs } = context;
  const bounds = [attrs.start, attrs.stop, attrs.step].map((bound, i) => scalarOf(bound?.value ?? context.constant(i)));
  const [start, stop, step] = bounds;
  if (start === undefined || stop === undefined || step === undefined) return undefined;
  return { start, stop, step, length: Math.ceil((stop - start) / step) };
}

const arange = defineOperator({
  name: 'arange',
  summary: 'Evenly spaced values from `start` up to, but without, `end`.',
  details:
    'The bounds stand twice: as arguments, which are evaluated, and as attributes. With constant bounds the length is ' +
    'known: `ceil((end − start) / step)`.',
  inputs: [
    { name: 'start', summary: 'the first value' },
    { name: 'end', summary: 'the bound that is not reached' },
    { name: 'step', summary: 'the distance of neighbours' },
  ],
  attributes: {
    start: attr.object('the first value, as in the arguments'),
    stop: attr.object('the bound that is not reached, as in the arguments'),
    step: attr.object('the distance of neighbours, as in the arguments'),
    dtype: attr.dtype('the element type'),
  },
  attrsType: 'relay.attrs.ArangeAttrs',
  relate: (context) => {
    const dtype: DType = context.attrs.dtype ?? 'void';
    const scalar = tensorType([], dtype);
    for (const [i, name] of arangeInputs.entries()) {
      const type = context.inputs[i];
      if (type === undefined || type.kind === 'incomplete' || type.kind === 'error') continue;
      if (type.kind !== 'tensor' || type.shape.length !== 0 || type.dtype !== dtype)
        return failed(
          'dtype-mismatch',
          `\`${name}\` must be a scalar of type ${dtype}, as \`dtype\` says.`,
          inputBlame(i),
          {
            remedy: 'Make `start`, `end`, `step` and `dtype` agree.',
          },
        );
    }
    const range = rangeLength(context);
    if (range?.step === 0)
      return badAttribute('step', 'The step of a range must not be 0: it would never end.', 'Write another step.');
    if (range && !(range.length > 0))
      return badAttribute(
        'stop',
        `A range from ${range.start} to ${range.stop} in steps of ${range.step} is empty.`,
        'Let `step` lead from `start` toward `end`.',
      );
    return {
      kind: 'ok',
      result: tensorType([range ? range.length : anyDim], dtype),
      assign: arangeInputs.map((_, index) => ({ index, type: scalar })),
    };
  },
  explain: (context) => {
    const range = rangeLength(context);
    if (!range) return undefined;
    return originOf(
      `ceil((${range.stop} − ${range.start}) / ${range.step})`,
      ...(['start', 'stop', 'step'] as const).map((name) => ({ kind: 'attribute' as const, name })),
    );
  },
  kernel: ({ inputs, attrs }) => {
    const [start, stop, step] = inputs.map((x) => scalarOf(x as NDArray) ?? 0);
    const length = Math.max(0, Math.ceil(((stop ?? 0) - (start ?? 0)) / (step ?? 1)));
    return [rangeArray(attrs.dtype ?? 'float32', start ?? 0, step ?? 1, length)];
  },
  fusion: 'opaque',
});

interface OneHotAttributes {
  readonly axis: number;
  readonly dtype: DType | null;
}
type OneHotContext = Pick<RelateContext<OneHotAttributes>, 'inputs' | 'attrs'>;

/** The type of one-hot rows of length `depth`, one for each index. */
export function oneHotType(context: OneHotContext, depth: Dim): RelateResult {
  const indices = tensorInput(context, 0, 'indices');
  if (indices.kind !== 'tensor') return indices;
  const { axis, dtype } = context.attrs;
  const rank = indices.shape.length;
  const at = axis === -1 ? rank : axis;
  if (at < 0 || at > rank)
    return badAttribute(
      'axis',
      `\`axis\` must be from -1 to ${rank}, found ${axis}.`,
      'Write -1 for the last dimension.',
    );
  return done(tensorType([...indices.shape.slice(0, at), depth, ...indices.shape.slice(at)], dtype ?? 'void'));
}

/** Origin of a dimension: `depth` along the axis of the rows, elsewhere that of the indices. */
export function explainOneHot(context: OneHotContext, result: Type, dim: number, depth: DimOrigin): DimOrigin {
  const rank = result.kind === 'tensor' ? result.shape.length - 1 : 0;
  const axis = context.attrs.axis === -1 ? rank : context.attrs.axis;
  return dim === axis ? depth : copyOf(0, dim < axis ? dim : dim - 1);
}

const oneHot = defineOperator({
  name: 'one_hot',
  summary: 'For every index a row of length `depth` that is `on_value` at the index and `off_value` elsewhere.',
  inputs: [
    { name: 'indices', summary: 'the indices' },
    { name: 'on_value', summary: 'the value at the index, a scalar' },
    { name: 'off_value', summary: 'the value elsewhere, a scalar' },
  ],
  attributes: {
    depth: attr.int('the length of a row', { default: 1 }),
    axis: attr.int('where the new dimension stands; -1 is last', { default: -1 }),
    dtype: attr.dtype('the element type of the result', { default: null }),
  },
  attrsType: 'relay.attrs.OneHotAttrs',
  relate: (context) => {
    const { depth } = context.attrs;
    const wrong = depth > 0 ? undefined : badAttribute('depth', `\`depth\` must be at least 1, found ${depth}.`);
    return wrong ?? oneHotType(context, depth);
  },
  explain: (context, result, at) => explainOneHot(context, result, at.dim, fromAttribute('depth')),
  compute: (context) => {
    const [indices, on, off] = [tensorAt(context, 0), tensorAt(context, 1), tensorAt(context, 2)];
    const { shape, dtype } = outputOf(context);
    const axis = context.attrs.axis === -1 ? shape.length - 1 : context.attrs.axis;
    return [
      compute('one_hot', shape, (...i) => {
        const position = i[axis];
        if (!position) return cast(dtype, scalarLoad(off));
        const index = load(indices, ...i.filter((_, d) => d !== axis));
        const hit = compare('eq', index, cast(indices.dtype, position));
        return select(hit, cast(dtype, scalarLoad(on)), cast(dtype, scalarLoad(off)));
      }),
    ];
  },
  fusion: 'out-elementwise-fusable',
  examples: [
    {
      title: 'Three classes',
      source: 'fn (%i: Tensor[(4), int32]) { one_hot(%i, 1, 0, depth=3, dtype="int32") }',
    },
  ],
});

export const initOperators: readonly Operator[] = [
  filled('zeros', 0, 'A tensor of zeros.'),
  filled('ones', 1, 'A tensor of ones.'),
  full,
  fullLike,
  arange,
  oneHot,
];
