import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { catalogue } from '../../compiler/src/check/catalogue.ts';
import type { CatalogueEntry } from '../../compiler/src/check/catalogue.ts';
import { checkText, codes, importsFrom } from './support.ts';

const options = (entry: CatalogueEntry): object => (entry.files ? { imports: importsFrom(entry.files) } : {});

describe('the catalogue of diagnostics', () => {
  for (const entry of catalogue) {
    it(`shows ${entry.code} for its wrong program and nothing else`, () => {
      // Named dimensions are marked as an extension besides.
      const found = codes(entry.wrong, options(entry)).filter((code) => code !== 'extension-syntax');
      assert.deepEqual(found, [entry.code]);
    });
    it(`shows nothing for the right program of ${entry.code}`, () => {
      const found = checkText(entry.right, options(entry)).diagnostics.filter(
        // Imports are marked as an extension besides.
        (d) => d.severity !== 'hint' && !(entry.files && d.code === 'extension-syntax'),
      );
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
      for (const diagnostic of checkText(entry.wrong, options(entry)).diagnostics)
        assert.ok(diagnostic.remedy, `${diagnostic.code} has no remedy`);
  });
});
