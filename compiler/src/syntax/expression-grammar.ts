/** Rules for expressions: operands with their postfix chains, infix chains, attributes. */
import type { IToken, TokenType } from 'chevrotain';
import type { Diagnostic, TextEdit } from '../base/diagnostic.ts';
import type { Span } from '../base/span.ts';
import { syntaxFailure } from './base-grammar.ts';
import { ForeignGrammar } from './foreign-grammar.ts';
import { foldInfix } from './infix.ts';
import { endOf } from './lexer.ts';
import { quote } from './messages.ts';
import { readNumber } from './numbers.ts';
import type { Attribute, Expr, InfixOperator, Name } from './tree.ts';

import * as t from './vocabulary.ts';

function noWord(word: string): string {
  return `There is no “${word}” in Relay.`;
}

/** The operators behind Python's words. */
const wordOperators: ReadonlyMap<string, string> = new Map([
  ['and', 'logical_and'],
  ['or', 'logical_or'],
]);
const numberKinds = new Set<Expr['kind']>(['int', 'float']);

export abstract class ExpressionGrammar extends ForeignGrammar {
  /** Attributes whose numbers stand without brackets, with the diagnostic that says so. */
  private readonly openLists = new WeakMap<Attribute, Diagnostic>();

  /** Operand forms with statements inside; defined by `StatementGrammar`. */
  protected abstract compound(): Expr;
  /** A list element or the content of parentheses: an expression, or statements with a result. */
  protected abstract element(idx: number): Expr;

  /** An infix chain; not `inWords`, what other languages write behind one, too. */
  readonly expression = this.RULE('expression', (inWords = false): Expr => {
    this.enter();
    const reported = this.diagnostics.length;
    const first = this.SUBRULE1(this.operand);
    let rest: { token: IToken; right: Expr }[] | undefined;
    this.MANY(() => {
      const token = this.CONSUME(t.InfixOperator);
      const right = this.operandHere(2);
      (rest ??= []).push({ token, right });
    });
    const operators = (rest ?? []) as { token: IToken; right: Expr }[];
    const links = this.RECORDING_PHASE
      ? []
      : operators.map(({ token, right }) => ({
          operator: token.image as InfixOperator,
          span: this.spanOf(token),
          right,
        }));
    const value = links.length === 0 ? first : foldInfix(first, links);
    const words = this.RECORDING_PHASE ? value : this.wordOperator(value);
    const whole = this.RECORDING_PHASE || inWords ? words : this.behindExpression(words, reported);
    this.leave();
    return whole;
  });

  /** `left and right`, `left or right`, as Python writes them. */
  private wordOperator(left: Expr): Expr {
    const token = this.LA(1);
    const name = token.tokenType === t.Identifier ? wordOperators.get(token.image) : undefined;
    if (name === undefined || !startsOperand.has(this.LA(2).tokenType)) return left;
    const word = this.spanOf(token);
    this.SKIP_TOKEN();
    const reported = this.diagnostics.length;
    const right = this.subrule(82, this.expression, { ARGS: [true] });
    const later = this.diagnostics.splice(reported);
    const { anchor, start } = left.span;
    const edits = [
      { span: { anchor, start, end: start }, newText: `${name}(` },
      { span: { anchor, start: left.span.end, end: right.span.start }, newText: ', ' },
      { span: { anchor, start: right.span.end, end: right.span.end }, newText: ')' },
    ];
    // “and” binds closer than the “or” behind it: no plain insertions repair `a and b or c`, nor `not a and b`.
    const mixed =
      (token.image === 'and' && later.some(({ message }) => message === noWord('or'))) ||
      (left.kind === 'call' && this.textOf(left.callee.span) === 'not');
    this.reportWord(word, token.image, `${name}(…, …)`, mixed ? undefined : edits);
    for (const diagnostic of later) this.diagnostics.push(diagnostic);
    return this.wordCall(word, name, [left, right]);
  }

  /** `not value`, whose word was read. */
  private wordNegation(word: Span): Expr {
    const inner = this.subrule(83, this.operand);
    const { anchor, start, end } = inner.span;
    const parens = inner.kind === 'paren';
    const edits = [{ span: { ...word, end: start }, newText: parens ? 'logical_not' : 'logical_not(' }];
    if (!parens) edits.push({ span: { anchor, start: end, end }, newText: ')' });
    this.reportWord(word, 'not', 'logical_not(…)', edits);
    return this.wordCall(word, 'logical_not', [inner]);
  }

  private reportWord(word: Span, found: string, form: string, edits: readonly TextEdit[] | undefined): void {
    const fix = edits && { title: `Write ${form}`, edits, preferred: true };
    this.reportHabit('unexpected-token', word, noWord(found), `Write ${form}.`, fix);
  }

  private wordCall(word: Span, name: string, args: readonly Expr[]): Expr {
    const start = Math.min(word.start, args[0]?.span.start ?? word.start);
    const span = this.since(start);
    return { kind: 'call', span, callee: { kind: 'name', span: word, name }, args, attrs: [], argsSpan: span };
  }

  /** Parses an expression, or reports that one is missing. */
  protected expressionHere(idx: number): Expr {
    if (!this.RECORDING_PHASE && !startsOperand.has(this.LA(1).tokenType)) this.failExpression();
    return this.subrule(idx, this.expression);
  }
  /** The right side of an infix sign; a missing one is reported and stands in. */
  private operandHere(idx: number): Expr {
    if (!this.RECORDING_PHASE && !startsOperand.has(this.LA(1).tokenType)) {
      const value = this.valueArgument();
      if (value) return value;
      const sign = quote(this.LA(0).image);
      const power = this.LA(0).image === '*' && this.LA(1).image === '*';
      this.report(
        'expected-expression',
        this.gapSpan(),
        `Expected an operand after ${sign}, found ${this.found()}.`,
        power ? 'Write power(…, …) for a power.' : `Write the right side, or remove ${sign}.`,
      );
      return this.missing(this.previousEnd());
    }
    return this.subrule(idx, this.operand);
  }

  protected operandValue(): Expr {
    return this.subrule(81, this.operand);
  }

  protected startsFragment(): boolean {
    return startsOperand.has(this.LA(1).tokenType);
  }
  protected fragment(): Expr {
    return this.subrule(80, this.expression);
  }

  protected failExpression(): never {
    const found = this.LA(1);
    if (found.tokenType === t.Minus)
      this.fail('unary-minus', 'an expression', 'There is no unary minus; write negative(…) or 0 - ….');
    if (found.tokenType === t.AttributeKey)
      this.fail('expected-expression', 'an expression', 'Attributes stand last in a call; bindings start with let.');
    if (found.tokenType === t.GraphBinder)
      this.fail('expected-expression', 'an expression', 'Bind graph numbers in statements of their own.');
    if (found.tokenType === t.StringLiteral)
      this.fail('expected-expression', 'an expression', 'Strings are values of attributes only: name="…" in a call.');
    if (found.tokenType === t.LSquare && this.opensComprehension()) {
      this.reportComprehension();
      throw syntaxFailure;
    }
    if (found.tokenType === t.LSquare)
      this.fail(
        'expected-expression',
        'an expression',
        'Write ( … ) for a tuple; lists are values of attributes only.',
      );
    this.fail('expected-expression', 'an expression', 'Write a variable, a literal, a call or a block.');
  }

  /** A primary with its chain of calls and projections, of any length. */
  readonly operand = this.RULE('operand', (): Expr => {
    const start = this.here();
    let node = this.OR1<Expr>([
      { ALT: () => this.number(this.CONSUME(t.NumberLiteral)) },
      { ALT: () => this.local(this.CONSUME(t.Local)) },
      { ALT: () => this.graph(this.CONSUME(t.Graph)) },
      {
        ALT: () => {
          const token = this.CONSUME(t.Identifier);
          if (!this.RECORDING_PHASE && token.image === 'not' && startsOperand.has(this.LA(1).tokenType))
            return this.wordNegation(this.spanOf(token));
          const isLetter = this.LA(1).tokenType === t.StringLiteral && this.LA(1).startOffset === endOf(token);
          if (!this.RECORDING_PHASE && isLetter) return this.prefixedString(token);
          return { kind: 'name', span: this.spanOf(token), name: token.image };
        },
      },
      { ALT: () => this.global(this.CONSUME(t.Global)) },
      { ALT: () => this.meta(this.CONSUME(t.MetaReference)) },
      {
        ALT: () => {
          const token = this.CONSUME(t.Boolean);
          return { kind: 'bool', span: this.spanOf(token), value: token.image === 'True' };
        },
      },
      { ALT: () => this.parenthesised() },
      { ALT: () => this.compound() },
    ]);
    for (let more = true; more;) {
      this.MANY(() => {
        node = this.OR2<Expr>([
          { ALT: () => this.callTail(start, node) },
          { ALT: () => this.projectionTail(start, node) },
          { ALT: () => this.dotTail(start, node) },
        ]);
      });
      const subscript = this.RECORDING_PHASE ? undefined : this.subscript(node);
      more = subscript !== undefined;
      node = subscript ?? node;
    }
    return node;
  });

  // ---------------------------------------------------------------------------------------------- primaries

  private number(token: IToken): Expr {
    const span = this.spanOf(token);
    const text = token.image;
    const meaning = this.RECORDING_PHASE ? readNumber('0') : readNumber(text);
    if (meaning.kind === 'int') return { kind: 'int', span, value: meaning.value, dtype: meaning.dtype, text };
    if (meaning.kind === 'float') return { kind: 'float', span, value: meaning.value, dtype: meaning.dtype, text };
    const fix =
      meaning.replacement === undefined
        ? undefined
        : { title: `Write ${meaning.replacement}`, edits: [{ span, newText: meaning.replacement }], preferred: true };
    this.report(meaning.code, span, meaning.message, meaning.remedy, fix);
    return meaning.as === 'int'
      ? { kind: 'int', span, value: undefined, dtype: meaning.dtype as 'int32', text }
      : { kind: 'float', span, value: undefined, dtype: meaning.dtype as 'float32', text };
  }

  private local(token: IToken): Expr {
    const name = this.nameOf(token, 1);
    if (!this.RECORDING_PHASE) {
      if (this.dottedNames.size > 0 && this.LA(1).tokenType === t.Index) return this.dottedLocal(name);
    }
    return { kind: 'local', span: name.span, name: name.text };
  }

  /** `%input.1`, where a variable of that name is declared in the file. */
  private dottedLocal(name: Name): Expr {
    let text = name.text;
    let end = name.span.end;
    let best = { text, end, count: 0 };
    for (let i = 1; this.LA(i).tokenType === t.Index && this.LA(i).startOffset === end + this.base; i++) {
      text += this.LA(i).image;
      end += this.LA(i).image.length;
      if (this.dottedNames.has(text)) best = { text, end, count: i };
    }
    for (let i = 0; i < best.count; i++) this.SKIP_TOKEN();
    return { kind: 'local', span: { ...name.span, end: best.end }, name: best.text };
  }

  private graph(token: IToken): Expr {
    const span = this.spanOf(token);
    return { kind: 'graphref', span, index: this.graphIndex(token) };
  }

  /** The number of `%17`. */
  protected graphIndex(token: IToken): number {
    const digits = token.image.slice(1);
    const index = Number(digits);
    if (this.RECORDING_PHASE || /^[0-9]+$/.test(digits)) return index;
    this.report(
      'malformed-name',
      this.spanOf(token),
      `Expected a graph number or a name, found ${quote(token.image)}.`,
      'Start names with a letter or _.',
    );
    return parseInt(digits, 10);
  }

  private global(token: IToken): Expr {
    const name = this.nameOf(token, 1);
    if (!this.RECORDING_PHASE) this.checkName(token, name);
    return { kind: 'global', span: name.span, name: name.text };
  }

  /** `()`, `(e)`, `(e,)`, `(a, b)`. */
  private parenthesised(): Expr {
    const start = this.here();
    this.CONSUME1(t.LParen);
    const fields: Expr[] = [];
    let comma = false;
    this.elements(
      1,
      t.RParen,
      'an expression',
      () => {
        fields.push(this.element(1));
        comma ||= this.LA(1).tokenType === t.Comma;
      },
      (broken) => fields.push(broken),
    );
    const span = this.since(start);
    const only = fields[0];
    if (fields.length === 1 && only !== undefined && !comma) return { kind: 'paren', span, inner: only };
    return { kind: 'tuple', span, fields };
  }

  // ---------------------------------------------------------------------------------------------- chains

  private callTail(start: number, callee: Expr): Expr {
    const from = this.here();
    this.CONSUME2(t.LParen);
    const args: Expr[] = [];
    const attrs: Attribute[] = [];
    this.elements(
      2,
      t.RParen,
      'an argument',
      () => {
        const misspelt = this.RECORDING_PHASE ? undefined : this.misspeltAttribute();
        if (misspelt) {
          attrs.push(misspelt);
          return;
        }
        this.or(3, [
          { ALT: () => attrs.push(this.subrule(3, this.attribute)) },
          {
            ALT: () => {
              const arg = this.element(2);
              if (attrs.length === 0 || !this.positional(arg, attrs)) args.push(arg);
            },
          },
        ]);
      },
      (broken) => args.push(broken),
      () => {
        const value = this.valueArgument();
        if (value) args.push(value);
        return value !== undefined;
      },
    );
    return { kind: 'call', span: this.since(start), callee, args, attrs, argsSpan: this.since(from) };
  }

  /** Reports an argument behind attributes. Whether it is a further number of the last one, to whose list it is added. */
  private positional(arg: Expr, attrs: Attribute[]): boolean {
    if (this.RECORDING_PHASE) return false;
    const last = attrs[attrs.length - 1] as Attribute;
    const { value } = last;
    const items = value.kind === 'list' ? value.items : [value];
    const open = this.openLists.has(last) || (value.kind === 'expr' && numberKinds.has(value.value.kind));
    const between = this.textOf({ ...arg.span, start: value.span.end, end: arg.span.start });
    if (open && numberKinds.has(arg.kind) && /^\s*,?\s*$/.test(between)) {
      const span = { ...value.span, end: arg.span.end };
      const list = { kind: 'list', span, items: [...items, { kind: 'expr', span: arg.span, value: arg }] } as const;
      const newText = `[${list.items.map((item) => this.textOf(item.span)).join(', ')}]`;
      const attribute = { ...last, span: { ...last.span, end: arg.span.end }, value: list };
      // One message for the whole list: that of its earlier part is replaced.
      const earlier = this.openLists.get(last);
      if (earlier) this.diagnostics = this.diagnostics.filter((diagnostic) => diagnostic !== earlier);
      attrs[attrs.length - 1] = attribute;
      const told = this.report(
        'attribute-list-brackets',
        span,
        'A list of attribute values stands in square brackets.',
        `Write ${last.key.text}=${newText}.`,
        { title: `Write ${newText}`, edits: [{ span, newText }], preferred: true },
      );
      this.openLists.set(attribute, told);
      return true;
    }
    this.report(
      'positional-after-attribute',
      arg.span,
      'An argument stands behind an attribute.',
      'Move all arguments before the first attribute.',
    );
    return false;
  }

  private textOf({ start, end }: Span): string {
    return this.text.slice(this.base + start, this.base + end);
  }

  private projectionTail(start: number, tuple: Expr): Expr {
    const token = this.CONSUME(t.Index);
    const indexSpan = {
      anchor: this.anchor,
      start: this.previousEnd() - token.image.length + 1,
      end: this.previousEnd(),
    };
    return { kind: 'projection', span: this.since(start), tuple, index: Number(token.image.slice(1)), indexSpan };
  }

  /** `nn . relu` and `%t . 0`, written with gaps. */
  private dotTail(start: number, node: Expr): Expr {
    this.CONSUME(t.Dot);
    if (!this.RECORDING_PHASE && !fieldStarts.has(this.LA(1).tokenType))
      this.fail('expected-field', 'a field number after “.”', 'Write for example %t.0.');
    return this.or<Expr>(4, [
      {
        ALT: () => {
          const token = this.consume(4, t.NumberLiteral);
          const indexSpan = this.spanOf(token);
          const index = /^[0-9]+$/.test(token.image) ? Number(token.image) : 0;
          if (!this.RECORDING_PHASE && !/^[0-9]+$/.test(token.image))
            this.report('expected-field', indexSpan, `Expected a field number, found ${quote(token.image)}.`);
          return { kind: 'projection', span: this.since(start), tuple: node, index, indexSpan };
        },
      },
      {
        ALT: () => {
          const token = this.consume(5, t.Identifier);
          if (this.RECORDING_PHASE) return node;
          if (node.kind === 'name') return { ...node, span: this.since(start), name: `${node.name}.${token.image}` };
          return this.methods(node, token);
        },
      },
    ]);
  }
}

const fieldStarts = new Set<TokenType>([t.NumberLiteral, t.Identifier]);

/** Tokens that an operand starts with. */
export const startsOperand: ReadonlySet<TokenType> = new Set([
  t.NumberLiteral,
  t.SignedLiteral,
  t.InfLiteral,
  t.Local,
  t.Graph,
  t.Identifier,
  t.TensorName,
  t.Global,
  t.MetaReference,
  t.Boolean,
  t.Underscore,
  t.LParen,
  t.LBrace,
  t.Fn,
  t.If,
  t.Match,
  t.PartialMatch,
  t.Ref,
  t.RefRead,
  t.RefWrite,
]);
