/**
 * The register-blocked inner product: a few output channels × a few pixels, inputs as int16 rows, weights as packed
 * bytes read once from front to back.
 *
 * Dual packing puts two channels into one word of two taps, [a₀, b₀, a₁, b₁] as bytes. SXTB16 gives (a₀, a₁) for
 * channel A. The word itself, taken as two halves, is 256·b + a; one SMLAD with it sums 256·B + A, so B's sum follows by
 * one subtraction and no second widening. b is stored less one where a is negative, which the borrow of a's sign gives
 * back. It is exact while B's sum stays within 24 bits, which is checked against the weights at compile time.
 */
import {
  add,
  advance,
  assign,
  block,
  declare,
  deref,
  intr,
  ldrd,
  local,
  loop,
  point,
  pointer,
} from '../../loops/build.ts';
import type { LExpr, Local, Pointer, Stmt } from '../../loops/ir.ts';
import type { Buffer } from '../../loops/kernel.ts';

/**
 * `plain` goes tap by tap, for processors without instructions on halves (`plain.ts`). `half` holds weights as int16, two
 * taps a word, for those that do not fit bytes.
 */
export type Packing = 'dual' | 'single' | 'half' | 'plain';

/** Where the taps of one pixel lie in the int16 buffer. */
export interface TapLayout {
  /** Rows of the kernel; each repeats the same runs. */
  readonly rows: number;
  /** Elements between two rows; even. */
  readonly rowStride: number;
  /** Runs of taps within a row: offset (even) from the pixel's start, and length. */
  readonly runs: readonly { readonly offset: number; readonly length: number }[];
  /** Elements between the starts of neighbouring pixels; even. */
  readonly pixelStep: number;
}

/** Steps of four taps and whether two more follow, for a run. */
export function stepsOf(length: number): { readonly fours: number; readonly two: boolean } {
  const words = Math.ceil(length / 2);
  return { fours: words >> 1, two: words % 2 === 1 };
}

/** Bytes of packed weights of `channels` channels of one block. */
export function packedBytes(taps: TapLayout, channels: number, packing: Packing): number {
  if (packing === 'plain') {
    const length = taps.runs.reduce((n, run) => n + run.length, 0);
    return 4 * Math.ceil((taps.rows * length * channels) / 4);
  }
  let bytes = 0;
  for (const run of taps.runs) {
    const { fours, two } = stepsOf(run.length);
    const columns = packing === 'dual' ? Math.ceil(channels / 2) : channels;
    bytes += 4 * columns * (fours * wordsAStep(packing) + (two ? 1 : 0));
  }
  return bytes * taps.rows;
}

/** Words of weights in a step of four taps, a channel or a pair of them. */
const wordsAStep = (packing: Packing): number => (packing === 'dual' || packing === 'half' ? 2 : 1);

/** The order of the four bytes' taps within a step: halves (0,1), (2,3), or those that SXTB16 of raw bytes gives. */
export function tapOrder(shuffled: boolean): readonly number[] {
  return shuffled ? [0, 2, 1, 3] : [0, 1, 2, 3];
}

/**
 * Packs the weights of a block. `weight(c, row, run, i)` is tap `i` of a run (0 beyond its end); channels beyond the
 * last are absent.
 */
export function packBlock(
  taps: TapLayout,
  channels: number,
  packing: Packing,
  shuffled: boolean,
  weight: (channel: number, row: number, run: number, index: number) => number,
): number[] {
  const out: number[] = [];
  const order = tapOrder(shuffled);
  const pair = (c: number, row: number, run: number, i: number, j: number): void => {
    for (const k of [i, j]) {
      const a = weight(c, row, run, k);
      const b = c + 1 < channels ? weight(c + 1, row, run, k) : 0;
      out.push(a, (c + 1 < channels ? b : 0) - (a < 0 ? 1 : 0));
    }
  };
  if (packing === 'plain') {
    for (let row = 0; row < taps.rows; row++)
      taps.runs.forEach((run, r) => {
        for (let i = 0; i < run.length; i++) for (let c = 0; c < channels; c++) out.push(weight(c, row, r, i));
      });
    while (out.length % 4 !== 0) out.push(0);
    return out;
  }
  const half = (w: number): void => void out.push((w << 24) >> 24, (w << 16) >> 24);
  for (let row = 0; row < taps.rows; row++) {
    taps.runs.forEach((run, r) => {
      const { fours, two } = stepsOf(run.length);
      for (let s = 0; s < fours; s++) {
        const k = order.map((o) => 4 * s + o) as [number, number, number, number];
        for (let c = 0; c < channels; c += packing === 'dual' ? 2 : 1) {
          if (packing === 'dual') {
            pair(c, row, r, k[0], k[1]);
            pair(c, row, r, k[2], k[3]);
          } else if (packing === 'half') k.forEach((i) => half(weight(c, row, r, i)));
          else out.push(...[k[0], k[2], k[1], k[3]].map((i) => weight(c, row, r, i)));
        }
      }
      if (two) {
        const i = 4 * fours;
        for (let c = 0; c < channels; c += packing === 'dual' ? 2 : 1) {
          if (packing === 'dual') pair(c, row, r, i, i + 1);
          else if (packing === 'half') [i, i + 1].forEach((k) => half(weight(c, row, r, k)));
          else out.push(weight(c, row, r, i), 0, weight(c, row, r, i + 1), 0);
        }
      }
    });
  }
  return out;
}

export interface DotBlock {
  readonly taps: TapLayout;
  readonly channels: number;
  readonly pixels: number;
  readonly packing: Packing;
  /** Steps of four taps written out in one turn of the inner loop; 0: all. */
  readonly unroll: number;
  readonly weights: Pointer;
  readonly inputs: Buffer;
  /** Element of the first pixel's first tap. */
  readonly start: LExpr;
  /** The inputs are bytes (of this type), widened as they are read: halves come as elements (0, 2) and (1, 3). */
  readonly bytes?: 'int8' | 'uint8';
  /** Accumulators [channel][pixel], already declared and started. In dual packing odd channels hold 256·B + A. */
  readonly sums: readonly (readonly Local[])[];
}

const farthest = 900; // bytes that LDRD reaches from a pointer, less what unrolling adds

/** Adds all taps of the block to its accumulators; the weights pointer ends behind the block. */
export function dotBlock(d: DotBlock): Stmt[] {
  const { taps, pixels } = d;
  const near = (pixels - 1) * taps.pixelStep * 2 <= farthest;
  // Where nothing moves, each place would be an address that does not change from block to block.
  const still = taps.rows === 1 && taps.runs.every((run) => turnsOf(d, run.length).turns <= 1);
  const pointers = Array.from({ length: near ? 1 : pixels }, (_, p): Pointer => {
    const x = pointer(`x${near ? '' : p}`, d.inputs, 'int32');
    return still ? { ...x, opaque: true } : x;
  });
  // Elements a word of input holds.
  const held = d.bytes ? 4 : 2;
  const at = (p: number): { readonly pointer: Pointer; readonly offset: number } => ({
    pointer: pointers[near ? 0 : p] as Pointer,
    offset: near ? (p * taps.pixelStep) / held : 0,
  });
  // Distances are counted in pairs of taps.
  const moveAll = (pairs: number): Stmt[] => (pairs === 0 ? [] : pointers.map((p) => advance(p, (2 * pairs) / held)));
  const start = pointers.map((p, i) => point(p, add(d.start, i * taps.pixelStep)));

  const row: Stmt[] = [];
  let position = 0;
  for (const run of taps.runs) {
    const { fours, two } = stepsOf(run.length);
    const base = run.offset / 2 - position;
    const { unroll, turns } = turnsOf(d, run.length);
    const left = fours - turns * unroll;
    // Runs that are written out whole and lie near are reached by offsets alone.
    if (turns <= 1) {
      for (let s = 0; s < fours; s++) row.push(...step(d, at, base + 2 * s, s));
      if (two) row.push(...halfStep(d, at, base + 2 * fours, fours));
      const width = columns(d);
      row.push(advance(d.weights, fours * width * wordsAStep(d.packing) + (two ? width : 0)));
      const moved = base + Math.ceil(run.length / 2);
      row.push(...moveAll(moved));
      position += moved;
      continue;
    }
    row.push(...moveAll(base));
    position += base;
    row.push(
      loop('k', turns, () =>
        block(
          ...Array.from({ length: unroll }, (_, s) => step(d, at, 2 * s, s)),
          moveAll(2 * unroll),
          advance(d.weights, unroll * columns(d) * wordsAStep(d.packing)),
        ),
      ),
    );
    for (let s = 0; s < left; s++) row.push(...step(d, at, 2 * s, s));
    if (two) row.push(...halfStep(d, at, 2 * left, left));
    row.push(advance(d.weights, left * columns(d) * wordsAStep(d.packing) + (two ? columns(d) : 0)));
    row.push(...moveAll(2 * left + (two ? 1 : 0)));
    position += 2 * fours + (two ? 1 : 0);
  }
  const next = taps.rowStride / 2 - position;
  if (taps.rows === 1) return [...start, ...dropLastMoves(row, pointers)];
  return [...start, loop('ky', taps.rows, () => block(...row, moveAll(next)))];
}

/** How often the inner loop goes round for a run, and steps of four taps a turn. */
function turnsOf(d: DotBlock, length: number): { readonly unroll: number; readonly turns: number } {
  const { fours } = stepsOf(length);
  const unroll = d.unroll === 0 || d.unroll >= fours ? fours : d.unroll;
  return { unroll, turns: unroll === 0 ? 0 : Math.floor(fours / unroll) };
}

/** Moves of input pointers that nothing follows are dropped. */
function dropLastMoves(row: readonly Stmt[], pointers: readonly Pointer[]): Stmt[] {
  const out = [...row];
  for (let last = out.at(-1); last?.kind === 'advance' && pointers.includes(last.pointer); last = out.at(-1)) out.pop();
  return out;
}

const columns = (d: DotBlock): number => (d.packing === 'dual' ? Math.ceil(d.channels / 2) : d.channels);

type At = (pixel: number) => { readonly pointer: Pointer; readonly offset: number };

/** Four taps. `s`: the step's number from the weights pointer. */
function step(d: DotBlock, at: At, x: number, s: number): Stmt[] {
  const out: Stmt[] = [];
  const count = columns(d);
  const load = (c: number): readonly Word[] =>
    d.packing === 'dual'
      ? dualWords(d, s, c, out)
      : d.packing === 'half'
        ? halfWords(d, s, c, out)
        : singleWords(d, s, c, out);
  const multiply = (c: number, p: number, inputs: readonly Local[], words: readonly Word[]): void =>
    inputs.forEach((input, h) => {
      const word = words[h] as Word;
      if (d.packing !== 'dual') return accumulate(d, out, c, p, input, word.wide);
      accumulate(d, out, 2 * c, p, input, word.wide);
      accumulate(d, out, 2 * c + 1, p, input, word.raw);
    });
  // The side with fewer registers is held, the other streams past it.
  if (count > d.pixels) {
    const inputs = Array.from({ length: d.pixels }, (_, p) => loadPair(d, at, p, x, out));
    for (let c = 0; c < count; c++) {
      const words = load(c);
      inputs.forEach((input, p) => multiply(c, p, input, words));
    }
    return out;
  }
  const words = Array.from({ length: count }, (_, c) => load(c));
  for (let p = 0; p < d.pixels; p++) {
    const inputs = loadPair(d, at, p, x, out);
    words.forEach((w, c) => multiply(c, p, inputs, w));
  }
  return out;
}

interface Word {
  readonly raw: Local;
  readonly wide: Local;
}

/** Both words of a pair of channels: taps 0 and 1, taps 2 and 3. */
function dualWords(d: DotBlock, s: number, c: number, out: Stmt[]): readonly Word[] {
  const raw = [local('w'), local('w')] as const;
  const words = raw.map((r) => ({ raw: r, wide: local('v') }));
  out.push(declare(raw[0], 0), declare(raw[1], 0), ldrd(raw[0], raw[1], d.weights, 2 * (s * columns(d) + c)));
  for (const w of words) out.push(declare(w.wide, intr('sxtb16', w.raw)));
  return words;
}

/** Both words of a channel, which need no widening. */
function halfWords(d: DotBlock, s: number, c: number, out: Stmt[]): readonly Word[] {
  const raw = [local('w'), local('w')] as const;
  out.push(declare(raw[0], 0), declare(raw[1], 0), ldrd(raw[0], raw[1], d.weights, 2 * (s * columns(d) + c)));
  return raw.map((r) => ({ raw: r, wide: r }));
}

/** The one word of a channel as its two widened halves. */
function singleWords(d: DotBlock, s: number, c: number, out: Stmt[]): readonly Word[] {
  const raw = local('w');
  out.push(declare(raw, deref(d.weights, s * columns(d) + c)));
  return ['sxtb16', 'sxtb16_ror8'].map((op) => {
    const wide = local('v');
    out.push(declare(wide, intr(op, raw)));
    return { raw, wide };
  });
}

/** Four inputs as two words of halves; `x`: pairs of taps from the pointer. */
function loadPair(d: DotBlock, at: At, p: number, x: number, out: Stmt[]): readonly [Local, Local] {
  const input = [local('a'), local('a')] as const;
  const place = at(p);
  if (d.bytes) {
    const raw = local('q');
    const op = d.bytes === 'int8' ? 'sxtb16' : 'uxtb16';
    out.push(
      declare(raw, deref(place.pointer, place.offset + x / 2)),
      declare(input[0], intr(op, raw)),
      declare(input[1], intr(`${op}_ror8`, raw)),
    );
  } else
    out.push(declare(input[0], 0), declare(input[1], 0), ldrd(input[0], input[1], place.pointer, place.offset + x));
  return input;
}

/** Two taps, one word of input. `s`: steps of four before it from the weights pointer. */
function halfStep(d: DotBlock, at: At, x: number, s: number): Stmt[] {
  const out: Stmt[] = [];
  const count = columns(d);
  const words: { raw: Local; wide: Local }[] = [];
  for (let c = 0; c < count; c++) {
    const raw = local('w');
    out.push(declare(raw, deref(d.weights, s * count * wordsAStep(d.packing) + c)));
    const wide = d.packing === 'half' ? raw : local('v');
    if (wide !== raw) out.push(declare(wide, intr('sxtb16', raw)));
    words.push({ raw, wide });
  }
  for (let p = 0; p < d.pixels; p++) {
    const input = local('a');
    const place = at(p);
    out.push(declare(input, deref(place.pointer, place.offset + x)));
    for (let c = 0; c < count; c++) {
      const word = words[c] as { raw: Local; wide: Local };
      if (d.packing === 'dual') {
        accumulate(d, out, 2 * c, p, input, word.wide);
        accumulate(d, out, 2 * c + 1, p, input, word.raw);
      } else accumulate(d, out, c, p, input, word.wide);
    }
  }
  return out;
}

function accumulate(d: DotBlock, out: Stmt[], channel: number, pixel: number, x: LExpr, w: LExpr): void {
  const sum = d.sums[channel]?.[pixel];
  if (channel < d.channels && sum) out.push(assign(sum, intr('smlad', x, w, sum)));
}
