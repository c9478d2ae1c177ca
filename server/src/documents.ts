/** Open documents: text kept in step by incremental changes, trees made anew from the parts that changed. */
import { LineIndex, type Position } from '../../compiler/src/base/span.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import { reparse, type TextChange } from '../../compiler/src/syntax/incremental.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { CheckedSnapshot, Snapshot } from './snapshot.ts';

/** A change as LSP sends it; without `range` it replaces the whole text. */
export interface ContentChange {
  readonly range?: { readonly start: Position; readonly end: Position };
  readonly text: string;
}

export class Document {
  readonly uri: string;
  private newestVersion: number;
  private text: string;
  private lines: LineIndex;
  /** The newest parsed version, and what was changed since. */
  private parsed: Snapshot;
  private changes: TextChange[] = [];
  private lastCheck: CheckResult | undefined;

  constructor(uri: string, version: number, text: string) {
    this.uri = uri;
    this.newestVersion = version;
    this.text = text;
    this.lines = new LineIndex(text);
    this.parsed = { uri, version, text, lines: this.lines, tree: parseSource(text) };
  }

  get version(): number {
    return this.newestVersion;
  }

  /** The document as it is now. A burst of changes is parsed once, when somebody looks. */
  get snapshot(): Snapshot {
    if (this.parsed.version !== this.newestVersion) {
      const { uri, newestVersion: version, text, lines } = this;
      const tree = reparse(this.parsed.tree, this.parsed.text, text, this.changes);
      this.parsed = { uri, version, text, lines, tree };
      this.changes = [];
    }
    return this.parsed;
  }

  /** The check of the newest checked version, as a start for the next one. */
  get previousCheck(): CheckResult | undefined {
    return this.lastCheck;
  }

  /** The current snapshot with its types, when they are known already. */
  get checked(): CheckedSnapshot | undefined {
    const check = this.lastCheck;
    const { snapshot } = this;
    return check?.tree === snapshot.tree ? { ...snapshot, check } : undefined;
  }

  /** Records the result of a check. */
  remember(check: CheckResult): void {
    this.lastCheck = check;
  }

  /** Whether the text may import other files; cheaper than its tree. */
  get mayImport(): boolean {
    return this.text.includes('import');
  }

  /** What the check rests on outside of the document has changed. */
  forgetCheck(): void {
    this.lastCheck = undefined;
  }

  /** Applies changes in order, each relative to the text after the one before. */
  change(changes: readonly ContentChange[], version: number): void {
    for (const { range, text } of changes) {
      const start = range ? this.lines.offset(range.start) : 0;
      const end = range ? Math.max(start, this.lines.offset(range.end)) : this.text.length;
      this.changes.push({ start, end, newLength: text.length });
      this.text = this.text.slice(0, start) + text + this.text.slice(end);
      this.lines = new LineIndex(this.text);
    }
    this.newestVersion = version;
  }
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
