/** Services that help to write: completion, signatures, hovers, formatting, code actions, names that change together. */
import {
  LSPErrorCodes,
  ResponseError,
  type CancellationToken,
  type WorkspaceEdit,
} from 'vscode-languageserver/lib/common/api.js';
import type { Failure } from '../../compiler/src/base/result.ts';
import * as convert from './convert.ts';
import { codeActions } from './features/codeActions.ts';
import { completion, documentationOf } from './features/completion.ts';
import { formatAll, formatRange, formatTyped } from './features/formatting.ts';
import { hover } from './features/hover.ts';
import { linkedPattern, linkedRanges } from './features/linkedEditing.ts';
import { prepareRename, rename, renameImported, type RenameEdit } from './features/rename.ts';
import { signatureHelp } from './features/signatureHelp.ts';
import { byUri } from './navigationServices.ts';
import { sharedAt, usersOf } from './references.ts';
import { atPlace, throughTree, throwIfCancelled, typesOf, withTree } from './service.ts';
import type { Host, Service } from './service.ts';
import type { CheckedSnapshot } from './snapshot.ts';

export const writingServices: readonly Service[] = [
  {
    name: 'hover',
    capabilities: { hoverProvider: true },
    register: (host) => {
      host.connection.onHover(async (params, token) => {
        const snapshot = await typesOf(host, params.textDocument.uri, token);
        if (!snapshot) return null;
        const ranges = await host.ranges.of(snapshot, token);
        throwIfCancelled(token);
        const found = hover(snapshot, snapshot.lines.offset(params.position), ranges, byUri(host));
        return found ? convert.toHover(snapshot, found) : null;
      });
    },
  },
  {
    name: 'completion',
    capabilities: {
      completionProvider: { triggerCharacters: ['%', '@', '.', '(', ',', '=', '"', ':'], resolveProvider: true },
    },
    register: (host) => {
      host.connection.onCompletion(
        atPlace(host, null, (snapshot, offset) =>
          completion(snapshot, offset, byUri(host)).map((item) => convert.toCompletionItem(snapshot, item)),
        ),
      );
      host.connection.onCompletionResolve((item) => convert.withDocumentation(item, documentationOf(item.data)));
    },
  },
  {
    name: 'signature help',
    capabilities: { signatureHelpProvider: { triggerCharacters: ['(', ','], retriggerCharacters: ['='] } },
    register: (host) => {
      host.connection.onSignatureHelp(
        atPlace(host, null, (snapshot, offset) => {
          const signature = signatureHelp(snapshot, offset);
          return signature ? convert.toSignatureHelp(signature) : null;
        }),
      );
    },
  },
  {
    name: 'formatting',
    capabilities: {
      documentFormattingProvider: true,
      documentRangeFormattingProvider: true,
      documentOnTypeFormattingProvider: { firstTriggerCharacter: ';', moreTriggerCharacter: ['}'] },
    },
    register: (host) => {
      host.connection.onDocumentFormatting(
        throughTree(host, null, function* (snapshot) {
          return (yield* formatAll(snapshot)).map((edit) => convert.toFormatEdit(snapshot, edit));
        }),
      );
      host.connection.onDocumentRangeFormatting(
        throughTree(host, null, function* (snapshot, { range }) {
          const edits = yield* formatRange(snapshot, convert.fromRange(snapshot, range));
          return edits.map((edit) => convert.toFormatEdit(snapshot, edit));
        }),
      );
      host.connection.onDocumentOnTypeFormatting(
        withTree(host, null, (snapshot, { position }) =>
          formatTyped(snapshot, snapshot.lines.offset(position)).map((edit) => convert.toFormatEdit(snapshot, edit)),
        ),
      );
    },
  },
  {
    name: 'code actions',
    capabilities: {
      codeActionProvider: { codeActionKinds: ['quickfix', 'refactor.inline', 'refactor.extract', 'refactor.rewrite'] },
    },
    register: (host) => {
      host.connection.onCodeAction(async (params, token) => {
        const snapshot = await typesOf(host, params.textDocument.uri, token);
        if (!snapshot) return null;
        const ranges = host.settings().valueRanges.diagnostics ? await host.ranges.of(snapshot, token) : undefined;
        throwIfCancelled(token);
        const range = convert.fromRange(snapshot, params.range);
        return codeActions(snapshot, range, params.context.only, ranges).map((action) =>
          convert.toCodeAction(snapshot, action),
        );
      });
    },
  },
  {
    name: 'linked editing',
    capabilities: { linkedEditingRangeProvider: true },
    register: (host) => {
      host.connection.languages.onLinkedEditingRange(
        atPlace(host, null, (snapshot, offset) => {
          const ranges = linkedRanges(snapshot, offset).map((range) => convert.toRange(snapshot, range));
          return ranges.length > 0 ? { ranges, wordPattern: linkedPattern } : null;
        }),
      );
    },
  },
  {
    name: 'rename',
    capabilities: { renameProvider: { prepareProvider: true } },
    register: (host) => {
      host.connection.onPrepareRename(
        atPlace(host, null, (snapshot, offset) => {
          const target = prepareRename(snapshot, offset, byUri(host));
          if (!target.ok) throw refusal(target.error);
          return { range: convert.toRange(snapshot, target.value.range), placeholder: target.value.placeholder };
        }),
      );
      host.connection.onRenameRequest(async (params, token) => {
        const snapshot = await typesOf(host, params.textDocument.uri, token);
        if (!snapshot) return null;
        return renameEverywhere(host, snapshot, snapshot.lines.offset(params.position), params.newName, token);
      });
    },
  },
];

/** Edits of the file that declares the name and of all files of the workspace that mean it. */
async function renameEverywhere(
  host: Host,
  snapshot: CheckedSnapshot,
  offset: number,
  newName: string,
  token: CancellationToken,
): Promise<WorkspaceEdit> {
  const target = prepareRename(snapshot, offset, byUri(host));
  if (!target.ok) throw refusal(target.error);
  const at = sharedAt(host, snapshot, offset);
  const home = at ? await host.workspace.checked(at.declared.file.uri, token) : snapshot;
  throwIfCancelled(token);
  if (!home) throw new ResponseError(LSPErrorCodes.ContentModified, 'the declaring file has changed');
  const edits = rename(home, at ? at.declared.name.end : offset, newName);
  if (!edits.ok) throw refusal(edits.error);
  const changes: [CheckedSnapshot, readonly RenameEdit[]][] = [[home, edits.value]];
  const [first] = edits.value;
  if (at && first)
    for (const file of await usersOf(host, at.shared, at.declared, token)) {
      throwIfCancelled(token);
      if (file.uri === home.uri) continue;
      const more = renameImported(file, at.shared, first.newText, byUri(host));
      if (!more.ok) throw refusal({ ...more.error, message: `${more.error.message} See ${shown(file.uri)}.` });
      if (more.value.length > 0) changes.push([file, more.value]);
    }
  return { documentChanges: changes.map(([file, list]) => convert.toEdits(file, list)) };
}

/** The name of a file, for a message. */
function shown(uri: string): string {
  return decodeURIComponent(uri.slice(uri.lastIndexOf('/') + 1));
}

function refusal(failure: Failure): ResponseError<void> {
  const text = failure.remedy ? `${failure.message} ${failure.remedy}` : failure.message;
  return new ResponseError(LSPErrorCodes.RequestFailed, text);
}
