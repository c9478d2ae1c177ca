/**
 * When documents are checked. A change schedules a check; a request that needs types waits for it. Checks run in slices,
 * between which messages are read, and a check of an outdated version is given up: no change ever waits for long.
 */
import { Cancelled, type CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { checkSteps } from '../../compiler/src/check/check.ts';
import type { Document, DocumentStore } from './documents.ts';
import { importsFile, type Files } from './files.ts';
import { breathe, inSlices } from './slices.ts';
import type { CheckedSnapshot, Snapshot } from './snapshot.ts';

export interface Checked {
  readonly snapshot: CheckedSnapshot;
  readonly milliseconds: number;
}

/** A check that took longer than this, in milliseconds, waits for a pause in typing; at most the longest pause. */
const noticeable = 150;
const longestPause = 100;

interface Pending {
  readonly revision: number;
  readonly done: Promise<CheckedSnapshot | undefined>;
  /** Starts the check now instead of after the pause. */
  hurry(): void;
  cancel(): void;
}

export class Analysis {
  private readonly documents: DocumentStore;
  private readonly files: Files | undefined;
  private readonly onChecked: (result: Checked) => void;
  private readonly onBug: (error: unknown) => void;
  private readonly pending = new Map<string, Pending>();
  private readonly parsing = new WeakMap<Document, Promise<Snapshot | undefined>>();
  private readonly lastDuration = new Map<string, number>();

  constructor(
    documents: DocumentStore,
    hooks: { readonly checked: (result: Checked) => void; readonly bug: (error: unknown) => void },
    files?: Files,
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
      // What is not parsed is not checked either, and will be with the change.
      if (seen.has(other.uri) || !other.mayImport || !other.isParsed || !importsFile(other.snapshot, uri)) continue;
      seen.add(other.uri);
      other.forgetCheck();
      this.pending.get(other.uri)?.cancel();
      this.pending.set(other.uri, this.schedule(other));
      this.importersChanged(other.uri, seen);
    }
  }

  /** Call after a file that is not open was changed, made or removed. */
  fileChanged(uri: string): void {
    this.importersChanged(uri, new Set([uri]));
  }

  closed(uri: string): void {
    this.pending.get(uri)?.cancel();
    this.pending.delete(uri);
    this.lastDuration.delete(uri);
  }

  /** The document with its tree; undefined when it is not open or the request was cancelled meanwhile. */
  async parsed(uri: string, token?: CancellationToken): Promise<Snapshot | undefined> {
    const document = this.documents.get(uri);
    if (!document) return undefined;
    if (!document.isParsed) await this.parse(document);
    return token?.isCancellationRequested || this.documents.get(uri) !== document ? undefined : document.snapshot;
  }

  /** Parses the document in slices; whoever asks meanwhile waits for the same work. */
  private async parse(document: Document): Promise<void> {
    const { documents } = this;
    const closed: CancellationToken = {
      get isCancellationRequested() {
        return documents.get(document.uri) !== document;
      },
    };
    const work = this.parsing.get(document) ?? inSlices(document.parse(), closed);
    this.parsing.set(document, work);
    try {
      await work;
    } finally {
      if (this.parsing.get(document) === work) this.parsing.delete(document);
    }
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
      if (!pending || pending.revision !== document.revision) {
        pending = this.schedule(document);
        this.pending.set(uri, pending);
      }
      pending.hurry();
      const { revision } = document;
      const result = await pending.done;
      if (result) return result;
      // Given up because the text changed: go on with the new version. Otherwise it failed, and will again.
      if (this.documents.get(uri)?.revision === revision) return undefined;
    }
  }

  private schedule(document: Document): Pending {
    const { revision } = document;
    const spent = this.lastDuration.get(document.uri) ?? 0;
    let cancelled = false;
    let started = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let settle: (value: CheckedSnapshot | undefined) => void = () => undefined;
    const done = new Promise<CheckedSnapshot | undefined>((resolve) => (settle = resolve));
    const token: CancellationToken = {
      get isCancellationRequested() {
        return cancelled || document.revision !== revision;
      },
    };
    const begin = (): void => {
      if (started || cancelled) return;
      started = true;
      void this.run(document, token).then(settle);
    };
    const start = (pause: number): void => {
      clearTimeout(timer);
      if (pause === 0) void breathe().then(begin);
      else timer = setTimeout(begin, pause);
    };
    start(spent < noticeable ? 0 : Math.min(longestPause, spent));
    return {
      revision,
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
    const previous = document.previousCheck;
    const began = performance.now();
    try {
      await this.parse(document);
      if (token.isCancellationRequested) return undefined;
      const known = document.checked;
      if (known) {
        // A change that changed nothing: the types hold, and the new version is told of.
        this.onChecked({ snapshot: known, milliseconds: 0 });
        return known;
      }
      const { files } = this;
      const steps = checkSteps(document.snapshot.tree, {
        ...(previous ? { previous } : {}),
        ...(files ? { imports: (path: string, from: Snapshot['tree']) => files.tree(document.uri, path, from) } : {}),
        token,
      });
      const result = await inSlices(steps, token);
      if (!result || token.isCancellationRequested) return undefined;
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
