/** Printed text whose lines remember the source spans of what they show. */
import type { Span } from '../base/span.ts';
import type { Origin } from './expr.ts';

export interface PrintedLine {
  readonly text: string;
  readonly origin: Origin;
}

export interface PrintedText {
  readonly text: string;
  /** The lines of `text`, each with the source spans it stands for. */
  readonly lines: readonly PrintedLine[];
}

/** A piece of text that may run over several lines; the first and the last are open to be continued. */
export type Piece = readonly PrintedLine[];

/** One line of text. */
export function piece(text: string, origin: Origin = []): Piece {
  return [{ text, origin }];
}

/** Joins pieces end to end. */
export function join(...parts: readonly Piece[]): Piece {
  const lines: PrintedLine[] = [];
  for (const part of parts) {
    part.forEach((line, i) => {
      const last = lines[lines.length - 1];
      if (i === 0 && last !== undefined)
        lines[lines.length - 1] = { text: last.text + line.text, origin: merge(last.origin, line.origin) };
      else lines.push(line);
    });
  }
  return lines;
}

function merge(a: Origin, b: Origin): Origin {
  if (b.length === 0) return a;
  return a.length === 0 ? b : [...new Set<Span>([...a, ...b])];
}

/** Every line two columns to the right. */
export function indented(lines: Piece): Piece {
  return lines.map((l) => ({ text: l.text === '' ? '' : `  ${l.text}`, origin: l.origin }));
}

/** Adds lines at the end; of more than a call may have arguments, too. */
export function append(lines: PrintedLine[], more: readonly PrintedLine[]): void {
  for (const line of more) lines.push(line);
}

/** A line that stands for nothing in the source. */
export function plain(text: string): PrintedLine {
  return { text, origin: [] };
}

/** Pieces with commas between them. */
export function commas(parts: readonly Piece[]): Piece {
  return join(...parts.flatMap((part, i) => (i === 0 ? [part] : [piece(', '), part])));
}
