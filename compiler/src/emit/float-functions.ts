/**
 * Functions of float32 as C of our own: the library's are calls that keep to every rule of errno, and take several times
 * as many instructions. Rounding to integers is exact; the exponential is within a unit of the last place
 * (8.6e-8 of its value), and 0 where the value is no normal number.
 */
import type { UnaryFn } from '../tensor/te.ts';

/** A function and the helpers that it calls, in order; helpers stand sorted by name, so callees sort before callers. */
interface FloatFunction {
  readonly calls: readonly string[];
  readonly text: (name: string) => string;
}

/** Parts of integers at and above this size have no fraction. */
const whole = '8388608.0f';

/** A rounding to integers: `adjust` corrects `t`, which is `cut` without its fraction. */
const rounding = (adjust: string, cut = 'x'): FloatFunction => ({
  calls: [],
  text: (name) =>
    [
      `static inline float ${name}(float x)`,
      '{',
      `  if (!(fabsf(x) < ${whole})) return x; /* already whole, or not a number */`,
      `  float t = (float)(int32_t)(${cut});`,
      ...(adjust === '' ? [] : [`  ${adjust}`]),
      '  return copysignf(t, x); /* a zero keeps its sign */',
      '}',
    ].join('\n'),
});

/** Below, values of the exponential leave the normal numbers; from the other on, they are infinite. */
const [least, beyond] = ['-86.9f', '88.72284f'];

/** From the nearest multiple `n` of ln 2 to the exponential `p` of what is left of x. */
const polynomial = [
  '  float r = rl_add_product(n, -0.69314575f, x);',
  '  r = rl_add_product(n, -0.0000014286068f, r);',
  '  float p = rl_add_product(0.0013814467f, r, 0.008368781f);',
  '  p = rl_add_product(p, r, 0.041668393f);',
  '  p = rl_add_product(p, r, 0.1666652f);',
  '  p = rl_add_product(p, r, 0.49999994f);',
  '  p = rl_add_product(r * r, p, r) + 1.0f;',
];

/** The same for results that are known to be normal numbers: n + 127 are the exponent's bits of 2^n. */
const normalExponential: FloatFunction = {
  calls: ['rl_add_product'],
  text: (name) =>
    [
      '/* 2^n times a polynomial of what is left of x; for normal results */',
      `static inline float ${name}(float x)`,
      '{',
      '  float n = rl_add_product(x, 1.442695f, 12583039.0f); /* 127 above the nearest integer */',
      '  uint32_t bits;',
      '  float scale;',
      '  memcpy(&bits, &n, sizeof bits);',
      '  bits <<= 23;',
      '  memcpy(&scale, &bits, sizeof scale);',
      '  n -= 12583039.0f;',
      ...polynomial,
      '  return p * scale;',
      '}',
    ].join('\n'),
};

const exponential: FloatFunction = {
  calls: ['rl_add_product'],
  text: (name) =>
    [
      '/* 2^n times a polynomial of what is left of x, which lies within half of ln 2 */',
      `static inline float ${name}(float x)`,
      '{',
      `  if (!(x < ${beyond})) return x != x ? x : HUGE_VALF;`,
      `  if (x < ${least}) return 0.0f;`,
      '  float n = rl_add_product(x, 1.442695f, 12582912.0f) - 12582912.0f; /* to the nearest integer */',
      ...polynomial,
      '  uint32_t bits = (uint32_t)((int32_t)n + 126) << 23;',
      '  float scale;',
      '  memcpy(&scale, &bits, sizeof scale);',
      '  return (p + p) * scale;',
      '}',
    ].join('\n'),
};

const functions: Partial<Readonly<Record<UnaryFn | 'normal_exp', FloatFunction>>> = {
  exp: exponential,
  normal_exp: normalExponential,
  sigmoid: {
    calls: ['rl_exp_float32'],
    text: (name) => `static inline float ${name}(float x) { return 1.0f / (1.0f + rl_exp_float32(-x)); }`,
  },
  trunc: rounding(''),
  floor: rounding('if (t > x) t -= 1.0f;'),
  ceil: rounding('if (t < x) t += 1.0f;'),
  // The greatest float below a half: added to one, no sum is rounded up to the next integer.
  round: rounding('', 'x + copysignf(0.49999997f, x)'),
};

const addProduct = [
  '/* a * b + c; rounded once where an instruction does so */',
  'static inline float rl_add_product(float a, float b, float c)',
  '{',
  '#if RL_FPU',
  '  return fmaf(a, b, c);',
  '#else',
  '  return a * b + c;',
  '#endif',
  '}',
].join('\n');

/** The helpers of a function of float32, callees first, by name; undefined when the library's is used. */
export function floatFunction(
  op: UnaryFn | 'normal_exp',
): readonly (readonly [name: string, text: string])[] | undefined {
  const found = functions[op];
  if (!found) return undefined;
  const name = `rl_${op}_float32`;
  const callees = found.calls.flatMap((callee): (readonly [string, string])[] =>
    callee === 'rl_add_product' ? [[callee, addProduct]] : [...(floatFunction('exp') ?? [])],
  );
  return [...callees, [name, found.text(name)]];
}

/**
 * Conversion of float32 to an integer of at most 32 bits where the floating-point unit saturates by itself and turns
 * what is no number into 0; else `undefined`.
 */
export function saturatingConversion(to: string): string | undefined {
  const clamp = { int8: 'ssat %0, #8, %0', int16: 'ssat %0, #16, %0', uint8: 'usat %0, #8, %0', uint16: 'usat %0, #16, %0' }; // prettier-ignore
  const type = to === 'uint32' ? 'u32' : 's32';
  if (to !== 'int32' && to !== 'uint32' && !(to in clamp)) return undefined;
  const narrow = (clamp as Readonly<Record<string, string>>)[to];
  return [
    '  float whole;',
    '  int32_t r;',
    `  __asm__("vcvt.${type}.f32 %0, %1" : "=t"(whole) : "t"(x));`,
    '  memcpy(&r, &whole, sizeof r);',
    ...(narrow === undefined ? [] : [`  __asm__("${narrow}" : "+r"(r));`]),
    `  return (${to}_t)r;`,
  ].join('\n');
}
