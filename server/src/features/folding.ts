/** What can be folded: functions, blocks, matches, long calls, the metadata section, runs of comments. */
import type { Steps } from '../../../compiler/src/base/steps.ts';
import type { Node } from '../../../compiler/src/syntax/tree.ts';
import { walkInSteps } from '../slices.ts';
import { rangeOf, type Snapshot } from '../snapshot.ts';

export interface Fold {
  readonly startLine: number;
  readonly endLine: number;
  readonly kind: 'region' | 'comment' | 'imports';
}

const foldable: ReadonlySet<Node['kind']> = new Set<Node['kind']>([
  'def',
  'type',
  'fn',
  'block',
  'match',
  'arm',
  'call',
  'tuple',
]);

/** Folds, by start line; at most one a line. */
export function* folds(snapshot: Snapshot): Steps<readonly Fold[]> {
  const found = new Map<number, Fold>();
  const add = (start: number, end: number, kind: Fold['kind']): void => {
    const startLine = snapshot.lines.position(start).line;
    const endLine = snapshot.lines.position(end).line;
    if (endLine > startLine && !found.has(startLine)) found.set(startLine, { startLine, endLine, kind });
  };
  yield* walkInSteps(snapshot.tree, (node) => {
    const range = rangeOf(snapshot, node.span);
    const startLine = snapshot.lines.position(range.start).line;
    // What stands on one line has nothing to fold inside either.
    if (snapshot.lines.position(range.end).line === startLine) return false;
    if (foldable.has(node.kind)) add(range.start, range.end, 'region');
    return true;
  });
  const { metadata } = snapshot.tree;
  if (metadata) {
    const range = rangeOf(snapshot, metadata.span);
    add(range.start, snapshot.text.trimEnd().length, 'region');
  }
  for (const fold of commentFolds(snapshot)) if (!found.has(fold.startLine)) found.set(fold.startLine, fold);
  return [...found.values()].sort((a, b) => a.startLine - b.startLine);
}

/** Runs of two or more whole-line comments. */
function commentFolds(snapshot: Snapshot): readonly Fold[] {
  const result: Fold[] = [];
  const end = snapshot.tree.metadata ? rangeOf(snapshot, snapshot.tree.metadata.span).start : snapshot.text.length;
  const pattern = /^[ \t]*\/\/.*(?:\r?\n[ \t]*\/\/.*)+/gm;
  for (let match = pattern.exec(snapshot.text); match && match.index < end; match = pattern.exec(snapshot.text)) {
    result.push({
      startLine: snapshot.lines.position(match.index).line,
      endLine: snapshot.lines.position(match.index + match[0].length).line,
      kind: 'comment',
    });
  }
  return result;
}
