import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { runKernel } from '../../compiler/src/emit/js.ts';
import { constant, func, scalar, variable } from '../../compiler/src/ir/build.ts';
import type { Expr, Var } from '../../compiler/src/ir/expr.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import type { FusedFunction } from '../../compiler/src/schedule/task.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import { tensorType } from '../../compiler/src/types/type.ts';
import { hostCompiler, runOnHost, sanitizers } from '../emit/host.ts';
import { array, bytesOf, call, cortexM4, evaluated } from './functions.ts';
import { checkSchedules } from './support.ts';

const f32 = (v: number): Expr => scalar(v, 'float32');
const i32 = (v: number): Expr => scalar(v, 'int32');
const quantised = (name: string, a: Expr, b: Expr): Expr =>
  call(name, [a, b, f32(0.05), i32(3), f32(0.06), i32(-4), f32(0.21), i32(1)]);
const asFloat = (e: Expr): Expr => call('qnn.dequantize', [e, f32(0.04), i32(-3)]);
const asByte = (e: Expr, dtype = 'int8'): Expr =>
  call('qnn.quantize', [e, f32(0.0078125), i32(dtype === 'int8' ? 0 : 128)], { out_dtype: dtype });

function made(dtypes: readonly string[], shape: readonly number[], body: (...x: Var[]) => Expr): FusedFunction {
  const params = dtypes.map((dtype, i) => variable(`x${i}`, tensorType(shape, dtype)));
  return { name: 'pointwise', func: func(params, body(...params)), anchor: undefined };
}

type Case = readonly [name: string, dtypes: readonly string[], body: (...x: Var[]) => Expr];
const cases: readonly Case[] = [
  ['quantised product', ['int8', 'int8'], (a, b) => quantised('qnn.mul', a as Var, b as Var)],
  ['quantised difference', ['int8', 'int8'], (a, b) => quantised('qnn.subtract', a as Var, b as Var)],
  ['quantised product of a tensor with itself', ['int8'], (a) => quantised('qnn.mul', a as Var, a as Var)],
  ['sigmoid of bytes', ['int8'], (a) => asByte(call('sigmoid', [asFloat(a as Var)]))],
  ['tanh of unsigned bytes', ['uint8'], (a) => asByte(call('tanh', [asFloat(a as Var)]), 'uint8')],
  ['bytes of another scale', ['int8'], (a) => call('qnn.requantize', [a as Var, f32(0.05), i32(3), f32(0.071), i32(-9)], { out_dtype: 'uint8' })],
  ['bounds of bytes', ['int8'], (a) => call('clip', [a as Var], { a_min: -10, a_max: 90 })],
  ['floats of bytes', ['int8'], (a) => asFloat(a as Var)],
  ['sum of floats, rectified', ['float32', 'float32'], (a, b) => call('nn.relu', [call('add', [a as Var, b as Var])])],
  ['three inputs', ['float32', 'float32', 'float32'], (a, b, c) => call('add', [call('multiply', [a as Var, b as Var]), c as Var])],
  ['comparison', ['int32', 'int32'], (a, b) => call('less', [a as Var, b as Var])],
  ['negation', ['bool'], (a) => call('logical_not', [a as Var])],
  ['wide integers', ['int64'], (a) => call('add', [a as Var, a as Var])],
  ['bytes of floats', ['float32'], (a) => asByte(a as Var)],
  ['unsigned bytes of floats', ['float32'], (a) => asByte(a as Var, 'uint8')],
  ['bytes of a function of floats', ['float32'], (a) => asByte(call('tanh', [a as Var]))],
  ['flattened', ['float32'], (a) => call('nn.batch_flatten', [call('exp', [a as Var])])],
]; // prettier-ignore

describe('a scheduled elementwise function gives what the operators say', () => {
  for (const [name, dtypes, body] of cases)
    for (const shape of [
      [1, 5, 3, 7],
      [2, 3],
      [1, 4, 8, 16],
    ])
      it(`${name}, ${shape.join('×')}`, () => checkSchedules(made(dtypes, shape, body), 'pointwise_flat'));

  it('whatever byte comes in', () => {
    for (const dtype of ['int8', 'uint8']) {
      const fused = made([dtype], [256], (a) => asByte(call('sigmoid', [asFloat(a as Var)])));
      const kernel = scheduler.lower(fused, cortexM4, scheduler.spaceOf(extractTask(fused), cortexM4).default);
      assert.ok(kernel.ok);
      const input = array(dtype, [256], (i) => (dtype === 'int8' ? i - 128 : i));
      assert.deepEqual(runKernel(kernel.value, [input.data])[0], evaluated(fused.func, [input])[0]?.data);
    }
  });

  it('whatever float is rounded to a byte', function () {
    const cc = hostCompiler();
    const halves = Array.from({ length: 1600 }, (_, i) => (i - 800) / 2);
    const runs = [0.05, 1e-30, 3e30, -0.7].flatMap((scale) => {
      // Halves of the scale and their neighbours, and where floats end.
      const near = halves.flatMap((h) =>
        [1 - 2 ** -23, 1, 1 + 2 ** -23].map((f) => Math.fround(h * Math.fround(scale) * f)),
      );
      const values = Float32Array.from([
        ...near,
        -0,
        NaN,
        Infinity,
        -Infinity,
        3.4e38,
        -3.4e38,
        1e-45,
        8388607.5,
        2 ** 31,
      ]);
      return ['int8', 'uint8'].flatMap((dtype) =>
        [-128, 255].map((zero) => {
          const quantised = (x: Var): Expr => call('qnn.quantize', [x, f32(scale), i32(zero)], { out_dtype: dtype });
          const fused = made(['float32'], [values.length], (a) => quantised(a as Var));
          const kernel = scheduler.lower(fused, cortexM4, scheduler.spaceOf(extractTask(fused), cortexM4).default);
          assert.ok(kernel.ok);
          const input = { dtype: 'float32', shape: [values.length], data: values };
          const expected = evaluated(fused.func, [input])[0]?.data;
          assert.ok(expected);
          assert.deepEqual(runKernel(kernel.value, [values])[0], expected);
          return { kernel: kernel.value, inputs: [bytesOf(values)], expected };
        }),
      );
    });
    if (cc === undefined) return this.skip();
    this.timeout(60_000);
    const found = runOnHost(cc, runs, sanitizers);
    runs.forEach((r, i) => assert.deepEqual(found[i], bytesOf(r.expected)));
  });

  it('and is left to its loops where an element takes others, or a constant of its channel', () => {
    const bias = constant(array('float32', [7], (i) => i));
    checkSchedules(
      made(['float32'], [1, 5, 3, 7], (a) => call('add', [a as Var, bias])),
      'generic',
      { count: 1 },
    );
    checkSchedules(
      made(['float32'], [4, 4], (a) => call('transpose', [a as Var], { axes: [1, 0] })),
      'generic',
      { count: 1 },
    );
  });
});
