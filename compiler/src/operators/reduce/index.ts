/** Operators that fold elements together. */
import { withGradients } from '../derivation.ts';
import { reductionAdjoints } from './adjoints.ts';
import type { Operator } from '../operator.ts';
import { reduceOperators } from './reduce.ts';
import { scanOperators } from './scan.ts';

export const reductionOperators: readonly Operator[] = withGradients(
  [...reduceOperators, ...scanOperators],
  reductionAdjoints,
  'its result is a position or true or false',
);
