/** `qnn.dense`, `qnn.contrib_dense_pack`, `qnn.batch_matmul`. */
import type { DType } from '../../tensor/dtype.ts';
import type { TEExpr } from '../../tensor/te.ts';
import { int } from '../../tensor/te.ts';
import { tensorType } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import { defineOperator } from '../operator.ts';
import { mulDims } from '../relations/dims.ts';
import {
  computeBatchMatmul,
  computeMatmul,
  explainBatchMatmul,
  explainMatmul,
  relateBatchMatmul,
  relateMatmul,
} from '../nn/matmul.ts';
import { computePacked, explainPacked } from '../nn/packed.ts';
import { checkDType, checkRank, ok, tensorInput } from '../nn/relate.ts';
import { checkSumType, productInputs, relateParameters } from './conv2d.ts';
import type { Assignments } from './parameters.ts';
import { scalarParameter, withoutZeroPoint } from './parameters.ts';

const dataTypes: readonly DType[] = ['int8', 'uint8', 'int16', 'uint16'];
const weightTypes: readonly DType[] = ['int8', 'uint8'];
const sumTypes: readonly DType[] = ['int32', 'int64'];
const units = attr.maybeInt('Number of output features; `None` takes it from the weight.');
const outDType = attr.dtype('Element type of the sums: int32 or int64.', { default: null });

export const dense = defineOperator({
  name: 'qnn.dense',
  summary: 'Quantised fully connected layer: sums of `(data − zero point) · (weight − zero point)`.',
  details: 'The scale of the result is the product of both scales; follow with `qnn.requantize`.',
  inputs: productInputs(),
  attributes: { units, out_dtype: outDType },
  attrsType: 'relay.attrs.DenseAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const weight = tensorInput(context, 1, 'weight');
    if (weight.kind !== 'tensor') return weight;
    const wrong =
      checkDType(data, dataTypes, 0, 'data') ??
      checkDType(weight, weightTypes, 1, 'weight') ??
      checkSumType(context.attrs.out_dtype, sumTypes);
    if (wrong) return wrong;
    const result = relateMatmul(context, { a: false, b: true }, ['data', 'weight']);
    if (result.kind !== 'ok') return result;
    const assign: Assignments = [...(result.assign ?? [])];
    const problem = relateParameters(context, context.attrs.units ?? weight.shape[0] ?? 1, assign);
    return problem ?? { ...result, assign };
  },
  explain: (context, _result, at) => explainMatmul(context, { a: false, b: true }, at.dim),
  compute(context) {
    const output = outputOf(context);
    return [
      computeMatmul(
        {
          a: tensorAt(context, 0),
          b: tensorAt(context, 1),
          aValue: (e) => withoutZeroPoint(context, 2, e, int(0), output.dtype),
          bValue: (e, unit) => withoutZeroPoint(context, 3, e, unit, output.dtype),
        },
        { a: false, b: true },
        output,
      ),
    ];
  },
  fusion: 'out-elementwise-fusable',
  examples: [
    {
      title: 'A quantised layer of ten units',
      source: `def @main(%x: Tensor[(1, 64), int8], %w: Tensor[(10, 64), int8]) {
  qnn.dense(%x, %w, -128, 0, 0.02f, 0.005f, units=10, out_dtype="int32")
}`,
    },
  ],
});

export const densePack = defineOperator({
  name: 'qnn.contrib_dense_pack',
  summary: 'Quantised fully connected layer whose weight is packed in tiles of units and features.',
  inputs: productInputs(),
  attributes: {
    units,
    out_dtype: outDType,
    weight_layout: attr.string("Order of the packed weight's dimensions.", { default: 'NC' }),
  },
  attrsType: 'relay.attrs.DensePackAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const weight = tensorInput(context, 1, 'weight');
    if (weight.kind !== 'tensor') return weight;
    const { out_dtype: dtype } = context.attrs;
    const wrong =
      checkRank(data, 2, 0, 'data', 'batch, features') ??
      checkRank(weight, 4, 1, 'weight', 'unit tiles, feature tiles, tile of units, tile of features');
    if (wrong) return wrong;
    if (dtype === null) return checkSumType(dtype, sumTypes) ?? { kind: 'wait' };
    return ok(tensorType([data.shape[0] ?? 1, mulDims(weight.shape[0] ?? 1, weight.shape[2] ?? 1)], dtype));
  },
  explain: (context, _result, at) => explainPacked(context, at.dim),
  compute(context) {
    const operands = {
      a: tensorAt(context, 0),
      b: tensorAt(context, 1),
      aValue: (e: TEExpr) => withoutZeroPoint(context, 2, e, int(0), 'int32'),
      bValue: (e: TEExpr, unit: TEExpr) => withoutZeroPoint(context, 3, e, unit, 'int32'),
    };
    return [computePacked(operands, outputOf(context))];
  },
  fusion: 'out-elementwise-fusable',
});

export const batchMatmul = defineOperator({
  name: 'qnn.batch_matmul',
  summary: 'Quantised products of matrices, one pair for each element of the batch.',
  inputs: [
    { name: 'x', summary: 'Quantised tensor of shape (batch, rows, features).' },
    { name: 'y', summary: 'Quantised tensor of shape (batch, features, columns).' },
    { name: 'x_zero_point', summary: 'Zero point of `x`, a scalar.' },
    { name: 'y_zero_point', summary: 'Zero point of `y`, a scalar.' },
    { name: 'x_scale', summary: 'Scale of `x`, a scalar; it does not change the sums.' },
    { name: 'y_scale', summary: 'Scale of `y`, a scalar; it does not change the sums.' },
  ],
  attributes: {
    out_dtype: outDType,
    transpose_a: attr.bool('The last two dimensions of `x` are swapped.', { default: false }),
    transpose_b: attr.bool('The last two dimensions of `y` are swapped.', { default: false }),
  },
  attrsType: 'relay.attrs.BatchMatmulAttrs',
  relate(context) {
    const x = tensorInput(context, 0, 'x');
    if (x.kind !== 'tensor') return x;
    const y = tensorInput(context, 1, 'y');
    if (y.kind !== 'tensor') return y;
    const problem =
      checkDType(x, weightTypes, 0, 'x') ??
      checkDType(y, weightTypes, 1, 'y') ??
      checkSumType(context.attrs.out_dtype, ['int32']) ??
      scalarParameter(context, 2, 'x_zero_point', 'int32') ??
      scalarParameter(context, 3, 'y_zero_point', 'int32') ??
      scalarParameter(context, 4, 'x_scale', 'float32') ??
      scalarParameter(context, 5, 'y_scale', 'float32');
    return problem ?? relateBatchMatmul(context, ['x', 'y']);
  },
  explain: (context, _result, at) => explainBatchMatmul(context, at.dim),
  compute(context) {
    const output = outputOf(context);
    return [
      computeBatchMatmul(
        {
          a: tensorAt(context, 0),
          b: tensorAt(context, 1),
          aValue: (e) => withoutZeroPoint(context, 2, e, int(0), output.dtype),
          bValue: (e) => withoutZeroPoint(context, 3, e, int(0), output.dtype),
        },
        context.attrs,
        output,
      ),
    ];
  },
  fusion: 'out-elementwise-fusable',
});
