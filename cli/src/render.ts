/** Diagnostics and tables for a terminal. */
import type { Diagnostic, Fix } from '../../compiler/src/base/diagnostic.ts';
import type { Failure } from '../../compiler/src/base/result.ts';
import {
  resolveSpan,
  type AnchorMap,
  type LineIndex,
  type Position,
  type Span,
  type TextRange,
} from '../../compiler/src/base/span.ts';

/** A text with what is needed to show places in it. */
export interface SourceView {
  readonly name: string;
  readonly text: string;
  readonly lines: LineIndex;
  readonly anchors: AnchorMap;
}

const codes = { error: 31, warning: 33, information: 36, hint: 90, bold: 1, dim: 90 } as const;

function paint(colour: boolean, style: keyof typeof codes, text: string): string {
  return colour ? `\u001b[${codes[style]}m${text}\u001b[0m` : text;
}

/** Names and messages may hold anything; control characters must not reach the terminal. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are the characters to be removed
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}

interface Lines {
  readonly start: Position;
  readonly end: Position;
}

function range(view: SourceView, span: Span): Lines {
  return linesOf(view, resolveSpan(view.anchors, span));
}

function linesOf(view: SourceView, { start, end }: TextRange): Lines {
  return { start: view.lines.position(start), end: view.lines.position(end) };
}

const maxExcerpt = 160;

/** The source line with carets under the span; long lines are cut around it. */
function excerpt(view: SourceView, { start, end }: Lines, colour: boolean, style: keyof typeof codes): string[] {
  const from = view.lines.offset({ line: start.line, character: 0 });
  const rawEnd = view.lines.offset({ line: start.line + 1, character: 0 });
  const line = view.text.slice(from, rawEnd).replace(/[\r\n]+$/, '');
  const cut = Math.max(0, Math.min(start.character - 60, line.length - maxExcerpt));
  const shown = printable(line.slice(cut, cut + maxExcerpt)).replace(/\t/g, ' ');
  const first = start.character - cut;
  const last = end.line === start.line ? Math.min(end.character - cut, shown.length) : shown.length;
  const number = String(start.line + 1);
  const margin = ' '.repeat(number.length);
  const carets = ' '.repeat(Math.max(0, first)) + '^'.repeat(Math.max(1, last - first));
  return [
    `${paint(colour, 'dim', `${number} |`)} ${shown}`,
    `${paint(colour, 'dim', `${margin} |`)} ${paint(colour, style, carets)}`,
  ];
}

/** One diagnostic as `file:line:column: severity[code]: message`, the source under it, related places and the remedy. */
export function renderDiagnostic(view: SourceView, diagnostic: Diagnostic, colour: boolean): string {
  const { start } = range(view, diagnostic.span);
  const label = paint(colour, diagnostic.severity, `${diagnostic.severity}[${diagnostic.code}]`);
  const place = `${view.name}:${start.line + 1}:${start.character + 1}`;
  const lines = [`${paint(colour, 'bold', place)}: ${label}: ${printable(diagnostic.message)}`];
  lines.push(...excerpt(view, range(view, diagnostic.span), colour, diagnostic.severity));
  for (const related of diagnostic.related ?? []) {
    const there = range(view, related.span);
    lines.push(
      `  ${view.name}:${there.start.line + 1}:${there.start.character + 1}: ${printable(related.message)}`,
      ...excerpt(view, there, colour, 'dim').map((l) => `  ${l}`),
    );
  }
  if (diagnostic.remedy) lines.push(`  help: ${printable(diagnostic.remedy)}`);
  return lines.join('\n');
}

/** Something said of a place, as `file:line:column: error[code]: message` with the source under it. */
export function renderFinding(view: SourceView, at: TextRange, code: string, message: string, colour: boolean): string {
  const lines = linesOf(view, at);
  const label = paint(colour, 'error', `error[${code}]`);
  const place = `${view.name}:${lines.start.line + 1}:${lines.start.character + 1}`;
  return [
    `${paint(colour, 'bold', place)}: ${label}: ${printable(message)}`,
    ...excerpt(view, lines, colour, 'error'),
  ].join('\n');
}

/** What a fix would do: its title and the line as it would read, with the new text marked. */
export function renderFix(view: SourceView, fix: Fix, colour: boolean): string {
  const title = `  help: ${printable(fix.title)}`;
  const edits = fix.edits
    .map(({ span, newText }) => ({ ...resolveSpan(view.anchors, span), newText }))
    .sort((a, b) => a.start - b.start);
  const line = edits[0] && view.lines.position(edits[0].start).line;
  const oneLine = edits.every(
    (edit) =>
      view.lines.position(edit.start).line === line &&
      view.lines.position(edit.end).line === line &&
      !/[\r\n]/.test(edit.newText),
  );
  if (line === undefined || !oneLine) return title;
  const from = view.lines.offset({ line, character: 0 });
  let at = from;
  let after = '';
  let marks = '';
  for (const edit of edits) {
    const kept = view.text.slice(at, edit.start);
    after += kept + edit.newText;
    marks += ' '.repeat(kept.length) + (edit.start === edit.end ? '+' : '~').repeat(edit.newText.length);
    at = edit.end;
  }
  after += view.text.slice(at, view.lines.offset({ line: line + 1, character: 0 })).replace(/[\r\n]+$/, '');
  const cut = Math.max(0, Math.min(marks.search(/[+~]/) - 60, after.length - maxExcerpt));
  const shown = printable(after.slice(cut, cut + maxExcerpt)).replace(/\t/g, ' ');
  const number = String(line + 1);
  const margin = ' '.repeat(number.length);
  return [
    title,
    `  ${paint(colour, 'dim', `${number} |`)} ${shown}`,
    `  ${paint(colour, 'dim', `${margin} |`)} ${paint(colour, 'information', marks.slice(cut, cut + maxExcerpt))}`,
  ].join('\n');
}

/** A failure outside any source text. */
export function renderFailure(failure: Failure, colour: boolean): string {
  const first = `${paint(colour, 'error', `error[${failure.code}]`)}: ${printable(failure.message)}`;
  return failure.remedy ? `${first}\n  help: ${printable(failure.remedy)}` : first;
}

/** Words in lines of at most `width` characters; a longer word has a line of its own. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** Cells are folded no narrower than this. */
const narrowest = 12;

/** Widths that fit into `columns` with two spaces between them: the widest give way, down to twelve characters. */
function fitted(widths: readonly number[], columns: number): readonly number[] {
  const fitting = [...widths];
  for (;;) {
    const widest = Math.max(...fitting);
    const total = fitting.reduce((sum, w) => sum + w + 2, -2);
    if (total <= columns || widest <= narrowest) return fitting;
    fitting[fitting.indexOf(widest)] = widest - 1;
  }
}

/**
 * Columns padded to their widest cell; numbers (cells that look like one) are right-aligned. In a terminal of `columns`
 * characters wide cells are folded to fit.
 */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  columns = Infinity,
): string {
  const all = [header, ...rows].map((row) => row.map(printable));
  const natural = header.map((_, i) => Math.max(...all.map((row) => (row[i] ?? '').length)));
  const widths = fitted(natural, columns);
  const numeric = header.map(
    (_, i) => rows.length > 0 && rows.every((row) => /^[-+]?[\d,.]*( ?[%×xMkB]*)?$/.test(row[i] ?? '')),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (numeric[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  const folded = (row: readonly string[]): readonly string[] => {
    const cells = row.map((cell, i) => wrapped(cell, widths[i] ?? cell.length));
    const height = Math.max(1, ...cells.map((parts) => parts.length));
    return Array.from({ length: height }, (_, at) => line(cells.map((parts) => parts[at] ?? '')));
  };
  const rule = widths.map((w) => '-'.repeat(w)).join('  ');
  return [...folded(all[0] ?? []), rule, ...all.slice(1).flatMap(folded)].join('\n');
}

/** `12345678` as `12,345,678`. */
export function thousands(n: number): string {
  return Math.round(n)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}
