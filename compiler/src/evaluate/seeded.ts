/** Repeatable input values from a linear congruential stream, for tests, tuning and comparisons. */
import { dtypeInfo, isFloat } from '../tensor/dtype.ts';
import type { DType } from '../tensor/dtype.ts';
import { allocateElements, elementCount } from '../tensor/ndarray.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { roundFloat16 } from '../tensor/half.ts';

/** s ← 1664525·s + 1013904223 (mod 2^32), from `seed`. */
export function congruential(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s;
  };
}

/**
 * A tensor of small values: floats in [−1, 1), booleans, unsigned 0 … 10, signed −3 … 7. Undefined for dtypes without
 * storage.
 */
export function smallValues(dtype: DType, shape: readonly number[], seed: number): NDArray | undefined {
  const data = allocateElements(dtype, elementCount(shape));
  if (data === undefined) return undefined;
  const next = congruential(seed);
  const code = dtypeInfo(dtype)?.code;
  for (let i = 0; i < data.length; i++) {
    const s = next();
    let value: number;
    if (isFloat(dtype)) value = (s >>> 8) / 2 ** 23 - 1;
    else if (dtype === 'bool') value = s >>> 31;
    else value = ((s >>> 24) % 11) - (code === 'uint' ? 0 : 3);
    if (dtype === 'float16') value = roundFloat16(value);
    data[i] = (data instanceof BigInt64Array || data instanceof BigUint64Array ? BigInt(value) : value) as never;
  }
  return { dtype, shape, data };
}

export type ByteRule = 'full' | 'low' | 'ramp';

/** An int8 tensor: all values (`full`), −16 … 15 (`low`), or a ramp of slope 7 with noise (`ramp`). */
export function int8Values(shape: readonly number[], seed: number, rule: ByteRule): NDArray {
  const data = new Int8Array(elementCount(shape));
  const next = congruential(seed);
  for (let i = 0; i < data.length; i++) {
    const u = next() >>> 24;
    data[i] = rule === 'full' ? u : rule === 'low' ? (u >> 3) - 16 : i * 7 + (u >> 5);
  }
  return { dtype: 'int8', shape, data };
}
