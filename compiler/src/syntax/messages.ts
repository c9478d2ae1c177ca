/** Words for tokens in messages. */
import type { IToken } from 'chevrotain';

/** `“;”`, `the end of the definition`. Long lexemes are cut. */
export function describeFound(token: IToken): string {
  if (Number.isNaN(token.startOffset)) return 'the end';
  return quote(token.image);
}

/** A lexeme in quotation marks, cut to a readable length and one line. */
export function quote(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return `“${line.length > 40 ? `${line.slice(0, 37)}…` : line}”`;
}
