/** Open documents: text kept in step by incremental changes, trees made anew from the parts that changed. */
import { LineIndex, type Position } from '../../compiler/src/base/span.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { reparse } from '../../compiler/src/syntax/incremental.ts';
import type { SourceTree } from '../../compiler/src/syntax/tree.ts';
import type { CheckedSnapshot, Snapshot } from './snapshot.ts';

/** A change as LSP sends it; without `range` it replaces the whole text. */
export interface ContentChange {
  readonly range?: { readonly start: Position; readonly end: Position };
  readonly text: string;
}

export class Document {
  readonly uri: string;
  private current: Snapshot;
  private lastCheck: CheckResult | undefined;

  constructor(uri: string, version: number, text: string) {
    this.uri = uri;
    this.current = { uri, version, text, lines: new LineIndex(text), tree: parseSource(text) };
  }

  get version(): number {
    return this.current.version;
  }

  get snapshot(): Snapshot {
    return this.current;
  }

  /** The check of the newest checked version, as a start for the next one. */
  get previousCheck(): CheckResult | undefined {
    return this.lastCheck;
  }

  /** The current snapshot with its types, when they are known already. */
  get checked(): CheckedSnapshot | undefined {
    const check = this.lastCheck;
    return check && check.tree === this.current.tree ? { ...this.current, check } : undefined;
  }

  /** Records the result of a check; one of an outdated tree is kept as a start only. */
  remember(check: CheckResult): void {
    this.lastCheck = check;
  }

  /** Applies changes in order, each relative to the text after the one before. */
  change(changes: readonly ContentChange[], version: number): void {
    let { text, lines, tree } = this.current;
    for (const change of changes) {
      if (!change.range) {
        text = change.text;
        lines = new LineIndex(text);
        tree = parseSource(text);
        continue;
      }
      const start = lines.offset(change.range.start);
      const end = Math.max(start, lines.offset(change.range.end));
      const next = text.slice(0, start) + change.text + text.slice(end);
      tree = reparseTree(tree, text, { start, end, text: change.text }, next);
      text = next;
      lines = new LineIndex(text);
    }
    this.current = { uri: this.uri, version, text, lines, tree };
  }
}

function reparseTree(
  tree: SourceTree,
  before: string,
  edit: { readonly start: number; readonly end: number; readonly text: string },
  after: string,
): SourceTree {
  return reparse(tree, before, edit, after);
}

/** The open documents by URI. */
export class DocumentStore {
  private readonly byUri = new Map<string, Document>();

  open(uri: string, version: number, text: string): Document {
    const document = new Document(uri, version, text);
    this.byUri.set(uri, document);
    return document;
  }

  get(uri: string): Document | undefined {
    return this.byUri.get(uri);
  }

  close(uri: string): void {
    this.byUri.delete(uri);
  }

  all(): Iterable<Document> {
    return this.byUri.values();
  }
}
