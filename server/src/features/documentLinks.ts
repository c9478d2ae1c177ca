/** Links from `meta[relay.Constant][0]` to its entry in the metadata section, and from imports to their files. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import type { Steps } from '../../../compiler/src/base/steps.ts';
import type { MetaRef } from '../../../compiler/src/syntax/tree.ts';
import { walkInSteps } from '../slices.ts';
import { rangeOf, type Snapshot } from '../snapshot.ts';
import { constantTitle } from './constants.ts';
import { metadataEntry } from './metadataEntries.ts';

export interface MetaLink {
  readonly range: TextRange;
  readonly target: TextRange;
  readonly tooltip: string;
}

/** Every metadata reference, in the order of the text; one without an entry leads to the section. */
export function* documentLinks(snapshot: Snapshot): Steps<readonly MetaLink[]> {
  const { metadata } = snapshot.tree;
  if (!metadata) return [];
  const section = rangeOf(snapshot, metadata.span).start;
  const head = { start: section, end: section + '#[metadata]'.length };
  const references: MetaRef[] = [];
  yield* walkInSteps(snapshot.tree, (node) => {
    if (node.kind === 'meta') references.push(node);
  });
  const links: MetaLink[] = [];
  for (const reference of references) {
    yield;
    const target = metadataEntry(snapshot, reference.key, reference.index) ?? head;
    const { start, end } = rangeOf(snapshot, reference.span);
    // Without the type comment that may stand behind it.
    const written = /^meta\[[^\]]*\]\[\d+\]/.exec(snapshot.text.slice(start, end))?.[0].length ?? end - start;
    links.push({ range: { start, end: start + written }, target, tooltip: constantTitle(snapshot, reference) });
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
