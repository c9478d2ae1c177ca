/** Dense, row-major tensor values. */
import type { DType } from './dtype.ts';

export type ElementArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/**
 * A tensor value. `bool` is stored one byte an element (0 or 1); 64-bit integers as bigint; `float16` and `bfloat16`
 * as `Float32Array` whose elements are already rounded to the narrower type.
 */
export interface NDArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: ElementArray;
}

/** Number of elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const n of shape) count *= n;
  return count;
}

/** A zero-filled array for `count` elements of `dtype`; undefined for dtypes with no storage here (vectors, handles). */
export function allocateElements(dtype: DType, count: number): ElementArray | undefined {
  switch (dtype) {
    case 'int8':
      return new Int8Array(count);
    case 'int16':
      return new Int16Array(count);
    case 'int32':
      return new Int32Array(count);
    case 'int64':
      return new BigInt64Array(count);
    case 'uint8':
    case 'bool':
      return new Uint8Array(count);
    case 'uint16':
      return new Uint16Array(count);
    case 'uint32':
      return new Uint32Array(count);
    case 'uint64':
      return new BigUint64Array(count);
    case 'float16':
    case 'bfloat16':
    case 'float32':
      return new Float32Array(count);
    case 'float64':
      return new Float64Array(count);
    default:
      return undefined;
  }
}
