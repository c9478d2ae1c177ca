/** Selecting in the source marks the lines of every open stage that came from there, and back. Never moves the focus. */
import * as vscode from 'vscode';
import type { WireRange } from '../../server/src/protocol.ts';
import { cLines, sourceRanges, stageLines, type Lines } from './engine/origins.ts';
import { addressOf, assemblyStage, scheme, type LoweringProvider } from './lowering.ts';

/** A cursor that moves within this time after a change was moved by it. */
const typingMs = 150;

/** Marks, in all stages that are visible, the lines that come from where the cursor is. */
export function linkOrigins(provider: LoweringProvider): vscode.Disposable {
  const mark = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor('relay.originBackground'),
    overviewRulerColor: new vscode.ThemeColor('relay.originBackground'),
    overviewRulerLane: vscode.OverviewRulerLane.Full,
  });
  let last: vscode.TextEditor | undefined;
  /** The lines of the last selection, and when which document was last typed in. */
  let seen = '';
  /** Stages that were scrolled to the selection when they were opened. */
  const opened = new Set<string>();
  let typed = { document: '', at: 0 };

  const update = (from: vscode.TextEditor | undefined, reveal: boolean): void => {
    if (!from) return;
    const source = sourceOf(from);
    if (source === undefined) return;
    last = from;
    const selected = { first: from.selection.start.line, last: from.selection.end.line };
    const isStage = from.document.uri.scheme === scheme;
    // What the selection stands for in the source decides for the other stages, too.
    const places = isStage
      ? sourceRanges(provider.originsOf(from.document.uri), selected).map(toRange)
      : [from.selection];
    for (const editor of vscode.window.visibleTextEditors) {
      if (editor === from || sourceOf(editor) !== source) continue;
      const ranges =
        editor.document.uri.scheme === scheme
          ? (nearLines(provider, from, editor, selected) ?? linesFor(provider, editor, places))
          : places;
      editor.setDecorations(mark, ranges);
      const first = startOfLongest(ranges);
      // By its line: columns would scroll the text sideways.
      const key = editor.document.uri.toString();
      const isNew = provider.originsOf(editor.document.uri).length > 0 && !opened.has(key);
      if (isNew) opened.add(key);
      const line = first && new vscode.Range(first.start.line, 0, first.start.line, 0);
      if (line && (reveal || isNew)) editor.revealRange(line, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    }
    from.setDecorations(mark, []);
  };

  return vscode.Disposable.from(
    mark,
    vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
      if (textEditor !== vscode.window.activeTextEditor) return;
      const { document, selection } = textEditor;
      const key = document.uri.toString();
      const now = `${key} ${selection.start.line} ${selection.end.line}`;
      // Typing moves the cursor, too: then the stages stay where their reader has scrolled them.
      const byTyping = typed.document === key && Date.now() - typed.at < typingMs;
      update(textEditor, now !== seen && !byTyping);
      seen = now;
    }),
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (contentChanges.length > 0) typed = { document: document.uri.toString(), at: Date.now() };
    }),
    vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
      for (const { input } of closed) if (input instanceof vscode.TabInputText) opened.delete(input.uri.toString());
    }),
    vscode.window.onDidChangeVisibleTextEditors(() => update(last, false)),
    provider.onProvided(() => update(last, false)),
  );
}

/** Between C and assembly there are links line by line; undefined between other stages and where there are none. */
function nearLines(
  provider: LoweringProvider,
  from: vscode.TextEditor,
  to: vscode.TextEditor,
  selected: Lines,
): readonly vscode.Range[] | undefined {
  if (from.document.uri.scheme !== scheme) return undefined;
  const stages = [from, to].map(({ document }) => addressOf(document.uri).stage).join(' ');
  const lines =
    stages === `c ${assemblyStage.name}`
      ? cLines(provider.linksToC(to.document.uri, from.document.uri), selected, 'assembly')
      : stages === `${assemblyStage.name} c`
        ? cLines(provider.linksToC(from.document.uri, to.document.uri), selected, 'c')
        : [];
  return lines.length > 0 ? lines.map((line) => new vscode.Range(line, 0, line, 0)) : undefined;
}

function linesFor(
  provider: LoweringProvider,
  editor: vscode.TextEditor,
  places: readonly vscode.Range[],
): readonly vscode.Range[] {
  const origins = provider.originsOf(editor.document.uri);
  const lines = new Set(places.flatMap(({ start, end }) => stageLines(origins, { first: start.line, last: end.line })));
  return [...lines].sort((a, b) => a - b).map((line) => new vscode.Range(line, 0, line, 0));
}

/** The start of the longest run of lines: a function's body rather than its declaration. */
function startOfLongest(ranges: readonly vscode.Range[]): vscode.Range | undefined {
  let best: vscode.Range | undefined;
  let longest = 0;
  let start = 0;
  ranges.forEach((range, i) => {
    if (i > 0 && ranges[i - 1]?.end.line !== range.start.line - 1) start = i;
    if (i - start + 1 <= longest) return;
    longest = i - start + 1;
    best = ranges[start];
  });
  return best;
}

/** The source that an editor shows or whose stage it shows. */
function sourceOf(editor: vscode.TextEditor): string | undefined {
  const { document } = editor;
  if (document.uri.scheme === scheme) return addressOf(document.uri).source;
  return document.languageId === 'relay' ? document.uri.toString() : undefined;
}

/** A place of the protocol as the editor's. */
export function toRange({ start, end }: WireRange): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}
