/** Lines and indentation, looked at only while repairing. */
import { LineIndex } from '../base/span.ts';

/** Lines of a text; the index is made at the first question. */
export class Layout {
  private readonly text: string;
  private lines: LineIndex | undefined;

  constructor(text: string) {
    this.text = text;
  }

  private lineOf(offset: number): number {
    this.lines ??= new LineIndex(this.text);
    return this.lines.position(offset).line;
  }

  /** Whether only blanks stand between the line's start and `offset`. */
  isFirstOnLine(offset: number): boolean {
    for (let i = offset - 1; i >= 0; i--) {
      const c = this.text.charCodeAt(i);
      if (c === 10 || c === 13) return true;
      if (c !== 32 && c !== 9) return false;
    }
    return true;
  }

  /** Number of blanks that the line of `offset` starts with. */
  indentation(offset: number): number {
    const line = this.lineOf(offset);
    const start = this.lines?.offset({ line, character: 0 }) ?? 0;
    let at = start;
    while (this.text.charCodeAt(at) === 32 || this.text.charCodeAt(at) === 9) at++;
    return at - start;
  }

  sameLine(first: number, second: number): boolean {
    return this.lineOf(first) === this.lineOf(second);
  }
}
