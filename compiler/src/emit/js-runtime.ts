/** What kernels in JavaScript call: checked subscripts, the rarer arithmetic, and the meaning of instructions. */
import { fusedMultiplyAdd } from '../targets/float-intrinsics.ts';
import { intrinsic } from '../targets/intrinsics.ts';
import { dtypeInfo, integerRange, isFloat } from '../tensor/dtype.ts';
import type { BinaryOp, UnaryFn } from '../tensor/te.ts';

type Value = number | bigint | boolean;

function at(index: number, view: ArrayLike<unknown>): number {
  if (!(Number.isInteger(index) && index >= 0 && index < view.length))
    throw new RangeError(`subscript ${index} outside 0…${view.length - 1}`);
  return index;
}

function bigDivide(op: BinaryOp, a: bigint, b: bigint): bigint {
  if (b === 0n) return 0n;
  const q = a / b;
  const r = a % b;
  const down = r !== 0n && r < 0n !== b < 0n;
  if (op === 'floordiv') return down ? q - 1n : q;
  if (op === 'floormod') return down ? r + b : r;
  return op === 'truncmod' ? r : q;
}

function binary(op: BinaryOp, dtype: string, a: Value, b: Value): Value {
  if (op === 'min') return a < b ? a : b;
  if (op === 'max') return a > b ? a : b;
  if (dtype !== 'index' && isFloat(dtype)) {
    const [x, y] = [Number(a), Number(b)];
    switch (op) {
      case 'pow':
        return x ** y;
      case 'atan2':
        return Math.atan2(x, y);
      case 'floordiv':
        return Math.floor(x / y);
      case 'truncdiv':
        return Math.trunc(x / y);
      case 'floormod':
        return x - Math.floor(x / y) * y;
      case 'truncmod':
        return x % y;
      default:
        return x / y;
    }
  }
  const [x, y] = [BigInt(a), BigInt(b)];
  const bits = BigInt(dtypeInfo(dtype)?.bits ?? 32);
  // Amounts are taken modulo the width of the arithmetic.
  const amount = typeof a === 'bigint' ? 63n : 31n;
  const narrow = (v: bigint): Value => (typeof a === 'bigint' ? v : Number(BigInt.asIntN(32, v)));
  switch (op) {
    case 'and':
      return narrow(x & y);
    case 'or':
      return narrow(x | y);
    case 'xor':
      return narrow(x ^ y);
    case 'shl':
      return narrow(BigInt.asIntN(Number(bits), x << (y & amount)));
    case 'shr':
      return narrow(x >> (y & amount));
    case 'pow':
      return narrow(y < 0n ? 0n : x ** y);
    default:
      return narrow(bigDivide(op, x, y));
  }
}

/** The error function to double precision: series for small arguments, continued fraction beyond. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; n++) {
      term *= -(a * a) / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * sum;
  }
  let f = 0;
  for (let n = 60; n > 0; n--) f = n / 2 / (a + f);
  return Math.sign(x) * (1 - Math.exp(-a * a) / ((a + f) * Math.sqrt(Math.PI)));
}

function half(x: number): number {
  const f = Math.floor(x);
  const d = x - f;
  if (d !== 0.5) return Math.round(x);
  return f % 2 === 0 ? f : f + 1;
}

function unary(op: UnaryFn, dtype: string, v: Value): Value {
  if (op === 'isnan') return Number.isNaN(v);
  if (op === 'isfinite') return typeof v === 'bigint' || Number.isFinite(Number(v));
  if (op === 'isinf') return typeof v !== 'bigint' && !Number.isFinite(Number(v)) && !Number.isNaN(v);
  if (op === 'not') return typeof v === 'boolean' ? !v : typeof v === 'bigint' ? ~v : ~v;
  if (op === 'neg') return typeof v === 'bigint' ? -v : -Number(v);
  if (op === 'abs') return typeof v === 'bigint' ? (v < 0n ? -v : v) : Math.abs(Number(v));
  if (op === 'popcount' || op === 'clz') {
    const bits = dtypeInfo(dtype)?.bits ?? 32;
    const text = BigInt.asUintN(bits, BigInt(v)).toString(2);
    const n = op === 'popcount' ? text.replace(/0/g, '').length : text === '0' ? bits : bits - text.length;
    return typeof v === 'bigint' ? BigInt(n) : n;
  }
  if (typeof v === 'bigint' || (dtype !== 'index' && !isFloat(dtype))) return v;
  const x = Number(v);
  switch (op) {
    case 'rsqrt':
      return 1 / Math.sqrt(x);
    case 'sigmoid': {
      // Rounded where the C is, so that both agree.
      const round = dtype === 'float64' ? (y: number): number => y : Math.fround;
      return 1 / round(1 + round(Math.exp(-x)));
    }
    case 'erf':
      return erf(x);
    case 'round':
      return x < 0 ? -Math.floor(-x + 0.5) : Math.floor(x + 0.5);
    case 'nearbyint':
      return half(x);
    default:
      return Math[op](x);
  }
}

function saturate(value: number, dtype: string): Value {
  const range = integerRange(dtype) ?? { min: 0n, max: 0n };
  const wide = (dtypeInfo(dtype)?.bits ?? 32) === 64;
  if (Number.isNaN(value)) return wide ? 0n : 0;
  let v = value >= Number(range.max) ? range.max : value <= Number(range.min) ? range.min : BigInt(Math.trunc(value));
  if (v > range.max) v = range.max;
  return wide ? v : Number(v);
}

function qmulshift(x: number, multiplier: number, shift: number): number {
  if (shift > 63 || shift < -31) return 0;
  const left = BigInt(Math.max(shift, 0));
  const total = BigInt(31 - Math.min(shift, 0));
  const product = BigInt.asIntN(64, (BigInt(x) << left) * BigInt(multiplier));
  return Number(BigInt.asIntN(32, BigInt.asIntN(64, product + (1n << (total - 1n))) >> total));
}

function bitcast(value: Value, from: string, to: string): Value {
  const data = new DataView(new ArrayBuffer(8));
  const bits = dtypeInfo(from)?.bits ?? 32;
  if (isFloat(from)) {
    if (bits === 64) data.setFloat64(0, Number(value), true);
    else data.setFloat32(0, Number(value), true);
  } else data.setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
  const raw = BigInt.asUintN(bits, data.getBigUint64(0, true));
  if (isFloat(to)) return bits === 64 ? data.getFloat64(0, true) : data.getFloat32(0, true);
  const whole = to.startsWith('u') ? raw : BigInt.asIntN(bits, raw);
  return bits === 64 ? whole : Number(whole);
}

/** Rounds to float16 or bfloat16, ties to even. */
function narrow(x: number, dtype: string): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const [mantissa, minExponent] = dtype === 'float16' ? [10, -14] : [7, -126];
  const exponent = Math.max(minExponent, Math.floor(Math.log2(Math.abs(x))));
  const quantum = 2 ** (exponent - mantissa);
  const rounded = half(x / quantum) * quantum;
  if (dtype === 'float16' && Math.abs(rounded) > 65504) return rounded > 0 ? Infinity : -Infinity;
  return Math.fround(rounded);
}

export const jsRuntime = {
  at,
  binary,
  unary,
  saturate,
  qmulshift,
  bitcast,
  narrow,
  fma: fusedMultiplyAdd,
  intrinsic: (name: string, ...args: number[]): readonly number[] => intrinsic(name).meaning(...args),
};
