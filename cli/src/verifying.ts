/** `relay check --verify`: a file's diagnostics compared with its `expected-…` comments. */
import {
  expectedDiagnostics,
  formatExpected,
  placeDiagnostics,
  type PlacedDiagnostic,
} from '../../compiler/src/check/expected.ts';
import type { TextRange } from '../../compiler/src/base/span.ts';
import type { LoadedSource } from './source.ts';

/** One way in which diagnostics and comments differ. */
export interface Difference {
  readonly kind: 'missing-diagnostic' | 'unexpected-diagnostic' | 'malformed-expectation';
  readonly range: TextRange;
  readonly message: string;
}

/** The diagnostics of a source with their places in the text. */
function placed(source: LoadedSource): readonly PlacedDiagnostic[] {
  return placeDiagnostics(source.view.anchors, source.diagnostics);
}

/** How the comments of a file and its diagnostics differ, in order of place. */
export function differencesOf(source: LoadedSource): readonly Difference[] {
  const { missing, unexpected, malformed, directives } = expectedDiagnostics(source.view.text, placed(source));
  const differences: Difference[] = [
    ...malformed.map(({ range, message }) => ({ kind: 'malformed-expectation' as const, range, message })),
    ...missing.map(({ range, severity, count, line, text }) => ({
      kind: 'missing-diagnostic' as const,
      range,
      message: `Line ${line + 1} should show ${count === 1 ? `this ${severity}` : `${count} more of this ${severity}`} and does not: ${text}`,
    })),
    ...unexpected.map(({ start, end, code, severity, message }) => ({
      kind: 'unexpected-diagnostic' as const,
      range: { start, end },
      message: `No comment expects this ${severity}: ${code}: ${message}`,
    })),
  ];
  if (directives === 0 && differences.length === 0)
    differences.push({
      kind: 'malformed-expectation',
      range: { start: 0, end: 0 },
      message: 'The file says nothing of what it expects: write `// expected-no-diagnostics` if it is nothing.',
    });
  return differences.sort((a, b) => a.range.start - b.range.start);
}

/** The text with a comment for each error and warning that none expects. */
export function withExpectations(source: LoadedSource): string {
  let { text } = source.view;
  for (const { offset, newText } of [...formatExpected(text, placed(source))].reverse())
    text = text.slice(0, offset) + newText + text.slice(offset);
  return text;
}
