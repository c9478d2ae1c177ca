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

/** How a `.npy` file stores its elements. */
interface NumpyType {
  readonly dtype: DType;
  readonly bigEndian: boolean;
}

/** The element type of a NumPy descriptor such as `<f4` or `|i1`. */
function numpyType(descriptor: string): NumpyType | undefined {
  const match = /^([<>|=])([iufb])(\d+)$/.exec(descriptor);
  if (!match) return undefined;
  const bits = Number(match[3]) * 8;
  const kind = { i: 'int', u: 'uint', f: 'float' }[match[2] ?? ''];
  return { dtype: kind === undefined ? 'bool' : `${kind}${bits}`, bigEndian: match[1] === '>' && bits > 8 };
}

const npyMagic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean => magic.every((b, i) => bytes[i] === b);

/** Decodes a `.npy` file (format versions 1 to 3, either byte order, C or Fortran order). */
export function decodeNpy(what: string, bytes: Uint8Array): Result<NDArray> {
  const bad = (reason: string, remedy = 'Save it with numpy.save.'): Result<NDArray> =>
    fail('input-npy', `${what} is no .npy file that can be read: ${reason}.`, remedy);
  if (bytes.length < 12 || !startsWith(bytes, npyMagic)) return bad('the magic number is missing');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const wide = (bytes[6] ?? 1) >= 2;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = wide ? 12 : 10;
  if (start + length > bytes.length) return bad('the header is cut off');
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + length));
  const descriptor = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const type = numpyType(descriptor ?? '');
  if (type === undefined) {
    const found = descriptor === undefined ? 'a record' : `'${descriptor}'`;
    return bad(`its element type is ${found}, which is no number`, "Convert it first, say with x.astype('float32').");
  }
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (shapeText === undefined) return bad('the shape is missing');
  const shape = shapeText
    .split(',')
    .filter((s) => s.trim() !== '')
    .map(Number);
  if (shape.some((n) => !Number.isSafeInteger(n) || n < 0)) return bad('the shape is broken');
  const elements = bytes.subarray(start + length);
  const { dtype, bigEndian } = type;
  const fortran = /'fortran_order':\s*True/.test(header) && shape.length > 1;
  const ordered = bigEndian ? reversedElements(elements, elementBytes(dtype)) : elements;
  const array = tensorFromBytes(what, dtype, shape, ordered);
  return array.ok && fortran ? ok(rowMajor(array.value)) : array;
}

/** The bytes with those of each element in reverse. */
function reversedElements(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.map((_, i) => bytes[i - (i % size) + (size - 1 - (i % size))] ?? 0);
}

/** An array whose elements lie in column-major order, in row-major order. */
function rowMajor(array: NDArray): NDArray {
  const { shape, data } = array;
  const strides = shape.map((_, axis) => elementCount(shape.slice(0, axis)));
  const ordered = data.slice();
  const index = shape.map(() => 0);
  for (let at = 0; at < data.length; at++) {
    ordered[at] = data[index.reduce((sum, i, axis) => sum + i * (strides[axis] ?? 0), 0)] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] ?? 0) + 1;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      index[axis] = 0;
    }
  }
  return { ...array, data: ordered };
}

/** An input declared as `dtype` and `shape`, from a `.npy` file or raw bytes. */
export function readInput(name: string, path: string, dtype: DType, shape: readonly number[]): Result<NDArray> {
  const bytes = readBytes(path);
  if (!bytes.ok) return bytes;
  if (startsWith(bytes.value, [0x50, 0x4b, 3, 4]))
    return fail('input-npy', `${path} is an archive of arrays.`, `Save one array for '${name}' with numpy.save.`);
  if (!/\.npy$/i.test(path) && !startsWith(bytes.value, npyMagic))
    return tensorFromBytes(`${path} for input '${name}'`, dtype, shape, bytes.value);
  const array = decodeNpy(path, bytes.value);
  if (!array.ok) return array;
  const found = array.value;
  const same = found.shape.length === shape.length && found.shape.every((n, i) => n === shape[i]);
  if (found.dtype === dtype && same) return array;
  const steps = [
    ...(found.dtype === dtype ? [] : [`.astype('${dtype}')`]),
    ...(same || elementCount(found.shape) !== elementCount(shape) ? [] : [`.reshape(${shape.join(', ')})`]),
  ];
  const remedy = steps.length > 0 ? ` With NumPy: x${steps.join('')}.` : '';
  return fail(
    'input-mismatch',
    `${path} holds ${found.dtype} of shape (${found.shape.join(', ')}), but input '${name}' is ${dtype} of shape (${shape.join(', ')}).`,
    `Give the input in the type and shape that @main declares.${remedy}`,
  );
}

/** Parses `NAME=FILE` options. */
export function parseInputOptions(options: readonly string[]): Result<ReadonlyMap<string, string>> {
  const map = new Map<string, string>();
  for (const option of options) {
    const at = option.indexOf('=');
    if (at <= 0 || at === option.length - 1) return fail('usage', `--input takes NAME=FILE, not '${option}'.`);
    const name = option.slice(0, at).replace(/^%/, '');
    if (map.has(name)) return fail('usage', `--input ${name} is given twice.`);
    map.set(name, option.slice(at + 1));
  }
  return ok(map);
}
