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
    ...[preludeScheme, documentationScheme].map((scheme) =>
      vscode.workspace.registerTextDocumentContentProvider(scheme, provider),
    ),
  );
}
