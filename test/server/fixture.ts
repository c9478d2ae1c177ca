/** Programs with a cursor marker `$0`, and the services' answers as text. */
import assert from 'node:assert/strict';
import { LineIndex, type TextRange } from '../../compiler/src/base/span.ts';
import { check } from '../../compiler/src/check/check.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { preludeText } from '../../compiler/src/ir/prelude.ts';
import { preludeUri } from '../../server/src/protocol.ts';
import type { CheckedSnapshot } from '../../server/src/snapshot.ts';

export const header = '#[version = "0.0.5"]\n';

/** A checked document. The version header is put in front when the program has none. */
export function snapshotOf(program: string): CheckedSnapshot {
  const text = program.startsWith('#[') ? program : header + program;
  const tree = parseSource(text);
  return { uri: 'file:///test.relay', version: 1, text, lines: new LineIndex(text), tree, check: check(tree) };
}

/** The prelude as a file, for features that follow names out of a document. */
export function prelude(uri: string): CheckedSnapshot | undefined {
  return uri === preludeUri ? { ...snapshotOf(preludeText), uri } : undefined;
}

export interface Marked {
  readonly snapshot: CheckedSnapshot;
  readonly offset: number;
}

/** A checked document and the place of the marker in it. */
export function marked(program: string): Marked {
  assert.equal(program.split('$0').length, 2, 'the program has exactly one marker $0');
  const snapshot = snapshotOf(program.replace('$0', ''));
  const full = program.startsWith('#[') ? program : header + program;
  return { snapshot, offset: full.indexOf('$0') };
}

/** The text of ranges, with `line:column` in front (one-based, the header not counted). */
export function places(snapshot: CheckedSnapshot, ranges: readonly TextRange[]): readonly string[] {
  return ranges.map((range) => {
    const { line, character } = snapshot.lines.position(range.start);
    return `${line}:${character + 1} ${snapshot.text.slice(range.start, range.end)}`;
  });
}
