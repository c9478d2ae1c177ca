/** Statements: what they bind, in which order names come into scope (relay-language reference, section 2.4). */
import { checkCancelled } from '../base/cancellation.ts';
import type {
  Block,
  Expr,
  FreeVarStatement,
  GraphStatement,
  LetStatement,
  Statement,
  TuplePattern,
} from '../syntax/tree.ts';
import { variablesOf } from '../syntax/walk.ts';
import { printType } from '../types/print.ts';
import { errorType, type Type } from '../types/type.ts';
import { bindGraph, bindLocal, noteHidden } from './bindings.ts';
import type { Context } from './context.ts';
import { inferExpr } from './infer-expr.ts';
import { checkPattern } from './infer-pattern.ts';
import { declarationOf, literalFix, mismatchCode, mismatchText } from './messages.ts';
import type { Binding } from './scope.ts';
import { annotation } from './type-nodes.ts';

/** The type of a block's result; what the block binds ends with it. */
export function inferBlock(cx: Context, block: Block): Type {
  const mark = cx.locals.mark();
  cx.level++;
  for (const statement of block.statements) inferStatement(cx, statement);
  const type = inferExpr(cx, block.result);
  cx.level--;
  cx.locals.restore(mark);
  return type;
}

/** Checks a statement and brings what it binds into scope. */
export function inferStatement(cx: Context, statement: Statement): void {
  checkCancelled(cx.token);
  switch (statement.kind) {
    case 'let':
      return inferLet(cx, statement);
    case 'graph':
      return inferGraphStatement(cx, statement);
    case 'sequence':
      inferExpr(cx, statement.value);
      return;
    case 'free_var':
      return inferFreeVar(cx, statement);
  }
}

function inferFreeVar(cx: Context, statement: FreeVarStatement): void {
  if (cx.order !== Infinity)
    cx.report(
      'free-variable',
      statement.name.span,
      `A function cannot mention the free variable \`%${statement.name.text}\`.`,
      {
        remedy: `Add \`%${statement.name.text}\` as a parameter.`,
      },
    );
  const type = annotation(cx, statement.type) ?? cx.solver.fresh();
  const symbol = { kind: 'local', name: statement.name.text, definition: statement } as const;
  cx.setType(statement, type);
  bindLocal(cx, { symbol, nameSpan: statement.name.span, type, value: undefined, level: 0 });
}

function isFunctionLiteral(expr: Expr): boolean {
  let current = expr;
  while (current.kind === 'paren') current = current.inner;
  return current.kind === 'fn';
}

function inferLet(cx: Context, statement: LetStatement): void {
  noteHidden(cx, statement.name);
  const written = annotation(cx, statement.type);
  const recursive = isFunctionLiteral(statement.value);
  const symbol = { kind: 'local', name: statement.name.text, definition: statement } as const;
  const binding: Binding = {
    symbol,
    nameSpan: statement.name.span,
    type: errorType,
    value: statement.value,
    level: cx.level,
  };
  let placeholder: Type | undefined;
  if (recursive) {
    placeholder = written ?? cx.solver.fresh();
    binding.type = placeholder;
    bindLocal(cx, binding);
  }
  const value = inferExpr(cx, statement.value);
  let type = value;
  if (written) {
    const unified = cx.unify(written, value);
    if (unified.ok) type = unified.type;
    else {
      type = written;
      const annotated = statement.type;
      cx.report(
        mismatchCode(unified.mismatch),
        statement.value.span,
        mismatchText(cx, written, value, unified.mismatch),
        {
          ...literalFix(statement.value, written),
          remedy: `Change the annotation to \`${printType(cx.resolve(value))}\`, or the value to fit.`,
          related: annotated
            ? [
                { span: annotated.span, message: `\`%${statement.name.text}\` is declared here.` },
                ...declarationOf(cx, statement.value),
              ]
            : [],
        },
      );
    }
  } else if (placeholder) {
    const unified = cx.unify(placeholder, value);
    if (!unified.ok) {
      cx.poison(placeholder);
      cx.report(
        mismatchCode(unified.mismatch),
        statement.value.span,
        `The function calls itself differently. ${mismatchText(cx, placeholder, value, unified.mismatch)}`,
        {
          remedy: 'Annotate the parameters and the result of the function.',
        },
      );
    }
  }
  binding.type = type;
  cx.setType(statement, type);
  if (!recursive) bindLocal(cx, binding);
  if (statement.pattern) bindTuple(cx, statement.pattern, type);
}

/** Brings the names of a tuple into scope; that it stands where one name should was reported by the parser. */
function bindTuple(cx: Context, pattern: TuplePattern, type: Type): void {
  const findings = cx.chunk.diagnostics.length;
  checkPattern(cx, pattern, type, (binding) => bindLocal(cx, binding));
  cx.chunk.diagnostics.length = findings;
}

/** The locals that a statement brings into the scope of what follows it. */
export function boundNames(node: Statement | Expr): readonly string[] {
  if (node.kind !== 'let' && node.kind !== 'free_var') return [];
  if (node.kind === 'free_var' || !node.pattern) return [node.name.text];
  return variablesOf(node.pattern).map(({ name }) => name.text);
}

function inferGraphStatement(cx: Context, statement: GraphStatement): void {
  const outer = cx.mentioned;
  const outerMentions = cx.mentionsLocal;
  cx.mentioned = new Set();
  cx.mentionsLocal = false;
  const type = inferExpr(cx, statement.value);
  // What the expression itself binds has left its scope by now.
  const inner = [...cx.mentioned].filter((binding) => binding.live === true);
  const open = cx.mentionsLocal;
  cx.mentioned = outer;
  cx.mentionsLocal = outerMentions || open;
  for (const binding of inner) outer?.add(binding);
  cx.setType(statement, type);
  bindGraph(cx, statement, type, inner, open);
}
