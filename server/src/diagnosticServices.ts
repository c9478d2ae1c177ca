/** Diagnostics on request: of a document, and of the whole workspace. */
import type {
  DocumentDiagnosticReport,
  WorkspaceDocumentDiagnosticReport,
} from 'vscode-languageserver/lib/common/api.js';
import * as convert from './convert.ts';
import { diagnostics, syntaxDiagnostics } from './features/diagnostics.ts';
import { throwIfCancelled, type Host, type Service } from './service.ts';
import { closedVersion, type CheckedSnapshot } from './snapshot.ts';

export const diagnosticServices: readonly Service[] = [
  {
    name: 'diagnostics on request',
    capabilities: {
      diagnosticProvider: { identifier: 'relay', interFileDependencies: true, workspaceDiagnostics: true },
    },
    register: (host) => {
      const { diagnostics: requested } = host.connection.languages;
      const names = new ResultNames();
      requested.on(async ({ textDocument: { uri }, previousResultId }, token): Promise<DocumentDiagnosticReport> => {
        const snapshot = await host.analysis.checked(uri, token);
        throwIfCancelled(token);
        if (snapshot) return report(host, snapshot, names, previousResultId);
        const parsed = await host.analysis.parsed(uri, token);
        const items = parsed ? syntaxDiagnostics(parsed).map((d) => convert.toDiagnostic(parsed, d)) : [];
        return { kind: 'full', items };
      });
      requested.onWorkspace(async ({ previousResultIds }, token) => {
        const known = new Map(previousResultIds.map(({ uri, value }) => [uri, value]));
        const items: WorkspaceDocumentDiagnosticReport[] = [];
        for (const uri of await host.files.all()) {
          const snapshot = await host.workspace.checked(uri, token);
          throwIfCancelled(token);
          if (!snapshot) continue;
          const version = snapshot.version === closedVersion ? null : snapshot.version;
          items.push({ uri: snapshot.uri, version, ...(await report(host, snapshot, names, known.get(snapshot.uri))) });
        }
        return { items };
      });
    },
  },
];

/** The diagnostics of a document, or that they are those the client has. */
async function report(
  host: Host,
  snapshot: CheckedSnapshot,
  names: ResultNames,
  previous: string | undefined,
): Promise<DocumentDiagnosticReport> {
  const ranges = host.settings().valueRanges.diagnostics ? await host.ranges.of(snapshot) : undefined;
  const resultId = names.of(ranges ?? snapshot.check);
  if (resultId === previous) return { kind: 'unchanged', resultId };
  const items = diagnostics(snapshot, ranges).map((d) => convert.toDiagnostic(snapshot, d));
  return { kind: 'full', resultId, items };
}

/** A name for each result of an analysis: the text may be the same and what it imports another. */
class ResultNames {
  private next = 1;
  private readonly names = new WeakMap<object, string>();

  of(result: object): string {
    const known = this.names.get(result) ?? String(this.next++);
    this.names.set(result, known);
    return known;
  }
}
