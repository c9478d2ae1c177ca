import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, it } from 'mocha';
import { catalogueEntry } from '../../compiler/src/check/catalogue.ts';

const source = new URL('../../compiler/src/', import.meta.url);

/** Codes in calls that report, and in diagnostics and relation errors written out. */
const mentions = [
  /\b(?:report|reportAt|failed|fail|mismatch|problem)\(\s*(?:\w+,\s*)?'([a-z]+(?:-[a-z]+)+)'/g,
  /\bcode: '([a-z]+(?:-[a-z]+)+)'/g,
  /\bcode(?:: string)? = '([a-z]+(?:-[a-z]+)+)'/g,
];

/**
 * Failures of looking something up, which the checker reports as `unknown-metadata`; and a guard that no text reaches,
 * because lists of patterns and arms stop before what is none. Metadata of several files hinders builds alone.
 */
const elsewhere = new Set([
  'metadata-missing',
  'metadata-missing-key',
  'metadata-missing-index',
  'import-metadata',
  'expected-pattern',
]);

function* codes(): Iterable<readonly [string, string]> {
  for (const folder of ['syntax/', 'check/', 'operators/'])
    for (const file of readdirSync(new URL(folder, source), { recursive: true })) {
      const name = String(file);
      if (!name.endsWith('.ts') || name.startsWith('catalogue')) continue;
      const text = readFileSync(new URL(folder + name, source), 'utf8');
      for (const pattern of mentions) for (const match of text.matchAll(pattern)) yield [match[1] ?? '', folder + name];
    }
}

describe('every code that reading and checking can raise', () => {
  it('is in the catalogue', () => {
    const raised = new Map(codes());
    assert.ok(raised.size > 60, `${raised.size}`);
    const unknown = [...raised].filter(([code]) => catalogueEntry(code) === undefined && !elsewhere.has(code));
    assert.deepEqual(unknown, []);
  });
});
