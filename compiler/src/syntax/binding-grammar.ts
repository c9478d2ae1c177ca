/** Rules for bindings: let, graph numbers, free variables; what was forgotten or misspelt of them is read as meant. */
import type { TokenType } from 'chevrotain';
import type { Span } from '../base/span.ts';
import { syntaxFailure } from './base-grammar.ts';
import { startsOperand } from './expression-grammar.ts';
import { ForeignStatements } from './foreign-statements.ts';
import { quote } from './messages.ts';
import type { Block, Expr, InfixOperator, Name, Statement } from './tree.ts';
import * as t from './vocabulary.ts';

export abstract class BindingGrammar extends ForeignStatements {
  /** Any statement; defined by `StatementGrammar`. */
  protected abstract anyStatement(): Statement | Expr;

  /** A statement whose first word was forgotten or misspelt, read as what was meant; undefined for any other. */
  protected slip(): Statement | Expr | undefined {
    const first = this.LA(1);
    const second = this.LA(2).tokenType;
    const start = this.here();
    if (this.isTupleOfNames()) return this.destructured(start);
    if (first.tokenType === t.Local) {
      if (this.isCompoundAssign()) return this.compoundAssign(start);
      if (second !== t.Assign && second !== t.Colon) return undefined;
      this.reportFix('missing-let', this.spanOf(first), `Expected “let” before ${quote(first.image)}.`, 'let ', start);
      return this.boundLet(start);
    }
    if (first.tokenType === t.AttributeKey && second === t.Assign) {
      const message = `Expected a statement, found the bare name ${quote(first.image)} before “=”.`;
      const edits = [{ span: this.emptySpan(start), newText: 'let %' }];
      const fix = { title: `Write let %${first.image}`, edits, preferred: true };
      this.reportHabit('missing-let', this.spanOf(first), message, 'Variables are bound with let %x = …;.', fix);
      return this.boundLet(start);
    }
    if (first.tokenType === t.Graph) {
      if (!startsOperand.has(second) || second === t.LParen || second === t.LBrace) return undefined;
      return this.graphStatement(false);
    }
    if (first.tokenType !== t.Identifier) return undefined;
    const foreign = this.foreignStatement(start);
    if (foreign) return foreign;
    const bare = second === t.AttributeKey;
    if ((bare || second === t.Local) && (this.LA(3).tokenType === t.Assign || this.LA(3).tokenType === t.Colon)) {
      const span = this.spanOf(first);
      const message = `Expected “let” before ${quote(this.LA(2).image)}, found ${quote(first.image)}.`;
      const edits = [{ span, newText: 'let' }];
      if (bare) edits.push({ span: this.emptySpan(this.LA(2).startOffset - this.base), newText: '%' });
      const fix = { title: 'Write let', edits, preferred: true };
      this.reportHabit('missing-let', span, message, 'Variables are bound with let %x = …;.', fix);
      this.SKIP_TOKEN();
      return this.boundLet(start);
    }
    if (first.image === 'return' && startsOperand.has(second)) {
      const edits = [{ span: { anchor: this.anchor, start, end: this.LA(2).startOffset - this.base }, newText: '' }];
      const remedy = 'Write the value last, without a word before it and without a semicolon behind it.';
      const fix = { title: 'Remove “return”', edits, preferred: true };
      this.reportHabit('return-word', this.spanOf(first), 'There is no “return” in Relay.', remedy, fix);
      this.SKIP_TOKEN();
      const value = this.anyStatement();
      const end = this.LA(0).tokenType === t.Semicolon ? this.previousEnd() : this.previousEnd() + 1;
      if (this.text[this.base + end - 1] === ';')
        edits.push({ span: { anchor: this.anchor, start: end - 1, end }, newText: '' });
      return value;
    }
    return undefined;
  }

  /** Whether `%x += …` stands here, with any of the four signs. */
  private isCompoundAssign(): boolean {
    const sign = this.LA(2);
    return arithmetic.has(sign.tokenType) && this.LA(3).tokenType === t.Assign && this.LA(3).startOffset === sign.startOffset + 1; // prettier-ignore
  }

  /** `%x += value;` read as a let of `%x + value`. */
  private compoundAssign(start: number): Statement {
    const token = this.LA(1);
    const sign = this.LA(2);
    const operatorSpan = this.spanOf(sign);
    const at = { ...operatorSpan, end: operatorSpan.end + 1 };
    const name = this.nameOf(token, 1);
    const remedy = `Bind a new name to the result: let ${token.image}_1 = ${token.image} ${sign.image} …;.`;
    this.report('missing-let', at, `There is no “${sign.image}=” in Relay: a variable keeps its value.`, remedy);
    for (let i = 0; i < 2; i++) this.SKIP_TOKEN();
    const right = this.boundValue(1);
    const left: Expr = { kind: 'local', span: name.span, name: name.text };
    const operator = sign.image as InfixOperator;
    const value: Expr = { kind: 'infix', span: this.since(start), operator, operatorSpan, left, right };
    // What is bound has no name: what follows reads the variable as it was.
    const unnamed = { text: '', span: this.emptySpan(start) };
    return { kind: 'let', span: this.since(start), name: unnamed, type: undefined, value };
  }

  /** Reports that `insert` was forgotten at `at`, with the insertion as its repair. */
  private reportFix(code: string, span: Span, message: string, insert: string, at: number): void {
    const edits = [{ span: this.emptySpan(at), newText: insert }];
    const fix = { title: `Insert “${insert.trim()}”`, edits, preferred: true };
    this.reportHabit(code, span, message, `Insert “${insert.trim()}”.`, fix);
  }

  protected letStatement(): Statement {
    const start = this.here();
    this.CONSUME(t.Let);
    if (!this.RECORDING_PHASE && this.LA(1).tokenType === t.Identifier && this.LA(2).tokenType === t.Local) {
      const span = this.spanOf(this.LA(1));
      const edits = [{ span: { ...span, end: this.LA(2).startOffset - this.base }, newText: '' }];
      const fix = { title: `Remove ${this.found()}`, edits, preferred: true };
      const message = `Expected a variable such as %x, found ${this.found()}.`;
      this.reportHabit('expected-variable', span, message, `Remove ${this.found()}.`, fix);
      this.SKIP_TOKEN();
    }
    if (!this.RECORDING_PHASE && this.LA(1).tokenType === t.GraphBinder) {
      const span = { anchor: this.anchor, start, end: this.here() };
      const fix = { title: 'Remove “let”', edits: [{ span, newText: '' }], preferred: true };
      const message = `Graph numbers such as ${quote(this.LA(1).image)} are bound without “let”.`;
      this.report('unexpected-token', this.spanOf(this.LA(0)), message, 'Remove “let”, or give it a name.', fix);
      return this.graphStatement();
    }
    return this.boundLet(start);
  }

  /** A let from its name on. */
  private boundLet(start: number): Statement {
    if (!this.RECORDING_PHASE && this.isTupleOfNames()) return this.destructured(start);
    const name = this.RECORDING_PHASE ? this.binder(this.consume(1, t.Local)) : this.variable();
    const type = this.isColonAssign() ? undefined : this.annotation(1, t.Assign, t.Semicolon);
    const value = this.boundValue(1);
    return { kind: 'let', span: this.since(start), name, type, value };
  }

  /** `:=`, as other languages write it; the colon is skipped. */
  private isColonAssign(): boolean {
    if (this.RECORDING_PHASE || this.LA(1).tokenType !== t.Colon || this.LA(2).tokenType !== t.Assign) return false;
    const start = this.here();
    this.SKIP_TOKEN();
    const span = { anchor: this.anchor, start, end: this.here() + 1 };
    const fix = { title: 'Write “=”', edits: [{ span, newText: '=' }], preferred: true };
    this.report('missing-assign', span, 'Expected “=” and a value, found “:=”.', 'Write “=” instead of “:=”.', fix);
    return true;
  }

  /** The name of a variable; a missing sigil or a missing name is reported. */
  private variable(): Name {
    const token = this.LA(1);
    if (token.tokenType === t.Local) return this.binder(this.consume(1, t.Local));
    if (token.tokenType === t.Identifier || token.tokenType === t.AttributeKey || token.tokenType === t.Global) {
      const isGlobal = token.tokenType === t.Global;
      const span = this.spanOf(token);
      const text = token.image.replace(/^@/, '');
      const fix = { title: `Write %${text}`, edits: [{ span, newText: `%${text}` }], preferred: true };
      const previous = this.LA(0).tokenType;
      if (previous === t.Let || previous === t.FreeVar || isGlobal)
        this.reportHabit(
          'expected-variable',
          span,
          `Expected a variable such as %x, found ${quote(token.image)}.`,
          `Names of variables start with %: write %${text}.`,
          fix,
        );
      this.SKIP_TOKEN();
      return { text, span };
    }
    if (token.tokenType === t.LParen && isBindable(this.LA(2).tokenType) && this.LA(3).tokenType === t.RParen) {
      const start = this.here();
      for (let i = 0; i < 3; i++) this.SKIP_TOKEN();
      const name = this.nameOf(this.LA(-1), 1);
      const span = this.since(start);
      const remedy = `Write %${name.text}, without parentheses.`;
      const fix = { title: `Write %${name.text}`, edits: [{ span, newText: `%${name.text}` }], preferred: true };
      this.reportHabit('expected-variable', span, 'A variable is bound without parentheses.', remedy, fix);
      return name;
    }
    const remedy = 'Write a name that starts with %.';
    this.report('expected-variable', this.gapSpan(), `Expected a variable such as %x, found ${this.found()}.`, remedy);
    if (this.LA(1).tokenType === t.Graph) this.SKIP_TOKEN();
    return { text: '', span: this.emptySpan(this.previousEnd()) };
  }

  protected graphStatement(complete = true): Statement {
    const start = this.here();
    const binder = complete ? this.CONSUME(t.GraphBinder) : this.consume(50, t.Graph);
    const index = this.graphIndex(binder);
    const nameSpan = this.spanOf(binder);
    const value = this.boundValue(2);
    return { kind: 'graph', span: this.since(start), index, nameSpan, value };
  }

  protected freeVar(): Statement {
    const start = this.here();
    this.CONSUME(t.FreeVar);
    const name = this.RECORDING_PHASE ? this.binder(this.consume(6, t.Local)) : this.variable();
    const type = this.annotation(2, t.Semicolon);
    this.semicolon(7);
    return { kind: 'free_var', span: this.since(start), name, type };
  }

  /**
   * `= value;`. Whatever is missing of it, what is there is read up to the semicolon. `behind` may read on behind the
   * value.
   */
  protected boundValue(idx: 1 | 2, behind = (value: Expr): Expr => value): Expr {
    if (this.RECORDING_PHASE) {
      this.consume(idx + 2, t.Assign);
      const value = this.value(idx);
      this.consume(idx + 4, t.Semicolon);
      return value;
    }
    const mark = this.LA(1);
    const depth = this.depth;
    let parts: Expr[] = [];
    try {
      this.assign(idx);
      parts = [behind(this.value(idx))];
    } catch (error) {
      if (!this.isFailure(error)) throw error;
      this.depth = depth;
      parts = this.salvage(mark, t.Semicolon);
    }
    for (const part of this.semicolon(idx + 4)) parts.push(part);
    return this.recovered(parts, this.previousEnd() - (this.LA(0).tokenType === t.Semicolon ? 1 : 0));
  }

  private assign(idx: 1 | 2): void {
    if (this.LA(1).tokenType === t.Assign) {
      this.consume(idx + 2, t.Assign);
      return;
    }
    const at = this.previousEnd();
    const next = this.LA(1);
    const instead = next.tokenType === t.Equal || next.tokenType === t.Arrow || next.tokenType === t.FatArrow;
    const span = instead ? this.spanOf(next) : this.emptySpan(at);
    const fix = { title: 'Insert “=”', edits: [{ span, newText: instead ? '=' : ' =' }], preferred: true };
    const canFix = instead || startsOperand.has(next.tokenType);
    const remedy = instead ? `Write “=” instead of ${this.found()}.` : 'Insert “=” before the value.';
    this.report(
      'missing-assign',
      this.gapSpan(),
      `Expected “=” and a value, found ${this.found()}.`,
      remedy,
      canFix ? fix : undefined,
    );
    if (instead) this.SKIP_TOKEN();
    else if (!canFix && next.tokenType !== t.Let) throw syntaxFailure;
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

  /** The semicolon that ends a statement; gives what stands before it and does not belong there. */
  private semicolon(idx: number): Expr[] {
    if (this.RECORDING_PHASE || this.LA(1).tokenType === t.Semicolon) {
      this.consume(idx, t.Semicolon);
      return [];
    }
    const at = this.emptySpan(this.previousEnd());
    if (this.atEnd() || this.LA(1).tokenType === t.RBrace || this.LA(1).tokenType === t.RParen) {
      this.report('missing-semicolon', at, 'Expected “;” after the binding.', 'Insert a semicolon.', {
        title: 'Insert “;”',
        edits: [{ span: at, newText: ';' }],
        preferred: true,
      });
      return [];
    }
    this.reportBehindValue(false);
    const parts = this.salvage(this.LA(1), t.Semicolon);
    if (this.LA(1).tokenType === t.Semicolon) this.consume(idx, t.Semicolon);
    return parts;
  }

  /** Reports a token that cannot follow the expression before it. */
  protected reportBehindValue(last: boolean): void {
    if (this.behindUnknown()) return;
    const wanted = last ? '“;”, an operator or the end of the block' : '“;” or an operator';
    const found = this.LA(1).tokenType;
    const remedy = startsOperand.has(found)
      ? 'Insert “;” between two statements, “,” between two arguments, or an operator such as “+”.'
      : found === t.LSquare
        ? 'There are no subscripts: a field of a tuple is %p.0, an element of a tensor take(%x, 0, axis=0).'
        : `Remove ${this.found()}, or end the statement with “;” before it.`;
    this.report('unexpected-token', this.gapSpan(), `Expected ${wanted}, found ${this.found()}.`, remedy);
  }
}

function isBindable(type: TokenType): boolean {
  return type === t.Local || type === t.Identifier;
}

const arithmetic: ReadonlySet<TokenType> = new Set([t.Plus, t.Minus, t.Star, t.Slash]);
