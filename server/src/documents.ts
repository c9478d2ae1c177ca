/** Open documents: text kept in step by incremental changes, trees made anew from the parts that changed. */
import { LineIndex, type Position } from '../../compiler/src/base/span.ts';
import { complete, type Steps } from '../../compiler/src/base/steps.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import { reparseSteps, type TextChange } from '../../compiler/src/syntax/incremental.ts';
import { parseSteps } from '../../compiler/src/syntax/parser.ts';
import type { CheckedSnapshot, Snapshot } from './snapshot.ts';

/** A change as LSP sends it; without `range` it replaces the whole text. */
export interface ContentChange {
  readonly range?: { readonly start: Position; readonly end: Position };
  readonly text: string;
}

export class Document {
  readonly uri: string;
  private newestVersion: number;
  /** Counts changes. Versions are the client's, which may send one twice or out of order. */
  private changeCount = 0;
  private newestText: string;
  private lines: LineIndex;
  /** The newest parsed state, after how many changes it was so, and what was changed since. */
  private parsed: Snapshot | undefined;
  private parsedRevision = -1;
  private changes: TextChange[] = [];
  private lastCheck: CheckResult | undefined;

  constructor(uri: string, version: number, text: string) {
    this.uri = uri;
    this.newestVersion = version;
    this.newestText = text;
    this.lines = new LineIndex(text);
  }

  get version(): number {
    return this.newestVersion;
  }

  get text(): string {
    return this.newestText;
  }

  get lineCount(): number {
    return this.lines.lineCount;
  }

  /** Another number for every state of the text. */
  get revision(): number {
    return this.changeCount;
  }

  /** Whether the tree of the newest text is there. */
  get isParsed(): boolean {
    return this.parsedRevision === this.changeCount;
  }

  /** The document as it is now. A burst of changes is parsed once, when somebody looks; long texts at once, then. */
  get snapshot(): Snapshot {
    return this.isParsed && this.parsed ? this.parsed : complete(this.parse());
  }

  /** The document as it is when the work ends: changes that come on the way are taken along. */
  *parse(): Steps<Snapshot> {
    for (;;) {
      const base = this.parsed;
      if (base && this.isParsed) return base;
      const { uri, changeCount, newestVersion: version, newestText: text, lines } = this;
      const changes = [...this.changes];
      const tree = yield* base ? reparseSteps(base.tree, base.text, text, changes) : parseSteps(text);
      // Somebody who could not wait may have parsed meanwhile.
      if (this.parsed !== base) continue;
      this.parsed = { uri, version, text, lines, tree };
      this.parsedRevision = changeCount;
      this.changes.splice(0, changes.length);
    }
  }

  /** The check of the newest checked version, as a start for the next one. */
  get previousCheck(): CheckResult | undefined {
    return this.lastCheck;
  }

  /** The current snapshot with its types, when they are known already. */
  get checked(): CheckedSnapshot | undefined {
    const check = this.lastCheck;
    if (!check || !this.isParsed || check.tree !== this.parsed?.tree) return undefined;
    return { ...this.parsed, check };
  }

  /** Records the result of a check. */
  remember(check: CheckResult): void {
    this.lastCheck = check;
  }

  /** Whether the text may import other files; cheaper than its tree. */
  get mayImport(): boolean {
    return this.newestText.includes('import');
  }

  /** What the check rests on outside of the document has changed. */
  forgetCheck(): void {
    this.lastCheck = undefined;
  }

  /** Applies changes in order, each relative to the text after the one before. */
  change(changes: readonly ContentChange[], version: number): void {
    for (const { range, text } of changes) {
      const start = range ? this.lines.offset(range.start) : 0;
      const before = this.newestText;
      const end = range ? Math.max(start, this.lines.offset(range.end)) : before.length;
      this.changes.push({ start, end, newLength: text.length });
      this.newestText = before.slice(0, start) + text + before.slice(end);
      this.lines = this.lines.edited(this.newestText, start, end, text.length);
    }
    this.newestVersion = version;
    this.changeCount++;
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
