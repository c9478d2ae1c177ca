/** What is known of an expression's value. */
import type { Interval } from '../../operators/ranges/interval.ts';
import { rangeOfConstant } from '../../operators/ranges/quantised.ts';
import type { NDArray } from '../../tensor/ndarray.ts';

export interface Value {
  /** Of every element of a tensor; undefined for tuples. */
  readonly range: Interval | undefined;
  /** Of a tuple. */
  readonly fields?: readonly (Value | undefined)[];
  /** The very elements, where they never change. */
  readonly constant?: NDArray;
  /** Where the bounds come from; empty where that is the type. */
  readonly because: string;
}

/** The value of a constant. */
export function valueOfConstant(constant: NDArray): Value {
  return { range: rangeOfConstant(constant), constant, because: 'a constant' };
}

/** Whether two values say the same. */
export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return true;
  if (!a || !b || a.constant !== b.constant || a.because !== b.because) return false;
  if (a.range?.low !== b.range?.low || a.range?.high !== b.range?.high) return false;
  if (a.fields?.length !== b.fields?.length) return false;
  return (a.fields ?? []).every((field, i) => sameValue(field, b.fields?.[i]));
}
