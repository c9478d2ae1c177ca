/** Links from `meta[relay.Constant][0]` to the metadata section. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import { rangeOf, type Snapshot } from '../snapshot.ts';

export interface MetaLink {
  readonly range: TextRange;
  readonly target: TextRange;
  readonly tooltip: string;
}

const pattern = /meta\[([^\]\n]*)\]\[(\d+)\]/g;

/** Every metadata reference outside the metadata section itself; none when the file has no such section. */
export function documentLinks(snapshot: Snapshot): readonly MetaLink[] {
  const { metadata } = snapshot.tree;
  if (!metadata) return [];
  const section = rangeOf(snapshot, metadata.span);
  const links: MetaLink[] = [];
  const program = snapshot.text.slice(0, section.start);
  for (const match of program.matchAll(pattern)) {
    links.push({
      range: { start: match.index, end: match.index + match[0].length },
      target: { start: section.start, end: section.start + '#[metadata]'.length },
      tooltip: `Constant ${match[2] ?? ''} of ${match[1] ?? ''} in the metadata section`,
    });
  }
  return links;
}

/** The path of an import, which leads to another file. */
export interface ImportLink {
  readonly range: TextRange;
  readonly path: string;
}

/** Every import with a path. */
export function importLinks(snapshot: Snapshot): readonly ImportLink[] {
  return snapshot.tree.definitions.flatMap((definition) =>
    definition.kind === 'import' && definition.path.text !== ''
      ? [{ range: rangeOf(snapshot, definition.path.span), path: definition.path.text }]
      : [],
  );
}
