import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { decodeBase64, encodeBase64 } from '../../compiler/src/base/base64.ts';
import { decodeMetadata, plainValue } from '../../compiler/src/syntax/metadata.ts';
import { readNumber } from '../../compiler/src/syntax/numbers.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { decodeBlob, encodeBlob } from '../../compiler/src/tensor/blob.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { decodeParams, encodeParams } from '../../compiler/src/tensor/params.ts';
import { sharedFiles } from './support.ts';

const arrays: readonly NDArray[] = [
  { dtype: 'int32', shape: [3], data: Int32Array.of(1, 2, -3) },
  { dtype: 'float32', shape: [2, 1], data: Float32Array.of(1.5, -Infinity) },
  { dtype: 'float16', shape: [3], data: Float32Array.of(1.5, 65504, 0) },
  { dtype: 'bfloat16', shape: [1], data: Float32Array.of(-2) },
  { dtype: 'int64', shape: [1], data: BigInt64Array.of(-(2n ** 63n)) },
  { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) },
  { dtype: 'int8', shape: [], data: Int8Array.of(-128) },
  { dtype: 'uint8', shape: [0, 4], data: new Uint8Array(0) },
];

describe('tensors in files', () => {
  it('come back as they were written, for every element type', () => {
    const params = new Map(arrays.map((array, i) => [`p${i}·é`, array]));
    const read = decodeParams(encodeParams(params));
    assert.ok(read.ok);
    assert.deepEqual([...read.value], [...params]);
  });

  it('have the bytes that TVM writes', () => {
    const text = 'P6G0lvBAXt0AAAAAAAAAAAEAAAAAAAAAAQAAAAAgAQADAAAAAAAAAAwAAAAAAAAAAQAAAAIAAAADAAAA';
    const bytes = decodeBase64(text);
    assert.ok(bytes);
    const read = decodeBlob(bytes);
    assert.ok(read.ok);
    assert.deepEqual(read.value.array, { dtype: 'int32', shape: [3], data: Int32Array.of(1, 2, 3) });
    assert.equal(encodeBase64(encodeBlob(read.value.array)), text);
  });

  it('are refused with the place where a file is cut, at whatever byte', () => {
    const bytes = encodeParams(new Map(arrays.map((array, i) => [`p${i}`, array])));
    for (let length = 0; length < bytes.length; length++) {
      const read = decodeParams(bytes.subarray(0, length));
      assert.ok(!read.ok && read.error.code === 'params-truncated', `${length}: ${JSON.stringify(read)}`);
    }
    const foreign = decodeParams(Uint8Array.from({ length: 64 }, (_, i) => i));
    assert.ok(!foreign.ok && foreign.error.code === 'params-not-params');
  });

  it('of the shared models are read and written byte for byte', function () {
    const files = sharedFiles('models', '.params');
    if (files.length === 0) {
      console.log('      ../shared/models is absent');
      this.skip();
    }
    for (const file of files) {
      const bytes = readFileSync(file);
      const read = decodeParams(bytes);
      assert.ok(read.ok, file);
      assert.equal(Buffer.compare(bytes, encodeParams(read.value)), 0, file);
    }
  });
});

describe('metadata', () => {
  const blob = encodeBase64(encodeBlob(arrays[0] as NDArray));
  const nodes = [
    { type_key: '' },
    { type_key: 'Map', keys: ['relay.Constant', 'relay.attrs.X'], data: [2, 4] },
    { type_key: 'Array', data: [3] },
    { type_key: 'relay.Constant', attrs: { data: '0', virtual_device_: '0', span: '0', _checked_type_: '0' } },
    { type_key: 'Array', data: [5] },
    { type_key: 'relay.attrs.X', attrs: { shape: '6', axis: '-1', scale: 'inf', name: '8' } },
    { type_key: 'Array', data: [7, 7] },
    { type_key: 'IntImm', attrs: { dtype: 'int32', value: '4', span: '0' } },
    { type_key: 'runtime.String', repr_str: 'abc' },
  ];
  const section = (json: string): ReturnType<typeof decodeMetadata> =>
    decodeMetadata(parseSource(`#[version = "0.0.5"]\ndef @f() { 1 }\n#[metadata]\n${json}`).metadata);
  const json = JSON.stringify({ root: 1, nodes, b64ndarrays: [blob], attrs: { tvm_version: '0.12.0' } });

  it('gives constants, their types and attribute objects', () => {
    const table = section(json);
    assert.equal(table.problem, undefined);
    assert.deepEqual(table.constant(0), { ok: true, value: arrays[0] });
    const type = table.constantType(0);
    assert.ok(type.ok);
    assert.deepEqual([type.value.dtype, type.value.shape], ['int32', [3]]);
    const attrs = table.lookup('relay.attrs.X', 0);
    assert.ok(attrs.ok);
    assert.deepEqual(plainValue(attrs.value.node('shape')), [4n, 4n]);
    assert.equal(attrs.value.integer('axis'), -1n);
    assert.equal(attrs.value.number('scale'), Infinity);
    assert.equal(plainValue(attrs.value.node('name')), 'abc');
  });

  it('ignores what follows the JSON value, as TVM does', () => {
    assert.equal(section(`${json}\ndef @g() { 2 }`).problem, undefined);
  });

  it('says what is missing or damaged', () => {
    const code = (result: { ok: boolean; error?: { code: string } }): string | undefined => result.error?.code;
    assert.equal(code(section(json).constant(1)), 'metadata-missing-index');
    assert.equal(code(section(json).lookup('tir.Var', 0)), 'metadata-missing-key');
    assert.equal(section('{"root": ').problem?.code, 'metadata-damaged');
    assert.equal(section('[]').problem?.code, 'metadata-damaged');
    assert.equal(code(decodeMetadata(undefined).constant(0)), 'metadata-missing');
    assert.equal(code(section(json.replace(blob, '!!')).constant(0)), 'metadata-damaged');
  });
});

describe('numbers', () => {
  const table: readonly (readonly [string, string])[] = [
    ['42', '42 int32'],
    ['007', '7 int32'],
    ['2147483648', '2147483648 int64'],
    ['-2147483648', '-2147483648 int32'],
    ['42i64', '42 int64'],
    ['-32768i16', '-32768 int16'],
    ['32768i16', 'number-out-of-range'],
    ['9223372036854775808', 'number-out-of-range'],
    ['1f', '1 float32'],
    ['1.f', '1 float32'],
    ['1e-3f', '0.001 float32'],
    ['--1.5f64', '1.5 float64'],
    ['65505f16', 'number-out-of-range'],
    ['1e-310f64', 'number-out-of-range'],
    ['1e400f', 'number-out-of-range'],
    ['-inff64', '-Infinity float64'],
    ['1.0', 'float-needs-suffix'],
    ['1e5', 'float-needs-suffix'],
    ['1.0i64', 'malformed-number'],
    ['3u8', 'malformed-number'],
    ['1i8', 'unknown-number-width'],
    ['1f8', 'unknown-number-width'],
  ];
  for (const [text, expected] of table)
    it(`reads ${text} as ${expected}`, () => {
      const meaning = readNumber(text);
      assert.equal(meaning.kind === 'problem' ? meaning.code : `${meaning.value} ${meaning.dtype}`, expected);
    });
});
