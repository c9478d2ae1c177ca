/** The metadata section of a printed module: constants in TVM's JSON graph with base64 arrays. */
import { toBytes } from '../tensor/bytes.ts';
import { dtypeInfo } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Standard base64 with padding. */
export function base64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = [bytes[i], bytes[i + 1], bytes[i + 2]];
    const word = (a << 16) | (b << 8) | c;
    parts.push(
      (alphabet[word >> 18] ?? '') +
        (alphabet[(word >> 12) & 63] ?? '') +
        (i + 1 < bytes.length ? (alphabet[(word >> 6) & 63] ?? '') : '=') +
        (i + 2 < bytes.length ? (alphabet[word & 63] ?? '') : '='),
    );
  }
  return parts.join('');
}

const codes: Readonly<Record<string, number>> = { int: 0, uint: 1, float: 2, handle: 3, bfloat: 4 };

/** TVM's array blob: magic, device, rank, dtype, shape, byte count, elements. */
export function encodeArray(array: NDArray): Uint8Array {
  const elements = toBytes(array);
  const info = dtypeInfo(array.dtype);
  const bytes = new Uint8Array(40 + 8 * array.shape.length + elements.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, 0xdd5e40f096b4a13fn, true);
  view.setInt32(16, 1, true);
  view.setInt32(24, array.shape.length, true);
  view.setUint8(28, codes[info?.code ?? 'int'] ?? 0);
  view.setUint8(29, info?.bits ?? 32);
  view.setUint16(30, info?.lanes ?? 1, true);
  array.shape.forEach((n, i) => view.setBigInt64(32 + 8 * i, BigInt(n), true));
  view.setBigInt64(32 + 8 * array.shape.length, BigInt(elements.length), true);
  bytes.set(elements, 40 + 8 * array.shape.length);
  return bytes;
}

/** The JSON payload that defines `meta[relay.Constant][i]` for each of `constants`. */
export function metadataJson(constants: readonly NDArray[]): string {
  const nodes = [
    { type_key: '' },
    { type_key: 'Map', keys: ['relay.Constant'], data: [2] },
    { type_key: 'Array', data: constants.map((_, i) => i + 3) },
    ...constants.map((_, i) => ({
      type_key: 'relay.Constant',
      attrs: { _checked_type_: '0', data: String(i), span: '0', virtual_device_: '0' },
    })),
  ];
  const graph = {
    root: 1,
    nodes,
    b64ndarrays: constants.map((c) => base64(encodeArray(c))),
    attrs: { tvm_version: '0.12.0' },
  };
  return JSON.stringify(graph, undefined, 2);
}
