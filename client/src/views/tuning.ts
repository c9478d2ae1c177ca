/** Tuning: the best record of each task, and the runs of this window with a live curve. */
import * as vscode from 'vscode';
import { curvePage, type RunCurve } from '../engine/curve.ts';
import type { Progress } from '../engine/progress.ts';
import { bestRecords, type BestRecord } from '../engine/records.ts';
import { count } from '../engine/sizes.ts';
import { nonce } from '../nonce.ts';

/** Time between two pictures of a running search, in milliseconds. */
const frameMs = 250;
const mostRuns = 5;

interface Run {
  readonly title: string;
  state: RunCurve['state'];
  unit: string;
  trials: number | undefined;
  readonly points: { trial: number; best: number }[];
}

/** The runs of this window, newest first, as a view of the side bar. */
export class Runs implements vscode.WebviewViewProvider {
  private readonly runs: Run[] = [];
  private view: vscode.WebviewView | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    view.webview.options = { enableScripts: false, localResourceRoots: [] };
    view.onDidDispose(() => {
      if (this.view === view) this.view = undefined;
    });
    this.draw();
  }

  /** Announces a run; what it returns takes the run's progress and end. */
  begin(title: string): { progress(line: Progress): void; end(state: RunCurve['state']): void } {
    const run: Run = { title, state: 'running', unit: '', trials: undefined, points: [] };
    this.runs.unshift(run);
    this.runs.length = Math.min(this.runs.length, mostRuns);
    this.draw();
    return {
      progress: (line) => {
        if (line.event !== 'trial' || line.trial === undefined || !line.best) return;
        run.trials = line.trials;
        run.unit = line.best.unit;
        run.points.push({ trial: line.trial, best: line.best.value });
        this.timer ??= setTimeout(() => this.draw(), frameMs);
      },
      end: (state) => {
        run.state = state;
        this.draw();
      },
    };
  }

  private draw(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.view) this.view.webview.html = curvePage(this.runs, nonce());
  }
}

type Item = { readonly board: string; readonly records: readonly BestRecord[] } | BestRecord;

class RecordTree implements vscode.TreeDataProvider<Item> {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;

  refresh(): void {
    this.changed.fire();
  }

  async getChildren(item?: Item): Promise<Item[]> {
    if (item) return 'records' in item ? [...item.records] : [];
    const boards = new Map<string, BestRecord[]>();
    for (const record of bestRecords(await recordsText())) {
      boards.set(record.board, [...(boards.get(record.board) ?? []), record]);
    }
    return [...boards].map(([board, records]) => ({ board, records: records.sort((a, b) => b.cost - a.cost) }));
  }

  getTreeItem(item: Item): vscode.TreeItem {
    if ('records' in item) {
      const node = new vscode.TreeItem(item.board, vscode.TreeItemCollapsibleState.Expanded);
      node.id = item.board;
      node.description = `${item.records.length} tasks`;
      node.iconPath = new vscode.ThemeIcon('circuit-board');
      return node;
    }
    const node = new vscode.TreeItem(item.task);
    node.id = `${item.board} ${item.task}`;
    node.description = `${count(item.cost)} ${item.unit} · ${item.tried} measured`;
    node.tooltip = `${item.task}\n${item.template}\n${item.cost} ${item.unit}, ${item.provenance}`;
    node.iconPath = new vscode.ThemeIcon('dashboard');
    return node;
  }
}

/** The records of the workspace's folders, where `relay tune` puts them. */
export async function recordsText(): Promise<string> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const texts = await Promise.all(
    folders.map(async ({ uri }) => {
      try {
        const file = vscode.Uri.joinPath(uri, '.relay', 'records.jsonl');
        return new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
      } catch {
        return '';
      }
    }),
  );
  return texts.join('\n');
}

/** The views of tuning runs and records. */
export function registerTuning(runs: Runs): vscode.Disposable {
  const tree = new RecordTree();
  const watcher = vscode.workspace.createFileSystemWatcher('**/.relay/records.jsonl');
  let timer: ReturnType<typeof setTimeout> | undefined;
  // A run appends many records a second.
  const later = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      tree.refresh();
    }, 1000);
  };
  return vscode.Disposable.from(
    vscode.window.createTreeView('relay.records', { treeDataProvider: tree }),
    vscode.window.registerWebviewViewProvider('relay.runs', runs),
    watcher,
    watcher.onDidCreate(later),
    watcher.onDidChange(later),
    watcher.onDidDelete(later),
    new vscode.Disposable(() => clearTimeout(timer)),
    vscode.commands.registerCommand('relay.refreshRecords', () => tree.refresh()),
  );
}
