/** What the suites do in the editor. */
import * as path from 'node:path';
import * as vscode from 'vscode';
import { until } from './driver.ts';

/** A file of the workspace of fixtures. */
export function file(name: string): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (!folder) throw new Error('no workspace folder is open');
  return vscode.Uri.joinPath(folder.uri, name);
}

export async function open(name: string): Promise<vscode.TextEditor> {
  const document = await vscode.workspace.openTextDocument(file(name));
  return vscode.window.showTextDocument(document, vscode.ViewColumn.One);
}

/** The place `after` characters into the first occurrence of `text`. */
export function positionOf(document: vscode.TextDocument, text: string, after = 1): vscode.Position {
  const at = document.getText().indexOf(text);
  if (at < 0) throw new Error(`${path.basename(document.fileName)} does not hold ${text}`);
  return document.positionAt(at + after);
}

/** Waits until the document's diagnostics are as `accept` wants them. */
export function diagnosticsOf(
  uri: vscode.Uri,
  accept: (found: readonly vscode.Diagnostic[]) => boolean,
): Promise<readonly vscode.Diagnostic[]> {
  return until('diagnostics', () => {
    const found = vscode.languages.getDiagnostics(uri);
    return accept(found) ? found : undefined;
  });
}

/** The hover's text at a place, waiting until there is one. */
export function hoverText(uri: vscode.Uri, position: vscode.Position): Promise<string> {
  return until('a hover', async () => {
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', uri, position);
    const text = hovers
      .flatMap((hover) => hover.contents)
      .map((content) => (typeof content === 'string' ? content : content.value))
      .join('\n');
    return text === '' ? undefined : text;
  });
}

export async function closeAll(): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
}
