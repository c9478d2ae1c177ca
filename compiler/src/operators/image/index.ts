/** Image operators (`image.*`). */
import { withoutGradients } from '../derivation.ts';
import type { Operator } from '../operator.ts';
import { dilationOperators } from './dilation.ts';
import { gridOperators } from './grid.ts';
import { resizeOperators } from './resize.ts';

export const imageOperators: readonly Operator[] = withoutGradients(
  [...resizeOperators, ...gridOperators, ...dilationOperators],
  'no operator sums over its overlapping samples',
);
