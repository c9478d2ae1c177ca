/**
 * The small C functions that emitted code leans on: arithmetic that wraps, conversions that saturate, and instructions
 * with a portable fall-back. Each is made on demand, so a program carries only what it uses.
 */
import type { DType } from '../tensor/dtype.ts';
import { dtypeInfo } from '../tensor/dtype.ts';
import type { BinaryOp, UnaryFn } from '../tensor/te.ts';
import { intrinsic } from '../targets/intrinsics.ts';
import { floatFunction, saturatingConversion } from './float-functions.ts';
import { commentText } from './names.ts';

/** The C type of an element type. */
export function cType(dtype: DType | 'index'): string {
  switch (dtype) {
    case 'index':
      return 'int32_t';
    case 'bool':
      return 'bool';
    case 'float16':
    case 'bfloat16':
    case 'float32':
      return 'float';
    case 'float64':
      return 'double';
    default:
      return `${dtype}_t`;
  }
}

/** Collects helpers by name; text in the order of first use. */
export class Helpers {
  private readonly made = new Map<string, string>();

  /** The name of a helper; `text` is asked for on first use. */
  use(name: string, text: () => string): string {
    if (!this.made.has(name)) this.made.set(name, text());
    return name;
  }

  /** All helpers, sorted by name so that the order of kernels does not show. */
  text(): string {
    return [...this.made.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, text]) => text)
      .join('\n\n');
  }

  /** Asks the compiler to write the following loop out. */
  unroll(): string {
    return this.use('RL_UNROLL', () =>
      [
        '/* The loop that follows is to be written out. */',
        '#if defined(__clang__)',
        '#define RL_UNROLL _Pragma("unroll")',
        '#elif defined(__GNUC__)',
        '#define RL_UNROLL _Pragma("GCC unroll 64")',
        '#else',
        '#define RL_UNROLL',
        '#endif',
      ].join('\n'),
    );
  }

  /** An instruction as a C function. */
  intrinsic(name: string): string {
    const record = intrinsic(name);
    const memory = record.reads !== undefined || record.writes !== undefined;
    const type = record.dtype === 'float32' ? 'float' : 'int32_t';
    const element = record.dtype === 'float32' ? 'float' : 'rl_word';
    const place = `${record.writes === undefined ? 'const ' : ''}${element} *${record.moves === undefined ? '' : '*'}at`;
    const parameters = [
      ...(record.results ?? []).map((r) => `${type} *${r}`),
      ...(memory ? [place] : []),
      ...record.params.map((p) => `${type} ${p}`),
    ].join(', ');
    const indent = (text: string): string => text.replace(/^/gm, '  ');
    return this.use(`rl_${name}`, () =>
      [
        `/* ${commentText(record.summary)} */`,
        `static inline ${record.results ? 'void' : type} rl_${name}(${parameters})`,
        '{',
        record.dtype === 'float32' ? '#if RL_FPU' : '#if RL_DSP',
        indent(record.arm),
        '#else',
        indent(record.portable),
        '#endif',
        '}',
      ].join('\n'),
    );
  }

  /** Two's complement arithmetic of a signed type of 32 or 64 bits. */
  wrapping(op: 'add' | 'sub' | 'mul', dtype: DType): string {
    const t = cType(dtype);
    const sign = { add: '+', sub: '-', mul: '*' }[op];
    return this.use(
      `rl_${op}_${dtype}`,
      () => `static inline ${t} rl_${op}_${dtype}(${t} a, ${t} b) { return (${t})((u${t})a ${sign} (u${t})b); }`,
    );
  }

  minMax(op: 'min' | 'max', dtype: DType | 'index'): string {
    const t = cType(dtype);
    const name = `rl_${op}_${dtype === 'index' ? 'int32' : dtype}`;
    return this.use(
      name,
      () => `static inline ${t} ${name}(${t} a, ${t} b) { return a ${op === 'min' ? '<' : '>'} b ? a : b; }`,
    );
  }

  /** Integer division and remainder, floor and truncating; a zero divisor gives zero, the overflowing case wraps. */
  divide(op: BinaryOp, dtype: DType | 'index'): string {
    const t = cType(dtype);
    const d = dtype === 'index' ? 'int32' : dtype;
    const name = `rl_${op}_${d}`;
    const signed = !d.startsWith('u');
    const rest = op.endsWith('mod');
    const floor = op.startsWith('floor');
    return this.use(name, () => {
      const lines = [`static inline ${t} ${name}(${t} a, ${t} b)`, '{', '  if (b == 0) return 0;'];
      if (signed) lines.push(`  if (b == -1) return ${rest ? '0' : `(${t})(0u - (u${t})a)`};`);
      if (!signed || !floor) lines.push(`  return (${t})(a ${rest ? '%' : '/'} b);`);
      else if (rest) {
        lines.push(`  ${t} r = (${t})(a % b);`, `  return (r != 0 && (r < 0) != (b < 0)) ? (${t})(r + b) : r;`);
      } else {
        lines.push(`  ${t} q = (${t})(a / b);`, `  return (a % b != 0 && (a < 0) != (b < 0)) ? (${t})(q - 1) : q;`);
      }
      return [...lines, '}'].join('\n');
    });
  }

  /** The remainder of floats that has the divisor's sign. */
  floorRemainder(dtype: DType): string {
    const name = `rl_floormod_${dtype}`;
    const f = cType(dtype);
    const floor = f === 'float' ? 'floorf' : 'floor';
    return this.use(name, () => `static inline ${f} ${name}(${f} a, ${f} b) { return a - ${floor}(a / b) * b; }`);
  }

  /** The absolute value of a signed integer; the least one stays itself. */
  magnitude(dtype: DType | 'index'): string {
    const t = cType(dtype);
    const name = `rl_abs_${dtype === 'index' ? 'int32' : dtype}`;
    return this.use(name, () => `static inline ${t} ${name}(${t} x) { return x < 0 ? (${t})(0u - (u${t})x) : x; }`);
  }

  /** Float to integer: toward zero, saturating, NaN to zero. */
  saturatingCast(from: DType, to: DType): string {
    const name = `rl_${to}_of_${from}`;
    const info = dtypeInfo(to);
    const bits = info?.bits ?? 32;
    const signed = info?.code === 'int';
    const f = cType(from);
    const t = cType(to);
    const bound = (exponent: number): string => `${2 ** exponent}.0${f === 'float' ? 'f' : ''}`;
    const max = signed ? `INT${bits}_MAX` : `UINT${bits}_MAX`;
    const min = signed ? `INT${bits}_MIN` : '0';
    const unit = from === 'float32' ? saturatingConversion(to) : undefined;
    return this.use(name, () =>
      [
        `static inline ${t} ${name}(${f} x)`,
        '{',
        ...(unit === undefined ? [] : ['#if RL_FPU', unit, '#else']),
        '  if (x != x) return 0;',
        `  if (x >= ${bound(signed ? bits - 1 : bits)}) return ${max};`,
        `  if (x <= ${signed ? `-${bound(bits - 1)}` : bound(0).replace('1', '0')}) return ${min};`,
        `  return (${t})x;`,
        ...(unit === undefined ? [] : ['#endif']),
        '}',
      ].join('\n'),
    );
  }

  bitcast(from: DType, to: DType): string {
    const name = `rl_${to}_bits_of_${from}`;
    return this.use(name, () =>
      [
        `static inline ${cType(to)} ${name}(${cType(from)} x)`,
        '{',
        `  ${cType(to)} r;`,
        '  memcpy(&r, &x, sizeof r);',
        '  return r;',
        '}',
      ].join('\n'),
    );
  }

  /** Fixed-point multiply with a 64-bit product, rounding half up. */
  requantize64(): string {
    return this.use('rl_qmulshift', () =>
      [
        '/* (x * 2^left * multiplier) / 2^(31 + right), rounded half up; shift is left if positive, else -right. */',
        'static inline int32_t rl_qmulshift(int32_t x, int32_t multiplier, int32_t shift)',
        '{',
        '  if (shift > 63 || shift < -31) return 0; /* shifted out, or less than a half */',
        '  int32_t total = 31 - (shift > 0 ? 0 : shift);',
        '  uint64_t wide = (uint64_t)(int64_t)x << (shift > 0 ? shift : 0);',
        '  int64_t product = (int64_t)(wide * (uint64_t)(int64_t)multiplier);',
        '  return (int32_t)((int64_t)((uint64_t)product + ((uint64_t)1 << (total - 1))) >> total);',
        '}',
      ].join('\n'),
    );
  }

  /** Math functions that C has no single name for. `normal`: an exponential that is known to be a normal number. */
  unary(op: UnaryFn, dtype: DType, normal = false): string {
    const own = dtype === 'float32' ? floatFunction(normal && op === 'exp' ? 'normal_exp' : op) : undefined;
    if (own) return own.map(([name, text]) => this.use(name, () => text)).at(-1) ?? '';
    const f = cType(dtype);
    const s = f === 'float' ? 'f' : '';
    const one = f === 'float' ? '1.0f' : '1.0';
    if (op === 'sigmoid' || op === 'rsqrt') {
      const body = op === 'sigmoid' ? `${one} / (${one} + exp${s}(-x))` : `${one} / sqrt${s}(x)`;
      return this.use(`rl_${op}_${dtype}`, () => `static inline ${f} rl_${op}_${dtype}(${f} x) { return ${body}; }`);
    }
    const name = `rl_${op}_${dtype}`;
    const bits = dtypeInfo(dtype)?.bits ?? 32;
    const u = `uint${bits}_t`;
    const step = op === 'popcount' ? 'for (; v != 0; v &= v - 1u) n++;' : `for (n = ${bits}; v != 0; v >>= 1) n--;`;
    return this.use(name, () =>
      [
        `static inline ${cType(dtype)} ${name}(${cType(dtype)} x)`,
        '{',
        `  ${u} v = (${u})x;`,
        '  int n = 0;',
        `  ${step}`,
        `  return (${cType(dtype)})n;`,
        '}',
      ].join('\n'),
    );
  }

  /** A macro that hides where a pointer came from. */
  opaque(): string {
    return this.use('RL_OPAQUE', () =>
      [
        '/* Hides from the compiler where a pointer came from: what lies near it is reached by offsets. */',
        '#if RL_DSP',
        '#define RL_OPAQUE(p) __asm__("" : "+r"(p))',
        '#else',
        '#define RL_OPAQUE(p) ((void)0)',
        '#endif',
      ].join('\n'),
    );
  }

  narrowFloat(dtype: 'float16' | 'bfloat16'): string {
    const [mantissa, minExponent] = dtype === 'float16' ? [11, -14] : [8, -126];
    return this.use(`rl_round_${dtype}`, () =>
      [
        `/* Rounds to the nearest ${dtype}, ties to even. */`,
        `static inline float rl_round_${dtype}(float x)`,
        '{',
        '  int e;',
        '  double q;',
        '  if (!(x - x == 0.0f) || x == 0.0f) return x;',
        '  (void)frexp((double)x, &e);',
        `  if (e < ${minExponent + 1}) e = ${minExponent + 1};`,
        `  q = ldexp(1.0, e - ${mantissa});`,
        '  x = (float)(nearbyint((double)x / q) * q);',
        dtype === 'float16' ? '  return x > 65504.0f ? INFINITY : x < -65504.0f ? -INFINITY : x;' : '  return x;',
        '}',
      ].join('\n'),
    );
  }
}

/** What every emitted source starts with, before its helpers. */
export const prelude = `#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* One where the DSP extension's instructions may be written. */
#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32) && !defined(RL_PORTABLE)
#define RL_DSP 1
#else
#define RL_DSP 0
#endif
/* One where the instructions of the single-precision floating-point unit may be written. */
#if defined(__ARM_FEATURE_FMA) && defined(__ARM_FP) && defined(__thumb2__) && !defined(RL_PORTABLE)
#define RL_FPU 1
#else
#define RL_FPU 0
#endif

/* Words laid over arrays of narrower elements. */
typedef int32_t rl_word __attribute__((may_alias, aligned(4)));
typedef int64_t rl_words2 __attribute__((may_alias, aligned(4)));
`;
