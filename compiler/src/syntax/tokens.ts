/** Tokens and comments of a text with their places, for formatting, colouring and folding. */
import type { TokenType } from 'chevrotain';
import { classify } from './classify.ts';
import { lex } from './lexer.ts';
import * as t from './vocabulary.ts';

export type TokenKind =
  | 'keyword'
  | 'local'
  | 'graph'
  | 'global'
  | 'name'
  | 'attribute-key'
  | 'number'
  | 'boolean'
  | 'string'
  | 'meta'
  | 'wildcard'
  | 'operator'
  | 'bracket'
  | 'punctuation'
  | 'version'
  | 'metadata';

export interface SourceToken {
  readonly kind: TokenKind;
  readonly text: string;
  /** Offsets in the text, end exclusive. */
  readonly start: number;
  readonly end: number;
}

export interface Comment {
  /** With its marks. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly block: boolean;
}

/** Everything in `text` but white space and unknown characters, in order. Never fails. */
export function tokenize(text: string): {
  readonly tokens: readonly SourceToken[];
  readonly comments: readonly Comment[];
} {
  const lexed = lex(text);
  const tokens = classify(lexed.tokens).map((token): SourceToken => {
    const start = token.startOffset;
    return { kind: kindOf(token.tokenType), text: token.image, start, end: start + token.image.length };
  });
  const comments = lexed.comments.map((comment): Comment => {
    const start = comment.startOffset;
    const block = comment.tokenType === t.BlockComment;
    return { text: comment.image, start, end: start + comment.image.length, block };
  });
  return { tokens, comments };
}

const kinds = new Map<TokenType, TokenKind>([
  [t.Local, 'local'],
  [t.Graph, 'graph'],
  [t.GraphBinder, 'graph'],
  [t.Global, 'global'],
  [t.Identifier, 'name'],
  [t.TensorName, 'name'],
  [t.AttributeKey, 'attribute-key'],
  [t.NumberLiteral, 'number'],
  [t.SignedLiteral, 'number'],
  [t.InfLiteral, 'number'],
  [t.Index, 'number'],
  [t.Boolean, 'boolean'],
  [t.StringLiteral, 'string'],
  [t.MetaReference, 'meta'],
  [t.Underscore, 'wildcard'],
  [t.LParen, 'bracket'],
  [t.RParen, 'bracket'],
  [t.LSquare, 'bracket'],
  [t.RSquare, 'bracket'],
  [t.LBrace, 'bracket'],
  [t.RBrace, 'bracket'],
  [t.Comma, 'punctuation'],
  [t.Semicolon, 'punctuation'],
  [t.Colon, 'punctuation'],
  [t.Dot, 'punctuation'],
  [t.Question, 'operator'],
  [t.Arrow, 'operator'],
  [t.FatArrow, 'operator'],
  [t.Assign, 'operator'],
  [t.Version, 'version'],
  [t.Metadata, 'metadata'],
]);

function kindOf(type: TokenType): TokenKind {
  return kinds.get(type) ?? (type.CATEGORIES?.includes(t.InfixOperator) ? 'operator' : 'keyword');
}
