import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { errorScales } from '../../compiler/src/evaluate/error-scale.ts';
import { firstUnequal } from '../../compiler/src/evaluate/rounding.ts';
import { sensitivityOf } from '../../compiler/src/evaluate/sensitivity.ts';
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

describe('how much results change when inputs change in their last bit', () => {
  const changeOf = (body: string): number => {
    const text = `def @main(%x: Tensor[(2), float32], %n: int32) { ${body} }`;
    const module = must(elaborate(check(parseSource(text))));
    const inputs = new Map([['x', floats(0.3, 0.6)], ['n', { dtype: 'int32', shape: [], data: Int32Array.of(3) } satisfies NDArray]]); // prettier-ignore
    return sensitivityOf(module, inputs)?.[0] ?? NaN;
  };

  it('is the last bit of the result where nothing lets it grow', () => {
    const change = changeOf('%x * 1000f');
    assert.ok(change > 0 && change < 1000 * 2 ** -22, String(change));
    assert.equal(changeOf('%n + 1'), 0);
    assert.equal(changeOf('cast(%x, dtype="int32")'), 0);
  });

  it('is all of the result after enough steps of a chaotic map, in a branch as well', () => {
    const map = (x: string): string => `(${x} * 3.9f * (1f - ${x}))`;
    const steps = Array.from({ length: 60 }, (_, i) => `let %a${i} = ${map(i === 0 ? '%x' : `%a${i - 1}`)};`).join(' ');
    assert.ok(changeOf(`if (%n > 2) { ${steps} %a59 } else { %x }`) > 0.01);
  });
});
