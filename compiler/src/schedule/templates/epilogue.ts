/** From 32-bit sums to stored bytes: scaling, zero point, saturation, bounds, and a fused residual addition. */
import { add, bin, cast, i32, intr, sub } from '../../loops/build.ts';
import type { LExpr } from '../../loops/ir.ts';
import type { AddSide, Epilogue, OutputDType, Residual } from '../problem.ts';
import { highMultiply, scaleByConstants, scaleUp, scaleWide, scalingFor } from '../requantize.ts';

const range = { int8: { min: -128, max: 127 }, uint8: { min: 0, max: 255 } } as const;

/** Saturates to the type, then applies bounds that are tighter. */
export function clamp(value: LExpr, dtype: OutputDType, min: number, max: number): LExpr {
  let v = intr(dtype === 'int8' ? 'ssat8' : 'usat8', value);
  if (min > range[dtype].min) v = bin('max', v, i32(min));
  if (max < range[dtype].max) v = bin('min', v, i32(max));
  return v;
}

/** What follows scaling, for one element; `other` is the residual's element where there is one. */
export function finish(scaled: LExpr, e: Epilogue, other: LExpr | undefined): LExpr {
  const own = clamp(scaled, e.dtype, e.min, e.max);
  return e.residual && other ? addSides(own, other, e.residual) : own;
}

/** A quantised sum of two int8 or uint8 elements. */
export function addSides(own: LExpr, other: LExpr, r: Residual): LExpr {
  // The output's zero point goes into the second side's rounding constant.
  const sum = add(side(own, r.own, 0), side(cast('int32', other), r.other, r.zeroPoint));
  return clamp(sum, r.dtype, r.min, r.max);
}

/** (x − zero point) scaled, plus `plus`. */
export function side(x: LExpr, s: AddSide, plus: number): LExpr {
  const centred = s.zeroPoint === 0 ? x : sub(x, i32(s.zeroPoint));
  const bounds = { min: range[s.dtype].min - s.zeroPoint, max: range[s.dtype].max - s.zeroPoint };
  const scaled = scalingFor(s.multiplier, s.shift, plus, bounds);
  const constants = scaled === undefined ? undefined : highMultiply(s.multiplier, s.shift, plus, bounds, scaled);
  if (scaled === undefined || !constants) return scaleWide(centred, i32(s.multiplier), i32(s.shift), plus);
  return scaleByConstants(scaleUp(centred, scaled), constants, plus);
}
