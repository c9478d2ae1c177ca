/** What a service of the language server has at hand. */
import {
  LSPErrorCodes,
  ResponseError,
  type CancellationToken,
  type Connection,
  type ServerCapabilities,
} from 'vscode-languageserver/lib/common/api.js';
import type { Position } from '../../compiler/src/base/span.ts';
import type { Analysis } from './analysis.ts';
import type { DocumentStore } from './documents.ts';
import type { ImportedFiles } from './importedFiles.ts';
import type { LoweringQueue } from './loweringQueue.ts';
import type { ServerSettings } from './protocol.ts';
import type { CheckedSnapshot } from './snapshot.ts';

export interface Host {
  readonly connection: Connection;
  readonly documents: DocumentStore;
  readonly files: ImportedFiles;
  readonly analysis: Analysis;
  readonly lowering: LoweringQueue;
  readonly settings: () => ServerSettings;
}

/** One row of the list of services: what it announces, and how it answers. */
export interface Service {
  readonly name: string;
  readonly capabilities: ServerCapabilities;
  register(host: Host): void;
}

/** Parameters of requests about one document. */
interface DocumentParams {
  readonly textDocument: { readonly uri: string };
}

/**
 * A handler that answers from a checked snapshot. A cancelled request ends as LSP wants it; a document that is not open
 * gives `otherwise`.
 */
export function withTypes<P extends DocumentParams, R>(
  host: Host,
  otherwise: R,
  answer: (snapshot: CheckedSnapshot, params: P) => R,
): (params: P, token: CancellationToken) => Promise<R> {
  return async (params, token) => {
    const snapshot = await host.analysis.checked(params.textDocument.uri, token);
    if (token.isCancellationRequested) throw new ResponseError(LSPErrorCodes.RequestCancelled, 'cancelled');
    if (!snapshot) return otherwise;
    return answer({ ...snapshot, imports: (path) => host.files.tree(snapshot.uri, path) }, params);
  };
}

/** The same for requests at a place. */
export function atPlace<P extends DocumentParams & { readonly position: Position }, R>(
  host: Host,
  otherwise: R,
  answer: (snapshot: CheckedSnapshot, offset: number, params: P) => R,
): (params: P, token: CancellationToken) => Promise<R> {
  return withTypes<P, R>(host, otherwise, (snapshot, params) =>
    answer(snapshot, snapshot.lines.offset(params.position), params),
  );
}
