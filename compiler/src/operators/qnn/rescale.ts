/** Fixed-point rescaling between quantised tensors: what `qnn.requantize` means, reused by the arithmetic operators. */
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import {
  add,
  binary,
  cast,
  compare,
  compute,
  constant,
  int,
  load,
  maximum,
  minimum,
  mul,
  qmulshift,
  select,
  sub,
  table,
  unary,
} from '../../tensor/te.ts';
import type { DType } from '../../tensor/dtype.ts';
import { fixedPointMultiplier } from './fixed-point.ts';

/** A factor for each channel (or one for all): constants, or read when the program runs. */
export interface Rescaling {
  /** Factors known now; one element for a whole tensor. */
  readonly factors?: readonly number[];
  /** Otherwise the factor of a channel as a float64 expression, and the number of channels. */
  readonly factorAt?: (channel: TEExpr) => TEExpr;
  readonly count: number;
}

export type Rounding = 'UPWARD' | 'TONEAREST';

/** Multiplies an int32 value by its channel's factor in 31-bit fixed point. */
export function fixedPointRescaler(rescaling: Rescaling, rounding: Rounding) {
  const { multiplier, shift } = parts(rescaling);
  return (value: TEExpr, channel: TEExpr): TEExpr =>
    rounding === 'UPWARD'
      ? qmulshift(value, multiplier(channel), shift(channel))
      : roundAwayFromZero(value, multiplier(channel), shift(channel));
}

type ByChannel = (channel: TEExpr) => TEExpr;

function parts(rescaling: Rescaling): { readonly multiplier: ByChannel; readonly shift: ByChannel } {
  const { factors } = rescaling;
  if (!factors) return runtimeParts(rescaling);
  const points = factors.map(fixedPointMultiplier);
  const [only] = points;
  if (points.length === 1 && only) return { multiplier: () => int(only.multiplier), shift: () => int(only.shift) };
  const asTable = (name: string, values: readonly number[]): TETensor =>
    table(name, { dtype: 'int32', shape: [values.length], data: Int32Array.from(values) });
  const multipliers = asTable(
    'multiplier',
    points.map((p) => p.multiplier),
  );
  const shifts = asTable(
    'shift',
    points.map((p) => p.shift),
  );
  return { multiplier: (channel) => load(multipliers, channel), shift: (channel) => load(shifts, channel) };
}

const double = (value: number): TEExpr => constant(value, 'float64');
const powerOfTwo = (exponent: TEExpr): TEExpr => binary('pow', double(2), exponent);

/** Splits the factor when the program runs; a logarithm's rounding error is corrected, so the split is exact. */
function runtimeParts(rescaling: Rescaling): { readonly multiplier: ByChannel; readonly shift: ByChannel } {
  const { factorAt, count } = rescaling;
  if (!factorAt) throw new Error('a rescaling needs factors');
  const factor = compute('factor', [count], (channel) => factorAt(channel));
  const exponent = compute('exponent', [count], (channel) => {
    const value = load(factor, channel);
    const guess = add(unary('floor', unary('log2', value)), double(1));
    const low = compare('lt', value, powerOfTwo(sub(guess, double(1))));
    const high = compare('ge', value, powerOfTwo(guess));
    const exact = select(low, sub(guess, double(1)), select(high, add(guess, double(1)), guess));
    return select(compare('eq', value, double(0)), double(0), exact);
  });
  const scaled = compute('significand', [count], (channel) => {
    const up = sub(double(31), load(exponent, channel));
    return unary('floor', add(mul(load(factor, channel), powerOfTwo(up)), double(0.5)));
  });
  const overflows = (channel: TEExpr): TEExpr => compare('ge', load(scaled, channel), double(2 ** 31));
  const multiplier = compute('multiplier', [count], (channel) =>
    cast('int32', select(overflows(channel), double(2 ** 30), load(scaled, channel))),
  );
  const shift = compute('shift', [count], (channel) =>
    cast('int32', add(load(exponent, channel), select(overflows(channel), double(1), double(0)))),
  );
  const at = (channel: TEExpr): TEExpr => (count === 1 ? int(0) : channel);
  return { multiplier: (channel) => load(multiplier, at(channel)), shift: (channel) => load(shift, at(channel)) };
}

/** The product rounded to nearest, halves away from zero, in 64 bits. */
function roundAwayFromZero(value: TEExpr, multiplier: TEExpr, shift: TEExpr): TEExpr {
  const wide = (e: TEExpr): TEExpr => cast('int64', e);
  const long = (n: bigint): TEExpr => constant(n, 'int64');
  const left = wide(maximum(shift, int(0)));
  const right = add(wide(sub(int(0), minimum(shift, int(0)))), long(31n));
  const product = mul(binary('shl', wide(value), left), wide(multiplier));
  const half = binary('shl', long(1n), sub(right, long(1n)));
  const rounding = select(compare('ge', product, long(0n)), half, sub(half, long(1n)));
  return cast('int32', binary('shr', add(product, rounding), right));
}

/** Multiplies by the factor in floating point; rounds after the zero point is added. */
export function floatRescaler(rescaling: Rescaling, dtype: DType): (value: TEExpr, channel: TEExpr) => TEExpr {
  const { factors, factorAt } = rescaling;
  if (!factors) {
    if (!factorAt) throw new Error('a rescaling needs factors');
    return (value, channel) => mul(value, cast(dtype, factorAt(channel)));
  }
  const [only] = factors;
  if (factors.length === 1) return (value) => mul(constant(only ?? 0, dtype), value);
  const data = dtype === 'float64' ? Float64Array.from(factors) : Float32Array.from(factors);
  const values = table('factor', { dtype, shape: [factors.length], data });
  return (value, channel) => mul(value, load(values, channel));
}

/** Rounds a float to an int32: halves up, or halves away from zero. */
export function roundFloat(value: TEExpr, dtype: DType, rounding: Rounding): TEExpr {
  const rounded = rounding === 'UPWARD' ? unary('floor', add(value, constant(0.5, dtype))) : unary('round', value);
  return cast('int32', rounded);
}
