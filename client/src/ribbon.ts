/** Memory at the end of lines, brackets around what is fused, and the board's budget as problems while typing. */
import * as vscode from 'vscode';
import type { BuildResult, LayerInfo } from '../../server/src/protocol.ts';
import type { Builds } from './builds.ts';
import { bar, barriersAt, ribbonOf, type RibbonLine } from './engine/ribbon.ts';
import { budgetProblems, count, size } from './engine/sizes.ts';
import { toRange } from './origins.ts';

const mostTensors = 8;

/** Keeps the memory ribbon and the fusion brackets of visible editors up to date. */
export function showRibbon(builds: Builds): vscode.Disposable {
  const alive = ribbonType('editorCodeLens.foreground');
  const peak = ribbonType('relay.memoryPeak');
  const brackets = new Map(
    (['single', 'first', 'middle', 'last'] as const).map((kind) => [kind, bracketType(kind)] as const),
  );
  const problems = vscode.languages.createDiagnosticCollection('relay-budget');

  const draw = (editor: vscode.TextEditor): void => {
    const { document } = editor;
    if (document.languageId !== 'relay') return;
    const settings = vscode.workspace.getConfiguration('relay', document.uri);
    const build = builds.get(document.uri);
    // A build of another version would stand at wrong lines; the old ribbon moves with the text until the new one comes.
    if (build && build.version !== document.version) return;
    const lines = build && !build.failure ? ribbonOf(build, 0, document.lineCount) : [];
    const memory = settings.get<boolean>('memory.ribbon', true) ? lines : [];
    const option = (line: RibbonLine): vscode.DecorationOptions => ribbonOption(document, build as BuildResult, line);
    editor.setDecorations(alive, memory.filter((line) => !line.peak).map(option));
    editor.setDecorations(peak, memory.filter((line) => line.peak).map(option));
    const fused = settings.get<boolean>('fusion.brackets', true) ? lines : [];
    for (const [kind, type] of brackets) {
      const places = fused.filter((line) => line.bracket === kind).map((l) => new vscode.Range(l.line, 0, l.line, 0));
      editor.setDecorations(type, places);
    }
  };
  const drawAll = (): void => vscode.window.visibleTextEditors.forEach(draw);

  const report = async (uri: vscode.Uri, build: BuildResult): Promise<void> => {
    const board = await builds.profiles.chosen();
    const wanted = vscode.workspace.getConfiguration('relay', uri).get<boolean>('memory.budget', true);
    if (!board || build.failure || !wanted) return problems.delete(uri);
    problems.set(
      uri,
      budgetProblems(build, board).map((problem) => {
        const place = build.layers[problem.layer]?.source[0];
        const severity =
          problem.severity === 'warning' ? vscode.DiagnosticSeverity.Warning : vscode.DiagnosticSeverity.Information;
        const range = place ? toRange(place) : new vscode.Range(0, 0, 0, 0);
        const diagnostic = new vscode.Diagnostic(range, problem.message, severity);
        diagnostic.source = 'relay';
        diagnostic.code = `board-${problem.what}`;
        if (problem.what === 'ram')
          diagnostic.relatedInformation = build.peak
            .slice(0, mostTensors)
            .flatMap((tensor) =>
              tensor.source[0]
                ? new vscode.DiagnosticRelatedInformation(
                    new vscode.Location(uri, toRange(tensor.source[0])),
                    `${tensor.name}: ${size(tensor.bytes)} ${tensor.kind}`,
                  )
                : [],
            );
        return diagnostic;
      }),
    );
  };

  return vscode.Disposable.from(
    alive,
    peak,
    ...brackets.values(),
    problems,
    builds.onBuilt(({ uri, result }) => {
      drawAll();
      void report(uri, result);
    }),
    vscode.window.onDidChangeVisibleTextEditors(drawAll),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => problems.delete(uri)),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration('relay')) return;
      drawAll();
      for (const { document } of vscode.window.visibleTextEditors) {
        const build = builds.get(document.uri);
        if (build) void report(document.uri, build);
      }
    }),
    vscode.languages.registerHoverProvider({ language: 'relay' }, { provideHover: (d, p) => hover(builds, d, p) }),
    vscode.commands.registerCommand('relay.toggleMemoryRibbon', async () => {
      const settings = vscode.workspace.getConfiguration('relay');
      const target = vscode.workspace.workspaceFolders
        ? vscode.ConfigurationTarget.Workspace
        : vscode.ConfigurationTarget.Global;
      await settings.update('memory.ribbon', !settings.get<boolean>('memory.ribbon', true), target);
    }),
  );
}

function ribbonType(color: string): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    after: { color: new vscode.ThemeColor(color), margin: '0 0 0 3ch' },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
}

/** A bracket in the gutter, drawn as SVG in a grey that every theme shows. */
function bracketType(kind: RibbonLine['bracket']): vscode.TextEditorDecorationType {
  const paths = { single: 'M10 5H6V11H10', first: 'M10 6H6V16', middle: 'M6 0V16', last: 'M6 0V10H10' };
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="${paths[kind]}" fill="none" stroke="#8a8a8a" stroke-width="1.4"/></svg>`;
  return vscode.window.createTextEditorDecorationType({
    gutterIconPath: vscode.Uri.parse(`data:image/svg+xml;base64,${btoa(svg)}`),
    gutterIconSize: 'contain',
  });
}

function ribbonOption(document: vscode.TextDocument, build: BuildResult, line: RibbonLine): vscode.DecorationOptions {
  const most = Math.max(1, build.layers[build.peakLayer]?.aliveBytes ?? 1);
  const end = document.lineAt(Math.min(line.line, document.lineCount - 1)).range.end;
  const mark = line.peak ? ' ◀ peak' : '';
  return {
    range: new vscode.Range(end, end),
    renderOptions: { after: { contentText: `${bar(line.bytes / most)} ${size(line.bytes)}${mark}` } },
  };
}

/** Memory, work and fusion of the kernel that a line belongs to. */
function hover(builds: Builds, document: vscode.TextDocument, position: vscode.Position): vscode.Hover | undefined {
  const build = builds.get(document.uri);
  if (!build || build.failure || build.version !== document.version) return undefined;
  const [line] = ribbonOf(build, position.line, position.line);
  const layer = line && build.layers[line.layer];
  if (!line || !layer) return undefined;
  const text = new vscode.MarkdownString();
  text.appendMarkdown('**Kernel** ');
  append(text, `${layer.name}: ${count(layer.macs)} MACs, ${size(layer.constantBytes)} of constants`);
  text.appendMarkdown('\n\n');
  append(text, `${size(layer.aliveBytes)} alive${line.peak ? ', the peak' : ''}: ${tensors(layer)}`);
  for (const barrier of barriersAt(build, position.line).slice(0, 3)) {
    text.appendMarkdown('\n\n**Not fused** ');
    append(text, barrier.message);
  }
  return new vscode.Hover(text);
}

/** Text with nothing that Markdown would read; spaces stay where lines may break. */
function append(to: vscode.MarkdownString, text: string): void {
  to.appendMarkdown(text.replace(/[\\`*_{}[\]()#+.!|<>&~-]/g, '\\$&').replace(/\s+/g, ' '));
}

function tensors(layer: LayerInfo): string {
  const named = layer.alive.slice(0, mostTensors).map((t) => `${t.name} ${size(t.bytes)}`);
  const more = layer.alive.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}
