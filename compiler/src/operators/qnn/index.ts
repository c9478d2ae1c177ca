/** Quantised operators (`qnn.*`). */
import type { Operator } from '../operator.ts';
import { conv2d } from './conv2d.ts';
import { dequantize, quantize } from './convert.ts';
import { batchMatmul, dense, densePack } from './dense.ts';
import { addOperator, mulOperator, subtractOperator } from './elementwise.ts';
import { requantize } from './requantize.ts';
import { leakyRelu, unaryOperators } from './unary.ts';

export const qnnOperators: readonly Operator[] = [
  addOperator,
  batchMatmul,
  conv2d,
  dense,
  densePack,
  dequantize,
  leakyRelu,
  mulOperator,
  quantize,
  requantize,
  subtractOperator,
  ...unaryOperators,
];
