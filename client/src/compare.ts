/** Two programs compared: the verdict in a message, the normal forms side by side. */
import * as vscode from 'vscode';
import { requests, type CompareParams, type CompareResult } from '../../server/src/protocol.ts';
import type { Session } from './session.ts';
import { sourceDocument } from './stageCommands.ts';

const scheme = 'relay-normal-form';

interface Candidate extends vscode.QuickPickItem {
  readonly uri?: vscode.Uri;
}

/** Registers the command and the documents of normal forms. */
export function registerCompare(session: Session): vscode.Disposable {
  const texts = new Map<string, string>();
  return vscode.Disposable.from(
    vscode.workspace.registerTextDocumentContentProvider(scheme, {
      provideTextDocumentContent: (uri) => texts.get(uri.toString()) ?? '',
    }),
    vscode.commands.registerCommand('relay.comparePrograms', (resource?: unknown, other?: unknown) =>
      comparePrograms(session, texts, resource, other),
    ),
  );
}

async function comparePrograms(
  session: Session,
  texts: Map<string, string>,
  resource: unknown,
  wanted: unknown,
): Promise<CompareResult | undefined> {
  const source = sourceDocument(resource);
  if (!source) return undefined;
  const uri = wanted instanceof vscode.Uri ? wanted : await chooseOther(source.uri);
  if (!uri) return undefined;
  const other = await vscode.workspace.openTextDocument(uri);
  const params: CompareParams = {
    uri: source.uri.toString(),
    version: source.version,
    text: source.getText(),
    other: { uri: uri.toString(), text: other.getText() },
  };
  const found = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: 'Relay: comparing programs', cancellable: true },
    (_progress, token) => session.client.sendRequest<CompareResult>(requests.compare, params, token),
  );
  void report(found, texts, source.uri, uri);
  return found;
}

async function report(
  found: CompareResult,
  texts: Map<string, string>,
  left: vscode.Uri,
  right: vscode.Uri,
): Promise<void> {
  const proved = ['identical', 'same', 'same-real'].includes(found.verdict);
  const distance = proved || found.left === '' ? '' : ` Distance ${found.distance.toFixed(2)}.`;
  const show = 'Show Normal Forms';
  const message = `${nameOf(left)} and ${nameOf(right)}: ${found.headline}${distance}`;
  const actions = found.left === '' ? [] : [show];
  const chosen = proved
    ? await vscode.window.showInformationMessage(message, ...actions)
    : await vscode.window.showWarningMessage(message, ...actions);
  if (chosen !== show) return;
  const sides = [
    [left, found.left],
    [right, found.right],
  ] as const;
  const documents = sides.map(([uri, text], i) => {
    const address = vscode.Uri.from({ scheme, path: `/${nameOf(uri)}`, query: `${i} ${uri.toString()} ${Date.now()}` });
    texts.set(address.toString(), text);
    return address;
  });
  for (const address of documents)
    await vscode.languages.setTextDocumentLanguage(await vscode.workspace.openTextDocument(address), 'relay-lowered');
  await vscode.commands.executeCommand('vscode.diff', ...documents, `${nameOf(left)} ↔ ${nameOf(right)}: normal forms`);
}

/** Another Relay file: one of the workspace, or any. */
async function chooseOther(source: vscode.Uri): Promise<vscode.Uri | undefined> {
  const files = await vscode.workspace.findFiles('**/*.relay', '**/node_modules/**', 500);
  const items: Candidate[] = files
    .filter((file) => file.toString() !== source.toString())
    .map((uri) => ({ label: nameOf(uri), description: vscode.workspace.asRelativePath(uri), uri }));
  const any: Candidate = { label: '$(folder-opened) Another file…' };
  const picked = await vscode.window.showQuickPick([...items, any], {
    title: 'Relay: Compare with Another Program',
    placeHolder: `Program to compare ${nameOf(source)} with`,
    matchOnDescription: true,
  });
  if (!picked) return undefined;
  if (picked.uri) return picked.uri;
  const [chosen] = (await vscode.window.showOpenDialog({ filters: { Relay: ['relay'] }, openLabel: 'Compare' })) ?? [];
  return chosen;
}

function nameOf(uri: vscode.Uri): string {
  return uri.path.split('/').at(-1) ?? '';
}
