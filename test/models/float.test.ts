import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'mocha';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import { runNatively } from '../differential/batch.ts';
import { checkInProcess } from '../differential/oracle.ts';
import { residualNetwork } from './residual-network.ts';

describe('a residual network in float32', function () {
  this.timeout(120_000);

  it('gives the probabilities of the evaluator within 1e-5, after every pass and as C', function () {
    const target = targetNamed('cortex-m4f');
    assert.ok(target.ok);
    const prepared = checkInProcess(residualNetwork(), { target: target.value, javascript: false });
    assert.ok(!('where' in prepared), 'where' in prepared ? `${prepared.where}: ${prepared.detail}` : '');
    if (spawnSync('gcc', ['--version']).status !== 0) {
      console.log('      no C compiler here: install gcc to run this test');
      return this.skip();
    }
    assert.deepEqual(runNatively([prepared], { compiler: 'gcc', flags: ['-O2'] }), [undefined]);
  });
});
