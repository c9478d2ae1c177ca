/** What tuning found, for previews: the C that is shown is the C that is deployed. */
import * as vscode from 'vscode';
import { bestConfigs } from './engine/records.ts';
import { defaultBoard, type Profiles } from './profiles.ts';

/** Where `relay tune` puts the records of a folder. */
function recordsFile(folder: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(folder, '.relay', 'records.jsonl');
}

/** Larger files are left out of previews: they would be read again with every change. */
const largestRecords = 32 * 1024 * 1024;
/** A tuning run appends many records a second: previews follow when it pauses. */
const quietMs = 3000;

export class Tuned implements vscode.Disposable {
  private readonly profiles: Profiles;
  private readonly changed = new vscode.EventEmitter<void>();
  /** Records were written, and no more for a while. */
  readonly onChanged = this.changed.event;
  private readonly watcher = vscode.workspace.createFileSystemWatcher('**/.relay/records.jsonl');
  private known: { readonly key: string; readonly configs: string | undefined } | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(profiles: Profiles) {
    this.profiles = profiles;
    const later = (): void => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.changed.fire(), quietMs);
    };
    this.watcher.onDidCreate(later);
    this.watcher.onDidChange(later);
    this.watcher.onDidDelete(later);
  }

  /** The records of the source's folder, when there are any. */
  async fileFor(source: vscode.Uri): Promise<{ readonly file: vscode.Uri; readonly stamp: string } | undefined> {
    const folder = vscode.workspace.getWorkspaceFolder(source)?.uri;
    if (!folder) return undefined;
    const file = recordsFile(folder);
    try {
      const { mtime, size } = await vscode.workspace.fs.stat(file);
      return size > largestRecords ? undefined : { file, stamp: `${mtime} ${size}` };
    } catch {
      return undefined;
    }
  }

  /** The best configurations for the source on the chosen board, as the server takes them. */
  async configsFor(source: vscode.Uri): Promise<string | undefined> {
    const found = await this.fileFor(source);
    if (!found) return undefined;
    const board = (await this.profiles.chosen())?.name ?? defaultBoard;
    const key = `${found.file.toString()} ${found.stamp} ${board}`;
    if (this.known?.key === key) return this.known.configs;
    try {
      const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(found.file));
      this.known = { key, configs: bestConfigs(text, board) };
      return this.known.configs;
    } catch {
      return undefined;
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.watcher.dispose();
    this.changed.dispose();
  }
}
