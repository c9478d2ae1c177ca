/** Precedence of infix operators, applied to flat chains. */
import type { Span } from '../base/span.ts';
import type { Expr, InfixOperator } from './tree.ts';

const precedence: Readonly<Record<InfixOperator, number>> = {
  '*': 12,
  '/': 12,
  '+': 10,
  '-': 10,
  '<': 8,
  '<=': 8,
  '>': 8,
  '>=': 8,
  '==': 7,
  '!=': 7,
};

interface Link {
  readonly operator: InfixOperator;
  readonly span: Span;
  readonly right: Expr;
}

/** `first op right op right …` as a tree; all operators associate to the left. Iterative, so chains may be long. */
export function foldInfix(first: Expr, links: readonly Link[]): Expr {
  const operands: Expr[] = [first];
  const pending: Link[] = [];
  const reduce = (): void => {
    const link = pending.pop();
    const right = operands.pop();
    const left = operands.pop();
    if (!link || !left || !right) return;
    const span = { anchor: left.span.anchor, start: left.span.start, end: right.span.end };
    operands.push({ kind: 'infix', span, operator: link.operator, operatorSpan: link.span, left, right });
  };
  for (const link of links) {
    for (;;) {
      const top = pending[pending.length - 1];
      if (!top || precedence[top.operator] < precedence[link.operator]) break;
      reduce();
    }
    pending.push(link);
    operands.push(link.right);
  }
  while (pending.length > 0) reduce();
  return operands[0] ?? first;
}
