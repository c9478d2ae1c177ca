/** A stage whose source does not compile now keeps its last text: dimmed, with the reason above it. */
import * as vscode from 'vscode';
import { scheme, type LoweringProvider } from './lowering.ts';

/** Dims lowered programs whose source has changed since, and says so above them. */
export function markStale(provider: LoweringProvider): vscode.Disposable {
  const dim = vscode.window.createTextEditorDecorationType({ isWholeLine: true, opacity: '0.6' });
  const lensesChanged = new vscode.EventEmitter<void>();
  const draw = (): void => {
    for (const editor of vscode.window.visibleTextEditors) {
      const { document } = editor;
      if (document.uri.scheme !== scheme) continue;
      const all = new vscode.Range(0, 0, document.lineCount, 0);
      editor.setDecorations(dim, provider.failureOf(document.uri) ? [all] : []);
    }
  };
  return vscode.Disposable.from(
    dim,
    lensesChanged,
    provider.onProvided(() => {
      draw();
      lensesChanged.fire();
    }),
    vscode.window.onDidChangeVisibleTextEditors(draw),
    vscode.languages.registerCodeLensProvider(
      { scheme },
      {
        onDidChangeCodeLenses: lensesChanged.event,
        provideCodeLenses(document) {
          const failure = provider.failureOf(document.uri);
          if (!failure) return [];
          const [reason = ''] = failure.message.split('\n');
          const title = `$(warning) Of an older version of the source, which does not compile now: ${reason}`;
          return [
            new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), { title, command: 'workbench.actions.view.problems' }),
          ];
        },
      },
    ),
  );
}
