import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { evaluateTE } from '../../compiler/src/evaluate/te.ts';
import { erf, qmulshift, wideQmulshift } from '../../compiler/src/evaluate/scalar.ts';
import { float16Bits, float16FromBits, roundFloat16 } from '../../compiler/src/tensor/half.ts';
import { allocateElements, elementCount } from '../../compiler/src/tensor/ndarray.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import * as te from '../../compiler/src/tensor/te.ts';
import type { BinaryOp, TEExpr, TETensor } from '../../compiler/src/tensor/te.ts';

function filled(shape: readonly number[], dtype: string, seed = 1): NDArray {
  const data = allocateElements(dtype, elementCount(shape))!;
  let s = seed;
  for (let i = 0; i < data.length; i++) {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    data[i] = (
      typeof data[i] === 'bigint' ? BigInt(s >> 8) : dtype.startsWith('f') ? (s >>> 8) / 2 ** 23 - 1 : s >>> 24
    ) as never;
  }
  return { dtype, shape, data };
}

function both(output: TETensor, inputs: ReadonlyMap<TETensor, NDArray>): NDArray {
  const [fast] = evaluateTE([output], inputs);
  const [slow] = evaluateTE([output], inputs, { mode: 'interpret' });
  assert.deepEqual(fast, slow);
  return fast!;
}

describe('tensor expression evaluation', () => {
  it('convolves with padding as the definition says', () => {
    const x = te.placeholder('x', [1, 5, 5, 3], 'int8');
    const w = te.placeholder('w', [3, 3, 3, 4], 'int8');
    const padded = te.compute('pad', [1, 7, 7, 3], (n, h, v, c) =>
      te.select(
        te.all([
          te.compare('ge', h!, te.int(1)),
          te.compare('lt', h!, te.int(6)),
          te.compare('ge', v!, te.int(1)),
          te.compare('lt', v!, te.int(6)),
        ]),
        te.load(x, n!, te.sub(h!, te.int(1)), te.sub(v!, te.int(1)), c!),
        te.constant(0, 'int8'),
      ),
    );
    const conv = te.compute('conv', [1, 3, 3, 4], (n, h, v, o) =>
      te.reduce('sum', [3, 3, 3], (i, j, c) =>
        te.mul(
          te.cast(
            'int32',
            te.load(padded, n!, te.add(te.mul(h!, te.int(2)), i!), te.add(te.mul(v!, te.int(2)), j!), c!),
          ),
          te.cast('int32', te.load(w, i!, j!, c!, o!)),
        ),
      ),
    );
    const xv = filled([1, 5, 5, 3], 'int8');
    const wv = filled([3, 3, 3, 4], 'int8', 7);
    const got = both(
      conv,
      new Map([
        [x, xv],
        [w, wv],
      ]),
    );
    for (let h = 0; h < 3; h++)
      for (let v = 0; v < 3; v++)
        for (let o = 0; o < 4; o++) {
          let sum = 0;
          for (let i = 0; i < 3; i++)
            for (let j = 0; j < 3; j++)
              for (let c = 0; c < 3; c++) {
                const [a, b] = [h * 2 + i - 1, v * 2 + j - 1];
                if (a >= 0 && a < 5 && b >= 0 && b < 5)
                  sum += Number(xv.data[(a * 5 + b) * 3 + c]) * Number(wv.data[((i * 3 + j) * 3 + c) * 4 + o]);
              }
          assert.equal(got.data[(h * 3 + v) * 4 + o], sum);
        }
  });

  it('wraps integers and rounds floats at their width', () => {
    const one = (e: TEExpr): number | bigint =>
      both(
        te.compute('t', [], () => e),
        new Map(),
      ).data[0]!;
    const c = te.constant;
    assert.equal(one(te.add(c(127, 'int8'), c(1, 'int8'))), -128);
    assert.equal(one(te.mul(c(200, 'uint8'), c(2, 'uint8'))), 144);
    assert.equal(one(te.mul(c(2147483647, 'int32'), c(2147483647, 'int32'))), 1);
    assert.equal(one(te.add(c(2n ** 63n - 1n, 'int64'), c(1n, 'int64'))), -(2n ** 63n));
    assert.equal(one(te.sub(c(0, 'uint32'), c(1, 'uint32'))), 4294967295);
    assert.equal(one(te.add(c(16777216, 'float32'), c(1, 'float32'))), 16777216);
    assert.equal(one(te.add(c(2048, 'float16'), c(1, 'float16'))), 2048);
    assert.equal(one(te.floordiv(c(-7, 'int32'), c(2, 'int32'))), -4);
    assert.equal(one(te.binary('truncdiv', c(-7, 'int32'), c(2, 'int32'))), -3);
    assert.equal(one(te.floormod(c(-7, 'int64'), c(3, 'int64'))), 2n);
    assert.equal(one(te.cast('int8', c(300.7, 'float32'))), 127);
    assert.equal(one(te.cast('int8', c(300, 'int32'))), 44);
    assert.equal(one(te.cast('int32', c(NaN, 'float32'))), 0);
    assert.equal(one(te.binary('shr', c(-8, 'int32'), c(1, 'int32'))), -4);
    assert.equal(one(te.unary('round', c(-2.5, 'float32'))), -3);
    assert.equal(one(te.unary('nearbyint', c(-2.5, 'float32'))), -2);
    assert.equal(one({ kind: 'bitcast', dtype: 'int32', operand: c(1, 'float32') }), 0x3f800000);
  });

  it('evaluates only the chosen branch of a guard', () => {
    const x = te.placeholder('x', [3], 'int32');
    const t = te.compute('t', [6], (i) =>
      te.select(
        te.compare('lt', i!, te.int(3)),
        te.load(x, i!),
        te.reduce('max', [3], (r) => te.load(x, r!)),
      ),
    );
    const got = both(t, new Map([[x, { dtype: 'int32', shape: [3], data: Int32Array.of(4, 9, 2) }]]));
    assert.deepEqual([...got.data], [4, 9, 2, 9, 9, 9]);
  });

  it('agrees with 64-bit arithmetic for every multiply-and-shift', () => {
    const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(int32, int32, fc.integer({ min: -31, max: 31 }), (x, m, s) => {
        assert.equal(qmulshift(x, m, s), wideQmulshift(x, m, s));
      }),
      { numRuns: 3000 },
    );
    for (const x of [-(2 ** 31), 2 ** 31 - 1, -1, 0, 1])
      for (const m of [-(2 ** 31), 2 ** 31 - 1, 2 ** 30, -1, 0])
        for (const s of [-31, -1, 0, 1, 2, 31]) assert.equal(qmulshift(x, m, s), wideQmulshift(x, m, s));
  });

  it('gives the same with and without code generation', () => {
    const ops: readonly BinaryOp[] = [
      'add',
      'sub',
      'mul',
      'min',
      'max',
      'and',
      'or',
      'xor',
      'floordiv',
      'floormod',
      'truncdiv',
      'truncmod',
    ];
    const dtypes = ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64'];
    const tree = fc.letrec<{ node: (string | number)[] }>(() => ({
      node: fc.array(fc.oneof(fc.constantFrom(...ops), fc.integer({ min: -300, max: 300 })), {
        minLength: 3,
        maxLength: 12,
      }),
    })).node;
    fc.assert(
      fc.property(tree, fc.constantFrom(...dtypes), fc.constantFrom(...dtypes), (program, from, to) => {
        const x = te.placeholder('x', [4, 3], from);
        const t = te.compute('t', [4, 3], (i, j) => {
          let acc = te.cast(to, te.load(x, i!, j!));
          let operand: TEExpr = te.cast(to, te.add(te.mul(i!, te.int(3)), j!));
          for (const step of program) {
            if (typeof step === 'number') operand = te.cast(to, te.add(te.int(step), j!));
            else acc = te.binary(step as BinaryOp, acc, operand);
          }
          return acc;
        });
        both(t, new Map([[x, filled([4, 3], from, 3)]]));
      }),
      { numRuns: 300 },
    );
  });

  it('rounds halves and knows the error function', () => {
    for (let bits = 0; bits < 0x7c00; bits += 7) assert.equal(float16Bits(float16FromBits(bits)), bits);
    assert.equal(roundFloat16(1 + 2 ** -11), 1);
    assert.equal(roundFloat16(1 + 3 * 2 ** -11), 1 + 2 ** -9);
    assert.equal(roundFloat16(65519), 65504);
    for (const [x, y] of [
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [2.4, 0.9993114861033549],
      [3, 0.9999779095030014],
      [-1, -0.8427007929497149],
    ] as const)
      assert.ok(Math.abs(erf(x) - y) < 1e-14, `erf(${x})`);
  });
});
