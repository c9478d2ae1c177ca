import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { runKernel } from '../../compiler/src/emit/js.ts';
import { verifyKernel } from '../../compiler/src/loops/verify.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import { convFunction, cortexM4, evaluated, inputsFor, random, type ConvCase } from './functions.ts';

/** A convolution of any shape whose output has elements. */
function randomCase(seed: number): ConvCase {
  const next = random(seed * 7919 + 13);
  for (let i = 0; i < 20; i++) next(2);
  const depthwise = next(3) === 0;
  const groups = depthwise ? 2 + next(6) : next(4) === 0 ? 1 + next(3) : 1;
  const inC = depthwise ? groups : groups * (1 + next(9));
  const outC = depthwise ? groups * (1 + next(2)) : groups * (1 + next(6));
  const kernel = [1 + next(4), 1 + next(4)] as const;
  const dilation = next(3) === 0 ? ([1 + next(2), 1 + next(3)] as const) : ([1, 1] as const);
  const span = [(kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1] as const;
  const uint8 = next(4) === 0;
  return {
    name: `seed ${seed}`,
    input: [1 + (next(5) === 0 ? 1 : 0), span[0] + next(7), next(5) === 0 ? span[1] : span[1] + next(16), inC],
    outC,
    kernel,
    dilation,
    strides: [1 + next(3), 1 + next(3)],
    padding: [next(span[0]), next(span[1]), next(3), next(3)],
    groups,
    inputZero: uint8 ? next(256) : next(256) - 128,
    inputDtype: uint8 ? 'uint8' : 'int8',
    outputDtype: next(4) === 0 ? 'uint8' : 'int8',
    perTensor: next(3) === 0,
    ...(next(4) === 0 ? { residual: 'other' as const } : {}),
    ...(next(6) === 0 ? { outputScale: 0.00004 * (1 + next(50)) } : {}),
    ...(next(3) === 0 ? { clip: [next(60), 60 + next(68)] as const } : {}),
    seed: seed + 1,
  };
}

const runs = Number(process.env['RELAY_RANDOM_RUNS'] ?? 60);

describe('random convolutions', () => {
  it(`give what the operators say under random schedules (${runs} of them)`, function () {
    this.timeout(600_000);
    for (let seed = 0; seed < runs; seed++) {
      const c = randomCase(seed);
      const fused = convFunction(c);
      const space = scheduler.spaceOf(extractTask(fused), cortexM4);
      assert.notEqual(space.template, 'generic', JSON.stringify(c));
      const next = random(seed);
      const inputs = inputsFor(fused.func, seed + 5);
      const expected = evaluated(fused.func, inputs)[0];
      for (let i = 0; i < 4; i++) {
        const tried = Object.fromEntries(space.knobs.map((k) => [k.name, k.values[next(k.values.length)] ?? 0]));
        const config = i > 0 && space.isValid(tried) ? tried : space.default;
        const kernel = scheduler.lower(fused, cortexM4, config);
        assert.ok(kernel.ok);
        assert.deepEqual(verifyKernel(kernel.value), []);
        const [actual] = runKernel(
          kernel.value,
          inputs.map((x) => x.data),
        );
        assert.deepEqual(actual, expected?.data, `${JSON.stringify(c)} ${JSON.stringify(config)}`);
      }
    }
  });
});
