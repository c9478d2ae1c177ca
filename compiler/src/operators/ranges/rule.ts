/** How an operator moves value ranges, and what it can say about them. */
import type { NDArray } from '../../tensor/ndarray.ts';
import type { TensorType } from '../../types/type.ts';
import type { AttributeValueData } from '../attributes.ts';
import type { Interval } from './interval.ts';

/** One positional argument. */
export interface RangeInput {
  /** Of a tensor; undefined where nothing is known. */
  readonly range: Interval | undefined;
  /** Of a tuple, its fields'. */
  readonly fields: readonly (Interval | undefined)[] | undefined;
  /** The value, where the argument is constant. */
  readonly value: NDArray | undefined;
  /** The type, where the argument is a tensor. */
  readonly type: TensorType | undefined;
}

export interface RangeContext {
  readonly inputs: readonly RangeInput[];
  readonly attrs: Readonly<Record<string, AttributeValueData>>;
  /** The call's type, or that of the first field of its tuple. */
  readonly result: TensorType;
}

/** Something that the ranges prove about a call. */
export interface RangeFinding {
  readonly code: 'accumulator-overflow' | 'integer-overflow' | 'always-saturates' | 'dead-clip' | 'scale-too-coarse';
  readonly message: string;
  readonly remedy: string;
}

export interface RangeResult {
  /** Of every element of the result (of every field, where it is a tuple); undefined where nothing is known. */
  readonly range: Interval | undefined;
  /** Where the bounds come from, for a person: `640 products of at most 255 · 127`. */
  readonly because?: string;
  readonly findings?: readonly RangeFinding[];
}

export type RangeRule = (context: RangeContext) => RangeResult;

/** A whole number with separators; others with at most six digits. */
export function shownNumber(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (Number.isInteger(value)) return value.toLocaleString('en').replace('-', '−');
  return String(Number(value.toPrecision(6))).replace('-', '−');
}

/** `−128 … 127`; a single value alone. */
export function shownRange({ low, high }: Interval): string {
  return low === high ? shownNumber(low) : `${shownNumber(low)} … ${shownNumber(high)}`;
}
