/** The models of the workspace and whether they fit the chosen board. */
import * as vscode from 'vscode';
import type { BuildResult } from '../../../server/src/protocol.ts';
import type { Builds } from '../builds.ts';
import { budgetProblems, count, fitText } from '../engine/sizes.ts';
import type { BoardProfile } from '../engine/profile.ts';
import { parameterFile } from '../parameters.ts';
import type { Session } from '../session.ts';

interface Model {
  readonly uri: vscode.Uri;
  readonly params: boolean;
}

/** True of a file that defines functions for others, and no program. */
function isLibrary(text: string): boolean {
  return /^\s*def\s+@/m.test(text) && !/\bdef\s+@main\b/.test(text);
}

const mostModels = 200;
/** Larger sources are compiled when they are opened, not for a list. */
const largestSource = 256 * 1024;

class ModelTree implements vscode.TreeDataProvider<Model> {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly builds: Builds;
  private readonly fits = new Map<string, BuildResult>();
  /** Files that define functions for others, and no program. */
  private readonly libraries = new Set<string>();
  private board: BoardProfile | undefined;
  private missing: vscode.Uri[] = [];
  private running = false;

  constructor(builds: Builds) {
    this.builds = builds;
  }

  /** Shows the list anew; `stale` models (all, when none is named) are compiled again. */
  refresh(stale?: vscode.Uri): void {
    if (stale) this.fits.delete(stale.toString());
    else this.fits.clear();
    if (stale) this.libraries.delete(stale.toString());
    else this.libraries.clear();
    this.changed.fire();
  }

  built(uri: vscode.Uri, result: BuildResult): void {
    const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
    if (open && isLibrary(open.getText())) this.libraries.add(uri.toString());
    else this.libraries.delete(uri.toString());
    this.fits.set(uri.toString(), result);
    this.changed.fire();
  }

  async getChildren(model?: Model): Promise<Model[]> {
    if (model) return [];
    this.board = await this.builds.profiles.chosen();
    const files = await vscode.workspace.findFiles('**/*.{relay,rly}', '**/node_modules/**', mostModels);
    files.sort((a, b) => (a.path < b.path ? -1 : 1));
    const models = await Promise.all(files.map(async (uri) => ({ uri, params: await exists(parameterFile(uri)) })));
    void this.compileMissing(models);
    return models;
  }

  getTreeItem({ uri, params }: Model): vscode.TreeItem {
    const item = new vscode.TreeItem(uri);
    const build = this.fits.get(uri.toString());
    item.id = uri.toString();
    item.contextValue = params ? 'model params' : 'model';
    item.command = { command: 'vscode.open', title: 'Open', arguments: [uri] };
    if (this.libraries.has(uri.toString())) {
      item.description = 'functions for others';
      item.iconPath = new vscode.ThemeIcon('library');
      item.tooltip = 'No @main in this file: it is imported by others.';
      return item;
    }
    if (!build) {
      item.iconPath = new vscode.ThemeIcon('loading~spin');
      return item;
    }
    if (build.failure) {
      item.description = 'does not compile';
      item.iconPath = new vscode.ThemeIcon('error');
      item.tooltip = [build.failure.message, build.failure.remedy ?? ''].join('\n');
      return item;
    }
    const problems = this.board ? budgetProblems(build, this.board) : [];
    const over = problems.some((problem) => problem.severity === 'warning');
    item.description = fitText(build, this.board);
    item.iconPath = new vscode.ThemeIcon(over ? 'warning' : this.board ? 'pass' : 'circuit-board');
    item.tooltip = [
      `${build.layers.length} kernels, ${count(build.macs)} MACs${params ? ', with parameters' : ''}`,
      ...(problems.length > 0 ? problems.map((p) => p.message) : this.board ? [`Fits ${this.board.name}.`] : []),
    ].join('\n');
    item.accessibilityInformation = { label: `${uri.path.split('/').at(-1)}: ${item.description}` };
    return item;
  }

  /** One after the other, so that the server stays free for the editor. */
  private async compileMissing(models: readonly Model[]): Promise<void> {
    this.missing = models
      .map(({ uri }) => uri)
      .filter((uri) => !this.fits.has(uri.toString()) && !this.libraries.has(uri.toString()));
    if (this.running) return;
    this.running = true;
    try {
      for (let uri = this.missing.shift(); uri; uri = this.missing.shift()) {
        if (this.fits.has(uri.toString())) continue;
        const result = await this.compile(uri);
        if (result) this.built(uri, result);
      }
    } finally {
      this.running = false;
    }
  }

  private async compile(uri: vscode.Uri): Promise<BuildResult | undefined> {
    const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
    try {
      if (!open && (await vscode.workspace.fs.stat(uri)).size > largestSource) return undefined;
      const text = open?.getText() ?? new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
      if (isLibrary(text)) {
        this.libraries.add(uri.toString());
        this.changed.fire();
        return undefined;
      }
      return await this.builds.compile(uri, text);
    } catch {
      return undefined;
    }
  }
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}

/** The view of the models of the workspace with its commands. */
export function registerModels(session: Session, builds: Builds): vscode.Disposable {
  const tree = new ModelTree(builds);
  const watcher = vscode.workspace.createFileSystemWatcher('**/*.{relay,rly,params}');
  const source = (uri: vscode.Uri): vscode.Uri => uri.with({ path: uri.path.replace(/\.params$/, '.relay') });
  return vscode.Disposable.from(
    vscode.window.createTreeView('relay.models', { treeDataProvider: tree }),
    watcher,
    watcher.onDidCreate((uri) => tree.refresh(source(uri))),
    watcher.onDidChange((uri) => tree.refresh(source(uri))),
    watcher.onDidDelete((uri) => tree.refresh(source(uri))),
    builds.onBuilt(({ uri, result }) => tree.built(uri, result)),
    session.onState((state) => {
      if (state === 'running') tree.refresh();
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('relay.board')) tree.refresh();
    }),
    vscode.commands.registerCommand('relay.refreshModels', () => tree.refresh()),
  );
}
