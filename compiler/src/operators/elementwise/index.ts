/** Operators that work element by element. */
import { withGradients } from '../derivation.ts';
import type { Operator } from '../operator.ts';
import { binaryOperators } from './binary.ts';
import { castOperators } from './cast.ts';
import { unaryOperators } from './unary.ts';

export const elementwiseOperators: readonly Operator[] = withGradients(
  [...unaryOperators, ...binaryOperators, ...castOperators],
  {},
  'it works on integers or truth values',
);
