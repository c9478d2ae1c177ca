/** Quantised operators (`qnn.*`). */
import { withoutGradients } from '../derivation.ts';
import { withQuantisationAdvice } from '../advice/values.ts';
import type { Operator } from '../operator.ts';
import { concatenate } from './concatenate.ts';
import { convTranspose } from './conv-transpose.ts';
import { conv2d } from './conv2d.ts';
import { dequantize, quantize } from './convert.ts';
import { batchMatmul, dense, densePack } from './dense.ts';
import { addOperator, mulOperator, subtractOperator } from './elementwise.ts';
import { requantize } from './requantize.ts';
import { simulatedDequantize, simulatedQuantize } from './simulated.ts';
import { leakyRelu, unaryOperators } from './unary.ts';

const records: readonly Operator[] = [
  addOperator,
  batchMatmul,
  concatenate,
  conv2d,
  convTranspose,
  dense,
  densePack,
  dequantize,
  leakyRelu,
  mulOperator,
  quantize,
  requantize,
  simulatedDequantize,
  simulatedQuantize,
  subtractOperator,
  ...unaryOperators,
];

export const qnnOperators: readonly Operator[] = withoutGradients(
  records.map(withQuantisationAdvice),
  'quantised values are integers',
);
