/**
 * The inner piece of float32 templates: sums of channels × pixels stay in registers while a run of neighbouring inputs
 * goes past. Weights lie in the order in which they are read, all channels of a tap beside each other.
 */
import {
  advance,
  assign,
  block,
  declare,
  deref,
  fma,
  local,
  loop,
  point,
  pointer,
  readGroup,
  add,
} from '../../loops/build.ts';
import type { LExpr, Local, Pointer, Stmt } from '../../loops/ir.ts';
import type { Buffer } from '../../loops/kernel.ts';
import { pairRegisters } from '../../targets/float-intrinsics.ts';

export interface FloatBlock {
  /** 1, 2, 4 or 8; 8 with a single pixel alone. */
  readonly channels: number;
  readonly pixels: number;
  /** Inputs of a pixel that lie one behind the other. */
  readonly taps: number;
  /** Elements between pixels. */
  readonly pixelStep: number;
  /** Pairs of taps a turn of the loop; 0: all are written out. */
  readonly unroll: number;
  readonly input: Buffer;
  /** Ends behind the run's weights. */
  readonly weights: Pointer;
  /** `sums[channel][pixel]`. */
  readonly sums: readonly (readonly Local[])[];
}

/** Greatest distance in bytes that a load of two floats reaches. */
const reach = 1020;

/** Floating-point registers, and where groups of inputs may start: those before hold weights. */
const registers = 32;
const firstInput = 8;

const float = (name: string): Local => local(name, 'float32');
const declared = (locals: readonly Local[]): Stmt[] => locals.map((l) => declare(l, 0));

/** Adds a run of taps to the sums; `start`: the element of the first pixel's first tap. */
export function floatRun(b: FloatBlock, start: LExpr): Stmt[] {
  const columns = (b.pixels - 1) * b.pixelStep + b.taps;
  if (holdsColumns(b, columns)) return columnsRun(b, start, columns);
  const pairs = b.taps >> 1;
  const unroll = b.unroll === 0 || b.unroll >= pairs ? pairs : b.unroll;
  const turns = unroll === 0 ? 0 : Math.floor(pairs / unroll);
  const near = 4 * ((b.pixels - 1) * b.pixelStep + 2 * unroll) <= reach;
  const x = Array.from({ length: near ? 1 : b.pixels }, (_, i) => pointer(`x${i}`, b.input, 'float32'));
  const at: At = (pixel, tap) => ({
    pointer: x[near ? 0 : pixel] as Pointer,
    offset: near ? pixel * b.pixelStep + tap : tap,
  });
  const out: Stmt[] = x.map((p, i) => point(p, add(start, i * b.pixelStep)));
  const move = (taps: number): Stmt[] => x.map((p) => advance(p, taps));
  // With one pixel the input is read in fours, as the weights are: the pointer goes along.
  const fours = b.pixels === 1 && unroll % 2 === 0;
  const turn = (count: number): Stmt[] =>
    fours
      ? Array.from({ length: count / 2 }, () => fourTaps(b, x[0] as Pointer)).flat()
      : [...Array.from({ length: count }, (_, s) => pairOfTaps(b, at, 2 * s)).flat(), ...move(2 * count)];
  if (turns > 0) out.push(loop('k', turns, () => block(turn(unroll))));
  const left = pairs - turns * unroll;
  for (let s = 0; s < left; s++) out.push(...pairOfTaps(b, at, 2 * s));
  if (b.taps % 2 === 1) out.push(...singleTap(b, at, 2 * left));
  return [block(out)];
}

type At = (pixel: number, tap: number) => { readonly pointer: Pointer; readonly offset: number };

function accumulate(b: FloatBlock, pixel: number, input: LExpr, weights: readonly LExpr[]): Stmt[] {
  return weights.flatMap((w, c) => {
    const sum = b.sums[c]?.[pixel];
    return sum ? [assign(sum, fma(input, w, sum))] : [];
  });
}

/** The weights of `taps` taps: `taps · channels` of them, at most eight. */
function readWeights(b: FloatBlock, taps: number): { readonly statements: Stmt[]; readonly words: readonly Local[] } {
  const count = taps * b.channels;
  const words = Array.from({ length: count }, () => float('w'));
  if (count > 1) return { statements: [...declared(words), readGroup(`vldm${count}_s0`, words, b.weights)], words };
  const [only] = words as [Local];
  return { statements: [declare(only, deref(b.weights, 0)), advance(b.weights, 1)], words };
}

function pairOfTaps(b: FloatBlock, at: At, tap: number): Stmt[] {
  const inputs = (pixel: number): { statements: Stmt[]; pair: readonly Local[] } => {
    const pair = [float('a'), float('b')];
    const place = at(pixel, tap);
    return {
      statements: [...declared(pair), readGroup(`vldr2_s${firstInput}`, pair, place.pointer, place.offset)],
      pair,
    };
  };
  if (b.channels === 8) {
    const { statements, pair } = inputs(0);
    return [...statements, ...pair.flatMap((x) => tapOfOne(b, x))];
  }
  const { statements, words } = readWeights(b, 2);
  const out = [...statements];
  for (let p = 0; p < b.pixels; p++) {
    const read = inputs(p);
    out.push(...read.statements);
    read.pair.forEach((x, t) => out.push(...accumulate(b, p, x, words.slice(t * b.channels, (t + 1) * b.channels))));
  }
  return out;
}

/** One tap of a single pixel whose input is at hand. */
function tapOfOne(b: FloatBlock, x: LExpr): Stmt[] {
  const { statements, words } = readWeights(b, 1);
  return [...statements, ...accumulate(b, 0, x, words)];
}

/** Four taps of a single pixel; the input's pointer moves. */
function fourTaps(b: FloatBlock, x: Pointer): Stmt[] {
  const inputs = Array.from({ length: 4 }, () => float('a'));
  const out: Stmt[] = [...declared(inputs), readGroup(`vldm4_s${firstInput}`, inputs, x)];
  if (b.channels === 8) return [...out, ...inputs.flatMap((i) => tapOfOne(b, i))];
  for (let t = 0; t < 4; t += 2) {
    const { statements, words } = readWeights(b, 2);
    out.push(...statements);
    for (const d of [0, 1])
      out.push(...accumulate(b, 0, inputs[t + d] as Local, words.slice(d * b.channels, (d + 1) * b.channels)));
  }
  return out;
}

function singleTap(b: FloatBlock, at: At, tap: number): Stmt[] {
  const { statements, words } = readWeights(b, 1);
  const out = [...statements];
  for (let p = 0; p < b.pixels; p++) {
    const x = float('a');
    const place = at(p, tap);
    out.push(declare(x, deref(place.pointer, place.offset)), ...accumulate(b, p, x, words));
  }
  return out;
}

/** Whether all inputs that the pixels share fit the registers, and fewer loads come of it. */
function holdsColumns(b: FloatBlock, columns: number): boolean {
  const pairs = Math.ceil(columns / 2);
  const fits = b.channels <= 4 && b.channels * b.pixels + 2 * pairs + firstInput <= registers;
  const named = firstInput + 2 * (pairs - 1) <= (pairRegisters.at(-1) ?? 0);
  return fits && named && b.pixels > 1 && pairs < b.pixels * Math.ceil(b.taps / 2);
}

/** A short run whose inputs, shared by neighbouring pixels, are all read beforehand. */
function columnsRun(b: FloatBlock, start: LExpr, columns: number): Stmt[] {
  const x = pointer('x', b.input, 'float32');
  const held = Array.from({ length: columns }, () => float('a'));
  const out: Stmt[] = [point(x, start), ...declared(held)];
  for (let i = 0; i < columns; i += 2) {
    const [first, second] = [held[i] as Local, held[i + 1]];
    out.push(second ? readGroup(`vldr2_s${firstInput + i}`, [first, second], x, i) : assign(first, deref(x, i)));
  }
  for (let t = 0; t < b.taps; t++) {
    const { statements, words } = readWeights(b, 1);
    out.push(...statements);
    for (let p = 0; p < b.pixels; p++) out.push(...accumulate(b, p, held[p * b.pixelStep + t] as Local, words));
  }
  return [block(out)];
}
