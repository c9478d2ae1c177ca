/**
 * Balances brackets before parsing. The grammar only ever sees matching brackets, so that one forgotten `)` costs one
 * statement and not the rest of the file. Where everything matches nothing is touched.
 *
 * Closers are matched by a stack; `}` outranks `)` and `]`. A `(` or `[` without partner is closed where its
 * statement ends; a `{` without partner by indentation.
 */
import type { IToken, TokenType } from 'chevrotain';
import { endOf } from './lexer.ts';
import { startsOperand } from './expression-grammar.ts';
import { Layout } from './layout.ts';
import { quote } from './messages.ts';
import { reopen } from './reopen.ts';
import { repairStretches } from './stretches.ts';
import * as t from './vocabulary.ts';

/** A diagnostic before its chunk has an anchor: offsets are those of the tokens. */
export interface RawIssue {
  readonly code: string;
  readonly start: number;
  readonly end: number;
  readonly message: string;
  readonly remedy: string;
  /** Replacement of the stretch that repairs it. */
  readonly fix?: { readonly title: string; readonly newText: string };
  readonly related?: { readonly start: number; readonly end: number; readonly message: string };
}

export interface Repaired {
  readonly tokens: IToken[];
  readonly issues: readonly RawIssue[];
  /** Whether a `{` or `}` was repaired, so that other statements may be affected. */
  readonly braces: boolean;
}

const closerOf = new Map<TokenType, TokenType>([
  [t.LParen, t.RParen],
  [t.LSquare, t.RSquare],
  [t.LBrace, t.RBrace],
]);
const openerOf = new Map<TokenType, TokenType>([
  [t.RParen, t.LParen],
  [t.RSquare, t.LSquare],
  [t.RBrace, t.LBrace],
]);
const spelling = new Map<TokenType, string>([
  [t.RParen, ')'],
  [t.RSquare, ']'],
  [t.RBrace, '}'],
]);
/** A token of zero length that stands for what is missing. */
export function virtualToken(type: TokenType, offset: number): IToken {
  return { image: '', startOffset: offset, tokenTypeIdx: type.tokenTypeIdx ?? 0, tokenType: type };
}

/** Whether a virtual token was inserted by `repair`. */
export function isVirtual(token: IToken): boolean {
  return token.image === '';
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

/** Says that a bracket has no partner. */
export function strayIssue(token: IToken): RawIssue {
  const shown = quote(token.image);
  const opens = closerOf.has(token.tokenType);
  return {
    code: 'unmatched-bracket',
    start: token.startOffset,
    end: endOf(token),
    message: opens ? `The ${shown} opens nothing here.` : `Nothing is open that ${shown} could close.`,
    remedy: `Remove ${shown}, or add its ${opens ? 'closing' : 'opening'} partner.`,
    fix: { title: `Remove ${shown}`, newText: '' },
  };
}

interface Matching {
  readonly clean: boolean;
  readonly braces: boolean;
  /** Openers without partner, and closers without. */
  readonly lonely: ReadonlySet<number>;
}

/** Finds the brackets without partner; with a layout, indentation decides which brace belongs to which. */
function match(tokens: readonly IToken[], layout?: Layout): Matching {
  const stack: number[] = [];
  /** Depths in `stack` where braces stand. */
  const braceDepths: number[] = [];
  const lonely = new Set<number>();
  let braces = false;
  const kind = (i: number | undefined): TokenType | undefined => (i === undefined ? i : tokens[i]?.tokenType);
  const pop = (): number => {
    if (braceDepths[braceDepths.length - 1] === stack.length - 1) braceDepths.pop();
    return stack.pop() as number;
  };
  const popTo = (depth: number): void => {
    while (stack.length > depth) {
      const i = pop();
      lonely.add(i);
      if (kind(i) === t.LBrace) braces = true;
    }
  };
  const lastBrace = layout ? tokens.findLastIndex((x) => x.tokenType === t.RBrace) : -1;
  for (let i = 0; i < tokens.length; i++) {
    const type = (tokens[i] as IToken).tokenType;
    if (closerOf.has(type)) {
      if (type === t.LBrace) braceDepths.push(stack.length);
      stack.push(i);
      continue;
    }
    const opener = openerOf.get(type);
    if (opener === undefined) continue;
    if (kind(stack[stack.length - 1]) === opener && (layout === undefined || type !== t.RBrace)) {
      pop();
      continue;
    }
    const depth =
      type !== t.RBrace
        ? find(opener)
        : layout
          ? braceByLayout(tokens, stack, braceDepths, i, layout, lastBrace)
          : (braceDepths[braceDepths.length - 1] ?? -1);
    if (depth < 0) {
      lonely.add(i);
      if (type === t.RBrace) braces = true;
    } else {
      popTo(depth + 1);
      pop();
    }
  }
  popTo(0);
  return { clean: lonely.size === 0, braces, lonely };

  /** The innermost `(` or `[` of the block, not too far out. */
  function find(opener: TokenType): number {
    const inner = Math.max(braceDepths[braceDepths.length - 1] ?? -1, stack.length - maximumReach);
    for (let d = stack.length - 1; d > inner; d--) if (kind(stack[d]) === opener) return d;
    return -1;
  }
}

/** How many open brackets are looked through for a partner; bounds the time that hopeless texts take. */
const maximumReach = 100;

/** Depth in `stack` of the brace that the `}` at `i` closes, by indentation; −1 when it closes none. */
function braceByLayout(
  tokens: readonly IToken[],
  stack: readonly number[],
  braceDepths: readonly number[],
  i: number,
  layout: Layout,
  lastBrace: number,
): number {
  const open = braceDepths.slice(-maximumReach).reverse();
  const top = open[0];
  if (top === undefined) return -1;
  const at = (d: number): number => (tokens[stack[d] as number] as IToken).startOffset;
  const closer = (tokens[i] as IToken).startOffset;
  if (!layout.isFirstOnLine(closer)) {
    if (layout.sameLine(at(top), closer)) return top;
    // A brace at the end of a line closes the innermost block, but the outermost only as the last brace of all.
    return open.length > 1 || i === lastBrace ? top : -1;
  }
  const column = layout.indentation(closer);
  const exact = open.find((d) => layout.indentation(at(d)) === column);
  if (exact !== undefined) return exact;
  return layout.indentation(at(top)) < column && open.length === 1 && i !== lastBrace ? -1 : top;
}

const starters = new Set<TokenType>([t.Let, t.GraphBinder, t.FreeVar]);
const beforeStarter = new Set<TokenType>([
  t.Let,
  t.Semicolon,
  t.LBrace,
  t.LParen,
  t.Comma,
  t.Assign,
  t.FatArrow,
  t.LSquare,
]);

/** Whether the token at `i` starts a statement without a semicolon before it. */
function needsSemicolon(tokens: readonly IToken[], i: number, previous: IToken | undefined): boolean {
  const token = tokens[i] as IToken;
  if (!starters.has(token.tokenType)) return false;
  if (previous === undefined || beforeStarter.has(previous.tokenType)) return false;
  return token.tokenType === t.GraphBinder || tokens[i + 1]?.tokenType === t.Local;
}

function lacksSemicolon(tokens: readonly IToken[]): boolean {
  // Whether the statement of each open brace binds a name and has not ended yet.
  const binds: boolean[] = [];
  let bound = false;
  for (let i = 0; i < tokens.length; i++) {
    const { tokenType } = tokens[i] as IToken;
    if (i > 0 && needsSemicolon(tokens, i, tokens[i - 1])) return true;
    if (bound && besideOperand(tokens, i)) return true;
    if (tokenType === t.Semicolon) bound = false;
    else if (bindsAt(tokens, i)) bound = true;
    else if (tokenType === t.LBrace) {
      binds.push(bound);
      bound = false;
    } else if (tokenType === t.RBrace) {
      if (bound) return true;
      bound = binds.pop() ?? false;
    }
  }
  return bound;
}

/** Whether two operands stand side by side before token `i`, where the second cannot be an argument list. */
function besideOperand(tokens: readonly IToken[], i: number): boolean {
  const { tokenType } = tokens[i] as IToken;
  const previous = tokens[i - 1];
  if (tokenType === t.LParen || previous === undefined) return false;
  return anotherOperand.has(tokenType) && endsOperand.has(previous.tokenType);
}

/** Whether a binding starts at token `i`; its `let` may have been forgotten. */
function bindsAt(tokens: readonly IToken[], i: number): boolean {
  const { tokenType } = tokens[i] as IToken;
  return starters.has(tokenType) || (tokenType === t.Local && tokens[i + 1]?.tokenType === t.Assign);
}

/** Token types that end an operand, and those that start one where no operator stands between. */
const endsOperand = new Set<TokenType>([
  t.NumberLiteral,
  t.SignedLiteral,
  t.InfLiteral,
  t.Local,
  t.Graph,
  t.Global,
  t.Identifier,
  t.MetaReference,
  t.Boolean,
  t.RParen,
  t.RBrace,
  t.Index,
]);
const anotherOperand = new Set<TokenType>([...startsOperand].filter((type) => type !== t.LBrace));

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

  private endsWithSemicolon(from: number): boolean {
    let depth = 0;
    for (let i = from; i < this.tokens.length; i++) {
      const { tokenType } = this.tokens[i] as IToken;
      if (closerOf.has(tokenType)) depth++;
      else if (openerOf.has(tokenType) && --depth < 0) return false;
      else if (depth === 0 && (tokenType === t.Semicolon || starters.has(tokenType))) return true;
    }
    return false;
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
