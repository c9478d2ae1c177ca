import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { func, variable } from '../../compiler/src/ir/build.ts';
import { buffer, load, loop, store } from '../../compiler/src/loops/build.ts';
import type { LExpr } from '../../compiler/src/loops/ir.ts';
import type { Buffer, LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import { lowerGeneric } from '../../compiler/src/loops/lower.ts';
import { tensorType } from '../../compiler/src/types/type.ts';
import { call } from '../schedule/functions.ts';
import { hostCompiler, runOnHost, sanitizers } from './host.ts';

/** Where functions have their corners, and a walk over all magnitudes. */
function inputs(): Float32Array {
  const corners = [0, -0, 0.5, -0.5, 1.5, 2.5, -1.5, 0.49999997, -0.49999997, 8388607.5, -8388607.5, 8388608, 2 ** 31, -(2 ** 31), 1e30, NaN, Infinity, -Infinity, 88.7, 88.73, 89, -86.8, -87.4, -104, 1e-40]; // prettier-ignore
  const walk = Array.from({ length: 4000 }, (_, i) => (i % 2 === 0 ? 1 : -1) * 1.0091 ** (i / 2 - 1500));
  const even = Array.from({ length: 4000 }, (_, i) => -86.5 + (174.5 * i) / 4000);
  return Float32Array.from([...corners, ...walk, ...even]);
}

/** What the C of a function of one tensor gives. */
function onHost(cc: string, body: (x: ReturnType<typeof variable>) => ReturnType<typeof call>, data: Float32Array) {
  const x = variable('x', tensorType([data.length], 'float32'));
  const kernel = lowerGeneric('f', func([x], body(x)));
  assert.ok(kernel.ok);
  const bytes = new Uint8Array(data.buffer);
  const [out] = runOnHost(cc, [{ kernel: kernel.value, inputs: [bytes] }], sanitizers);
  assert.ok(out);
  return out;
}

describe('functions of floats in C', function () {
  this.timeout(60_000);
  const cc = hostCompiler();
  const data = inputs();

  for (const [name, meaning] of [
    ['floor', Math.floor],
    ['ceil', Math.ceil],
    ['trunc', Math.trunc],
    ['round', (v: number) => Math.sign(v) * Math.floor(Math.abs(v) + 0.5)],
  ] as const)
    it(`${name} is exact, for all kinds of values`, function () {
      if (cc === undefined) return this.skip();
      const found = new Float32Array(onHost(cc, (x) => call(name, [x]), data).slice().buffer);
      data.forEach((v, i) => {
        const wanted = Number.isFinite(v) && Math.abs(v) < 2 ** 23 ? meaning(v) : v;
        assert.ok(found[i] === wanted || Number.isNaN(v), `${name}(${v}) is ${found[i]}, not ${wanted}`);
      });
    });

  it('exp is within a unit of the last place, and ends where floats end', function () {
    if (cc === undefined) return this.skip();
    const found = new Float32Array(onHost(cc, (x) => call('exp', [x]), data).slice().buffer);
    data.forEach((v, i) => {
      const [wanted, value] = [Math.exp(v), found[i] ?? NaN];
      if (Number.isNaN(v)) assert.ok(Number.isNaN(value));
      else if (v > 88.73) assert.equal(value, Infinity);
      else if (v < -86.9) assert.ok(value >= 0 && value <= wanted && wanted < 2e-38);
      else assert.ok(Math.abs(value - wanted) <= 1e-7 * wanted, `exp(${v}) is ${value}, not ${wanted}`);
    });
  });

  it('exp of a normal result is as near', function () {
    if (cc === undefined) return this.skip();
    const values = Float32Array.from({ length: 40_000 }, (_, i) => -86.9 + (174.9 * i) / 40_000);
    const [input, output] = ['x', 'y'].map((n) => buffer(n, 'float32', values.length)) as [Buffer, Buffer];
    const exp = (operand: LExpr): LExpr => ({ kind: 'unary', op: 'exp', dtype: 'float32', operand, normal: true });
    const body = loop('i', values.length, (i) => store(output, i, exp(load(input, i))));
    const kernel: LoweredKernel = { name: 'e', inputs: [input], outputs: [output], constants: [], scratch: [], body, overlaps: [], flags: [], macs: 0, origin: [] }; // prettier-ignore
    const [bytes] = runOnHost(cc, [{ kernel, inputs: [new Uint8Array(values.buffer)] }], sanitizers);
    assert.ok(bytes);
    new Float32Array(bytes.slice().buffer).forEach((value, i) => {
      const wanted = Math.exp(values[i] ?? NaN);
      assert.ok(Math.abs(value - wanted) <= 1e-7 * wanted, `exp(${values[i]}) is ${value}, not ${wanted}`);
    });
  });

  it('conversions to integers saturate, and give 0 for what is no number', function () {
    if (cc === undefined) return this.skip();
    for (const [dtype, low, high] of [
      ['int8', -128, 127],
      ['uint8', 0, 255],
      ['int32', -(2 ** 31), 2 ** 31 - 1],
    ] as const) {
      const bytes = onHost(cc, (x) => call('cast', [x], { dtype }), data).slice();
      const found = dtype === 'int8' ? new Int8Array(bytes.buffer) : dtype === 'uint8' ? bytes : new Int32Array(bytes.buffer); // prettier-ignore
      data.forEach((v, i) => {
        const wanted = Number.isNaN(v) ? 0 : Math.min(high, Math.max(low, Math.trunc(v)));
        assert.equal(found[i], wanted + 0, `${dtype} of ${v}`);
      });
    }
  });
});
