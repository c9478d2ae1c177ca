/** Operators that make, move, join, cut and pick elements. */
import { withGradients } from '../derivation.ts';
import { transformAdjoints } from './adjoints.ts';
import type { Operator } from '../operator.ts';
import { broadcastOperators } from './broadcast.ts';
import { gatherOperators } from './gather.ts';
import { initOperators } from './init.ts';
import { joinOperators } from './join.ts';
import { layoutOperators } from './layout.ts';
import { matrixOperators } from './matrix.ts';
import { orderOperators } from './order.ts';
import { reshapeOperators } from './reshape.ts';
import { scatterOperators } from './scatter.ts';
import { shapeOperators } from './shape.ts';
import { signalOperators } from './signal.ts';
import { sliceOperators } from './slice.ts';

export const transformOperators: readonly Operator[] = withGradients(
  [
    ...reshapeOperators,
    ...initOperators,
    ...joinOperators,
    ...orderOperators,
    ...broadcastOperators,
    ...sliceOperators,
    ...gatherOperators,
    ...scatterOperators,
    ...matrixOperators,
    ...signalOperators,
    ...layoutOperators,
    ...shapeOperators,
  ],
  transformAdjoints,
  'its result does not depend on the values of its operands, or only in steps',
);
