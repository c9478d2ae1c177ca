import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { errorScales } from '../../compiler/src/evaluate/error-scale.ts';
import { firstUnequal } from '../../compiler/src/evaluate/rounding.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { must } from '../boards/support.ts';

const floats = (...data: number[]): NDArray => ({
  dtype: 'float32',
  shape: [data.length],
  data: Float32Array.from(data),
});

describe('results that are equal up to rounding', () => {
  it('are measured by the largest element, not by each', () => {
    const expected = floats(1000, 0.001, -18.125);
    assert.equal(firstUnequal(expected, Float32Array.of(1000, 0.002, -18.126)), undefined);
    assert.equal(firstUnequal(expected, Float32Array.of(1000, 0.001, -18.2)), 2);
    // All small: nothing that is small beside 1 passes for rounding.
    assert.equal(firstUnequal(floats(1e-9, 2e-9), Float32Array.of(1e-9, 3e-9)), 1);
  });

  it('are exact for integers and for what is not finite', () => {
    const bytes: NDArray = { dtype: 'int8', shape: [2], data: Int8Array.of(100, 1) };
    assert.equal(firstUnequal(bytes, Int8Array.of(100, 2), { scale: 1e6 }), 1);
    assert.equal(firstUnequal(floats(Infinity, NaN), Float32Array.of(Infinity, NaN)), undefined);
    assert.equal(firstUnequal(floats(Infinity, 1), Float32Array.of(1e30, 1)), 0);
    assert.equal(firstUnequal(floats(1, NaN), Float32Array.of(1, 0)), 1);
    assert.equal(firstUnequal(floats(1, 2), Float32Array.of(1, NaN)), 1);
  });

  it('grow with what was added and subtracted, and with nothing else', () => {
    const scalesOf = (body: string): readonly number[] | undefined => {
      const text = `def @main(%x: Tensor[(2), float32], %y: Tensor[(2), float32]) { ${body} }`;
      const inputs = new Map([['x', floats(1000, 1)], ['y', floats(-999, 2)]]); // prettier-ignore
      return errorScales(must(elaborate(check(parseSource(text)))), inputs);
    };
    assert.deepEqual(scalesOf('%x + %y'), [1000]);
    assert.deepEqual(scalesOf('nn.relu(reshape(%x + %y, newshape=[1, 2])) * 3f'), [3000]);
    assert.deepEqual(scalesOf('(sigmoid(%x + %y), %y)')?.at(1), 999);
    assert.ok((scalesOf('(sigmoid(%x + %y), %y)')?.[0] ?? 9) <= 1);
    assert.equal(scalesOf('if (sum(%x) > 0f) { %x + %y } else { %y }'), undefined);
  });
});
