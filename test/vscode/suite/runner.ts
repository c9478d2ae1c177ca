/** Runs mocha inside the extension host and reports the counts to whoever started this VS Code. */
import { writeFile } from 'node:fs/promises';
import Mocha from 'mocha';
import { hasDriver, screenshot, tell } from './driver.ts';

/** Results go to the driver, not to the console of the extension host. */
class Quiet extends Mocha.reporters.Base {}

/** `define` declares the tests with the globals `describe` and `it` in place. Rejects when a test failed. */
export async function runSuite(define: () => void): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, color: false, reporter: hasDriver ? Quiet : 'spec' });
  const grep = process.env['RELAY_TEST_GREP'];
  if (grep) mocha.grep(grep);
  mocha.suite.emit('pre-require', globalThis as unknown as Mocha.MochaGlobals, 'suite', mocha);
  define();
  const counts = await new Promise<{ passes: number; failures: number; pending: number }>((resolve) => {
    const runner = mocha.run(() => resolve({ ...counted }));
    const counted = { passes: 0, failures: 0, pending: 0 };
    const say = (line: string): void => void tell('say', { line });
    runner.on('pass', (test) => {
      counted.passes++;
      const slow = (test.duration ?? 0) > 2000 ? ` (${((test.duration ?? 0) / 1000).toFixed(1)} s)` : '';
      say(`  ✔ ${test.fullTitle()}${slow}`);
    });
    runner.on('fail', (test, error: Error) => {
      counted.failures++;
      void screenshot(`failure-${counted.failures}`).catch(() => undefined);
      say(`  ✘ ${test.fullTitle()}\n    ${(error.stack ?? error.message).split('\n').slice(0, 6).join('\n    ')}`);
    });
    runner.on('pending', (test) => {
      counted.pending++;
      say(`  - ${test.fullTitle()}`);
    });
  });
  const file = process.env['RELAY_TEST_RESULT'];
  if (file) await writeFile(file, JSON.stringify(counts));
  await tell('result', counts);
  if (counts.failures > 0) throw new Error(`${counts.failures} tests failed`);
}
