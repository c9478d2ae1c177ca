/**
 * Opening brackets that were forgotten. A closer without partner is no mistake of its own when the text before it shows
 * where its opener should stand: `min %x, axis=[0])`, `def @f %x: T) {`, `Tensor[2, 3), float32]`, `%0 = %a, %b);`.
 */
import type { IToken, TokenType } from 'chevrotain';
import { startsOperand } from './expression-grammar.ts';
import { endOf } from './lexer.ts';
import { retype } from './classify.ts';
import { quote } from './messages.ts';
import { virtualToken } from './brackets.ts';
import type { RawIssue } from './brackets.ts';
import * as t from './vocabulary.ts';

export interface Reopened {
  readonly tokens: IToken[];
  readonly issues: readonly RawIssue[];
}

/** How far back an opener is looked for; bounds the time that hopeless texts take. */
const maximumReach = 400;
/** How many openers are put in; more are missing in no program. */
export const maximumCount = 50;

const openers = new Set<TokenType>([t.LParen, t.LSquare, t.LBrace]);
const closers = new Set<TokenType>([t.RParen, t.RSquare, t.RBrace]);

/** Puts virtual openers before those of the `lonely` closers that tell where theirs was forgotten. */
export function reopen(tokens: IToken[], lonely: ReadonlySet<number>): Reopened {
  const places: { readonly at: number; readonly type: TokenType }[] = [];
  const issues: RawIssue[] = [];
  for (const i of [...lonely].sort((a, b) => a - b)) {
    if (places.length >= maximumCount) break;
    const closer = tokens[i] as IToken;
    const type = closer.tokenType === t.RParen ? t.LParen : closer.tokenType === t.RSquare ? t.LSquare : undefined;
    if (type === undefined) continue;
    const place = type === t.LParen ? parenthesis(tokens, i, lonely) : square(tokens, i, lonely);
    if (!place || places.some(({ at }) => at >= place.at)) continue;
    places.push({ at: place.at, type });
    issues.push(openerIssue(tokens, place, type, closer));
  }
  return { tokens: places.length === 0 ? tokens : inserted(tokens, places), issues };
}

/** The tokens with virtual ones of zero length before the given positions, which ascend. */
export function inserted(
  tokens: readonly IToken[],
  places: readonly { readonly at: number; readonly type: TokenType }[],
): IToken[] {
  const all: IToken[] = [];
  let from = 0;
  for (const { at, type } of places) {
    for (; from < at; from++) all.push(tokens[from] as IToken);
    const before = tokens[at - 1];
    const next = tokens[at] as IToken;
    if (type === t.LSquare && before?.image === 'Tensor') retype(before, t.TensorName);
    all.push(virtualToken(type, offsetOf(before, next)));
  }
  for (; from < tokens.length; from++) all.push(tokens[from] as IToken);
  return all;
}

/** Right behind the token before it, unless that is where another statement ends. */
function offsetOf(before: IToken | undefined, next: IToken): number {
  return before && before.tokenType !== t.Semicolon && before.tokenType !== t.LBrace ? endOf(before) : next.startOffset;
}

/** Where an opener belongs: before token `at`. `sure`: nothing else can stand there. */
export interface Place {
  readonly at: number;
  readonly sure: boolean;
}

/** What is said of the missing opener: at its place where that is sure, else at its closer. */
export function openerIssue(tokens: readonly IToken[], { at, sure }: Place, type: TokenType, closer: IToken): RawIssue {
  const text = type === t.LParen ? '(' : '[';
  const closing = quote(closer.image);
  const before = tokens[at - 1];
  const offset = offsetOf(before, tokens[at] as IToken);
  const related = { start: closer.startOffset, end: endOf(closer), message: `This ${closing} has no partner.` };
  if (sure)
    return {
      code: 'unmatched-bracket',
      start: offset,
      end: offset,
      message: `Expected “${text}” ${before ? `behind ${quote(before.image)}` : 'here'}.`,
      remedy: `Insert “${text}”.`,
      fix: { title: `Insert “${text}”`, newText: text },
      related,
    };
  return {
    code: 'unmatched-bracket',
    start: closer.startOffset,
    end: endOf(closer),
    message: `Nothing is open that ${closing} could close.`,
    remedy: `Remove ${closing}, or add its opening partner.`,
    fix: { title: `Remove ${closing}`, newText: '' },
  };
}

export const beforeParenthesis = new Set<TokenType>([
  t.Fn,
  t.If,
  t.Match,
  t.PartialMatch,
  t.Ref,
  t.RefRead,
  t.RefWrite,
]);
export const callees = new Set<TokenType>([t.Identifier, t.Local, t.Graph, t.Global]);

/** The place of the `(` that the `)` at `i` lacks. */
function parenthesis(tokens: readonly IToken[], i: number, lonely: ReadonlySet<number>): Place | undefined {
  let depth = 0;
  let comma = false;
  for (let k = i; k >= Math.max(0, i - maximumReach); k--) {
    const next = (tokens[k] as IToken).tokenType;
    if (k < i) {
      if (lonely.has(k)) return list(k + 1);
      if (closers.has(next)) depth++;
      else if (openers.has(next) && --depth < 0) return list(k + 1);
      else if (depth === 0 && next === t.Comma) comma = true;
      else if (depth === 0 && (next === t.Semicolon || next === t.FatArrow)) return list(k + 1);
      else if (depth === 0 && next === t.Assign && tokens[k - 1]?.tokenType !== t.AttributeKey) return list(k + 1);
    }
    if (depth > 0) continue;
    const before = tokens[k - 1];
    if (before === undefined) return list(k);
    const previous = before.tokenType;
    const follows = k === i || startsOperand.has(next) || next === t.AttributeKey;
    const definition = previous === t.Global && tokens[k - 2]?.tokenType === t.Def;
    if (next === t.LParen || next === t.LSquare || next === t.LBrace) {
      if (previous === t.LSquare && next !== t.LParen && tokens[k - 2]?.tokenType === t.TensorName)
        return { at: k, sure: true };
      continue;
    }
    if (previous === t.LSquare && tokens[k - 2]?.tokenType === t.TensorName && k < i) return { at: k, sure: true };
    if (definition || beforeParenthesis.has(previous)) return { at: k, sure: true };
    if (follows && k < i && callees.has(previous) && !isAnnotation(tokens, k - 1)) return { at: k, sure: true };
    if (k === i && previous === t.Identifier && tokens[k - 2]?.tokenType !== t.Comma && isCallStart(tokens, k - 1))
      return { at: k, sure: true };
  }
  return undefined;

  /** The start of a list whose commas show that it was one. */
  function list(at: number): Place | undefined {
    return comma ? { at, sure: false } : undefined;
  }
}

/** Whether the word at `i` is a type: two words can stand side by side behind one. */
export function isAnnotation(tokens: readonly IToken[], i: number): boolean {
  const before = tokens[i - 1]?.tokenType;
  return before === t.Colon || before === t.Arrow;
}

/** Whether a value starts with the word at `i`: `%0 = f);`. */
function isCallStart(tokens: readonly IToken[], i: number): boolean {
  const before = tokens[i - 1]?.tokenType;
  return before === undefined || before === t.Assign || before === t.Semicolon || before === t.LBrace;
}

/** The place of the `[` that the `]` at `i` lacks. */
function square(tokens: readonly IToken[], i: number, lonely: ReadonlySet<number>): Place | undefined {
  let depth = 0;
  for (let k = i; k >= Math.max(1, i - maximumReach); k--) {
    const next = (tokens[k] as IToken).tokenType;
    if (k < i) {
      if (lonely.has(k)) return undefined;
      if (closers.has(next)) depth++;
      else if (openers.has(next) && --depth < 0) return undefined;
      else if (depth === 0 && next === t.Semicolon) return undefined;
    }
    if (depth > 0) continue;
    const before = tokens[k - 1] as IToken;
    const previous = before.tokenType;
    if (previous === t.Assign && tokens[k - 2]?.tokenType === t.AttributeKey) return { at: k, sure: true };
    if (before.image === 'Tensor' && previous !== t.TensorName) return { at: k, sure: true };
    const word = next === t.Identifier || next === t.TensorName;
    if (word && (previous === t.Identifier || previous === t.Global || previous === t.Fn)) return { at: k, sure: true };
  }
  return undefined;
}
