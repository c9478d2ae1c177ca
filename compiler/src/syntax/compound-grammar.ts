/** Rules for function literals and control flow. What is missing of them stands in as missing; the rest keeps its tree. */
import type { IToken, TokenType } from 'chevrotain';
import { syntaxFailure } from './base-grammar.ts';
import { startsOperand } from './expression-grammar.ts';
import { quote } from './messages.ts';
import { StatementGrammar } from './statement-grammar.ts';
import { retype } from './classify.ts';
import { bodySigns } from './habits.ts';
import type { Arm, Attribute, Block, Expr, FunctionNode, Name, Param, TypeNode } from './tree.ts';
import * as t from './vocabulary.ts';

/** The part of a function before its body. */
export interface Signature {
  readonly typeParams: readonly Name[];
  readonly params: readonly Param[];
  readonly attrs: readonly Attribute[];
  readonly ret: TypeNode | undefined;
}

export abstract class CompoundGrammar extends StatementGrammar {
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
    const empty = { typeParams: [], params: [], attrs: [], ret: undefined };
    const signature = this.attempt<Signature>(() => this.SUBRULE(this.signature), empty, t.LBrace);
    const body =
      this.signedBody() ?? this.blockHere(1, 'the body of the function in braces', 'Write { … } after the signature.');
    return { kind: 'fn', span: this.since(start), ...signature, body };
  });

  /** An expression behind `=>`, `=` or `:` instead of a body in braces. */
  private signedBody(): Block | undefined {
    const sign = this.LA(1);
    if (this.RECORDING_PHASE || sign.tokenType === t.LBrace || !bodySigns.has(sign.tokenType)) return undefined;
    const reported = this.diagnostics.length;
    const at = this.spanOf(sign);
    this.SKIP_TOKEN();
    const braces = this.LA(1).tokenType === t.LBrace;
    const body = braces ? this.subrule(34, this.block) : this.bareBlock();
    const inner = this.diagnostics.splice(reported);
    const { anchor, end } = body.span;
    const edits = braces
      ? [{ span: at, newText: '' }]
      : [
          { span: at, newText: '{' },
          { span: { anchor, start: end, end }, newText: ' }' },
        ];
    const fix = { title: 'Write { … }', edits, preferred: true };
    const message = `Expected the body of the function in braces, found ${quote(sign.image)}.`;
    this.reportHabit('expected-body', at, message, 'Write the body in braces: { … }.', fix);
    for (const diagnostic of inner) this.diagnostics.push(diagnostic);
    return body;
  }

  readonly signature = this.RULE('signature', (): Signature => {
    const typeParams: Name[] = [];
    const params: Param[] = [];
    const attrs: Attribute[] = [];
    let ret: TypeNode | undefined;
    this.OPTION1(() => {
      this.CONSUME1(t.LSquare);
      this.elements(1, t.RSquare, 'a type parameter', () => typeParams.push(this.typeParam(1)));
    });
    if (!this.RECORDING_PHASE && this.LA(1).tokenType === t.Less) this.angledParameters(typeParams);
    if (!this.RECORDING_PHASE && this.LA(1).tokenType === t.Local) {
      this.openParameters(params);
      return { typeParams, params, attrs, ret };
    }
    this.take(
      2,
      t.LParen,
      '“(” and parameters',
      'expected-parameters',
      'Write (…) with the parameters, or () for none.',
    );
    this.elements(
      2,
      t.RParen,
      'a parameter',
      () => {
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
      },
      undefined,
      () => {
        const param = this.nakedParam();
        if (param) params.push(param);
        return param !== undefined;
      },
    );
    if (!this.RECORDING_PHASE) ret = this.misspeltResult();
    this.OPTION2(() => {
      this.CONSUME3(t.Arrow);
      const hole: TypeNode = { kind: 'holetype', span: this.emptySpan(this.previousEnd()), missing: true };
      ret = this.attempt(() => this.typeHere(1), hole, t.LBrace);
    });
    return { typeParams, params, attrs, ret };
  });

  /** Type parameters in angle brackets: `<T, U>`. */
  private angledParameters(typeParams: Name[]): void {
    const open = this.spanOf(this.LA(1));
    this.SKIP_TOKEN();
    while (this.LA(1).tokenType === t.Identifier) {
      typeParams.push(this.typeParam(5));
      if (this.LA(1).tokenType === t.Comma) this.SKIP_TOKEN();
    }
    this.take(5, t.Greater, '“]”');
    this.reportAngles(open, { ...open, start: this.previousEnd() - 1, end: this.previousEnd() }, 'def @f[T](…)');
  }

  /** Parameters without parentheses, up to the body: `%x, %y => …`. */
  private openParameters(params: Param[]): void {
    const start = this.here();
    const found = this.found();
    for (;;) {
      const name = this.binder(this.consume(40, t.Local));
      params.push({ kind: 'param', span: name.span, name, attrs: [], type: undefined });
      if (this.LA(1).tokenType === t.Comma && this.LA(2).tokenType === t.Local) this.SKIP_TOKEN();
      else if (this.LA(1).tokenType !== t.Local) break;
    }
    const span = this.since(start);
    const edits = [
      { span: { ...span, end: span.start }, newText: '(' },
      { span: { ...span, start: span.end }, newText: ')' },
    ];
    const remedy = 'Write the parameters in parentheses: fn (%x) { … }.';
    const fix = { title: 'Write ( … )', edits, preferred: true };
    this.reportHabit('expected-parameters', span, `Expected “(” and parameters, found ${found}.`, remedy, fix);
  }

  /** A result type behind `=>`, `:` or nothing instead of `->`. */
  private misspeltResult(): TypeNode | undefined {
    const found = this.LA(1);
    const sign = found.tokenType === t.FatArrow || found.tokenType === t.Colon;
    const bare = this.startsBareType();
    if (!sign && !bare) return undefined;
    if (sign && !this.isResultType(2)) return undefined;
    const at = this.spanOf(found);
    const span = bare ? { ...at, end: at.start } : at;
    const newText = bare ? '-> ' : found.tokenType === t.Colon ? ' ->' : '->';
    this.reportHabit(
      'expected-body',
      at,
      `Expected “->” before the result type, found ${quote(found.image)}.`,
      'Write -> and the type, then the body in braces.',
      { title: bare ? 'Insert “->”' : 'Write “->”', edits: [{ span, newText }], preferred: true },
    );
    if (sign) this.SKIP_TOKEN();
    return this.attempt(() => this.typeHere(3), this.missingType(), t.LBrace);
  }

  /** Whether a type stands at lookahead `at`, and the function's body or nothing behind it. */
  private isResultType(at: number): boolean {
    const end = this.typeEnd(at);
    if (end === undefined) return false;
    const behind = this.LA(end);
    return Number.isNaN(behind.startOffset) ? this.isTypeName(this.LA(at)) : bodySigns.has(behind.tokenType);
  }

  /** The lookahead behind the type at `at`; undefined where none can be read. */
  private typeEnd(at: number): number | undefined {
    const { tokenType } = this.LA(at);
    switch (tokenType) {
      case t.Underscore:
        return at + 1;
      case t.Identifier:
      case t.TensorName:
        return this.LA(at + 1).tokenType === t.LSquare ? this.groupEnd(at + 1) : at + 1;
      case t.LParen:
        return this.groupEnd(at);
      case t.Ref:
        return this.groupEnd(at + 1);
      case t.Fn: {
        const behind = this.groupEnd(at + 1);
        return this.LA(behind).tokenType === t.Arrow ? this.typeEnd(behind + 1) : undefined;
      }
      default:
        return undefined;
    }
  }

  /** The lookahead behind the brackets that open at `at`. */
  private groupEnd(at: number): number {
    let depth = 0;
    for (let k = at; !Number.isNaN(this.LA(k).startOffset); k++) {
      const { tokenType } = this.LA(k);
      if (tokenType === t.LParen || tokenType === t.LSquare || tokenType === t.LBrace) depth++;
      else if (tokenType === t.RParen || tokenType === t.RSquare || tokenType === t.RBrace) depth--;
      if (depth <= 0) return k + 1;
    }
    return at + 1;
  }

  readonly param = this.RULE('param', (): Param => {
    const start = this.here();
    const name = this.binder(this.CONSUME(t.Local));
    const attrs: Attribute[] = [];
    this.OPTION(() => {
      this.CONSUME(t.LBrace);
      this.elements(1, t.RBrace, 'an attribute', () => attrs.push(this.SUBRULE(this.attribute)));
    });
    const type = this.annotation(1, t.Comma);
    return { kind: 'param', span: this.since(start), name, attrs, type };
  });

  /** `x: T` without `%`, `: T` without a name, or a parameter behind something that is none. */
  private nakedParam(): Param | undefined {
    const start = this.here();
    const token = this.LA(1);
    const word = token.tokenType === t.Identifier || token.tokenType === t.Global;
    if (!word && token.tokenType !== t.Colon) return this.paramBehind(token);
    const text = word ? token.image.replace(/^@/, '') : '';
    const span = word ? this.spanOf(token) : this.emptySpan(start);
    const message = `Expected a parameter such as %x, found ${quote(token.image)}.`;
    if (word) {
      const fix = { title: `Write %${text}`, edits: [{ span, newText: `%${text}` }], preferred: true };
      this.reportHabit('expected-variable', span, message, `Names of variables start with %: write %${text}.`, fix);
      this.SKIP_TOKEN();
    } else
      this.report('expected-variable', this.spanOf(token), message, 'Write a name that starts with % before the type.');
    const type = this.annotation(1, t.Comma) ?? this.missingType();
    return { kind: 'param', span: this.since(start), name: { text, span }, attrs: [], type };
  }

  private paramBehind(token: IToken): Param | undefined {
    let ahead = 1;
    while (ahead < 8 && !paramEnds.has(this.LA(ahead).tokenType) && !Number.isNaN(this.LA(ahead).startOffset)) ahead++;
    if (this.LA(ahead).tokenType !== t.Local) return undefined;
    this.report(
      'expected-variable',
      this.spanOf(token),
      `Expected a parameter such as %x, found ${quote(token.image)}.`,
      `Remove ${quote(token.image)}.`,
    );
    while (this.LA(1).tokenType !== t.Local) this.SKIP_TOKEN();
    return this.SUBRULE(this.param);
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

  private emptyBlock(at: number): Block {
    return { kind: 'block', span: this.emptySpan(at), braces: false, statements: [], result: this.missing(at) };
  }

  /** A block in braces; where the braces were forgotten, the expression that stands there. */
  private blockHere(idx: number, wanted: string, remedy: string): Block {
    if (this.RECORDING_PHASE || this.LA(1).tokenType === t.LBrace) return this.subrule(idx, this.block);
    const sign = this.LA(1);
    if (sign.tokenType === t.Colon || sign.image === 'then') {
      this.SKIP_TOKEN();
      const body = this.LA(1).tokenType === t.LBrace ? this.subrule(35, this.block) : this.bareBlock();
      this.report('expected-body', this.spanOf(sign), `Expected ${wanted}, found ${quote(sign.image)}.`, remedy);
      return body;
    }
    this.report('expected-body', this.gapSpan(), `Expected ${wanted}, found ${this.found()}.`, remedy);
    return this.bareBlock();
  }

  /** An expression where a block should stand. */
  private bareBlock(): Block {
    if (!startsOperand.has(this.LA(1).tokenType)) return this.emptyBlock(this.previousEnd());
    const result = this.subrule(33, this.expression);
    return { kind: 'block', span: result.span, braces: false, statements: [], result };
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

/** Tokens that a search for the next parameter does not cross. */
const paramEnds = new Set<TokenType>([t.Local, t.Comma, t.LParen, t.RParen, t.LSquare, t.RSquare, t.LBrace, t.RBrace]);
