/** One version of a document, immutable. Features are functions over it. */
import { resolveSpan, type LineIndex, type Span, type TextRange } from '../../compiler/src/base/span.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import type { SourceTree } from '../../compiler/src/syntax/tree.ts';

/** The version of a file that is not open in the editor. */
export const closedVersion = -1;

export interface Snapshot {
  readonly uri: string;
  /** The client's number; `closedVersion` for a file that is not open. */
  readonly version: number;
  readonly text: string;
  readonly lines: LineIndex;
  readonly tree: SourceTree;
}

/** A snapshot whose types are known. */
export interface CheckedSnapshot extends Snapshot {
  readonly check: CheckResult;
  /** The trees of files that this one imports, for checking what edits would do. */
  readonly imports?: (path: string, from: SourceTree) => SourceTree | undefined;
}

/** Where a span of the snapshot's tree lies in its text. */
export function rangeOf(snapshot: Snapshot, span: Span): TextRange {
  return resolveSpan(snapshot.tree.anchors, span);
}

/** The source text of a span. */
export function textOf(snapshot: Snapshot, span: Span): string {
  const { start, end } = rangeOf(snapshot, span);
  return snapshot.text.slice(start, end);
}

/** True when the offset touches the range, its end included (a cursor stands behind the last character). */
export function touches(range: TextRange, offset: number): boolean {
  return range.start <= offset && offset <= range.end;
}
