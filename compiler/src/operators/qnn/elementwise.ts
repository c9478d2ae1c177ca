/** `qnn.add`, `qnn.subtract`, `qnn.mul`. */
import type { DType } from '../../tensor/dtype.ts';
import type { TEExpr } from '../../tensor/te.ts';
import { add, cast, compute, int, mul, sub } from '../../tensor/te.ts';
import { binary } from '../../tensor/te.ts';
import type { Dim, TensorType } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import type { AttributeValues } from '../attributes.ts';
import { broadcastLoad, outputOf, tensorAt } from '../compute/tensors.ts';
import type { ComputeContext, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { broadcastRelation, explainBroadcast } from '../relations/broadcast.ts';
import type { Failure } from '../nn/relate.ts';
import { onInput, resolveAxis, tensorInput, wait } from '../nn/relate.ts';
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
import { elementRescaler } from './requantize.ts';
import type { Rescaling } from './rescale.ts';
import { fixedPointRescaler } from './rescale.ts';

const inputs = [
  { name: 'lhs', summary: 'The left quantised tensor.' },
  { name: 'rhs', summary: 'The right quantised tensor.' },
  { name: 'lhs_scale', summary: 'Scale of `lhs`: a scalar, or one value for each element of `lhs_axis`.' },
  { name: 'lhs_zero_point', summary: 'Zero point of `lhs`: a scalar, or one value for each element of `lhs_axis`.' },
  { name: 'rhs_scale', summary: 'Scale of `rhs`: a scalar, or one value for each element of `rhs_axis`.' },
  { name: 'rhs_zero_point', summary: 'Zero point of `rhs`: a scalar, or one value for each element of `rhs_axis`.' },
  { name: 'output_scale', summary: 'Scale of the result, a scalar.' },
  { name: 'output_zero_point', summary: 'Zero point of the result, a scalar.' },
];

const attributes = {
  lhs_axis: attr.int('The axis along which scale and zero point of `lhs` vary.', { default: -1 }),
  rhs_axis: attr.int('The axis along which scale and zero point of `rhs` vary.', { default: -1 }),
};
type Attributes = AttributeValues<typeof attributes>;

const broadcast = broadcastRelation();

function relate(context: RelateContext<Attributes>): RelateResult {
  const lhs = tensorInput(context, 0, 'lhs');
  if (lhs.kind !== 'tensor') return lhs;
  const rhs = tensorInput(context, 1, 'rhs');
  if (rhs.kind !== 'tensor') return rhs;
  if (context.inputs.slice(2).some((t) => t.kind === 'incomplete')) return wait;
  const assign: Assignments = [];
  const problem =
    operandParameters(context, 0, lhs, 'lhs', context.attrs.lhs_axis, assign) ??
    operandParameters(context, 1, rhs, 'rhs', context.attrs.rhs_axis, assign) ??
    scalarParameter(context, 6, 'output_scale', 'float32') ??
    scalarParameter(context, 7, 'output_zero_point', 'int32');
  if (problem) return problem;
  const result = broadcast(context);
  return result.kind === 'ok' ? { ...result, assign } : result;
}

function operandParameters(
  context: RelateContext<Attributes>,
  index: number,
  type: TensorType,
  name: string,
  axis: number,
  assign: Assignments,
): RelateResult | undefined {
  const rank = type.shape.length;
  const resolved: number | Failure = rank <= 1 ? 0 : resolveAxis(axis, rank, `${name}_axis`, `\`${name}\``);
  if (typeof resolved !== 'number') return resolved;
  const size: Dim = type.shape[resolved] ?? 1;
  const related = [
    { blame: onInput(index, resolved), message: `axis ${resolved} of \`${name}\` is the quantised one` },
  ];
  return (
    axisParameter(context, 2 + 2 * index, `${name}_scale`, 'float32', size, assign, related) ??
    axisParameter(context, 3 + 2 * index, `${name}_zero_point`, 'int32', size, assign, related)
  );
}

/** The index of an operand's quantised axis among the result's indices. */
function channelOf(context: ComputeContext<Attributes>, index: number, i: readonly TEExpr[]): TEExpr {
  const { attrs } = context;
  const rank = tensorAt(context, index).shape.length;
  const axis = rank <= 1 ? 0 : channelAxis(index === 0 ? attrs.lhs_axis : attrs.rhs_axis, rank);
  return i[i.length - rank + axis] ?? int(0);
}

/** An operand's element on the scale and zero point of the result, as int32. */
function rescaledOperand(context: ComputeContext<Attributes>, index: number): (i: readonly TEExpr[]) => TEExpr {
  const tensor = tensorAt(context, index);
  const scale = 2 + 2 * index;
  const zeroPoint = 3 + 2 * index;
  const same = (a: number, b: number): boolean => {
    const value = constantScalar(context, a);
    return value !== undefined && value === constantScalar(context, b);
  };
  if (same(scale, 6) && same(zeroPoint, 7)) return (i) => cast('int32', broadcastLoad(tensor, i));
  const rescale = elementRescaler(context, { scale, zeroPoint, outScale: 6, outZeroPoint: 7 });
  return (i) => rescale(broadcastLoad(tensor, i), channelOf(context, index, i));
}

function additive(name: string, combine: (lhs: TEExpr, rhs: TEExpr, zeroPoint: TEExpr) => TEExpr) {
  return (context: ComputeContext<Attributes>) => {
    const output = outputOf(context);
    const lhs = rescaledOperand(context, 0);
    const rhs = rescaledOperand(context, 1);
    return [
      compute(name, output.shape, (...i) =>
        saturate(combine(lhs(i), rhs(i), parameterAt(context, 7, int(0))), 'int32', output.dtype),
      ),
    ];
  };
}

export const addOperator = defineOperator({
  name: 'qnn.add',
  summary: 'Sum of two quantised tensors, each rescaled to the scale of the result; shapes broadcast.',
  inputs,
  attributes,
  attrsType: 'relay.attrs.BroadcastAttrs',
  relate,
  explain: explainBroadcast,
  compute: additive('add', (lhs, rhs, zero) => sub(add(lhs, rhs), zero)),
  fusion: 'broadcast',
  examples: [
    {
      title: 'A residual connection',
      source: `def @main(%x: Tensor[(1, 8, 8, 16), int8], %y: Tensor[(1, 8, 8, 16), int8]) {
  qnn.add(%x, %y, 0.02f, -5, 0.03f, 4, 0.04f, -1)
}`,
    },
  ],
});

export const subtractOperator = defineOperator({
  name: 'qnn.subtract',
  summary: 'Difference of two quantised tensors, each rescaled to the scale of the result; shapes broadcast.',
  inputs,
  attributes,
  attrsType: 'relay.attrs.BroadcastAttrs',
  relate,
  explain: explainBroadcast,
  compute: additive('subtract', (lhs, rhs, zero) => add(sub(lhs, rhs), zero)),
  fusion: 'broadcast',
});

/** The factor of a product: (lhs scale · rhs scale, rounded to float32) / output scale. */
function productRescaling(context: ComputeContext<Attributes>): Rescaling {
  const size = (index: number): number => (isScalar(context, index) ? 1 : (tensorAt(context, index).shape[0] ?? 1));
  const count = Math.max(size(2), size(4));
  const lhs = constantNumbers(context, 2);
  const rhs = constantNumbers(context, 4);
  const target = constantScalar(context, 6);
  if (lhs && rhs && target !== undefined)
    return {
      count,
      factors: Array.from({ length: count }, (_, i) => {
        const product = Math.fround((lhs[lhs.length === 1 ? 0 : i] ?? 0) * (rhs[rhs.length === 1 ? 0 : i] ?? 0));
        return product / target;
      }),
    };
  const wide = (e: TEExpr): TEExpr => cast('float64', e);
  return {
    count,
    factorAt: (channel) =>
      binary(
        'div',
        wide(mul(parameterAt(context, 2, channel), parameterAt(context, 4, channel))),
        wide(parameterAt(context, 6, int(0))),
      ),
  };
}

export const mulOperator = defineOperator({
  name: 'qnn.mul',
  summary: 'Product of two quantised tensors; shapes broadcast.',
  details: 'The product of both values less their zero points is rescaled by `lhs_scale · rhs_scale / output_scale`.',
  inputs,
  attributes,
  attrsType: 'relay.attrs.BroadcastAttrs',
  relate,
  explain: explainBroadcast,
  compute(context) {
    const output = outputOf(context);
    const rescaling = productRescaling(context);
    const rescale = fixedPointRescaler(rescaling, 'UPWARD');
    const identical = rescaling.factors?.every((f) => f === 1) ?? false;
    const accumulator: DType = 'int32';
    return [
      compute('mul', output.shape, (...i) => {
        const operand = (index: number): TEExpr =>
          withoutZeroPoint(
            context,
            3 + 2 * index,
            broadcastLoad(tensorAt(context, index), i),
            channelOf(context, index, i),
            accumulator,
          );
        const product = mul(operand(0), operand(1));
        const wider = isScalar(context, 2) ? 1 : 0;
        const scaled = identical ? product : rescale(product, channelOf(context, wider, i));
        return saturate(add(scaled, parameterAt(context, 7, int(0))), 'int32', output.dtype);
      }),
    ];
  },
  fusion: 'broadcast',
});
