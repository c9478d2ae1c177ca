/**
 * Statements that other languages have and Relay has not: loops, `print(…)`, `assert`. Each is told of once; what it
 * binds keeps its names, of unknown type.
 */
import type { IToken } from 'chevrotain';
import { DestructuringGrammar } from './destructuring-grammar.ts';
import { startsOperand } from './expression-grammar.ts';
import { loopRemedy, noLoops } from './foreign-grammar.ts';
import { blockWords } from './foreign-tokens.ts';
import { quote } from './messages.ts';
import type { Statement, VarPattern } from './tree.ts';
import * as t from './vocabulary.ts';

export abstract class ForeignStatements extends DestructuringGrammar {
  private lastForeign: IToken | undefined;

  /** A statement that starts with a word which has no meaning here; undefined for any other. */
  protected foreignStatement(start: number): Statement | undefined {
    const word = this.LA(1);
    if (word.tokenType !== t.Identifier) return undefined;
    const next = this.LA(2);
    const ends = Number.isNaN(next.startOffset) || next.tokenType === t.Semicolon || next.tokenType === t.RBrace;
    const block = blockWords.has(word.image) && (next.tokenType === t.LBrace || startsOperand.has(next.tokenType));
    const remedy = lineWords.get(word.image);
    const line = remedy !== undefined && (ends ? !valueWords.has(word.image) : startsOperand.has(next.tokenType));
    if (!block && !line) return undefined;
    const from = this.input.indexOf(word);
    this.SKIP_TOKEN();
    const parts = this.salvage(word, t.Semicolon);
    const to = this.atEnd() ? this.input.length : this.input.indexOf(this.LA(1));
    const closed = this.LA(1).tokenType === t.Semicolon;
    if (closed) this.SKIP_TOKEN();
    const span = this.since(start);
    const removal = {
      ...span,
      end: span.end + (/^[ \t]*/.exec(this.text.slice(this.base + span.end))?.[0].length ?? 0),
    };
    const fix =
      closed && removable.has(word.image)
        ? { title: `Remove ${quote(word.image)}`, edits: [{ span: removal, newText: '' }], preferred: true }
        : undefined;
    const message = block && loops.has(word.image) ? noLoops : `There is no ${quote(word.image)} in Relay.`;
    const how = remedy ?? blockRemedies.get(word.image) ?? loopRemedy;
    this.reportHabit('foreign-statement', this.spanOf(word), message, how, fix);
    this.lastForeign = this.LA(0);
    const value = { kind: 'missing', span, parts } as const;
    const fields = this.boundWithin(from, to);
    if (fields.length === 0) return { kind: 'sequence', span, value };
    const pattern = { kind: 'tuplepattern', span: this.emptySpan(start), fields } as const;
    return { kind: 'let', span, name: { text: '', span: this.emptySpan(start) }, pattern, type: undefined, value };
  }

  /** Whether the last statement was one that has no meaning here, so that no value can be asked for. */
  protected afterForeign(): boolean {
    return this.lastForeign !== undefined && this.LA(0) === this.lastForeign;
  }

  /** The names that are bound between two tokens, outside of parentheses. */
  private boundWithin(from: number, to: number): readonly VarPattern[] {
    const found = new Map<string, VarPattern>();
    let depth = 0;
    for (let i = from; i < to; i++) {
      const token = this.input[i] as IToken;
      const type = token.tokenType;
      if (type === t.LParen || type === t.LSquare) depth++;
      else if (type === t.RParen || type === t.RSquare) depth--;
      if (depth > 0 || (type !== t.Local && type !== t.AttributeKey)) continue;
      const next = this.input[i + 1]?.tokenType;
      const loop = this.input[i + 1]?.image === 'in' && this.input[i - 1]?.image === 'for';
      if (next !== t.Assign && this.input[i - 1]?.tokenType !== t.Let && !loop) continue;
      const name = this.nameOf(token, 1);
      if (!found.has(name.text)) found.set(name.text, { kind: 'varpattern', span: name.span, name, type: undefined });
    }
    return [...found.values()];
  }
}

const loops: ReadonlySet<string> = new Set(['for', 'while', 'do']);
const blockRemedies: ReadonlyMap<string, string> = new Map([
  ['switch', 'Write match (value) { pattern => result, … }, or if (…) { … } else { … }.'],
  ['try', 'Remove it: programs raise no exceptions.'],
]);
const whole = 'Remove it: a program computes one value and does nothing besides.';
const value = 'Write the value last, without a word before it.';
const flow = 'Write if (…) { … } else { … } with both values: nothing leaves a computation early.';
/** What to do about words that start a statement of one line. */
const lineWords: ReadonlyMap<string, string> = new Map([
  ['print', whole],
  ['assert', whole],
  ['pass', whole],
  ['del', whole],
  ['yield', value],
  ['break', flow],
  ['continue', flow],
  ['raise', flow],
  ['throw', flow],
]);
/** Those that mean nothing without a value behind them. */
const valueWords: ReadonlySet<string> = new Set(['print', 'assert', 'del', 'yield']);
const removable: ReadonlySet<string> = new Set(['print', 'assert', 'pass', 'del']);
