/** 16-bit floats: rounding and bit patterns. Values are held as numbers. */

const wordFloat = new Float32Array(1);
const wordBits = new Uint32Array(wordFloat.buffer);

function exponentOf(magnitude: number): number {
  let e = Math.floor(Math.log2(magnitude));
  // log2 may be one off next to a power of two.
  if (2 ** e > magnitude) e--;
  if (2 ** (e + 1) <= magnitude) e++;
  return e;
}

/** Nearest integer, ties to even. */
export function nearbyint(x: number): number {
  const r = Math.round(x);
  return r - x === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

/** Nearest float16, ties to even. */
export function roundFloat16(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const magnitude = Math.abs(x);
  if (magnitude >= 65520) return x < 0 ? -Infinity : Infinity;
  const step = 2 ** (Math.max(-14, exponentOf(magnitude)) - 10);
  return nearbyint(x / step) * step;
}

/** Nearest bfloat16, ties to even. */
export function roundBfloat16(x: number): number {
  if (Number.isNaN(x)) return x;
  wordFloat[0] = x;
  const bits = wordBits[0] ?? 0;
  wordBits[0] = (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000;
  return wordFloat[0];
}

/** IEEE half bits of a float16 value. */
export function float16Bits(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const m = Math.abs(x);
  if (m === Infinity) return sign | 0x7c00;
  if (m < 2 ** -14) return sign | Math.round(m * 2 ** 24);
  const e = exponentOf(m);
  return sign | ((e + 15) << 10) | Math.round((m / 2 ** e - 1) * 1024);
}

/** Value of IEEE half bits. */
export function float16FromBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const e = (bits >> 10) & 31;
  const f = bits & 1023;
  if (e === 31) return f ? NaN : sign * Infinity;
  return e === 0 ? sign * f * 2 ** -24 : sign * (1 + f / 1024) * 2 ** (e - 15);
}

/** Upper half of the float32 bits of a bfloat16 value. */
export function bfloat16Bits(x: number): number {
  wordFloat[0] = x;
  return (wordBits[0] ?? 0) >>> 16;
}

/** Value of bfloat16 bits. */
export function bfloat16FromBits(bits: number): number {
  wordBits[0] = bits << 16;
  return wordFloat[0] ?? 0;
}
