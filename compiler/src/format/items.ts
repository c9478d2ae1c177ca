/** The parts of a list or of a statement list, with the comments that belong to each. */
import type { Measure } from './measure.ts';
import { isComment } from './pieces.ts';
import type { Piece } from './pieces.ts';

/** Indices of pieces; all ends inclusive. */
export interface Item {
  /** The first comment before it, or `core`. */
  readonly first: number;
  /** The item's own pieces; `core` lies behind `last` where only comments are left. */
  readonly core: number;
  readonly coreEnd: number;
  /** Whether `,` or `;` follows. */
  readonly separated: boolean;
  /** The last comment behind it on its line, its separator, or `coreEnd`. */
  readonly last: number;
}

/** Splits `pieces[from, to]` at the separators that stand outside of further brackets. */
export function itemsOf(
  pieces: readonly Piece[],
  measure: Measure,
  from: number,
  to: number,
  separator: string,
): Item[] {
  const items: Item[] = [];
  let i = from;
  while (i <= to) {
    const first = i;
    while (i <= to && isComment(pieces[i])) i++;
    const core = i;
    if (core > to) {
      items.push({ first, core: to + 1, coreEnd: to, separated: false, last: to });
      break;
    }
    while (i <= to && (pieces[i] as Piece).text !== separator) i = Math.max(i, measure.partner[i] as number) + 1;
    const separated = i <= to;
    let coreEnd = i - 1;
    while (coreEnd > core && isComment(pieces[coreEnd])) coreEnd--;
    const last = separated ? commentsOnLine(pieces, i + 1, to) : to;
    items.push({ first, core, coreEnd, separated, last });
    i = last + 1;
  }
  return items;
}

/**
 * The last of the comments from `from` on that share the line of the piece before them and end it; `from - 1` where
 * there are none.
 */
export function commentsOnLine(pieces: readonly Piece[], from: number, to: number): number {
  let i = from;
  while (i <= to && isComment(pieces[i]) && pieces[i]?.breaks === 0) {
    if (pieces[i]?.kind === 'line-comment') return i;
    i++;
  }
  const next = pieces[i];
  return next === undefined || next.breaks > 0 ? i - 1 : from - 1;
}

/** Whether comments stand around an item's own pieces. */
export function hasComments({ first, core, coreEnd, separated, last }: Item): boolean {
  return first !== core || last - coreEnd > (separated ? 1 : 0);
}
