/**
 * The formatter: white space between tokens and comments as a person would put it. Tokens and comments are never
 * changed, and what has errors stays as it is.
 */
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { TextRange } from '../base/span.ts';
import { parseSource } from '../syntax/parser.ts';
import type { SourceTree } from '../syntax/tree.ts';
import { FileLayout, type FormatEdit } from './file-layout.ts';
import { piecesOf, readsAs } from './pieces.ts';
import { regionsOf } from './regions.ts';

export type { FormatEdit } from './file-layout.ts';

export interface FormatOptions {
  /** The tree of the text, where it is known. */
  readonly tree?: SourceTree;
  /** Only definitions' parts, such as bindings, that touch this range are formatted. */
  readonly range?: TextRange;
  /** Columns that a line may have; 100 unless told. */
  readonly width?: number;
}

export interface Formatted {
  readonly text: string;
  /** What leads from the old text to the new one, in order. */
  readonly edits: readonly FormatEdit[];
  /** Parts that were left as they are because of their errors. */
  readonly untouched: readonly TextRange[];
}

/**
 * Formats `text`, or the parts of it that touch a range. Idempotent; tokens, comments and the metadata section stay
 * the same and in order. Fails only where the result would read differently, and then says so.
 */
export function format(text: string, options: FormatOptions = {}): Result<Formatted> {
  const { range, width = 100 } = options;
  const all = regionsOf(options.tree ?? parseSource(text));
  const rangeEnd = range ? Math.max(range.end, range.start + 1) : 0;
  const touched = range ? all.filter(({ start, end }) => start < rangeEnd && end > range.start) : all;
  const first = touched[0];
  const last = touched[touched.length - 1];
  if (!first || !last) return ok({ text, edits: [], untouched: [] });
  const pieces = piecesOf(text, first.start, last.end);
  const eol = /\r?\n/.exec(text)?.[0] ?? '\n';
  const layout = new FileLayout(text, pieces, { width, indent: 2, eol });
  const edits = layout.run(touched, all[all.indexOf(first) - 1]);
  const changed = apply(text, edits, first.start, last.end);
  if (edits.length > 0 && !readsAs(pieces, changed))
    return fail(
      'format-unsafe',
      'Formatting would change what the text means, so it stays as it is.',
      'Report this text; a formatter must never do that.',
    );
  const formatted = text.slice(0, first.start) + changed + text.slice(last.end);
  const untouched = touched.filter((region) => region.broken).map(({ start, end }) => ({ start, end }));
  return ok({ text: formatted, edits, untouched });
}

function apply(text: string, edits: readonly FormatEdit[], from: number, to: number): string {
  const parts: string[] = [];
  let at = from;
  for (const edit of edits) {
    parts.push(text.slice(at, edit.start), edit.newText);
    at = edit.end;
  }
  parts.push(text.slice(at, to));
  return parts.join('');
}
