/** The panel with the result of a run. No scripts, no resources; one panel a model, shown again on the next run. */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { resultPage } from './engine/html.ts';
import type { TuneResult } from './engine/result.ts';

const panels = new Map<string, vscode.WebviewPanel>();

/** Shows what tuning came to; one panel a model and board. */
export function showResult(result: TuneResult): void {
  const key = `${result.model}\0${result.board}`;
  let panel = panels.get(key);
  if (!panel) {
    panel = vscode.window.createWebviewPanel(
      'relay.result',
      `${result.model} on ${result.board}`,
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      { enableScripts: false, localResourceRoots: [], enableFindWidget: true },
    );
    panel.onDidDispose(() => panels.delete(key));
    panels.set(key, panel);
  }
  panel.webview.html = resultPage(result, randomBytes(16).toString('base64url'));
  panel.reveal(undefined, true);
}
