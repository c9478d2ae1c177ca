/** Services that lead from a name to others: types, implementations, calls, names that change together. */
import { LSPErrorCodes, ResponseError, type WorkspaceEdit } from 'vscode-languageserver/lib/common/api.js';
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import type { Failure } from '../../compiler/src/base/result.ts';
import * as convert from './convert.ts';
import { incomingCalls, outgoingCalls, prepareCalls } from './features/callHierarchy.ts';
import { codeLenses } from './features/codeLenses.ts';
import { linkedPattern, linkedRanges } from './features/linkedEditing.ts';
import { implementation, typeDefinition } from './features/relations.ts';
import {
  declarationOffset,
  prepareRename,
  rename,
  renameImported,
  sharedNameAt,
  type RenameEdit,
} from './features/rename.ts';
import { importsFile } from './importedFiles.ts';
import { atPlace, withTypes, type Host, type Service } from './service.ts';
import type { CheckedSnapshot } from './snapshot.ts';

export const navigationServices: readonly Service[] = [
  {
    name: 'type definition',
    capabilities: { typeDefinitionProvider: true },
    register: (host) => {
      host.connection.onTypeDefinition(
        atPlace(host, null, (snapshot, offset) =>
          typeDefinition(snapshot, offset).map((target) => convert.toLocationLink(snapshot, target)),
        ),
      );
    },
  },
  {
    name: 'implementation',
    capabilities: { implementationProvider: true },
    register: (host) => {
      host.connection.onImplementation(
        atPlace(host, null, (snapshot, offset) =>
          implementation(snapshot, offset).map((target) => convert.toLocationLink(snapshot, target)),
        ),
      );
    },
  },
  {
    name: 'call hierarchy',
    capabilities: { callHierarchyProvider: true },
    register: (host) => {
      const { callHierarchy } = host.connection.languages;
      callHierarchy.onPrepare(
        atPlace(host, null, (snapshot, offset) => {
          const item = prepareCalls(snapshot, offset);
          return item ? [convert.toCallItem(snapshot, item)] : null;
        }),
      );
      callHierarchy.onIncomingCalls(async ({ item }, token) => {
        const snapshot = await host.analysis.checked(item.uri, token);
        if (!snapshot) return null;
        return incomingCalls(snapshot, String(item.data)).map((calls) => ({
          from: convert.toCallItem(snapshot, calls.item),
          fromRanges: calls.places.map((range) => convert.toRange(snapshot, range)),
        }));
      });
      callHierarchy.onOutgoingCalls(async ({ item }, token) => {
        const snapshot = await host.analysis.checked(item.uri, token);
        if (!snapshot) return null;
        return outgoingCalls(snapshot, String(item.data)).map((calls) => ({
          to: convert.toCallItem(snapshot, calls.item),
          fromRanges: calls.places.map((range) => convert.toRange(snapshot, range)),
        }));
      });
    },
  },
  {
    name: 'code lenses',
    capabilities: { codeLensProvider: {} },
    register: (host) => {
      host.connection.onCodeLens(
        withTypes(host, null, (snapshot) => codeLenses(snapshot).map((lens) => convert.toCodeLens(snapshot, lens))),
      );
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
          const target = prepareRename(snapshot, offset);
          if (!target.ok) throw refusal(target.error);
          return { range: convert.toRange(snapshot, target.value.range), placeholder: target.value.placeholder };
        }),
      );
      host.connection.onRenameRequest(async (params, token) => {
        const snapshot = await host.analysis.checked(params.textDocument.uri, token);
        if (!snapshot) return null;
        return renameEverywhere(host, snapshot, snapshot.lines.offset(params.position), params.newName, token);
      });
    },
  },
];

/** Edits of the file that declares the name and of the open files that import it. */
async function renameEverywhere(
  host: Host,
  snapshot: CheckedSnapshot,
  offset: number,
  newName: string,
  token: CancellationToken,
): Promise<WorkspaceEdit> {
  const imports = (path: string, from: typeof snapshot.tree): ReturnType<typeof host.files.tree> =>
    host.files.tree(snapshot.uri, path, from);
  const edits = rename({ ...snapshot, imports }, offset, newName);
  if (!edits.ok) throw refusal(edits.error);
  const changes: [CheckedSnapshot, readonly RenameEdit[]][] = [[snapshot, edits.value]];
  const shared = sharedNameAt(snapshot, offset);
  const [first] = edits.value;
  if (shared && first && declarationOffset(snapshot, shared) !== undefined)
    for (const other of host.documents.all()) {
      if (other.uri === snapshot.uri || !importsFile(other.snapshot, snapshot.uri)) continue;
      const importer = await host.analysis.checked(other.uri, token);
      if (!importer) continue;
      const more = renameImported(importer, shared, first.newText);
      if (!more.ok) throw refusal(more.error);
      if (more.value.length > 0) changes.push([importer, more.value]);
    }
  return { documentChanges: changes.map(([file, list]) => convert.toEdits(file, list)) };
}

function refusal(failure: Failure): ResponseError<void> {
  const text = failure.remedy ? `${failure.message} ${failure.remedy}` : failure.message;
  return new ResponseError(LSPErrorCodes.RequestFailed, text);
}
