/**
 * Instructions that templates may use. Each stands here with its C for the processor, the same in portable C, and its
 * meaning, so that a schedule can be run and checked without a compiler. Operands and results are int32 unless the
 * record says otherwise.
 */
import { floatIntrinsics } from './float-intrinsics.ts';
import type { Intrinsic } from './intrinsic.ts';

const low = (x: number): number => (x << 16) >> 16;
const high = (x: number): number => x >> 16;
const byte = (x: number, n: number): number => (x << (24 - 8 * n)) >> 24;
const pack = (lo: number, hi: number): number => (lo & 0xffff) | (hi << 16);
const clamp = (x: number, min: number, max: number): number => (x < min ? min : x > max ? max : x);

/** Portable C of a signed half of a word. */
const half = (x: string, top: boolean): string => (top ? `(${x} >> 16)` : `(int16_t)${x}`);

function multiplyHalves(x: 'b' | 't', y: 'b' | 't'): Intrinsic {
  const name = `smla${x}${y}`;
  const pick = (v: 'b' | 't', e: number): number => (v === 't' ? high(e) : low(e));
  const words = { b: 'bottom', t: 'top' };
  return {
    name,
    summary: `Adds the product of the ${words[x]} half of the first and the ${words[y]} half of the second operand.`,
    params: ['x', 'y', 'acc'],
    arm: `int32_t r;\n__asm__("${name} %0, %1, %2, %3" : "=r"(r) : "r"(x), "r"(y), "r"(acc));\nreturn r;`,
    portable: `return (int32_t)((uint32_t)acc + (uint32_t)(${half('x', x === 't')} * ${half('y', y === 't')}));`,
    meaning: (a = 0, b = 0, acc = 0) => [(acc + Math.imul(pick(x, a), pick(y, b))) | 0],
  };
}

function extend(signed: boolean, rotated: boolean): Intrinsic {
  const op = signed ? 'sxtb16' : 'uxtb16';
  const type = signed ? 'int8_t' : 'uint8_t';
  const shift = rotated ? 8 : 0;
  const from = (n: number): string => `(${type})((uint32_t)x >> ${shift + n})`;
  return {
    name: rotated ? `${op}_ror8` : op,
    summary: `Widens bytes ${rotated ? '1 and 3' : '0 and 2'} of a word to two ${signed ? 'signed' : 'unsigned'} halves.`,
    params: ['x'],
    arm: `int32_t r;\n__asm__("${op} %0, %1${rotated ? ', ror #8' : ''}" : "=r"(r) : "r"(x));\nreturn r;`,
    portable: `return (int32_t)(((uint32_t)${from(16)} << 16) | (uint16_t)${from(0)});`,
    meaning: (x = 0) => {
      const [a, b] = rotated ? [1, 3] : [0, 2];
      const at = (n: number): number => (signed ? byte(x, n) : byte(x, n) & 0xff);
      return [pack(at(a), at(b))];
    },
  };
}

/** Widens two bytes of the second operand and adds them to the halves of the first, each within its own. */
function extendAdd(signed: boolean, rotated: boolean): Intrinsic {
  const from = rotated ? 8 : 0;
  const op = signed ? 'sxtab16' : 'uxtab16';
  const type = signed ? 'int8_t' : 'uint8_t';
  const sum = (n: number): string => `((uint32_t)acc >> ${n}) + (uint32_t)(${type})((uint32_t)x >> ${from + n})`;
  return {
    name: rotated ? `${op}_ror8` : op,
    summary: `Adds bytes ${rotated ? '1 and 3' : '0 and 2'} of a word, widened${signed ? '' : ' as unsigned'}, to the halves of another.`,
    params: ['acc', 'x'],
    arm: `int32_t r;\n__asm__("${op} %0, %1, %2${rotated ? ', ror #8' : ''}" : "=r"(r) : "r"(acc), "r"(x));\nreturn r;`,
    portable: `return (int32_t)(((${sum(16)}) << 16) | ((${sum(0)}) & 0xffffu));`,
    meaning: (acc = 0, x = 0) => {
      const [a, b] = rotated ? [1, 3] : [0, 2];
      const at = (n: number): number => (signed ? byte(x, n) : byte(x, n) & 0xff);
      return [pack(low(acc) + at(a), high(acc) + at(b))];
    },
  };
}

function saturate(bits: number, signed: boolean): Intrinsic {
  const min = signed ? -(2 ** (bits - 1)) : 0;
  const max = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const op = signed ? 'ssat' : 'usat';
  return {
    name: `${op}${bits}`,
    summary: `Saturates to ${signed ? 'signed' : 'unsigned'} ${bits} bits.`,
    params: ['x'],
    arm: `int32_t r;\n__asm__("${op} %0, #${bits}, %1" : "=r"(r) : "r"(x));\nreturn r;`,
    portable: `return x < ${min} ? ${min} : x > ${max} ? ${max} : x;`,
    meaning: (x = 0) => [clamp(x, min, max)],
  };
}

/** Half of a word, towards the lesser, saturated: what is left of rounding a number of halves. */
function saturateHalf(signed: boolean): Intrinsic {
  const [min, max] = signed ? [-128, 127] : [0, 255];
  const op = signed ? 'ssat' : 'usat';
  return {
    name: `${op}8_half`,
    summary: `Half of a word, rounded down, saturated to ${signed ? 'signed' : 'unsigned'} 8 bits.`,
    params: ['x'],
    arm: `int32_t r;\n__asm__("${op} %0, #8, %1, asr #1" : "=r"(r) : "r"(x));\nreturn r;`,
    portable: `x >>= 1;\nreturn x < ${min} ? ${min} : x > ${max} ? ${max} : x;`,
    meaning: (x = 0) => [clamp(x >> 1, min, max)],
  };
}

/** A shift by a register, whose low byte counts: C leaves shifts by 32 and more open, and a mask would cost. */
function shift(left: boolean): Intrinsic {
  const op = left ? 'lsl' : 'asr';
  const shifted = left ? 'bits > 31u ? 0 : (int32_t)((uint32_t)x << bits)' : 'x >> (bits > 31u ? 31u : bits)';
  return {
    name: op,
    summary: left
      ? 'Shifts left by the low byte of a word.'
      : 'Shifts right by the low byte of a word, the sign coming in.',
    params: ['x', 'y'],
    arm: `int32_t r;\n__asm__("${op} %0, %1, %2" : "=r"(r) : "r"(x), "r"(y));\nreturn r;`,
    portable: `uint32_t bits = (uint32_t)y & 255u;\nreturn ${shifted};`,
    meaning: (x = 0, y = 0) => {
      const bits = y & 255;
      return [left ? (bits > 31 ? 0 : x << bits) : x >> Math.min(31, bits)];
    },
  };
}

/** The greater of each pair of bytes of two words, by a subtraction that sets a flag a byte. */
function greaterBytes(signed: boolean): Intrinsic {
  const op = signed ? 'ssub8' : 'usub8';
  const type = signed ? 'int8_t' : 'uint8_t';
  const at = (word: string, n: number): string => `(${type})((uint32_t)${word} >> ${8 * n})`;
  const pick = (n: number): string =>
    `((uint32_t)(uint8_t)(${at('x', n)} > ${at('y', n)} ? ${at('x', n)} : ${at('y', n)}) << ${8 * n})`;
  const value = (word: number, n: number): number => (signed ? byte(word, n) : byte(word, n) & 0xff);
  return {
    name: signed ? 'max_s8x4' : 'max_u8x4',
    summary: `The greater of each pair of ${signed ? 'signed' : 'unsigned'} bytes of two words.`,
    params: ['x', 'y'],
    arm: `int32_t r;\n__asm__("${op} %0, %1, %2\\n\\tsel %0, %1, %2" : "=&r"(r) : "r"(x), "r"(y));\nreturn r;`,
    portable: `return (int32_t)(${[0, 1, 2, 3].map(pick).join('\n  | ')});`,
    meaning: (x = 0, y = 0) => [
      [0, 1, 2, 3].reduce((word, n) => word | ((Math.max(value(x, n), value(y, n)) & 0xff) << (8 * n)), 0),
    ],
  };
}

/** Differences of the unsigned bytes of two words, no less than zero. */
function subtractBytes(): Intrinsic {
  const at = (word: string, n: number): string => `(uint8_t)((uint32_t)${word} >> ${8 * n})`;
  const pick = (n: number): string =>
    `((uint32_t)(${at('x', n)} > ${at('y', n)} ? ${at('x', n)} - ${at('y', n)} : 0) << ${8 * n})`;
  const value = (word: number, n: number): number => byte(word, n) & 0xff;
  return {
    name: 'uqsub8',
    summary: 'Subtracts the unsigned bytes of the second word from those of the first; zero where that is negative.',
    params: ['x', 'y'],
    arm: `int32_t r;\n__asm__("uqsub8 %0, %1, %2" : "=r"(r) : "r"(x), "r"(y));\nreturn r;`,
    portable: `return (int32_t)(${[0, 1, 2, 3].map(pick).join('\n  | ')});`,
    meaning: (x = 0, y = 0) => [
      [0, 1, 2, 3].reduce((word, n) => word | (Math.max(value(x, n) - value(y, n), 0) << (8 * n)), 0),
    ],
  };
}

const table: readonly Intrinsic[] = [
  {
    name: 'smlad',
    summary: 'Adds both products of the signed halves of two words: two multiply–accumulates.',
    params: ['x', 'y', 'acc'],
    arm: '__asm__("smlad %0, %1, %2, %3" : "=r"(acc) : "r"(x), "r"(y), "r"(acc));\nreturn acc;',
    portable:
      'return (int32_t)((uint32_t)acc + (uint32_t)((int16_t)x * (int16_t)y) + (uint32_t)((x >> 16) * (y >> 16)));',
    meaning: (x = 0, y = 0, acc = 0) => [(acc + Math.imul(low(x), low(y)) + Math.imul(high(x), high(y))) | 0],
  },
  multiplyHalves('b', 'b'),
  multiplyHalves('b', 't'),
  multiplyHalves('t', 'b'),
  multiplyHalves('t', 't'),
  extend(true, false),
  extend(true, true),
  extend(false, false),
  extend(false, true),
  extendAdd(true, false),
  extendAdd(true, true),
  extendAdd(false, false),
  extendAdd(false, true),
  greaterBytes(true),
  greaterBytes(false),
  subtractBytes(),
  shift(true),
  shift(false),
  {
    name: 'pkhbt',
    summary: 'The bottom half of the first word below the bottom half of the second.',
    params: ['lo', 'hi'],
    arm: 'int32_t r;\n__asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(r) : "r"(lo), "r"(hi));\nreturn r;',
    portable: 'return (int32_t)(((uint32_t)lo & 0xffffu) | ((uint32_t)hi << 16));',
    meaning: (lo = 0, hi = 0) => [pack(lo, hi)],
  },
  {
    name: 'pkhtb',
    summary: 'The top half of the first word below the top half of the second.',
    params: ['lo', 'hi'],
    arm: 'int32_t r;\n__asm__("pkhtb %0, %2, %1, asr #16" : "=r"(r) : "r"(lo), "r"(hi));\nreturn r;',
    portable: 'return (int32_t)(((uint32_t)lo >> 16) | ((uint32_t)hi & 0xffff0000u));',
    meaning: (lo = 0, hi = 0) => [(lo >>> 16) | (hi & 0xffff0000) | 0],
  },
  {
    name: 'smmla',
    summary: 'Adds the upper 32 bits of the 64-bit product of two words.',
    params: ['x', 'y', 'acc'],
    arm: 'int32_t r;\n__asm__("smmla %0, %1, %2, %3" : "=r"(r) : "r"(x), "r"(y), "r"(acc));\nreturn r;',
    portable: 'return (int32_t)((uint32_t)acc + (uint32_t)(((int64_t)x * y) >> 32));',
    meaning: (x = 0, y = 0, acc = 0) => [Number(BigInt.asIntN(32, BigInt(acc) + ((BigInt(x) * BigInt(y)) >> 32n)))],
  },
  saturate(8, true),
  saturate(16, true),
  saturate(8, false),
  saturate(16, false),
  saturateHalf(true),
  saturateHalf(false),
  {
    name: 'ssat16_away',
    summary: 'Saturates to signed 16 bits and takes one from what is negative.',
    params: ['x'],
    arm: 'int32_t r;\n__asm__("ssat %0, #16, %1\\n\tadd %0, %0, %0, asr #31" : "=r"(r) : "r"(x));\nreturn r;',
    portable: 'x = x < -32768 ? -32768 : x > 32767 ? 32767 : x;\nreturn x + (x >> 31);',
    meaning: (x = 0) => [clamp(x, -32768, 32767) + (x >> 31)],
  },
  {
    name: 'ldrd',
    summary: 'Reads two words.',
    params: [],
    results: ['a', 'b'],
    reads: 2,
    arm: '__asm__("ldrd %0, %1, %2" : "=r"(*a), "=r"(*b) : "m"(*(const rl_words2 *)at));',
    portable: '*a = at[0];\n*b = at[1];',
    meaning: (a = 0, b = 0) => [a, b],
  },
  {
    name: 'strd',
    summary: 'Writes two words.',
    params: ['a', 'b'],
    results: [],
    writes: 2,
    arm: '__asm__("strd %1, %2, %0" : "=m"(*(rl_words2 *)at) : "r"(a), "r"(b));',
    portable: 'at[0] = a;\nat[1] = b;',
    meaning: (a = 0, b = 0) => [a, b],
  },
  ...floatIntrinsics,
];

const byName = new Map(table.map((i) => [i.name, i]));

/** All instructions, in the order of the table. */
export const intrinsics: readonly Intrinsic[] = table;

/** The record of an instruction; an unknown name is a bug. */
export function intrinsic(name: string): Intrinsic {
  const found = byName.get(name);
  if (!found) throw new Error(`no intrinsic ${name}`);
  return found;
}
