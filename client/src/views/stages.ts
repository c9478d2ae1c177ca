/** The tree of stages and of the passes that changed something in the active program. */
import * as vscode from 'vscode';
import { requests, type PassInfo, type StageInfo } from '../../../server/src/protocol.ts';
import type { Builds } from '../builds.ts';
import { addressOf, scheme } from '../lowering.ts';
import type { Session } from '../session.ts';

type Item =
  | { readonly kind: 'stage'; readonly stage: StageInfo }
  | { readonly kind: 'pass'; readonly pass: PassInfo; readonly number: number };

class StageTree implements vscode.TreeDataProvider<Item> {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  source: vscode.Uri | undefined;
  private readonly session: Session;
  private readonly builds: Builds;

  constructor(session: Session, builds: Builds) {
    this.session = session;
    this.builds = builds;
  }

  refresh(): void {
    this.changed.fire();
  }

  async getChildren(item?: Item): Promise<Item[]> {
    if (!this.source) return [];
    if (!item) {
      const stages = await this.session.client.sendRequest<readonly StageInfo[]>(requests.stages);
      return stages.map((stage) => ({ kind: 'stage', stage }));
    }
    if (item.kind === 'pass' || item.stage.name !== 'simplified') return [];
    const passes = this.builds.get(this.source)?.passes ?? [];
    return passes.flatMap((pass, i): Item[] =>
      pass.changes.length > 0 ? [{ kind: 'pass', pass, number: i + 1 }] : [],
    );
  }

  getTreeItem(item: Item): vscode.TreeItem {
    return item.kind === 'stage' ? this.stageItem(item.stage) : this.passItem(item.pass, item.number);
  }

  private stageItem(stage: StageInfo): vscode.TreeItem {
    const passes = stage.name === 'simplified';
    const node = new vscode.TreeItem(
      stage.title,
      passes ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.None,
    );
    node.id = stage.name;
    node.iconPath = new vscode.ThemeIcon(stage.name === 'c' ? 'file-code' : 'layers');
    node.tooltip = stage.summary;
    node.contextValue = 'stage';
    const build = this.source && this.builds.get(this.source);
    if (passes && build && !build.failure) {
      const active = build.passes.filter((pass) => pass.changes.length > 0).length;
      node.description = `${active} of ${build.passes.length} passes changed something`;
    }
    if (stage.name === 'c' && build?.failure) {
      node.description = 'not reached';
      node.tooltip = build.failure.message;
    }
    node.command = { command: 'relay.showLowering', title: 'Show Stage', arguments: [this.source, stage.name] };
    return node;
  }

  private passItem(pass: PassInfo, number: number): vscode.TreeItem {
    const node = new vscode.TreeItem(pass.name);
    node.id = `pass-${number}`;
    node.description = pass.changes.map(({ label, count }) => `${count} ${label}`).join(', ');
    node.iconPath = new vscode.ThemeIcon('diff');
    node.contextValue = 'pass';
    const notes = pass.notes.slice(0, 12).map((note) => note.message);
    node.tooltip = [pass.summary, ...notes].join('\n');
    node.accessibilityInformation = { label: `Pass ${number}, ${pass.name}: ${node.description}` };
    node.command = {
      command: 'relay.compareStages',
      title: 'Show What the Pass Changed',
      arguments: [this.source, pass.before, pass.after],
    };
    return node;
  }
}

function stageOf(item: Item | undefined): string | undefined {
  return item?.kind === 'stage' ? item.stage.name : item?.pass.after;
}

export function registerStages(session: Session, builds: Builds): vscode.Disposable {
  const tree = new StageTree(session, builds);
  const view = vscode.window.createTreeView('relay.stages', { treeDataProvider: tree, canSelectMany: true });
  const follow = (editor: vscode.TextEditor | undefined): void => {
    const document = editor?.document;
    const source =
      document?.uri.scheme === scheme
        ? vscode.Uri.parse(addressOf(document.uri).source)
        : document?.languageId === 'relay'
          ? document.uri
          : undefined;
    if (!source || source.toString() === tree.source?.toString()) return;
    tree.source = source;
    view.description = source.path.split('/').at(-1) ?? '';
    tree.refresh();
  };
  follow(vscode.window.activeTextEditor);
  return vscode.Disposable.from(
    view,
    vscode.window.onDidChangeActiveTextEditor(follow),
    vscode.workspace.onDidOpenTextDocument(() => follow(vscode.window.activeTextEditor)),
    session.onState((state) => {
      if (state === 'running') tree.refresh();
    }),
    builds.onBuilt(({ uri }) => {
      if (uri.toString() === tree.source?.toString()) tree.refresh();
    }),
    vscode.commands.registerCommand('relay.compareSelectedStages', (item?: Item, items?: readonly Item[]) => {
      const chosen = items && items.length > 0 ? items : item ? [item] : view.selection;
      return vscode.commands.executeCommand('relay.compareStages', tree.source, stageOf(chosen[0]), stageOf(chosen[1]));
    }),
  );
}
