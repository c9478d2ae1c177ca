/** Services that show how a document is made: outline, folds, selections, colours, hints, links, lenses. */
import type {
  InlayHint,
  InlayHintParams,
  SemanticTokens,
  SemanticTokensDelta,
  SemanticTokensDeltaParams,
} from 'vscode-languageserver/lib/common/api.js';
import * as convert from './convert.ts';
import { codeLenses } from './features/codeLenses.ts';
import { documentLinks, importLinks } from './features/documentLinks.ts';
import { folds } from './features/folding.ts';
import { inlayHints } from './features/inlayHints.ts';
import { selectionRanges } from './features/selectionRanges.ts';
import { semanticTokens, tokenModifiers, tokenTypes } from './features/semanticTokens.ts';
import { outline } from './features/symbols.ts';
import { SentTokens, tokenData, tokenEdits, tokenParts } from './features/tokenParts.ts';
import { importedUri } from './files.ts';
import { throughTree, throughTypes, typesOf, withTree, withTypes, type Service } from './service.ts';

export const structureServices: readonly Service[] = [
  {
    name: 'outline',
    capabilities: { documentSymbolProvider: true },
    register: (host) => {
      host.connection.onDocumentSymbol(
        throughTypes(host, null, function* (snapshot) {
          return yield* convert.toDocumentSymbols(snapshot, yield* outline(snapshot));
        }),
      );
    },
  },
  {
    name: 'folding',
    capabilities: { foldingRangeProvider: true },
    register: (host) => {
      host.connection.onFoldingRanges(
        throughTree(host, null, function* (snapshot) {
          return (yield* folds(snapshot)).map(convert.toFoldingRange);
        }),
      );
    },
  },
  {
    name: 'growing selection',
    capabilities: { selectionRangeProvider: true },
    register: (host) => {
      host.connection.onSelectionRanges(
        withTree(host, null, (snapshot, params) =>
          params.positions.map((position) =>
            convert.toSelectionRange(snapshot, selectionRanges(snapshot, snapshot.lines.offset(position))),
          ),
        ),
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
      host.onClosed((uri) => sent.forget(uri));
      const { semanticTokens: requested } = host.connection.languages;
      requested.on(
        throughTypes(host, none, function* (snapshot) {
          const parts = yield* tokenParts(snapshot);
          return { resultId: sent.keep(snapshot.uri, parts), data: tokenData(parts) };
        }),
      );
      requested.onDelta(
        throughTypes<SemanticTokensDeltaParams, SemanticTokens | SemanticTokensDelta>(
          host,
          none,
          function* (snapshot, params) {
            const before = sent.get(snapshot.uri, params.previousResultId);
            const parts = yield* tokenParts(snapshot);
            const resultId = sent.keep(snapshot.uri, parts);
            return before ? { resultId, edits: [...tokenEdits(before, parts)] } : { resultId, data: tokenData(parts) };
          },
        ),
      );
      requested.onRange(
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
      host.connection.languages.inlayHint.on(async (params, token) => {
        const kinds = host.settings().inlayHints;
        const checked = kinds.valueRanges ? await typesOf(host, params.textDocument.uri, token) : undefined;
        const ranges = checked && (await host.ranges.of(checked, token));
        return throughTypes<InlayHintParams, InlayHint[] | null>(host, null, function* (snapshot) {
          const range = convert.fromRange(snapshot, params.range);
          const current = snapshot.check === checked?.check ? ranges : undefined;
          const hints = yield* inlayHints(snapshot, range, kinds, current);
          return hints.map((hint) => convert.toInlayHint(snapshot, hint));
        })(params, token);
      });
    },
  },
  {
    name: 'links to metadata and imports',
    capabilities: { documentLinkProvider: {} },
    register: (host) => {
      host.connection.onDocumentLinks(
        throughTree(host, null, function* (snapshot) {
          return [
            ...(yield* documentLinks(snapshot)).map((link) => convert.toDocumentLink(snapshot, link)),
            ...importLinks(snapshot).map((link) =>
              convert.toImportLink(snapshot, link, importedUri(snapshot.uri, link.path)),
            ),
          ];
        }),
      );
    },
  },
  {
    name: 'code lenses',
    capabilities: { codeLensProvider: {} },
    register: (host) => {
      host.connection.onCodeLens(
        throughTypes(host, null, function* (snapshot) {
          return (yield* codeLenses(snapshot)).map((lens) => convert.toCodeLens(snapshot, lens));
        }),
      );
    },
  },
];
