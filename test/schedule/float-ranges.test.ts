import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { emitKernel } from '../../compiler/src/emit/c.ts';
import { Helpers } from '../../compiler/src/emit/helpers.ts';
import { func, scalar, variable } from '../../compiler/src/ir/build.ts';
import type { Expr } from '../../compiler/src/ir/expr.ts';
import { assign, block, buffer, cast, declare, load, local, loop, mul, store } from '../../compiler/src/loops/build.ts';
import type { LExpr, Stmt } from '../../compiler/src/loops/ir.ts';
import type { Buffer, LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import { rangesIn } from '../../compiler/src/schedule/float-ranges.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import { tensorType } from '../../compiler/src/types/type.ts';
import { hostCompiler, runOnHost, sanitizers } from '../emit/host.ts';
import { array, bytesOf, call, cortexM4, evaluated, random } from './functions.ts';

const f32 = (value: number): LExpr => ({ kind: 'const', dtype: 'float32', value });
const float = (op: 'add' | 'div' | 'max' | 'sub', left: LExpr, right: LExpr): LExpr => ({ kind: 'binary', op, dtype: 'float32', left, right }); // prettier-ignore

function kernelOf(inputs: Buffer[], outputs: Buffer[], scratch: Buffer[], body: Stmt): LoweredKernel {
  return { name: 'k', inputs, outputs, scratch, constants: [], body, overlaps: [], flags: [], macs: 0, origin: [] };
}

/** A softmax of bytes, quantised again. */
function softmax(scale: number, outScale: number, zero: number, shape: readonly number[], axis = -1) {
  const x = variable('x', tensorType(shape, 'int8'));
  const params = (s: number, z: number): Expr[] => [scalar(s, 'float32'), scalar(z, 'int32')];
  const values = call('nn.softmax', [call('qnn.dequantize', [x, ...params(scale, 3)])], { axis });
  const body = call('qnn.quantize', [values, ...params(outScale, zero)], { out_dtype: 'int8' });
  const fused = { name: 'softmax', func: func([x], body), anchor: undefined };
  const kernel = scheduler.lower(fused, cortexM4, scheduler.spaceOf(extractTask(fused), cortexM4).default);
  assert.ok(kernel.ok);
  return { fused, kernel: kernel.value };
}

function cOf(kernel: LoweredKernel): string {
  const helpers = new Helpers();
  return `${emitKernel(kernel, helpers).text}\n${helpers.text()}`;
}

describe('ranges of values', () => {
  const x = buffer('x', 'int8', 12);
  const y = buffer('y', 'float32', 12);
  const byte = (i: LExpr): LExpr => mul(cast('float32', load(x, i)), f32(0.5));

  it('of a largest element are those of the elements', () => {
    const [acc, t] = [local('acc', 'float32'), buffer('t', 'float32', 1)];
    const shifted = (i: LExpr): LExpr => float('sub', byte(i), load(t, 0));
    let difference: LExpr | undefined;
    const body = block(
      declare(acc, f32(-3e38)),
      loop('i', 12, (i) => assign(acc, float('max', acc, byte(i)))),
      store(t, 0, acc),
      loop('j', 12, (j) => store(y, j, (difference = shifted(j)))),
    );
    const ranges = rangesIn(kernelOf([x], [y], [t], body));
    assert.deepEqual(difference && ranges(difference), { min: -127.5, max: 127.5 });
  });

  it('of a sum grow with the turns of its loop, and of a count of turns that is not known without end', () => {
    const n = local('n', 'int32');
    for (const extent of [10, n]) {
      const acc = local('acc', 'float32');
      const result = float('add', acc, f32(0));
      const sum = loop('i', extent, () => assign(acc, float('add', acc, byte({ kind: 'const', dtype: 'index', value: 0 })))); // prettier-ignore
      const body = block(declare(acc, f32(1)), sum, store(y, 0, result));
      const range = rangesIn(kernelOf([x], [y], [], body))(result);
      assert.deepEqual(range, extent === n ? undefined : { min: 1 - 640, max: 1 + 635 });
    }
  });

  it('are not known of floats from outside, and of quotients by what may be zero', () => {
    const input = buffer('z', 'float32', 12);
    const found: LExpr[] = [];
    const body = loop('i', 12, (i) => {
      found.push(float('add', load(input, i), f32(1)), float('div', f32(1), byte(i)), float('div', byte(i), f32(0.25)));
      return block(found.slice(-3).map((e) => store(y, i, e)));
    });
    const ranges = rangesIn(kernelOf([x, input], [y], [], body));
    assert.deepEqual(found.map(ranges), [undefined, undefined, { min: -256, max: 254 }]);
  });
});

describe('softmax of bytes', function () {
  this.timeout(60_000);

  it('looks for the ends of exponentials only where values may lie there', () => {
    assert.doesNotMatch(cOf(softmax(0.05, 1 / 256, -128, [4, 12]).kernel), /88\.72|rl_min_float32/);
    assert.match(cOf(softmax(0.5, 1 / 256, -128, [4, 12]).kernel), /88\.72/);
  });

  it('finds its largest among integers where values grow with them', () => {
    const found = (scale: number): boolean => cOf(softmax(scale, 1 / 256, -128, [4, 12]).kernel).includes('largest');
    assert.deepEqual([0.05, -0.05].map(found), [true, false]);
  });

  it('is what the operators say', function () {
    const next = random(8);
    const runs = [0.003, 0.05, 0.33, 4, -0.1].flatMap((scale) =>
      ([[[64, 32], -1], [[1, 10], -1], [[5, 3, 7], 1], [[1, 1500], -1]] as const).map(([shape, axis]) => {
        const { fused, kernel } = softmax(scale, scale > 0.2 ? 1 / 256 : 0.00391, -128, shape, axis);
        // Rows of few and of many different values.
        const input = array('int8', shape, (i) => (i % 3 === 0 ? next(256) - 128 : 100 + next(28)));
        const expected = evaluated(fused.func, [input])[0]?.data;
        assert.ok(expected);
        return { kernel, inputs: [bytesOf(input.data)], expected };
      }),
    ); // prettier-ignore
    const cc = hostCompiler();
    if (cc === undefined) return this.skip();
    const found = runOnHost(cc, runs, sanitizers);
    runs.forEach((r, i) => assert.deepEqual(found[i], bytesOf(r.expected)));
  });
});
