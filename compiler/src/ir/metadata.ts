/** The metadata section of a printed module: constants in TVM's JSON graph with base64 arrays. */
import { encodeBase64 } from '../base/base64.ts';
import { encodeBlob } from '../tensor/blob.ts';
import type { NDArray } from '../tensor/ndarray.ts';

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
  const b64ndarrays = constants.map((c) => encodeBase64(encodeBlob(c)));
  return JSON.stringify({ root: 1, nodes, b64ndarrays, attrs: { tvm_version: '0.12.0' } }, undefined, 2);
}
