/** Services that lead from a name to others: definitions, references, types, implementations, calls. */
import type { Location } from 'vscode-languageserver/lib/common/api.js';
import * as convert from './convert.ts';
import { callsIn, functionAt, itemNamed, type CallItem } from './features/callHierarchy.ts';
import { declaredHere, type FileByUri } from './features/declared.ts';
import { definition, references } from './features/navigation.ts';
import { implementation, typeDefinition } from './features/relations.ts';
import { globalSymbols } from './features/symbols.ts';
import { sharedReferences } from './references.ts';
import { atPlace, throwIfCancelled, typesOf, type Host, type Service } from './service.ts';

/** Files by URI, for following names out of a document. */
export function byUri(host: Host): FileByUri {
  return (uri) => host.files.snapshot(uri);
}

/** Symbols beyond these no list shows. */
const mostSymbols = 2000;

export const navigationServices: readonly Service[] = [
  {
    name: 'definition',
    capabilities: { definitionProvider: true, declarationProvider: true },
    register: (host) => {
      const find = atPlace(host, null, (snapshot, offset) => {
        const target = definition(snapshot, offset, byUri(host));
        return target ? [convert.toLocationLink(snapshot, target)] : null;
      });
      host.connection.onDefinition(find);
      host.connection.onDeclaration(find);
    },
  },
  {
    name: 'type definition',
    capabilities: { typeDefinitionProvider: true },
    register: (host) => {
      host.connection.onTypeDefinition(
        atPlace(host, null, (snapshot, offset) =>
          typeDefinition(snapshot, offset, byUri(host)).map((target) => convert.toLocationLink(snapshot, target)),
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
          implementation(snapshot, offset, byUri(host)).map((target) => convert.toLocationLink(snapshot, target)),
        ),
      );
    },
  },
  {
    name: 'references',
    capabilities: { referencesProvider: true },
    register: (host) => {
      host.connection.onReferences(async (params, token): Promise<Location[] | null> => {
        const snapshot = await typesOf(host, params.textDocument.uri, token);
        if (!snapshot) return null;
        const offset = snapshot.lines.offset(params.position);
        const shared = await sharedReferences(host, snapshot, offset, token);
        throwIfCancelled(token);
        const files = shared ?? [{ file: snapshot, found: references(snapshot, offset) }];
        return files.flatMap(({ file, found }) =>
          found
            .filter((reference) => params.context.includeDeclaration || !reference.declares)
            .map((reference) => convert.toLocation(file, reference.range)),
        );
      });
    },
  },
  {
    name: 'highlights',
    capabilities: { documentHighlightProvider: true },
    register: (host) => {
      host.connection.onDocumentHighlight(
        atPlace(host, null, (snapshot, offset) =>
          references(snapshot, offset).map((reference) => convert.toHighlight(snapshot, reference)),
        ),
      );
    },
  },
  {
    name: 'symbols of the workspace',
    capabilities: { workspaceSymbolProvider: true },
    register: (host) => {
      host.connection.onWorkspaceSymbol(async ({ query }, token) => {
        const found: ReturnType<typeof convert.toSymbolInformation>[] = [];
        for await (const file of host.workspace.trees(token)) {
          for (const item of globalSymbols(file, query)) found.push(convert.toSymbolInformation(file, item));
          if (found.length >= mostSymbols) break;
        }
        throwIfCancelled(token);
        return found.slice(0, mostSymbols);
      });
    },
  },
  {
    name: 'call hierarchy',
    capabilities: { callHierarchyProvider: true },
    register: (host) => {
      const { callHierarchy } = host.connection.languages;
      const dataOf = ({ data, name }: { readonly data?: unknown; readonly name: string }): string =>
        typeof data === 'string' ? data : name.replace(/^@/, '');
      callHierarchy.onPrepare(
        atPlace(host, null, (snapshot, offset) => {
          const item = functionAt(snapshot, offset, byUri(host));
          return item ? [convert.toCallItem(item)] : null;
        }),
      );
      callHierarchy.onIncomingCalls(async ({ item }, token) => {
        const name = dataOf(item);
        const calls: {
          from: ReturnType<typeof convert.toCallItem>;
          fromRanges: ReturnType<typeof convert.toRange>[];
        }[] = [];
        for (const uri of await host.workspace.users(item.uri, token)) {
          const file = await host.workspace.checked(uri, token);
          throwIfCancelled(token);
          if (!file) continue;
          for (const { caller, callee, places } of callsIn(file, byUri(host)))
            if (callee.name === name && callee.file.uri === item.uri)
              calls.push({
                from: convert.toCallItem(caller),
                fromRanges: places.map((range) => convert.toRange(file, range)),
              });
        }
        return calls;
      });
      callHierarchy.onOutgoingCalls(async ({ item }, token) => {
        const file = await host.workspace.checked(item.uri, token);
        throwIfCancelled(token);
        if (!file) return null;
        const own: CallItem | undefined =
          declaredHere(file, { kind: 'global', name: dataOf(item) }) && itemNamed(file, dataOf(item));
        if (!own) return null;
        return callsIn(file, byUri(host))
          .filter(({ caller }) => caller.name === own.name)
          .map(({ callee, places }) => ({
            to: convert.toCallItem(callee),
            fromRanges: places.map((range) => convert.toRange(file, range)),
          }));
      });
    },
  },
];
