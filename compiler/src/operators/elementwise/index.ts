/** Operators that work element by element. */
import type { Operator } from '../operator.ts';
import { binaryOperators } from './binary.ts';
import { castOperators } from './cast.ts';
import { unaryOperators } from './unary.ts';

export const elementwiseOperators: readonly Operator[] = [...unaryOperators, ...binaryOperators, ...castOperators];
