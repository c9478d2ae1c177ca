/** How the rounding errors of arguments pass through operators. */
import type { Operator } from './operator.ts';

/** Results change by no more than arguments do, or by the products of one argument's change with the other argument. */
export type ErrorRule = 'carried' | 'multiplied';

const rules: ReadonlyMap<string, ErrorRule> = new Map<string, ErrorRule>([
  ['add', 'carried'],
  ['subtract', 'carried'],
  ['negative', 'carried'],
  ['abs', 'carried'],
  ['nn.relu', 'carried'],
  ['clip', 'carried'],
  ['maximum', 'carried'],
  ['minimum', 'carried'],
  ['where', 'carried'],
  ['multiply', 'multiplied'],
]);

/** The rule of an operator; undefined where errors of results are taken to go by the results' own size. */
export function errorRuleOf({ name, fusion }: Operator): ErrorRule | undefined {
  // What moves elements moves their errors.
  return rules.get(name) ?? (fusion === 'injective' ? 'carried' : undefined);
}
