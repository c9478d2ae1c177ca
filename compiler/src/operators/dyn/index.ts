/** Forms of operators whose shapes are arguments: the sizes of their results are known only at run time. */
import { withoutGradients } from '../derivation.ts';
import type { Operator } from '../operator.ts';
import { dynamicImageOperators } from './image.ts';
import { dynamicInitOperators } from './init.ts';
import { dynamicTransformOperators } from './transform.ts';

export const dynamicOperators: readonly Operator[] = withoutGradients(
  [...dynamicInitOperators, ...dynamicTransformOperators, ...dynamicImageOperators],
  'the sizes of its result are known only at run time',
);
