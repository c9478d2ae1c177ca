import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { expectedDiagnostics, placeDiagnostics } from '../../compiler/src/check/expected.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';

const folder = new URL('../../docs/', import.meta.url);

/** Programs of the pages that say which diagnostics they show. */
function* programs(): Iterable<{ readonly page: string; readonly line: number; readonly text: string }> {
  for (const page of readdirSync(folder).filter((name) => name.endsWith('.md'))) {
    const text = readFileSync(new URL(page, folder), 'utf8');
    for (const match of text.matchAll(/^```relay\n([^]*?)^```$/gm)) {
      const program = match[1] ?? '';
      const line = text.slice(0, match.index).split('\n').length;
      if (/expected-(?:error|warning|no-diagnostics)/.test(program)) yield { page, line, text: program };
    }
  }
}

describe('programs in the documentation that expect diagnostics', () => {
  for (const { page, line, text } of programs())
    it(`${page}:${line} shows what it says`, () => {
      const tree = parseSource(text);
      const found = [...tree.errors, ...check(tree).diagnostics];
      const { missing, unexpected, malformed } = expectedDiagnostics(text, placeDiagnostics(tree.anchors, found));
      assert.deepEqual({ missing, unexpected, malformed }, { missing: [], unexpected: [], malformed: [] });
    });
});
