/** `qnn.conv2d_transpose`. */
import type { DType } from '../../tensor/dtype.ts';
import { int } from '../../tensor/te.ts';
import { attr } from '../attributes.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import { defineOperator } from '../operator.ts';
import { transposedAttributes } from '../nn/conv-transpose.ts';
import { axisIndex, parseLayout } from '../nn/layout.ts';
import { checkDType, tensorInput } from '../nn/relate.ts';
import { computeTransposed, explainTransposed, relateTransposed } from '../nn/transposed.ts';
import { checkSumType, productInputs, relateParameters } from './conv2d.ts';
import type { Assignments } from './parameters.ts';
import { withoutZeroPoint } from './parameters.ts';

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
    const channels = typeof layout === 'string' ? undefined : weight.shape[axisIndex(layout, 'O')];
    const assign: Assignments = [...(result.assign ?? [])];
    return relateParameters(context, channels ?? 1, assign) ?? { ...result, assign };
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
  fusion: 'opaque',
});
