/** The files that documents import: open ones as they are in the editor, others as a reader gives them. */
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { SourceTree } from '../../compiler/src/syntax/tree.ts';
import type { DocumentStore } from './documents.ts';
import type { Snapshot } from './snapshot.ts';

/** The text of a file by its URI; undefined when it cannot be read. */
export type ReadFile = (uri: string) => string | undefined;

/** Where `import "path"` of a document leads; undefined when the URI has no folders. */
export function importedUri(from: string, path: string): string | undefined {
  try {
    return new URL(path, from).href;
  } catch {
    return undefined;
  }
}

/** True when a document imports the file of that URI itself. */
export function importsFile(snapshot: Snapshot, uri: string): boolean {
  const wanted = new URL(uri).href;
  return snapshot.tree.definitions.some(
    (definition) => definition.kind === 'import' && importedUri(snapshot.uri, definition.path.text) === wanted,
  );
}

export class ImportedFiles {
  private readonly documents: DocumentStore;
  private readonly read: ReadFile;
  /** Trees of closed files, for the text they were made of. */
  private readonly closed = new Map<string, { readonly text: string; readonly tree: SourceTree }>();

  /** Where trees that were imported come from, so that their own imports are relative to them. */
  private readonly uris = new WeakMap<SourceTree, string>();

  constructor(documents: DocumentStore, read: ReadFile = () => undefined) {
    this.documents = documents;
    this.read = read;
  }

  /**
   * The tree of what `path` names in the document `from`, or in the imported file whose tree is `importer`. The same
   * file gives the same tree until it changes.
   */
  tree(from: string, path: string, importer?: SourceTree): SourceTree | undefined {
    const uri = importedUri((importer && this.uris.get(importer)) ?? from, path);
    if (uri === undefined) return undefined;
    const tree = this.treeOf(uri);
    if (tree) this.uris.set(tree, uri);
    return tree;
  }

  private treeOf(uri: string): SourceTree | undefined {
    for (const document of this.documents.all()) if (sameFile(document.uri, uri)) return document.snapshot.tree;
    const text = this.read(uri);
    if (text === undefined) return undefined;
    const known = this.closed.get(uri);
    if (known?.text === text) return known.tree;
    const tree = parseSource(text);
    this.closed.set(uri, { text, tree });
    return tree;
  }
}

/** Editors escape more characters than `URL` does. */
function sameFile(a: string, b: string): boolean {
  return a === b || decode(a) === decode(b);
}

function decode(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
}
