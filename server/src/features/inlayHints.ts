/** Types that the text does not say, shown behind the names of bindings. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import type { Node } from '../../../compiler/src/syntax/tree.ts';
import { walkTree } from '../../../compiler/src/syntax/walk.ts';
import { printType } from '../../../compiler/src/types/print.ts';
import { rangeOf, type CheckedSnapshot } from '../snapshot.ts';

export interface Hint {
  readonly offset: number;
  readonly label: string;
  /** Inserting this text at `offset` writes the type into the program; absent where the language has no place for it. */
  readonly insert?: string;
}

/** Longer types are cut; the hover shows them whole. */
const longest = 60;

/** Hints inside `range`, in the order of the text. */
export function inlayHints(snapshot: CheckedSnapshot, range: TextRange): readonly Hint[] {
  const hints: Hint[] = [];
  walkTree(snapshot.tree, (node) => {
    const at = rangeOf(snapshot, node.span);
    if (at.end < range.start || at.start > range.end) return false;
    const hint = hintFor(snapshot, node);
    if (hint && hint.offset >= range.start && hint.offset <= range.end) hints.push(hint);
    return true;
  });
  return hints.sort((a, b) => a.offset - b.offset);
}

function hintFor(snapshot: CheckedSnapshot, node: Node): Hint | undefined {
  switch (node.kind) {
    case 'graph':
      return typeHint(snapshot, node, rangeOf(snapshot, node.nameSpan).end, false);
    case 'let':
    case 'param':
    case 'free_var':
      return node.type ? undefined : typeHint(snapshot, node, rangeOf(snapshot, node.name.span).end, true);
    default:
      return undefined;
  }
}

function typeHint(
  snapshot: CheckedSnapshot,
  node: Extract<Node, { kind: 'graph' | 'let' | 'param' | 'free_var' }>,
  offset: number,
  writable: boolean,
): Hint | undefined {
  const type = snapshot.check.typeOf(node);
  if (!type || type.kind === 'error' || type.kind === 'incomplete') return undefined;
  const text = printType(type);
  const label = `: ${text.length > longest ? `${text.slice(0, longest)}…` : text}`;
  return writable ? { offset, label, insert: `: ${text}` } : { offset, label };
}
