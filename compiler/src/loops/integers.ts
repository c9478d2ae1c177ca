/** What operators of the loop IR make of two known integers. */
import type { CompareOp } from '../tensor/te.ts';

export type IntegerOperation = (l: number, r: number) => number | undefined;

/** Exact results, before anything wraps; undefined where there is none. */
export const arithmetic: Readonly<Record<string, IntegerOperation>> = {
  add: (l, r) => l + r,
  sub: (l, r) => l - r,
  mul: (l, r) => l * r,
  min: Math.min,
  max: Math.max,
  floordiv: (l, r) => (r === 0 ? undefined : Math.floor(l / r)),
};

export const relations: Readonly<Record<CompareOp, (l: number, r: number) => boolean>> = {
  eq: (l, r) => l === r,
  ne: (l, r) => l !== r,
  lt: (l, r) => l < r,
  le: (l, r) => l <= r,
  gt: (l, r) => l > r,
  ge: (l, r) => l >= r,
};
