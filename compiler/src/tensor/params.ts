/**
 * TVM's parameter files: magic (8 bytes), reserved (8), number of names (uint64), each name as length (uint64) and
 * bytes, number of tensors (uint64), the tensors in the order of the names (`blob.ts`).
 */
import { fail, ok } from '../base/result.ts';
import type { Failure, Result } from '../base/result.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import { decodeBlob, encodeBlob } from './blob.ts';
import type { NDArray } from './ndarray.ts';

const magic = 0xf7e58d4f05049cb7n;

/**
 * Reads a parameter file. Fails with `params-not-params` (another kind of file), `params-truncated` or
 * `params-damaged`, saying at which byte and in which tensor.
 */
export function decodeParams(bytes: Uint8Array): Result<ReadonlyMap<string, NDArray>> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 0) return fail('params-truncated', 'The parameter file is empty.', 'Fetch or write it again.');
  if (bytes.length < 8 && startsLikeMagic(bytes)) return truncated(0, bytes.length, 'the file mark');
  if (bytes.length < 8 || view.getBigUint64(0, true) !== magic)
    return fail(
      'params-not-params',
      `This is no parameter file: its first bytes are ${hex(bytes.subarray(0, 8))} instead of b7 9c 04 05 4f 8d e5 f7.`,
      'Choose a file written by relay.save_param_dict, usually called *.params.',
    );
  let at = 16;
  const readCount = (what: string): Result<number> => {
    if (at + 8 > bytes.length) return truncated(at, bytes.length, what);
    const count = view.getBigUint64(at, true);
    if (count > BigInt(bytes.length)) return truncated(at, bytes.length, `${what} (it says ${count})`);
    at += 8;
    return ok(Number(count));
  };
  const count = readCount('the number of names');
  if (!count.ok) return count;
  const names: string[] = [];
  for (let i = 0; i < count.value; i++) {
    const length = readCount(`the length of name ${i + 1} of ${count.value}`);
    if (!length.ok) return length;
    if (at + length.value > bytes.length) return truncated(at, bytes.length, `name ${i + 1} of ${count.value}`);
    names.push(decodeUtf8(bytes.subarray(at, at + length.value)));
    at += length.value;
  }
  const tensors = readCount('the number of tensors');
  if (!tensors.ok) return tensors;
  if (tensors.value !== names.length)
    return fail(
      'params-damaged',
      `The parameter file names ${names.length} tensors but says at byte ${at - 8} that it holds ${tensors.value}.`,
      'Fetch or write it again.',
    );
  const result = new Map<string, NDArray>();
  for (const [i, name] of names.entries()) {
    const tensor = decodeBlob(bytes, at);
    if (!tensor.ok) {
      const place = `Tensor “${name}” (${i + 1} of ${names.length}) in the parameter file: ${tensor.error.message}`;
      const code = tensor.error.code === 'blob-truncated' ? 'params-truncated' : 'params-damaged';
      return fail(code, place, 'Fetch or write the file again.');
    }
    result.set(name, tensor.value.array);
    at = tensor.value.end;
  }
  return ok(result);
}

function truncated(at: number, length: number, what: string): { readonly ok: false; readonly error: Failure } {
  return fail(
    'params-truncated',
    `The parameter file ends after ${length} bytes; at byte ${at} ${what} was expected.`,
    'Fetch or write it again.',
  );
}

/** Whether a short file holds the beginning of the mark. */
function startsLikeMagic(bytes: Uint8Array): boolean {
  return bytes.every((byte, i) => BigInt(byte) === ((magic >> BigInt(8 * i)) & 255n));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(' ');
}

/** Writes a parameter file that TVM reads. */
export function encodeParams(params: ReadonlyMap<string, NDArray>): Uint8Array {
  const names = [...params.keys()].map(encodeUtf8);
  const blobs = [...params.values()].map(encodeBlob);
  const size =
    32 + names.reduce((sum, name) => sum + 8 + name.length, 0) + blobs.reduce((sum, blob) => sum + blob.length, 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, magic, true);
  view.setBigUint64(16, BigInt(names.length), true);
  let at = 24;
  for (const name of names) {
    view.setBigUint64(at, BigInt(name.length), true);
    bytes.set(name, at + 8);
    at += 8 + name.length;
  }
  view.setBigUint64(at, BigInt(blobs.length), true);
  at += 8;
  for (const blob of blobs) {
    bytes.set(blob, at);
    at += blob.length;
  }
  return bytes;
}
