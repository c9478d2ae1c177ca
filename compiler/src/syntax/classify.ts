/**
 * Second look at a token list: keywords, binders (`%0 =`, `key =`), the `Tensor[` former, an arrow written apart.
 * Changes the tokens in place.
 */
import type { IToken, TokenType } from 'chevrotain';
import {
  Arrow,
  Assign,
  AttributeKey,
  Colon,
  Dot,
  Graph,
  GraphBinder,
  Greater,
  Identifier,
  Import,
  LSquare,
  Minus,
  reservedWords,
  StringLiteral,
  TensorName,
} from './vocabulary.ts';

/** Gives `token` another type. */
export function retype(token: IToken, type: TokenType): void {
  token.tokenType = type;
  token.tokenTypeIdx = type.tokenTypeIdx ?? 0;
}

const identifierIndex = Identifier.tokenTypeIdx;
const graphIndex = Graph.tokenTypeIdx;
const minusIndex = Minus.tokenTypeIdx;

/** Classifies all tokens; returns the list to parse (the same array unless a split arrow was joined). */
export function classify(tokens: IToken[]): IToken[] {
  let joined = false;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as IToken;
    const type = token.tokenTypeIdx;
    if (type === identifierIndex) classifyIdentifier(tokens, i, token);
    else if (type === graphIndex) {
      if (tokens[i + 1]?.tokenType === Assign) retype(token, GraphBinder);
    } else if (type === minusIndex && tokens[i + 1]?.tokenType === Greater) {
      retype(token, Arrow);
      joined = true;
    }
  }
  if (!joined) return tokens;
  return tokens.filter((t, i) => !(t.tokenType === Greater && isSplitArrow(tokens[i - 1])));
}

function isSplitArrow(token: IToken | undefined): boolean {
  return token !== undefined && token.tokenType === Arrow && token.image === '-';
}

function classifyIdentifier(tokens: readonly IToken[], i: number, token: IToken): void {
  const reserved = reservedWords.get(token.image);
  if (reserved !== undefined) {
    retype(token, reserved);
    return;
  }
  const next = tokens[i + 1]?.tokenType;
  // In `let %x: int32 = 1` the word before `=` is a type.
  const previous = tokens[i - 1]?.tokenType;
  if (next === Assign && previous !== Colon && previous !== Arrow) retype(token, AttributeKey);
  else if (next === LSquare && token.image === 'Tensor') retype(token, TensorName);
  else if (next === StringLiteral && token.image === 'import') retype(token, Import);
  else if (next === Dot && isSpacedKey(tokens, i)) retype(token, AttributeKey);
}

/** `a . b =`, with gaps. */
function isSpacedKey(tokens: readonly IToken[], i: number): boolean {
  let at = i;
  while (tokens[at + 1]?.tokenType === Dot && tokens[at + 2]?.tokenTypeIdx === identifierIndex) at += 2;
  return at > i && tokens[at + 1]?.tokenType === Assign;
}
