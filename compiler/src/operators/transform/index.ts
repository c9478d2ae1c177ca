/** Operators that make, move, join, cut and pick elements. */
import type { Operator } from '../operator.ts';
import { initOperators } from './init.ts';
import { joinOperators } from './join.ts';
import { reshapeOperators } from './reshape.ts';

export const transformOperators: readonly Operator[] = [...reshapeOperators, ...initOperators, ...joinOperators];
