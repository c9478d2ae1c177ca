/** The tree of stages and of the passes: those that changed something in the active program, or all. */
import * as vscode from 'vscode';
import type { PassInfo, StageInfo } from '../../../server/src/protocol.ts';
import type { Builds } from '../builds.ts';
import { addressOf, assemblyStage, scheme, type LoweringProvider } from '../lowering.ts';
import type { Session } from '../session.ts';

type Item =
  | { readonly kind: 'stage'; readonly stage: StageInfo }
  | { readonly kind: 'pass'; readonly pass: PassInfo; readonly number: number };

/** Whether passes that changed nothing are listed; the title's buttons follow this context key. */
const allPassesKey = 'relay.allPasses';

class StageTree implements vscode.TreeDataProvider<Item> {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  source: vscode.Uri | undefined;
  allPasses = false;
  private readonly provider: LoweringProvider;
  private readonly builds: Builds;

  constructor(provider: LoweringProvider, builds: Builds) {
    this.provider = provider;
    this.builds = builds;
  }

  refresh(): void {
    this.changed.fire();
  }

  async getChildren(item?: Item): Promise<Item[]> {
    if (!this.source) return [];
    if (!item) {
      return (await this.provider.stages()).map((stage) => ({ kind: 'stage', stage }));
    }
    if (item.kind === 'pass' || item.stage.name !== 'simplified') return [];
    const passes = this.builds.get(this.source)?.passes ?? [];
    return passes.flatMap((pass, i): Item[] =>
      this.allPasses || pass.changes.length > 0 ? [{ kind: 'pass', pass, number: i + 1 }] : [],
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
    node.iconPath = new vscode.ThemeIcon(stageIcons[stage.name] ?? 'layers');
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
    const changed = pass.changes.length > 0;
    node.description = changed
      ? pass.changes.map(({ label, count }) => `${count} ${label}`).join(', ')
      : 'changed nothing';
    node.iconPath = new vscode.ThemeIcon(changed ? 'diff' : 'dash');
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

const stageIcons: Readonly<Record<string, string>> = { c: 'file-code', [assemblyStage.name]: 'file-binary' };

function stageOf(item: Item | undefined): string | undefined {
  return item?.kind === 'stage' ? item.stage.name : item?.pass.after;
}

/** `memento` remembers over sessions whether all passes are listed. */
export function registerStages(
  session: Session,
  builds: Builds,
  provider: LoweringProvider,
  memento: vscode.Memento,
): vscode.Disposable {
  const tree = new StageTree(provider, builds);
  const listAll = (all: boolean): void => {
    tree.allPasses = all;
    void memento.update(allPassesKey, all);
    void vscode.commands.executeCommand('setContext', allPassesKey, all);
    tree.refresh();
  };
  listAll(memento.get<boolean>(allPassesKey, false));
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
    vscode.commands.registerCommand('relay.showAllPasses', () => listAll(true)),
    vscode.commands.registerCommand('relay.hideIdlePasses', () => listAll(false)),
    vscode.commands.registerCommand('relay.compareSelectedStages', (item?: Item, items?: readonly Item[]) => {
      const chosen = items && items.length > 0 ? items : item ? [item] : view.selection;
      return vscode.commands.executeCommand('relay.compareStages', tree.source, stageOf(chosen[0]), stageOf(chosen[1]));
    }),
  );
}
