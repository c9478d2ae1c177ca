/** Names that are edited together: a local and its uses. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import { occurrenceAt } from '../locate.ts';
import type { CheckedSnapshot } from '../snapshot.ts';
import { occurrencesOf } from './navigation.ts';

/** Names of more uses are left to rename. */
const most = 200;

/** The local at `offset` wherever it stands, without its `%`. Nothing for graph numbers: two would soon be the same. */
export function linkedRanges(snapshot: CheckedSnapshot, offset: number): readonly TextRange[] {
  const found = occurrenceAt(snapshot, offset);
  if (found?.symbol.kind !== 'local') return [];
  const ranges = occurrencesOf(snapshot, found.symbol).map(({ range }) =>
    snapshot.text[range.start] === '%' ? { start: range.start + 1, end: range.end } : range,
  );
  const { name } = found.symbol;
  const same = ranges.every(({ start, end }) => snapshot.text.slice(start, end) === name);
  return same && ranges.length > 1 && ranges.length <= most ? ranges : [];
}

/** What may be typed in a linked name. */
export const linkedPattern = '[A-Za-z_][\\w/]*';
