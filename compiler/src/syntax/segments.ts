/** Where top-level units start. */
import type { IToken, TokenType } from 'chevrotain';
import { isGuessed, startsLine } from './headless.ts';
import { endOf } from './lexer.ts';
import * as t from './vocabulary.ts';

const heads = new Set<TokenType>([t.Def, t.Type, t.Extern, t.Import]);
const openers = new Set<TokenType>([t.LParen, t.LSquare, t.LBrace]);
const closers = new Set<TokenType>([t.RParen, t.RSquare, t.RBrace]);

/** Whether a token of this kind can start a definition. */
export function isDefinitionHead(token: IToken): boolean {
  return heads.has(token.tokenType);
}

/** How many keywords of definitions there are, those among brackets included. */
export function definitionHeads(tokens: readonly IToken[]): number {
  let count = 0;
  tokens.forEach((token, i) => {
    if (heads.has(token.tokenType) && tokens[i - 1]?.tokenType !== t.Extern) count++;
  });
  return count;
}

/** Where a definition starts. */
export interface DefinitionStart {
  /** Index of its first token. */
  readonly at: number;
  /** Whether it is recognised even inside open brackets. */
  readonly plain: boolean;
}

/**
 * The tokens that start definitions. Inside brackets that were never closed, a definition is recognised
 * where it looks like one: its keyword and name at the start of a line, or behind a `}`.
 */
export function definitionStarts(tokens: readonly IToken[], text: string): DefinitionStart[] {
  const starts: DefinitionStart[] = [];
  let depth = 0;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as IToken;
    const type = token.tokenType;
    if (openers.has(type)) depth++;
    else if (closers.has(type)) depth = Math.max(0, depth - 1);
    else if (heads.has(type)) {
      const previous = tokens[i - 1];
      if (previous?.tokenType === t.Extern && type === t.Type) continue;
      const plain = looksLikeDefinition(tokens, i, text);
      if (depth > 0 && !plain) continue;
      starts.push({ at: i, plain });
      depth = 0;
    }
  }
  return starts;
}

function looksLikeDefinition(tokens: readonly IToken[], i: number, text: string): boolean {
  const token = tokens[i] as IToken;
  // A keyword that was guessed stands only where nothing before it could hold the name.
  if (isGuessed(token)) return startsLine(text, token.startOffset);
  const previous = tokens[i - 1];
  const name = tokens[i + 1]?.tokenType;
  const named =
    token.tokenType === t.Def
      ? name === t.Global
      : token.tokenType === t.Extern
        ? name === t.Type
        : token.tokenType === t.Type && name === t.Identifier;
  if (!named) return false;
  if (previous === undefined || previous.tokenType === t.RBrace) return true;
  return text.slice(endOf(previous), token.startOffset).includes('\n');
}
