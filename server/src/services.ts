/** The services of the language server, one row each. Adding one is a file in `features/` and a row here. */
import {
  LSPErrorCodes,
  ResponseError,
  type SemanticTokens,
  type TextEdit as LspTextEdit,
} from 'vscode-languageserver/lib/common/api.js';
import type { Failure } from '../../compiler/src/base/result.ts';
import type { FormatEdit } from '../../compiler/src/format/format.ts';
import * as convert from './convert.ts';
import { codeActions } from './features/codeActions.ts';
import { completion } from './features/completion.ts';
import { diagnostics, syntaxDiagnostics } from './features/diagnostics.ts';
import { documentLinks } from './features/documentLinks.ts';
import { folds } from './features/folding.ts';
import { formatAll, formatRange, formatTyped } from './features/formatting.ts';
import { hover } from './features/hover.ts';
import { inlayHints } from './features/inlayHints.ts';
import { refusedLowering, stageList } from './features/lowering.ts';
import { definition, references } from './features/navigation.ts';
import { prepareRename, rename } from './features/rename.ts';
import { selectionRanges } from './features/selectionRanges.ts';
import { semanticTokens, tokenModifiers, tokenTypes } from './features/semanticTokens.ts';
import { signatureHelp } from './features/signatureHelp.ts';
import { documentSymbols, globalSymbols } from './features/symbols.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { requests, type LowerParams, type LowerResult, type StageInfo, type StatusResult } from './protocol.ts';
import { viewServices } from './requests/services.ts';
import { atPlace, withTypes, type Service } from './service.ts';
import type { Snapshot } from './snapshot.ts';

export const services: readonly Service[] = [
  {
    name: 'diagnostics on request',
    capabilities: {
      diagnosticProvider: { identifier: 'relay', interFileDependencies: false, workspaceDiagnostics: false },
    },
    register: (host) => {
      host.connection.languages.diagnostics.on(async (params, token) => {
        const { uri } = params.textDocument;
        const snapshot = await host.analysis.checked(uri, token);
        const parsed = host.documents.get(uri)?.snapshot;
        const found = snapshot ? diagnostics(snapshot) : parsed ? syntaxDiagnostics(parsed) : [];
        const base = snapshot ?? parsed;
        return { kind: 'full', items: base ? found.map((d) => convert.toDiagnostic(base, d)) : [] };
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
      host.connection.onRenameRequest((params, token) =>
        atPlace(host, null, (snapshot, offset) => {
          const edits = rename(snapshot, offset, params.newName);
          if (!edits.ok) throw refusal(edits.error);
          return convert.toRename(snapshot, edits.value);
        })(params, token),
      );
    },
  },
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
        full: true,
        range: true,
      },
    },
    register: (host) => {
      const none: SemanticTokens = { data: [] };
      host.connection.languages.semanticTokens.on(
        withTypes(host, none, (snapshot) => convert.toSemanticTokens(snapshot, semanticTokens(snapshot))),
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
          host.settings().inlayHints.types
            ? inlayHints(snapshot, convert.fromRange(snapshot, params.range)).map((hint) =>
                convert.toInlayHint(snapshot, hint),
              )
            : [],
        ),
      );
    },
  },
  {
    name: 'links to metadata',
    capabilities: { documentLinkProvider: {} },
    register: (host) => {
      host.connection.onDocumentLinks((params) => {
        const snapshot = host.documents.get(params.textDocument.uri)?.snapshot;
        return snapshot ? documentLinks(snapshot).map((link) => convert.toDocumentLink(snapshot, link)) : null;
      });
    },
  },
  {
    name: 'lowering',
    capabilities: {},
    register: (host) => {
      host.connection.onRequest(requests.stages, (): readonly StageInfo[] => stageList());
      host.connection.onRequest(requests.lower, ({ uri, stage, params }: LowerParams): Promise<LowerResult> => {
        const snapshot = host.documents.get(uri)?.snapshot;
        if (!snapshot) return Promise.resolve(refusedLowering(0, 'The source is not open.', 'Open the .relay file.'));
        const { version, text } = snapshot;
        return host.lowering.request({ uri, version, text, stage, ...(params === undefined ? {} : { params }) });
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

function refusal(failure: Failure): ResponseError<void> {
  const text = failure.remedy ? `${failure.message} ${failure.remedy}` : failure.message;
  return new ResponseError(LSPErrorCodes.RequestFailed, text);
}
