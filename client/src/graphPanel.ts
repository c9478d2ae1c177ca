/** The graph of the function at the cursor, beside the text and in step with it. */
import * as vscode from 'vscode';
import { requests, type GraphParams, type GraphResult } from '../../server/src/protocol.ts';
import type { Builds } from './builds.ts';
import { graphPage } from './engine/graph.ts';
import { short } from './engine/progress.ts';
import { bestRecords } from './engine/records.ts';
import { isObject, textAt } from './engine/values.ts';
import { nonce } from './nonce.ts';
import { toRange } from './origins.ts';
import type { Session } from './session.ts';
import { recordsText } from './views/tuning.ts';

class GraphPanel implements vscode.Disposable {
  private readonly session: Session;
  private readonly builds: Builds;
  private panel: vscode.WebviewPanel | undefined;
  private source: vscode.Uri | undefined;
  private graph: GraphResult | undefined;
  private page = '';
  private readonly subscriptions: vscode.Disposable[];

  constructor(session: Session, builds: Builds) {
    this.session = session;
    this.builds = builds;
    this.subscriptions = [
      builds.onBuilt(({ uri }) => {
        if (uri.toString() === this.source?.toString()) void this.draw(this.cursor());
      }),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor, selections }) => {
        if (textEditor.document.uri.toString() === this.source?.toString()) void this.follow(selections[0]?.active);
      }),
    ];
  }

  /** Opens the graph for a document; the answer is the graph, for callers that look at it. */
  async show(document: vscode.TextDocument): Promise<GraphResult | undefined> {
    this.source = document.uri;
    if (!this.panel) {
      this.panel = vscode.window.createWebviewPanel(
        'relay.graph',
        'Graph',
        { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
        { enableScripts: true, localResourceRoots: [], enableFindWidget: true },
      );
      this.page = '';
      this.panel.onDidDispose(() => {
        this.panel = undefined;
        this.source = undefined;
      });
      this.panel.webview.onDidReceiveMessage((message: unknown) => this.reveal(message));
    }
    await this.draw(this.cursor());
    this.panel.reveal(undefined, true);
    return this.graph;
  }

  private cursor(): vscode.Position | undefined {
    const key = this.source?.toString();
    return vscode.window.visibleTextEditors.find((e) => e.document.uri.toString() === key)?.selection.active;
  }

  private async draw(position: vscode.Position | undefined): Promise<void> {
    if (!this.source || !this.panel) return;
    const params: GraphParams = {
      uri: this.source.toString(),
      ...(position ? { position: { line: position.line, character: position.character } } : {}),
    };
    const graph = await this.session.client.sendRequest<GraphResult | null>(requests.graph, params);
    const costs = new Map(bestRecords(await recordsText()).map((r) => [r.task, `${short(r.cost)} ${r.unit}`]));
    // The panel may have been closed meanwhile.
    const panel = this.panel as vscode.WebviewPanel | undefined;
    if (!graph || !panel) return;
    this.graph = graph;
    panel.title = `Graph of ${graph.name}`;
    const build = this.builds.get(this.source);
    // Compared without the nonce: the same picture is not drawn twice, so that zoom and place stay.
    const page = graphPage(graph, build?.failure ? undefined : build, (task) => costs.get(task), '');
    if (page !== this.page) {
      this.page = page;
      panel.webview.html = graphPage(graph, build?.failure ? undefined : build, (task) => costs.get(task), nonce());
    }
    this.select(position);
  }

  private async follow(position: vscode.Position | undefined): Promise<void> {
    if (!position || !this.graph) return;
    const inside = this.graph.nodes.some((node) => toRange(node.source).contains(position));
    if (inside) this.select(position);
    else await this.draw(position);
  }

  /** Marks the innermost node at a place, else one on its line. */
  private select(position: vscode.Position | undefined): void {
    if (!position || !this.graph) return;
    const at = this.graph.nodes.map((node) => ({ node, range: toRange(node.source) }));
    const holding = at.filter(({ range, node }) => node.kind !== 'result' && range.contains(position));
    const inner = holding.reduce<(typeof at)[number] | undefined>(
      (best, next) => (best && next.range.contains(best.range) ? best : next),
      undefined,
    );
    const found = inner ?? at.find(({ range }) => range.start.line === position.line);
    if (found) void this.panel?.webview.postMessage({ select: found.node.id });
  }

  private reveal(message: unknown): void {
    const id = isObject(message) ? textAt(message, 'show') : undefined;
    const node = this.graph?.nodes.find((n) => n.id === id);
    const key = this.source?.toString();
    const editor = vscode.window.visibleTextEditors.find((e) => e.document.uri.toString() === key);
    if (!node || !editor) return;
    const range = toRange(node.source);
    editor.selection = new vscode.Selection(range.start, range.start);
    editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }

  dispose(): void {
    this.panel?.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

/** The command that shows the graph, and its panel. */
export function registerGraph(session: Session, builds: Builds): vscode.Disposable {
  const panel = new GraphPanel(session, builds);
  return vscode.Disposable.from(
    panel,
    vscode.commands.registerCommand('relay.showGraph', (resource?: unknown) => {
      const uri = resource instanceof vscode.Uri ? resource : vscode.window.activeTextEditor?.document.uri;
      const document = vscode.workspace.textDocuments.find((d) => d.uri.toString() === uri?.toString());
      if (document?.languageId === 'relay') return panel.show(document);
      void vscode.window.showInformationMessage('Open a Relay file to see the graph of a function.');
      return undefined;
    }),
  );
}
