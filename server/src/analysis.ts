/**
 * When documents are checked. A change schedules a check; a request that needs types waits for it. Checks run in slices,
 * between which messages are read, and a check of an outdated version is given up: no change ever waits for long.
 */
import { Cancelled, type CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { checkSteps, type CheckOptions } from '../../compiler/src/check/check.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import type { Document, DocumentStore } from './documents.ts';
import { importsFile, type ImportedFiles } from './importedFiles.ts';
import type { CheckedSnapshot, Snapshot } from './snapshot.ts';

export interface Checked {
  readonly snapshot: CheckedSnapshot;
  readonly milliseconds: number;
}

/** Milliseconds that a check works before it lets messages through. */
const slice = 8;
/** A check that took longer than this, in milliseconds, waits for a pause in typing; at most the longest pause. */
const noticeable = 50;
const longestPause = 100;

interface Pending {
  readonly version: number;
  readonly done: Promise<CheckedSnapshot | undefined>;
  /** Starts the check now instead of after the pause. */
  hurry(): void;
  cancel(): void;
}

export class Analysis {
  private readonly documents: DocumentStore;
  private readonly files: ImportedFiles | undefined;
  private readonly onChecked: (result: Checked) => void;
  private readonly onBug: (error: unknown) => void;
  private readonly pending = new Map<string, Pending>();
  private readonly lastDuration = new Map<string, number>();

  constructor(
    documents: DocumentStore,
    hooks: { readonly checked: (result: Checked) => void; readonly bug: (error: unknown) => void },
    files?: ImportedFiles,
  ) {
    this.documents = documents;
    this.files = files;
    this.onChecked = hooks.checked;
    this.onBug = hooks.bug;
  }

  /** Call after a document was opened or changed. */
  changed(uri: string): void {
    const document = this.documents.get(uri);
    if (!document) return;
    this.pending.get(uri)?.cancel();
    this.pending.set(uri, this.schedule(document));
    this.importersChanged(uri, new Set([uri]));
  }

  /** Checks the documents that import a file again, and those that import them. */
  private importersChanged(uri: string, seen: Set<string>): void {
    for (const other of this.documents.all()) {
      if (seen.has(other.uri) || !other.mayImport || !importsFile(other.snapshot, uri)) continue;
      seen.add(other.uri);
      other.forgetCheck();
      this.pending.get(other.uri)?.cancel();
      this.pending.set(other.uri, this.schedule(other));
      this.importersChanged(other.uri, seen);
    }
  }

  closed(uri: string): void {
    this.pending.get(uri)?.cancel();
    this.pending.delete(uri);
    this.lastDuration.delete(uri);
  }

  /**
   * The document with its types, for the version that is current when the answer comes. Undefined when the document is
   * not open or the request was cancelled meanwhile.
   */
  async checked(uri: string, token?: CancellationToken): Promise<CheckedSnapshot | undefined> {
    for (;;) {
      const document = this.documents.get(uri);
      if (!document || token?.isCancellationRequested) return undefined;
      const known = document.checked;
      if (known) return known;
      let pending = this.pending.get(uri);
      if (!pending || pending.version !== document.version) {
        pending = this.schedule(document);
        this.pending.set(uri, pending);
      }
      pending.hurry();
      const version = document.version;
      const result = await pending.done;
      if (result) return result;
      // Given up because the text changed: go on with the new version. Otherwise it failed, and will again.
      if (this.documents.get(uri)?.version === version) return undefined;
    }
  }

  private schedule(document: Document): Pending {
    const version = document.version;
    const spent = this.lastDuration.get(document.uri) ?? 0;
    let cancelled = false;
    let started = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let settle: (value: CheckedSnapshot | undefined) => void = () => undefined;
    const done = new Promise<CheckedSnapshot | undefined>((resolve) => (settle = resolve));
    const token: CancellationToken = {
      get isCancellationRequested() {
        return cancelled || document.version !== version;
      },
    };
    const start = (pause: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        started = true;
        void this.run(document, token).then(settle);
      }, pause);
    };
    start(spent < noticeable ? 0 : Math.min(longestPause, spent));
    return {
      version,
      done,
      hurry: () => {
        if (!cancelled && !started) start(0);
      },
      cancel: () => {
        cancelled = true;
        clearTimeout(timer);
        settle(undefined);
      },
    };
  }

  private async run(document: Document, token: CancellationToken): Promise<CheckedSnapshot | undefined> {
    if (token.isCancellationRequested) return undefined;
    const known = document.checked;
    if (known) {
      // A change that changed nothing: the types hold, and the new version is told of.
      this.onChecked({ snapshot: known, milliseconds: 0 });
      return known;
    }
    const previous = document.previousCheck;
    const began = performance.now();
    try {
      const { files } = this;
      const result = await inSlices(document.snapshot.tree, {
        ...(previous ? { previous } : {}),
        ...(files ? { imports: (path: string) => files.tree(document.uri, path) } : {}),
        token,
      });
      if (!result) return undefined;
      document.remember(result);
    } catch (error) {
      if (!(error instanceof Cancelled)) this.onBug(error);
      return undefined;
    }
    const milliseconds = performance.now() - began;
    // How long a first check took says nothing about the ones that go on from it.
    if (previous) this.lastDuration.set(document.uri, milliseconds);
    const snapshot = document.checked;
    if (snapshot) this.onChecked({ snapshot, milliseconds });
    return snapshot;
  }
}

/** Checks with room for messages between slices; undefined when it was given up. */
async function inSlices(
  tree: Snapshot['tree'],
  options: CheckOptions & { readonly token: CancellationToken },
): Promise<CheckResult | undefined> {
  const steps = checkSteps(tree, options);
  for (let end = performance.now() + slice; ;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() < end) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (options.token.isCancellationRequested) return undefined;
    end = performance.now() + slice;
  }
}
