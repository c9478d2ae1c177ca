/**
 * Positions in source text.
 *
 * A span is relative to an anchor: the start of the definition, or of the binding in a definition's body, that the
 * node belongs to. An edit moves anchors and leaves the spans of everything outside the edited chunk as they are, so
 * trees, types and diagnostics of untouched chunks stay valid across edits. `SourceText.resolve` makes offsets of it.
 */

/** The identity of one independently parsed stretch of text. Compared by reference. */
export interface Anchor {
  /** Unique in a process; for debugging and ordering in logs only. */
  readonly id: number;
}

let nextAnchor = 0;

/** A fresh anchor. Where it lies is known to the `AnchorMap` of each tree that contains it. */
export function createAnchor(): Anchor {
  return { id: nextAnchor++ };
}

/** Half-open range of UTF-16 code units, relative to `anchor`. */
export interface Span {
  readonly anchor: Anchor;
  readonly start: number;
  readonly end: number;
}

/** Half-open range of UTF-16 code units in one version of a text. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** Zero-based line and UTF-16 character, as in LSP. */
export interface Position {
  readonly line: number;
  readonly character: number;
}

/** Where each anchor of a tree lies in the text of that tree's version. */
export type AnchorMap = ReadonlyMap<Anchor, number>;

/** Absolute offsets of `span` under `anchors`. A span whose anchor is gone resolves to the start of the text. */
export function resolveSpan(anchors: AnchorMap, span: Span): TextRange {
  const base = anchors.get(span.anchor) ?? 0;
  return { start: base + span.start, end: base + span.end };
}

/** Where lines begin of which the break ends with one of the characters `[from, to)`. */
function lineStarts(text: string, from: number, to: number): number[] {
  const starts: number[] = [];
  for (let i = from; i < to; i++) {
    const c = text.charCodeAt(i);
    if (c === 10 || (c === 13 && text.charCodeAt(i + 1) !== 10)) starts.push(i + 1);
  }
  return starts;
}

/** Line starts of a text, for offset ↔ position conversion. Lines end at LF, CR LF or CR. */
export class LineIndex {
  private readonly starts: readonly number[];
  private readonly length: number;

  constructor(text: string);
  constructor(starts: readonly number[], length: number);
  constructor(text: string | readonly number[], length = 0) {
    this.length = typeof text === 'string' ? text.length : length;
    this.starts = typeof text === 'string' ? [0, ...lineStarts(text, 0, text.length)] : text;
  }

  /**
   * The index of `text`, which came from this index's text by replacing `[start, end)` with `newLength` characters.
   * Only the replaced stretch is read again.
   */
  edited(text: string, start: number, end: number, newLength: number): LineIndex {
    // One character more at each end: a line break may be joined or parted there.
    const kept = this.firstAfter(Math.max(0, start - 1));
    const later = this.firstAfter(end + 1);
    const moved = newLength - (end - start);
    const found = lineStarts(text, Math.max(0, start - 1), Math.min(text.length, start + newLength + 1));
    const starts = this.starts.slice(0, kept);
    for (const at of found) starts.push(at);
    for (let i = later; i < this.starts.length; i++) starts.push((this.starts[i] ?? 0) + moved);
    return new LineIndex(starts, text.length);
  }

  /** Index of the first line that starts behind `offset`. */
  private firstAfter(offset: number): number {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.starts[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Number of lines (at least 1). */
  get lineCount(): number {
    return this.starts.length;
  }

  /** Position of a (clamped) offset. */
  position(offset: number): Position {
    const at = Math.max(0, Math.min(offset, this.length));
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low, character: at - (this.starts[low] ?? 0) };
  }

  /** Offset of a (clamped) position. */
  offset(position: Position): number {
    if (position.line < 0) return 0;
    const start = this.starts[position.line];
    if (start === undefined) return this.length;
    const next = this.starts[position.line + 1] ?? this.length;
    return Math.min(start + Math.max(0, position.character), next);
  }
}
