/** Real factors as 31-bit fixed-point multipliers with a shift. */

export interface FixedPoint {
  /** int32, 2^30 … 2^31 − 1 (or 0 for a factor of zero). */
  readonly multiplier: number;
  /** The factor is multiplier · 2^(shift − 31). */
  readonly shift: number;
}

/**
 * The nearest `multiplier · 2^(shift − 31)` of `scale`, a finite double: the significand in [0.5, 1) is rounded, half
 * away from zero, to 31 bits.
 */
export function fixedPointMultiplier(scale: number): FixedPoint {
  if (scale === 0 || !Number.isFinite(scale)) return { multiplier: 0, shift: 0 };
  const { significand, exponent } = splitDouble(scale);
  const scaled = significand * 2 ** 31;
  const rounded = scaled < 0 ? -Math.floor(-scaled + 0.5) : Math.floor(scaled + 0.5);
  if (Math.abs(rounded) === 2 ** 31) return { multiplier: rounded / 2, shift: exponent + 1 };
  return { multiplier: rounded, shift: exponent };
}

/** Significand in [0.5, 1) by magnitude and binary exponent of a non-zero double, exactly. */
function splitDouble(value: number): { readonly significand: number; readonly exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const biased = (view.getUint32(0) >>> 20) & 0x7ff;
  if (biased === 0) {
    const normal = splitDouble(value * 2 ** 64);
    return { significand: normal.significand, exponent: normal.exponent - 64 };
  }
  view.setUint32(0, (view.getUint32(0) & 0x800fffff) | (1022 << 20));
  return { significand: view.getFloat64(0), exponent: biased - 1022 };
}
