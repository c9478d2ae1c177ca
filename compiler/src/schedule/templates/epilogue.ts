/** From 32-bit sums to stored bytes: scaling, zero point, saturation, bounds, and a fused residual addition. */
import { add, bin, cast, i32, intr, load, sub } from '../../loops/build.ts';
import type { LExpr } from '../../loops/ir.ts';
import type { Buffer, LoweredKernel } from '../../loops/kernel.ts';
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

/** Both sides of a sum for every byte, as tables by its bits. */
export interface SumTables {
  readonly own: Buffer;
  readonly other: Buffer;
  readonly constants: LoweredKernel['constants'];
}

/** Tables for a sum; undefined where a side leaves 16 bits. */
export function sumTables(r: Residual): SumTables | undefined {
  const of = (name: string, s: AddSide, plus: number): LoweredKernel['constants'][number] | undefined => {
    const element = (bits: number): number => (s.dtype === 'int8' ? (bits << 24) >> 24 : bits);
    const values = Array.from({ length: 256 }, (_, bits) => sideValue(element(bits), s) + plus);
    if (values.some((v) => v < -32768 || v > 32767)) return undefined;
    const data = Int16Array.from(values);
    return { buffer: { name, dtype: 'int16', length: 256, align: 4 }, value: { dtype: 'int16', shape: [256], data } };
  };
  const own = of('own_side', r.own, 0);
  const other = of('other_side', r.other, r.zeroPoint);
  return own && other ? { own: own.buffer, other: other.buffer, constants: [own, other] } : undefined;
}

/** One side of a sum for one value. */
function sideValue(x: number, s: AddSide): number {
  const wide = BigInt(x - s.zeroPoint) << BigInt(Math.max(0, s.shift));
  const total = BigInt(31 - Math.min(0, s.shift));
  return Number((wide * BigInt(s.multiplier) + (1n << (total - 1n))) >> total);
}

/** What follows scaling, for one element; `other` is the residual's element where there is one. */
export function finish(scaled: LExpr, e: Epilogue, other: LExpr | undefined): LExpr {
  const own = clamp(scaled, e.dtype, e.min, e.max);
  return e.residual && other ? addSides(own, other, e.residual) : own;
}

/** A quantised sum of two int8 or uint8 elements. */
export function addSides(own: LExpr, other: LExpr, r: Residual, tables?: SumTables): LExpr {
  if (tables) {
    // A byte's bits are the subscript, whatever its sign.
    const entry = (table: Buffer, x: LExpr): LExpr => cast('int32', load(table, cast('index', cast('uint8', x))));
    const both = add(entry(tables.own, own), entry(tables.other, other));
    return clamp(both, r.dtype, r.min, r.max);
  }
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
