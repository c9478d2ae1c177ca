/**
 * Functions and loops of other languages as tokens, before anything is parsed: `lambda x: x + 1` and `x => x + 1` get the
 * signs of the function that was meant, and a loop gets braces and a semicolon, so that it is one statement.
 */
import type { IToken, TokenType } from 'chevrotain';
import { virtualToken, type RawIssue } from './brackets.ts';
import { retype } from './classify.ts';
import { Layout } from './layout.ts';
import { endOf } from './lexer.ts';
import * as t from './vocabulary.ts';

const openers = new Set<TokenType>([t.LParen, t.LSquare, t.LBrace]);
const closers = new Set<TokenType>([t.RParen, t.RSquare, t.RBrace]);

/** Index of the bracket that closes the one at `open`; the number of tokens where none does. */
function partner(tokens: readonly IToken[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    const { tokenType } = tokens[i] as IToken;
    if (openers.has(tokenType)) depth++;
    else if (closers.has(tokenType) && --depth === 0) return i;
  }
  return tokens.length;
}

/** Tokens to insert, each before the token of that index. */
type Insertions = Map<number, IToken[]>;

function withInsertions(tokens: readonly IToken[], inserted: Insertions, dropped: ReadonlySet<number>): IToken[] {
  const all: IToken[] = [];
  for (let i = 0; i <= tokens.length; i++) {
    const more = inserted.get(i);
    if (more) for (const token of more) all.push(token);
    if (i < tokens.length && !dropped.has(i)) all.push(tokens[i] as IToken);
  }
  return all;
}

// ------------------------------------------------------------------------------------------------ functions

/** Makes `fn (%x) { … }` of functions without it. `retype` changes tokens in place. */
export function mendFunctions(tokens: IToken[]): { readonly tokens: IToken[]; readonly issues: readonly RawIssue[] } {
  const issues: RawIssue[] = [];
  const inserted: Insertions = new Map();
  const dropped = new Set<number>();
  const insert = (at: number, type: TokenType, offset: number, last = false): void => {
    const list = inserted.get(at) ?? [];
    inserted.set(at, last ? [...list, virtualToken(type, offset)] : [virtualToken(type, offset), ...list]);
  };
  const brackets: TokenType[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as IToken;
    const type = token.tokenType;
    if (openers.has(type)) brackets.push(type);
    else if (closers.has(type)) brackets.pop();
    const lambda = type === t.Identifier && token.image === 'lambda' ? lambdaSign(tokens, i) : undefined;
    if (lambda !== undefined) {
      const from = i + 1 === lambda ? endOf(token) : (tokens[i + 1] as IToken).startOffset;
      const offset = (tokens[lambda] as IToken).startOffset;
      const end = valueEnd(tokens, lambda + 1);
      retype(token, t.Fn);
      insert(i + 1, t.LParen, from, true);
      insert(lambda, t.RParen, offset, true);
      retype(tokens[lambda] as IToken, t.LBrace);
      insert(end, t.RBrace, endOf(tokens[end - 1] as IToken));
      issues.push(functionIssue(token, token.startOffset, from, tokens, lambda, end, ''));
      continue;
    }
    if (type === t.FatArrow) {
      const start = arrowStart(tokens, i, brackets[brackets.length - 1]);
      if (start === undefined) continue;
      const first = tokens[start] as IToken;
      const bare = first.tokenType !== t.LParen;
      insert(start, t.Fn, first.startOffset, true);
      if (bare) {
        insert(start, t.LParen, first.startOffset, true);
        insert(i, t.RParen, endOf(first), true);
      }
      if (tokens[i + 1]?.tokenType === t.LBrace) {
        dropped.add(i);
        const fix = {
          title: 'Write fn (…) { … }',
          newText: '',
          also: [{ at: first.startOffset, newText: bare ? 'fn (' : 'fn ' }],
        };
        if (bare) fix.also.push({ at: endOf(first), newText: ')' });
        issues.push({ ...functionText(token, '=>'), fix });
        continue;
      }
      const end = valueEnd(tokens, i + 1);
      retype(token, t.LBrace);
      insert(end, t.RBrace, endOf(tokens[end - 1] as IToken));
      issues.push(functionIssue(token, first.startOffset, first.startOffset, tokens, i, end, bare ? ')' : ''));
      continue;
    }
    if (type === t.Identifier && functionWords.has(token.image) && tokens[i + 1]?.tokenType === t.LParen) {
      const behind = tokens[partner(tokens, i + 1) + 1]?.tokenType;
      if (behind !== t.LBrace && behind !== t.Arrow) continue;
      retype(token, t.Fn);
      issues.push({ ...functionText(token, token.image), fix: { title: 'Write fn', newText: 'fn' } });
    }
  }
  if (issues.length === 0) return { tokens, issues };
  return { tokens: withInsertions(tokens, inserted, dropped), issues };
}

const functionWords = new Set(['function', 'func', 'fun', 'lambda']);

function functionText(token: IToken, found: string): Omit<RawIssue, 'fix'> {
  const message =
    found === '=>' ? 'Expected “fn” before the parameters of a function.' : `Expected “fn”, found “${found}”.`;
  const remedy = 'Write fn (%x) { … } for a function.';
  return { code: 'unexpected-token', start: token.startOffset, end: endOf(token), message, remedy, habit: true };
}

/** The issue of a function whose parameters start at `from`, and whose body stands behind the sign at `sign`. */
function functionIssue(
  word: IToken,
  start: number,
  from: number,
  tokens: readonly IToken[],
  sign: number,
  end: number,
  close: string,
): RawIssue {
  const mark = tokens[sign] as IToken;
  const after = endOf(tokens[end - 1] as IToken);
  const lambda = word.image === 'lambda';
  const also = [
    { at: endOf(tokens[sign - 1] as IToken), end: mark.startOffset, newText: lambda ? ') ' : `${close} ` },
    { at: mark.startOffset, end: endOf(mark), newText: '{' },
    { at: after, newText: ' }' },
  ];
  const newText = lambda ? 'fn (' : close === '' ? 'fn ' : 'fn (';
  const fix = { title: 'Write fn (…) { … }', newText, at: { start, end: from }, also };
  if (lambda && sign > 0 && tokens[sign - 1] === word) also.shift();
  if (lambda && tokens[sign - 1] === word) fix.newText = 'fn () ';
  return { ...functionText(word, word.image), fix };
}

/** The colon of `lambda a, b: …`; undefined for anything else. */
function lambdaSign(tokens: readonly IToken[], word: number): number | undefined {
  for (let i = word + 1; ; i++) {
    const type = tokens[i]?.tokenType;
    if (type === t.Colon) return tokens[i + 1] ? i : undefined;
    if (type !== t.Local && type !== t.Identifier && type !== t.Comma) return undefined;
  }
}

/** Where the parameters before the arrow at `arrow` start, unless it belongs to a match or to a function's head. */
function arrowStart(tokens: readonly IToken[], arrow: number, bracket: TokenType | undefined): number | undefined {
  let start = arrow - 1;
  const last = tokens[start]?.tokenType;
  if (last === t.RParen) {
    for (start--; ; start--) {
      const type = tokens[start]?.tokenType;
      if (type === t.LParen) break;
      if (type !== t.Local && type !== t.Identifier && type !== t.Comma) return undefined;
    }
  } else if (last !== t.Local && last !== t.Identifier) return undefined;
  const before = tokens[start - 1]?.tokenType;
  if (before === t.Assign) return tokens[arrow + 1] ? start : undefined;
  const inParens = bracket === t.LParen && (before === t.LParen || before === t.Comma);
  return inParens && tokens[arrow + 1] ? start : undefined;
}

/** Index behind the value that starts at `from`: that of the comma, semicolon or closer that ends it. */
function valueEnd(tokens: readonly IToken[], from: number): number {
  for (let i = from, depth = 0; i < tokens.length; i++) {
    const { tokenType } = tokens[i] as IToken;
    if (openers.has(tokenType)) depth++;
    else if (closers.has(tokenType) && --depth < 0) return i;
    else if (depth === 0 && (tokenType === t.Semicolon || tokenType === t.Comma)) return i;
  }
  return tokens.length;
}

// ------------------------------------------------------------------------------------------------ loops

/** Words that start statements with a body, and those that continue them. */
export const blockWords: ReadonlySet<string> = new Set(['for', 'while', 'do', 'switch', 'try']);
const continuing = new Set(['while', 'catch', 'except', 'finally']);

/** The tokens with braces around bodies of loops that only indentation sets off, and a semicolon behind each loop. */
export function mendLoops(tokens: IToken[], text: string): IToken[] {
  if (!tokens.some(({ image }) => blockWords.has(image))) return tokens;
  const layout = new Layout(text);
  const inserted: Insertions = new Map();
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as IToken;
    if (token.tokenType !== t.Identifier || !blockWords.has(token.image)) continue;
    if (!startsBlock(tokens[i - 1]) && !layout.isFirstOnLine(token.startOffset)) continue;
    const sign = bodyStart(tokens, i + 1);
    if (sign === undefined) continue;
    let end: number;
    if ((tokens[sign] as IToken).tokenType === t.LBrace) end = bracedEnd(tokens, sign);
    else {
      end = indentedEnd(tokens, i, sign, layout);
      if (end === sign + 1) continue;
      inserted.set(sign + 1, [virtualToken(t.LBrace, endOf(tokens[sign] as IToken))]);
      // Lines end statements, so that what they bind is seen.
      for (let k = sign + 2; k < end; k++)
        if (layout.isFirstOnLine((tokens[k] as IToken).startOffset))
          inserted.set(k, [virtualToken(t.Semicolon, endOf(tokens[k - 1] as IToken))]);
      inserted.set(end, [virtualToken(t.RBrace, endOf(tokens[end - 1] as IToken))]);
    }
    const next = tokens[end]?.tokenType;
    if (next !== undefined && next !== t.Semicolon && !closers.has(next))
      inserted.set(end, [...(inserted.get(end) ?? []), virtualToken(t.Semicolon, endOf(tokens[end - 1] as IToken))]);
    i = end - 1;
  }
  return inserted.size === 0 ? tokens : withInsertions(tokens, inserted, new Set());
}

function startsBlock(before: IToken | undefined): boolean {
  const type = before?.tokenType;
  return type === undefined || type === t.Semicolon || type === t.LBrace || type === t.RBrace;
}

/** The brace or the colon before the body of a statement whose head starts at `from`. */
function bodyStart(tokens: readonly IToken[], from: number): number | undefined {
  for (let i = from, depth = 0; i < tokens.length; i++) {
    const { tokenType } = tokens[i] as IToken;
    if (depth === 0 && (tokenType === t.LBrace || tokenType === t.Colon)) return i;
    if (openers.has(tokenType)) depth++;
    else if (closers.has(tokenType) && --depth < 0) return undefined;
    else if (depth === 0 && (tokenType === t.Semicolon || tokenType === t.Let)) return undefined;
  }
  return undefined;
}

/** Index behind the statement whose body opens at `open`, with the parts that continue it. */
function bracedEnd(tokens: readonly IToken[], open: number): number {
  let end = Math.min(partner(tokens, open) + 1, tokens.length);
  while (continuing.has(tokens[end]?.image ?? '')) {
    let next = end + 1;
    if (tokens[next]?.tokenType === t.LParen) next = partner(tokens, next) + 1;
    if (tokens[next]?.tokenType === t.LBrace) next = partner(tokens, next) + 1;
    end = Math.min(next, tokens.length);
  }
  return end;
}

/** Index behind the body that the lines below the statement at `start` set off, or the rest of its line. */
function indentedEnd(tokens: readonly IToken[], start: number, sign: number, layout: Layout): number {
  const column = layout.indentation((tokens[start] as IToken).startOffset);
  let depth = 0;
  let i = sign + 1;
  for (; i < tokens.length; i++) {
    const { startOffset, tokenType } = tokens[i] as IToken;
    if (depth === 0 && layout.isFirstOnLine(startOffset) && layout.indentation(startOffset) <= column) break;
    if (openers.has(tokenType)) depth++;
    else if (closers.has(tokenType) && --depth < 0) break;
  }
  return i;
}
