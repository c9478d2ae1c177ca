/**
 * Definitions whose keyword was forgotten or misspelt: `@main(%x: T) { … }`, `fn @main() { … }`, `List[A] { … }`. A call is
 * never followed by `{` or `->`, so nothing else can be meant. They get a virtual `def` or `type`, or their first word
 * is taken for one.
 */
import type { IToken, TokenType } from 'chevrotain';
import { retype } from './classify.ts';
import { endOf } from './lexer.ts';
import { virtualToken } from './brackets.ts';
import * as t from './vocabulary.ts';

const openers = new Set<TokenType>([t.LParen, t.LSquare, t.LBrace]);
const closers = new Set<TokenType>([t.RParen, t.RSquare, t.RBrace]);
/** What may stand before a name without belonging to another construct. */
const words = new Set<TokenType>([
  t.Identifier,
  t.Fn,
  t.Type,
  t.Extern,
  t.Let,
  t.FreeVar,
  t.If,
  t.Else,
  t.Ref,
  t.RefRead,
  t.RefWrite,
  t.TensorName,
  t.Underscore,
]);

/** The tokens with their headless definitions marked; the same array where there are none. */
export function markHeadless(tokens: IToken[], text: string): IToken[] {
  const ends = new GroupEnds(tokens);
  const places: { readonly at: number; readonly type: TokenType }[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as IToken;
    const type = token.tokenType;
    if (type !== t.Global && type !== t.Identifier) continue;
    if (type === t.Identifier && tokens[i - 1]?.tokenType === t.Fn) {
      if (startsLine(text, (tokens[i - 1] as IToken).startOffset) && functionFollows(tokens, ends, i + 1))
        retype(tokens[i - 1] as IToken, t.Def);
      continue;
    }
    const keyword = type === t.Global ? t.Def : t.Type;
    if (tokens[i - 1]?.tokenType === keyword) continue;
    const word = wordBefore(tokens, i);
    const previous = tokens[word ? i - 2 : i - 1]?.tokenType;
    // In `match @f(%x) { … }` a call is followed by a brace.
    if (previous === t.Match || previous === t.PartialMatch) continue;
    if (type === t.Identifier && previous !== undefined && previous !== t.RBrace) continue;
    if (!startsLine(text, (word ?? token).startOffset)) continue;
    if (!(type === t.Global ? functionFollows(tokens, ends, i + 1) : typeFollows(tokens, ends, i))) continue;
    if (word) retype(word, keyword);
    else places.push({ at: i, type: keyword });
  }
  return places.length === 0 ? tokens : withHeads(tokens, places);
}

function withHeads(tokens: readonly IToken[], places: readonly { at: number; type: TokenType }[]): IToken[] {
  const all: IToken[] = [];
  let from = 0;
  for (const { at, type } of places) {
    for (; from < at; from++) all.push(tokens[from] as IToken);
    all.push(virtualToken(type, (tokens[at] as IToken).startOffset));
  }
  for (; from < tokens.length; from++) all.push(tokens[from] as IToken);
  return all;
}

const keywords = /^(?:def|type|extern|import)$/;

/** Whether a token that starts a definition is none of the words for it. */
export function isGuessed(token: IToken): boolean {
  return heads.has(token.tokenType) && !keywords.test(token.image);
}

const heads = new Set<TokenType>([t.Def, t.Type, t.Extern, t.Import]);

/** Whether only blanks stand before `offset` on its line. */
export function startsLine(text: string, offset: number): boolean {
  for (let i = offset - 1; i >= 0; i--) {
    const c = text.charCodeAt(i);
    if (c === 10 || c === 13) return true;
    if (c !== 32 && c !== 9) return false;
  }
  return true;
}

/** A word right before, that was written for the keyword. */
function wordBefore(tokens: readonly IToken[], i: number): IToken | undefined {
  const word = tokens[i - 1];
  return word && words.has(word.tokenType) && endOf(word) + 1 === tokens[i]?.startOffset ? word : undefined;
}

/** `( … ) {` or `( … ) ->`, perhaps behind type parameters. */
function functionFollows(tokens: readonly IToken[], ends: GroupEnds, from: number): boolean {
  let at = from;
  if (tokens[at]?.tokenType === t.LSquare) at = ends.behind(at);
  if (tokens[at]?.tokenType !== t.LParen) return false;
  const next = tokens[ends.behind(at)]?.tokenType;
  return next === t.LBrace || next === t.Arrow;
}

/** `Name {` or `Name[A] {` with constructors. */
function typeFollows(tokens: readonly IToken[], ends: GroupEnds, at: number): boolean {
  const next = tokens[at + 1]?.tokenType === t.LSquare ? ends.behind(at + 1) : at + 1;
  if (tokens[next]?.tokenType !== t.LBrace || tokens[next + 1]?.tokenType !== t.Identifier) return false;
  const behind = tokens[next + 2]?.tokenType;
  return behind === t.LParen || behind === t.Comma || behind === t.RBrace;
}

/** Where groups of `(` and `[` end that hold no braces and no semicolons, found in one pass when first asked for. */
class GroupEnds {
  private readonly tokens: readonly IToken[];
  private ends: Map<number, number> | undefined;

  constructor(tokens: readonly IToken[]) {
    this.tokens = tokens;
  }

  /** Index behind the group that opens at `open`; that of the end where there is no such group. */
  behind(open: number): number {
    return (this.ends ??= this.find()).get(open) ?? this.tokens.length;
  }

  private find(): Map<number, number> {
    const ends = new Map<number, number>();
    let stack: number[] = [];
    this.tokens.forEach(({ tokenType }, i) => {
      if (tokenType === t.LBrace || tokenType === t.RBrace || tokenType === t.Semicolon) stack = [];
      else if (openers.has(tokenType)) stack.push(i);
      else if (closers.has(tokenType)) {
        const open = stack.pop();
        if (open !== undefined) ends.set(open, i + 1);
      }
    });
    return ends;
  }
}
