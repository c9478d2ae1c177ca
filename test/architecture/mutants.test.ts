import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { mutants } from '../../tools/mutant-list.ts';

describe('seeded faults', () => {
  it('name places that are still in the compiler, each fault once', () => {
    const gone = mutants.filter(({ file, find }) => {
      const text = readFileSync(new URL(`../../compiler/src/${file}`, import.meta.url), 'utf8');
      return !text.includes(find);
    });
    assert.deepEqual(
      gone.map((m) => m.name),
      [],
    );
    assert.equal(new Set(mutants.map((m) => m.name)).size, mutants.length);
  });
});
