/** `nn.dense`, `nn.matmul`, `nn.batch_matmul`, `nn.contrib_dense_pack`. */
import type { DType } from '../../tensor/dtype.ts';
import { cast, type TEExpr } from '../../tensor/te.ts';
import { tensorType } from '../../types/type.ts';
import { printShape } from '../../types/print.ts';
import { attr } from '../attributes.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import type { ComputeContext } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { mulDims } from '../relations/dims.ts';
import {
  computeBatchMatmul,
  computeMatmul,
  explainBatchMatmul,
  explainMatmul,
  relateBatchMatmul,
  relateMatmul,
  type ProductOperands,
} from './matmul.ts';
import { computePacked, explainPacked } from './packed.ts';
import { checkRank, fail, ok, onInput, tensorInput } from './relate.ts';

const tolerance = { relative: 1e-4, absolute: 1e-5 };
const units = attr.maybeInt('Number of output features; `None` takes it from the weight.');
const outDType = attr.dtype('Element type of sum and result; that of the first input when absent.', { default: null });

/** Both inputs as they are, for sums in `accumulator`. */
function factors(context: Pick<ComputeContext<unknown>, 'inputs'>, accumulator: DType): ProductOperands {
  const value = (e: TEExpr): TEExpr => cast(accumulator, e);
  return { a: tensorAt(context, 0), b: tensorAt(context, 1), aValue: value, bValue: value };
}

export const dense = defineOperator({
  name: 'nn.dense',
  summary: 'Fully connected layer: `data · weightᵀ`.',
  details: 'Leading dimensions of the data are kept; the last one is summed over.',
  inputs: [
    { name: 'data', summary: 'Tensor of shape (…, features).' },
    { name: 'weight', summary: 'Matrix of shape (units, features).' },
  ],
  attributes: { units, out_dtype: outDType },
  attrsType: 'relay.attrs.DenseAttrs',
  relate: (context) => relateMatmul(context, { a: false, b: true }, ['data', 'weight']),
  explain: (context, _result, at) => explainMatmul(context, { a: false, b: true }, at.dim),
  compute(context) {
    const output = outputOf(context);
    return [computeMatmul(factors(context, output.dtype), { a: false, b: true }, output)];
  },
  fusion: 'out-elementwise-fusable',
  tolerance,
  examples: [
    {
      title: 'A layer of ten units',
      source: `def @main(%x: Tensor[(1, 64), float32], %w: Tensor[(10, 64), float32]) {
  nn.dense(%x, %w, units=10)
}`,
    },
  ],
});

export const matmul = defineOperator({
  name: 'nn.matmul',
  summary: 'Product of two matrices, either of which may be given transposed.',
  inputs: [
    { name: 'tensor_a', summary: 'Tensor of shape (…, rows, features), or (…, features, rows) with `transpose_a`.' },
    { name: 'tensor_b', summary: 'Matrix of shape (features, units), or (units, features) with `transpose_b`.' },
  ],
  attributes: {
    units,
    out_dtype: outDType,
    transpose_a: attr.bool('The last two dimensions of the first input are swapped.', { default: false }),
    transpose_b: attr.bool('The dimensions of the second input are swapped.', { default: false }),
  },
  attrsType: 'relay.attrs.MatmulAttrs',
  relate: (context) =>
    relateMatmul(context, { a: context.attrs.transpose_a, b: context.attrs.transpose_b }, ['tensor_a', 'tensor_b']),
  explain: (context, _result, at) =>
    explainMatmul(context, { a: context.attrs.transpose_a, b: context.attrs.transpose_b }, at.dim),
  compute(context) {
    const output = outputOf(context);
    return [
      computeMatmul(
        factors(context, output.dtype),
        { a: context.attrs.transpose_a, b: context.attrs.transpose_b },
        output,
      ),
    ];
  },
  fusion: 'out-elementwise-fusable',
  tolerance,
});

export const batchMatmul = defineOperator({
  name: 'nn.batch_matmul',
  summary: 'Products of matrices, one pair for each element of the batch; a batch of one is repeated.',
  inputs: [
    { name: 'tensor_a', summary: 'Tensor of shape (batch, rows, features).' },
    { name: 'tensor_b', summary: 'Tensor of shape (batch, features, columns).' },
  ],
  attributes: {
    out_dtype: outDType,
    transpose_a: attr.bool('The last two dimensions of the first input are swapped.', { default: false }),
    transpose_b: attr.bool('The last two dimensions of the second input are swapped.', { default: false }),
  },
  attrsType: 'relay.attrs.BatchMatmulAttrs',
  relate: (context) => relateBatchMatmul(context, ['tensor_a', 'tensor_b']),
  explain: (context, _result, at) => explainBatchMatmul(context, at.dim),
  compute(context) {
    const output = outputOf(context);
    return [computeBatchMatmul(factors(context, output.dtype), context.attrs, output)];
  },
  fusion: 'out-elementwise-fusable',
  tolerance,
});

export const densePack = defineOperator({
  name: 'nn.contrib_dense_pack',
  summary: 'Fully connected layer whose weight is packed in tiles of units: (units / tile, features, tile).',
  inputs: [
    { name: 'data', summary: 'Matrix of shape (batch, features).' },
    { name: 'weight', summary: 'Packed weight of shape (units / tile, features, tile).' },
  ],
  attributes: { units, out_dtype: outDType },
  attrsType: 'relay.attrs.DenseAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const weight = tensorInput(context, 1, 'weight');
    if (weight.kind !== 'tensor') return weight;
    const wrong = checkRank(data, 2, 0, 'data', 'batch, features');
    if (wrong) return wrong;
    if (weight.shape.length !== 3 && weight.shape.length !== 4)
      return fail(
        'rank-mismatch',
        `\`weight\` must have 3 or 4 dimensions, but its shape is ${printShape(weight.shape)}.`,
        onInput(1),
      );
    const units = mulDims(weight.shape[0] ?? 1, weight.shape[2] ?? 1);
    return ok(tensorType([data.shape[0] ?? 1, units], context.attrs.out_dtype ?? data.dtype));
  },
  explain: (context, _result, at) => explainPacked(context, at.dim),
  compute(context) {
    const output = outputOf(context);
    return [computePacked(factors(context, output.dtype), output)];
  },
  fusion: 'out-elementwise-fusable',
  tolerance,
});
