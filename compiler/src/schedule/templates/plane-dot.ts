/** The sums of neighbouring outputs of a depthwise convolution, from rows of its plane. */
import { add, assign, cast, declare, deref, intr, ldrd, local, mul } from '../../loops/build.ts';
import type { LExpr, Local, Pointer, Stmt } from '../../loops/ir.ts';
import type { ConvProblem } from '../problem.ts';

/** One multiply–accumulate instruction: input word, and a pair of taps or a single one. */
interface Tap {
  readonly word: number;
  /** First tap of a pair; or the single tap. */
  readonly tap: number;
  readonly single: boolean;
  /** For a single tap: its input is the word's upper half. */
  readonly top: boolean;
}

/** The taps of an output whose first input is at element `start` of a row. */
function tapsOf(p: ConvProblem, start: number): Tap[] {
  const out: Tap[] = [];
  for (let k = 0; k < p.kW;) {
    const at = start + k * p.dilationW;
    const paired = at % 2 === 0 && p.dilationW === 1 && k + 1 < p.kW;
    out.push({ word: at >> 1, tap: k, single: !paired, top: at % 2 === 1 });
    k += paired ? 2 : 1;
  }
  return out;
}

/** Pairs of neighbouring taps that are kept in registers; every tap is in one. */
export function pairsOf(p: ConvProblem, pixels: number): number[] {
  const pairs = new Set<number>();
  for (let i = 0; i < pixels; i++) for (const t of tapsOf(p, i * p.strideW)) if (!t.single) pairs.add(t.tap);
  for (let k = 0; k < p.kW; k++) {
    if (pairs.has(k) || pairs.has(k - 1)) continue;
    pairs.add(k + 1 < p.kW || k === 0 ? k : k - 1);
  }
  return [...pairs].sort((a, b) => a - b);
}

/** What a block of outputs is computed from. */
export interface PlaneDot {
  readonly p: ConvProblem;
  readonly pairs: readonly number[];
  /** Elements of a row of the plane. */
  readonly planeW: number;
  /** Taps go one by one. */
  readonly plain: boolean;
}

/** The sums of neighbouring outputs, row by row of the kernel; `done` stores one. */
export function outputBlock(
  plan: PlaneDot,
  pixels: number,
  x: Pointer,
  taps: readonly Local[],
  bias: Local,
  done: (sum: Local, i: number) => Stmt,
): Stmt[] {
  const { p, pairs } = plan;
  const out: Stmt[] = [];
  const sums: (Local | undefined)[] = Array.from({ length: pixels }, () => undefined);
  const accumulate = (i: number, make: (sum: LExpr) => LExpr): void => {
    const sum = sums[i];
    if (sum) return void out.push(assign(sum, make(sum)));
    const fresh = local(`s${i}`);
    sums[i] = fresh;
    out.push(declare(fresh, make(bias)));
  };
  for (let ky = 0; plan.plain && ky < p.kH; ky++) {
    const row = ky * p.dilationH * plan.planeW;
    const columns = new Set<number>();
    for (let i = 0; i < pixels; i++) for (let k = 0; k < p.kW; k++) columns.add(i * p.strideW + k * p.dilationW);
    for (const column of [...columns].sort((a, b) => a - b)) {
      const input = local('a');
      out.push(declare(input, cast('int32', deref(x, row + column))));
      for (let i = 0; i < pixels; i++) {
        const k = (column - i * p.strideW) / p.dilationW;
        const tap = Number.isInteger(k) && k >= 0 && k < p.kW ? taps[ky * p.kW + k] : undefined;
        if (tap) accumulate(i, (sum) => add(sum, mul(input, tap)));
      }
    }
  }
  for (let ky = 0; !plan.plain && ky < p.kH; ky++) {
    const row = (ky * p.dilationH * plan.planeW) / 2;
    const uses = Array.from({ length: pixels }, (_, i) => tapsOf(p, i * p.strideW));
    const words = wordReader(x, row, [...new Set(uses.flat().map((t) => t.word))], out);
    for (let i = 0; i < pixels; i++) {
      for (const t of uses[i] ?? []) {
        const input = words(t.word);
        if (!t.single) {
          const pair = taps[ky * pairs.length + pairs.indexOf(t.tap)] as Local;
          accumulate(i, (sum) => intr('smlad', input, pair, sum));
          continue;
        }
        const low = pairs.indexOf(t.tap);
        const pair = taps[ky * pairs.length + (low >= 0 ? low : pairs.indexOf(t.tap - 1))] as Local;
        accumulate(i, (sum) => intr(`smla${t.top ? 't' : 'b'}${low >= 0 ? 'b' : 't'}`, input, pair, sum));
      }
    }
  }
  sums.forEach((sum, i) => out.push(done(sum as Local, i)));
  return out;
}

/**
 * Reads words of a row of the plane when they are first asked for, neighbours by pairs: few registers hold words that
 * wait for their use.
 */
function wordReader(x: Pointer, row: number, wanted: readonly number[], out: Stmt[]): (word: number) => Local {
  const held = new Map<number, Local>();
  const read = (at: number): Local => {
    const a = local('a');
    held.set(at, a);
    if (wanted.includes(at + 1) && !held.has(at + 1)) {
      const b = local('a');
      held.set(at + 1, b);
      out.push(declare(a, 0), declare(b, 0), ldrd(a, b, x, row + at));
    } else out.push(declare(a, deref(x, row + at)));
    return a;
  };
  return (word) => held.get(word) ?? read(word);
}
