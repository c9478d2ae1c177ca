/** How lines of C are laid out. */
import { commentText } from './names.ts';

/** Columns that lines of C keep within. */
export const lineWidth = 119;

/** A C comment of the given lines. */
export function comment(lines: readonly string[]): string {
  const clean = lines.map(commentText);
  const [only = ''] = clean;
  if (clean.length === 1 && only.length <= lineWidth - '/*  */'.length) return `/* ${only} */`;
  const rows = clean.flatMap((line) => wrapWords(line, lineWidth - ' * '.length));
  return ['/*', ...rows.map((row) => ` * ${row}`.trimEnd()), ' */'].join('\n');
}

/** Words in rows of at most `width` columns, those behind the first set in. */
function wrapWords(line: string, width: number): string[] {
  const rows: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const at = rest.lastIndexOf(' ', width);
    if (at <= 2) break;
    rows.push(rest.slice(0, at));
    rest = `  ${rest.slice(at + 1)}`;
  }
  return [...rows, rest];
}

/**
 * Lines of code, the long ones broken behind a comma or before an operator, where the fewest parentheses are open. Lines
 * of the preprocessor and comments stay; a `#line` holds for every part of the line behind it.
 */
export function wrapCode(lines: readonly string[]): string[] {
  return lines.flatMap((line, i) => {
    if (line.length <= lineWidth || /^\s*(#|\/?\*)/.test(line)) return [line];
    const before = lines[i - 1] ?? '';
    const parts = breakLine(line);
    return before.startsWith('#line ') ? parts.flatMap((part, k) => (k === 0 ? [part] : [before, part])) : parts;
  });
}

function breakLine(line: string): string[] {
  const indent = ' '.repeat(line.search(/\S/) + 4);
  const parts: string[] = [];
  let rest = line;
  while (rest.length > lineWidth) {
    const at = breakAt(rest, indent.length);
    if (at === undefined) break;
    parts.push(rest.slice(0, at).trimEnd());
    rest = indent + rest.slice(at).trimStart();
  }
  return [...parts, rest];
}

/** Where a line is broken so that its first part fits; the last of the outermost places. */
function breakAt(line: string, from: number): number | undefined {
  let depth = 0;
  let best: { readonly at: number; readonly depth: number } | undefined;
  for (let at = 0; at < lineWidth; at++) {
    const c = line[at];
    if (c === '(') depth++;
    if (c === ')') depth--;
    if (c !== ' ' || at <= from) continue;
    const follows = /^ ([-+*/%&|^?:]|&&|\|\||<<|>>|[<>=!]=|[<>]) /.test(line.slice(at, at + 4));
    if ((line[at - 1] === ',' || follows) && depth <= (best?.depth ?? Infinity)) best = { at, depth };
  }
  return best?.at;
}
