/** Neural-network operators (`nn.*`). */
import type { Operator } from '../operator.ts';

export const nnOperators: readonly Operator[] = [];
