/** Documents that the language server makes up: the prelude as a program, and explanations of diagnostics. */
import * as vscode from 'vscode';
import {
  documentationScheme,
  preludeScheme,
  requests,
  type VirtualDocumentParams,
  type VirtualDocumentResult,
} from '../../server/src/protocol.ts';
import type { Session } from './session.ts';

/** Lists the uses of the name at a place, for a lens above its definition. */
async function showUses(uri?: unknown, position?: unknown): Promise<void> {
  if (typeof uri !== 'string' || typeof position !== 'object' || position === null) return;
  const { line, character } = position as { readonly line?: unknown; readonly character?: unknown };
  if (typeof line !== 'number' || typeof character !== 'number') return;
  const place = new vscode.Position(line, character);
  await vscode.commands.executeCommand('editor.action.findReferences', vscode.Uri.parse(uri), place);
}

/** Shows them as read-only documents, wherever the extension runs. */
export function registerVirtualDocuments(session: Session): vscode.Disposable {
  const provider: vscode.TextDocumentContentProvider = {
    provideTextDocumentContent: async (uri, token) => {
      const params: VirtualDocumentParams = { uri: uri.toString() };
      const { text } = await session.client.sendRequest<VirtualDocumentResult>(requests.virtualDocument, params, token);
      return text ?? '';
    },
  };
  return vscode.Disposable.from(
    vscode.commands.registerCommand('relay.showUses', showUses),
    ...[preludeScheme, documentationScheme].map((scheme) =>
      vscode.workspace.registerTextDocumentContentProvider(scheme, provider),
    ),
  );
}
