/**
 * Where the checker deviates from TVM 0.12 on purpose. One entry is a class of programs, with the reason why a user is
 * served better. The conformance test holds the share of each corpus that deviates below 3 %.
 */
import type { Case } from './corpus.ts';

export interface Difference {
  readonly what: 'verdict' | 'globals' | 'calls' | 'crash';
  readonly detail: string;
}

export interface Deviation {
  readonly name: string;
  readonly reason: string;
  readonly applies: (case_: Case, difference: Difference) => boolean;
}

export const deviations: readonly Deviation[] = [];

export function deviationOf(case_: Case, difference: Difference): Deviation | undefined {
  if (difference.what === 'crash') return undefined;
  return deviations.find((deviation) => deviation.applies(case_, difference));
}
