/** Where the answer to a "what if" stands: lenses above functions, types behind bindings, the program as it would be. */
import * as vscode from 'vscode';
import { brief, declaredParameters, headline } from './engine/whatIf.ts';
import { toRange } from './origins.ts';
import type { Trial, WhatIf } from './whatIfTrials.ts';

/** Scheme of the substituted program. */
export const whatIfScheme = 'relay-what-if';

/** Lines beyond which a document gets no lenses. */
const mostLines = 20_000;
const longestMessage = 110;

export class WhatIfLens implements vscode.CodeLensProvider, vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changedLenses = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.changedLenses.event;
  private readonly changedText = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changedText.event;
  private readonly whatIf: WhatIf;
  private readonly types = behindLine('editorCodeLens.foreground');
  private readonly errors = behindLine('editorError.foreground');
  private readonly subscriptions: vscode.Disposable[];

  constructor(whatIf: WhatIf) {
    this.whatIf = whatIf;
    this.subscriptions = [
      this.changedLenses,
      this.changedText,
      this.types,
      this.errors,
      whatIf.onChanged(() => {
        this.changedLenses.fire();
        this.draw();
        for (const { uri } of vscode.workspace.textDocuments)
          if (uri.scheme === whatIfScheme) this.changedText.fire(uri);
      }),
      vscode.window.onDidChangeVisibleTextEditors(() => this.draw()),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.whatIf.of(vscode.Uri.parse(uri.query))?.result?.text ?? '// The question was reset.\n';
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const enabled = vscode.workspace.getConfiguration('relay', document).get<boolean>('whatIf.lens', true);
    if (!enabled || document.lineCount > mostLines) return [];
    const trial = this.whatIf.of(document.uri);
    const lines = new Map(declaredParameters(document.getText()).map((d) => [d.function, d.line]));
    return [...lines].flatMap(([name, line]) => {
      const range = new vscode.Range(line, 0, line, 0);
      const lens = (title: string, command: string, tooltip = ''): vscode.CodeLens =>
        new vscode.CodeLens(range, { title, command, tooltip, arguments: [document.uri, name] });
      if (trial?.function !== name)
        return [lens('What if …', 'relay.whatIf', 'Try another type of a parameter; the text stays as it is')];
      const answer = trial.result ? cut(headline(trial.result)) : 'asking …';
      return [
        lens(`$(question) %${trial.parameter} as ${brief(trial.type)}: ${answer}`, 'relay.whatIf', 'Try another type'),
        lens('$(diff) Show program', 'relay.showWhatIf', 'The program with the types that follow, as a difference'),
        lens('$(discard) Reset', 'relay.resetWhatIf', 'Back to the types of the text'),
      ];
    });
  }

  /** Types that change, and errors that come, behind the lines of the text. */
  private draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const { document } = editor;
      if (document.languageId !== 'relay') continue;
      const result = this.whatIf.of(document.uri)?.result;
      const current = result?.version === document.version ? result : undefined;
      const behind = (line: number, contentText: string): vscode.DecorationOptions => {
        const { end } = document.lineAt(Math.min(line, document.lineCount - 1)).range;
        return { range: new vscode.Range(end, end), renderOptions: { after: { contentText } } };
      };
      const changed = (current?.changed ?? []).filter(({ after }) => after !== '');
      editor.setDecorations(
        this.types,
        changed.map(({ source, after }) => behind(toRange(source).end.line, `→ ${brief(after)}`)),
      );
      editor.setDecorations(
        this.errors,
        (current?.errors ?? []).map(({ line, message }) => behind(line, `✗ ${cut(message)}`)),
      );
    }
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function behindLine(color: string): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    after: { color: new vscode.ThemeColor(color), margin: '0 0 0 2ch', fontStyle: 'italic' },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
}

function cut(message: string): string {
  const [line = ''] = message.split('\n');
  return line.length > longestMessage ? `${line.slice(0, longestMessage - 1)}…` : line;
}

/** The text beside the program as it would be. */
export async function showSubstituted(trial: Trial): Promise<void> {
  const name = trial.uri.path.split('/').at(-1) ?? '';
  const uri = vscode.Uri.from({ scheme: whatIfScheme, path: `/what if, ${name}`, query: trial.uri.toString() });
  const provided = await vscode.workspace.openTextDocument(uri);
  await vscode.languages.setTextDocumentLanguage(provided, 'relay-lowered');
  const title = `${name}: what if %${trial.parameter} were ${brief(trial.type)}`;
  await vscode.commands.executeCommand('vscode.diff', trial.uri, uri, title, { preview: true });
}
