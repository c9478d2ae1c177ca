/**
 * Balances brackets before parsing. The grammar only ever sees matching brackets, so that one forgotten `)` costs one
 * statement and not the rest of the file. Where everything matches nothing is touched. A `(` or `[` without partner is
 * closed where its statement ends; a `{` without partner by indentation.
 */
import type { IToken, TokenType } from 'chevrotain';
import { closerOf, match, openerOf, spelling, strayIssue, virtualToken } from './brackets.ts';
import type { Matching, RawIssue } from './brackets.ts';
import { endOf } from './lexer.ts';
import { Layout } from './layout.ts';
import { quote } from './messages.ts';
import { reopen } from './reopen.ts';
import { anotherOperand, bindsAt, endsOperand, lacksSemicolon, needsSemicolon, starters } from './semicolons.ts';
import { repairStretches } from './stretches.ts';
import * as t from './vocabulary.ts';

export interface Repaired {
  readonly tokens: IToken[];
  readonly issues: readonly RawIssue[];
  /** Whether a `{` or `}` was repaired, so that other statements may be affected. */
  readonly braces: boolean;
}

/** Repairs the tokens of one definition, one statement or one expression file. */
export function repair(tokens: IToken[], text: string): Repaired {
  const matching = match(tokens);
  if (matching.clean && !lacksSemicolon(tokens)) return { tokens, issues: [], braces: false };
  const layout = new Layout(text);
  const count = (list: readonly IToken[]): number => match(list).lonely.size;
  const braced = matching.braces ? withoutStrayBrace(tokens, matching.lonely.size, count) : undefined;
  const own = braced?.tokens ?? tokens;
  const before = braced ? match(own) : matching;
  const stretched = repairStretches(own, before.lonely, count);
  const reopened = stretched.tokens === own ? reopen(own, before.lonely) : stretched;
  const again = reopened.tokens === own ? before : match(reopened.tokens);
  const final = again.braces ? match(reopened.tokens, layout) : again;
  const { issues, ...rest } = new Repair(reopened.tokens, layout, final).run(matching.braces);
  const extra = [...(braced?.issues ?? []), ...reopened.issues];
  return {
    ...rest,
    issues: extra.length > 0 ? [...extra, ...issues].sort((x, y) => x.start - y.start || x.end - y.end) : issues,
  };
}

/** What a `{` may follow. */
const beforeBrace = new Set<TokenType>([
  t.RParen,
  t.RSquare,
  t.Identifier,
  t.Underscore,
  t.Else,
  t.FatArrow,
  t.Assign,
  t.Semicolon,
  t.LBrace,
  t.RBrace,
  t.Local,
  t.Graph,
  t.Index,
]);

/** The tokens without a `{` that stands where none can, when all brackets but it find their partners. */
function withoutStrayBrace(
  tokens: readonly IToken[],
  lonely: number,
  count: (tokens: readonly IToken[]) => number,
): { readonly tokens: IToken[]; readonly issues: readonly RawIssue[] } | undefined {
  let tries = 0;
  for (let i = 1; i < tokens.length && tries < 6; i++) {
    const token = tokens[i] as IToken;
    if (token.tokenType !== t.LBrace || beforeBrace.has((tokens[i - 1] as IToken).tokenType)) continue;
    tries++;
    const without = [...tokens.slice(0, i), ...tokens.slice(i + 1)];
    if (count(without) < lonely) return { tokens: without, issues: [strayIssue(token)] };
  }
  return undefined;
}

interface Open {
  readonly index: number;
  readonly type: TokenType;
  readonly lonely: boolean;
  /** `fn`, `if`, `else`, `match` seen inside whose block is still to come. */
  pending: number;
  commas: number;
  /** Whether the statement inside binds a name and has not ended yet. */
  binds: boolean;
}

/** More than these nobody reads. */
const maximumIssues = 1000;

/** One pass that inserts what is missing and drops what is too much. */
class Repair {
  private readonly tokens: readonly IToken[];
  private readonly layout: Layout;
  private readonly lonely: ReadonlySet<number>;
  private readonly output: IToken[] = [];
  private readonly issues: RawIssue[] = [];
  private readonly open: Open[] = [];
  private readonly endings = new Map<number, boolean>();
  private lastIssue = -1;
  /** The same outside of all brackets. */
  private binds = false;

  constructor(tokens: readonly IToken[], layout: Layout, matching: Matching) {
    this.tokens = tokens;
    this.layout = layout;
    this.lonely = matching.lonely;
  }

  run(braces: boolean): Repaired {
    for (let i = 0; i < this.tokens.length; i++) this.step(i, this.tokens[i] as IToken);
    while (this.open.length > 0) this.close(this.tokens.length);
    return { tokens: this.output, issues: this.issues, braces };
  }

  private step(i: number, token: IToken): void {
    const type = token.tokenType;
    let top = this.top();
    while (top && top.lonely && this.endsHere(top, i)) {
      this.close(i);
      top = this.top();
    }
    const previous = this.output[this.output.length - 1];
    if (needsSemicolon(this.tokens, i, previous) || this.startsResult(i)) this.insertSemicolon(i);
    else if (this.isIn(i)) {
      this.replaceIn(i, token);
      return;
    }
    if (type === t.Semicolon || bindsAt(this.tokens, i)) this.trackBinding(type);
    if (openerOf.has(type)) {
      if (this.lonely.has(i)) {
        this.dropCloser(token);
        return;
      }
      while (this.top()?.lonely) this.close(i);
      this.open.pop();
    } else if (closerOf.has(type)) {
      if (type === t.LBrace && top && top.pending > 0) top.pending--;
      this.open.push({ index: i, type, lonely: this.lonely.has(i), pending: 0, commas: 0, binds: false });
    } else if (top) {
      if (type === t.Comma) top.commas++;
      else if (type === t.Fn || type === t.If || type === t.Else || type === t.Match || type === t.PartialMatch)
        top.pending++;
    }
    this.output.push(token);
  }

  /** Whether the statement of the innermost braces binds a name. */
  private bindsName(): boolean {
    const top = this.top();
    return top ? top.type === t.LBrace && top.binds : this.binds;
  }

  private trackBinding(type: TokenType): void {
    const top = this.top();
    if (!top) this.binds = type !== t.Semicolon;
    else top.binds = type !== t.Semicolon;
  }

  /** Whether the block's value starts here, on a line of its own, behind a binding without its semicolon. */
  private startsResult(i: number): boolean {
    const token = this.tokens[i] as IToken;
    if (!anotherOperand.has(token.tokenType) || !this.bindsName()) return false;
    const previous = this.output[this.output.length - 1];
    if (!previous || !endsOperand.has(previous.tokenType) || !this.layout.isFirstOnLine(token.startOffset))
      return false;
    // A call may go on in the next line, but not when nothing ends the statement behind it.
    return token.tokenType !== t.LParen || !this.endsWithSemicolon(i);
  }

  /** Whether a semicolon or another statement follows the token at `from` before its block ends. */
  private endsWithSemicolon(from: number): boolean {
    const known = this.endings.get(from);
    if (known !== undefined) return known;
    // The answer is the same from every token outside of brackets on the way: each stretch is walked once.
    const passed: number[] = [];
    let ends = false;
    for (let i = from, depth = 0; i < this.tokens.length; i++) {
      if (depth === 0) passed.push(i);
      const { tokenType } = this.tokens[i] as IToken;
      if (closerOf.has(tokenType)) depth++;
      else if (openerOf.has(tokenType) && --depth < 0) break;
      else if (depth === 0 && (tokenType === t.Semicolon || starters.has(tokenType))) {
        ends = true;
        break;
      }
    }
    for (const i of passed) this.endings.set(i, ends);
    return ends;
  }

  /** `let %x = 1 in %x`, as other languages write it. */
  private isIn(i: number): boolean {
    const token = this.tokens[i] as IToken;
    const previous = this.output[this.output.length - 1];
    if (token.image !== 'in' || !previous || !endsOperand.has(previous.tokenType) || !this.bindsName()) return false;
    const next = this.tokens[i + 1]?.tokenType;
    return next !== undefined && (anotherOperand.has(next) || starters.has(next)) && next !== t.LParen;
  }

  private replaceIn(i: number, token: IToken): void {
    const previous = this.tokens[i - 1] as IToken;
    const start = endOf(previous);
    this.trackBinding(t.Semicolon);
    this.output.push(virtualToken(t.Semicolon, start));
    this.issue(i, {
      code: 'missing-semicolon',
      start: token.startOffset,
      end: endOf(token),
      message: 'Expected “;” after the binding, found “in”.',
      remedy: 'Write “;” instead of “in”.',
      fix: { title: 'Write “;”', newText: ';' },
    });
  }

  private top(): Open | undefined {
    return this.open[this.open.length - 1];
  }

  /** Whether the group without partner ends before the token at `i`. */
  private endsHere(group: Open, i: number): boolean {
    const token = this.tokens[i] as IToken;
    const type = token.tokenType;
    if (group.type === t.LBrace) {
      if (openerOf.has(type) || !this.layout.isFirstOnLine(token.startOffset)) return false;
      const opener = this.tokens[group.index] as IToken;
      return this.layout.indentation(token.startOffset) <= this.layout.indentation(opener.startOffset);
    }
    if (
      type === t.Semicolon ||
      (needsSemicolon(this.tokens, i, this.tokens[i - 1]) && this.layout.isFirstOnLine(token.startOffset))
    )
      return true;
    if (type === t.LBrace) return group.pending === 0 && this.tokens[i - 1]?.tokenType !== t.Local;
    if (type === t.Arrow || type === t.FatArrow) return group.pending === 0;
    if (group.type === t.LSquare) {
      if (type === t.Assign || type === t.AttributeKey) return true;
      if (type !== t.Comma) return false;
      if (this.tokens[i + 1]?.tokenType === t.AttributeKey) return true;
      return group.commas > 0 && this.tokens[group.index - 1]?.tokenType === t.TensorName;
    }
    return false;
  }

  private close(i: number): void {
    const group = this.open.pop();
    if (!group) return;
    const opener = this.tokens[group.index] as IToken;
    const closer = closerOf.get(group.type) as TokenType;
    const previous = this.tokens[i - 1] as IToken;
    const at = endOf(previous);
    this.output.push(virtualToken(closer, at));
    const text = spelling.get(closer) ?? '';
    this.issue(i, {
      code: 'unclosed-bracket',
      start: at,
      end: at,
      message: `Expected “${text}” to close the “${opener.image}”.`,
      remedy: `Insert “${text}”.`,
      fix: { title: `Insert “${text}”`, newText: text },
      related: { start: opener.startOffset, end: endOf(opener), message: `The “${opener.image}” opens here.` },
    });
  }

  private dropCloser(token: IToken): void {
    if (this.issues.length < maximumIssues) this.issues.push(strayIssue(token));
  }

  private insertSemicolon(i: number): void {
    const at = endOf(this.tokens[i - 1] as IToken);
    this.trackBinding(t.Semicolon);
    this.output.push(virtualToken(t.Semicolon, at));
    this.issue(i, {
      code: 'missing-semicolon',
      start: at,
      end: at,
      message: `Expected “;” before the next statement, found ${quote((this.tokens[i] as IToken).image)}.`,
      remedy: 'Insert a semicolon.',
      fix: { title: 'Insert “;”', newText: ';' },
    });
  }

  /** One issue a place: what follows from the first is not said. */
  private issue(i: number, issue: RawIssue): void {
    if (this.lastIssue !== i && this.issues.length < maximumIssues) this.issues.push(issue);
    this.lastIssue = i;
  }
}
