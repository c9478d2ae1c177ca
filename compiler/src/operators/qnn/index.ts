/** Quantised operators (`qnn.*`). */
import type { Operator } from '../operator.ts';

export const qnnOperators: readonly Operator[] = [];
