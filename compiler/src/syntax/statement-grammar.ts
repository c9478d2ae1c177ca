/** Rules for statements, blocks, control flow and function literals. */
import type { IToken, TokenType } from 'chevrotain';
import { ExpressionGrammar, startsOperand } from './expression-grammar.ts';
import type {
  Arm,
  Attribute,
  Block,
  Expr,
  FunctionNode,
  MissingExpr,
  Name,
  Param,
  Statement,
  TypeNode,
} from './tree.ts';
import * as t from './vocabulary.ts';

/** The part of a function before its body. */
export interface Signature {
  readonly typeParams: readonly Name[];
  readonly params: readonly Param[];
  readonly attrs: readonly Attribute[];
  readonly ret: TypeNode | undefined;
}

export abstract class StatementGrammar extends ExpressionGrammar {
  // ---------------------------------------------------------------------------------------------- statements

  /** One statement with its semicolon; an expression without one is a result. */
  readonly statement = this.RULE('statement', (): Statement | Expr =>
    this.OR<Statement | Expr>([
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
    ]),
  );

  /**
   * One statement or result that fills the whole input. Never gives up: what cannot be read is skipped, and a missing
   * expression stands in. `last` tells that no semicolon is expected.
   */
  readonly chunk = this.RULE('chunk', (last: boolean): Statement | Expr => {
    const start = this.here();
    let node: Statement | Expr;
    try {
      if (!this.RECORDING_PHASE && !startsStatement.has(this.LA(1).tokenType)) this.failExpression();
      node = this.SUBRULE(this.statement);
    } catch (error) {
      if (!this.isFailure(error)) throw error;
      this.depth = 0;
      node = this.missing(this.previousEnd());
      this.skipRest();
    }
    if (this.RECORDING_PHASE) return node;
    if (!this.atEnd()) {
      const wanted = last ? '“;”, an operator or the end of the block' : '“;” or an operator';
      this.report(
        'unexpected-token',
        this.gapSpan(),
        `Expected ${wanted}, found ${this.found()}.`,
        'Insert “;” between two statements, “,” between two arguments, or spaces on both sides of “-”.',
      );
      this.skipRest();
    }
    if (last || isStatement(node)) return node;
    return { kind: 'sequence', span: this.since(start), value: node };
  });

  private letStatement(): Statement {
    const start = this.here();
    this.CONSUME(t.Let);
    const name = this.binder(this.take(1, t.Local, 'a variable such as %x', 'expected-variable'));
    let type: TypeNode | undefined;
    const bound = (): Expr => {
      type = this.annotation(1);
      this.take(2, t.Assign, '“=” and a value');
      return this.value(1);
    };
    const value = this.attempt(bound, this.missing(this.previousEnd()), t.Semicolon);
    this.semicolon(3);
    return { kind: 'let', span: this.since(start), name, type, value };
  }

  private graphStatement(): Statement {
    const start = this.here();
    const binder = this.CONSUME(t.GraphBinder);
    const index = this.graphIndex(binder);
    const nameSpan = this.spanOf(binder);
    const bound = (): Expr => {
      this.take(4, t.Assign, '“=”');
      return this.value(2);
    };
    const value = this.attempt(bound, this.missing(this.previousEnd()), t.Semicolon);
    this.semicolon(5);
    return { kind: 'graph', span: this.since(start), index, nameSpan, value };
  }

  private freeVar(): Statement {
    const start = this.here();
    this.CONSUME(t.FreeVar);
    const name = this.binder(this.take(6, t.Local, 'a variable such as %x', 'expected-variable'));
    const type = this.annotation(2);
    this.semicolon(7);
    return { kind: 'free_var', span: this.since(start), name, type };
  }

  /** The right side of a binding. TVM prints nested lets here without parentheses, so they are read. */
  private value(idx: number): Expr {
    const next = this.LA(1).tokenType;
    if (!this.RECORDING_PHASE && next !== t.Let && next !== t.GraphBinder && !startsOperand.has(next))
      this.failExpression();
    return this.or<Expr>(idx + 10, [
      { ALT: () => this.subrule(idx + 10, this.nestedLet) },
      { ALT: () => this.expressionHere(idx + 12) },
    ]);
  }

  readonly nestedLet = this.RULE('nestedLet', (): Block => {
    this.enter();
    const start = this.here();
    const statements: Statement[] = [];
    this.AT_LEAST_ONE(() => {
      statements.push(
        this.or<Statement>(30, [{ ALT: () => this.letStatement() }, { ALT: () => this.graphStatement() }]),
      );
    });
    this.extension(
      this.since(start),
      'A let stands as the value of a binding.',
      'TVM prints this but cannot read it; put parentheses around the value.',
    );
    const result = this.expressionHere(40);
    this.leave();
    return { kind: 'block', span: this.since(start), braces: false, statements, result };
  });

  /** Runs `parse`; where it fails, skips to `stop` and returns `otherwise`. */
  protected attempt<T>(parse: () => T, otherwise: T, stop: TokenType): T {
    const depth = this.depth;
    const mark = this.LA(1);
    try {
      return parse();
    } catch (error) {
      if (!this.isFailure(error)) throw error;
      this.depth = depth;
      this.skipTo(mark, stop);
      return otherwise;
    }
  }

  private semicolon(idx: number): void {
    if (!this.RECORDING_PHASE && this.LA(1).tokenType !== t.Semicolon) {
      const at = this.emptySpan(this.previousEnd());
      if (this.atEnd() || this.LA(1).tokenType === t.RBrace || this.LA(1).tokenType === t.RParen) {
        this.report('missing-semicolon', at, 'Expected “;” after the binding.', 'Insert a semicolon.', {
          title: 'Insert “;”',
          edits: [{ span: at, newText: ';' }],
          preferred: true,
        });
        return;
      }
      this.report('unexpected-token', this.gapSpan(), `Expected “;” or an operator, found ${this.found()}.`);
      this.skipTo(this.LA(1), t.Semicolon);
      if (this.LA(1).tokenType !== t.Semicolon) return;
    }
    this.consume(idx, t.Semicolon);
  }

  protected missing(at: number): MissingExpr {
    return { kind: 'missing', span: this.emptySpan(at) };
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
    const step = (): void => {
      if (result !== undefined) this.reportTwoResults(result);
      result = undefined;
      const depth = this.depth;
      const mark = this.LA(1);
      try {
        const item = this.subrule(idx, this.statement);
        if (this.RECORDING_PHASE) return;
        if (isStatement(item)) statements.push(item);
        else result = item;
      } catch (error) {
        if (!braces || !this.isFailure(error)) throw error;
        this.depth = depth;
        this.recoverStatement(mark);
        result = this.afterRecovery(result);
      }
    };
    for (;;) {
      this.many(idx, step);
      if (this.RECORDING_PHASE || !braces || this.LA(1).tokenType === t.RBrace || this.atEnd()) break;
      const wanted = result === undefined ? 'a statement or a result' : '“;”, an operator or “}”';
      this.report('unexpected-token', this.gapSpan(), `Expected ${wanted}, found ${this.found()}.`);
      this.recoverStatement(this.LA(1));
      result ??= this.missing(this.previousEnd());
      if (this.LA(0).tokenType === t.Semicolon) result = undefined;
    }
    if (this.RECORDING_PHASE) return { statements, result: this.missing(0) };
    return { statements, result: result ?? this.missingResult() };
  }

  private recoverStatement(mark: IToken): void {
    this.skipTo(mark, t.Semicolon);
    if (this.LA(1).tokenType === t.Semicolon) this.SKIP_TOKEN();
  }

  /** What a broken last statement leaves as the block's value. */
  private afterRecovery(result: Expr | undefined): Expr | undefined {
    if (this.LA(0).tokenType === t.Semicolon) return undefined;
    return result ?? this.missing(this.previousEnd());
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
    const first = this.SUBRULE(this.statement);
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

  // ---------------------------------------------------------------------------------------------- compound

  protected compound(): Expr {
    return this.or<Expr>(20, [
      { ALT: () => this.subrule(20, this.block) },
      { ALT: () => this.functionLiteral() },
      { ALT: () => this.subrule(21, this.conditional) },
      { ALT: () => this.subrule(22, this.match) },
      { ALT: () => this.subrule(23, this.reference) },
    ]);
  }

  private functionLiteral(): Expr {
    this.consume(20, t.Fn);
    return this.subrule(24, this.functionRest);
  }

  /** A function's signature and body, behind `fn`. */
  readonly functionRest = this.RULE('functionRest', (): FunctionNode => {
    const keyword = this.LA(0);
    const start = this.RECORDING_PHASE ? 0 : keyword.startOffset - this.base;
    const signature = this.SUBRULE(this.signature);
    if (!this.RECORDING_PHASE && this.LA(1).tokenType !== t.LBrace)
      this.fail('expected-body', 'the body of the function in braces', 'Write { … } after the signature.');
    const body = this.SUBRULE(this.block);
    return { kind: 'fn', span: this.since(start), ...signature, body };
  });

  readonly signature = this.RULE('signature', (): Signature => {
    const typeParams: Name[] = [];
    const params: Param[] = [];
    const attrs: Attribute[] = [];
    let ret: TypeNode | undefined;
    this.OPTION1(() => {
      this.CONSUME1(t.LSquare);
      this.elements(1, t.RSquare, 'a type parameter', () => typeParams.push(this.typeParam(1)));
    });
    this.take(2, t.LParen, '“(” and parameters', 'expected-parameters');
    this.elements(2, t.RParen, 'a parameter', () => {
      if (!this.RECORDING_PHASE && this.LA(1).tokenType !== t.Local && this.LA(1).tokenType !== t.AttributeKey)
        this.fail('expected-variable', 'a parameter such as %x');
      this.OR([
        {
          ALT: () => {
            const param = this.SUBRULE(this.param);
            if (attrs.length > 0 && !this.RECORDING_PHASE)
              this.report(
                'positional-after-attribute',
                param.span,
                'A parameter stands behind an attribute.',
                'Move all parameters before the first attribute.',
              );
            params.push(param);
          },
        },
        { ALT: () => attrs.push(this.SUBRULE(this.attribute)) },
      ]);
    });
    this.OPTION2(() => {
      this.CONSUME3(t.Arrow);
      const hole: TypeNode = { kind: 'holetype', span: this.emptySpan(this.previousEnd()), missing: true };
      ret = this.attempt(() => this.typeHere(1), hole, t.LBrace);
    });
    return { typeParams, params, attrs, ret };
  });

  readonly param = this.RULE('param', (): Param => {
    const start = this.here();
    const name = this.binder(this.CONSUME(t.Local));
    const attrs: Attribute[] = [];
    this.OPTION(() => {
      this.CONSUME(t.LBrace);
      this.elements(1, t.RBrace, 'an attribute', () => attrs.push(this.SUBRULE(this.attribute)));
    });
    const type = this.annotation(1);
    return { kind: 'param', span: this.since(start), name, attrs, type };
  });

  /** `if (c) { … } else { … }`; a chain of `else if` is read in a loop. */
  readonly conditional = this.RULE('conditional', (): Expr => {
    const links: { start: number; condition: Expr; then: Block }[] = [];
    let otherwise: Block | undefined;
    const link = (): void => {
      const start = this.here();
      const keyword = this.CONSUME(t.If);
      if (links.length > 0)
        this.extension(this.spanOf(keyword), '“else if” without braces.', 'TVM needs else { if … }.');
      this.take(1, t.LParen, '“(” and a condition');
      const condition = this.element(1);
      this.take(2, t.RParen, '“)”');
      const then = this.blockHere(1, 'the branch in braces');
      links.push({ start, condition, then });
      this.take(3, t.Else, '“else” and the other branch', 'missing-else', 'Add else { … }: an if always has a value.');
      this.OPTION(() => {
        otherwise = this.SUBRULE2(this.block);
      });
    };
    this.AT_LEAST_ONE({ GATE: () => otherwise === undefined, DEF: link });
    if (this.RECORDING_PHASE) return this.missing(0);
    if (otherwise === undefined) this.fail('missing-else', 'the other branch in braces', 'Write else { … }.');
    let result: Expr | undefined;
    for (let i = links.length - 1; i >= 0; i--) {
      const { start, condition, then } = links[i] as (typeof links)[number];
      if (result !== undefined) otherwise = { kind: 'block', span: result.span, braces: false, statements: [], result };
      result = { kind: 'if', span: this.since(start), condition, then, otherwise };
    }
    return result as Expr;
  });

  private blockHere(idx: number, wanted: string): Block {
    if (!this.RECORDING_PHASE && this.LA(1).tokenType !== t.LBrace) this.fail('expected-body', wanted);
    return this.subrule(idx, this.block);
  }

  readonly match = this.RULE('match', (): Expr => {
    this.enter();
    const start = this.here();
    const keyword = this.OR<IToken>([
      { ALT: () => this.CONSUME(t.Match) },
      { ALT: () => this.CONSUME(t.PartialMatch) },
    ]);
    if (!this.RECORDING_PHASE && (this.LA(1).tokenType === t.LBrace || !startsOperand.has(this.LA(1).tokenType)))
      this.fail('expected-expression', 'the value to match on');
    const scrutinee = this.SUBRULE(this.operand);
    this.take(1, t.LBrace, '“{” and the arms', 'expected-body');
    const arms: Arm[] = [];
    this.elements(2, t.RBrace, 'an arm', () => arms.push(this.SUBRULE(this.arm)));
    this.leave();
    const complete = keyword.image !== 'match?';
    return { kind: 'match', span: this.since(start), complete, keywordSpan: this.spanOf(keyword), scrutinee, arms };
  });

  readonly arm = this.RULE('arm', (): Arm => {
    const start = this.here();
    const pattern = this.SUBRULE(this.pattern);
    this.take(1, t.FatArrow, '“=>” and the value of the arm', 'expected-arm-body');
    const body = this.element(1);
    return { kind: 'arm', span: this.since(start), pattern, body };
  });

  readonly reference = this.RULE('reference', (): Expr => {
    const start = this.here();
    const keyword = this.OR<IToken>([
      { ALT: () => this.CONSUME(t.Ref) },
      { ALT: () => this.CONSUME(t.RefRead) },
      { ALT: () => this.CONSUME(t.RefWrite) },
    ]);
    this.take(1, t.LParen, '“(” and the operand');
    const operands: Expr[] = [];
    this.elements(2, t.RParen, 'an operand', () => operands.push(this.element(1)));
    const kind = keyword.image as 'ref' | 'ref_read' | 'ref_write';
    const wanted = kind === 'ref_write' ? 2 : 1;
    const span = this.since(start);
    if (!this.RECORDING_PHASE && operands.length !== wanted) {
      this.report(
        'wrong-operand-count',
        span,
        `${kind} takes ${wanted === 1 ? 'one operand' : 'two operands'}, found ${operands.length}.`,
        wanted === 2 ? 'Write ref_write(cell, value).' : `Write ${kind}(…) with one operand.`,
      );
      while (operands.length < wanted) operands.push(this.missing(this.previousEnd() - 1));
      operands.length = wanted;
    }
    return { kind, span, operands };
  });
}

const startsStatement: ReadonlySet<TokenType> = new Set([...startsOperand, t.Let, t.GraphBinder, t.FreeVar]);

/** Whether the result of `statement` is one. */
export function isStatement(node: Statement | Expr): node is Statement {
  return node.kind === 'let' || node.kind === 'graph' || node.kind === 'sequence' || node.kind === 'free_var';
}
