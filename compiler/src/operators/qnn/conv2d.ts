/** `qnn.conv2d`. */
import type { DType } from '../../tensor/dtype.ts';
import { int } from '../../tensor/te.ts';
import { attr } from '../attributes.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import type { RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { mulDims } from '../relations/dims.ts';
import { convAttributes } from '../nn/conv.ts';
import type { ConvAttributes } from '../nn/conv-layouts.ts';
import { computeConv } from '../nn/conv-compute.ts';
import { conv2dFamily, convExplainer, relateConv } from '../nn/convolution.ts';
import { axisIndex, parseLayout } from '../nn/layout.ts';
import { badAttribute, checkDType, listOf, onInput, tensorInput, wait } from '../nn/relate.ts';
import type { Assignments } from './parameters.ts';
import { axisParameter, scalarParameter, withoutZeroPoint } from './parameters.ts';

const operandTypes: readonly DType[] = ['int8', 'uint8', 'int16'];
const sumTypes: readonly DType[] = ['int16', 'int32', 'int64'];

/** Inputs of the quantised products: both zero points stand before both scales. */
export const productInputs = (weight = 'weight') => [
  { name: 'data', summary: 'The quantised data.' },
  { name: weight, summary: 'The quantised weight.' },
  { name: 'input_zero_point', summary: 'Zero point of the data, a scalar.' },
  { name: `${weight}_zero_point`, summary: 'Zero point of the weight: a scalar, or one value an output channel.' },
  { name: 'input_scale', summary: 'Scale of the data, a scalar; it does not change the sums.' },
  {
    name: `${weight}_scale`,
    summary: 'Scale of the weight: a scalar, or one value an output channel; it does not change the sums.',
  },
];

/** Checks of the quantisation parameters of a product of data and weight; `channels` is the weight's output size. */
export function relateParameters(
  context: Pick<RelateContext<unknown>, 'inputs'>,
  channels: Parameters<typeof axisParameter>[4],
  assign: Assignments,
): RelateResult | undefined {
  if (context.inputs.slice(2, 6).some((t) => t.kind === 'incomplete')) return wait;
  return (
    scalarParameter(context, 2, 'input_zero_point', 'int32') ??
    scalarParameter(context, 4, 'input_scale', 'float32') ??
    axisParameter(context, 5, 'weight_scale', 'float32', channels, assign, [
      { blame: onInput(1), message: 'the weight decides the number of output channels' },
    ])
  );
}

/** Demands that `out_dtype` is one of `allowed`. */
export function checkSumType(outDType: DType | null, allowed: readonly DType[]): RelateResult | undefined {
  if (outDType !== null && allowed.includes(outDType)) return undefined;
  return badAttribute('out_dtype', `\`out_dtype\` must be ${listOf(allowed)}, but it is ${outDType ?? 'missing'}.`, {
    remedy: 'Write `out_dtype="int32"`.',
  });
}

function relate(context: RelateContext<ConvAttributes>): RelateResult {
  const { attrs } = context;
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const weight = tensorInput(context, 1, 'weight');
  if (weight.kind !== 'tensor') return weight;
  const wrong =
    checkDType(data, operandTypes, 0, 'data') ??
    checkDType(weight, operandTypes, 1, 'weight') ??
    checkSumType(attrs.out_dtype, sumTypes);
  if (wrong) return wrong;
  const layout = parseLayout(attrs.kernel_layout);
  const position = (axis: string): number => (typeof layout === 'string' ? -1 : axisIndex(layout, axis));
  const inner = weight.shape[position('I')];
  const outer = weight.shape[position('O')];
  const result = relateConv(context, conv2dFamily);
  if (result.kind !== 'ok' || inner === undefined || outer === undefined) return result;
  const assign: Assignments = [...(result.assign ?? [])];
  const problem = relateParameters(context, attrs.groups === 1 ? outer : mulDims(inner, outer), assign);
  return problem ?? { ...result, assign };
}

export const conv2d = defineOperator({
  name: 'qnn.conv2d',
  summary: 'Convolves quantised data with quantised filters: sums of `(data − zero point) · (weight − zero point)`.',
  details:
    'Padding stands for the real value 0, so padded elements equal the zero point of the data and add nothing. ' +
    'The scale of the result is the product of both scales; follow with `qnn.requantize`.',
  inputs: productInputs(),
  attributes: {
    ...convAttributes(2, 'NCHW', 'OIHW'),
    out_dtype: attr.dtype('Element type of the sums: int16, int32 or int64.', { default: null }),
  },
  attrsType: 'relay.attrs.Conv2DAttrs',
  relate,
  explain: convExplainer(conv2dFamily),
  compute(context) {
    const output = outputOf(context);
    const accumulator: DType = output.dtype === 'int64' ? 'int64' : 'int32';
    return [
      computeConv(
        {
          data: tensorAt(context, 0),
          weight: tensorAt(context, 1),
          dataValue: (e) => withoutZeroPoint(context, 2, e, int(0), accumulator),
          weightValue: (e, channel) => withoutZeroPoint(context, 3, e, channel, accumulator),
          accumulator,
        },
        context.attrs,
        conv2dFamily,
        output,
      ),
    ];
  },
  fusion: 'out-elementwise-fusable',
  examples: [
    {
      title: 'A quantised 3×3 convolution in NHWC',
      source: `def @main(%x: Tensor[(1, 32, 32, 3), int8], %w: Tensor[(3, 3, 3, 16), int8]) {
  qnn.conv2d(%x, %w, -128, 0, 0.02f, 0.005f, padding=[1, 1, 1, 1], channels=16, kernel_size=[3, 3],
    data_layout="NHWC", kernel_layout="HWIO", out_dtype="int32")
}`,
    },
  ],
});
