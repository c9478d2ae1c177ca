/** Widening bytes to int16 rows in scratch memory, with padding, for the inner products to read. */
import {
  add,
  advance,
  block,
  cast,
  declare,
  deref,
  intr,
  ldrd,
  local,
  loop,
  mul,
  point,
  pointer,
  store,
  storeVia,
  strd,
  ix,
  sub,
} from '../../loops/build.ts';
import type { LExpr, Pointer, Stmt } from '../../loops/ir.ts';
import type { Buffer } from '../../loops/kernel.ts';
import type { DataDType } from '../problem.ts';

export interface Widening {
  readonly from: Buffer;
  readonly to: Buffer;
  readonly dtype: DataDType;
  /** Halves stand as SXTB16 makes them: elements 0, 2, 1, 3 of each four. */
  readonly shuffled: boolean;
  /** Bytes go one by one: for processors without instructions on halves. */
  readonly plain?: boolean;
}

/** Words of input that hold four elements. */
const wordsOfFour = (w: Widening): number => (w.dtype === 'int16' ? 2 : 1);

/** Pointers over fours of elements, and how far each goes for four. */
function fourPointers(w: Widening): { from: Pointer; to: Pointer; source: number; target: number } {
  return w.plain === true
    ? { from: pointer('src', w.from, w.dtype), to: pointer('dst', w.to, 'int16'), source: 4, target: 4 }
    : { from: pointer('src', w.from, 'int32'), to: pointer('dst', w.to, 'int32'), source: wordsOfFour(w), target: 2 };
}

/**
 * Widens `count` elements from `source` to `target`. `aligned`: both start at a multiple of four bytes. With
 * `shuffled`, `count` is a multiple of four and the places are aligned.
 */
export function widen(w: Widening, source: LExpr, target: LExpr, count: number, aligned: boolean): Stmt[] {
  if (count === 0) return [];
  if (!aligned || w.plain === true) return widenBytes(w, source, target, count);
  const fours = count >> 2;
  const rest = count & 3;
  const from = pointer('src', w.from, 'int32');
  const to = pointer('dst', w.to, 'int32');
  const unroll = fours % 4 === 0 ? 4 : fours % 2 === 0 ? 2 : 1;
  const turns = fours / unroll;
  const body: Stmt[] = [];
  for (let i = 0; i < unroll; i++) body.push(...widenWord(w, from, to, i));
  const out: Stmt[] = [];
  if (fours > 0) {
    out.push(
      point(from, source),
      point(to, target),
      loop('i', turns, () => block(...body, advance(from, wordsOfFour(w) * unroll), advance(to, 2 * unroll))),
    );
  }
  if (rest > 0) out.push(...widenBytes(w, add(source, 4 * fours), add(target, 4 * fours), rest));
  return [{ kind: 'block', body: out }];
}

/** Four bytes, the `i`th from the pointers' places. */
function widenWord(w: Widening, from: Pointer, to: Pointer, i: number): Stmt[] {
  if (w.plain === true)
    return Array.from({ length: 4 }, (_, k) => storeVia(to, 4 * i + k, cast('int16', deref(from, 4 * i + k))));
  if (w.dtype === 'int16') {
    const [a, b] = [local('a'), local('b')];
    return [declare(a, 0), declare(b, 0), ldrd(a, b, from, 2 * i), strd(to, 2 * i, a, b)];
  }
  const op = w.dtype === 'int8' ? 'sxtb16' : 'uxtb16';
  const word = local('q');
  const even = local('e');
  const odd = local('o');
  const out = [declare(word, deref(from, i)), declare(even, intr(op, word)), declare(odd, intr(`${op}_ror8`, word))];
  if (w.shuffled) return [...out, strd(to, 2 * i, even, odd)];
  return [...out, strd(to, 2 * i, intr('pkhbt', even, odd), intr('pkhtb', even, odd))];
}

/** Bytes that are widened without a loop. */
const writtenOut = 16;

function widenBytes(w: Widening, source: LExpr, target: LExpr, count: number): Stmt[] {
  const from = pointer('src', w.from, w.dtype);
  const to = pointer('dst', w.to, 'int16');
  const some = (n: number): Stmt[] =>
    Array.from({ length: n }, (_, i) => storeVia(to, i, cast('int16', deref(from, i))));
  const unroll = count <= writtenOut ? count : ([8, 7, 6, 5].find((u) => count % u === 0) ?? 8);
  const [turns, rest] = [Math.floor(count / unroll), count % unroll];
  return [
    point(from, source),
    point(to, target),
    ...(count === unroll
      ? some(count)
      : [loop('i', turns, () => block(...some(unroll), advance(from, unroll), advance(to, unroll))), ...some(rest)]),
  ];
}

/**
 * Widens `count` pixels whose groups are padded. Halves between the groups keep what they hold: the weights that they meet
 * are zero.
 */
function widenPixels(w: Widening, r: RowLayout, source: LExpr, target: LExpr, count: number): Stmt[] {
  const [pixel, perGroup] = [pixelElements(r), r.inC / r.groups];
  if (r.inC > writtenOut)
    return [
      loop('px', count, (x) =>
        block(
          ...Array.from({ length: r.groups }, (_, g) => {
            const from = add(add(source, mul(x, r.inC)), g * perGroup);
            return widen(w, from, add(add(target, mul(x, pixel)), g * r.groupStride), perGroup, false);
          }).flat(),
        ),
      ),
    ];
  const from = pointer('src', w.from, w.dtype);
  const to = pointer('dst', w.to, 'int16');
  const some = (pixels: number): Stmt[] =>
    Array.from({ length: pixels * r.inC }, (_, i) => {
      const [x, c] = [Math.floor(i / r.inC), i % r.inC];
      const place = x * pixel + Math.floor(c / perGroup) * r.groupStride + (c % perGroup);
      return storeVia(to, place, cast('int16', deref(from, i)));
    });
  const unroll = count * r.inC <= writtenOut ? count : Math.max(1, Math.floor(writtenOut / 2 / r.inC));
  const turns = Math.floor(count / unroll);
  return [
    point(from, source),
    point(to, target),
    turns > 0
      ? loop('px', turns, () => block(...some(unroll), advance(from, unroll * r.inC), advance(to, unroll * pixel)))
      : [],
    ...some(count % unroll),
  ].flat();
}

/** Sets `count` int16 elements to a value. */
export function fill(to: Buffer, target: LExpr, count: number, value: number): Stmt[] {
  if (count <= 0) return [];
  if (count <= 4) {
    return Array.from({ length: count }, (_, i) => store(to, add(target, i), { kind: 'const', dtype: 'int16', value }));
  }
  const p = pointer('pad', to, 'int16');
  const unroll = count % 4 === 0 ? 4 : count % 2 === 0 ? 2 : 1;
  const one: LExpr = { kind: 'const', dtype: 'int16', value };
  return [
    point(p, target),
    loop('i', count / unroll, () =>
      block(...Array.from({ length: unroll }, (_, i) => storeVia(p, i, one)), advance(p, unroll)),
    ),
  ];
}

/** Moves `count` int16 elements (even, word-aligned places) towards the start; ascending, so overlap is fine. */
export function moveDown(rows: Buffer, from: number, to: number, count: number): Stmt[] {
  if (count === 0) return [];
  const source = pointer('src', rows, 'int32');
  const target = pointer('dst', rows, 'int32');
  const words = count / 2;
  const some = (n: number): Stmt[] => {
    const out: Stmt[] = [];
    for (let i = 0; i + 1 < n; i += 2) {
      const [a, b] = [local('a'), local('b')];
      out.push(declare(a, 0), declare(b, 0), ldrd(a, b, source, i), strd(target, i, a, b));
    }
    return n % 2 === 0 ? out : [...out, storeVia(target, n - 1, deref(source, n - 1))];
  };
  const unroll = [8, 6, 10].find((u) => words % u === 0) ?? 8;
  const turns = Math.floor(words / unroll);
  return [
    block(
      point(source, from),
      point(target, to),
      turns > 0 ? loop('i', turns, () => block(...some(unroll), advance(source, unroll), advance(target, unroll))) : [],
      ...some(words % unroll),
    ),
  ];
}

/** One row of an image as a padded int16 row: how it is laid out and filled. */
export interface RowLayout {
  readonly inW: number;
  readonly inC: number;
  /** Groups and channels a group: each group's channels are padded to `groupStride` elements. */
  readonly groups: number;
  readonly groupStride: number;
  readonly padLeft: number;
  readonly padRight: number;
  /** Elements of the whole row; even. */
  readonly length: number;
  readonly padValue: number;
}

/** Elements of one pixel in a row. */
export const pixelElements = (r: RowLayout): number => r.groups * r.groupStride;

/** Fills a row at element `target` (a multiple of 2) from the image's row starting at `source`. */
export function fillRow(w: Widening, r: RowLayout, source: LExpr, target: LExpr, sourceAligned: boolean): Stmt[] {
  const pixel = pixelElements(r);
  const left = r.padLeft * pixel;
  const out: Stmt[] = [...fill(w.to, target, left, r.padValue)];
  const start = add(target, left);
  const taken = Math.min(r.inW, Math.floor(r.length / pixel) - r.padLeft);
  out.push(
    ...(pixel === r.inC
      ? widen(w, source, start, taken * pixel, sourceAligned && left % 2 === 0)
      : widenPixels(w, r, source, start, taken)),
  );
  out.push(...fill(w.to, add(start, taken * pixel), r.length - left - taken * pixel, r.padValue));
  return out;
}

/**
 * Columns `low` … `high` − 1 of a row of pixels with `channels` elements (a multiple of four, places aligned), padding
 * before and after them up to `span` columns.
 */
export function fillColumns(
  w: Widening,
  channels: number,
  padValue: number,
  source: LExpr,
  target: LExpr,
  low: LExpr,
  high: LExpr,
  span: number,
): Stmt[] {
  const { from, to, source: perSource, target: perTarget } = fourPointers(w);
  const unroll = channels % 16 === 0 ? 4 : channels % 8 === 0 ? 2 : 1;
  const turns = mul(sub(high, low), channels / (4 * unroll));
  const pad = (start: LExpr, columns: LExpr): Stmt[] => {
    const p = pointer('pad', w.to, 'int16');
    const value: LExpr = { kind: 'const', dtype: 'int16', value: padValue };
    const four = Array.from({ length: 4 }, (_, i) => storeVia(p, i, value));
    return [point(p, start), loop('i', mul(columns, channels / 4), () => block(...four, advance(p, 4)))];
  };
  const body: Stmt[] = [];
  for (let i = 0; i < unroll; i++) body.push(...widenWord(w, from, to, i));
  return [
    ...pad(target, low),
    point(from, source),
    point(to, add(target, mul(low, channels))),
    loop('i', turns, () => block(...body, advance(from, perSource * unroll), advance(to, perTarget * unroll))),
    ...pad(add(target, mul(high, channels)), sub(ix(span), high)),
  ];
}

/** A whole row of padding. */
export function padRow(w: Widening, r: RowLayout, target: LExpr): Stmt[] {
  return fill(w.to, target, r.length, r.padValue);
}
