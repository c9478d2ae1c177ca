import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { runKernel } from '../../compiler/src/emit/js.ts';
import { emitKernel } from '../../compiler/src/emit/c.ts';
import { Helpers } from '../../compiler/src/emit/helpers.ts';
import { constant, func, scalar, variable } from '../../compiler/src/ir/build.ts';
import type { LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import { verifyKernel } from '../../compiler/src/loops/verify.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import type { FusedFunction } from '../../compiler/src/schedule/task.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import { tensorType } from '../../compiler/src/types/type.ts';
import { hostCompiler, runOnHost, sanitizers } from '../emit/host.ts';
import { array, bytesOf, call, cortexM4, evaluated, random } from './functions.ts';
import { checkSchedules } from './support.ts';

const edges = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 30, -(2 ** 30), 255, -256, 65535];
const channels = 6;

/** A requantisation with a scale for each channel, and values of all magnitudes with the halves of the scales. */
function requantised(scales: readonly number[], zero: number, dtype = 'int32', shape = [1, 9, 7, channels]) {
  const next = random(31);
  const input = array(dtype, shape, (i) =>
    dtype === 'int8' ? next(256) - 128 : (edges[i % 83] ?? Math.trunc((next(2 ** 31) - 2 ** 30) / 2 ** next(31))),
  );
  const x = variable('x', tensorType(shape, dtype));
  const scale = constant(array('float32', [channels], (i) => Math.fround(scales[i % scales.length] ?? 1)));
  const others = [scalar(0, 'int32'), scalar(1, 'float32'), scalar(zero, 'int32')];
  const body = call('qnn.requantize', [x, scale, ...others], { axis: shape.length - 1, out_dtype: 'int8' });
  const fused: FusedFunction = { name: 'requantised', func: func([x], body), anchor: undefined };
  return { fused, input };
}

function lowered(fused: FusedFunction): LoweredKernel {
  const kernel = scheduler.lower(fused, cortexM4, scheduler.spaceOf(extractTask(fused), cortexM4).default);
  assert.ok(kernel.ok);
  assert.deepEqual(verifyKernel(kernel.value), []);
  return kernel.value;
}

const cOf = (kernel: LoweredKernel): string => emitKernel(kernel, new Helpers()).text;

/** Whether products are rounded in 32 bits. */
const isShort = (kernel: LoweredKernel): boolean => !cOf(kernel).includes('qmulshift');

const cases: readonly (readonly [name: string, short: boolean, scales: readonly number[], dtype?: string])[] = [
  ['factors of sums', true, [0.0021, 0.00034, 0.00098, 0.0041, 0.0009, 0.00002]],
  ['one factor that is too large for 32 bits', false, [0.0021, 0.00034, 0.9, 0.0041, 0.0009, 0.00002]],
  ['factors above one', false, [3.5, 70, 1.25, 2]],
  ['factors that leave next to nothing', false, [1e-9, 0.001, 1e-12, 3e-10]],
  ['small factors', true, [1e-6, 4e-7, 9e-8]],
  ['factors of bytes', true, [0.7, 1.3, 0.02, 1, 2.5, 0.5], 'int8'],
];

describe('constants of channels', function () {
  this.timeout(60_000);
  for (const zero of [0, 4, -128])
    for (const [name, short, scales, dtype] of cases)
      it(`scale exactly by ${name}, zero point ${zero}`, function () {
        const { fused, input } = requantised(scales, zero, dtype);
        const kernel = lowered(fused);
        assert.equal(isShort(kernel), short);
        const expected = evaluated(fused.func, [input])[0]?.data;
        assert.ok(expected);
        assert.deepEqual(runKernel(kernel, [input.data])[0], expected);
        const cc = hostCompiler();
        if (cc === undefined) return this.skip();
        const [found] = runOnHost(cc, [{ kernel, inputs: [bytesOf(input.data)] }], sanitizers);
        assert.deepEqual(found, bytesOf(expected));
      });

  it('are computed once for all elements of a channel, where there are many', () => {
    const outer = (shape: number[]): string => /for \(int32_t \w+ = 0; \w+ < (\d+);/.exec(cOf(lowered(requantised([0.001], 3, 'int32', shape).fused)))?.[1] ?? ''; // prettier-ignore
    assert.equal(outer([1, 9, 7, channels]), String(channels));
    assert.equal(outer([50, 2, channels]), String(channels));
    assert.equal(outer([1, 3, channels]), '3');
  });

  it('give what the operators say under any schedule', () => {
    const made = (body: (x: ReturnType<typeof variable>) => ReturnType<typeof call>, shape = [1, 5, 3, 7]) => {
      const x = variable('x', tensorType(shape, 'float32'));
      return { name: 'channels', func: func([x], body(x)), anchor: undefined };
    };
    const slope = constant(array('float32', [7], (i) => i / 5 - 0.4));
    checkSchedules(made((x) => call('nn.relu', [call('nn.bias_add', [x, slope], { axis: 3 })])), 'generic', { count: 10 }); // prettier-ignore
    checkSchedules(
      made((x) => call('nn.prelu', [x, slope], { axis: 3 })),
      'generic',
      { count: 10 },
    );
    checkSchedules(requantised([0.002, 0.0007], 5).fused, 'generic', { count: 10 });
  });
});
