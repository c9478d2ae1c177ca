import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { catalogue } from '../../compiler/src/check/catalogue.ts';
import { checkText, codes } from './support.ts';

describe('the catalogue of diagnostics', () => {
  for (const entry of catalogue) {
    it(`shows ${entry.code} for its wrong program and nothing else`, () => {
      // Named dimensions are marked as an extension besides.
      const found = codes(entry.wrong).filter((code) => code !== 'extension-syntax');
      assert.deepEqual(found, [entry.code]);
    });
    it(`shows nothing for the right program of ${entry.code}`, () => {
      const found = checkText(entry.right).diagnostics.filter((d) => d.severity !== 'hint');
      assert.deepEqual(
        found.map((d) => `${d.code}: ${d.message}`),
        [],
      );
    });
  }
  it('names each code once', () => {
    assert.equal(new Set(catalogue.map((entry) => entry.code)).size, catalogue.length);
  });
  it('tells what to do in every error', () => {
    for (const entry of catalogue)
      for (const diagnostic of checkText(entry.wrong).diagnostics)
        assert.ok(diagnostic.remedy, `${diagnostic.code} has no remedy`);
  });
});
