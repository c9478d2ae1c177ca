/** Formatting of a document, of a selection, and of what was just finished by typing. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import { format, type FormatEdit } from '../../../compiler/src/format/format.ts';
import type { Snapshot } from '../snapshot.ts';

function edits(snapshot: Snapshot, range?: TextRange): readonly FormatEdit[] {
  const formatted = format(snapshot.text, { tree: snapshot.tree, ...(range ? { range } : {}) });
  return formatted.ok ? formatted.value.edits : [];
}

export function formatAll(snapshot: Snapshot): readonly FormatEdit[] {
  return edits(snapshot);
}

/** The bindings and definitions that the selection touches. */
export function formatRange(snapshot: Snapshot, range: TextRange): readonly FormatEdit[] {
  return edits(snapshot, range);
}

/** The statement or definition that the character before `offset` closes. */
export function formatTyped(snapshot: Snapshot, offset: number): readonly FormatEdit[] {
  return offset > 0 ? edits(snapshot, { start: offset - 1, end: offset }) : [];
}
