/** Rules for attributes and their values, and for what other languages write like them. */
import type { IToken } from 'chevrotain';
import { quote } from './messages.ts';
import type { Attribute, AttributeValue, Expr, Name } from './tree.ts';
import { PatternGrammar } from './pattern-grammar.ts';
import * as t from './vocabulary.ts';

const literalKinds = new Set<Expr['kind']>(['int', 'float', 'bool', 'meta', 'name']);

export abstract class AttributeGrammar extends PatternGrammar {
  /** An operand as a value; defined by the grammar of expressions. */
  protected abstract operandValue(): Expr;

  readonly attribute = this.RULE('attribute', (): Attribute => {
    const start = this.here();
    const key = this.dottedKey();
    this.take(1, t.Assign, '“=”');
    const value = this.attributeValueHere(1);
    return { kind: 'attribute', span: this.since(start), key, value };
  });

  /** `axis: 0` or `axis == [0]`, read as an attribute; a comparison of two values stays one. */
  protected misspeltAttribute(): Attribute | undefined {
    if (this.LA(1).tokenType !== t.Identifier) return undefined;
    const sign = this.LA(2);
    const value = this.LA(3).tokenType;
    const equals = sign.tokenType === t.Equal && (value === t.LSquare || value === t.StringLiteral);
    if (!equals && sign.tokenType !== t.Colon) return undefined;
    const start = this.here();
    const key = this.nameOf(this.LA(1));
    const span = this.spanOf(sign);
    this.reportHabit(
      'unexpected-token',
      span,
      `Expected “=” and the value of the attribute, found ${quote(sign.image)}.`,
      `Write ${key.text}=….`,
      { title: 'Write “=”', edits: [{ span, newText: '=' }], preferred: true },
    );
    this.SKIP_TOKEN();
    this.SKIP_TOKEN();
    return { kind: 'attribute', span: this.since(start), key, value: this.attributeValueHere(1) };
  }

  private dottedKey(): Name {
    const first = this.CONSUME(t.AttributeKey);
    const name = this.nameOf(first);
    let text = name.text;
    this.MANY(() => {
      this.CONSUME(t.Dot);
      const part = this.or(9, [
        { ALT: () => this.consume(9, t.Identifier) },
        { ALT: () => this.consume(10, t.AttributeKey) },
      ]);
      text += `.${part.image}`;
    });
    return text === name.text ? name : { text, span: { ...name.span, end: this.previousEnd() } };
  }

  protected attributeValueHere(idx: number): AttributeValue {
    const type = this.LA(1).tokenType;
    if (!this.RECORDING_PHASE && !this.startsFragment() && type !== t.StringLiteral && type !== t.LSquare)
      this.fail('expected-attribute-value', 'an attribute value', 'Write a number, a string, a list or None.');
    return this.subrule(idx, this.attributeValue);
  }

  readonly attributeValue = this.RULE('attributeValue', (): AttributeValue => {
    this.enter();
    const start = this.here();
    const value = this.OR<AttributeValue>([
      { ALT: () => this.string(this.CONSUME(t.StringLiteral)) },
      {
        ALT: () => {
          this.CONSUME(t.LSquare);
          const items: AttributeValue[] = [];
          this.elements(1, t.RSquare, 'a value', () => items.push(this.attributeValueHere(2)));
          return { kind: 'list', span: this.since(start), items };
        },
      },
      {
        ALT: () => {
          const expr = this.operandValue();
          if (this.RECORDING_PHASE) return { kind: 'none', span: this.since(start) };
          return this.plainValue(expr);
        },
      },
    ]);
    this.leave();
    return value;
  });

  private plainValue(expr: Expr): AttributeValue {
    if (expr.kind === 'name' && (expr.name === 'None' || expr.name === 'nullptr'))
      return { kind: 'none', span: expr.span };
    if (expr.kind === 'paren') return this.plainValue(expr.inner);
    if (expr.kind === 'tuple') {
      const { anchor, start, end } = expr.span;
      const edits = [
        { span: { anchor, start, end: start + 1 }, newText: '[' },
        { span: { anchor, start: end - 1, end }, newText: ']' },
      ];
      this.report(
        'attribute-list-brackets',
        expr.span,
        'A list of attribute values stands in square brackets.',
        'Write [ … ] instead of ( … ).',
        { title: 'Write [ … ]', edits, preferred: true },
      );
      return { kind: 'list', span: expr.span, items: expr.fields.map((field) => this.plainValue(field)) };
    }
    return { kind: 'expr', span: expr.span, value: expr };
  }

  protected string(token: IToken): AttributeValue & { kind: 'string' } {
    const span = this.spanOf(token);
    const image = token.image;
    if (!this.RECORDING_PHASE && !image.startsWith('"')) {
      const newText = `"${image.slice(1, -1)}"`;
      const fix = { title: `Write ${newText}`, edits: [{ span, newText }], preferred: true };
      this.report('string-quotes', span, 'Strings stand in straight double quotes.', `Write ${newText}.`, fix);
      return { kind: 'string', span, value: image.slice(1, -1) };
    }
    if (!this.RECORDING_PHASE && (image.length < 2 || !image.endsWith('"'))) {
      const end = { ...span, start: span.end };
      const fix = { title: 'Add “"”', edits: [{ span: end, newText: '"' }], preferred: true };
      this.report('unterminated-string', span, 'The string has no closing quotation mark.', 'Add “"” at its end.', fix);
    }
    return { kind: 'string', span, value: unescape(image.replace(/^"|"$/g, '')) };
  }

  /** A string or a list as an argument. A list of operands is a tuple in other brackets. */
  protected valueArgument(): Expr | undefined {
    const { tokenType } = this.LA(1);
    if (tokenType !== t.StringLiteral && tokenType !== t.LSquare) return undefined;
    const value = this.attributeValueHere(5);
    const operands = value.kind === 'list' && value.items.some(isOperand);
    if (!operands) return { kind: 'missing', span: value.span, value };
    const { anchor, start, end } = value.span;
    const edits = [
      { span: { anchor, start, end: start + 1 }, newText: '(' },
      { span: { anchor, start: end - 1, end }, newText: ')' },
    ];
    const fix = { title: 'Write ( … )', edits, preferred: true };
    const message = 'Expected a tuple, found a list in square brackets.';
    this.report('expected-expression', value.span, message, 'Write ( … ) instead of [ … ].', fix);
    const fields = value.items.map((item) => (item.kind === 'expr' ? item.value : this.missing(item.span.start)));
    return { kind: 'tuple', span: value.span, fields };
  }
}

/** Whether a value is none that an attribute takes. */
function isOperand(value: AttributeValue): boolean {
  if (value.kind === 'list') return value.items.some(isOperand);
  return value.kind === 'expr' && !literalKinds.has(value.value.kind);
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '"': '"', '\\': '\\', "'": "'" };

/** Undoes the escapes that TVM's printer writes. */
function unescape(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(?:x([0-9A-Fa-f]{2})|(.))/gs, (whole, hex: string | undefined, letter: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
    return escapes[letter ?? ''] ?? whole;
  });
}
