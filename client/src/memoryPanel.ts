/** The memory view beside the text: the arena over the kernels, in step with the cursor and with what is typed. */
import * as vscode from 'vscode';
import type { BuildResult, WireRange } from '../../server/src/protocol.ts';
import type { Builds } from './builds.ts';
import { memoryPage } from './engine/memory.ts';
import { linesOf } from './engine/ribbon.ts';
import { isObject, numberAt } from './engine/values.ts';
import { nonce } from './nonce.ts';
import { toRange } from './origins.ts';

class MemoryPanel implements vscode.Disposable {
  private readonly builds: Builds;
  private panel: vscode.WebviewPanel | undefined;
  private source: vscode.Uri | undefined;
  private build: BuildResult | undefined;
  private page = '';
  private readonly subscriptions: vscode.Disposable[];

  constructor(builds: Builds) {
    this.builds = builds;
    this.subscriptions = [
      builds.onBuilt(({ uri, result }) => {
        if (uri.toString() === this.source?.toString()) void this.draw(result);
      }),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor, selections }) => {
        if (textEditor.document.uri.toString() === this.source?.toString()) this.select(selections[0]?.active.line);
      }),
    ];
  }

  /** Opens the view for a document; the answer is the build that it shows. */
  async show(document: vscode.TextDocument): Promise<BuildResult | undefined> {
    this.source = document.uri;
    if (!this.panel) {
      this.panel = vscode.window.createWebviewPanel(
        'relay.memory',
        'Memory',
        { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
        { enableScripts: true, localResourceRoots: [] },
      );
      this.page = '';
      this.panel.onDidDispose(() => {
        this.panel = undefined;
        this.source = undefined;
        this.build = undefined;
      });
      this.panel.webview.onDidReceiveMessage((message: unknown) => this.reveal(message));
    }
    this.panel.title = `Memory of ${document.uri.path.split('/').at(-1) ?? ''}`;
    this.build = undefined;
    const known = this.builds.get(document.uri);
    const build = known?.version === document.version ? known : await this.builds.refresh(document.uri);
    if (build) await this.draw(build);
    this.panel.reveal(undefined, true);
    return build;
  }

  private async draw(build: BuildResult): Promise<void> {
    // While the text does not compile, the last plan says more than an empty page.
    if (build.failure && this.build && !this.build.failure) return;
    const board = await this.builds.profiles.chosen();
    if (!this.panel) return;
    this.build = build;
    // Compared without the nonce, so that the same picture keeps its place and its choice.
    const page = memoryPage(build, board, '');
    if (page !== this.page) {
      this.page = page;
      this.panel.webview.html = memoryPage(build, board, nonce());
    }
    const key = this.source?.toString();
    const editor = vscode.window.visibleTextEditors.find((e) => e.document.uri.toString() === key);
    this.select(editor?.selection.active.line);
  }

  private select(line: number | undefined): void {
    if (line === undefined || !this.build) return;
    const holding = this.build.layers.flatMap((layer, step) =>
      linesOf(layer).includes(line) ? [{ layer, step }] : [],
    );
    const [first] = [...holding].sort((a, b) => b.layer.aliveBytes - a.layer.aliveBytes);
    if (first) void this.panel?.webview.postMessage({ step: first.step });
  }

  private reveal(message: unknown): void {
    if (!isObject(message) || !this.build) return;
    const [layer, buffer] = [numberAt(message, 'layer'), numberAt(message, 'buffer')];
    const source: readonly WireRange[] =
      (layer === undefined ? undefined : this.build.layers[layer]?.source) ??
      (buffer === undefined ? undefined : this.build.buffers[buffer]?.source) ??
      [];
    const key = this.source?.toString();
    const editor = vscode.window.visibleTextEditors.find((e) => e.document.uri.toString() === key);
    const place = source[0];
    if (!place || !editor) return;
    const range = toRange(place);
    editor.selection = new vscode.Selection(range.start, range.start);
    editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }

  dispose(): void {
    this.panel?.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

/** The command that shows the memory plan, and its panel. */
export function registerMemory(builds: Builds): vscode.Disposable {
  const panel = new MemoryPanel(builds);
  return vscode.Disposable.from(
    panel,
    vscode.commands.registerCommand('relay.showMemory', (resource?: unknown) => {
      const uri = resource instanceof vscode.Uri ? resource : vscode.window.activeTextEditor?.document.uri;
      const document = vscode.workspace.textDocuments.find((d) => d.uri.toString() === uri?.toString());
      if (document?.languageId === 'relay') return panel.show(document);
      void vscode.window.showInformationMessage('Open a Relay file to see its memory.');
      return undefined;
    }),
  );
}
