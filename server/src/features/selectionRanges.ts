/** Selection that grows with the tree: name, expression, call, statement, block, function. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import { pathAt } from '../locate.ts';
import { rangeOf, type Snapshot } from '../snapshot.ts';

/** The ranges around an offset, innermost first, each larger than the one before. */
export function selectionRanges(snapshot: Snapshot, offset: number): readonly TextRange[] {
  const ranges: TextRange[] = [{ start: 0, end: snapshot.text.length }];
  for (const node of pathAt(snapshot, offset)) {
    const range = rangeOf(snapshot, node.span);
    const outer = ranges[0];
    if (!outer || range.start < outer.start || range.end > outer.end) continue;
    if (range.start === outer.start && range.end === outer.end) continue;
    ranges.unshift(range);
  }
  return ranges;
}
