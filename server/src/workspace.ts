/** The programs of the workspace with their types, open or not; who imports whom. Everything is read when it is asked. */
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { checkSteps } from '../../compiler/src/check/check.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import type { SourceTree } from '../../compiler/src/syntax/tree.ts';
import type { Analysis } from './analysis.ts';
import { importsOf, sameFile, type Files } from './files.ts';
import { breathe, inSlices } from './slices.ts';
import type { CheckedSnapshot, Snapshot } from './snapshot.ts';

/** A check of a closed file, and the trees it rests on. */
interface ClosedCheck {
  readonly check: CheckResult;
  /** By URI. */
  readonly imported: ReadonlyMap<string, SourceTree | undefined>;
}

export class Workspace {
  private readonly files: Files;
  private readonly analysis: Analysis;
  private readonly checks = new WeakMap<SourceTree, ClosedCheck>();

  constructor(files: Files, analysis: Analysis) {
    this.files = files;
    this.analysis = analysis;
  }

  /** A file with its tree; undefined when it cannot be read or the request was cancelled. */
  async parsed(uri: string, token?: CancellationToken): Promise<Snapshot | undefined> {
    const open = this.files.open(uri);
    return open === undefined ? this.files.closedSnapshot(uri) : this.analysis.parsed(open, token);
  }

  /** A file with its types. */
  async checked(uri: string, token?: CancellationToken): Promise<CheckedSnapshot | undefined> {
    const open = this.files.open(uri);
    if (open !== undefined) {
      const snapshot = await this.analysis.checked(open, token);
      return snapshot && { ...snapshot, imports: (path, from) => this.files.tree(open, path, from) };
    }
    const snapshot = await this.files.closedSnapshot(uri);
    return snapshot && this.checkClosed(snapshot, token);
  }

  private async checkClosed(snapshot: Snapshot, token?: CancellationToken): Promise<CheckedSnapshot | undefined> {
    const { tree, uri } = snapshot;
    const imports = (path: string, from: SourceTree): SourceTree | undefined => this.files.tree(uri, path, from);
    const known = this.checks.get(tree);
    const current = known && [...known.imported].every(([file, before]) => this.files.snapshot(file)?.tree === before);
    if (current) return { ...snapshot, check: known.check, imports };
    const imported = new Map<string, SourceTree | undefined>();
    const noted = (path: string, from: SourceTree): SourceTree | undefined => {
      const file = this.files.resolve(uri, path, from);
      const found = imports(path, from);
      if (file !== undefined) imported.set(file, found);
      return found;
    };
    const check = await inSlices(checkSteps(tree, { imports: noted }), token);
    if (!check) return undefined;
    this.checks.set(tree, { check, imported });
    return { ...snapshot, check, imports };
  }

  /** Every program, parsed, one after the other. What cannot be read is left out. */
  async *trees(token: CancellationToken): AsyncGenerator<Snapshot, void> {
    for (const uri of await this.files.all()) {
      await breathe();
      if (token.isCancellationRequested) return;
      const snapshot = await this.parsed(uri, token);
      if (snapshot) yield snapshot;
    }
  }

  /** The programs that see what a file declares: itself, those that import it, and those that import them. */
  async users(uri: string, token: CancellationToken): Promise<readonly string[]> {
    const imports = new Map<string, readonly string[]>();
    for (const file of await this.files.all()) {
      await breathe();
      if (token.isCancellationRequested) return [];
      // Most files import nothing, which their text tells.
      if (!this.files.textOf(file)?.includes('import')) continue;
      const snapshot = await this.parsed(file, token);
      if (snapshot) imports.set(snapshot.uri, importsOf(snapshot));
    }
    const found = [uri];
    for (const target of found)
      for (const [file, list] of imports)
        if (!found.some((known) => sameFile(known, file)) && list.some((imported) => sameFile(imported, target)))
          found.push(file);
    return found;
  }
}
