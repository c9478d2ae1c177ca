/** The boards: their memory, which one is chosen, and what this machine lacks to use them. */
import * as vscode from 'vscode';
import type { BoardChoice } from '../engine/boards.ts';
import type { BoardProfile } from '../engine/profile.ts';
import { size } from '../engine/sizes.ts';
import type { Profiles } from '../profiles.ts';

/** What the engine found on this machine; undefined where no engine can run. */
export type FindBoards = () => Promise<readonly BoardChoice[] | undefined>;

class BoardTree implements vscode.TreeDataProvider<BoardProfile> {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private found = new Map<string, BoardChoice>();
  private asked = false;
  private readonly profiles: Profiles;
  private readonly find: FindBoards;

  constructor(profiles: Profiles, find: FindBoards) {
    this.profiles = profiles;
    this.find = find;
  }

  refresh(again: boolean): void {
    if (again) {
      this.asked = false;
      this.profiles.forget();
    }
    this.changed.fire();
  }

  async getChildren(profile?: BoardProfile): Promise<BoardProfile[]> {
    if (profile) return [];
    if (!this.asked) {
      this.asked = true;
      // The list stands at once; what the machine has comes when it is known.
      void this.find().then((boards) => {
        this.found = new Map((boards ?? []).map((board) => [board.name, board]));
        this.changed.fire();
      });
    }
    return [...(await this.profiles.all())];
  }

  getTreeItem(profile: BoardProfile): vscode.TreeItem {
    const chosen = vscode.workspace.getConfiguration('relay').get<string>('board', '') === profile.name;
    const state = this.found.get(profile.name);
    const item = new vscode.TreeItem(profile.name);
    item.id = profile.name;
    const memory = [
      profile.ram === undefined ? '' : `RAM ${size(profile.ram)}`,
      profile.flash === undefined ? '' : `flash ${size(profile.flash)}`,
    ];
    const problem = state?.problem ?? '';
    const parts = [chosen ? 'chosen' : '', state && problem === '' ? 'ready' : problem, ...memory];
    item.description = parts.filter((part) => part !== '').join(' · ');
    const emulated = profile.provenance === 'emulated' ? 'vm' : 'circuit-board';
    item.iconPath = new vscode.ThemeIcon(chosen ? 'pass-filled' : problem !== '' ? 'warning' : emulated);
    item.tooltip = `${profile.description}\n${profile.target}${problem === '' ? '' : `\n${problem}`}`;
    item.contextValue = chosen ? 'board chosen' : 'board';
    item.command = { command: 'relay.useBoard', title: 'Use This Board', arguments: [profile] };
    return item;
  }
}

/** The view of boards with its commands. */
export function registerBoards(profiles: Profiles, find: FindBoards): vscode.Disposable {
  const tree = new BoardTree(profiles, find);
  return vscode.Disposable.from(
    vscode.window.createTreeView('relay.boards', { treeDataProvider: tree }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => tree.refresh(true)),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('relay')) tree.refresh(event.affectsConfiguration('relay.boards'));
    }),
    vscode.commands.registerCommand('relay.refreshBoards', () => tree.refresh(true)),
    vscode.commands.registerCommand('relay.useBoard', async (profile?: BoardProfile) => {
      if (!profile) return vscode.commands.executeCommand('relay.chooseBoard');
      const target = vscode.workspace.workspaceFolders
        ? vscode.ConfigurationTarget.Workspace
        : vscode.ConfigurationTarget.Global;
      await vscode.workspace.getConfiguration('relay').update('board', profile.name, target);
      return undefined;
    }),
  );
}
