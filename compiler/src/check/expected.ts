/**
 * Expected diagnostics, written as comments in the program that shows them (`docs/expected-diagnostics.md`):
 *
 *     add(%a, %b) // expected-error {{shape-mismatch}}
 *     // expected-warning@+1 2 {{unused-binding: `%y` is never used}}
 *
 * `@+1`, `@-2`, `@above`, `@below` and `@12` (a line of the file) point to another line than the comment's own; a number
 * before the braces says how many diagnostics are meant. Between the braces stand a code, a code with a part of the
 * message behind a colon, or a part of the message.
 */
import type { Diagnostic, Severity } from '../base/diagnostic.ts';
import { LineIndex, resolveSpan, type AnchorMap, type TextRange } from '../base/span.ts';
import { tokenize } from '../syntax/tokens.ts';

/** A diagnostic where it lies in one version of a text. */
export interface PlacedDiagnostic extends TextRange, Pick<Diagnostic, 'code' | 'severity' | 'message'> {}

/** One `expected-…` comment. */
export interface Expectation {
  readonly severity: Severity;
  /** Zero-based line on which the diagnostic has to begin. */
  readonly line: number;
  readonly count: number;
  /** What stands between the braces. */
  readonly text: string;
  /** Where the directive is written. */
  readonly range: TextRange;
}

/** How a text's diagnostics differ from what its comments say. */
export interface Verification {
  /** Expected and not there; `count` is how many are missing. */
  readonly missing: readonly Expectation[];
  /** Errors and warnings that no comment expects. Hints and information need none. */
  readonly unexpected: readonly PlacedDiagnostic[];
  /** Comments that begin like a directive and cannot be read as one, with what is wrong. */
  readonly malformed: readonly { readonly range: TextRange; readonly message: string }[];
  /** Directives that were read, `expected-no-diagnostics` among them. Zero means that the text says nothing. */
  readonly directives: number;
}

/** An insertion of text. */
export interface Insertion {
  readonly offset: number;
  readonly newText: string;
}

const words: ReadonlyMap<string, Severity> = new Map([
  ['error', 'error'],
  ['warning', 'warning'],
  ['information', 'information'],
  ['note', 'information'],
  ['hint', 'hint'],
]);

const directive = /expected-([a-z-]+)(?:@(\S*))?(?:[ \t]+(\d+))?[ \t]*(?:\{\{(.*?)\}\})?/g;
const codeAlone = /^[a-z]+(?:-[a-z\d]+)+$/;
const codeAndText = /^([a-z]+(?:-[a-z\d]+)+):\s*/;

/** The diagnostics with their offsets under `anchors`. */
export function placeDiagnostics(anchors: AnchorMap, diagnostics: readonly Diagnostic[]): readonly PlacedDiagnostic[] {
  return diagnostics.map(({ code, severity, message, span }) => ({
    code,
    severity,
    message,
    ...resolveSpan(anchors, span),
  }));
}

/** Compares a text's diagnostics with its `expected-…` comments. Each diagnostic answers one expectation at most. */
export function expectedDiagnostics(text: string, diagnostics: readonly PlacedDiagnostic[]): Verification {
  const lines = new LineIndex(text);
  const { expectations, malformed, directives } = readExpectations(text, lines);
  const open = diagnostics.map((diagnostic) => ({ diagnostic, line: lines.position(diagnostic.start).line }));
  const missing: Expectation[] = [];
  // The most particular first, so that a bare code leaves the diagnostics that others name.
  for (const expectation of expectations.toSorted((a, b) => b.text.length - a.text.length)) {
    let left = expectation.count;
    for (let i = 0; i < open.length && left > 0; i++) {
      const { diagnostic, line } = open[i] as (typeof open)[number];
      if (line !== expectation.line || !meets(diagnostic, expectation)) continue;
      open.splice(i--, 1);
      left--;
    }
    if (left > 0) missing.push({ ...expectation, count: left });
  }
  missing.sort((a, b) => a.range.start - b.range.start);
  const unexpected = open
    .map(({ diagnostic }) => diagnostic)
    .filter(({ severity }) => severity === 'error' || severity === 'warning');
  return { missing, unexpected, malformed, directives };
}

/** A code, a code with a part of the message, or a part of the message. */
function meets(diagnostic: PlacedDiagnostic, { severity, text }: Expectation): boolean {
  if (diagnostic.severity !== severity) return false;
  if (codeAlone.test(text)) return diagnostic.code === text;
  const both = codeAndText.exec(text);
  if (both) return diagnostic.code === both[1] && diagnostic.message.includes(text.slice(both[0].length));
  return diagnostic.message.includes(text);
}

/**
 * Comments that make `expectedDiagnostics` find nothing to complain of: one at the end of each line on which errors and
 * warnings begin that no comment expects yet. Lines keep their numbers, so comments that point elsewhere stay right.
 */
export function formatExpected(text: string, diagnostics: readonly PlacedDiagnostic[]): readonly Insertion[] {
  const lines = new LineIndex(text);
  const counts = new Map<number, Map<string, number>>();
  for (const { code, severity, start } of expectedDiagnostics(text, diagnostics).unexpected) {
    const { line } = lines.position(start);
    const of = counts.get(line) ?? new Map<string, number>();
    counts.set(line, of);
    const key = `${severity} ${code}`;
    of.set(key, (of.get(key) ?? 0) + 1);
  }
  if (counts.size === 0) return [];
  const { tokens } = tokenize(text);
  const insertions: Insertion[] = [];
  for (const [line, of] of [...counts].sort(([a], [b]) => a - b)) {
    // A string that was never closed would take the comment in: that stands below, then.
    let at = line;
    let offset = lineEnd(text, lines, at);
    const inString = (): boolean => {
      const begin = lines.offset({ line: at, character: 0 });
      return tokens.some(
        (token) => token.start < offset && (offset < token.end || (begin < token.end && isOpen(token.text))),
      );
    };
    while (at < lines.lineCount && inString()) offset = lineEnd(text, lines, ++at);
    const place = at === line ? '' : `@-${at - line}`;
    const directives = [...of].map(([key, count]) => {
      const [severity, code] = key.split(' ');
      return `expected-${severity}${place}${count > 1 ? ` ${count}` : ''} {{${code}}}`;
    });
    const before = offset > 0 ? text[offset - 1] : '\n';
    const gap = at === lines.lineCount ? '\n' : before === '\n' || before === '\r' || before === ' ' ? '' : ' ';
    insertions.push({ offset, newText: `${gap}// ${directives.join(' ')}` });
  }
  return insertions;
}

/** Whether a string literal has no quotation mark at its end. */
function isOpen(image: string): boolean {
  return image.startsWith('"') && !/^"(?:[^"\\]|\\[^])*"$/.test(image);
}

/** Offset behind the last character of a line that is no line break. */
function lineEnd(text: string, lines: LineIndex, line: number): number {
  let offset = line + 1 < lines.lineCount ? lines.offset({ line: line + 1, character: 0 }) : text.length;
  while (offset > 0 && line + 1 < lines.lineCount && (text[offset - 1] === '\n' || text[offset - 1] === '\r')) {
    offset--;
    if (text[offset] === '\r' || text[offset - 1] !== '\r') break;
  }
  return offset;
}

interface Directives {
  readonly expectations: readonly Expectation[];
  readonly malformed: Verification['malformed'];
  readonly directives: number;
}

function readExpectations(text: string, lines: LineIndex): Directives {
  const expectations: Expectation[] = [];
  const malformed: { range: TextRange; message: string }[] = [];
  let directives = 0;
  if (!text.includes('expected-')) return { expectations, malformed, directives };
  for (const comment of tokenize(text).comments)
    for (const match of comment.text.matchAll(directive)) {
      const start = comment.start + match.index;
      const range = { start, end: start + match[0].trimEnd().length };
      const [, word = '', target, count, content] = match;
      const severity = words.get(word);
      if (word === 'no-diagnostics') {
        directives++;
        continue;
      }
      // Prose may speak of an expected-anything; only what has a directive's form is taken for one.
      if (target === undefined && content === undefined) continue;
      const own = lines.position(start).line;
      const line = lineOf(target, own);
      const problem =
        severity === undefined
          ? `\`expected-${word}\` names no severity: write error, warning, information or hint.`
          : line === undefined || line < 0 || line >= lines.lineCount
            ? `\`@${target}\` is no line of the file: write \`@+1\`, \`@-1\`, \`@above\`, \`@below\` or a line number.`
            : content === undefined || content.trim() === ''
              ? 'The code or a part of the message is missing: write it between `{{` and `}}`.'
              : count === '0'
                ? 'Nothing is expected 0 times: remove the comment.'
                : undefined;
      if (problem !== undefined) malformed.push({ range, message: problem });
      else if (severity && line !== undefined && content !== undefined) {
        directives++;
        expectations.push({ severity, line, count: Number(count ?? 1), text: content.trim(), range });
      }
    }
  return { expectations, malformed, directives };
}

function lineOf(target: string | undefined, own: number): number | undefined {
  if (target === undefined) return own;
  if (target === 'above') return own - 1;
  if (target === 'below') return own + 1;
  const match = /^([+-]?)(\d+)$/.exec(target);
  if (!match) return undefined;
  const n = Number(match[2]);
  return match[1] === '+' ? own + n : match[1] === '-' ? own - n : n - 1;
}
