/**
 * Instructions of the single-precision floating-point unit. A group of values is read into neighbouring registers,
 * which is what one load of several registers needs: each record names where its group starts, so that groups that
 * live at the same time can be told to lie apart.
 */
import type { Intrinsic } from './intrinsic.ts';

/**
 * a · b + c, rounded to float32 once. The product is exact in double precision; where the sum was rounded to the middle
 * of two floats, what was lost decides.
 */
export function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  const near = Math.fround(sum);
  const rest = sum - near;
  if (rest === 0 || !Number.isFinite(sum)) return near;
  const other = near + 2 * rest;
  if (Math.fround(other) !== other) return near;
  const part = sum - c;
  const lost = product - part + (c - (sum - part));
  return lost !== 0 && lost > 0 === rest > 0 ? other : near;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Reads `count` floats into registers from s`first` on; `moves`: the pointer ends behind them. */
function read(count: number, first: number, moves: boolean): Intrinsic {
  const name = moves ? `vldm${count}_s${first}` : `vldr${count}_s${first}`;
  const results = numbers(count).map((i) => `v${i}`);
  const registers = numbers(count).map((i) => `register float r${i} __asm__("s${first + i}");`);
  const outputs = numbers(count).map((i) => `"=t"(r${i})`);
  const copies = numbers(count).map((i) => `*v${i} = r${i};`);
  const assembly = moves
    ? [
        'const float *p = *at;',
        `__asm__("vldmia %${count}!, {%0-%${count - 1}}"`,
        `  : ${outputs.join(', ')}, "+r"(p) : "m"(*(const float (*)[${count}])p));`,
        '*at = p;',
      ]
    : [`__asm__("vldr.64 d${first / 2}, %${count}" : ${outputs.join(', ')} : "Uv"(*(const rl_words2 *)at));`];
  const from = moves ? '(*at)' : 'at';
  return {
    name,
    summary: moves
      ? `Reads ${count} floats into neighbouring registers and moves the pointer behind them.`
      : `Reads ${count} floats into neighbouring registers.`,
    dtype: 'float32',
    params: [],
    results,
    reads: count,
    ...(moves ? { moves: count } : {}),
    arm: [...registers, ...assembly, ...copies].join('\n'),
    portable: [...results.map((v, i) => `*${v} = ${from}[${i}];`), ...(moves ? [`*at += ${count};`] : [])].join('\n'),
    meaning: (...words) => words.slice(0, count),
  };
}

/** Where groups of two may start. */
export const pairRegisters: readonly number[] = numbers(12).map((i) => 2 * i);

export const floatIntrinsics: readonly Intrinsic[] = [
  {
    name: 'fma',
    summary: 'Multiplies, adds, and rounds once.',
    dtype: 'float32',
    params: ['x', 'y', 'acc'],
    arm: 'return __builtin_fmaf(x, y, acc);',
    portable: 'return (float)((double)x * (double)y + (double)acc);',
    meaning: (x = 0, y = 0, acc = 0) => [fusedMultiplyAdd(x, y, acc)],
  },
  ...pairRegisters.map((first) => read(2, first, false)),
  read(2, 0, true),
  read(4, 0, true),
  read(8, 0, true),
  read(4, 8, true),
];
