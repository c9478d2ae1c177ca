import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { addendOf, highMultiply, scalingFor } from '../../compiler/src/schedule/requantize.ts';
import { intrinsic } from '../../compiler/src/targets/intrinsics.ts';

/** Rounding half up of x · multiplier · 2^(shift − 31), by definition. */
function exact(x: number, multiplier: number, shift: number): bigint {
  const total = BigInt(31 - shift);
  const product = BigInt(x) * BigInt(multiplier);
  if (total <= 0n) return product << -total;
  return (product + (1n << (total - 1n))) >> total;
}

const multiplier = fc.oneof(fc.integer({ min: 2 ** 30, max: 2 ** 31 - 1 }), fc.constant(2 ** 30), fc.constant(0));

describe('scaling by the upper half of a product', () => {
  it('rounds half up exactly wherever it is used', () => {
    let used = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 24), max: 2 ** 24 }),
        multiplier,
        fc.integer({ min: -40, max: 10 }),
        fc.integer({ min: -128, max: 255 }),
        fc.integer({ min: 0, max: 22 }),
        (x, m, shift, zero, scaled) => {
          const bound = Math.max(Math.abs(x), 1);
          const constants = highMultiply(m, shift, zero, { min: -bound, max: bound }, scaled);
          if (!constants) return;
          used++;
          const addend = addendOf(constants.shift, zero);
          assert.ok(Number.isInteger(addend) && Math.abs(addend) < 2 ** 31);
          const [high = 0] = intrinsic('smmla').meaning(x * 2 ** scaled, constants.multiplier, addend);
          assert.equal(BigInt(high >> constants.shift), exact(x, m, shift) + BigInt(zero));
        },
      ),
      { numRuns: 20_000, seed: 4 },
    );
    assert.ok(used > 4_000, `only ${used} of the samples were in its range`);
  });

  it('is found for every factor that quantised sums have', () => {
    for (let shift = -20; shift <= 1; shift++)
      assert.notEqual(scalingFor(2 ** 30 + 12345, shift, -128, { min: -255, max: 255 }), undefined, `shift ${shift}`);
  });

  it('is refused where it could overflow', () => {
    assert.equal(highMultiply(2 ** 31 - 1, 0, 0, { min: -1000, max: 1000 }), undefined);
    assert.equal(highMultiply(2 ** 31 - 1, -25, 127, { min: -(2 ** 31), max: 2 ** 31 - 1 }), undefined);
  });
});
