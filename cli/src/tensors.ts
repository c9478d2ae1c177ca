/** Tensors from files (`.bin` raw little-endian, `.npy`), from JSON lines, and back. */
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import { elementBytes, type DType } from '../../compiler/src/tensor/dtype.ts';
import { allocateElements, elementCount, type ElementArray, type NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { readBytes } from './io.ts';

/** Narrow floats are kept widened in memory; these turn their stored 16 bits into numbers. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
const scratch = new DataView(new ArrayBuffer(4));
function bfloatToNumber(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}
function numberToBfloat(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0) >>> 16;
}
/** The value is already rounded to half precision, so no bits are lost. */
function numberToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude === 0) return sign;
  if (magnitude === Infinity) return sign | 0x7c00;
  const exponent = Math.floor(Math.log2(magnitude));
  if (exponent < -14) return sign | Math.round(magnitude * 2 ** 24);
  return sign | ((exponent + 15) << 10) | Math.round((magnitude / 2 ** exponent - 1) * 1024);
}

/** A tensor from its row-major little-endian bytes. `what` names it in failures. */
export function tensorFromBytes(
  what: string,
  dtype: DType,
  shape: readonly number[],
  bytes: Uint8Array,
): Result<NDArray> {
  const count = elementCount(shape);
  const wanted = count * elementBytes(dtype);
  if (bytes.length !== wanted)
    return fail(
      'input-size',
      `${what} has ${bytes.length} bytes; ${dtype} of shape (${shape.join(', ')}) takes ${wanted}.`,
      'Give row-major, little-endian elements of exactly that type.',
    );
  const data = allocateElements(dtype, count);
  if (!data)
    return fail('input-dtype', `${what}: tensors of ${dtype} cannot be read.`, 'Use an integer, bool or float type.');
  if (dtype === 'float16' || dtype === 'bfloat16') {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const widen = dtype === 'float16' ? halfToNumber : bfloatToNumber;
    for (let i = 0; i < count; i++) data[i] = widen(view.getUint16(2 * i, true));
  } else {
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength).set(bytes);
  }
  return ok({ dtype, shape, data });
}

/** Row-major little-endian bytes of a tensor (narrow floats as their 16 bits). */
export function bytesOfTensor(array: NDArray): Uint8Array {
  const data: ElementArray = array.data;
  if (array.dtype !== 'float16' && array.dtype !== 'bfloat16')
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const narrow = array.dtype === 'float16' ? numberToHalf : numberToBfloat;
  const bytes = new Uint8Array(2 * data.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < data.length; i++) view.setUint16(2 * i, narrow(Number(data[i])), true);
  return bytes;
}

/** `{dtype, shape, base64}`, the JSON form of a tensor. */
export function tensorJson(array: NDArray): {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly base64: string;
} {
  return { dtype: array.dtype, shape: array.shape, base64: Buffer.from(bytesOfTensor(array)).toString('base64') };
}

/** The element type of a NumPy descriptor such as `<f4` or `|i1`. */
function numpyDType(descriptor: string): DType | undefined {
  const match = /^[<|=]([iufb])(\d+)$/.exec(descriptor);
  if (!match) return undefined;
  const bits = Number(match[2]) * 8;
  if (match[1] === 'b') return 'bool';
  return `${{ i: 'int', u: 'uint', f: 'float' }[match[1] ?? 'i'] ?? 'int'}${bits}`;
}

/** Decodes a `.npy` file (format versions 1 to 3, C order, little-endian). */
export function decodeNpy(what: string, bytes: Uint8Array): Result<NDArray> {
  const bad = (reason: string): Result<NDArray> =>
    fail('input-npy', `${what} is no .npy file that can be read: ${reason}.`, 'Save it with numpy.save.');
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 12 || magic.some((b, i) => bytes[i] !== b)) return bad('the magic number is missing');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const wide = (bytes[6] ?? 1) >= 2;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = wide ? 12 : 10;
  if (start + length > bytes.length) return bad('the header is cut off');
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + length));
  const dtype = numpyDType(/'descr':\s*'([^']*)'/.exec(header)?.[1] ?? '');
  if (dtype === undefined) return bad('its element type is not a little-endian number');
  if (!/'fortran_order':\s*False/.test(header)) return bad('it is in Fortran order');
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (shapeText === undefined) return bad('the shape is missing');
  const shape = shapeText
    .split(',')
    .filter((s) => s.trim() !== '')
    .map(Number);
  if (shape.some((n) => !Number.isSafeInteger(n) || n < 0)) return bad('the shape is broken');
  return tensorFromBytes(what, dtype, shape, bytes.subarray(start + length));
}

/** An input declared as `dtype` and `shape`, from a `.npy` file or raw bytes. */
export function readInput(name: string, path: string, dtype: DType, shape: readonly number[]): Result<NDArray> {
  const bytes = readBytes(path);
  if (!bytes.ok) return bytes;
  if (!path.endsWith('.npy')) return tensorFromBytes(`${path} for input '${name}'`, dtype, shape, bytes.value);
  const array = decodeNpy(path, bytes.value);
  if (!array.ok) return array;
  const same = array.value.shape.length === shape.length && array.value.shape.every((n, i) => n === shape[i]);
  if (array.value.dtype !== dtype || !same)
    return fail(
      'input-mismatch',
      `${path} holds ${array.value.dtype} of shape (${array.value.shape.join(', ')}), but input '${name}' is ${dtype} of shape (${shape.join(', ')}).`,
      'Give the input in the type and shape that @main declares.',
    );
  return array;
}

/** Parses `NAME=FILE` options. */
export function parseInputOptions(options: readonly string[]): Result<ReadonlyMap<string, string>> {
  const map = new Map<string, string>();
  for (const option of options) {
    const at = option.indexOf('=');
    if (at <= 0) return fail('usage', `--input takes NAME=FILE, not '${option}'.`);
    const name = option.slice(0, at).replace(/^%/, '');
    if (map.has(name)) return fail('usage', `--input ${name} is given twice.`);
    map.set(name, option.slice(at + 1));
  }
  return ok(map);
}
