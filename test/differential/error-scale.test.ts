import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { difference, prepareText } from './oracle.ts';

const near: NDArray = { dtype: 'float32', shape: [4], data: Float32Array.of(100, 200, 300, 400) };
const nearly: NDArray = { dtype: 'float32', shape: [4], data: Float32Array.of(100.001, 200.002, 300.001, 400.003) };

/** What is said of a result that is off by `error` in element 1. */
function judged(body: string, error: number): string | undefined {
  const target = targetNamed('host');
  assert.ok(target.ok);
  const type = 'Tensor[(4), float32]';
  const text = `#[version = "0.0.5"]\ndef @main(%a: ${type}, %b: ${type}) { ${body} }`;
  const prepared = prepareText(text, new Map([['a', near], ['b', nearly]]), { target: target.value }); // prettier-ignore
  assert.ok(!('where' in prepared));
  const data = Float32Array.from(prepared.expected[0]!.data as Float32Array);
  data[1] = (data[1] ?? 0) + error;
  return difference(prepared, [{ data }]);
}

describe('the bound on errors of floats', () => {
  it('of a difference of nearly equal tensors is that of the tensors', () => {
    assert.equal(judged('subtract(%a, %b)', 0.001), undefined);
    assert.equal(judged('transpose(multiply(subtract(%a, %b), 3f), axes=[0])', 0.003), undefined);
    assert.notEqual(judged('subtract(%a, %b)', 0.01), undefined);
  });
  it('of other tensors is their own', () => {
    assert.notEqual(judged('exp(multiply(%a, 0.01f))', 0.001), undefined);
    assert.notEqual(judged('multiply(%a, 0.0001f)', 0.00001), undefined);
    assert.equal(judged('add(%a, %b)', 0.001), undefined);
  });
});
