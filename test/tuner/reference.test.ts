import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { dtypeInfo } from '../../compiler/src/tensor/dtype.ts';
import { allocateElements, type NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { tensorType } from '../../compiler/src/types/type.ts';
import { difference, evaluatorReference, randomInputs } from '../../tuner/src/reference.ts';
import { must } from '../boards/support.ts';
import { makeTask } from './support.ts';

describe('what candidates are compared with', () => {
  it('is the evaluation of the function itself', () => {
    const task = makeTask('same', 1);
    const inputs = must(randomInputs(task, 1));
    assert.deepEqual(must(evaluatorReference(task, inputs)), inputs);
  });

  it('uses random inputs that cover the type and depend on seed and task alone', () => {
    const task = makeTask('same', 1);
    const [first] = must(randomInputs(task, 1));
    assert.deepEqual(must(randomInputs(task, 1))[0], first);
    assert.notDeepEqual(must(randomInputs(task, 2))[0], first);
    assert.notDeepEqual(must(randomInputs(makeTask('other', 1), 1))[0], first);
    const values = Array.from(first?.data ?? [], Number);
    assert.ok(Math.min(...values) < -100 && Math.max(...values) > 100);
  });

  it('exists for every element type that arrays have', () => {
    for (const dtype of [
      'int8',
      'uint8',
      'bool',
      'int16',
      'int32',
      'int64',
      'uint32',
      'float16',
      'float32',
      'float64',
    ]) {
      const task = makeTask(dtype, 1);
      const param = { kind: 'var', name: 'x', type: tensorType([16], dtype), origin: [] } as const;
      const typed = { ...task, fused: { ...task.fused, func: { ...task.fused.func, params: [param] } } };
      const [array] = must(randomInputs(typed, 0));
      assert.equal(array?.data.constructor, allocateElements(dtype, 0)?.constructor, dtype);
      if (dtypeInfo(dtype)?.bits === 1)
        assert.ok(Array.from(array?.data ?? [], Number).every((v) => v === 0 || v === 1));
    }
  });

  it('tells integers apart exactly and floats beyond rounding', () => {
    const ints: NDArray = { dtype: 'int8', shape: [3], data: Int8Array.of(1, 2, 3) };
    assert.equal(difference(ints, Int8Array.of(1, 2, 3)), undefined);
    assert.equal(difference(ints, Int8Array.of(1, 2, 4)), 'element 2 is 4 instead of 3');
    assert.match(difference(ints, Int8Array.of(1)) ?? '', /1 elements instead of 3/);
    const floats: NDArray = { dtype: 'float32', shape: [3], data: Float32Array.of(100, 0, Number.NaN) };
    assert.equal(difference(floats, Float32Array.of(100.001, 0.0001, Number.NaN)), undefined);
    assert.match(difference(floats, Float32Array.of(100, 0.5, Number.NaN)) ?? '', /element 1/);
    assert.match(difference(floats, Float32Array.of(100, Number.NaN, Number.NaN)) ?? '', /element 1/);
    const infinite: NDArray = { ...floats, data: Float32Array.of(Number.POSITIVE_INFINITY, 1, 2) };
    assert.match(difference(infinite, Float32Array.of(Number.POSITIVE_INFINITY, 1, 3)) ?? '', /element 2/);
    assert.match(difference(infinite, Float32Array.of(5, 1, 2)) ?? '', /element 0/);
  });
});
