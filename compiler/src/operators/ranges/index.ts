/** Value ranges by operator. An operator without a rule gives any value of its result's type. */
import { arithmeticRules } from './arithmetic.ts';
import { quantisedRules } from './quantised.ts';
import type { RangeRule } from './rule.ts';

export const rangeRules: ReadonlyMap<string, RangeRule> = new Map(
  Object.entries({ ...arithmeticRules, ...quantisedRules }),
);
