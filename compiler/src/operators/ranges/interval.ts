/** Intervals of element values: what every element of a tensor is at least and at most. */
import { integerRange, type DType } from '../../tensor/dtype.ts';
import type { NDArray } from '../../tensor/ndarray.ts';

/** Bounds that hold for all elements; infinite where nothing is known. Integers beyond 2^53 are rounded outward enough. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The interval between two numbers, in any order. */
export function interval(a: number, b: number): Interval {
  return a <= b ? { low: a, high: b } : { low: b, high: a };
}

/** All values of an integer type; of bool 0 and 1; of other types nothing is known. */
export function rangeOfDType(dtype: DType): Interval | undefined {
  if (dtype === 'bool') return { low: 0, high: 1 };
  const range = integerRange(dtype);
  return range && { low: Number(range.min), high: Number(range.max) };
}

/** True when every value of `inner` is one of `outer`. */
export function contains(outer: Interval, inner: Interval): boolean {
  return outer.low <= inner.low && inner.high <= outer.high;
}

/** What both contain; undefined when they share nothing. */
export function intersect(a: Interval, b: Interval): Interval | undefined {
  const low = Math.max(a.low, b.low);
  const high = Math.min(a.high, b.high);
  return low <= high ? { low, high } : undefined;
}

/** The least interval that contains both. */
export function union(a: Interval, b: Interval): Interval {
  return { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) };
}

/** Every value put to the nearest one of `limits`. */
export function saturated(range: Interval, limits: Interval): Interval {
  const limit = (x: number): number => Math.min(Math.max(x, limits.low), limits.high);
  return { low: limit(range.low), high: limit(range.high) };
}

/** All sums of an element of each. */
export function plus(a: Interval, b: Interval): Interval {
  return { low: a.low + b.low, high: a.high + b.high };
}

/** All differences. */
export function minus(a: Interval, b: Interval): Interval {
  return { low: a.low - b.high, high: a.high - b.low };
}

/** All products. */
export function times(a: Interval, b: Interval): Interval {
  const products = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high].map((x) =>
    Number.isNaN(x) ? 0 : x,
  );
  return { low: Math.min(...products), high: Math.max(...products) };
}

/** Largest distance from zero. */
export function magnitude(range: Interval): number {
  return Math.max(Math.abs(range.low), Math.abs(range.high));
}

const scanned = new WeakMap<NDArray, Interval>();

/** The least and greatest element of an array that is not empty and holds no NaN; read once. */
export function rangeOfArray(array: NDArray): Interval | undefined {
  const known = scanned.get(array);
  if (known) return known;
  let low = Infinity;
  let high = -Infinity;
  for (const raw of array.data) {
    const value = Number(raw);
    if (Number.isNaN(value)) return undefined;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return undefined;
  const found = { low, high };
  scanned.set(array, found);
  return found;
}
