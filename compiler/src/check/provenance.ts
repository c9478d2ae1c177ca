/** How a dimension came to be, as a chain of formulas back to declarations. */
import type { CheckResult, DimStep } from './result.ts';
import type { Expr, GraphStatement, LetStatement, Param } from '../syntax/tree.ts';

export function explainDim(
  result: CheckResult,
  node: Expr | Param | LetStatement | GraphStatement,
  dim: number,
  field?: number,
): DimStep | undefined {
  void result;
  void node;
  void dim;
  void field;
  return undefined;
}
