/** The services of the language server, one row each. Adding one is a file in `features/` and a row here. */
import {
  type DocumentDiagnosticReport,
  type WorkspaceDocumentDiagnosticReport,
  type SemanticTokens,
  type SemanticTokensDelta,
  type SemanticTokensDeltaParams,
  type TextEdit as LspTextEdit,
} from 'vscode-languageserver/lib/common/api.js';
import type { FormatEdit } from '../../compiler/src/format/format.ts';
import * as convert from './convert.ts';
import { codeActions } from './features/codeActions.ts';
import { completion } from './features/completion.ts';
import { diagnostics, syntaxDiagnostics } from './features/diagnostics.ts';
import { documentLinks, importLinks } from './features/documentLinks.ts';
import { folds } from './features/folding.ts';
import { formatAll, formatRange, formatTyped } from './features/formatting.ts';
import { hover } from './features/hover.ts';
import { inlayHints } from './features/inlayHints.ts';
import { refusedLowering, stageList } from './features/lowering.ts';
import { definition, references } from './features/navigation.ts';
import { selectionRanges } from './features/selectionRanges.ts';
import { semanticTokens, tokenModifiers, tokenTypes } from './features/semanticTokens.ts';
import { SentTokens, tokenEdits } from './features/tokenDelta.ts';
import { signatureHelp } from './features/signatureHelp.ts';
import { documentSymbols, globalSymbols } from './features/symbols.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { requests, type LowerParams, type LowerResult, type StageInfo, type StatusResult } from './protocol.ts';
import { viewServices } from './requests/services.ts';
import { importedUri } from './importedFiles.ts';
import { navigationServices } from './navigationServices.ts';
import { atPlace, withTypes, type Service } from './service.ts';
import type { CheckedSnapshot, Snapshot } from './snapshot.ts';

export const services: readonly Service[] = [
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
        if (snapshot) return report(snapshot, names, previousResultId);
        const parsed = host.documents.get(uri)?.snapshot;
        const items = parsed ? syntaxDiagnostics(parsed).map((d) => convert.toDiagnostic(parsed, d)) : [];
        return { kind: 'full', items };
      });
      requested.onWorkspace(async ({ previousResultIds }, token) => {
        const known = new Map(previousResultIds.map(({ uri, value }) => [uri, value]));
        const items: WorkspaceDocumentDiagnosticReport[] = [];
        for (const { uri } of [...host.documents.all()]) {
          const snapshot = await host.analysis.checked(uri, token);
          if (snapshot) items.push({ uri, version: snapshot.version, ...report(snapshot, names, known.get(uri)) });
        }
        return { items };
      });
    },
  },
  {
    name: 'hover',
    capabilities: { hoverProvider: true },
    register: (host) => {
      host.connection.onHover(
        atPlace(host, null, (snapshot, offset) => {
          const found = hover(snapshot, offset);
          return found ? convert.toHover(snapshot, found) : null;
        }),
      );
    },
  },
  {
    name: 'outline',
    capabilities: { documentSymbolProvider: true },
    register: (host) => {
      host.connection.onDocumentSymbol(
        withTypes(host, null, (snapshot) =>
          documentSymbols(snapshot).map((item) => convert.toDocumentSymbol(snapshot, item)),
        ),
      );
    },
  },
  {
    name: 'symbols of the workspace',
    capabilities: { workspaceSymbolProvider: true },
    register: (host) => {
      host.connection.onWorkspaceSymbol(async (params, token) => {
        const all = [...host.documents.all()].map((document) => host.analysis.checked(document.uri, token));
        return (await Promise.all(all)).flatMap((snapshot) =>
          snapshot
            ? globalSymbols(snapshot, params.query).map((item) => convert.toSymbolInformation(snapshot, item))
            : [],
        );
      });
    },
  },
  {
    name: 'definition',
    capabilities: { definitionProvider: true },
    register: (host) => {
      host.connection.onDefinition(
        atPlace(host, null, (snapshot, offset) => {
          const target = definition(snapshot, offset);
          return target ? [convert.toLocationLink(snapshot, target)] : null;
        }),
      );
    },
  },
  {
    name: 'references',
    capabilities: { referencesProvider: true },
    register: (host) => {
      host.connection.onReferences((params, token) =>
        atPlace(host, null, (snapshot, offset) =>
          references(snapshot, offset)
            .filter((reference) => params.context.includeDeclaration || !reference.declares)
            .map((reference) => convert.toLocation(snapshot, reference.range)),
        )(params, token),
      );
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
  ...navigationServices,
  {
    name: 'folding',
    capabilities: { foldingRangeProvider: true },
    register: (host) => {
      host.connection.onFoldingRanges((params) => {
        const document = host.documents.get(params.textDocument.uri);
        return document ? folds(document.snapshot).map(convert.toFoldingRange) : null;
      });
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
      const answer = (uri: string, edit: (snapshot: Snapshot) => readonly FormatEdit[]): LspTextEdit[] | null => {
        const snapshot = host.documents.get(uri)?.snapshot;
        return snapshot ? edit(snapshot).map((x) => convert.toFormatEdit(snapshot, x)) : null;
      };
      host.connection.onDocumentFormatting(({ textDocument }) => answer(textDocument.uri, formatAll));
      host.connection.onDocumentRangeFormatting(({ textDocument, range }) =>
        answer(textDocument.uri, (snapshot) => formatRange(snapshot, convert.fromRange(snapshot, range))),
      );
      host.connection.onDocumentOnTypeFormatting(({ textDocument, position }) =>
        answer(textDocument.uri, (snapshot) => formatTyped(snapshot, snapshot.lines.offset(position))),
      );
    },
  },
  {
    name: 'growing selection',
    capabilities: { selectionRangeProvider: true },
    register: (host) => {
      host.connection.onSelectionRanges((params) => {
        const snapshot = host.documents.get(params.textDocument.uri)?.snapshot;
        if (!snapshot) return null;
        return params.positions.map((position) =>
          convert.toSelectionRange(snapshot, selectionRanges(snapshot, snapshot.lines.offset(position))),
        );
      });
    },
  },
  {
    name: 'code actions',
    capabilities: {
      codeActionProvider: { codeActionKinds: ['quickfix', 'refactor.inline', 'refactor.extract', 'refactor.rewrite'] },
    },
    register: (host) => {
      host.connection.onCodeAction(
        withTypes(host, null, (snapshot, params) =>
          codeActions(snapshot, convert.fromRange(snapshot, params.range), params.context.only).map((action) =>
            convert.toCodeAction(snapshot, action),
          ),
        ),
      );
    },
  },
  {
    name: 'completion',
    capabilities: { completionProvider: { triggerCharacters: ['%', '@', '.', '(', ',', '=', '"', ':'] } },
    register: (host) => {
      host.connection.onCompletion(
        atPlace(host, null, (snapshot, offset) =>
          completion(snapshot, offset).map((item) => convert.toCompletionItem(snapshot, item)),
        ),
      );
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
    name: 'semantic tokens',
    capabilities: {
      semanticTokensProvider: {
        legend: { tokenTypes: [...tokenTypes], tokenModifiers: [...tokenModifiers] },
        full: { delta: true },
        range: true,
      },
    },
    register: (host) => {
      const none: SemanticTokens = { data: [] };
      const sent = new SentTokens();
      const tokensOf = (snapshot: CheckedSnapshot): SemanticTokens =>
        convert.toSemanticTokens(snapshot, semanticTokens(snapshot));
      host.connection.languages.semanticTokens.on(
        withTypes(host, none, (snapshot) => {
          const { data } = tokensOf(snapshot);
          return { resultId: sent.keep(snapshot.uri, data), data };
        }),
      );
      host.connection.languages.semanticTokens.onDelta(
        withTypes<SemanticTokensDeltaParams, SemanticTokens | SemanticTokensDelta>(host, none, (snapshot, params) => {
          const before = sent.get(snapshot.uri, params.previousResultId);
          const { data } = tokensOf(snapshot);
          const resultId = sent.keep(snapshot.uri, data);
          return before ? { resultId, edits: [...tokenEdits(before, data)] } : { resultId, data };
        }),
      );
      host.connection.languages.semanticTokens.onRange(
        withTypes(host, none, (snapshot, params) =>
          convert.toSemanticTokens(snapshot, semanticTokens(snapshot, convert.fromRange(snapshot, params.range))),
        ),
      );
    },
  },
  {
    name: 'inlay hints',
    capabilities: { inlayHintProvider: true },
    register: (host) => {
      host.connection.languages.inlayHint.on(
        withTypes(host, null, (snapshot, params) =>
          inlayHints(snapshot, convert.fromRange(snapshot, params.range), host.settings().inlayHints).map((hint) =>
            convert.toInlayHint(snapshot, hint),
          ),
        ),
      );
    },
  },
  {
    name: 'links to metadata and imports',
    capabilities: { documentLinkProvider: {} },
    register: (host) => {
      host.connection.onDocumentLinks((params) => {
        const snapshot = host.documents.get(params.textDocument.uri)?.snapshot;
        if (!snapshot) return null;
        return [
          ...documentLinks(snapshot).map((link) => convert.toDocumentLink(snapshot, link)),
          ...importLinks(snapshot).map((link) =>
            convert.toImportLink(snapshot, link, importedUri(snapshot.uri, link.path)),
          ),
        ];
      });
    },
  },
  {
    name: 'lowering',
    capabilities: {},
    register: (host) => {
      host.connection.onRequest(requests.stages, (): readonly StageInfo[] => stageList());
      host.connection.onRequest(requests.lower, ({ uri, ...wanted }: LowerParams): Promise<LowerResult> => {
        const snapshot = host.documents.get(uri)?.snapshot;
        if (!snapshot) return Promise.resolve(refusedLowering(0, 'The source is not open.', 'Open the .relay file.'));
        const { version, text } = snapshot;
        return host.lowering.request({ ...wanted, uri, version, text });
      });
    },
  },
  ...viewServices,
  {
    name: 'status',
    capabilities: {},
    register: (host) => {
      host.connection.onRequest(requests.status, (): StatusResult => ({
        operators: operatorRegistry.names().length,
        documents: [...host.documents.all()].map(({ uri, version, snapshot }) => {
          return { uri, version, lines: snapshot.lines.lineCount };
        }),
      }));
    },
  },
];

/** The diagnostics of a document, or that they are those the client has. */
function report(snapshot: CheckedSnapshot, names: ResultNames, previous: string | undefined): DocumentDiagnosticReport {
  const resultId = names.of(snapshot);
  if (resultId === previous) return { kind: 'unchanged', resultId };
  return { kind: 'full', resultId, items: diagnostics(snapshot).map((d) => convert.toDiagnostic(snapshot, d)) };
}

/** A name for each result of a check: the text may be the same and what it imports another. */
class ResultNames {
  private next = 1;
  private readonly names = new WeakMap<CheckedSnapshot['check'], string>();

  of({ check }: CheckedSnapshot): string {
    const known = this.names.get(check) ?? String(this.next++);
    this.names.set(check, known);
    return known;
  }
}
