/** How lines of C are laid out. */
import { commentText } from './names.ts';

/** Columns that lines of C keep within. */
export const lineWidth = 119;

/** A C comment of the given lines. */
export function comment(lines: readonly string[]): string {
  const clean = lines.map(commentText);
  return clean.length === 1 ? `/* ${clean[0]} */` : ['/*', ...clean.map((l) => ` * ${l}`.trimEnd()), ' */'].join('\n');
}
