import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { connectBoard } from '../../boards/src/connect.ts';
import { Toolchain } from '../../boards/src/toolchain.ts';
import { deployModel } from '../../boards/src/deploy.ts';
import { programOf } from '../../cli/src/deployment.ts';
import { compileModel } from '../../compiler/src/pipeline/compile.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import { toBytes } from '../../compiler/src/tensor/bytes.ts';
import { inputOf, referenceModels } from '../models.ts';
import { must, needTools, profileOf } from './support.ts';

/** Bytes of flash beyond constants that a model may take under each preset. */
const budgets = [
  { preset: 'size', most: 12 * 1024 },
  { preset: 'speed', most: 20 * 1024 },
] as const;

describe('flash of the reference models', function () {
  this.timeout(120_000);
  const profile = profileOf('mps2-an386');
  const models = referenceModels();
  if (models.length === 0)
    it('runs the reference models', function () {
      console.log('      skipped: ../shared is not there');
      this.skip();
    });
  for (const { preset, most } of budgets)
    for (const model of models)
      it(`${model.name}, preset ${preset}: ${most / 1024} KB at most beyond constants, and its outputs exact`, async function () {
        needTools(this, profile);
        const { text, params, name } = model;
        const target = must(targetNamed(profile.target));
        const compiled = must(compileModel({ text, params, name, target, preset }));
        const toolchain = must(await Toolchain.open(profile));
        const board = must(await connectBoard(profile));
        try {
          for (const c of model.cases.slice(0, 1)) {
            const inputs = [toBytes(inputOf(model, c))];
            const options = { toolchain, board, program: programOf(compiled), inputs, layers: false };
            const run = must(await deployModel(options));
            assert.deepEqual([...new Int8Array(Uint8Array.from(run.outputs[0] ?? []).buffer)], c.output);
            const beyond = run.image.size.flash - compiled.report.constantBytes;
            assert.ok(beyond <= most, `${beyond} bytes`);
            console.log(`      ${beyond} bytes, ${run.cost} instructions`);
          }
        } finally {
          await board.close();
          await toolchain.close();
        }
      });
});
