import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { corpus, sharedFiles } from './support.ts';

describe('real programs', () => {
  it('of the shared models parse without an error', function () {
    const files = [...sharedFiles('models', '.relay'), ...sharedFiles('models/large', '.relay')];
    if (files.length === 0) {
      console.log('      ../shared/models is absent');
      this.skip();
    }
    for (const file of files) assert.deepEqual(parseSource(readFileSync(file, 'utf8')).errors, [], file);
  });

  for (const name of ['tvm-suite', 'generated'])
    it(`of the ${name} corpus parse without an error where TVM accepts them, and never throw`, function () {
      this.timeout(60_000);
      const cases = corpus(name);
      if (cases.length === 0) {
        console.log('      ../shared/conformance is absent');
        this.skip();
      }
      for (const { id, text, ok } of cases) {
        const errors = parseSource(text).errors.filter((e) => e.severity === 'error');
        if (ok) assert.deepEqual(errors, [], id);
      }
    });

  it('that are broken on purpose are rejected wherever TVM is right', function () {
    const cases = corpus('generated').filter((x) => x.group === 'syntax' && x.stage === 'parse' && !x.ok);
    if (cases.length === 0) {
      console.log('      ../shared/conformance is absent');
      this.skip();
    }
    const accepted = cases.filter(({ text }) => parseSource(text).errors.every((e) => e.severity !== 'error'));
    // Accepted on purpose: `fn//` is no name, and `1--7` is a subtraction.
    for (const { text } of accepted) assert.match(text, /fn\/\/|1--7/);
  });
});
