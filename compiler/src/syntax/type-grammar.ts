/** Rules for types and dimensions. */
import type { IToken, TokenType } from 'chevrotain';
import type { Span } from '../base/span.ts';
import { BaseGrammar, syntaxFailure } from './base-grammar.ts';
import { readNumber } from './numbers.ts';
import { quote } from './messages.ts';
import { isForeignShape, isTensorWord, readTensorForm, startsTensor } from './tensor-forms.ts';
import type { DimNode, ExprDimNode, MetaRef, Name, TypeNode } from './tree.ts';
import * as t from './vocabulary.ts';

const metaParts = /^meta\[([^\]]*)\]\[([0-9]+)\]$/;
const typeComment = /\s*\/\*\s*(?:ty=((?:[^*]|\*(?!\/))*?))(?:\s+span=(?:[^*]|\*(?!\/))*)?\s*\*\//y;

export abstract class TypeGrammar extends BaseGrammar {
  readonly type = this.RULE('type', (): TypeNode => {
    this.enter();
    const node = this.OR<TypeNode>({
      DEF: [
        { ALT: () => this.tensorType() },
        { ALT: () => this.namedType() },
        { ALT: () => this.hole(this.CONSUME(t.Underscore)) },
        { ALT: () => this.tupleType() },
        { ALT: () => this.functionType() },
        { ALT: () => this.refType() },
        {
          ALT: () => {
            const token = this.CONSUME(t.MetaReference);
            this.extension(this.spanOf(token), 'A metadata reference stands for an unknown type.', 'Write the type.');
            return this.hole(token);
          },
        },
      ],
      IGNORE_AMBIGUITIES: true,
    });
    this.leave();
    return node;
  });

  /** Parses a type, or reports that one is missing. */
  protected typeHere(idx: number): TypeNode {
    if (this.RECORDING_PHASE) return this.subrule(idx, this.type);
    if (!typeStarts.has(this.LA(1).tokenType))
      this.fail('expected-type', 'a type', 'Write for example Tensor[(1, 3), float32] or int32.');
    const type = this.subrule(idx, this.type);
    return this.LA(1).tokenType === t.Arrow ? this.bareFunctionType(type) : type;
  }

  /** `int32 -> int32` and `(int32, int32) -> int32`, a function's type without `fn`. */
  private bareFunctionType(from: TypeNode): TypeNode {
    this.SKIP_TOKEN();
    const ret = this.typeHere(8);
    const isList = from.kind === 'tupletype';
    const { anchor, start, end } = from.span;
    const edits = [{ span: { anchor, start, end: start }, newText: isList ? 'fn ' : 'fn (' }];
    if (!isList) edits.push({ span: { anchor, start: end, end }, newText: ')' });
    const fix = { title: 'Write fn ( … ) -> …', edits, preferred: true };
    const message = 'Expected “fn” and the parameter types in parentheses before “->”.';
    this.reportHabit('expected-type', from.span, message, 'Write fn (int32) -> int32 for the type of a function.', fix);
    const params = isList ? from.fields : [from];
    return { kind: 'fntype', span: this.since(start), typeParams: [], params, ret };
  }

  private hole(token: IToken): TypeNode {
    return { kind: 'holetype', span: this.spanOf(token), missing: false };
  }

  /** `Tensor[(2, n), float32]` */
  private tensorType(): TypeNode {
    const start = this.here();
    this.CONSUME(t.TensorName);
    if (!this.RECORDING_PHASE && isForeignShape(this.LA(2))) return this.foreignTensor(start, 'Tensor');
    this.CONSUME1(t.LSquare);
    const shape: DimNode[] = [];
    if (this.RECORDING_PHASE || this.LA(1).tokenType === t.LParen) {
      this.consume(1, t.LParen);
      this.elements(1, t.RParen, 'a dimension', () => shape.push(this.SUBRULE(this.dim)));
    } else this.bareShape(shape);
    this.take(2, t.Comma, '“,” and an element type', 'expected-dtype', 'Write Tensor[(2, 3), float32].');
    if (!this.RECORDING_PHASE && this.LA(1).tokenType === t.StringLiteral) this.failQuotedDtype();
    const dtype = this.take(3, t.Identifier, 'an element type', 'expected-dtype', 'Write for example float32.');
    this.take(4, t.RSquare, '“]”');
    return { kind: 'tensortype', span: this.since(start), shape, dtype: this.nameOf(dtype) };
  }

  /** Dimensions without parentheses, or in square brackets. */
  private bareShape(shape: DimNode[]): void {
    const start = this.here();
    const square = this.LA(1).tokenType === t.LSquare;
    if (square) {
      this.SKIP_TOKEN();
      this.elements(1, t.RSquare, 'a dimension', () => shape.push(this.SUBRULE(this.dim)));
    } else {
      while (dimStarts.has(this.LA(1).tokenType) && this.LA(2).tokenType !== t.RSquare) {
        shape.push(this.SUBRULE(this.dim));
        if (this.LA(1).tokenType !== t.Comma || !dimStarts.has(this.LA(2).tokenType)) break;
        if (this.LA(3).tokenType === t.RSquare) break;
        this.SKIP_TOKEN();
      }
      if (shape.length === 0) this.fail('expected-shape', 'a shape in parentheses', 'Write Tensor[(2, 3), float32].');
    }
    const span = this.since(start);
    const inner = this.text.slice(this.base + span.start, this.base + span.end);
    const newText = `(${square ? inner.slice(1, -1) : inner})`;
    this.report(
      'expected-shape',
      span,
      `Expected a shape in parentheses, found ${quote(inner)}.`,
      `Write ${newText}.`,
      { title: `Write ${newText}`, edits: [{ span, newText }], preferred: true },
    );
  }

  private failQuotedDtype(): never {
    const token = this.LA(1);
    const span = this.spanOf(token);
    const newText = token.image.replace(/"/g, '');
    this.report(
      'expected-dtype',
      span,
      `Expected an element type, found ${quote(token.image)}.`,
      `Write ${newText} without quotes.`,
      { title: `Write ${newText}`, edits: [{ span, newText }], preferred: true },
    );
    throw syntaxFailure;
  }

  /** The type of tensors in a form of another language, whose first word was read. */
  private foreignTensor(start: number, word: string): TypeNode {
    const tokens: IToken[] = [];
    const closer = this.LA(1).tokenType === t.Less ? t.Greater : undefined;
    for (let depth = 0; !this.atEnd();) {
      const token = this.LA(1);
      const type = token.tokenType;
      if (type === t.LParen || type === t.LSquare || (closer && type === t.Less)) depth++;
      else if (type === t.RParen || type === t.RSquare || type === closer) depth--;
      else if (type === t.LBrace || type === t.Semicolon) break;
      if (depth < 0) break;
      tokens.push(token);
      this.SKIP_TOKEN();
      if (depth === 0) break;
    }
    const span = this.since(start);
    const found = quote(this.text.slice(this.base + span.start, this.base + span.end));
    const message = `Expected a type such as Tensor[(2, 3), float32], found ${found}.`;
    const { dims, dtype } = readTensorForm(word, tokens);
    if (dtype === undefined || dims.length === 0) {
      this.report('expected-shape', span, message, 'Write Tensor[(2, 3), float32].');
      return { kind: 'holetype', span, missing: true };
    }
    const newText = `Tensor[(${dims.join(', ')}), ${dtype}]`;
    const fix = { title: `Write ${newText}`, edits: [{ span, newText }], preferred: true };
    this.reportHabit('expected-shape', span, message, `Write ${newText}.`, fix);
    const shape = dims.map((dim): DimNode => {
      if (dim === '?') return { kind: 'anydim', span };
      return /^\d/.test(dim)
        ? { kind: 'intdim', span, value: BigInt(dim), dtype: 'int32' }
        : { kind: 'nameddim', span, name: dim };
    });
    return { kind: 'tensortype', span, shape, dtype: { text: dtype, span } };
  }

  /** The word for tensors alone. */
  private bareTensor(name: Name): TypeNode {
    const message = `Expected a shape and an element type behind ${quote(name.text)}.`;
    this.report('expected-shape', name.span, message, 'Write Tensor[(2, 3), float32].');
    return { kind: 'holetype', span: name.span, missing: true };
  }

  /** Type arguments in angle brackets, as in `List<int32>`. */
  private angled(args: TypeNode[]): void {
    const open = this.spanOf(this.LA(1));
    this.SKIP_TOKEN();
    while (typeStarts.has(this.LA(1).tokenType)) {
      args.push(this.typeHere(9));
      if (this.LA(1).tokenType === t.Comma) this.SKIP_TOKEN();
    }
    this.take(9, t.Greater, '“]”');
    const close = { ...open, start: this.previousEnd() - 1, end: this.previousEnd() };
    this.reportAngles(open, close, 'List[int32]');
  }

  protected reportAngles(open: Span, close: Span, example: string): void {
    const edits = [
      { span: open, newText: '[' },
      { span: close, newText: ']' },
    ];
    const fix = { title: 'Write [ … ]', edits, preferred: true };
    this.reportHabit('unexpected-token', open, 'Expected “[”, found “<”.', `Write square brackets: ${example}.`, fix);
  }

  private namedType(): TypeNode {
    const start = this.here();
    const name = this.nameOf(this.CONSUME1(t.Identifier));
    const next = this.LA(1).tokenType;
    const args: TypeNode[] = [];
    let brackets = false;
    if (!this.RECORDING_PHASE) {
      if (startsTensor(name.text, this.LA(1))) return this.foreignTensor(start, name.text);
      if (isTensorWord(name.text)) return this.bareTensor(name);
      if (next === t.Less && typeStarts.has(this.LA(2).tokenType)) {
        this.angled(args);
        return { kind: 'namedtype', span: this.since(start), name, args, brackets: true };
      }
    }
    this.OPTION(() => {
      this.CONSUME2(t.LSquare);
      brackets = true;
      this.elements(2, t.RSquare, 'a type', () => args.push(this.typeHere(2)));
    });
    return { kind: 'namedtype', span: this.since(start), name, args, brackets };
  }

  private tupleType(): TypeNode {
    const start = this.here();
    this.CONSUME3(t.LParen);
    const fields: TypeNode[] = [];
    this.elements(3, t.RParen, 'a type', () => fields.push(this.typeHere(3)));
    return { kind: 'tupletype', span: this.since(start), fields };
  }

  private functionType(): TypeNode {
    const start = this.here();
    this.CONSUME(t.Fn);
    const typeParams: Name[] = [];
    this.OPTION2(() => {
      this.CONSUME4(t.LSquare);
      this.elements(4, t.RSquare, 'a type parameter', () => typeParams.push(this.typeParam(4)));
      this.extension(this.since(start), 'A polymorphic function type.', 'TVM prints these but cannot read them.');
    });
    this.take(5, t.LParen, '“(” and parameter types');
    const params: TypeNode[] = [];
    this.elements(5, t.RParen, 'a type', () => params.push(this.typeHere(5)));
    this.take(6, t.Arrow, '“->” and a result type');
    const ret = this.typeHere(6);
    return { kind: 'fntype', span: this.since(start), typeParams, params, ret };
  }

  private refType(): TypeNode {
    const start = this.here();
    this.CONSUME(t.Ref);
    this.take(7, t.LParen, '“(” and the type of the cell');
    const content = this.typeHere(7);
    this.take(8, t.RParen, '“)”');
    const span = this.since(start);
    this.extension(span, 'A reference type.', 'TVM prints these but cannot read them.');
    return { kind: 'reftype', span, content };
  }

  protected typeParam(idx: number): Name {
    return this.plainName(this.consume(idx + 50, t.Identifier), 'type parameter');
  }

  /** A name that may hold no dots. */
  protected plainName(token: IToken, what: string): Name {
    if (token.image.includes('.'))
      this.report(
        'malformed-name',
        this.spanOf(token),
        `Expected the name of a ${what}, found ${quote(token.image)}.`,
        'Use letters, digits and _ only.',
      );
    return this.nameOf(token);
  }

  // ---------------------------------------------------------------------------------------------- dimensions

  /** A flat chain of `+ - * /`, as an extension; nearly always a single number, name or `?`. */
  readonly dim = this.RULE('dim', (): DimNode => {
    let left = this.subrule(1, this.dimAtom);
    // The last two levels of a precedence chain: a sum whose last term may still grow.
    let sum: { left: DimNode; op: '+' | '-' } | undefined;
    this.MANY(() => {
      const operator = this.CONSUME(t.InfixOperator);
      const right = this.subrule(2, this.dimAtom);
      if (this.RECORDING_PHASE) return;
      const op = operator.image;
      if (op === '*' || op === '/') left = this.joinDims(op, left, right);
      else if (op === '+' || op === '-') {
        if (sum) left = this.joinDims(sum.op, sum.left, left);
        sum = { left, op };
        left = right;
      } else
        this.report('unexpected-token', this.spanOf(operator), `Expected +, -, * or / in a dimension, found “${op}”.`);
    });
    if (sum) left = this.joinDims((sum as { op: '+' | '-' }).op, (sum as { left: DimNode }).left, left);
    if (!this.RECORDING_PHASE && left.kind === 'exprdim')
      this.extension(left.span, 'An expression as a dimension.', 'TVM accepts numbers and ? only.');
    return left;
  });

  private joinDims(op: ExprDimNode['op'], left: DimNode, right: DimNode): DimNode {
    const span = { anchor: this.anchor, start: left.span.start, end: right.span.end };
    return { kind: 'exprdim', span, op, left, right };
  }

  readonly dimAtom = this.RULE('dimAtom', (): DimNode => {
    if (!this.RECORDING_PHASE && !dimStarts.has(this.LA(1).tokenType))
      this.fail('expected-dimension', 'a dimension', 'Write a number, ? or the name of a dimension.');
    return this.OR<DimNode>([
      { ALT: () => this.intDim(this.CONSUME(t.NumberLiteral)) },
      { ALT: () => ({ kind: 'anydim', span: this.spanOf(this.CONSUME(t.Question)) }) },
      { ALT: () => this.meta(this.CONSUME(t.MetaReference)) },
      {
        ALT: () => {
          const token = this.CONSUME(t.Identifier);
          const call = this.OPTION(() => this.dimCall(token));
          if (call) return call;
          const name = this.plainName(token, 'dimension');
          if (!this.RECORDING_PHASE) this.extension(name.span, 'A named dimension.', 'TVM accepts numbers and ? only.');
          return { kind: 'nameddim', span: name.span, name: name.text };
        },
      },
      {
        ALT: () => {
          this.enter();
          this.CONSUME(t.LParen);
          const inner = this.SUBRULE(this.dim);
          this.take(1, t.RParen, '“)”');
          this.leave();
          return inner;
        },
      },
    ]);
  });

  /** `floordiv(n, 2)` */
  private dimCall(name: IToken): DimNode {
    this.enter();
    this.CONSUME2(t.LParen);
    const left = this.SUBRULE2(this.dim);
    this.take(2, t.Comma, '“,”');
    const right = this.SUBRULE3(this.dim);
    this.take(3, t.RParen, '“)”');
    this.leave();
    const span = this.since(name.startOffset);
    const op = dimFunctions.get(name.image);
    if (op) return { kind: 'exprdim', span, op, left, right };
    if (!this.RECORDING_PHASE)
      this.report(
        'expected-dimension',
        this.spanOf(name),
        `There is no function ${quote(name.image)} of dimensions.`,
        'Use floordiv, floormod, min or max.',
      );
    return { kind: 'anydim', span };
  }

  private intDim(token: IToken): DimNode {
    const span = this.spanOf(token);
    if (this.RECORDING_PHASE) return { kind: 'anydim', span };
    const meaning = readNumber(token.image);
    if (meaning.kind === 'int')
      return { kind: 'intdim', span, value: meaning.value, dtype: meaning.dtype === 'int64' ? 'int64' : 'int32' };
    if (meaning.kind === 'problem') this.report(meaning.code, span, meaning.message, meaning.remedy);
    else
      this.report(
        'expected-dimension',
        span,
        `Expected a whole number, found ${quote(token.image)}.`,
        'Write a number, ? or the name of a dimension.',
      );
    return { kind: 'anydim', span };
  }

  /** `meta[key][n]` with the type comment behind it. */
  protected meta(token: IToken): MetaRef {
    const span = this.spanOf(token);
    const parts = metaParts.exec(token.image);
    const node = { kind: 'meta', span, key: parts?.[1] ?? '', index: Number(parts?.[2] ?? 0) } as const;
    typeComment.lastIndex = this.base + span.end;
    const comment = this.RECORDING_PHASE ? null : typeComment.exec(this.text);
    return comment?.[1] === undefined ? node : { ...node, typeComment: comment[1].trim() };
  }

  /** A type where a colon was forgotten: nothing else can start with `Tensor[` or the name of an element type. */
  protected startsBareType(): boolean {
    return this.isTypeName(this.LA(1));
  }

  protected isTypeName(token: IToken): boolean {
    return token.tokenType === t.TensorName || (token.tokenType === t.Identifier && dtypeName.test(token.image));
  }

  protected missingType(): TypeNode {
    return { kind: 'holetype', span: this.emptySpan(this.previousEnd()), missing: true };
  }

  /** Runs `parse`; where it fails, skips to one of `stops` and returns `otherwise`. */
  protected attempt<T>(parse: () => T, otherwise: T, ...stops: readonly TokenType[]): T {
    const depth = this.depth;
    const mark = this.LA(1);
    try {
      return parse();
    } catch (error) {
      if (!this.isFailure(error)) throw error;
      this.depth = depth;
      this.skipTo(mark, ...stops);
      return otherwise;
    }
  }
}

/** Names of element types, and of those that other languages have. */
const dtypeName = /^(?:(?:u?int|float|bfloat)[0-9]*|bool)$/;
const typeStarts = new Set([t.TensorName, t.Identifier, t.Underscore, t.LParen, t.Fn, t.Ref, t.MetaReference]);
const dimFunctions: ReadonlyMap<string, ExprDimNode['op']> = new Map(
  (['floordiv', 'floormod', 'min', 'max'] as const).map((name) => [name, name]),
);
const dimStarts = new Set([
  t.NumberLiteral,
  t.SignedLiteral,
  t.InfLiteral,
  t.Question,
  t.MetaReference,
  t.Identifier,
  t.LParen,
]);
