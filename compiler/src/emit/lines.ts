/** `#line` directives, so that a debugger steps through the program's source instead of the C made of it. */

/** Where statements come from. */
export interface SourceLine {
  /** Path of the source file as the debugger shall find it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** Stands for "back to this C file"; the line number is known when the file is complete. */
const back = '#line back';

/** C lines that count as `source`, each of them, however many there are. */
export function mappedTo(source: SourceLine, lines: readonly string[]): string[] {
  const directive = `#line ${source.line} "${source.file.replace(/[\\"]/g, (c) => `\\${c}`).replace(/[\r\n]/g, ' ')}"`;
  return [...lines.flatMap((line) => (line.startsWith('#') ? [line] : [directive, line])), back];
}

/** A function's text with every line of its body counted as `source`. */
export function mapBody(source: SourceLine, text: string): string {
  const lines = text.split('\n');
  const open = lines.lastIndexOf('{');
  const close = lines.lastIndexOf('}');
  if (open < 0 || close < open) return text;
  // The closing brace belongs to the body: a debugger stops there before it returns.
  return [
    ...lines.slice(0, open + 1),
    ...mappedTo(source, lines.slice(open + 1, close + 1)),
    ...lines.slice(close + 1),
  ].join('\n');
}

/** Puts this file's own name and numbers where mapped stretches end. */
export function finishLines(name: string, text: string): string {
  if (!text.includes(back)) return text;
  return text
    .split('\n')
    .map((line, i) => (line === back ? `#line ${i + 2} "${name}"` : line))
    .join('\n');
}
