/** Vision operators (`vision.*`). */
import type { Operator } from '../operator.ts';

export const visionOperators: readonly Operator[] = [];
