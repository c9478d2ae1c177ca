/** What the suites do in the editor. */
import * as path from 'node:path';
import * as vscode from 'vscode';
import { texts, until } from './driver.ts';

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

/** Opens a file and waits until it is checked. */
export async function withTypes(name: string): Promise<vscode.TextEditor> {
  const editor = await open(name);
  await until('the check', async () => {
    const symbols = await vscode.commands.executeCommand<unknown[] | undefined>(
      'vscode.executeDocumentSymbolProvider',
      editor.document.uri,
    );
    return symbols && symbols.length > 0;
  });
  return editor;
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

/** Closes everything; what a failed test left unsaved is thrown away. */
export async function closeAll(): Promise<void> {
  for (const document of vscode.workspace.textDocuments) {
    if (!document.isDirty) continue;
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('workbench.action.files.revert');
  }
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
}

/** The example that most tests open. */
export const model = 'keyword_spotting.relay';

/** The text of the open document of a stage. */
export function lowered(ending: string): string | undefined {
  return vscode.workspace.textDocuments
    .find((d) => d.uri.scheme === 'relay-lowering' && d.uri.path.includes(ending))
    ?.getText();
}

/** The editor of a stage, once it has its text. */
export function stageEditor(ending: string): Promise<vscode.TextEditor> {
  return until(`the stage ${ending}`, () =>
    vscode.window.visibleTextEditors.find(
      ({ document }) =>
        document.uri.scheme === 'relay-lowering' && document.uri.path.endsWith(ending) && document.lineCount > 8,
    ),
  );
}

/** Rows of the trees of the side bar. */
export async function rows(): Promise<readonly string[]> {
  return (await texts('.pane-body .monaco-list-row')).map((row) => row.replaceAll('\u00a0', ' ').replaceAll('\n', ' '));
}

/** Waits for a row. */
export function rowThat(what: string, pattern: RegExp): Promise<string> {
  return until(what, async () => (await rows()).find((row) => pattern.test(row)));
}

const allThemes = [
  ['Default Dark Modern', 'dark'],
  ['Default Light Modern', 'light'],
  ['Default High Contrast', 'contrast'],
  ['Default High Contrast Light', 'contrast-light'],
] as const;

/** The themes to look at: all when pictures are taken, else a dark one and one of high contrast. */
export function themes(): readonly (readonly [string, string])[] {
  return process.env['RELAY_TEST_PICTURES'] ? allThemes : [allThemes[0], allThemes[2]];
}

export async function useTheme(theme: string | undefined): Promise<void> {
  await vscode.workspace.getConfiguration('workbench').update('colorTheme', theme, true);
}

/** A setting of this extension, in the workspace. */
export async function setting(name: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration('relay').update(name, value, vscode.ConfigurationTarget.Workspace);
}
