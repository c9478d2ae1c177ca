/** What a code action is: data that documents it, and a function that says where it applies. */
import type { Diagnostic, TextEdit } from '../../../../compiler/src/base/diagnostic.ts';
import type { Span, TextRange } from '../../../../compiler/src/base/span.ts';
import type { Node } from '../../../../compiler/src/syntax/tree.ts';
import { pathAt } from '../../locate.ts';
import { rangeOf, type CheckedSnapshot, type Snapshot } from '../../snapshot.ts';
import { diagnostics, type KnownDiagnostics } from '../diagnostics.ts';

/** LSP's kinds of code actions, as far as they are used. */
export type ActionKind = 'quickfix' | 'refactor.inline' | 'refactor.extract' | 'refactor.rewrite';

export interface Offer {
  readonly title: string;
  readonly edits: readonly TextEdit[];
  /** What it repairs. */
  readonly diagnostic?: Diagnostic;
  readonly preferred?: boolean;
}

export interface ActionContext {
  readonly snapshot: CheckedSnapshot;
  /** The selection; empty for a cursor. */
  readonly range: TextRange;
  /** The nodes around the start of the selection, outermost first. */
  readonly path: readonly Node[];
  /** The diagnostics that touch the selection. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface CodeActionRecord {
  /** Heading in the documentation. */
  readonly name: string;
  readonly kind: ActionKind;
  /** One or two sentences for users. */
  readonly summary: string;
  /**
   * Shown and tested: `before` has the cursor at `$0`, or the selection between `«` and `»`; the offer whose title
   * begins with `title` (the first one without) gives `after`. No version header.
   */
  readonly example: { readonly before: string; readonly after: string; readonly title?: string };
  offers(context: ActionContext): readonly Offer[];
}

/** The context of a selection. */
export function contextAt(snapshot: CheckedSnapshot, range: TextRange, ranges?: KnownDiagnostics): ActionContext {
  return {
    snapshot,
    range,
    path: pathAt(snapshot, range.start),
    diagnostics: diagnostics(snapshot, ranges).filter((diagnostic) => {
      const at = rangeOf(snapshot, diagnostic.span);
      return at.start <= range.end && range.start <= at.end;
    }),
  };
}

/** A span of a range of the text, whichever anchors lie there. */
function spanOf(snapshot: Snapshot, range: TextRange): Span {
  const [first] = snapshot.tree.anchors;
  if (!first) throw new Error('a tree without anchors');
  const [anchor, base] = first;
  return { anchor, start: range.start - base, end: range.end - base };
}

/** An edit by offsets. */
export function replace(snapshot: Snapshot, range: TextRange, newText: string): TextEdit {
  return { span: spanOf(snapshot, range), newText };
}

/** An edit that inserts at an offset. */
export function insertAt(snapshot: Snapshot, offset: number, newText: string): TextEdit {
  return replace(snapshot, { start: offset, end: offset }, newText);
}

/** The innermost node of one of the kinds. */
export function innermost<K extends Node['kind']>(
  path: readonly Node[],
  ...kinds: readonly K[]
): Extract<Node, { kind: K }> | undefined {
  return path.findLast((node): node is Extract<Node, { kind: K }> => (kinds as readonly string[]).includes(node.kind));
}

/** The white space at the start of the line of an offset. */
export function indentAt(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start))?.[0] ?? '';
}

/** The range of a statement with its semicolon and, where it stands alone on its lines, the line break. */
export function wholeStatement(text: string, range: TextRange): TextRange {
  let { start, end } = range;
  const semicolon = /^\s*;/.exec(text.slice(end, end + 200));
  if (semicolon && text[end - 1] !== ';') end += semicolon[0].length;
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const behind = /^[ \t]*\r?\n/.exec(text.slice(end, end + 200));
  if (text.slice(lineStart, start).trim() === '' && behind) {
    start = lineStart;
    end += behind[0].length;
  } else end += /^[ \t]*/.exec(text.slice(end, end + 200))?.[0].length ?? 0;
  return { start, end };
}
