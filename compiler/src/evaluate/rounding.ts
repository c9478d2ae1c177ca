/** Equality of results up to rounding: sums may be taken in another order, products may be fused with them. */
import { dtypeInfo, isFloat, type DType } from '../tensor/dtype.ts';
import type { ElementArray, NDArray } from '../tensor/ndarray.ts';

/** The part of the largest finite magnitude of their tensor that floats may differ by. */
export function roundingError(dtype: DType): number {
  return dtypeInfo(dtype)?.bits === 16 ? 1e-2 : 1e-5;
}

/** The largest finite magnitude of a tensor. */
export function largest(array: NDArray | undefined): number {
  let most = 0;
  for (const x of (array?.data ?? []) as Iterable<number | bigint>) {
    const size = Math.abs(Number(x));
    if (Number.isFinite(size) && size > most) most = size;
  }
  return most;
}

export interface RoundingOptions {
  /** Part of `scale` that floats may differ by; by default as their type allows. */
  readonly error?: number;
  /** Magnitude that errors are measured by where it is more than the largest of the tensor. */
  readonly scale?: number;
  /** How far any two numbers may be apart, integers too; by default not at all. */
  readonly slack?: number;
}

/**
 * The first element that is not the one expected; undefined when all are. Integers are compared exactly, floats up to
 * rounding; any NaN stands for any other. Both have the same number of elements.
 */
export function firstUnequal(
  expected: NDArray,
  found: ElementArray,
  options: RoundingOptions = {},
): number | undefined {
  const { dtype, data } = expected;
  const float = isFloat(dtype);
  const error = options.error ?? roundingError(dtype);
  const slack = options.slack ?? 0;
  const bound = Math.max(slack, float ? error * Math.max(largest(expected), options.scale ?? 0) : 0);
  for (let i = 0; i < data.length; i++) {
    const [want, got] = [data[i], found[i]];
    if (want === got) continue;
    if (bound === 0 && !float) return i;
    const [a, b] = [Number(want), Number(got)];
    const near = Number.isNaN(a) ? Number.isNaN(b) : Number.isFinite(b) && Math.abs(a - b) <= bound;
    if (!near) return i;
  }
  return undefined;
}
