/** What a service of the language server has at hand. */
import {
  LSPErrorCodes,
  ResponseError,
  type CancellationToken,
  type Connection,
  type ServerCapabilities,
} from 'vscode-languageserver/lib/common/api.js';
import type { Position } from '../../compiler/src/base/span.ts';
import type { Steps } from '../../compiler/src/base/steps.ts';
import type { Analysis } from './analysis.ts';
import type { DocumentStore } from './documents.ts';
import type { Files } from './files.ts';
import type { LoweringQueue } from './loweringQueue.ts';
import type { ServerSettings } from './protocol.ts';
import type { ValueRanges } from './ranges.ts';
import { inSlices } from './slices.ts';
import type { Workspace } from './workspace.ts';
import type { CheckedSnapshot, Snapshot } from './snapshot.ts';

export interface Host {
  readonly connection: Connection;
  readonly documents: DocumentStore;
  readonly files: Files;
  readonly workspace: Workspace;
  readonly analysis: Analysis;
  readonly lowering: LoweringQueue;
  readonly ranges: ValueRanges;
  readonly settings: () => ServerSettings;
  /** Has `run` called when a document was closed. */
  onClosed(run: (uri: string) => void): void;
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

type Handler<P, R> = (params: P, token: CancellationToken) => Promise<R>;

/** The snapshot of an open document with its types, and the trees of what it imports. */
export async function typesOf(host: Host, uri: string, token: CancellationToken): Promise<CheckedSnapshot | undefined> {
  const snapshot = await host.analysis.checked(uri, token);
  throwIfCancelled(token);
  return snapshot && { ...snapshot, imports: (path, from) => host.files.tree(snapshot.uri, path, from) };
}

/** A request that was cancelled ends as LSP wants it. */
export function throwIfCancelled(token: Pick<CancellationToken, 'isCancellationRequested'>): void {
  if (token.isCancellationRequested) throw new ResponseError(LSPErrorCodes.RequestCancelled, 'cancelled');
}

/** A handler that answers from a checked snapshot; a document that is not open gives `otherwise`. */
export function withTypes<P extends DocumentParams, R>(
  host: Host,
  otherwise: R,
  answer: (snapshot: CheckedSnapshot, params: P) => R,
): Handler<P, R> {
  return async (params, token) => {
    const snapshot = await typesOf(host, params.textDocument.uri, token);
    return snapshot ? answer(snapshot, params) : otherwise;
  };
}

/** The same for requests at a place. */
export function atPlace<P extends DocumentParams & { readonly position: Position }, R>(
  host: Host,
  otherwise: R,
  answer: (snapshot: CheckedSnapshot, offset: number, params: P) => R,
): Handler<P, R> {
  return withTypes<P, R>(host, otherwise, (snapshot, params) =>
    answer(snapshot, snapshot.lines.offset(params.position), params),
  );
}

/** A handler that looks at a whole document with its types, in slices. It ends early when the document changes. */
export function throughTypes<P extends DocumentParams, R>(
  host: Host,
  otherwise: R,
  answer: (snapshot: CheckedSnapshot, params: P) => Steps<R>,
): Handler<P, R> {
  return async (params, token) => {
    const snapshot = await typesOf(host, params.textDocument.uri, token);
    return snapshot ? finish(host, snapshot, answer(snapshot, params), token) : otherwise;
  };
}

/** A handler that answers from the tree alone. */
export function withTree<P extends DocumentParams, R>(
  host: Host,
  otherwise: R,
  answer: (snapshot: Snapshot, params: P) => R,
): Handler<P, R> {
  return async (params, token) => {
    const snapshot = await host.analysis.parsed(params.textDocument.uri, token);
    throwIfCancelled(token);
    return snapshot ? answer(snapshot, params) : otherwise;
  };
}

/** A handler that looks at a whole tree, in slices. */
export function throughTree<P extends DocumentParams, R>(
  host: Host,
  otherwise: R,
  answer: (snapshot: Snapshot, params: P) => Steps<R>,
): Handler<P, R> {
  return async (params, token) => {
    const snapshot = await host.analysis.parsed(params.textDocument.uri, token);
    throwIfCancelled(token);
    return snapshot ? finish(host, snapshot, answer(snapshot, params), token) : otherwise;
  };
}

/** Does the work as long as it is wanted and the document is as it was. */
async function finish<R>(host: Host, snapshot: Snapshot, steps: Steps<R>, token: CancellationToken): Promise<R> {
  const document = host.documents.get(snapshot.uri);
  const revision = document?.revision;
  const outdated = (): boolean => host.documents.get(snapshot.uri) !== document || document?.revision !== revision;
  let given = false;
  const result = await inSlices(steps, {
    get isCancellationRequested() {
      given ||= token.isCancellationRequested || outdated();
      return given;
    },
  });
  throwIfCancelled(token);
  if (given) throw new ResponseError(LSPErrorCodes.ContentModified, 'the document has changed');
  return result as R;
}
