import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { ceilDivDims, dimOp, dimValue, mayEqual, sameDim } from '../../compiler/src/operators/relations/dims.ts';
import { printDim } from '../../compiler/src/types/print.ts';
import type { Dim } from '../../compiler/src/types/type.ts';
import { anyDim } from '../../compiler/src/types/type.ts';

const n: Dim = { kind: 'var', name: 'n', id: 1 };
const m: Dim = { kind: 'var', name: 'm', id: 2 };

describe('dimension arithmetic', () => {
  it('is exact for any integers', () => {
    const int = fc.bigInt({ min: -(1n << 62n), max: 1n << 62n });
    const dim = (value: bigint): Dim => (value >= -1000n && value <= 1000n ? Number(value) : { kind: 'int64', value });
    fc.assert(
      fc.property(int, int, (a, b) => {
        assert.equal(dimValue(dimOp('+', dim(a), dim(b))), a + b);
        assert.equal(dimValue(dimOp('*', dim(a), dim(b))), a * b);
        if (b === 0n) return;
        const quotient = dimValue(dimOp('floordiv', dim(a), dim(b))) ?? 0n;
        const remainder = dimValue(dimOp('floormod', dim(a), dim(b))) ?? 0n;
        assert.equal(quotient * b + remainder, a);
        assert.ok(b > 0n ? remainder >= 0n && remainder < b : remainder <= 0n && remainder > b);
      }),
    );
  });

  it('keeps `?` unknown and folds named dimensions', () => {
    assert.equal(dimOp('+', anyDim, 3), anyDim);
    assert.equal(dimOp('floordiv', 5, 0), anyDim);
    assert.equal(dimOp('-', n, n), 0);
    assert.equal(printDim(dimOp('*', dimOp('*', n, 4), 8)), 'n * 32');
    assert.equal(dimOp('floordiv', dimOp('*', n, 4), 4), n);
    assert.equal(ceilDivDims(7, 2), 4);
  });

  it('knows equal terms in any order, and what cannot be equal', () => {
    assert.ok(sameDim(dimOp('+', n, dimOp('*', m, 2)), dimOp('+', dimOp('*', 2, m), n)));
    assert.ok(!sameDim(anyDim, anyDim));
    assert.ok(mayEqual(n, 3));
    assert.ok(!mayEqual(dimOp('+', n, 1), n));
  });
});
