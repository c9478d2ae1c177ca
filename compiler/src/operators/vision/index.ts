/** Vision operators (`vision.*`). */
import { withoutGradients } from '../derivation.ts';
import type { Operator } from '../operator.ts';
import { classSuppressionOperators } from './class-suppression.ts';
import { multiboxOperators } from './multibox.ts';
import { proposalOperators } from './proposal.ts';
import { regionOperators } from './regions.ts';
import { reorgOperators } from './reorg.ts';
import { suppressionOperators } from './suppression.ts';

export const visionOperators: readonly Operator[] = withoutGradients(
  [
    ...regionOperators,
    ...proposalOperators,
    ...multiboxOperators,
    ...suppressionOperators,
    ...classSuppressionOperators,
    ...reorgOperators,
  ],
  'it chooses among boxes, or samples regions for which no operator sums',
);
