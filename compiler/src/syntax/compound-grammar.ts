/** Rules for control flow. What is missing of them stands in as missing; the rest keeps its tree. */
import type { IToken, TokenType } from 'chevrotain';
import { syntaxFailure } from './base-grammar.ts';
import { startsOperand } from './expression-grammar.ts';
import { quote } from './messages.ts';
import { FunctionGrammar } from './function-grammar.ts';
import { retype } from './classify.ts';
import type { Arm, Block, Expr } from './tree.ts';
import * as t from './vocabulary.ts';

export abstract class CompoundGrammar extends FunctionGrammar {
  protected compound(): Expr {
    return this.or<Expr>(20, [
      { ALT: () => this.subrule(20, this.block) },
      { ALT: () => this.functionLiteral() },
      { ALT: () => this.subrule(21, this.conditional) },
      { ALT: () => this.subrule(22, this.match) },
      { ALT: () => this.subrule(23, this.reference) },
    ]);
  }

  /** `if (c) { … } else { … }`; a chain of `else if` is read in a loop. */
  readonly conditional = this.RULE('conditional', (): Expr => {
    const links: { start: number; condition: Expr; then: Block }[] = [];
    let otherwise: Block | undefined;
    const link = (): void => {
      const start = this.here();
      const keyword = this.CONSUME(t.If);
      if (links.length > 0 && keyword.image === 'if')
        this.extension(this.spanOf(keyword), '“else if” without braces.', 'TVM needs else { if … }.');
      const condition = this.condition();
      const then = this.blockHere(1, 'the branch in braces', 'Write { … } after the condition.');
      links.push({ start, condition, then });
      if (!this.RECORDING_PHASE && this.elseIfWord()) return;
      if (this.RECORDING_PHASE || this.LA(1).tokenType === t.Else) this.consume(3, t.Else);
      else {
        otherwise = this.missingElse('“else” and the other branch');
        return;
      }
      if (!this.RECORDING_PHASE && !then.braces && this.LA(1).tokenType === t.Colon) this.SKIP_TOKEN();
      this.OPTION(() => {
        otherwise = this.SUBRULE2(this.block);
      });
      // One branch without braces was reported; the other is read the same way.
      if (!this.RECORDING_PHASE && otherwise === undefined && this.LA(1).tokenType !== t.If)
        otherwise = then.braces
          ? this.blockHere(2, 'the other branch in braces', 'Write else { … }.')
          : this.bareBlock();
    };
    this.AT_LEAST_ONE({ GATE: () => otherwise === undefined, DEF: link });
    if (this.RECORDING_PHASE) return this.missing(0);
    otherwise ??= this.missingElse('the other branch in braces');
    let result: Expr | undefined;
    for (let i = links.length - 1; i >= 0; i--) {
      const { start, condition, then } = links[i] as (typeof links)[number];
      if (result !== undefined) otherwise = { kind: 'block', span: result.span, braces: false, statements: [], result };
      result = { kind: 'if', span: this.since(start), condition, then, otherwise };
    }
    return result as Expr;
  });

  /** `elif`, which is read as the `if` behind an `else`. */
  private elseIfWord(): boolean {
    const token = this.LA(1);
    if (token.tokenType !== t.Identifier || !/^els?e?if$/.test(token.image)) return false;
    const span = this.spanOf(token);
    const fix = { title: 'Write else if', edits: [{ span, newText: 'else if' }], preferred: true };
    const message = `Expected “else” and the other branch, found ${quote(token.image)}.`;
    this.reportHabit('missing-else', span, message, 'Write else { if (…) { … } else { … } }.', fix);
    retype(token, t.If);
    return true;
  }

  /** `(c)`; parentheses may be forgotten around a single operand. */
  private condition(): Expr {
    if (!this.RECORDING_PHASE && this.LA(1).tokenType !== t.LParen) {
      const from = this.here();
      this.report(
        'expected-condition',
        this.gapSpan(),
        `Expected “(” and a condition, found ${this.found()}.`,
        'Write if (condition) { … } else { … }.',
      );
      const bare = startsOperand.has(this.LA(1).tokenType) && this.LA(1).tokenType !== t.LBrace;
      return bare ? this.subrule(31, this.expression) : this.missing(from);
    }
    this.consume(1, t.LParen);
    if (this.RECORDING_PHASE) {
      const condition = this.element(1);
      this.consume(2, t.RParen);
      return condition;
    }
    const mark = this.LA(1);
    const depth = this.depth;
    let parts: Expr[] = [];
    try {
      parts = [this.element(1)];
      if (this.LA(1).tokenType === t.Assign) this.failComparison();
      if (this.LA(1).tokenType !== t.RParen)
        this.fail('unexpected-token', '“)”', 'Close the condition with “)” before the branch.');
    } catch (error) {
      if (!this.isFailure(error)) throw error;
      this.depth = depth;
      for (const part of this.salvage(mark)) parts.push(part);
    }
    if (this.LA(1).tokenType === t.RParen) this.consume(2, t.RParen);
    return this.recovered(parts, this.previousEnd());
  }

  private failComparison(): never {
    const span = this.spanOf(this.LA(1));
    const fix = { title: 'Write “==”', edits: [{ span, newText: '==' }], preferred: true };
    this.report('unexpected-token', span, 'Expected “)” or an operator, found “=”.', 'Compare with “==”.', fix);
    throw syntaxFailure;
  }

  private missingElse(wanted: string): Block {
    const at = this.previousEnd();
    this.report(
      'missing-else',
      this.gapSpan(),
      `Expected ${wanted}, found ${this.found()}.`,
      'Add else { … }: an if always has a value.',
    );
    return this.emptyBlock(at);
  }

  readonly match = this.RULE('match', (): Expr => {
    this.enter();
    const start = this.here();
    const keyword = this.OR<IToken>([
      { ALT: () => this.CONSUME(t.Match) },
      { ALT: () => this.CONSUME(t.PartialMatch) },
    ]);
    const bare =
      !this.RECORDING_PHASE && (this.LA(1).tokenType === t.LBrace || !startsOperand.has(this.LA(1).tokenType));
    if (bare)
      this.report(
        'expected-expression',
        this.gapSpan(),
        `Expected the value to match on, found ${this.found()}.`,
        'Write match (value) { pattern => result, … }.',
      );
    const scrutinee = bare ? this.missing(this.previousEnd()) : this.SUBRULE(this.operand);
    if (!this.RECORDING_PHASE && this.LA(1).image === 'with' && this.LA(2).tokenType === t.LBrace)
      this.skipWord('The arms stand without “with” before them.');
    if (!this.RECORDING_PHASE && this.LA(1).tokenType !== t.LBrace) {
      const remedy = 'Write match (value) { pattern => result, … }.';
      this.report('expected-body', this.gapSpan(), `Expected “{” and the arms, found ${this.found()}.`, remedy);
      this.leave();
      return { kind: 'missing', span: this.since(start), parts: [scrutinee] };
    }
    this.consume(1, t.LBrace);
    const arms: Arm[] = [];
    this.elements(2, t.RBrace, 'an arm', () => arms.push(this.SUBRULE(this.arm)));
    this.leave();
    const complete = keyword.image !== 'match?';
    return { kind: 'match', span: this.since(start), complete, keywordSpan: this.spanOf(keyword), scrutinee, arms };
  });

  readonly arm = this.RULE('arm', (): Arm => {
    const start = this.here();
    if (!this.RECORDING_PHASE && this.LA(1).image === 'case' && armStarts.has(this.LA(2).tokenType))
      this.skipWord('A pattern stands without “case” before it.');
    const pattern = this.SUBRULE(this.pattern);
    if (this.RECORDING_PHASE || this.LA(1).tokenType === t.FatArrow) this.consume(1, t.FatArrow);
    else this.reportArrow();
    const body = this.armBody();
    return { kind: 'arm', span: this.since(start), pattern, body };
  });

  /** Reports the next word, which another language has here, and skips it. */
  private skipWord(message: string): void {
    const span = this.spanOf(this.LA(1));
    const remedy = `Remove ${this.found()}.`;
    const fix = { title: `Remove ${this.found()}`, edits: [{ span, newText: '' }], preferred: true };
    this.SKIP_TOKEN();
    const edits = [{ span: { ...span, end: this.atEnd() ? span.end : this.here() }, newText: '' }];
    this.reportHabit('unexpected-token', span, message, remedy, { ...fix, edits });
  }

  /** Reports that `=>` does not stand here, and skips what was probably written for it. */
  private reportArrow(): void {
    const found = this.LA(1);
    const instead = found.tokenType === t.Arrow || found.tokenType === t.Assign || found.tokenType === t.Colon;
    const span = instead ? this.spanOf(found) : this.emptySpan(this.previousEnd());
    const fix = { title: 'Write “=>”', edits: [{ span, newText: instead ? '=>' : ' =>' }], preferred: true };
    this.reportHabit(
      'expected-arm-body',
      this.gapSpan(),
      `Expected “=>” and the value of the arm, found ${this.found()}.`,
      'Write pattern => value.',
      instead || startsOperand.has(found.tokenType) ? fix : undefined,
    );
    if (instead) this.SKIP_TOKEN();
  }

  /** The value of an arm; one that cannot be read keeps the arm and its pattern. */
  private armBody(): Expr {
    if (this.RECORDING_PHASE) return this.element(1);
    const mark = this.LA(1);
    const depth = this.depth;
    const reported = this.diagnostics.length;
    try {
      return this.element(1);
    } catch (error) {
      if (!this.isFailure(error)) throw error;
      // A missing arrow was already reported where the value is missing too.
      if (this.diagnostics[reported - 1]?.code === 'expected-arm-body' && this.LA(1) === mark)
        this.diagnostics.length = reported;
      this.depth = depth;
      return this.recovered(this.salvage(mark, t.Comma), this.previousEnd());
    }
  }

  readonly reference = this.RULE('reference', (): Expr => {
    const start = this.here();
    const keyword = this.OR<IToken>([
      { ALT: () => this.CONSUME(t.Ref) },
      { ALT: () => this.CONSUME(t.RefRead) },
      { ALT: () => this.CONSUME(t.RefWrite) },
    ]);
    this.take(1, t.LParen, '“(” and the operand', 'unexpected-token', `Write ${keyword.image}(…).`);
    const operands: Expr[] = [];
    const add = (operand: Expr): unknown => operands.push(operand);
    this.elements(2, t.RParen, 'an operand', () => add(this.element(1)), add);
    const kind = keyword.tokenType === t.Ref ? 'ref' : keyword.tokenType === t.RefRead ? 'ref_read' : 'ref_write';
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

/** What the pattern of an arm starts with, behind a word that does not belong there. */
const armStarts = new Set<TokenType>([t.Underscore, t.Local, t.Identifier]);
