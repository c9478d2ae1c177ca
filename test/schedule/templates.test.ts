import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import type { FusedFunction } from '../../compiler/src/schedule/task.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import { addFunction, convCases, convFunction, cortexM4, denseFunction } from './functions.ts';
import { checkSchedules } from './support.ts';

function check(fused: FusedFunction, template: string, count = 5, target = cortexM4): void {
  checkSchedules(fused, template, { count, target });
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
