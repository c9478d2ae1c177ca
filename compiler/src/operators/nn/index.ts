/** Neural-network operators (`nn.*`). */
import { withGradients } from '../derivation.ts';
import { nnAdjoints } from './adjoints.ts';
import { blockAdjoints } from './block-adjoints.ts';
import { windowAdjoints } from './window-adjoints.ts';
import type { Operator } from '../operator.ts';
import { adaptivePoolOperators } from './adaptive-pool.ts';
import { biasAdd, dropout, fastSoftmax, leakyRelu, logSoftmax, prelu, relu, softmax } from './activation.ts';
import { bitserialOperators } from './bitserial.ts';
import { contribOperators } from './contrib.ts';
import { conv1d, conv2d, conv3d } from './conv.ts';
import { transposedOperators } from './conv-transpose.ts';
import { correlation, deformableConv2d } from './correlation.ts';
import { batchMatmul, dense, densePack, matmul } from './dense.ts';
import { gradientOperators } from './gradients.ts';
import { lossOperators } from './loss.ts';
import { normOperators } from './norm.ts';
import { batchFlatten, mirrorPad, pad } from './pad.ts';
import { poolOperators } from './pool.ts';
import { spaceOperators } from './space.ts';
import { sparseOperators } from './sparse.ts';
import { upsamplingOperators } from './upsampling.ts';

export const nnOperators: readonly Operator[] = withGradients(
  [
    conv1d,
    conv2d,
    conv3d,
    ...transposedOperators,
    ...poolOperators,
    ...adaptivePoolOperators,
    dense,
    matmul,
    batchMatmul,
    densePack,
    biasAdd,
    relu,
    leakyRelu,
    prelu,
    softmax,
    fastSoftmax,
    logSoftmax,
    dropout,
    ...normOperators,
    pad,
    mirrorPad,
    batchFlatten,
    ...upsamplingOperators,
    ...spaceOperators,
    ...lossOperators,
    ...gradientOperators,
    correlation,
    deformableConv2d,
    ...sparseOperators,
    ...bitserialOperators,
    ...contribOperators,
  ],
  { ...nnAdjoints, ...windowAdjoints, ...blockAdjoints },
  'no operator computes it',
);
