import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { buildModel, connectBoard, findProfile, runModel, Toolchain } from '../../boards/src/index.ts';
import { programOf } from '../../cli/src/deployment.ts';
import { compileModel } from '../../compiler/src/pipeline/compile.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import { inputOf, referenceModels } from '../models.ts';

describe('reference models on boards', function () {
  this.timeout(300_000);
  const models = referenceModels();
  if (models.length === 0)
    it('are absent beside the project', function () {
      console.log('      put the models into ../shared/models to run this test');
      this.skip();
    });
  for (const name of ['host', 'mps2-an386'])
    for (const model of models)
      it(`${model.name} gives the expected bytes on ${name}`, async function () {
        const profile = findProfile(name);
        assert.ok(profile.ok);
        const toolchain = await Toolchain.open(profile.value);
        if (!toolchain.ok) {
          console.log(`      ${toolchain.error.message} ${toolchain.error.remedy ?? ''}`);
          return this.skip();
        }
        const board = await connectBoard(profile.value);
        if (!board.ok) {
          await toolchain.value.close();
          console.log(`      ${board.error.message} ${board.error.remedy ?? ''}`);
          return this.skip();
        }
        try {
          const target = targetNamed(profile.value.target);
          assert.ok(target.ok);
          const compiled = compileModel({ text: model.text, params: model.params, target: target.value });
          assert.ok(compiled.ok, compiled.ok ? '' : compiled.error.message);
          const program = programOf(compiled.value);
          const image = await buildModel(toolchain.value, program);
          assert.ok(image.ok, image.ok ? '' : image.error.message);
          for (const c of model.cases) {
            const { data } = inputOf(model, c);
            const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
            const run = await runModel(board.value, image.value, program, [bytes]);
            assert.ok(run.ok, run.ok ? '' : run.error.message);
            const output = run.value.outputs[0] ?? new Uint8Array();
            assert.deepEqual([...new Int8Array(output.slice().buffer)], [...c.output], `seed ${c.seed} ${c.rule}`);
          }
        } finally {
          await board.value.close();
          await toolchain.value.close();
        }
      });
});
