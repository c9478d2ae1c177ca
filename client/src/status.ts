/** The status bar: how the server is doing, and what it found in the active file. */
import * as vscode from 'vscode';
import type { CheckedParams } from '../../server/src/protocol.ts';
import type { Session, SessionState } from './session.ts';

/** Shows a status item while a Relay file is open. */
export function showStatus(session: Session): vscode.Disposable {
  const item = vscode.languages.createLanguageStatusItem('relay.status', { language: 'relay' });
  item.name = 'Relay';
  item.text = 'Relay';
  const bar = vscode.window.createStatusBarItem('relay.state', vscode.StatusBarAlignment.Left);
  bar.name = 'Relay';
  bar.command = 'relay.showOutput';
  let state: SessionState = 'starting';
  const checked = new Map<string, CheckedParams>();

  const update = (): void => {
    const document = vscode.window.activeTextEditor?.document;
    if (document?.languageId !== 'relay') {
      bar.hide();
      return;
    }
    const result = checked.get(document.uri.toString());
    const icon = state === 'running' ? '$(check)' : state === 'starting' ? '$(sync~spin)' : '$(warning)';
    const doing = state === 'running' ? '' : state === 'starting' ? ' starting' : ' stopped';
    bar.text = `${icon} Relay${doing}`;
    bar.tooltip = tooltip(state, result);
    bar.backgroundColor = state === 'stopped' ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    bar.show();
    item.text = `Relay${doing}`;
    item.detail = result ? `${result.errors} errors, checked in ${result.milliseconds.toFixed(0)} ms` : '';
    item.busy = state === 'starting';
    item.severity =
      state === 'stopped' ? vscode.LanguageStatusSeverity.Error : vscode.LanguageStatusSeverity.Information;
    item.command = { command: 'relay.restartServer', title: 'Restart' };
  };
  update();
  return vscode.Disposable.from(
    item,
    bar,
    session.onState((next) => {
      state = next;
      update();
    }),
    session.onChecked((params) => {
      checked.set(params.uri, params);
      update();
    }),
    vscode.workspace.onDidCloseTextDocument((document) => checked.delete(document.uri.toString())),
    vscode.window.onDidChangeActiveTextEditor(update),
  );
}

function tooltip(state: SessionState, result: CheckedParams | undefined): string {
  if (state !== 'running')
    return state === 'starting' ? 'Relay language server is starting' : 'Relay language server stopped';
  if (!result) return 'Relay language server is running';
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
  return `${count(result.errors, 'error')}, ${count(result.warnings, 'warning')}; checked in ${result.milliseconds.toFixed(0)} ms`;
}
