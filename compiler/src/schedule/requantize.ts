/**
 * Fixed-point scaling by one 32×32 multiplication that keeps the upper half: q = ((sum · m) >> 32 + addend) >> s. It
 * equals rounding half up of sum · m / 2^T, T = 31 − shift = s + 32, plus the zero point, whenever T ≥ 33, because the
 * addend zero · 2^(T−32) + 2^(T−33) is an integer and floors nest. Smaller T are reached by a sum scaled up beforehand.
 */
import { add, bin, i32, intr, mul } from '../loops/build.ts';
import type { LExpr } from '../loops/ir.ts';

/** Constants of one channel. */
export interface HighMultiply {
  readonly multiplier: number;
  /** T − 32, at least 1. */
  readonly shift: number;
}

/** The addend that rounds and adds the zero point. */
export function addendOf(shift: number, zeroPoint: number): number {
  return (2 * zeroPoint + 1) * 2 ** (shift - 1);
}

/**
 * Constants for values within [min, max] that were multiplied by 2^`scaled` beforehand; undefined when this form is not
 * exact or could leave 32 bits.
 */
export function highMultiply(
  multiplier: number,
  shift: number,
  zeroPoint: number,
  range: { readonly min: number; readonly max: number },
  scaled = 0,
): HighMultiply | undefined {
  const total = 31 - shift + scaled;
  const magnitude = Math.max(Math.abs(range.min), Math.abs(range.max)) * 2 ** scaled;
  if (!fits(range, magnitude, scaled) || multiplier < 0 || multiplier >= 2 ** 31) return undefined;
  // Less than a half in magnitude rounds to zero: any smaller total will do.
  if (magnitude * multiplier < 2 ** (total - 1) * (1 - 2 ** -40)) return { multiplier: 0, shift: 1 };
  return directMultiply(multiplier, shift, zeroPoint, range, scaled);
}

/** The least integer of 32 bits may come unscaled; nothing else of its magnitude is one. */
function fits(range: { readonly min: number; readonly max: number }, magnitude: number, scaled: number): boolean {
  return magnitude < 2 ** 31 || (scaled === 0 && range.min >= -(2 ** 31) && range.max < 2 ** 31);
}

/** The same with the multiplier itself, whatever little comes of it. */
export function directMultiply(
  multiplier: number,
  shift: number,
  zeroPoint: number,
  range: { readonly min: number; readonly max: number },
  scaled: number,
): HighMultiply | undefined {
  const total = 31 - shift + scaled;
  const magnitude = Math.max(Math.abs(range.min), Math.abs(range.max)) * 2 ** scaled;
  if (!fits(range, magnitude, scaled) || multiplier < 0 || multiplier >= 2 ** 31) return undefined;
  if (total < 33) return undefined;
  const high = (magnitude * multiplier) / 2 ** 32 + 1 + Math.abs(addendOf(total - 32, zeroPoint));
  if (high >= 2 ** 31) return undefined;
  return { multiplier, shift: total - 32 };
}

/** Bits by which a value within [min, max] must be scaled up so that `highMultiply` is exact; undefined: none. */
export function scalingFor(
  multiplier: number,
  shift: number,
  zeroPoint: number,
  range: { readonly min: number; readonly max: number },
): number | undefined {
  for (let scaled = 0; scaled < 31; scaled++)
    if (highMultiply(multiplier, shift, zeroPoint, range, scaled)) return scaled;
  return undefined;
}

/** The value scaled with constants known when the code is made. */
export function scaleByConstants(value: LExpr, constants: HighMultiply, zeroPoint: number): LExpr {
  const sum = intr('smmla', value, i32(constants.multiplier), i32(addendOf(constants.shift, zeroPoint)));
  return bin('shr', sum, i32(constants.shift));
}

/** The value scaled with the 64-bit product; right for every multiplier and shift. */
export function scaleWide(value: LExpr, multiplier: LExpr, shift: LExpr, zeroPoint: number): LExpr {
  const scaled: LExpr = { kind: 'intrinsic', name: 'qmulshift', args: [value, multiplier, shift], dtype: 'int32' };
  return zeroPoint === 0 ? scaled : add(scaled, i32(zeroPoint));
}

/**
 * Shifts by a value that is known to be less than 32. Processors with the DSP extension take it as it is (`dsp`); in C
 * elsewhere it is masked.
 */
export function shiftBy(op: 'shl' | 'shr', value: LExpr, bits: LExpr, dsp: boolean): LExpr {
  return dsp ? intr(op === 'shl' ? 'lsl' : 'asr', value, bits) : bin(op, value, bits);
}

/** A small value shifted left. */
export function scaleUp(value: LExpr, bits: number): LExpr {
  return bits === 0 ? value : mul(value, i32(2 ** bits));
}
