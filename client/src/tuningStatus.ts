/** How many kernels of the active program have schedules from tuning records, and why others have none. */
import * as vscode from 'vscode';
import type { Builds } from './builds.ts';
import { tuningText } from './engine/tuningText.ts';
import type { Session } from './session.ts';

/** An entry of the language status, and a line in the log where records do not apply: once for each reason. */
export function showTuningStatus(session: Session, builds: Builds): vscode.Disposable {
  const item = vscode.languages.createLanguageStatusItem('relay.tuning', { language: 'relay' });
  item.name = 'Relay Tuning';
  item.text = 'Not tuned';
  item.command = { command: 'relay.tuneAndDeploy', title: 'Tune' };
  const told = new Map<string, string>();
  const update = (): void => {
    const uri = vscode.window.activeTextEditor?.document.uri;
    const result = uri && builds.get(uri);
    if (!result || result.failure) return;
    const { text, detail } = tuningText(result);
    item.text = text;
    item.detail = detail;
  };
  return vscode.Disposable.from(
    item,
    builds.onBuilt(({ uri, result }) => {
      const key = uri.toString();
      const { notice } = result;
      if (notice !== undefined && told.get(key) !== notice) {
        told.set(key, notice);
        session.output.info(`${vscode.workspace.asRelativePath(uri)}: ${notice}`);
      }
      update();
    }),
    vscode.window.onDidChangeActiveTextEditor(update),
  );
}
