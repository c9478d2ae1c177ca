/** `qnn.quantize`, `qnn.dequantize` and their simulated forms. */
import type { DType } from '../../tensor/dtype.ts';
import { integerRange } from '../../tensor/dtype.ts';
import type { TEExpr } from '../../tensor/te.ts';
import { add, binary, cast, compute, constant, int, load, maximum, minimum, mul, unary } from '../../tensor/te.ts';
import type { Dim, TensorType } from '../../types/type.ts';
import { constantDim, tensorType } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import { defineOperator } from '../operator.ts';
import { explainIdentity } from '../relations/identity.ts';
import type { Failure } from '../nn/relate.ts';
import { badAttribute, checkDType, listOf, ok, onInput, resolveAxis, tensorInput, wait } from '../nn/relate.ts';
import type { Assignments } from './parameters.ts';
import { axisParameter, channelAxis, parameterAt, withoutZeroPoint } from './parameters.ts';

const quantized: readonly DType[] = ['int8', 'uint8', 'int16', 'int32'];

function axisSize(data: TensorType, axis: number): { readonly axis: number; readonly size: Dim } | Failure {
  const rank = data.shape.length;
  if (rank === 0 && axis <= 0) return { axis: 0, size: 1 };
  const resolved = resolveAxis(axis, rank);
  return typeof resolved === 'number' ? { axis: resolved, size: data.shape[resolved] ?? 1 } : resolved;
}

/** Limits a float to the range of an integer type and truncates it, as the quantisation operators do after rounding. */
function saturateFloat(value: TEExpr, target: DType): TEExpr {
  const range = integerRange(target);
  if (!range) return cast(target, value);
  const limit = (n: bigint): TEExpr => constant(Math.fround(Number(n)), 'float32');
  return cast(target, maximum(minimum(value, limit(range.max)), limit(range.min)));
}

/** `round(x / scale) + zero point`, limited to the range of `target`; for a real value. */
export function quantizeElement(value: TEExpr, scale: TEExpr, zeroPoint: TEExpr, target: DType): TEExpr {
  const scaled = unary('round', binary('div', value, scale));
  return saturateFloat(add(scaled, cast('float32', zeroPoint)), target);
}

export const quantize = defineOperator({
  name: 'qnn.quantize',
  summary: 'Converts real values to integers: `round(data / scale) + zero_point`, limited to the range of `out_dtype`.',
  details: 'Halves are rounded away from zero.',
  inputs: [
    { name: 'data', summary: 'The float32 tensor.' },
    { name: 'output_scale', summary: 'Scale: a scalar, or one value for each element of `axis`.' },
    { name: 'output_zero_point', summary: 'Zero point: a scalar, or one value for each element of `axis`.' },
  ],
  attributes: {
    out_dtype: attr.dtype('Element type of the result: int8, uint8, int16 or int32.'),
    axis: attr.int('The axis along which scale and zero point vary.', { default: -1 }),
  },
  attrsType: 'relay.attrs.QuantizeAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const wrong = checkDType(data, ['float32'], 0, 'data');
    if (wrong) return wrong;
    if (context.inputs.slice(1).some((t) => t.kind === 'incomplete')) return wait;
    const { attrs } = context;
    const at = axisSize(data, attrs.axis);
    if ('kind' in at) return at;
    const assign: Assignments = [];
    const related = [{ blame: onInput(0, at.axis), message: `axis ${at.axis} of the data is the quantised one` }];
    const problem =
      axisParameter(context, 1, 'output_scale', 'float32', at.size, assign, related) ??
      axisParameter(context, 2, 'output_zero_point', 'int32', at.size, assign, related);
    if (problem) return problem;
    if (attrs.out_dtype === null || !quantized.includes(attrs.out_dtype))
      return badAttribute(
        'out_dtype',
        `\`out_dtype\` must be ${listOf(quantized)}, but it is ${attrs.out_dtype ?? 'missing'}.`,
        { remedy: 'Write for example `out_dtype="int8"`.' },
      );
    return ok(tensorType(data.shape, attrs.out_dtype), assign);
  },
  explain: explainIdentity,
  compute(context) {
    const data = tensorAt(context, 0);
    const output = outputOf(context);
    const axis = channelAxis(context.attrs.axis, data.shape.length);
    return [
      compute('quantize', output.shape, (...i) => {
        const channel = i[axis] ?? int(0);
        const zero = parameterAt(context, 2, channel);
        return quantizeElement(load(data, ...i), parameterAt(context, 1, channel), zero, output.dtype);
      }),
    ];
  },
  fusion: 'elementwise',
  examples: [
    {
      title: 'Real values to int8',
      source: `def @main(%x: Tensor[(1, 16), float32]) {
  qnn.quantize(%x, 0.05f, -128, out_dtype="int8")
}`,
    },
  ],
});

export const dequantize = defineOperator({
  name: 'qnn.dequantize',
  summary: 'Converts integers to real values: `(data − zero_point) · scale`.',
  inputs: [
    { name: 'data', summary: 'The quantised tensor.' },
    { name: 'input_scale', summary: 'Scale: a scalar, or one value for each element of `axis`.' },
    { name: 'input_zero_point', summary: 'Zero point: a scalar, or one value for each element of `axis`.' },
  ],
  attributes: { axis: attr.int('The axis along which scale and zero point vary.', { default: -1 }) },
  attrsType: 'relay.attrs.DequantizeAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const wrong = checkDType(data, quantized, 0, 'data');
    if (wrong) return wrong;
    const scale = tensorInput(context, 1, 'input_scale');
    if (scale.kind !== 'tensor') return scale;
    const zero = tensorInput(context, 2, 'input_zero_point');
    if (zero.kind !== 'tensor') return zero;
    let at: { readonly axis: number; readonly size: Dim } | Failure = { axis: 0, size: 1 };
    if (!oneElement(scale) || !oneElement(zero)) at = axisSize(data, context.attrs.axis);
    if ('kind' in at) return at;
    const assign: Assignments = [];
    const related = [{ blame: onInput(0, at.axis), message: `axis ${at.axis} of the data is the quantised one` }];
    const problem =
      axisParameter(context, 1, 'input_scale', 'float32', at.size, assign, related) ??
      axisParameter(context, 2, 'input_zero_point', 'int32', at.size, assign, related);
    return problem ?? ok(tensorType(data.shape, 'float32'), assign);
  },
  explain: explainIdentity,
  compute(context) {
    const data = tensorAt(context, 0);
    const axis = channelAxis(context.attrs.axis, data.shape.length);
    return [
      compute('dequantize', outputOf(context).shape, (...i) => {
        const channel = i[axis] ?? int(0);
        return dequantizeElement(
          withoutZeroPoint(context, 2, load(data, ...i), channel, 'int32'),
          parameterAt(context, 1, channel),
        );
      }),
    ];
  },
  fusion: 'elementwise',
  examples: [
    {
      title: 'int8 to real values',
      source: `def @main(%x: Tensor[(1, 16), int8]) {
  qnn.dequantize(%x, 0.05f, -128)
}`,
    },
  ],
});

/** An integer less its zero point as a real value. */
export function dequantizeElement(centred: TEExpr, scale: TEExpr): TEExpr {
  return mul(cast('float32', centred), scale);
}

function oneElement(type: TensorType): boolean {
  return type.shape.every((dim) => constantDim(dim) === 1);
}
