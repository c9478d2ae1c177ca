/** Files of the workspace and what programs import: open ones as they are in the editor, others as a reader gives them. */
import { LineIndex } from '../../compiler/src/base/span.ts';
import { inlineImports } from '../../compiler/src/check/inline-imports.ts';
import { parseSource, parseSteps } from '../../compiler/src/syntax/parser.ts';
import type { SourceTree } from '../../compiler/src/syntax/tree.ts';
import type { Document, DocumentStore } from './documents.ts';
import { inSlices } from './slices.ts';
import { closedVersion, type Snapshot } from './snapshot.ts';
import { virtualDocument } from './virtualDocuments.ts';

/** What the host can read beside open documents. */
export interface FileAccess {
  /** The text of a file by its URI; undefined when it cannot be read. */
  read(uri: string): string | undefined;
  /** The programs under a folder of the workspace. */
  list?(folder: string): Promise<readonly string[]>;
  /** A parameter file; `unchanged` when its stamp is still the one that is known. */
  bytes?(
    uri: string,
    known?: string,
  ): Promise<{ readonly bytes: Uint8Array; readonly stamp: string } | 'unchanged' | undefined>;
}

/** A text to compile: a program with what it imports behind it, and how many of the lines are its own. */
export interface Program {
  readonly text: string;
  /** Left out when all are. */
  readonly ownLines?: number;
}

const noFiles: FileAccess = { read: () => undefined };

/** Milliseconds for which a list of files is good when nobody tells of changes. */
const staleAfter = 2000;

/** Where `import "path"` of a document leads; undefined when the URI has no folders. */
export function importedUri(from: string, path: string): string | undefined {
  try {
    return new URL(path, from).href;
  } catch {
    return undefined;
  }
}

/** The files that a document imports itself, in order. */
export function importsOf(snapshot: Snapshot): readonly string[] {
  return snapshot.tree.definitions.flatMap((definition) =>
    definition.kind === 'import' ? (importedUri(snapshot.uri, definition.path.text) ?? []) : [],
  );
}

/** True when a document imports the file of that URI itself. */
export function importsFile(snapshot: Snapshot, uri: string): boolean {
  return importsOf(snapshot).some((imported) => sameFile(imported, uri));
}

export class Files {
  private readonly documents: DocumentStore;
  private readonly access: FileAccess;
  /** Closed files as they were last read. */
  private readonly closed = new Map<string, Snapshot>();
  /** Where trees that were imported come from: their own imports are relative to them. */
  private readonly imported = new WeakMap<SourceTree, string>();
  private readonly folders = new Set<string>();
  private listed: Promise<readonly string[]> | undefined;
  private listedAt = 0;
  /** Whether somebody tells when files come and go. */
  watched = false;

  constructor(documents: DocumentStore, access: FileAccess = noFiles) {
    this.documents = documents;
    this.access = access;
  }

  /**
   * The tree of what `path` names in the document `from`, or in the imported file whose tree is `importer`. The same
   * file gives the same tree until it changes.
   */
  tree(from: string, path: string, importer?: SourceTree): SourceTree | undefined {
    const uri = this.resolve(from, path, importer);
    const tree = uri === undefined ? undefined : this.snapshot(uri)?.tree;
    if (tree && uri !== undefined) this.imported.set(tree, uri);
    return tree;
  }

  /** What is compiled for an open document. */
  program(document: Document): Program {
    if (!document.mayImport) return { text: document.text };
    const { uri, text, tree } = document.snapshot;
    return this.withImports(uri, text, tree);
  }

  /** What is compiled for a file that is not open. */
  closedProgram(uri: string, text: string): Program {
    return /^\s*import\b/m.test(text) ? this.withImports(uri, text, parseSource(text)) : { text };
  }

  private withImports(uri: string, text: string, tree: SourceTree): Program {
    const whole = inlineImports({
      tree,
      text,
      imports: (path, from) => this.tree(uri, path, from === tree ? undefined : from),
      textOf: (imported) => {
        const source = this.imported.get(imported);
        return source === undefined ? undefined : this.textOf(source);
      },
    });
    // Alone it does not compile, and the compiler says why.
    if (!whole.ok || whole.value === text) return { text };
    return { text: whole.value, ownLines: new LineIndex(text).lineCount };
  }

  /** The URI of what `tree` reads. */
  resolve(from: string, path: string, importer?: SourceTree): string | undefined {
    return importedUri((importer && this.imported.get(importer)) ?? from, path);
  }

  /** A file as it is now, open or not. The same text gives the same snapshot. */
  snapshot(uri: string): Snapshot | undefined {
    const open = this.open(uri);
    if (open !== undefined) return this.documents.get(open)?.snapshot;
    const text = this.read(uri);
    if (text === undefined) return undefined;
    const known = this.closed.get(uri);
    return known?.text === text ? known : this.keep(uri, text, parseSource(text));
  }

  /** The same for a file that is not open, parsed in slices. */
  async closedSnapshot(uri: string): Promise<Snapshot | undefined> {
    const text = this.read(uri);
    if (text === undefined) return undefined;
    const known = this.closed.get(uri);
    if (known?.text === text) return known;
    const tree = await inSlices(parseSteps(text));
    return tree && this.keep(uri, text, tree);
  }

  private read(uri: string): string | undefined {
    return virtualDocument(uri) ?? this.access.read(uri);
  }

  private keep(uri: string, text: string, tree: SourceTree): Snapshot {
    const snapshot = { uri, version: closedVersion, text, lines: new LineIndex(text), tree };
    this.closed.set(uri, snapshot);
    return snapshot;
  }

  /** The text of a file, open or not, without parsing it. */
  textOf(uri: string): string | undefined {
    const open = this.open(uri);
    return open === undefined ? this.read(uri) : this.documents.get(open)?.text;
  }

  /** The URI under which a file is open, which may be escaped in another way. */
  open(uri: string): string | undefined {
    if (this.documents.get(uri)) return uri;
    for (const document of this.documents.all()) if (sameFile(document.uri, uri)) return document.uri;
    return undefined;
  }

  /** Folders of the workspace that came and went. */
  foldersChanged(added: readonly string[], removed: readonly string[]): void {
    for (const uri of removed) this.folders.delete(uri);
    for (const uri of added) this.folders.add(uri);
    this.listed = undefined;
  }

  /** Files came or went. */
  listChanged(): void {
    this.listed = undefined;
  }

  /** Every program of the workspace: the open documents first, under their own URIs, then the others. */
  async all(): Promise<readonly string[]> {
    const { access, folders } = this;
    if (!this.watched && performance.now() - this.listedAt > staleAfter) this.listed = undefined;
    if (!this.listed) this.listedAt = performance.now();
    this.listed ??= access.list
      ? Promise.all([...folders].map((folder) => access.list?.(folder) ?? [])).then((lists) => lists.flat())
      : Promise.resolve([]);
    const open = [...this.documents.all()].map(({ uri }) => uri);
    const known = new Set(open.map(decode));
    return [...open, ...new Set((await this.listed).filter((uri) => !known.has(decode(uri))))];
  }
}

/** Editors escape more characters than `URL` does. */
export function sameFile(a: string, b: string): boolean {
  return a === b || decode(a) === decode(b);
}

function decode(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
}
