import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'mocha';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import { connectBoard, findProfile, Toolchain } from '../../boards/src/index.ts';
import { runNatively, runOnBoard } from '../differential/batch.ts';
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

  it('gives them on the emulated Cortex-M4 as well, most of its sums in the floating-point unit', async function () {
    const profile = findProfile('mps2-an386');
    assert.ok(profile.ok);
    const toolchain = await Toolchain.open(profile.value);
    if (!toolchain.ok) {
      console.log(`      ${toolchain.error.message} ${toolchain.error.remedy ?? ''}`);
      return this.skip();
    }
    const board = await connectBoard(profile.value);
    try {
      if (!board.ok) {
        console.log(`      ${board.error.message} ${board.error.remedy ?? ''}`);
        return this.skip();
      }
      const target = targetNamed(profile.value.target);
      assert.ok(target.ok);
      const prepared = checkInProcess(residualNetwork(), { target: target.value, javascript: false });
      assert.ok(!('where' in prepared), 'where' in prepared ? `${prepared.where}: ${prepared.detail}` : '');
      const generic = prepared.compiled.kernels.filter((k) => k.template === 'generic').map((k) => k.lowered.name);
      assert.deepEqual(
        generic.filter((name) => /conv|dense/.test(name)),
        [],
        'filters have templates',
      );
      assert.deepEqual(await runOnBoard([prepared], toolchain.value, board.value), [undefined]);
    } finally {
      if (board.ok) await board.value.close();
      await toolchain.value.close();
    }
  });
});
