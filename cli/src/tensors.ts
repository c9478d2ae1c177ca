/** Tensors from files (`.bin` raw little-endian, `.npy`), from JSON lines, and back. */
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import { fromBytes, toBytes } from '../../compiler/src/tensor/bytes.ts';
import { elementBytes, type DType } from '../../compiler/src/tensor/dtype.ts';
import { elementCount, type NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { readBytes } from './io.ts';

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
  const array = fromBytes(dtype, shape, bytes);
  if (!array)
    return fail('input-dtype', `${what}: tensors of ${dtype} cannot be read.`, 'Use an integer, bool or float type.');
  return ok(array);
}

/** `{dtype, shape, base64}`, the JSON form of a tensor. */
export function tensorJson(array: NDArray): {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly base64: string;
} {
  return { dtype: array.dtype, shape: array.shape, base64: Buffer.from(toBytes(array)).toString('base64') };
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
