/**
 * TVM's binary form of one tensor, as it stands in parameter files and, in base64, in metadata sections:
 * magic (8 bytes), reserved (8), device type and id (int32 each), rank (int32), dtype code and bits (1 byte each),
 * lanes (uint16), shape (int64 each), byte count (int64), row-major data. All little-endian.
 */
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { canonicalDType, dtypeInfo } from './dtype.ts';
import type { DType } from './dtype.ts';
import { bfloat16FromBits, float16FromBits } from './half.ts';
import { toBytes } from './bytes.ts';
import { allocateElements, elementCount } from './ndarray.ts';
import type { ElementArray, NDArray } from './ndarray.ts';

const magic = 0xdd5e40f096b4a13fn;
const fixedBytes = 32;
const dtypeCodes = ['int', 'uint', 'float', 'handle', 'bfloat'] as const;

/** Bytes that surely hold the header of a tensor of rank at most 32. */
export const headerBytes = fixedBytes + 32 * 8 + 8;

export interface BlobHeader {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Where the elements start, and how many bytes they take. */
  readonly dataOffset: number;
  readonly dataBytes: number;
}

/** Reads dtype and shape of the tensor at `offset`, without its elements. Fails with `blob-…` codes. */
export function readBlobHeader(bytes: Uint8Array, offset = 0): Result<BlobHeader> {
  const cut = (need: number): Result<BlobHeader> =>
    fail(
      'blob-truncated',
      `The tensor at byte ${offset} is cut: ${need} bytes were expected, ${bytes.length - offset} are there.`,
      'Fetch or write the file again.',
    );
  if (bytes.length - offset < fixedBytes) return cut(fixedBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getBigUint64(offset, true) !== magic)
    return fail('blob-not-tensor', `No tensor starts at byte ${offset}: its mark is missing.`);
  const rank = view.getInt32(offset + 24, true);
  if (rank < 0 || rank > 1024) return fail('blob-bad-shape', `The tensor at byte ${offset} has rank ${rank}.`);
  const code = dtypeCodes[view.getUint8(offset + 28)];
  const bits = view.getUint8(offset + 29);
  const lanes = view.getUint16(offset + 30, true);
  const dtype = code && canonicalDType(`${code}${bits}${lanes > 1 ? `x${lanes}` : ''}`);
  if (dtype === undefined)
    return fail(
      'blob-bad-dtype',
      `The tensor at byte ${offset} has an unknown element type (${view.getUint8(offset + 28)}, ${bits} bits).`,
    );
  const shapeAt = offset + fixedBytes;
  const dataOffset = shapeAt + 8 * rank + 8;
  if (bytes.length < dataOffset) return cut(dataOffset - offset);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const extent = view.getBigInt64(shapeAt + 8 * i, true);
    if (extent < 0n || extent > BigInt(Number.MAX_SAFE_INTEGER))
      return fail('blob-bad-shape', `The tensor at byte ${offset} has dimension ${i} = ${extent}.`);
    shape.push(Number(extent));
  }
  const stored = view.getBigInt64(shapeAt + 8 * rank, true);
  const expected = elementCount(shape) * Math.ceil((dtypeInfo(dtype)?.bits ?? 0) / 8);
  if (stored !== BigInt(Math.min(expected, Number.MAX_SAFE_INTEGER)))
    return fail(
      'blob-bad-size',
      `The tensor at byte ${offset} says ${stored} bytes of data; ${dtype} with shape (${shape.join(', ')}) takes ${expected}.`,
    );
  return ok({ dtype, shape, dataOffset, dataBytes: expected });
}

/** Reads the tensor at `offset`; `end` is the offset behind it. */
export function decodeBlob(bytes: Uint8Array, offset = 0): Result<{ readonly array: NDArray; readonly end: number }> {
  const header = readBlobHeader(bytes, offset);
  if (!header.ok) return header;
  const { dtype, shape, dataOffset, dataBytes } = header.value;
  const end = dataOffset + dataBytes;
  if (end > bytes.length)
    return fail(
      'blob-truncated',
      `The data of the tensor at byte ${offset} is cut: ${dataBytes} bytes were expected, ${bytes.length - dataOffset} are there.`,
      'Fetch or write the file again.',
    );
  const data = allocateElements(dtype, elementCount(shape));
  if (data === undefined) return fail('blob-unsupported-dtype', `Tensors of element type ${dtype} cannot be used.`);
  fill(data, dtype, bytes, dataOffset, dataBytes);
  return ok({ array: { dtype, shape, data }, end });
}

/** Copies raw little-endian bytes into elements. All supported hosts are little-endian. */
function fill(data: ElementArray, dtype: DType, bytes: Uint8Array, offset: number, count: number): void {
  if (dtype === 'float16' || dtype === 'bfloat16') {
    const read = dtype === 'float16' ? float16FromBits : bfloat16FromBits;
    for (let i = 0; i < data.length; i++) {
      const at = offset + 2 * i;
      data[i] = read((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
    }
    return;
  }
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength).set(bytes.subarray(offset, offset + count));
}

/** The binary form of a tensor on the CPU. */
export function encodeBlob(array: NDArray): Uint8Array {
  const { dtype, shape } = array;
  const info = dtypeInfo(dtype);
  const data = toBytes(array);
  const dataOffset = fixedBytes + 8 * shape.length + 8;
  const bytes = new Uint8Array(dataOffset + data.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, magic, true);
  view.setInt32(16, 1, true);
  view.setInt32(24, shape.length, true);
  view.setUint8(28, Math.max(0, dtypeCodes.indexOf((info?.code ?? 'int') as 'int')));
  view.setUint8(29, info?.bits ?? 0);
  view.setUint16(30, info?.lanes ?? 1, true);
  shape.forEach((extent, i) => view.setBigInt64(fixedBytes + 8 * i, BigInt(extent), true));
  view.setBigInt64(dataOffset - 8, BigInt(data.length), true);
  bytes.set(data, dataOffset);
  return bytes;
}
