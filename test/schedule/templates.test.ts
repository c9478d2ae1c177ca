import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { func, variable } from '../../compiler/src/ir/build.ts';
import { tensorType } from '../../compiler/src/types/type.ts';
import { runKernel } from '../../compiler/src/emit/js.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import type { FusedFunction, ScheduleConfig, ScheduleSpace } from '../../compiler/src/schedule/task.ts';
import { verifyKernel } from '../../compiler/src/loops/verify.ts';
import {
  addFunction,
  call,
  convCases,
  convFunction,
  cortexM4,
  denseFunction,
  evaluated,
  inputsFor,
  random,
} from './functions.ts';

/** The default and a few random points. */
function someConfigs(space: ScheduleSpace, count: number, seed: number): ScheduleConfig[] {
  const next = random(seed);
  const configs = [space.default];
  for (let tries = 0; configs.length < count && tries < 200; tries++) {
    const config = Object.fromEntries(space.knobs.map((k) => [k.name, k.values[next(k.values.length)] ?? 0]));
    if (space.isValid(config)) configs.push(config);
  }
  return configs;
}

function check(fused: FusedFunction, template: string, count = 5, target = cortexM4): void {
  const space = scheduler.spaceOf(extractTask(fused), target);
  assert.equal(space.template, template);
  assert.ok(space.isValid(space.default), `default ${JSON.stringify(space.default)} is a valid point`);
  const inputs = inputsFor(fused.func, 17);
  const expected = evaluated(fused.func, inputs)[0];
  for (const config of someConfigs(space, count, 99)) {
    const kernel = scheduler.lower(fused, target, config);
    assert.ok(kernel.ok, kernel.ok ? '' : kernel.error.message);
    assert.deepEqual(verifyKernel(kernel.value), []);
    const [actual] = runKernel(
      kernel.value,
      inputs.map((i) => i.data),
    );
    assert.deepEqual(actual, expected?.data, JSON.stringify(config));
    assert.equal(space.features(config).length, space.features(space.default).length);
  }
}

describe('a scheduled convolution gives what the operators say', () => {
  for (const c of convCases) {
    it(c.name, () =>
      check(
        convFunction(c),
        (c.groups ?? 1) === c.input[3] && c.input[3] > 1 ? 'depthwise_plane_smlad' : 'conv2d_rows_smlad',
      ),
    );
  }
});

describe('a scheduled dense layer gives what the operators say', () => {
  for (const [rows, inC, outC] of [
    [1, 40, 12],
    [1, 7, 3],
    [5, 9, 4],
  ] as const)
    // prettier-ignore
    it(`${rows}×${inC} to ${outC}`, () => check(denseFunction(rows, inC, outC), 'conv2d_rows_smlad'));
});

describe('a scheduled sum gives what the operators say', () => {
  it('of two tensors', () => check(addFunction(40, [0.04, 0.11, 0.053]), 'qnn_add', 8));
  it('of an odd number of elements', () => check(addFunction(27, [0.05, 0.11, 0.05]), 'qnn_add', 8));
  it('with very unequal scales', () => check(addFunction(16, [0.00001, 3, 0.5]), 'qnn_add', 8));
  it('of a tensor with itself', () => check(addFunction(12, [0.04, 0.04, 0.08], true), 'qnn_add', 8));
});

describe('a schedule for a processor without the DSP extension gives what the operators say', () => {
  const cortexM3 = { ...cortexM4, name: 'cortex-m3', features: { dsp: false, fpu: false, bits: 32 as const } };
  for (const c of convCases)
    it(c.name, () => {
      const fused = convFunction(c);
      const { template, knobs } = scheduler.spaceOf(extractTask(fused), cortexM3);
      const packings = knobs.find((k) => k.name === 'packing')?.values;
      if (packings !== undefined) assert.deepEqual(packings, ['plain']);
      check(fused, template, 3, cortexM3);
    });
  it('1×7 to 3', () => check(denseFunction(1, 7, 3), 'conv2d_rows_smlad', 4, cortexM3));
});

/** cast(average pool(cast(x))) over int8. */
function poolFunction(shape: readonly number[], attrs: Readonly<Record<string, unknown>> | undefined): FusedFunction {
  const x = variable('x', tensorType(shape, 'int8'));
  const wide = call('cast', [x], { dtype: 'int32' });
  const pool =
    attrs === undefined
      ? call('nn.global_avg_pool2d', [wide], { layout: 'NHWC' })
      : call('nn.avg_pool2d', [wide], { ...attrs, layout: 'NHWC' });
  return { name: 'pool', func: func([x], call('cast', [pool], { dtype: 'int8' })), anchor: pool };
}

describe('a scheduled average pool gives what the operators say', () => {
  const cases: readonly [string, readonly number[], Readonly<Record<string, unknown>> | undefined][] = [
    ['over the whole image', [1, 15, 17, 8], undefined],
    ['over windows of whole rows', [1, 9, 5, 12], { pool_size: [3, 5], strides: [3, 5] }],
    ['over overlapping windows', [2, 7, 9, 4], { pool_size: [3, 2], strides: [2, 1] }],
    ['with a stride beyond the window', [1, 11, 11, 4], { pool_size: [2, 2], strides: [4, 3] }],
  ];
  for (const [name, shape, attrs] of cases) it(name, () => check(poolFunction(shape, attrs), 'average_pool_nhwc', 6));

  it('also where the template does not fit: padding, odd channels, large windows', () => {
    const padded = { pool_size: [2, 2], strides: [2, 2], padding: [1, 1, 1, 1] };
    check(poolFunction([1, 5, 5, 4], padded), 'generic', 1);
    check(poolFunction([1, 5, 5, 3], undefined), 'generic', 1);
    check(poolFunction([1, 16, 16, 4], undefined), 'generic', 1);
  });
});
