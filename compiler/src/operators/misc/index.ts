/** Operators of no other family. */
import type { Operator } from '../operator.ts';

export const miscOperators: readonly Operator[] = [];
