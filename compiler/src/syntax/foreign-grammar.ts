/**
 * Expressions that other languages have and Relay has not: choices (`c ? a : b`, `a if c else b`), subscripts, methods,
 * comprehensions. Each is read as far as it goes and told of once, with its rewriting where that is certain.
 */
import type { IToken, TokenType } from 'chevrotain';
import type { Diagnostic, TextEdit } from '../base/diagnostic.ts';
import { AttributeGrammar } from './attribute-grammar.ts';
import { isVirtual } from './brackets.ts';
import { endOf } from './lexer.ts';
import type { Block, Expr } from './tree.ts';
import * as t from './vocabulary.ts';

export abstract class ForeignGrammar extends AttributeGrammar {
  /** Reads an expression, or reports that one is missing; defined by `ExpressionGrammar`. */
  protected abstract expressionHere(idx: number): Expr;

  /** What stands behind an expression and makes a part of it; `reported` diagnostics were there before it. */
  protected behindExpression(value: Expr, reported: number): Expr {
    const { tokenType, image } = this.LA(1);
    if (tokenType === t.Question) return this.signedChoice(value, reported);
    if (tokenType === t.If && this.elseAhead()) return this.wordedChoice(value, reported);
    if (tokenType === t.Identifier && image === 'for' && this.isComprehension()) return this.comprehension(value);
    return value;
  }

  // ---------------------------------------------------------------------------------------------- choices

  /** `c ? a : b`, whose condition was read. */
  private signedChoice(condition: Expr, reported: number): Expr {
    const question = this.spanOf(this.LA(1));
    const before = this.diagnostics.splice(reported);
    const at = this.diagnostics.length;
    this.SKIP_TOKEN();
    const then = this.expressionHere(85);
    const colon = this.LA(1).tokenType === t.Colon ? this.spanOf(this.LA(1)) : undefined;
    if (colon) this.SKIP_TOKEN();
    const otherwise = colon ? this.expressionHere(86) : this.missing(this.previousEnd());
    const inner = [...before, ...this.diagnostics.splice(at)];
    const { anchor } = condition.span;
    const edits: TextEdit[] = [];
    if (colon) {
      const bare = condition.kind !== 'paren';
      const end = this.emptySpan(otherwise.span.end);
      edits.push({ span: { ...condition.span, end: condition.span.start }, newText: bare ? 'if (' : 'if ' });
      if (bare) edits.push({ span: { anchor, start: condition.span.end, end: condition.span.end }, newText: ')' });
      edits.push({ span: question, newText: '{' });
      edits.push({ span: colon, newText: '} else {' });
      edits.push({ span: end, newText: ' }' });
    }
    this.reportChoice(question, '?', edits, inner);
    const span = this.since(condition.span.start);
    return { kind: 'if', span, condition, then: blockOf(then), otherwise: blockOf(otherwise) };
  }

  /** Whether an “else” without braces stands behind the “if” here, as in `a if c else b`. */
  private elseAhead(): boolean {
    for (let k = 2, depth = 0; ; k++) {
      const { tokenType, startOffset } = this.LA(k);
      if (Number.isNaN(startOffset) || tokenType === t.LBrace || tokenType === t.RBrace) return false;
      if (tokenType === t.LParen || tokenType === t.LSquare) depth++;
      else if (tokenType === t.RParen || tokenType === t.RSquare) depth--;
      if (depth < 0 || tokenType === t.Semicolon) return false;
      if (depth === 0 && tokenType === t.Else) return k > 2 && this.LA(k + 1).tokenType !== t.LBrace;
    }
  }

  /** `a if c else b`, whose first value was read. */
  private wordedChoice(then: Expr, reported: number): Expr {
    const word = this.spanOf(this.LA(1));
    const before = this.diagnostics.splice(reported);
    const at = this.diagnostics.length;
    this.SKIP_TOKEN();
    const first = this.LA(1);
    const condition = this.expressionHere(87);
    const unsigned = this.hasUnsigned(first);
    const middle = this.diagnostics.length;
    const stop = this.LA(1).tokenType === t.Else ? this.spanOf(this.LA(1)) : undefined;
    if (stop) this.SKIP_TOKEN();
    const otherwise = stop ? this.expressionHere(88) : this.missing(this.previousEnd());
    const told = this.diagnostics.splice(at);
    const edits: TextEdit[] = [];
    // The condition is moved: what else is repaired in it would get lost.
    if (stop && !unsigned && middle === at) {
      const written = this.text.slice(this.base + condition.span.start, this.base + condition.span.end);
      const head = condition.kind === 'paren' ? `if ${written} { ` : `if (${written}) { `;
      edits.push({ span: { ...then.span, end: then.span.start }, newText: head });
      edits.push({ span: { ...word, end: stop.end }, newText: '} else {' });
      edits.push({ span: this.emptySpan(otherwise.span.end), newText: ' }' });
    }
    this.reportChoice(word, 'if', edits, [...before, ...told]);
    const parts = [then, condition, otherwise];
    return { kind: 'missing', span: this.since(then.span.start), parts, likely: then };
  }

  /** Whether a variable between `first` and the next token lacks its sign, which a repair elsewhere inserts. */
  private hasUnsigned(first: IToken): boolean {
    const from = this.input.indexOf(first);
    const to = this.atEnd() ? this.input.length : this.input.indexOf(this.LA(1));
    return this.input.slice(from, to).some(({ tokenType, image }) => tokenType === t.Local && !image.startsWith('%'));
  }

  private reportChoice(word: Diagnostic['span'], found: string, edits: readonly TextEdit[], inner: Diagnostic[]): void {
    const message =
      found === '?'
        ? 'There is no “?” in Relay.'
        : 'Expected “if”, the condition and both values, found a value first.';
    const fix = { title: 'Write if (…) { … } else { … }', edits, preferred: true };
    const remedy = 'Write if (…) { … } else { … }.';
    this.reportHabit('unexpected-token', word, message, remedy, edits.length > 0 ? fix : undefined);
    for (const diagnostic of inner) this.diagnostics.push(diagnostic);
  }

  // ---------------------------------------------------------------------------------------------- comprehensions

  private isComprehension(): boolean {
    for (let k = 2; k < 12; k++) {
      const { tokenType, image } = this.LA(k);
      if (image === 'in') return k > 2;
      if (tokenType !== t.Identifier && tokenType !== t.Local && tokenType !== t.Comma && tokenType !== t.Underscore)
        return false;
    }
    return false;
  }

  /** `value for x in list`, up to the closing bracket. */
  private comprehension(value: Expr): Expr {
    const word = this.LA(1);
    this.reportHabit('unexpected-token', this.spanOf(word), noLoops, loopRemedy);
    const parts = this.salvage(word);
    return { kind: 'missing', span: this.since(value.span.start), parts: [value, ...parts] };
  }

  /** Whether the square bracket here opens a comprehension. */
  protected opensComprehension(): boolean {
    for (let k = 2, depth = 1; ; k++) {
      const { tokenType, image, startOffset } = this.LA(k);
      if (Number.isNaN(startOffset) || tokenType === t.Semicolon) return false;
      if (openers.has(tokenType)) depth++;
      else if (closers.has(tokenType)) depth--;
      if (depth === 0) return false;
      if (depth === 1 && k > 2 && tokenType === t.Identifier && image === 'for') return true;
    }
  }

  /** Reports the comprehension in the square bracket here; it is salvaged like all broken text. */
  protected reportComprehension(): void {
    let k = 2;
    for (let depth = 1; depth > 0; k++) {
      const { tokenType } = this.LA(k);
      if (openers.has(tokenType)) depth++;
      else if (closers.has(tokenType)) depth--;
    }
    const last = this.LA(k - 1);
    const span = { ...this.spanOf(this.LA(1)), end: endOf(last) - this.base };
    this.reportHabit('unexpected-token', span, noLoops, loopRemedy);
  }

  /** `f"…"` and the like, whose letter was read. */
  protected prefixedString(letter: IToken): Expr {
    this.SKIP_TOKEN();
    const span = this.since(letter.startOffset - this.base);
    const remedy = 'Strings are values of attributes only, written "…" as they are: name="…" in a call.';
    this.reportHabit(
      'expected-expression',
      span,
      `Expected an expression, found a string behind “${letter.image}”.`,
      remedy,
    );
    return { kind: 'missing', span };
  }

  // ---------------------------------------------------------------------------------------------- chains

  /** `node[…]`; undefined where no bracket follows. */
  protected subscript(node: Expr): Expr | undefined {
    const open = this.LA(1);
    if (open.tokenType !== t.LSquare || node.kind === 'int' || node.kind === 'float') return undefined;
    const start = this.here();
    this.SKIP_TOKEN();
    const parts = this.LA(1).tokenType === t.RSquare ? [] : this.salvage(this.LA(1));
    while (this.LA(1).tokenType !== t.RSquare && !this.atEnd()) this.SKIP_TOKEN();
    const closed = this.LA(1).tokenType === t.RSquare && !isVirtual(this.LA(1));
    if (!this.atEnd()) this.SKIP_TOKEN();
    // Of a bracket that is not closed was told already.
    if (closed) this.reportSubscript(node, { anchor: this.anchor, start, end: this.previousEnd() });
    return { kind: 'missing', span: this.since(node.span.start), parts: [node, ...parts] };
  }

  private reportSubscript(node: Expr, span: Diagnostic['span']): void {
    const inside = this.text.slice(this.base + span.start + 1, this.base + span.end - 1);
    const rewriting = sliceOf(inside);
    const remedy = inside.includes(':')
      ? `Write ${rewriting ? `strided_slice(…${rewriting}` : 'strided_slice(…, begin=[…], end=[…], strides=[…], axes=[…])'}.`
      : 'A field of a tuple is %p.0, an element of a tensor take(%x, 0, axis=0).';
    const shown = `There are no ${inside.includes(':') ? 'slices' : 'subscripts'} in square brackets.`;
    const edits = [
      { span: { ...node.span, end: node.span.start }, newText: 'strided_slice(' },
      { span, newText: rewriting ?? '' },
    ];
    const fix = rewriting === undefined ? undefined : { title: 'Write strided_slice(…)', edits, preferred: true };
    this.reportHabit('unexpected-token', span, shown, remedy, fix);
  }

  /** `.name(…)` behind a value, and what of that kind follows; the point and the name were read. */
  protected methods(node: Expr, name: IToken): Expr {
    const isCall = this.LA(1).tokenType === t.LParen;
    const shown = name.image;
    const message = isCall
      ? `Values have no methods: found “.${shown}(…)”.`
      : `Values have no named fields: found “.${shown}”.`;
    const remedy = isCall
      ? `Write the operator before its arguments: ${shown}(…).`
      : 'The fields of a tuple have numbers, such as %t.0; what is computed of a tensor is a call.';
    this.reportHabit('expected-field', this.spanOf(name), message, remedy);
    const parts = [node];
    while (this.LA(1).tokenType === t.LParen || this.LA(1).tokenType === t.Dot) {
      if (this.LA(1).tokenType === t.LParen) {
        this.SKIP_TOKEN();
        if (this.LA(1).tokenType !== t.RParen) for (const part of this.salvage(this.LA(1))) parts.push(part);
        while (this.LA(1).tokenType !== t.RParen && !this.atEnd()) this.SKIP_TOKEN();
        if (!this.atEnd()) this.SKIP_TOKEN();
      } else if (this.LA(2).tokenType === t.Identifier) for (let i = 0; i < 2; i++) this.SKIP_TOKEN();
      else break;
    }
    return { kind: 'missing', span: this.since(node.span.start), parts };
  }
}

const openers = new Set<TokenType>([t.LParen, t.LSquare, t.LBrace]);
const closers = new Set<TokenType>([t.RParen, t.RSquare, t.RBrace]);

/** What is said of loops of any kind. */
export const noLoops = 'There are no loops in Relay.';
export const loopRemedy = 'Write one operator over whole tensors, or a function that calls itself.';

function blockOf(result: Expr): Block {
  return { kind: 'block', span: result.span, braces: false, statements: [], result };
}

/** `, begin=[…], end=[…])` for `0:2, 1:3`; undefined where an end is open or a position is no number. */
function sliceOf(inside: string): string | undefined {
  const items = inside.split(',').map((item) => /^\s*(-?\d*)\s*:\s*(-?\d*)\s*(?::\s*(\d*)\s*)?$/.exec(item));
  const axes: number[] = [];
  const begin: string[] = [];
  const end: string[] = [];
  const steps: string[] = [];
  for (const [axis, item] of items.entries()) {
    const [, from = '', to = '', step = ''] = item ?? [];
    if (!item) return undefined;
    if (from === '' && to === '' && step === '') continue;
    if (to === '') return undefined;
    axes.push(axis);
    begin.push(from || '0');
    end.push(to);
    steps.push(step || '1');
  }
  if (axes.length === 0) return undefined;
  const list = (values: readonly (string | number)[]): string => `[${values.join(', ')}]`;
  return `, begin=${list(begin)}, end=${list(end)}, strides=${list(steps)}, axes=${list(axes)})`;
}
