/** Image operators (`image.*`). */
import type { Operator } from '../operator.ts';
import { dilationOperators } from './dilation.ts';
import { gridOperators } from './grid.ts';
import { resizeOperators } from './resize.ts';

export const imageOperators: readonly Operator[] = [...resizeOperators, ...gridOperators, ...dilationOperators];
