/** Operators that fold elements together. */
import type { Operator } from '../operator.ts';
import { reduceOperators } from './reduce.ts';
import { scanOperators } from './scan.ts';

export const reductionOperators: readonly Operator[] = [...reduceOperators, ...scanOperators];
