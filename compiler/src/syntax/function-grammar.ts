/** Rules for functions: signatures, parameters and bodies, also as other languages write them. */
import type { IToken, TokenType } from 'chevrotain';
import { startsOperand } from './expression-grammar.ts';
import { bodySigns } from './habits.ts';
import { quote } from './messages.ts';
import { StatementGrammar } from './statement-grammar.ts';
import type { Attribute, Block, Expr, FunctionNode, Name, Param, TypeNode } from './tree.ts';
import * as t from './vocabulary.ts';

/** The part of a function before its body. */
export interface Signature {
  readonly typeParams: readonly Name[];
  readonly params: readonly Param[];
  readonly attrs: readonly Attribute[];
  readonly ret: TypeNode | undefined;
}

export abstract class FunctionGrammar extends StatementGrammar {
  protected functionLiteral(): Expr {
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

  protected emptyBlock(at: number): Block {
    return { kind: 'block', span: this.emptySpan(at), braces: false, statements: [], result: this.missing(at) };
  }

  /** A block in braces; where the braces were forgotten, the expression that stands there. */
  protected blockHere(idx: number, wanted: string, remedy: string): Block {
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
  protected bareBlock(): Block {
    if (!startsOperand.has(this.LA(1).tokenType)) return this.emptyBlock(this.previousEnd());
    const result = this.subrule(33, this.expression);
    return { kind: 'block', span: result.span, braces: false, statements: [], result };
  }
}

/** Tokens that a search for the next parameter does not cross. */
const paramEnds = new Set<TokenType>([t.Local, t.Comma, t.LParen, t.RParen, t.LSquare, t.RSquare, t.LBrace, t.RBrace]);
