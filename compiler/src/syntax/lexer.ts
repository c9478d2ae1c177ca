/** Text to tokens. */
import { Lexer } from 'chevrotain';
import type { ILexingError, IToken } from 'chevrotain';
import { resetScanner, vocabulary } from './vocabulary.ts';

const lexer = new Lexer(vocabulary, {
  positionTracking: 'onlyOffset',
  ensureOptimizations: true,
  skipValidations: true,
});

export interface LexResult {
  readonly tokens: IToken[];
  readonly comments: readonly IToken[];
  /** Stretches that are no token. */
  readonly unknown: readonly ILexingError[];
}

/** Scans `text`; never fails. Keywords and binders are still identifiers (`classify.ts` tells them apart). */
export function lex(text: string): LexResult {
  resetScanner();
  const result = lexer.tokenize(text);
  return { tokens: result.tokens, comments: result.groups['comments'] ?? [], unknown: result.errors };
}

/** Offset just behind a token. */
export function endOf(token: IToken): number {
  return token.startOffset + token.image.length;
}
