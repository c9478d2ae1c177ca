/**
 * Slips in signs before names: `% x` and `$x` are read as `%x`, and the bars of `type T = A | B` belong to that slip,
 * which the parser tells of.
 */
import type { IToken } from 'chevrotain';
import { retype } from './classify.ts';
import { endOf, type LexResult } from './lexer.ts';
import * as t from './vocabulary.ts';

export interface Sigils {
  /** By the offset of an unknown character that stands for `%`: the end of the name behind it, and the name. */
  readonly variables: ReadonlyMap<number, { readonly end: number; readonly name: string }>;
  /** Offsets of bars between constructors. */
  readonly bars: ReadonlySet<number>;
}

const endsOperand = new Set([
  t.Local,
  t.Graph,
  t.Global,
  t.NumberLiteral,
  t.SignedLiteral,
  t.RParen,
  t.RSquare,
  t.Index,
]);

/** Finds the slips, and makes variables of the names that were meant to be some. Changes the tokens in place. */
export function mendSigils(text: string, { tokens, unknown }: LexResult): Sigils {
  const variables = new Map<number, { end: number; name: string }>();
  const bars = new Set<number>();
  let i = 0;
  for (const { offset, length } of unknown) {
    if (length !== 1) continue;
    while (i < tokens.length && (tokens[i] as IToken).startOffset < offset) i++;
    const sign = text[offset];
    const name = tokens[i];
    if (sign === '|' && betweenConstructors(tokens, i)) bars.add(offset);
    if ((sign !== '%' && sign !== '$') || name?.tokenType !== t.Identifier) continue;
    if (t.reservedWords.has(name.image)) continue;
    const gap = text.slice(offset + 1, name.startOffset);
    const before = tokens[i - 1];
    const divides = before !== undefined && sign === '%' && endsOperand.has(before.tokenType);
    if (divides || !(gap === '' || (sign === '%' && /^[ \t]{1,8}$/.test(gap)))) continue;
    variables.set(offset, { end: endOf(name), name: name.image });
    name.startOffset--;
    name.image = `%${name.image}`;
    retype(name, t.Local);
  }
  return { variables, bars };
}

/** How many tokens between a bar and the `=` of its type are looked through. */
const reach = 200;

/** Whether only names and groups stand between `type T =` and token `i`. */
function betweenConstructors(tokens: readonly IToken[], i: number): boolean {
  let at = i - 1;
  const first = Math.max(1, i - reach);
  for (; at >= first; at--) {
    const { tokenType, image } = tokens[at] as IToken;
    if (tokenType === t.Assign) break;
    if (tokenType === t.LBrace || tokenType === t.RBrace || tokenType === t.Semicolon || image === 'def') return false;
  }
  for (at--; at >= first - 1; at--) {
    const { tokenType, image } = tokens[at] as IToken;
    if (image === 'type') return true;
    if (tokenType !== t.Identifier && tokenType !== t.LSquare && tokenType !== t.RSquare && tokenType !== t.Comma)
      return false;
  }
  return false;
}
