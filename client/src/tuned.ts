/** How programs are built here, for previews: the C that is shown is the C that is deployed. */
import * as vscode from 'vscode';
import {
  requests,
  type BuildSettings,
  type RecordsParams,
  type RecordsResult,
  type WireOptions,
} from '../../server/src/protocol.ts';
import { tuneOptionsFrom, type BuildOptions, type TuneOptions } from './engine/tuneOptions.ts';
import { parametersOf } from './parameters.ts';
import { defaultBoard, type Profiles } from './profiles.ts';
import type { Session } from './session.ts';
import type { FindBoards } from './views/boards.ts';

/** Where `relay tune` puts the records of a folder. */
function recordsFile(folder: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(folder, '.relay', 'records.jsonl');
}

/** The settings of tuning and of what is built after it. */
export function tuneOptions(source: vscode.Uri): TuneOptions {
  const settings = vscode.workspace.getConfiguration('relay.tune', source);
  return tuneOptionsFrom((name) => settings.get(name));
}

/** Larger files are left out of previews: they would be read again with every change. */
const largestRecords = 32 * 1024 * 1024;
/** A tuning run appends many records a second: previews follow when it pauses. */
const quietMs = 3000;

/** Tuning records and build options of sources. */
export class Tuned implements vscode.Disposable {
  private readonly session: Session;
  private readonly profiles: Profiles;
  private readonly findBoards: FindBoards;
  private readonly changed = new vscode.EventEmitter<void>();
  /** Records were written, and no more for a while; or other options were set. */
  readonly onChanged = this.changed.event;
  private readonly watcher = vscode.workspace.createFileSystemWatcher('**/.relay/records.jsonl');
  private readonly subscriptions: vscode.Disposable[];
  private known: { readonly key: string; readonly records: Promise<string | undefined> } | undefined;
  private compilers: Promise<ReadonlyMap<string, string>> | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(session: Session, profiles: Profiles, findBoards: FindBoards) {
    this.session = session;
    this.profiles = profiles;
    this.findBoards = findBoards;
    const later = (): void => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.changed.fire(), quietMs);
    };
    const anew = (): void => {
      this.compilers = undefined;
      this.known = undefined;
      this.changed.fire();
    };
    this.subscriptions = [
      this.watcher,
      this.changed,
      this.watcher.onDidCreate(later),
      this.watcher.onDidChange(later),
      this.watcher.onDidDelete(later),
      vscode.workspace.onDidGrantWorkspaceTrust(anew),
      vscode.workspace.onDidChangeConfiguration((event) => {
        const tools = ['relay.toolchain', 'relay.boards'].some((section) => event.affectsConfiguration(section));
        if (tools) anew();
        else if (event.affectsConfiguration('relay.tune')) this.changed.fire();
      }),
    ];
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

  /** Everything that `relay build` would know of the source, with the chosen board. */
  async settingsFor(source: vscode.Uri): Promise<BuildSettings> {
    const board = await this.profiles.current();
    const options = tuneOptions(source);
    const [params, records] = [await parametersOf(source), await this.recordsFor(source, board?.name, options)];
    return {
      options: wireOptions(options),
      ...(params === undefined ? {} : { params }),
      ...(board === undefined ? {} : { target: board.target, memory: board.memory }),
      ...(records === undefined ? {} : { records }),
    };
  }

  private async recordsFor(
    source: vscode.Uri,
    board = defaultBoard,
    { cost }: BuildOptions,
  ): Promise<string | undefined> {
    const found = await this.fileFor(source);
    if (!found) return undefined;
    const key = `${found.file.toString()} ${found.stamp} ${board} ${cost}`;
    if (this.known?.key !== key) this.known = { key, records: this.read(found.file, board, cost) };
    return this.known.records;
  }

  /** Asks the server, which chooses as the engine does; what it cannot read goes to the log. */
  private async read(file: vscode.Uri, board: string, cost: BuildOptions['cost']): Promise<string | undefined> {
    try {
      const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
      this.compilers ??= this.compilersHere();
      const compiler = (await this.compilers).get(board);
      const params: RecordsParams = { text, board, cost, ...(compiler === undefined ? {} : { compiler }) };
      const result = await this.session.client.sendRequest<RecordsResult>(requests.records, params);
      for (const notice of result.notices) this.session.output.warn(`${file.fsPath}: ${notice}`);
      return result.records;
    } catch (error) {
      this.session.output.debug(`No tuning records from ${file.toString()}: ${String(error)}`);
      return undefined;
    }
  }

  /** Version lines of the boards' compilers; none where no program may be started. */
  private async compilersHere(): Promise<ReadonlyMap<string, string>> {
    const boards = (await this.findBoards()) ?? [];
    return new Map(boards.flatMap(({ name, compiler }) => (compiler === undefined ? [] : [[name, compiler] as const])));
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function wireOptions({ arena, size, codePrice }: BuildOptions): WireOptions {
  return {
    ...(arena > 0 ? { arena } : {}),
    ...(size ? { size } : {}),
    ...(codePrice === undefined ? {} : { codePrice }),
  };
}
