import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { connectBoard, deployModel, Toolchain } from '../../boards/src/index.ts';
import { builtinProfiles } from '../../boards/src/profile.ts';
import { runJob } from '../../boards/src/runner.ts';
import { programOf } from '../../cli/src/deployment.ts';
import { compileModel } from '../../compiler/src/pipeline/compile.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import { inputOf, referenceModels } from '../models.ts';
import { must, needTools, profileOf, withProgram } from './support.ts';

/** One emulated board for each processor; the Cortex-M4 has suites of its own. */
const boards = ['mps2-an385', 'mps2-an500', 'mps2-an505', 'mps3-an547', 'microbit', 'riscv32-virt'];

const faulty = `#include "relay_harness.h"
void relay_run_job(uint32_t job) {
  relay_begin();
  relay_end();
  if (job == 1) __builtin_trap();
}`;

describe('emulated processors', function () {
  this.timeout(120_000);
  const model = referenceModels().find((m) => m.name === 'kws_int8');

  it('are named by profiles whose targets the compiler knows, with the flags of its table', () => {
    for (const { name, target, compiler } of builtinProfiles) {
      const record = must(targetNamed(target)).compilers.find((c) => c.command === compiler.command);
      assert.ok(record, `${name}: ${compiler.command}`);
      for (const flag of record.flags) assert.ok(compiler.flags.includes(flag), `${name}: ${flag}`);
    }
  });

  for (const name of boards) {
    it(`${name} recognises words and gives the expected bytes`, async function () {
      if (!model) {
        console.log('      put the models into ../shared/models to run this test');
        return this.skip();
      }
      const profile = profileOf(name);
      needTools(this, profile);
      const target = must(targetNamed(profile.target));
      const program = programOf(must(compileModel({ text: model.text, params: model.params, target })));
      const toolchain = must(await Toolchain.open(profile));
      const board = must(await connectBoard(profile));
      try {
        const [c] = model.cases;
        assert.ok(c);
        const { data } = inputOf(model, c);
        const inputs = [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
        const run = must(await deployModel({ toolchain, board, program, inputs, layers: false }));
        const output = run.outputs[0] ?? new Uint8Array();
        assert.deepEqual([...new Int8Array(output.slice().buffer)], [...c.output]);
      } finally {
        await board.close();
        await toolchain.close();
      }
    });

    it(`${name} tells where a program faulted, and runs on`, async function () {
      const profile = profileOf(name);
      needTools(this, profile);
      await withProgram(profile, faulty, async (board, image) => {
        const job = (index: number): Parameters<typeof runJob>[2] => ({ index, writes: [], reads: [], limitMs: 5000 });
        must(await runJob(board, image, job(0)));
        const fault = await runJob(board, image, job(1));
        assert.ok(!fault.ok);
        assert.equal(fault.error.code, 'board-fault');
        // An Armv6-M core has no record of the cause.
        assert.match(fault.error.message, name === 'microbit' ? /at relay_run_job/ : /(undefined|trap) instruction.* at relay_run_job/); // prettier-ignore
        must(await runJob(board, image, job(0)));
      });
    });
  }
});
