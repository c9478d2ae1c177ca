/**
 * Pooling: largest element or mean of each window, of bytes or floats. Where a pixel's channels lie side by side, four
 * bytes go at a time: the greater of each by one subtraction and selection, sums as two 16-bit halves of a word, because
 * a window of up to 255 bytes cannot leave them. Padding is left out, so that windows at the border are just smaller.
 */
import {
  add, advance, assign, bin, block, cast, declare, deref, i32, intr, ix, local, loop, mul, point, pointer, storeVia, sub,
} from '../../loops/build.ts'; // prettier-ignore
import type { LExpr, Local, Pointer, ScalarType, Stmt } from '../../loops/ir.ts';
import { flat } from '../../loops/te-lower.ts';
import { elementBytes } from '../../tensor/dtype.ts';
import type { Anchored, AnchoredKernel } from '../anchored.ts';
import type { Window } from '../filter.ts';
import { leadOfBlocks, leavesRows, stretches, tapBounds, type Bounds } from '../nest.ts';
import type { KernelParts } from './parts.ts';

export interface PoolProblem {
  readonly window: Window;
  readonly kind: 'max' | 'avg';
  /** Means divide by the whole window even where it covers padding. */
  readonly wholeWindow: boolean;
  readonly dtype: 'int8' | 'uint8' | 'float32';
  readonly around: Anchored;
  indices(n: LExpr, y: LExpr, x: LExpr, c: LExpr): readonly LExpr[];
}

export interface PoolConfig {
  /** Taps of a window's row a turn. */
  readonly unroll: number;
  /** Channels at a time; 4 as a word where `words`. */
  readonly channels: number;
  readonly words: boolean;
}

/** Most elements of a window whose sum of bytes stays within 16 bits. */
const largestWindow = 255;

/** Whether four channels can be taken as words. */
export function poolsWords(p: PoolProblem): boolean {
  const { window: w } = p;
  if (p.dtype === 'float32' || !w.channelsLast || w.inC % 4 !== 0) return false;
  return p.kind === 'max' || w.kH * w.kW <= largestWindow;
}

/** What a window is taken from: where it starts, its taps, and how many count. */
interface Place {
  readonly n: LExpr;
  readonly y: LExpr;
  readonly x: LExpr;
  readonly start: LExpr;
  readonly rows: Bounds | undefined;
  readonly columns: Bounds | undefined;
  readonly count: LExpr;
  readonly whole: LExpr | undefined;
}

export function lowerPool(p: PoolProblem, config: PoolConfig): KernelParts {
  const { window: w } = p;
  const bound = p.around.bind();
  const clipped = leavesRows(w);
  const pixel = w.channelsLast ? w.inC : 1;

  const onePixel = (n: LExpr, y: LExpr, x: LExpr, rows?: Bounds, columns?: Bounds): Stmt[] => {
    const top = sub(mul(y, w.strideH), w.padTop);
    const left = sub(mul(x, w.strideW), w.padLeft);
    const image = mul(n, w.inH * w.inW * w.inC);
    const start = add(image, mul(add(mul(top, w.inW), left), pixel));
    const low = (b: Bounds | undefined, extent: number): LExpr => (b ? sub(b.high, b.low) : ix(extent));
    const taken = cast('int32', mul(low(rows, w.kH), low(columns, w.kW)));
    const fixed = p.wholeWindow || (!rows && !columns);
    const count = local('count');
    const out: Stmt[] = [];
    if (p.kind === 'avg' && !fixed) out.push(declare(count, bin('max', taken, i32(1))));
    const place: Place = {
      n, y, x, start, rows, columns,
      count: fixed ? i32(w.kH * w.kW) : count,
      whole: rows || columns ? { kind: 'compare', op: 'eq', left: taken, right: i32(w.kH * w.kW) } : undefined,
    }; // prettier-ignore
    if (config.words)
      return [...out, loop('c', w.inC / 4, (c) => block(fourBytes(p, config, bound, place, mul(c, 4))))];
    const blocks = Math.floor(w.inC / config.channels);
    const rest = w.inC % config.channels;
    return [
      ...out,
      ...(blocks > 0
        ? [loop('c', blocks, (c) => block(channels(p, config, bound, place, mul(c, config.channels), config.channels)))]
        : []),
      ...(rest > 0 ? channels(p, config, bound, place, ix(blocks * config.channels), rest) : []),
    ];
  };

  const oneRow = (n: LExpr, y: LExpr): Stmt => {
    const rows = clipped ? tapBounds('ky', sub(mul(y, w.strideH), w.padTop), w.inH, w.kH, w.dilationH) : undefined;
    return block(
      rows?.statements ?? [],
      stretches(w, 1).map((s) =>
        loop('xb', s.count, (b) => {
          const x = add(b, s.from);
          if (s.kind === 'blocks') return block(onePixel(n, y, x, rows?.bounds));
          const columns = tapBounds('kx', sub(mul(x, w.strideW), w.padLeft), w.inW, w.kW, w.dilationW);
          return block(columns.statements, onePixel(n, y, x, rows?.bounds, columns.bounds));
        }),
      ),
    );
  };
  const inPlace = w.batch === 1 && w.channelsLast;
  const lead = leadOfBlocks(w, 1, elementBytes(p.dtype), elementBytes(bound.output.dtype));
  return {
    ...bound.buffers,
    scratch: [],
    body: loop('n', w.batch, (n) => loop('oy', w.outH, (y) => oneRow(n, y))),
    overlaps: bound.overlaps(inPlace ? lead : undefined),
    macs: 0,
  };
}

/** Runs over the taps of a window: `take` with the pointer at the first of `count` neighbouring taps. */
function overTaps(
  p: PoolProblem,
  config: PoolConfig,
  place: Place,
  x: Pointer,
  first: LExpr,
  take: (taps: number, step: number) => Stmt[],
): Stmt[] {
  const { window: w } = p;
  const { rows, columns } = place;
  // In the pointer's elements, which may be words of four.
  const scale = x.dtype === x.buffer.dtype ? 1 : 4;
  const pixel = w.channelsLast ? w.inC : 1;
  const step = (w.dilationW * pixel) / scale;
  const row = (at: LExpr): Stmt => {
    const start = columns ? add(at, mul(columns.low, w.dilationW * pixel)) : at;
    if (columns)
      return block(
        point(x, start),
        loop('kx', sub(columns.high, columns.low), () => block(take(1, step), advance(x, step))),
      );
    const unroll = Math.min(config.unroll, w.kW);
    const turns = Math.floor(w.kW / unroll);
    const rest = w.kW % unroll;
    return block(
      point(x, start),
      loop('kx', turns, () =>
        block(take(unroll, step), turns * unroll < w.kW || turns > 1 ? advance(x, unroll * step) : []),
      ),
      rest > 0 ? take(rest, step) : [],
    );
  };
  const down = w.inW * pixel * w.dilationH;
  if (!rows) return [loop('ky', w.kH, (ky) => row(add(first, mul(ky, down))))];
  return [loop('ky', sub(rows.high, rows.low), (ky) => row(add(first, mul(add(rows.low, ky), down))))];
}

/** Four neighbouring channels as bytes of a word. */
function fourBytes(p: PoolProblem, config: PoolConfig, bound: AnchoredKernel, place: Place, c: LExpr): Stmt[] {
  const x = pointer('x', bound.data, 'int32');
  const first = add(place.start, c);
  const signed = p.dtype === 'int8';
  if (p.kind === 'max') {
    const most = local('most');
    const taps = overTaps(p, config, place, x, first, (count, step) =>
      Array.from({ length: count }, (_, i) =>
        assign(most, intr(signed ? 'max_s8x4' : 'max_u8x4', most, deref(x, i * step))),
      ),
    );
    return [
      declare(most, i32(signed ? 0x80808080 | 0 : 0)),
      ...taps,
      ...(p.around.plain
        ? storeWord(p, bound, place, c, most)
        : finishBytes(p, bound, place, c, bytesOf(most, p.dtype))),
    ];
  }
  const [even, odd] = [local('even'), local('odd')];
  const widen = signed ? 'sxtab16' : 'uxtab16';
  const taps = overTaps(p, config, place, x, first, (count, step) =>
    Array.from({ length: count }, (_, i) => {
      const word = local('q');
      return [
        declare(word, deref(x, i * step)),
        assign(even, intr(widen, even, word)),
        assign(odd, intr(`${widen}_ror8`, odd, word)),
      ];
    }).flat(),
  );
  const half = (word: LExpr, upper: boolean): LExpr => {
    const narrow = (e: LExpr): LExpr => cast('int32', cast(signed ? 'int16' : 'uint16', e));
    return upper ? (signed ? bin('shr', word, i32(16)) : narrow(bin('shr', word, i32(16)))) : narrow(word);
  };
  const sums = [half(even, false), half(odd, false), half(even, true), half(odd, true)];
  return [
    declare(even, 0),
    declare(odd, 0),
    ...taps,
    ...finishBytes(
      p,
      bound,
      place,
      c,
      sums.map((s) => bin('truncdiv', s, place.count)),
    ),
  ];
}

function bytesOf(word: LExpr, dtype: 'int8' | 'uint8' | 'float32'): LExpr[] {
  return [0, 1, 2, 3].map((n) => cast('int32', cast(dtype, n === 0 ? word : bin('shr', word, i32(8 * n)))));
}

function storeWord(p: PoolProblem, bound: AnchoredKernel, place: Place, c: LExpr, word: LExpr): Stmt[] {
  const o = pointer('o', bound.output, 'int32');
  return [point(o, flat(p.around.shape, indicesOf(p, place, c))), storeVia(o, 0, word)];
}

function indicesOf(p: PoolProblem, place: Place, c: LExpr): readonly LExpr[] {
  const { window: w } = p;
  const fixed = (size: number, index: LExpr): LExpr => (size === 1 ? ix(0) : index);
  return p.indices(fixed(w.batch, place.n), fixed(w.outH, place.y), fixed(w.outW, place.x), fixed(w.inC, c));
}

/** Elements of neighbouring channels, in the type of the anchor. */
function finishBytes(p: PoolProblem, bound: AnchoredKernel, place: Place, c: LExpr, values: readonly LExpr[]): Stmt[] {
  return values.flatMap((value, i) => {
    const element = local('m', anchorType(p));
    return [declare(element, cast(element.dtype, value)), ...bound.finish(indicesOf(p, place, add(c, i)), element)];
  });
}

/** The type of the anchor's elements: that of the data, or int32 for means of bytes. */
function anchorType(p: PoolProblem): ScalarType {
  return p.kind === 'avg' && p.dtype !== 'float32' ? 'int32' : p.dtype;
}

/** Some channels one by one, each in a register. */
function channels(
  p: PoolProblem,
  config: PoolConfig,
  bound: AnchoredKernel,
  place: Place,
  c: LExpr,
  count: number,
): Stmt[] {
  const { window: w } = p;
  const float = p.dtype === 'float32';
  const type: ScalarType = float ? 'float32' : 'int32';
  const plane = w.channelsLast ? 1 : w.inH * w.inW;
  const held: Local[] = Array.from({ length: count }, () => local('m', type));
  const x = pointer('x', bound.data, p.dtype);
  const taps = overTaps(p, config, place, x, add(place.start, mul(c, plane)), (many, step) =>
    Array.from({ length: many }, (_, i) =>
      held.map((m, k) => {
        const value = cast(type, deref(x, i * step + k * plane));
        return assign(m, bin(p.kind === 'max' ? 'max' : 'add', m, value));
      }),
    ).flat(),
  );
  const start = (): LExpr => {
    if (p.kind === 'avg') return { kind: 'const', dtype: type, value: 0 };
    if (!float) return i32(p.dtype === 'int8' ? -128 : 0);
    // Padding counts as the lowest finite number.
    const value = (v: number): LExpr => ({ kind: 'const', dtype: type, value: v });
    const [least, lowest] = [value(-Infinity), value(-3.4028234663852886e38)];
    if (!place.whole) return least;
    return { kind: 'select', condition: place.whole, then: least, otherwise: lowest, dtype: type };
  };
  const values = held.map((m) => (p.kind === 'max' ? m : bin(float ? 'div' : 'truncdiv', m, cast(type, place.count))));
  return [...held.map((m) => declare(m, start())), ...taps, ...finishBytes(p, bound, place, c, values)];
}
