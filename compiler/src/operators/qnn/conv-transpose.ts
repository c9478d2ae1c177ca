/** `qnn.conv2d_transpose`. */
import type { DType } from '../../tensor/dtype.ts';
import { int } from '../../tensor/te.ts';
import type { Dim } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import { defineOperator } from '../operator.ts';
import { transposedAttributes } from '../nn/conv-transpose.ts';
import { axisIndex, parseLayout } from '../nn/layout.ts';
import { checkDType, onInput, tensorInput, wait } from '../nn/relate.ts';
import { computeTransposed } from '../nn/conv-compute.ts';
import { explainTransposed, relateTransposed } from '../nn/transposed.ts';
import { mulDims } from '../relations/dims.ts';
import { checkSumType, productInputs } from './conv2d.ts';
import type { Assignments } from './parameters.ts';
import { axisParameter, parameterOf, withoutZeroPoint } from './parameters.ts';

const dataTypes: readonly DType[] = ['int8', 'uint8', 'int16', 'uint16'];
const weightTypes: readonly DType[] = ['int8', 'uint8'];

export const convTranspose = defineOperator({
  name: 'qnn.conv2d_transpose',
  summary: 'Quantised transposed convolution: sums of `(data − zero point) · (weight − zero point)`.',
  inputs: productInputs(),
  attributes: {
    ...transposedAttributes(2, 'NCHW', 'IOHW'),
    out_dtype: attr.dtype('Element type of the sums: int16 or int32.', { default: null }),
  },
  attrsType: 'relay.attrs.Conv2DTransposeAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const weight = tensorInput(context, 1, 'weight');
    if (weight.kind !== 'tensor') return weight;
    const wrong =
      checkDType(data, dataTypes, 0, 'data') ??
      checkDType(weight, weightTypes, 1, 'weight') ??
      checkSumType(context.attrs.out_dtype, ['int16', 'int32']);
    if (wrong) return wrong;
    const result = relateTransposed(context, 'HW');
    if (result.kind !== 'ok') return result;
    const layout = parseLayout(context.attrs.kernel_layout);
    const size = (axis: string): Dim => (typeof layout === 'string' ? 1 : (weight.shape[axisIndex(layout, axis)] ?? 1));
    const channels = context.attrs.groups === 1 ? size('O') : mulDims(size('I'), size('O'));
    if (context.inputs.slice(2, 5).some((t) => t.kind === 'incomplete')) return wait;
    const assign: Assignments = [...(result.assign ?? [])];
    return (
      axisParameter(context, 2, 'input_zero_point', 'int32', 1, assign) ??
      parameterOf(context, 3, 'weight_zero_point', 'int32') ??
      axisParameter(context, 4, 'input_scale', 'float32', 1, assign) ??
      axisParameter(context, 5, 'weight_scale', 'float32', channels, assign, [
        { blame: onInput(1), message: 'the weight decides the number of output channels' },
      ]) ?? { ...result, assign }
    );
  },
  explain: (context, _result, at) => explainTransposed(context, 'HW', at.dim),
  compute(context) {
    return [
      computeTransposed(
        {
          data: tensorAt(context, 0),
          weight: tensorAt(context, 1),
          dataValue: (e) => withoutZeroPoint(context, 2, e, int(0), 'int32'),
          weightValue: (e, channel) => withoutZeroPoint(context, 3, e, channel, 'int32'),
          accumulator: 'int32',
        },
        context.attrs,
        'HW',
        outputOf(context),
      ),
    ];
  },
  fusion: 'out-elementwise-fusable',
});
