/** Tensor values as bytes: row-major, little-endian, `bool` one byte an element, 16-bit floats as their bit patterns. */
import { elementBytes } from './dtype.ts';
import type { DType } from './dtype.ts';
import { bfloat16Bits, bfloat16FromBits, float16Bits, float16FromBits } from './half.ts';
import { allocateElements, elementCount } from './ndarray.ts';
import type { NDArray } from './ndarray.ts';

/** The bytes of `array`. */
export function toBytes(array: NDArray): Uint8Array {
  const size = elementBytes(array.dtype);
  const bytes = new Uint8Array(array.data.length * size);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < array.data.length; i++) putElement(view, i * size, array.dtype, array.data[i] ?? 0);
  return bytes;
}

/** The value that `bytes` hold; undefined when their count does not fit the shape or the dtype has no storage. */
export function fromBytes(dtype: DType, shape: readonly number[], bytes: Uint8Array): NDArray | undefined {
  const size = elementBytes(dtype);
  const data = allocateElements(dtype, elementCount(shape));
  if (data === undefined || data.length * size !== bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < data.length; i++) data[i] = takeElement(view, i * size, dtype) as never;
  return { dtype, shape, data };
}

/** Writes one element at byte `at`; integers wrap. */
export function putElement(view: DataView, at: number, dtype: DType, value: number | bigint): void {
  switch (dtype) {
    case 'int64':
    case 'uint64':
      return view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
    case 'float64':
      return view.setFloat64(at, Number(value), true);
    case 'float32':
      return view.setFloat32(at, Number(value), true);
    case 'int32':
    case 'uint32':
      return view.setUint32(at, Number(value) >>> 0, true);
    case 'int16':
    case 'uint16':
      return view.setUint16(at, Number(value) & 65535, true);
    case 'float16':
      return view.setUint16(at, float16Bits(Number(value)), true);
    case 'bfloat16':
      return view.setUint16(at, bfloat16Bits(Number(value)), true);
    default:
      return view.setUint8(at, Number(value) & 255);
  }
}

/** Reads the element at byte `at`. */
export function takeElement(view: DataView, at: number, dtype: DType): number | bigint {
  switch (dtype) {
    case 'int64':
      return view.getBigInt64(at, true);
    case 'uint64':
      return view.getBigUint64(at, true);
    case 'float64':
      return view.getFloat64(at, true);
    case 'float32':
      return view.getFloat32(at, true);
    case 'int32':
      return view.getInt32(at, true);
    case 'uint32':
      return view.getUint32(at, true);
    case 'int16':
      return view.getInt16(at, true);
    case 'uint16':
      return view.getUint16(at, true);
    case 'float16':
      return float16FromBits(view.getUint16(at, true));
    case 'bfloat16':
      return bfloat16FromBits(view.getUint16(at, true));
    case 'int8':
      return view.getInt8(at);
    default:
      return view.getUint8(at);
  }
}
