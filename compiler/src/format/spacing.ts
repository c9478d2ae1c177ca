/** White space between two neighbours on one line. */
import { isComment } from './pieces.ts';
import type { Piece } from './pieces.ts';

/** What stands between brackets. */
export type BracketKind = 'list' | 'attributes' | 'block' | 'arms' | 'constructors';

const openers = new Set(['(', '[']);
const closers = new Set([')', ']']);
const references = new Set(['ref', 'ref_read', 'ref_write']);

export interface Neighbours {
  /** Before `left`; tells an attribute's `=` from a binding's. */
  readonly before: Piece | undefined;
  readonly left: Piece;
  readonly right: Piece;
  /** The kind of the bracket that `left` opens or `right` closes. */
  readonly bracket: BracketKind | undefined;
}

/** The blanks, none or one, between `left` and `right` where they share a line. */
export function blanks({ before, left, right, bracket }: Neighbours): '' | ' ' {
  const l = left.text;
  const r = right.text;
  if (openers.has(l) || closers.has(r)) return '';
  if (isComment(right)) return ' ';
  if (r === ',' || r === ';' || r === ':') return '';
  if (isComment(left)) return ' ';
  if (l === '{' || r === '}') return bracket === 'attributes' || (l === '{' && r === '}') ? '' : ' ';
  // These join with their neighbours to other tokens, or part from them.
  if (l === '.' || r === '.' || l === '?' || r === '?') return left.end === right.start ? '' : ' ';
  if (right.kind === 'number' && r.startsWith('.')) return left.kind === 'number' && !l.startsWith('.') ? ' ' : '';
  if (l === '=') return before?.kind === 'attribute-key' ? '' : ' ';
  if (r === '=') return left.kind === 'attribute-key' ? '' : ' ';
  if (r === '(' || r === '[') return takesBracket(left) ? '' : ' ';
  return ' ';
}

/** Whether a bracket behind it belongs to it, as in a call. */
export function takesBracket(piece: Piece): boolean {
  if (piece.kind === 'keyword') return references.has(piece.text);
  if (piece.kind === 'bracket') return closers.has(piece.text) || piece.text === '}';
  return piece.kind !== 'operator' && piece.kind !== 'punctuation';
}
