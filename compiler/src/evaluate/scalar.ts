/**
 * Scalar arithmetic of tensor expressions, exact in every dtype. The generated evaluator calls these for what it does
 * not write inline; the interpreting evaluator calls them for everything. 64-bit integers are bigint, `bool` is 0 or 1,
 * all other values are numbers (`float16` and `bfloat16` already rounded).
 */
import { putElement, takeElement } from '../tensor/bytes.ts';
import { dtypeInfo, isFloat } from '../tensor/dtype.ts';
import type { DType } from '../tensor/dtype.ts';
import { nearbyint, roundBfloat16, roundFloat16 } from '../tensor/half.ts';
import type { BinaryOp, CompareOp, UnaryFn } from '../tensor/te.ts';

export type Scalar = number | bigint;

/** Whether values of the dtype are bigint. */
export function isWide(dtype: DType): boolean {
  return dtype === 'int64' || dtype === 'uint64';
}

/** Room for one element. */
const element = new DataView(new ArrayBuffer(8));

/** Nearest integer, ties away from zero. */
function roundAway(x: number): number {
  const whole = Math.trunc(x);
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
}

/** Brings the exact result of an operation to a value of the dtype: integers wrap, floats round. */
export function wrapper(dtype: DType): (x: Scalar) => Scalar {
  switch (dtype) {
    case 'int8':
      return (x) => (Number(x) << 24) >> 24;
    case 'int16':
      return (x) => (Number(x) << 16) >> 16;
    case 'int32':
      return (x) => Number(x) | 0;
    case 'uint8':
      return (x) => Number(x) & 255;
    case 'uint16':
      return (x) => Number(x) & 65535;
    case 'uint32':
      return (x) => Number(x) >>> 0;
    case 'bool':
      return (x) => Number(x) & 1;
    case 'int64':
      return (x) => BigInt.asIntN(64, x as bigint);
    case 'uint64':
      return (x) => BigInt.asUintN(64, x as bigint);
    case 'float16':
      return (x) => roundFloat16(Number(x));
    case 'bfloat16':
      return (x) => roundBfloat16(Number(x));
    case 'float32':
      return (x) => Math.fround(Number(x));
    default:
      return (x) => x;
  }
}

/** Largest int8 … uint32 value range for saturation. */
function numberRange(dtype: DType): readonly [number, number] {
  const info = dtypeInfo(dtype);
  const bits = info?.bits ?? 32;
  return info?.code === 'uint' ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

/** Float to a 64-bit integer: toward zero, saturating, NaN to 0. */
function floatToWide(x: number, unsigned: boolean): bigint {
  if (Number.isNaN(x)) return 0n;
  const [low, high] = unsigned ? [0n, 2n ** 64n - 1n] : [-(2n ** 63n), 2n ** 63n - 1n];
  if (x <= Number(low)) return low;
  if (x >= Number(high)) return high;
  return BigInt(Math.trunc(x));
}

/** Float to an integer of at most 32 bits: toward zero, saturating, NaN to 0. */
function floatToInt(x: number, low: number, high: number): number {
  if (x !== x) return 0;
  if (x <= low) return low;
  if (x >= high) return high;
  return Math.trunc(x) + 0;
}

/** Conversion from one dtype to another (C's, with saturating float to integer). */
export function caster(from: DType, to: DType): (x: Scalar) => Scalar {
  if (from === to) return (x) => x;
  if (to === 'bool') return isWide(from) ? (x) => (x === 0n ? 0 : 1) : (x) => (x === 0 ? 0 : 1);
  if (isFloat(from)) {
    if (isWide(to)) return (x) => floatToWide(x as number, to === 'uint64');
    if (isFloat(to)) return wrapper(to);
    const [low, high] = numberRange(to);
    return (x) => floatToInt(x as number, low, high);
  }
  const wrap = wrapper(to);
  if (isWide(to)) return isWide(from) ? wrap : (x) => wrap(BigInt(x));
  if (isFloat(to)) return isWide(from) ? (x) => wrap(Number(x)) : wrap;
  if (isWide(from)) return (x) => wrap(Number(BigInt.asIntN(32, x as bigint)));
  return wrap;
}

/** Same bits under another dtype of equal width. */
export function bitcast(from: DType, to: DType, x: Scalar): Scalar {
  putElement(element, 0, from, x);
  return takeElement(element, 0, to);
}

const powers = Float64Array.from({ length: 64 }, (_, i) => 2 ** i);

/**
 * TVM's `q_multiply_shift` with q = 31 and half-up rounding. Products are split at 16 bits of the multiplier, so that
 * each part and their sum stay below 2^53 and doubles are exact; only left shifts out of 32 bits need bigint.
 */
export function qmulshift(x: number, multiplier: number, shift: number): number {
  const value = shift > 0 ? x * (powers[shift & 63] ?? 0) : x;
  const total = shift < 0 ? 31 - shift : 31;
  if (value > 4294967295 || value < -4294967295 || total > 62 || shift > 31) return wideQmulshift(x, multiplier, shift);
  const high = value * (multiplier >> 16);
  const low = Math.floor((value * (multiplier & 65535)) / 65536);
  return Math.floor((high + low + (powers[total - 17] ?? 0)) / (powers[total - 16] ?? 1)) | 0;
}

/** The definition, in 64-bit arithmetic. */
export function wideQmulshift(x: number, multiplier: number, shift: number): number {
  // Shifted out altogether, or less than a half.
  if (shift > 63 || shift < -31) return 0;
  const left = BigInt(shift > 0 ? shift : 0);
  const total = 31n + BigInt(shift < 0 ? -shift : 0);
  const product = BigInt.asIntN(64, BigInt.asIntN(64, BigInt(x) << left) * BigInt(multiplier) + (1n << (total - 1n)));
  return Number(BigInt.asIntN(32, product >> total));
}

/** Error function, to about 1e-15: a series near zero and a continued fraction of its complement farther out. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a > 6) return x < 0 ? -1 : 1;
  if (a < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 80; n++) {
      term *= (-x * x) / n;
      const part = term / (2 * n + 1);
      sum += part;
      if (Math.abs(part) < 1e-17 * Math.abs(sum)) break;
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction);
  const complement = Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction));
  return x < 0 ? complement - 1 : 1 - complement;
}

/** Integer power by squaring in the ring of the dtype. */
function integerPower(multiply: (a: Scalar, b: Scalar) => Scalar, one: Scalar, base: Scalar, exponent: Scalar): Scalar {
  let e = BigInt(exponent);
  if (e < 0n) return base === one ? one : typeof one === 'bigint' ? 0n : 0;
  let result = one;
  let b = base;
  while (e > 0n) {
    if (e & 1n) result = multiply(result, b);
    b = multiply(b, b);
    e >>= 1n;
  }
  return result;
}

/** Integer division by zero is undefined in C and 0 here. */
export function binaryFunction(op: BinaryOp, dtype: DType): (a: Scalar, b: Scalar) => Scalar {
  const wrap = wrapper(dtype);
  if (isWide(dtype)) {
    const f = wideBinary(op, dtype);
    return (a, b) => wrap(f(a as bigint, b as bigint));
  }
  const f = isFloat(dtype) ? floatBinary(op) : narrowBinary(op, dtype);
  return (a, b) => wrap(f(a as number, b as number));
}

function floatBinary(op: BinaryOp): (a: number, b: number) => number {
  switch (op) {
    case 'add':
      return (a, b) => a + b;
    case 'sub':
      return (a, b) => a - b;
    case 'mul':
      return (a, b) => a * b;
    case 'div':
      return (a, b) => a / b;
    case 'floordiv':
      return (a, b) => Math.floor(a / b);
    case 'floormod':
      return (a, b) => a - b * Math.floor(a / b);
    case 'truncdiv':
      return (a, b) => Math.trunc(a / b);
    case 'truncmod':
      return (a, b) => a % b;
    case 'min':
      return (a, b) => (a < b ? a : b);
    case 'max':
      return (a, b) => (a > b ? a : b);
    case 'pow':
      return (a, b) => Math.pow(a, b);
    case 'atan2':
      return (a, b) => Math.atan2(a, b);
    default:
      throw new Error(`${op} of floats`);
  }
}

function narrowBinary(op: BinaryOp, dtype: DType): (a: number, b: number) => number {
  switch (op) {
    case 'mul':
      return (a, b) => Math.imul(a, b);
    case 'div':
    case 'truncdiv':
      return (a, b) => (b === 0 ? 0 : Math.trunc(a / b));
    case 'floordiv':
      return (a, b) => (b === 0 ? 0 : Math.floor(a / b));
    case 'floormod':
      return (a, b) => (b === 0 ? 0 : a - b * Math.floor(a / b));
    case 'truncmod':
      return (a, b) => (b === 0 ? 0 : a % b);
    case 'pow': {
      const wrap = wrapper(dtype);
      return (a, b) => Number(integerPower((x, y) => wrap(Math.imul(x as number, y as number)), 1, a, b));
    }
    case 'and':
      return (a, b) => a & b;
    case 'or':
      return (a, b) => a | b;
    case 'xor':
      return (a, b) => a ^ b;
    case 'shl':
      return (a, b) => a << (b & 31);
    case 'shr':
      return dtype === 'uint32' ? (a, b) => a >>> b : (a, b) => a >> b;
    default:
      return floatBinary(op);
  }
}

function wideBinary(op: BinaryOp, dtype: DType): (a: bigint, b: bigint) => bigint {
  switch (op) {
    case 'add':
      return (a, b) => a + b;
    case 'sub':
      return (a, b) => a - b;
    case 'mul':
      return (a, b) => a * b;
    case 'div':
    case 'truncdiv':
      return (a, b) => (b === 0n ? 0n : a / b);
    case 'truncmod':
      return (a, b) => (b === 0n ? 0n : a % b);
    case 'floordiv':
      return (a, b) => (b === 0n ? 0n : (a - (((a % b) + b) % b)) / b);
    case 'floormod':
      return (a, b) => (b === 0n ? 0n : ((a % b) + b) % b);
    case 'min':
      return (a, b) => (a < b ? a : b);
    case 'max':
      return (a, b) => (a > b ? a : b);
    case 'and':
      return (a, b) => a & b;
    case 'or':
      return (a, b) => a | b;
    case 'xor':
      return (a, b) => a ^ b;
    case 'shl':
      return (a, b) => a << (b & 63n);
    case 'shr':
      return (a, b) => a >> (b & 63n);
    case 'pow': {
      const wrap = wrapper(dtype);
      return (a, b) => integerPower((x, y) => wrap((x as bigint) * (y as bigint)), 1n, a, b) as bigint;
    }
    case 'atan2':
      throw new Error('atan2 of integers');
  }
}

/** The comparison as 0 or 1; false for NaN but for `ne`. */
export function compareFunction(op: CompareOp): (a: Scalar, b: Scalar) => number {
  switch (op) {
    case 'eq':
      return (a, b) => (a === b ? 1 : 0);
    case 'ne':
      return (a, b) => (a !== b ? 1 : 0);
    case 'lt':
      return (a, b) => (a < b ? 1 : 0);
    case 'le':
      return (a, b) => (a <= b ? 1 : 0);
    case 'gt':
      return (a, b) => (a > b ? 1 : 0);
    case 'ge':
      return (a, b) => (a >= b ? 1 : 0);
  }
}

/** The function on exact values, before wrapping or rounding to the dtype. */
const floatFunctions: Readonly<Partial<Record<UnaryFn, (x: number) => number>>> = {
  exp: Math.exp,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  erf,
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  round: roundAway,
  nearbyint,
};

/** Function of one argument; `from` is the operand's dtype. */
export function unaryFunction(op: UnaryFn, from: DType, to: DType): (x: Scalar) => Scalar {
  const wrap = wrapper(to);
  const bits = dtypeInfo(from)?.bits ?? 32;
  switch (op) {
    case 'neg':
      return (x) => wrap(typeof x === 'bigint' ? -x : isFloat(from) ? -x : 0 - x);
    case 'abs':
      return (x) => wrap(typeof x === 'bigint' ? (x < 0n ? -x : x) : Math.abs(x));
    case 'not':
      return from === 'bool' ? (x) => (x === 0 ? 1 : 0) : (x) => wrap(typeof x === 'bigint' ? ~x : ~x);
    case 'isnan':
      return (x) => (x !== x ? 1 : 0);
    case 'isfinite':
      return (x) => (typeof x === 'bigint' || Number.isFinite(x) ? 1 : 0);
    case 'isinf':
      return (x) => (x === Infinity || x === -Infinity ? 1 : 0);
    case 'popcount':
    case 'clz':
      return (x) => {
        const text = BigInt.asUintN(bits, BigInt(x)).toString(2);
        const count = op === 'clz' ? (text === '0' ? bits : bits - text.length) : text.replaceAll('0', '').length;
        return wrap(isWide(to) ? BigInt(count) : count);
      };
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'round':
    case 'nearbyint':
      if (!isFloat(from)) return (x) => x;
      break;
    default:
  }
  // Of integers: in double precision, then converted as a cast does.
  if (!isFloat(from)) {
    const f = unaryFunction(op, 'float64', 'float64');
    const back = caster('float64', to);
    return (x) => back(f(Number(x)));
  }
  switch (op) {
    // Functions that other functions make up are rounded at every step, as the made-up form is.
    case 'rsqrt':
      return (x) => wrap(1 / Number(wrap(Math.sqrt(Number(x)))));
    case 'sigmoid':
      return (x) => wrap(1 / Number(wrap(1 + Number(wrap(Math.exp(-Number(x)))))));
    default: {
      const f = floatFunctions[op];
      if (f === undefined) throw new Error(`unknown function ${op}`);
      return (x) => wrap(f(x as number));
    }
  }
}
