/** Lines of a stage and lines of the source that belong together. */
import type { LineOrigin, WireRange } from '../../../server/src/protocol.ts';

/** An origin that covers more lines than this (a whole function) says nothing about a selection inside it. */
const widest = 12;

export interface Lines {
  readonly first: number;
  readonly last: number;
}

function meets(range: WireRange, lines: Lines): boolean {
  return range.start.line <= lines.last && range.end.line >= lines.first;
}

function width(range: WireRange): number {
  return range.end.line - range.start.line + 1;
}

/** Lines of the stage that came from the selected lines of the source, in order, each once. */
export function stageLines(origins: readonly LineOrigin[], selected: Lines): readonly number[] {
  const limit = Math.max(widest, selected.last - selected.first + 1);
  const found = origins.filter((o) => meets(o.source, selected) && width(o.source) <= limit).map((o) => o.line);
  return [...new Set(found)].sort((a, b) => a - b);
}

/** Places in the source that the selected lines of the stage came from, each once. */
export function sourceRanges(origins: readonly LineOrigin[], selected: Lines): readonly WireRange[] {
  const found = new Map<string, WireRange>();
  for (const { line, source } of origins)
    if (line >= selected.first && line <= selected.last) found.set(JSON.stringify(source), source);
  const all = [...found.values()];
  const narrow = all.filter((range) => width(range) <= widest);
  return narrow.length > 0 ? narrow : all;
}

/** Lines of the assembly that came from selected lines of C, or lines of C behind selected lines of the assembly. */
export function cLines(
  links: readonly { readonly line: number; readonly c: number }[],
  selected: Lines,
  wanted: 'assembly' | 'c',
): readonly number[] {
  const found = links.flatMap(({ line, c }) => {
    const [given, other] = wanted === 'c' ? [line, c] : [c, line];
    return given >= selected.first && given <= selected.last ? [other] : [];
  });
  return [...new Set(found)].sort((a, b) => a - b);
}
