/** Rules for statements and blocks. */
import { BindingGrammar } from './binding-grammar.ts';
import { startsOperand } from './expression-grammar.ts';
import type { TokenType } from 'chevrotain';
import type { Block, Expr, MissingExpr, Statement } from './tree.ts';
import * as t from './vocabulary.ts';

export abstract class StatementGrammar extends BindingGrammar {
  /** One statement with its semicolon; an expression without one is a result. */
  readonly statement = this.RULE('statement', (inList = false): Statement | Expr => {
    // In a list a name before another one lacks a comma, not a “=”.
    const slip = this.RECORDING_PHASE || inList ? undefined : this.slip();
    if (slip !== undefined) return slip;
    return this.OR<Statement | Expr>([
      { ALT: () => this.letStatement() },
      { ALT: () => this.graphStatement() },
      { ALT: () => this.freeVar() },
      {
        ALT: () => {
          const start = this.here();
          const value = this.SUBRULE(this.expression);
          let sequence = false;
          this.OPTION(() => {
            this.CONSUME4(t.Semicolon);
            sequence = true;
          });
          return sequence ? { kind: 'sequence', span: this.since(start), value } : value;
        },
      },
    ]);
  });

  protected anyStatement(): Statement | Expr {
    return this.subrule(70, this.statement);
  }

  /**
   * One statement or result that fills the whole input. Never gives up: what cannot be read is skipped, and a missing
   * expression stands in. `last` tells that no semicolon is expected.
   */
  readonly chunk = this.RULE('chunk', (last: boolean): Statement | Expr => {
    const start = this.here();
    let node: Statement | Expr;
    try {
      if (!this.RECORDING_PHASE && !startsStatement.has(this.LA(1).tokenType) && !this.startsSlip())
        this.failExpression();
      node = this.SUBRULE(this.statement);
    } catch (error) {
      if (!this.isFailure(error)) throw error;
      this.depth = 0;
      node = this.recovered(this.salvageRest(), this.previousEnd());
    }
    if (this.RECORDING_PHASE) return node;
    if (!this.atEnd()) {
      if (this.LA(1).tokenType !== t.Semicolon) this.reportBehindValue(last);
      const parts = this.salvageRest();
      if (!isStatement(node)) node = this.recovered([node, ...parts], this.previousEnd());
    }
    if (last || isStatement(node)) return node;
    return { kind: 'sequence', span: this.since(start), value: node };
  });

  private startsSlip(): boolean {
    return this.LA(1).tokenType === t.AttributeKey && this.LA(2).tokenType === t.Assign;
  }

  private salvageRest(): Expr[] {
    const parts: Expr[] = [];
    while (!this.atEnd()) {
      for (const part of this.salvage(this.LA(1))) parts.push(part);
      if (!this.atEnd()) this.SKIP_TOKEN();
    }
    return parts;
  }

  // ---------------------------------------------------------------------------------------------- blocks

  /** `{ statements result }`; a broken statement is skipped alone. */
  readonly block = this.RULE('block', (): Block => {
    this.enter();
    const start = this.here();
    this.CONSUME(t.LBrace);
    const { statements, result } = this.statements(1, true);
    this.take(1, t.RBrace, '“}”');
    this.leave();
    return { kind: 'block', span: this.since(start), braces: true, statements, result };
  });

  /** Statements and a result, up to a closing bracket (or a comma, outside of braces). */
  private statements(idx: number, braces: boolean): { statements: Statement[]; result: Expr } {
    const statements: Statement[] = [];
    let result: Expr | undefined;
    const stops = braces ? [t.Semicolon] : [t.Semicolon, t.Comma];
    /** Reads on behind broken text, which holds `parts`. */
    const recover = (parts: readonly Expr[]): void => {
      const broken = this.recovered(parts, this.previousEnd());
      if (this.LA(1).tokenType !== t.Semicolon) {
        result = broken;
        return;
      }
      this.SKIP_TOKEN();
      result = undefined;
      if (parts.length > 0) statements.push({ kind: 'sequence', span: broken.span, value: broken });
    };
    const step = (): void => {
      if (result !== undefined) this.reportTwoResults(result);
      const first = result;
      result = undefined;
      const depth = this.depth;
      const mark = this.LA(1);
      try {
        const item = this.subrule(idx, this.statement);
        if (this.RECORDING_PHASE) return;
        if (first) statements.push({ kind: 'sequence', span: first.span, value: first });
        if (isStatement(item)) statements.push(item);
        else result = item;
      } catch (error) {
        if (!this.isFailure(error)) throw error;
        this.depth = depth;
        recover(this.salvage(mark, ...stops));
      }
    };
    for (;;) {
      this.many(idx, step);
      const next = this.LA(1).tokenType;
      if (this.RECORDING_PHASE || next === t.RBrace || this.atEnd()) break;
      if (!braces && (next === t.RParen || next === t.Comma)) break;
      const wanted = result === undefined ? 'a statement or a result' : '“;”, an operator or “}”';
      const minus = result === undefined && next === t.Minus;
      this.report(
        minus ? 'unary-minus' : 'unexpected-token',
        this.gapSpan(),
        `Expected ${wanted}, found ${this.found()}.`,
        minus
          ? 'There is no unary minus; write negative(…) or 0 - ….'
          : `Remove ${this.found()}, or write a statement before it.`,
      );
      const parts = this.salvage(this.LA(1), ...stops);
      recover(result === undefined ? parts : [result, ...parts]);
    }
    if (this.RECORDING_PHASE) return { statements, result: this.missing(0) };
    return { statements, result: result ?? this.missingResult() };
  }

  private reportTwoResults(first: Expr): void {
    const at = { anchor: this.anchor, start: first.span.end, end: first.span.end };
    this.report(
      'missing-semicolon',
      at,
      `Expected “;” or an operator between two expressions, found ${this.found()}.`,
      'Insert a semicolon or a comma; put spaces on both sides of “-”.',
    );
  }

  private missingResult(): MissingExpr {
    const at = this.previousEnd();
    if (this.afterForeign()) return this.missing(at);
    this.report(
      'missing-result',
      this.emptySpan(at),
      'Expected an expression at the end of the block: its value.',
      'Write the value last, without a semicolon behind it.',
    );
    return this.missing(at);
  }

  /** A list element or the content of parentheses: statements where there are any, else the expression itself. */
  protected element(idx: number): Expr {
    if (!this.RECORDING_PHASE) {
      const next = this.LA(1).tokenType;
      if (next !== t.Let && next !== t.GraphBinder && next !== t.FreeVar && !startsOperand.has(next))
        this.failExpression();
    }
    return this.subrule(idx + 60, this.content);
  }

  readonly content = this.RULE('content', (): Expr => {
    const start = this.here();
    const first = this.SUBRULE(this.statement, { ARGS: [true] });
    if (this.RECORDING_PHASE) {
      this.statements(1, false);
      return first as Expr;
    }
    if (!isStatement(first)) return first;
    const { statements, result } = this.statements(1, false);
    return {
      kind: 'block',
      span: this.since(start),
      braces: false,
      statements: [first, ...statements],
      result,
    };
  });
}

const startsStatement: ReadonlySet<TokenType> = new Set([...startsOperand, t.Let, t.GraphBinder, t.FreeVar]);

/** Whether the result of `statement` is one. */
export function isStatement(node: Statement | Expr): node is Statement {
  return node.kind === 'let' || node.kind === 'graph' || node.kind === 'sequence' || node.kind === 'free_var';
}
