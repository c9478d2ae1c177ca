/** `qnn.requantize`. */
import type { DType } from '../../tensor/dtype.ts';
import type { TEExpr } from '../../tensor/te.ts';
import { add, binary, cast, compute, int, load } from '../../tensor/te.ts';
import type { Dim } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import type { ComputeContext } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { explainIdentity } from '../relations/identity.ts';
import { badAttribute, checkDType, listOf, ok, onInput, resolveAxis, tensorInput, wait } from '../nn/relate.ts';
import type { Assignments } from './parameters.ts';
import {
  axisParameter,
  channelAxis,
  constantNumbers,
  constantScalar,
  isScalar,
  parameterAt,
  saturate,
  scalarParameter,
  withoutZeroPoint,
} from './parameters.ts';
import type { Rescaling, Rounding } from './rescale.ts';
import { fixedPointRescaler, floatRescaler, roundFloat } from './rescale.ts';

const inputTypes: readonly DType[] = ['int8', 'uint8', 'int16', 'int32', 'int64'];
const resultTypes: readonly DType[] = ['int8', 'uint8', 'int16', 'int32'];

/** The factors of a rescaling from the scales at two inputs. */
function rescalingOf(
  context: Pick<ComputeContext<unknown>, 'inputs' | 'constant'>,
  from: number,
  to: number,
): Rescaling {
  const count = isScalar(context, from) ? 1 : (tensorAt(context, from).shape[0] ?? 1);
  const scales = constantNumbers(context, from);
  const target = constantScalar(context, to);
  if (scales && target !== undefined) return { factors: scales.map((scale) => scale / target), count };
  const wide = (e: TEExpr): TEExpr => cast('float64', e);
  return {
    count,
    factorAt: (channel) =>
      binary('div', wide(parameterAt(context, from, channel)), wide(parameterAt(context, to, int(0)))),
  };
}

/** Positions of the parameters of one rescaling among a call's inputs. */
export interface RescaleInputs {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly outScale: number;
  readonly outZeroPoint: number;
}

/** A function from elements to int32 values on the output's scale, before limiting to the result's range. */
export function elementRescaler(
  context: Pick<ComputeContext<unknown>, 'inputs' | 'constant'>,
  at: RescaleInputs,
  rounding: Rounding = 'UPWARD',
  computeType: DType = 'int64',
): (element: TEExpr, channel: TEExpr) => TEExpr {
  const rescaling = rescalingOf(context, at.scale, at.outScale);
  const same = rescaling.factors?.length === 1 && rescaling.factors[0] === 1;
  const arithmetic = computeType === 'int64' ? 'int32' : computeType;
  const rescale =
    computeType === 'int64' ? fixedPointRescaler(rescaling, rounding) : floatRescaler(rescaling, computeType);
  return (element, channel) => {
    const centred = withoutZeroPoint(context, at.zeroPoint, element, channel, arithmetic);
    const scaled = same ? centred : rescale(centred, channel);
    const shifted =
      constantScalar(context, at.outZeroPoint) === 0
        ? scaled
        : add(scaled, cast(arithmetic, parameterAt(context, at.outZeroPoint, int(0))));
    return computeType === 'int64' ? shifted : roundFloat(shifted, computeType, rounding);
  };
}

export const requantize = defineOperator({
  name: 'qnn.requantize',
  summary: 'Converts a quantised tensor to another scale, zero point and element type.',
  details:
    'The result is `output_zero_point + (input_scale / output_scale) · (data − input_zero_point)`, limited to the range ' +
    'of `out_dtype`. The factor is a 31-bit fixed-point number; a half is rounded up unless `rounding` says otherwise.',
  inputs: [
    { name: 'data', summary: 'The quantised tensor.' },
    { name: 'input_scale', summary: 'Scale of the data: a scalar, or one value for each element of `axis`.' },
    { name: 'input_zero_point', summary: 'Zero point of the data: a scalar, or one value for each element of `axis`.' },
    { name: 'output_scale', summary: 'Scale of the result, a scalar.' },
    { name: 'output_zero_point', summary: 'Zero point of the result, a scalar.' },
  ],
  attributes: {
    axis: attr.int('The axis along which scale and zero point of the data vary.', { default: -1 }),
    rounding: attr.string('How halves are rounded: up, or away from zero. `None` means `UPWARD`.', {
      default: 'None',
      values: ['None', 'UPWARD', 'TONEAREST'],
    }),
    compute_dtype: attr.string('Arithmetic of the scaling: fixed point in 64 bits, or floats. `None` means `int64`.', {
      default: 'None',
      values: ['None', 'int64', 'float32', 'float64'],
    }),
    out_dtype: attr.dtype('Element type of the result: int8, uint8, int16 or int32.', { default: null }),
  },
  attrsType: 'relay.attrs.RequantizeAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    for (const index of [1, 2, 3, 4]) if (context.inputs[index]?.kind === 'incomplete') return wait;
    const wrong = checkDType(data, inputTypes, 0, 'data');
    if (wrong) return wrong;
    const { attrs } = context;
    const rank = data.shape.length;
    const axis = rank === 0 && attrs.axis <= 0 ? 0 : resolveAxis(attrs.axis, Math.max(rank, 1));
    if (typeof axis !== 'number') return axis;
    const size: Dim = rank > 0 ? (data.shape[axis] ?? 1) : 1;
    const assign: Assignments = [];
    const related = [{ blame: onInput(0, axis), message: `axis ${axis} of the data is the quantised one` }];
    const problem =
      axisParameter(context, 1, 'input_scale', 'float32', size, assign, related) ??
      axisParameter(context, 2, 'input_zero_point', 'int32', size, assign, related) ??
      scalarParameter(context, 3, 'output_scale', 'float32') ??
      scalarParameter(context, 4, 'output_zero_point', 'int32');
    if (problem) return problem;
    if (attrs.out_dtype === null || !resultTypes.includes(attrs.out_dtype))
      return badAttribute(
        'out_dtype',
        attrs.out_dtype === null
          ? '`out_dtype` is missing.'
          : `\`out_dtype\` must be ${listOf(resultTypes)}, but it is ${attrs.out_dtype}.`,
        { remedy: 'Write for example `out_dtype="int8"`.' },
      );
    return ok(tensorType(data.shape, attrs.out_dtype), assign);
  },
  explain: explainIdentity,
  compute(context) {
    const data = tensorAt(context, 0);
    const output = outputOf(context);
    const { attrs } = context;
    const axis = channelAxis(attrs.axis, data.shape.length);
    const rounding = attrs.rounding === 'TONEAREST' ? 'TONEAREST' : 'UPWARD';
    const computeType = attrs.compute_dtype === 'None' ? 'int64' : attrs.compute_dtype;
    const rescale = elementRescaler(
      context,
      { scale: 1, zeroPoint: 2, outScale: 3, outZeroPoint: 4 },
      rounding,
      computeType,
    );
    return [
      compute('requantize', output.shape, (...i) =>
        saturate(rescale(load(data, ...i), i[axis] ?? int(0)), 'int32', output.dtype),
      ),
    ];
  },
  fusion: 'elementwise',
  examples: [
    {
      title: 'From a 32-bit accumulator to int8',
      source: `def @main(%x: Tensor[(1, 16), int32]) {
  qnn.requantize(%x, 0.0005f, 0, 0.05f, -128, out_dtype="int8")
}`,
    },
  ],
});
