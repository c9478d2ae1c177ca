/** Building blocks of kernels, which work on values instead of expressions. */
import type { DType } from '../../tensor/dtype.ts';
import { dtypeInfo, isFloat } from '../../tensor/dtype.ts';
import type { ElementArray, NDArray } from '../../tensor/ndarray.ts';
import { allocateElements, elementCount } from '../../tensor/ndarray.ts';
import type { KernelContext } from '../operator.ts';

export type Scalar = number | bigint;

/** A zero-filled array. Dtypes that no array stores are a bug of the caller. */
export function zeros(dtype: DType, shape: readonly number[]): NDArray {
  const data = allocateElements(dtype, elementCount(shape));
  if (!data) throw new Error(`no storage for ${dtype}`);
  return { dtype, shape, data };
}

/** Element at a row-major position; 0 outside. */
export function elementAt(array: NDArray, position: number): Scalar {
  return array.data[position] ?? 0;
}

/** Stores a value, converted to the array's representation; integers wrap, narrow floats are rounded by the store. */
export function setElement(array: NDArray, position: number, value: Scalar): void {
  if (array.data instanceof BigInt64Array || array.data instanceof BigUint64Array)
    array.data[position] = typeof value === 'bigint' ? value : BigInt(Math.trunc(value));
  else if (array.dtype === 'bool') array.data[position] = Number(value) !== 0 ? 1 : 0;
  else (array.data as Float64Array)[position] = wrapped(value, array.dtype);
}

function wrapped(value: Scalar, dtype: DType): number {
  if (typeof value === 'number') return value;
  return isFloat(dtype) ? Number(value) : Number(BigInt.asIntN(dtypeInfo(dtype)?.bits ?? 32, value));
}

/** A copy whose data may be written. */
export function copyArray(array: NDArray): NDArray {
  return { ...array, data: array.data.slice() as ElementArray };
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): readonly number[] {
  const strides: number[] = [];
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides.unshift(stride);
    stride *= shape[i] ?? 1;
  }
  return strides;
}

/** Row-major position of `indices`. */
export function positionOf(indices: readonly number[], strides: readonly number[]): number {
  let position = 0;
  for (const [i, index] of indices.entries()) position += index * (strides[i] ?? 0);
  return position;
}

/** Calls `visit` with every index tuple of `shape` in row-major order; the array is reused. */
export function forEachIndex(
  shape: readonly number[],
  visit: (indices: readonly number[], position: number) => void,
): void {
  const count = elementCount(shape);
  const indices = shape.map(() => 0);
  for (let position = 0; position < count; position++) {
    visit(indices, position);
    for (let d = shape.length - 1; d >= 0; d--) {
      const next = (indices[d] ?? 0) + 1;
      indices[d] = next < (shape[d] ?? 1) ? next : 0;
      if (next < (shape[d] ?? 1)) break;
    }
  }
}

/** `start + i·step` for i below `length`, in `dtype`. */
export function rangeArray(dtype: DType, start: number, step: number, length: number): NDArray {
  const array = zeros(dtype, [length]);
  for (let i = 0; i < length; i++) setElement(array, i, start + i * step);
  return array;
}

/** Input `index` of a kernel, which is one array. */
export function arrayAt(context: Pick<KernelContext<unknown>, 'inputs'>, index: number): NDArray {
  const input = context.inputs[index];
  if (input === undefined || Array.isArray(input)) throw new Error(`input ${index} is not one array`);
  return input as NDArray;
}

/** The elements as plain numbers. */
export function numbersOf(array: NDArray): number[] {
  return Array.from(array.data as ArrayLike<number | bigint>, Number);
}

/** Splits a shape at `axis`: how many slices before, the axis's length, the elements behind it. */
export function around(shape: readonly number[], axis: number): { outer: number; length: number; inner: number } {
  return {
    outer: elementCount(shape.slice(0, axis)),
    length: shape[axis] ?? 1,
    inner: elementCount(shape.slice(axis + 1)),
  };
}
