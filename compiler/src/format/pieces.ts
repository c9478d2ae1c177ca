/** A text as the things a formatter must keep, in order; between two of them lies only white space. */
import { tokenize } from '../syntax/tokens.ts';
import type { TokenKind } from '../syntax/tokens.ts';

export interface Piece {
  readonly kind: TokenKind | 'line-comment' | 'block-comment';
  readonly text: string;
  /** Offsets in the whole text, end exclusive. */
  readonly start: number;
  readonly end: number;
  /** Line breaks between this piece and the one before it, or the start of the stretch: 0, 1 or 2 (for more). */
  readonly breaks: 0 | 1 | 2;
}

/** The tokens and comments of `text` from `from` to `to`, which must not cut a token. */
export function piecesOf(text: string, from: number, to: number): Piece[] {
  const { tokens, comments } = tokenize(from === 0 && to === text.length ? text : text.slice(from, to));
  const pieces: Piece[] = [];
  let comment = 0;
  let previous = from;
  const push = (kind: Piece['kind'], image: string, at: number): void => {
    const start = from + at;
    const end = start + image.length;
    pieces.push({ kind, text: image, start, end, breaks: lineBreaks(text, previous, start) });
    previous = end;
  };
  const pushComments = (before: number): void => {
    for (let next = comments[comment]; next && next.start < before; next = comments[++comment])
      push(next.block ? 'block-comment' : 'line-comment', next.block ? next.text : trimmed(next.text), next.start);
  };
  for (const token of tokens) {
    pushComments(token.start);
    push(token.kind, token.text, token.start);
  }
  pushComments(Infinity);
  return pieces;
}

function lineBreaks(text: string, from: number, to: number): 0 | 1 | 2 {
  let count = 0;
  for (let i = from; i < to; i++) {
    const c = text.charCodeAt(i);
    if (c === 10 && ++count === 2) return 2;
  }
  return count as 0 | 1;
}

export function isComment(piece: Piece | undefined): boolean {
  return piece !== undefined && (piece.kind === 'line-comment' || piece.kind === 'block-comment');
}

/** Whether `text` is made of the same things in the same order, whatever white space lies between them. */
export function readsAs(pieces: readonly Piece[], text: string): boolean {
  const { tokens, comments } = tokenize(text);
  if (tokens.length + comments.length !== pieces.length) return false;
  let token = 0;
  let comment = 0;
  return pieces.every((piece) => {
    if (!isComment(piece)) {
      const next = tokens[token++];
      return next?.text === piece.text && next.kind === piece.kind;
    }
    const next = comments[comment++];
    if (!next || next.block !== (piece.kind === 'block-comment')) return false;
    // The order of comments among tokens is that of their places.
    const before = tokens[token - 1];
    const after = tokens[token];
    if ((before && before.start > next.start) || (after && after.start < next.start)) return false;
    return piece.text === (next.block ? next.text : trimmed(next.text));
  });
}

/** White space behind a comment is no part of it; a carriage return belongs to the line break. */
function trimmed(comment: string): string {
  return comment.replace(/[ \t\r]+$/, '');
}
