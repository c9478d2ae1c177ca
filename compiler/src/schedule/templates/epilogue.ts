/** From 32-bit sums to stored bytes: scaling, zero point, saturation, bounds, and a fused residual addition. */
import { add, bin, cast, deref, i32, intr, point, pointer, sub } from '../../loops/build.ts';
import type { LExpr, Pointer, Stmt } from '../../loops/ir.ts';
import type { LoweredKernel } from '../../loops/kernel.ts';
import type { AddSide, ConvProblem, Epilogue, OutputDType, Residual } from '../problem.ts';
import { highMultiply, scaleByConstants, scaleUp, scaleWide, scalingFor } from '../requantize.ts';
import type { Scaling } from './parts.ts';

const range = { int8: { min: -128, max: 127 }, uint8: { min: 0, max: 255 } } as const;

/** Saturates to the type, then applies bounds that are tighter. */
export function clamp(value: LExpr, dtype: OutputDType, min: number, max: number): LExpr {
  const [above, below] = [min > range[dtype].min, max < range[dtype].max];
  let v = above && below ? value : intr(dtype === 'int8' ? 'ssat8' : 'usat8', value);
  if (above) v = bin('max', v, i32(min));
  if (below) v = bin('min', v, i32(max));
  return v;
}

/**
 * The problem with its upper bound lifted to 255, where unsigned saturation sets it, and an unsigned saturating subtraction
 * the lower one: three instructions instead of three for each bound. Lifting itself costs nothing where scaling adds the
 * zero point. The problem as it is where its bounds are as cheap already, or where scaling would not stay `exact`.
 */
export function liftBounds(p: ConvProblem, scaling: Scaling, exact: (lifted: ConvProblem) => boolean): ConvProblem {
  const e = p.epilogue;
  const [above, below] = [e.min > range[e.dtype].min, e.max < range[e.dtype].max];
  // A bound takes a comparison and a conditional move; one of zero is a single instruction.
  const cost = (bounds: boolean, at: number): number => (!bounds ? 0 : at === 0 ? 1 : 3);
  const compared = (above && below ? 0 : 1) + cost(above, e.min) + cost(below, e.max);
  const isCheaper = (e.min === 0 ? 2 : 3) < compared;
  if (!isCheaper || (scaling !== 'high' && scaling !== 'compact')) return p;
  const by = 255 - e.max;
  const lifted = {
    ...p,
    epilogue: { ...e, zeroPoint: e.zeroPoint + by, min: e.min + by, max: 255, lifted: by },
  };
  return exact(lifted) ? lifted : p;
}

/** Bounds of what was scaled to a lifted zero point. */
function clampLifted(value: LExpr, min: number, lifted: number): LExpr {
  const above = intr('uqsub8', intr('usat8', value), i32(min));
  return min === lifted ? above : add(above, i32(min - lifted));
}

/** Both sides of a sum for every byte, as tables by its value. */
export interface SumTables {
  /** At the entry of zero, so that a byte is its own subscript. */
  readonly own: Pointer;
  readonly other: Pointer;
  /** What must stand before entries are read. */
  readonly statements: readonly Stmt[];
  readonly constants: LoweredKernel['constants'];
}

/** Tables for a sum; undefined where a side leaves 16 bits. */
export function sumTables(r: Residual): SumTables | undefined {
  const of = (name: string, s: AddSide, plus: number): LoweredKernel['constants'][number] | undefined => {
    const values = Array.from({ length: 256 }, (_, i) => sideValue(i + range[s.dtype].min, s) + plus);
    if (values.some((v) => v < -32768 || v > 32767)) return undefined;
    const data = Int16Array.from(values);
    return { buffer: { name, dtype: 'int16', length: 256, align: 4 }, value: { dtype: 'int16', shape: [256], data } };
  };
  const constants = [of('own_side', r.own, 0), of('other_side', r.other, r.zeroPoint)];
  const [a, b] = constants;
  if (!a || !b) return undefined;
  const [own, other] = [pointer('own', a.buffer, 'int16'), pointer('other', b.buffer, 'int16')];
  const statements = [point(own, -range[r.own.dtype].min), point(other, -range[r.other.dtype].min)];
  return { own, other, statements, constants: [a, b] };
}

/** One side of a sum for one value. */
function sideValue(x: number, s: AddSide): number {
  const wide = BigInt(x - s.zeroPoint) << BigInt(Math.max(0, s.shift));
  const total = BigInt(31 - Math.min(0, s.shift));
  return Number((wide * BigInt(s.multiplier) + (1n << (total - 1n))) >> total);
}

/** What follows scaling, for one element; `other` is the residual's element where there is one. */
export function finish(scaled: LExpr, e: Epilogue, other: LExpr | undefined, tables?: SumTables): LExpr {
  const own = e.lifted === undefined ? clamp(scaled, e.dtype, e.min, e.max) : clampLifted(scaled, e.min, e.lifted);
  return e.residual && other ? addSides(own, other, e.residual, tables) : own;
}

/** A quantised sum of two int8 or uint8 elements. */
export function addSides(own: LExpr, other: LExpr, r: Residual, tables?: SumTables): LExpr {
  if (tables) {
    const entry = (table: Pointer, x: LExpr): LExpr => cast('int32', deref(table, cast('index', x)));
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
