import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { measure } from './run.ts';

/** Shares of a corpus that must agree; raised whenever agreement grows. */
const thresholds: Readonly<Record<string, number>> = { 'tvm-suite': 0.996, generated: 0.976 };

describe('agreement with TVM 0.12', () => {
  for (const [corpus, least] of Object.entries(thresholds)) {
    it(`of verdicts and types on the corpus ${corpus}`, function () {
      this.timeout(120_000);
      const result = measure(corpus);
      if (!result) {
        console.log(`the corpus ${corpus} is not here: skipped`);
        this.skip();
        return;
      }
      const deviating = [...result.deviates.values()].reduce((sum, n) => sum + n, 0);
      assert.ok(deviating <= 0.03 * result.total, `${deviating} of ${result.total} cases deviate`);
      assert.ok(result.agrees >= least * result.total, `${result.agrees} of ${result.total} cases agree`);
      assert.deepEqual(
        result.failures.map(({ case_, outcome }) => `${case_.id}: ${outcome.kind === 'differs' ? outcome.detail : ''}`),
        [],
        'a case neither agrees nor deviates for a listed reason',
      );
    });
  }
});
