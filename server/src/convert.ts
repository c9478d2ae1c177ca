/** The one file that turns what features say into LSP's types. */
import {
  CompletionItemKind,
  DiagnosticSeverity,
  DiagnosticTag,
  DocumentHighlightKind,
  InlayHintKind,
  InsertTextFormat,
  MarkupKind,
  SymbolKind,
  type CallHierarchyItem,
  type CodeAction,
  type CodeLens,
  type CompletionItem,
  type Diagnostic as LspDiagnostic,
  type DocumentHighlight,
  type DocumentLink,
  type DocumentSymbol,
  type FoldingRange,
  type Hover as LspHover,
  type InlayHint,
  type Location,
  type LocationLink,
  type Range,
  type SelectionRange,
  type SemanticTokens,
  type SignatureHelp,
  type SymbolInformation,
  type TextDocumentEdit,
  type TextEdit as LspTextEdit,
  type WorkspaceEdit,
} from 'vscode-languageserver/lib/common/api.js';
import type { Diagnostic, Severity } from '../../compiler/src/base/diagnostic.ts';
import type { TextRange } from '../../compiler/src/base/span.ts';
import type { Steps } from '../../compiler/src/base/steps.ts';
import type { FormatEdit } from '../../compiler/src/format/format.ts';
import type { CallItem } from './features/callHierarchy.ts';
import { showUses, type Lens } from './features/codeLenses.ts';
import type { OfferedAction } from './features/codeActions.ts';
import type { Completion, CompletionKind } from './features/completion.ts';
import { messageOf } from './features/diagnostics.ts';
import type { ImportLink, MetaLink } from './features/documentLinks.ts';
import type { Fold } from './features/folding.ts';
import type { Hover } from './features/hover.ts';
import type { Hint } from './features/inlayHints.ts';
import type { Reference, Target } from './features/navigation.ts';
import type { RenameEdit } from './features/rename.ts';
import type { SemanticToken } from './features/semanticTokens.ts';
import type { Signature } from './features/signatureHelp.ts';
import type { GlobalSymbol, OutlineItem, OutlineKind } from './features/symbols.ts';
import { segmentOf } from './features/tokenParts.ts';
import { closedVersion, rangeOf, type Snapshot } from './snapshot.ts';
import { documentationOf } from './virtualDocuments.ts';

export function toRange(snapshot: Pick<Snapshot, 'lines'>, range: TextRange): Range {
  return { start: snapshot.lines.position(range.start), end: snapshot.lines.position(range.end) };
}

export function fromRange(snapshot: Snapshot, range: Range): TextRange {
  return { start: snapshot.lines.offset(range.start), end: snapshot.lines.offset(range.end) };
}

const severities: Record<Severity, DiagnosticSeverity> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  information: DiagnosticSeverity.Information,
  hint: DiagnosticSeverity.Hint,
};
const tags = { unnecessary: DiagnosticTag.Unnecessary, deprecated: DiagnosticTag.Deprecated } as const;

export function toDiagnostic(snapshot: Snapshot, diagnostic: Diagnostic): LspDiagnostic {
  const related = (diagnostic.related ?? []).map(({ span, message }) => ({
    location: { uri: snapshot.uri, range: toRange(snapshot, rangeOf(snapshot, span)) },
    message,
  }));
  const href = documentationOf(diagnostic.code);
  return {
    range: toRange(snapshot, rangeOf(snapshot, diagnostic.span)),
    severity: severities[diagnostic.severity],
    code: diagnostic.code,
    ...(href === undefined ? {} : { codeDescription: { href } }),
    source: 'relay',
    message: messageOf(diagnostic),
    ...(related.length > 0 ? { relatedInformation: related } : {}),
    ...(diagnostic.tags ? { tags: diagnostic.tags.map((tag) => tags[tag]) } : {}),
  };
}

export function toCodeAction(snapshot: Snapshot, action: OfferedAction): CodeAction {
  const edits = action.edits.map(({ span, newText }) => ({
    range: toRange(snapshot, rangeOf(snapshot, span)),
    newText,
  }));
  return {
    title: action.title,
    kind: action.kind,
    ...(action.diagnostic ? { diagnostics: [toDiagnostic(snapshot, action.diagnostic)] } : {}),
    edit: toWorkspaceEdit(snapshot, edits),
    ...(action.preferred === undefined ? {} : { isPreferred: action.preferred }),
  };
}

export function toFormatEdit(snapshot: Snapshot, { start, end, newText }: FormatEdit): LspTextEdit {
  return { range: toRange(snapshot, { start, end }), newText };
}

/** Edits of one document, refused by the client when it has another version by then. */
function toWorkspaceEdit(snapshot: Snapshot, edits: LspTextEdit[]): WorkspaceEdit {
  return { documentChanges: [{ textDocument: { uri: snapshot.uri, version: snapshot.version }, edits }] };
}

export function toHover(snapshot: Snapshot, hover: Hover): LspHover {
  return {
    contents: { kind: MarkupKind.Markdown, value: hover.markdown },
    range: toRange(snapshot, hover.range),
  };
}

const outlineKinds: Record<OutlineKind, SymbolKind> = {
  function: SymbolKind.Function,
  type: SymbolKind.Enum,
  constructor: SymbolKind.EnumMember,
  parameter: SymbolKind.Variable,
  binding: SymbolKind.Constant,
  import: SymbolKind.Module,
};

/** In steps, because an outline may hold ten thousand bindings. */
export function* toDocumentSymbols(snapshot: Snapshot, items: readonly OutlineItem[]): Steps<DocumentSymbol[]> {
  const symbols: DocumentSymbol[] = [];
  for (const [i, item] of items.entries()) {
    if (i % 256 === 255) yield;
    symbols.push({
      name: item.name,
      detail: item.detail,
      kind: outlineKinds[item.kind],
      range: toRange(snapshot, item.range),
      selectionRange: toRange(snapshot, item.nameRange),
      ...(item.children.length > 0 ? { children: yield* toDocumentSymbols(snapshot, item.children) } : {}),
    });
  }
  return symbols;
}

export function toSymbolInformation(snapshot: Snapshot, item: GlobalSymbol): SymbolInformation {
  return {
    name: item.name,
    kind: outlineKinds[item.kind],
    ...(item.container === undefined ? {} : { containerName: item.container }),
    location: { uri: snapshot.uri, range: toRange(snapshot, item.nameRange) },
  };
}

export function toLocationLink(snapshot: Snapshot, target: Target): LocationLink {
  const file = target.file ?? snapshot;
  return {
    originSelectionRange: toRange(snapshot, target.origin),
    targetUri: file.uri,
    targetRange: toRange(file, target.full),
    targetSelectionRange: toRange(file, target.name),
  };
}

export function toLocation(snapshot: Snapshot, range: TextRange): Location {
  return { uri: snapshot.uri, range: toRange(snapshot, range) };
}

export function toHighlight(snapshot: Snapshot, reference: Reference): DocumentHighlight {
  return {
    range: toRange(snapshot, reference.range),
    kind: reference.declares ? DocumentHighlightKind.Write : DocumentHighlightKind.Read,
  };
}

export function toEdits(snapshot: Snapshot, edits: readonly RenameEdit[]): TextDocumentEdit {
  return {
    textDocument: { uri: snapshot.uri, version: snapshot.version === closedVersion ? null : snapshot.version },
    edits: edits.map(({ range, newText }) => ({ range: toRange(snapshot, range), newText })),
  };
}

export function toCallItem(item: CallItem): CallHierarchyItem {
  return {
    name: `@${item.name}`,
    detail: item.detail,
    kind: SymbolKind.Function,
    uri: item.file.uri,
    range: toRange(item.file, item.range),
    selectionRange: toRange(item.file, item.nameRange),
    data: item.name,
  };
}

export function toCodeLens(snapshot: Snapshot, lens: Lens): CodeLens {
  const range = toRange(snapshot, lens.range);
  const command = lens.command ?? '';
  const at = command === showUses ? { arguments: [snapshot.uri, range.start] } : {};
  return { range, command: { title: lens.title, command, ...at } };
}

export function toFoldingRange(fold: Fold): FoldingRange {
  return { startLine: fold.startLine, endLine: fold.endLine, kind: fold.kind };
}

export function toSelectionRange(snapshot: Snapshot, ranges: readonly TextRange[]): SelectionRange {
  let result: SelectionRange | undefined;
  for (const range of ranges.toReversed())
    result = { range: toRange(snapshot, range), ...(result ? { parent: result } : {}) };
  return result ?? { range: toRange(snapshot, { start: 0, end: 0 }) };
}

const completionKinds: Record<CompletionKind, CompletionItemKind> = {
  local: CompletionItemKind.Variable,
  graph: CompletionItemKind.Variable,
  global: CompletionItemKind.Function,
  operator: CompletionItemKind.Method,
  attribute: CompletionItemKind.Property,
  value: CompletionItemKind.Value,
  constructor: CompletionItemKind.EnumMember,
  type: CompletionItemKind.Class,
  typeParam: CompletionItemKind.TypeParameter,
  keyword: CompletionItemKind.Keyword,
  snippet: CompletionItemKind.Snippet,
};

export function toCompletionItem(snapshot: Snapshot, item: Completion): CompletionItem {
  return {
    label: item.label,
    kind: completionKinds[item.kind],
    detail: item.detail,
    ...(item.documentation === undefined
      ? {}
      : { documentation: { kind: MarkupKind.Markdown, value: item.documentation } }),
    sortText: `${String(item.rank).padStart(3, '0')}${item.label}`,
    filterText: item.label,
    insertTextFormat: item.snippet === true ? InsertTextFormat.Snippet : InsertTextFormat.PlainText,
    textEdit: { range: toRange(snapshot, item.range), newText: item.insert },
    ...(item.data === undefined ? {} : { data: item.data }),
  };
}

/** A completion that was looked at more closely. */
export function withDocumentation(item: CompletionItem, markdown: string | undefined): CompletionItem {
  return markdown === undefined ? item : { ...item, documentation: { kind: MarkupKind.Markdown, value: markdown } };
}

export function toSignatureHelp(signature: Signature): SignatureHelp {
  return {
    signatures: [
      {
        label: signature.label,
        documentation: { kind: MarkupKind.Markdown, value: signature.documentation },
        parameters: parameterRanges(signature),
      },
    ],
    activeSignature: 0,
    ...(signature.active === undefined ? {} : { activeParameter: signature.active }),
  };
}

/** Parameters by offsets, so that a name that stands twice in the label is told apart. */
function parameterRanges(signature: Signature) {
  let from = signature.label.indexOf('(') + 1;
  return signature.parameters.map((parameter) => {
    const start = signature.label.indexOf(parameter.label, from);
    from = start + parameter.label.length;
    return {
      label: [start, from] as [number, number],
      documentation: { kind: MarkupKind.Markdown, value: parameter.documentation },
    };
  });
}

export function toInlayHint(snapshot: Snapshot, hint: Hint): InlayHint {
  const position = snapshot.lines.position(hint.offset);
  return {
    position,
    label: hint.parts.map(({ text, target }) => ({
      value: text,
      ...(target ? { location: { uri: snapshot.uri, range: toRange(snapshot, target) } } : {}),
    })),
    kind: hint.kind === 'parameter' ? InlayHintKind.Parameter : InlayHintKind.Type,
    ...(hint.kind === 'parameter' ? { paddingRight: true } : {}),
    ...(hint.tooltip === undefined ? {} : { tooltip: hint.tooltip }),
    ...(hint.insert === undefined
      ? {}
      : { textEdits: [{ range: { start: position, end: position }, newText: hint.insert }] }),
  };
}

export function toSemanticTokens(snapshot: Snapshot, tokens: readonly SemanticToken[]): SemanticTokens {
  return { data: [...segmentOf(snapshot, tokens, 0).data] };
}

export function toDocumentLink(snapshot: Snapshot, link: MetaLink): DocumentLink {
  const { line, character } = snapshot.lines.position(link.target.start);
  return {
    range: toRange(snapshot, link.range),
    target: `${snapshot.uri}#L${line + 1},${character + 1}`,
    tooltip: link.tooltip,
  };
}

export function toImportLink(snapshot: Snapshot, link: ImportLink, target: string | undefined): DocumentLink {
  return { range: toRange(snapshot, link.range), ...(target === undefined ? {} : { target }) };
}
