import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { toBytes } from '../../compiler/src/tensor/bytes.ts';
import { decodeNpy, parseInputOptions, tensorFromBytes } from '../../cli/src/tensors.ts';

function npy(header: string, payload: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(10 + text.length + payload.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 255, text.length >> 8]);
  bytes.set(text, 10);
  bytes.set(payload, 10 + text.length);
  return bytes;
}

describe('tensors from files', () => {
  it('reads what numpy.save writes', () => {
    const bytes = npy("{'descr': '<i2', 'fortran_order': False, 'shape': (1, 2), }\n", Uint8Array.of(1, 0, 255, 255));
    const array = decodeNpy('x.npy', bytes);
    assert.ok(array.ok);
    assert.deepEqual([array.value.dtype, array.value.shape, [...array.value.data]], ['int16', [1, 2], [1, -1]]);
  });

  it('reads arrays in either byte order, by rows or by columns', () => {
    const values = (descr: string, fortran: string, payload: readonly number[]): readonly number[] => {
      const header = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (2, 3), }\n`;
      const array = decodeNpy('x.npy', npy(header, Uint8Array.from(payload)));
      assert.ok(array.ok);
      return [...array.value.data].map(Number);
    };
    assert.deepEqual(values('>i2', 'False', [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 255, 255]), [1, 2, 3, 4, 5, -1]);
    assert.deepEqual(values('|u1', 'True', [1, 4, 2, 5, 3, 6]), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(values('>i2', 'True', [0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6]), [1, 2, 3, 4, 5, 6]);
  });

  for (const [what, bytes] of [
    ['an empty file', new Uint8Array()],
    ['another format', Uint8Array.from({ length: 64 }, (_, i) => i)],
    [
      'a cut header',
      npy("{'descr': '<i2', 'fortran_order': False, 'shape': (9, 2), }\n", new Uint8Array()).subarray(0, 20),
    ],
    ['a cut payload', npy("{'descr': '<i2', 'fortran_order': False, 'shape': (9, 2), }\n", new Uint8Array(3))],
    ['complex elements', npy("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }\n", new Uint8Array(8))],
  ] as const)
    it(`says what is wrong with ${what}`, () => {
      const result = decodeNpy('x.npy', bytes);
      assert.ok(!result.ok);
      assert.match(result.error.message, /x\.npy/);
      assert.ok(result.error.remedy);
    });

  it('keeps every 16-bit float through reading and writing', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('float16', 'bfloat16'),
        fc.uint8Array({ minLength: 2, maxLength: 2 }),
        (dtype, bytes) => {
          const array = tensorFromBytes('x', dtype, [1], bytes);
          assert.ok(array.ok);
          if (Number.isNaN(array.value.data[0])) return;
          assert.deepEqual(toBytes(array.value), bytes);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('names a malformed or repeated --input', () => {
    assert.ok(!parseInputOptions(['x']).ok);
    assert.ok(!parseInputOptions(['x=1', '%x=2']).ok);
    assert.deepEqual(parseInputOptions(['%x=a=b']), { ok: true, value: new Map([['x', 'a=b']]) });
  });
});
