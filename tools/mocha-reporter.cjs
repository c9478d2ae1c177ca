/** The spec reporter, which also writes its totals as JSON to the file named by RELAY_TEST_TOTALS. */
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class TotalsReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = runner.stats;
      if (process.env.RELAY_TEST_TOTALS)
        writeFileSync(process.env.RELAY_TEST_TOTALS, JSON.stringify({ passes, failures, pending }));
    });
  }
};
