/** Selecting in the source marks the lines of every open stage that came from there, and back. Never moves the focus. */
import * as vscode from 'vscode';
import type { WireRange } from '../../server/src/protocol.ts';
import { sourceRanges, stageLines } from './engine/origins.ts';
import { addressOf, scheme, type LoweringProvider } from './lowering.ts';

export function linkOrigins(provider: LoweringProvider): vscode.Disposable {
  const mark = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor('relay.originBackground'),
    overviewRulerColor: new vscode.ThemeColor('relay.originBackground'),
    overviewRulerLane: vscode.OverviewRulerLane.Full,
  });
  let last: vscode.TextEditor | undefined;

  const update = (from: vscode.TextEditor | undefined): void => {
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
      const ranges = editor.document.uri.scheme === scheme ? linesFor(provider, editor, places) : places;
      editor.setDecorations(mark, ranges);
      const first = startOfLongest(ranges);
      if (first) editor.revealRange(first, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    }
    from.setDecorations(mark, []);
  };

  return vscode.Disposable.from(
    mark,
    vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
      if (textEditor === vscode.window.activeTextEditor) update(textEditor);
    }),
    vscode.window.onDidChangeVisibleTextEditors(() => update(last)),
    provider.onProvided(() => update(last)),
  );
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
