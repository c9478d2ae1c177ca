/** Formatting of a document, of a selection, and of what was just finished by typing. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import type { Steps } from '../../../compiler/src/base/steps.ts';
import { format, type FormatEdit } from '../../../compiler/src/format/format.ts';
import { regionsOf } from '../../../compiler/src/format/regions.ts';
import type { Snapshot } from '../snapshot.ts';

/** Bindings formatted between two stops of the work. */
const regionsAtATime = 8;

/** The edits that format the whole document; none where that would change what it means. */
export function formatAll(snapshot: Snapshot): Steps<readonly FormatEdit[]> {
  return formatRange(snapshot, { start: 0, end: snapshot.text.length });
}

/** The bindings and definitions that the selection touches. */
export function* formatRange(snapshot: Snapshot, range: TextRange): Steps<readonly FormatEdit[]> {
  const { text, tree } = snapshot;
  const end = Math.max(range.end, range.start + 1);
  const touched = regionsOf(tree).filter((region) => region.start < end && region.end > range.start);
  const edits: FormatEdit[] = [];
  for (let i = 0; i < touched.length; i += regionsAtATime) {
    const part = touched.slice(i, i + regionsAtATime);
    const [first] = part;
    const last = part.at(-1);
    if (!first || !last) break;
    const formatted = format(text, { tree, range: { start: first.start, end: last.end } });
    if (!formatted.ok) return [];
    edits.push(...formatted.value.edits);
    yield;
  }
  return edits;
}

/** The statement or definition that the character before `offset` closes. */
export function formatTyped(snapshot: Snapshot, offset: number): readonly FormatEdit[] {
  if (offset <= 0) return [];
  const formatted = format(snapshot.text, { tree: snapshot.tree, range: { start: offset - 1, end: offset } });
  return formatted.ok ? formatted.value.edits : [];
}
