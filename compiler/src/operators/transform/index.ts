/** Operators that make, move, join, cut and pick elements. */
import type { Operator } from '../operator.ts';
import { broadcastOperators } from './broadcast.ts';
import { gatherOperators } from './gather.ts';
import { initOperators } from './init.ts';
import { joinOperators } from './join.ts';
import { orderOperators } from './order.ts';
import { reshapeOperators } from './reshape.ts';
import { sliceOperators } from './slice.ts';

export const transformOperators: readonly Operator[] = [
  ...reshapeOperators,
  ...initOperators,
  ...joinOperators,
  ...orderOperators,
  ...broadcastOperators,
  ...sliceOperators,
  ...gatherOperators,
];
