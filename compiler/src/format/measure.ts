/**
 * What layout asks of a stretch of pieces: which brackets belong together, how wide it is on one line, and whether it
 * may stand on one line at all. Everything is summed up once, so that each question is answered at once.
 */
import { isComment } from './pieces.ts';
import type { Piece } from './pieces.ts';
import { blanks } from './spacing.ts';
import type { BracketKind } from './spacing.ts';

interface Frame {
  readonly open: number;
  readonly kind: BracketKind;
  keyword: string;
}

export class Measure {
  /** Index of the other bracket of a pair; -1 for all else. */
  readonly partner: Int32Array;
  /** Kinds of brackets, at the index of the opener. */
  readonly kinds = new Map<number, BracketKind>();
  /** Openers of brackets that hold statements. */
  readonly statements = new Set<number>();
  /** Number of blanks before a piece on one line. */
  readonly gaps: Uint8Array;
  /** Column behind each piece if all stood on one line. */
  readonly columns: Float64Array;
  /** Number of line breaks that cannot be avoided up to the place before each piece. */
  readonly forced: Int32Array;
  private readonly pieces: readonly Piece[];

  constructor(pieces: readonly Piece[]) {
    this.pieces = pieces;
    const size = pieces.length;
    this.partner = new Int32Array(size).fill(-1);
    this.gaps = new Uint8Array(size);
    this.columns = new Float64Array(size);
    this.forced = new Int32Array(size);
  }

  /** Measures the pieces from `first` to `last`; false where brackets do not match. `open` may stay open. */
  add(first: number, last: number, open = -1): boolean {
    if (!this.pair(first, last, open)) return false;
    this.sum(first, last);
    return true;
  }

  private pair(first: number, last: number, open: number): boolean {
    const frames: Frame[] = [{ open: -1, kind: 'list', keyword: '' }];
    for (let i = first; i <= last; i++) {
      const piece = this.pieces[i] as Piece;
      const frame = frames[frames.length - 1] as Frame;
      if (i > first && this.mustBreak(i)) this.forced[i] = 1;
      if (piece.kind === 'keyword') frame.keyword = piece.text;
      else if (piece.text === ';' && frame.open >= 0) {
        this.statements.add(frame.open);
        this.forced[frame.open + 1] = 1;
      }
      if (piece.kind !== 'bracket' || i === open) continue;
      if (piece.text === '(' || piece.text === '[' || piece.text === '{') {
        const kind = piece.text === '{' ? this.braceKind(i, last, frame.keyword) : 'list';
        this.kinds.set(i, kind);
        frames.push({ open: i, kind, keyword: '' });
        if (frames.length > 1000) return false;
      } else {
        frames.pop();
        if (frame.open < 0 || pairs[(this.pieces[frame.open] as Piece).text] !== piece.text) return false;
        this.partner[frame.open] = i;
        this.partner[i] = frame.open;
        if (i > frame.open + 1 && this.mustOpen(frame, i)) this.forced[frame.open + 1] = 1;
      }
    }
    return frames.length === 1;
  }

  private braceKind(open: number, last: number, keyword: string): BracketKind {
    let next = open + 1;
    while (next < last && isComment(this.pieces[next])) next++;
    if (this.pieces[next]?.kind === 'attribute-key') return 'attributes';
    if (keyword === 'type') return 'constructors';
    return keyword === 'match' || keyword === 'match?' ? 'arms' : 'block';
  }

  /** Whether the bracket's content never stands on the bracket's line. A block stays on one line if written so. */
  private mustOpen({ open, kind }: Frame, close: number): boolean {
    if (kind === 'arms' || kind === 'constructors') return true;
    if (kind !== 'block') return false;
    return (this.pieces[open + 1] as Piece).breaks > 0 || (this.pieces[close] as Piece).breaks > 0;
  }

  /** Whether comments, or text of several lines, ask for a line break before piece `i`. */
  private mustBreak(i: number): boolean {
    const piece = this.pieces[i] as Piece;
    const left = this.pieces[i - 1] as Piece;
    if (left.kind === 'line-comment') return true;
    if (isComment(piece)) return piece.breaks > 0;
    if (left.kind === 'block-comment') return piece.breaks > 0 && !clinging.has(piece.text);
    return left.kind === 'string' && left.text.includes('\n');
  }

  private sum(first: number, last: number): void {
    let column = 0;
    let forced = 0;
    for (let i = first; i <= last; i++) {
      const right = this.pieces[i] as Piece;
      if (i > first) {
        const left = this.pieces[i - 1] as Piece;
        const opener = left.text === '{' ? i - 1 : right.text === '}' ? (this.partner[i] as number) : -1;
        const bracket = opener < 0 ? undefined : this.kinds.get(opener);
        const gap = blanks({ before: i - 1 > first ? this.pieces[i - 2] : undefined, left, right, bracket });
        this.gaps[i] = gap.length;
        column += gap.length;
      }
      column += right.text.length;
      this.columns[i] = column;
      forced += this.forced[i] as number;
      this.forced[i] = forced;
    }
  }
}

const pairs: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
/** Nothing of these starts a line of its own because of a comment before it. */
const clinging = new Set([',', ';', ')', ']', '}', ':']);
