/** Changes of element type, clipping and fixed-point scaling. */
import { dtypeInfo, elementBytes, integerRange, isFloat } from '../../tensor/dtype.ts';
import type { DType } from '../../tensor/dtype.ts';
import type { TEExpr } from '../../tensor/te.ts';
import { cast, compare, compute, constant, dtypeOf, int, load, maximum, minimum, qmulshift } from '../../tensor/te.ts';
import { tensorType } from '../../types/type.ts';
import { adviseCast, doubtful } from '../advice/values.ts';
import { attr } from '../attributes.ts';
import { mapElements, number, op, tensorAt } from '../compute/tensors.ts';
import type { Operator } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { explainIdentity, identityRelation } from '../relations/identity.ts';
import { done, failed, inputBlame, poisoned, tensorInput, wait } from '../relations/inputs.ts';

const data = { name: 'data', summary: 'the tensor to convert' };

/** Conversion; to `bool` it asks for a non-zero value. */
function convert(dtype: DType, x: TEExpr): TEExpr {
  if (dtype === 'bool' && dtypeOf(x) !== 'bool') return compare('ne', x, number(0, dtypeOf(x)));
  return cast(dtype, x);
}

const castOperator = defineOperator({
  name: 'cast',
  summary: 'Converts every element to another type; floats to integers lose their fraction.',
  inputs: [data],
  attributes: { dtype: attr.dtype('the element type to convert to') },
  attrsType: 'relay.attrs.CastAttrs',
  relate: (context) => {
    const x = tensorInput(context, 0, 'data');
    return x.kind === 'tensor' ? done(tensorType(x.shape, context.attrs.dtype ?? 'void')) : x;
  },
  advise: (context) => adviseCast(context, context.attrs.dtype),
  explain: explainIdentity,
  compute: (context) => {
    const dtype = context.attrs.dtype ?? 'void';
    return [mapElements('cast', tensorAt(context, 0), (x) => convert(dtype, x))];
  },
  gradient: (b, { args: [x], adjoint }) => (x === undefined ? [] : [b.call('cast_like', [adjoint, x])]),
  fusion: 'elementwise',
  examples: [{ title: 'To integers', source: 'fn (%x: Tensor[(3), float32]) { cast(%x, dtype="int32") }' }],
});

const castLike = defineOperator({
  name: 'cast_like',
  summary: 'Converts every element of `data` to the element type of `dtype_like`.',
  inputs: [data, { name: 'dtype_like', summary: 'the tensor whose element type is taken' }],
  attributes: {},
  relate: (context) => {
    const x = tensorInput(context, 0, 'data');
    if (x.kind !== 'tensor') return x;
    const like = tensorInput(context, 1, 'dtype_like');
    return like.kind === 'tensor' ? done(tensorType(x.shape, like.dtype)) : like;
  },
  explain: explainIdentity,
  compute: (context) => {
    const { dtype } = tensorAt(context, 1);
    return [mapElements('cast_like', tensorAt(context, 0), (x) => convert(dtype, x))];
  },
  gradient: (b, { args: [x], adjoint }) => (x === undefined ? [] : [b.call('cast_like', [adjoint, x]), undefined]),
  fusion: 'elementwise',
});

const reinterpret = defineOperator({
  name: 'reinterpret',
  summary: 'Reads the bits of every element as another type of the same width.',
  inputs: [data],
  attributes: { dtype: attr.dtype('the element type to read the bits as') },
  attrsType: 'relay.attrs.CastAttrs',
  relate: (context) => {
    const x = tensorInput(context, 0, 'data');
    return x.kind === 'tensor' ? done(tensorType(x.shape, context.attrs.dtype ?? 'void')) : x;
  },
  explain: explainIdentity,
  compute: (context) => {
    const dtype = context.attrs.dtype ?? 'void';
    return [
      mapElements('reinterpret', tensorAt(context, 0), (x) => {
        if (dtypeOf(x) === dtype) return x;
        if (elementBytes(dtypeOf(x)) !== elementBytes(dtype)) return convert(dtype, x);
        return { kind: 'bitcast', dtype, operand: x };
      }),
    ];
  },
  fusion: 'elementwise',
});

/** A bound as a constant of `dtype`, moved into its range. */
function clippedConstant(value: number, dtype: DType): TEExpr {
  const range = isFloat(dtype) ? undefined : integerRange(dtype);
  if (!range) return constant(value, dtype);
  const inside = Math.min(Math.max(value, Number(range.min)), Number(range.max));
  if (dtypeInfo(dtype)?.bits !== 64) return number(inside, dtype);
  const exact = Number.isFinite(inside) ? BigInt(Math.trunc(inside)) : inside > 0 ? range.max : range.min;
  return constant(exact < range.min ? range.min : exact > range.max ? range.max : exact, dtype);
}

const clip = defineOperator({
  name: 'clip',
  summary: 'Limits every element to the range from `a_min` to `a_max`.',
  inputs: [data],
  attributes: { a_min: attr.float('the least result'), a_max: attr.float('the greatest result') },
  attrsType: 'relay.attrs.ClipAttrs',
  relate: identityRelation,
  advise: ({ attrs: { a_min: low, a_max: high } }) =>
    low <= high
      ? []
      : [
          doubtful(
            'a_min',
            `The range is empty: \`a_min\` is ${low} and \`a_max\` is ${high}.`,
            'Exchange the two bounds.',
          ),
        ],
  explain: explainIdentity,
  compute: (context) => {
    const x = tensorAt(context, 0);
    const low = clippedConstant(context.attrs.a_min, x.dtype);
    const high = clippedConstant(context.attrs.a_max, x.dtype);
    return [mapElements('clip', x, (e) => maximum(minimum(e, high), low))];
  },
  gradient: (b, { args: [x], adjoint, attrs }) => {
    if (x === undefined) return [];
    const type = b.typeOf(x);
    const dtype = type.kind === 'tensor' ? type.dtype : 'float32';
    const above = b.call('greater_equal', [x, b.scalar(attrs.a_min, dtype)]);
    const below = b.call('less_equal', [x, b.scalar(attrs.a_max, dtype)]);
    return [b.call('where', [b.call('logical_and', [above, below]), adjoint, b.call('zeros_like', [x])])];
  },
  fusion: 'elementwise',
  examples: [{ title: 'ReLU6', source: 'fn (%x: Tensor[(4), float32]) { clip(%x, a_min=0f, a_max=6f) }' }],
});

const fixedPointMultiply = defineOperator({
  name: 'fixed_point_multiply',
  summary: 'Multiplies integers by `multiplier · 2^(shift − 31)`, rounding halves up.',
  inputs: [data],
  attributes: {
    multiplier: attr.int('the factor as a signed fraction with 31 bits after the point'),
    shift: attr.int('the power of two; positive shifts left'),
  },
  attrsType: 'relay.attrs.FixedPointMultiplyAttrs',
  relate: identityRelation,
  explain: explainIdentity,
  compute: (context) => {
    const x = tensorAt(context, 0);
    const { multiplier, shift } = context.attrs;
    return [
      mapElements('fixed_point_multiply', x, (e) =>
        cast(x.dtype, qmulshift(cast('int32', e), int(multiplier), int(shift))),
      ),
    ];
  },
  fusion: 'elementwise',
  examples: [
    {
      title: 'A quarter',
      source: 'fn (%x: Tensor[(4), int32]) { fixed_point_multiply(%x, multiplier=1073741824, shift=-1) }',
    },
  ],
});

const perAxis = defineOperator({
  name: 'fixed_point_multiply_per_axis',
  summary: 'Multiplies integers by a fixed-point factor of their own for each index along `axes`.',
  inputs: [
    data,
    { name: 'fp_multiplier', summary: 'the factors, signed fractions with 31 bits after the point' },
    { name: 'left_shift', summary: 'bits to shift left before the multiplication' },
    { name: 'right_shift', summary: 'bits to shift right afterwards, beyond the 31' },
  ],
  attributes: {
    is_lshift_required: attr.bool('`left_shift` is applied', { default: false }),
    is_rshift_required: attr.bool('`right_shift` is not all zero', { default: false }),
    axes: attr.ints('the dimensions of `data` that index the factors'),
  },
  attrsType: 'relay.attrs.FixedPointMultiplyPerAxisAttrs',
  relate: (context) => {
    for (const [i, type] of context.inputs.entries()) {
      if (type.kind === 'incomplete') return wait;
      if (type.kind === 'error') return poisoned;
      if (type.kind !== 'tensor')
        return failed('not-a-tensor', 'All four arguments must be tensors.', inputBlame(i), {
          remedy: 'Pass a tensor here.',
        });
    }
    return identityRelation(context);
  },
  explain: explainIdentity,
  compute: (context) => {
    const [x, multiplier, left, right] = [0, 1, 2, 3].map((i) => tensorAt(context, i));
    if (!x || !multiplier || !left || !right) return [];
    const { axes, is_lshift_required: shiftsLeft } = context.attrs;
    const wide = (e: TEExpr): TEExpr => cast('int64', e);
    return [
      compute('fixed_point_multiply_per_axis', x.shape, (...i) => {
        const at = axes.map((a) => i[a] ?? int(0));
        let value = wide(load(x, ...i));
        if (shiftsLeft) value = op('shl', value, wide(load(left, ...at)));
        value = op('mul', value, wide(load(multiplier, ...at)));
        const shift = op('add', wide(load(right, ...at)), constant(31n, 'int64'));
        const half = op('shl', constant(1n, 'int64'), op('sub', shift, constant(1n, 'int64')));
        return cast(x.dtype, cast('int32', op('shr', op('add', value, half), shift)));
      }),
    ];
  },
  fusion: 'broadcast',
});

export const castOperators: readonly Operator[] = [
  castOperator,
  castLike,
  reinterpret,
  clip,
  fixedPointMultiply,
  perAxis,
];
