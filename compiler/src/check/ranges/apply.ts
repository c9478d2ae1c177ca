/** The range rule of a call's operator, applied to what is known of its arguments. */
import { rangeRules } from '../../operators/ranges/index.ts';
import type { RangeInput, RangeResult } from '../../operators/ranges/rule.ts';
import { operatorRegistry } from '../../operators/registry.ts';
import type { NDArray } from '../../tensor/ndarray.ts';
import type { CallExpr, Expr, InfixExpr } from '../../syntax/tree.ts';
import type { Type } from '../../types/type.ts';
import { infixOperatorName } from '../infer-call.ts';
import type { CheckResult } from '../result.ts';
import type { Value } from './value.ts';

export interface RangeArgument {
  readonly known: Value | undefined;
  readonly value: NDArray | undefined;
  readonly type: Type | undefined;
}

/** What the operator's rule says; undefined where the call is of a function, or the operator has no rule. */
export function applyRule(
  check: CheckResult,
  node: CallExpr | InfixExpr,
  callee: Expr,
  args: readonly RangeArgument[],
): RangeResult | undefined {
  const operator = operatorOf(check, node, callee);
  const rule = operator === undefined ? undefined : rangeRules.get(operator);
  const type = check.typeOf(node);
  const result = type?.kind === 'tuple' ? type.fields[0] : type;
  const attrs = node.kind === 'call' ? check.attrsOf(node) : {};
  if (!rule || result?.kind !== 'tensor' || !attrs) return undefined;
  const inputs = args.map(({ known, value, type: argument }): RangeInput => ({
    range: known?.range,
    fields: known?.fields?.map((field) => field?.range),
    value,
    type: argument?.kind === 'tensor' ? argument : undefined,
  }));
  return rule({ inputs, attrs, result });
}

function operatorOf(check: CheckResult, node: CallExpr | InfixExpr, callee: Expr): string | undefined {
  if (node.kind === 'infix') return operatorRegistry.get(infixOperatorName(node.operator))?.name;
  const symbol = check.symbolOf(callee);
  return symbol?.kind === 'operator' ? symbol.operator.name : undefined;
}
