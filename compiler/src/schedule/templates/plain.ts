/**
 * The inner product for processors without instructions on halves: taps one by one, weights as bytes with a block's
 * channels beside each other, inputs as halves of widened rows or as bytes where they lie.
 */
import {
  add,
  advance,
  assign,
  block,
  cast,
  declare,
  deref,
  local,
  loop,
  mul,
  point,
  pointer,
} from '../../loops/build.ts';
import type { LExpr, Local, Pointer, Stmt } from '../../loops/ir.ts';
import type { DotBlock } from './dot.ts';

/** Adds a block's taps to its sums; `weights` are read as bytes and end behind the block's. */
export function plainBlock(d: DotBlock, weights: Pointer): Stmt[] {
  const { taps } = d;
  const row = (ky: LExpr): Stmt[] =>
    taps.runs.flatMap((run) => {
      const x = pointer('x', d.inputs, d.bytes ?? 'int16');
      const start = add(add(d.start, mul(ky, taps.rowStride)), run.offset);
      const unroll = d.unroll === 0 ? run.length : Math.min(run.length, 4 * d.unroll);
      const turns = Math.floor(run.length / unroll);
      const rest = run.length - turns * unroll;
      const turn = (count: number): Stmt[] => [
        ...Array.from({ length: count }, (_, t) => oneTap(d, weights, x, t)).flat(),
        advance(weights, count * d.channels),
        advance(x, count),
      ];
      return [
        block(
          point(x, start),
          loop('k', turns, () => block(turn(unroll))),
          rest > 0 ? turn(rest) : [],
        ),
      ];
    });
  return [loop('ky', taps.rows, (ky) => block(row(ky)))];
}

/** One tap of all channels and pixels; the side with fewer registers is held, the other streams past it. */
function oneTap(d: DotBlock, weights: Pointer, x: Pointer, t: number): Stmt[] {
  const out: Stmt[] = [];
  const read = (name: string, pointed: Pointer, offset: number): Local => {
    const value = local(name);
    out.push(declare(value, cast('int32', deref(pointed, offset))));
    return value;
  };
  const weight = (c: number): Local => read('v', weights, t * d.channels + c);
  const input = (p: number): Local => read('a', x, p * d.taps.pixelStep + t);
  const multiply = (c: number, p: number, w: Local, a: Local): void => {
    const sum = d.sums[c]?.[p];
    if (sum) out.push(assign(sum, add(sum, mul(a, w))));
  };
  const [channels, pixels] = [[...Array(d.channels).keys()], [...Array(d.pixels).keys()]];
  if (d.channels > d.pixels) {
    const held = pixels.map(input);
    for (const c of channels) {
      const w = weight(c);
      held.forEach((a, p) => multiply(c, p, w, a));
    }
    return out;
  }
  const held = channels.map(weight);
  for (const p of pixels) {
    const a = input(p);
    held.forEach((w, c) => multiply(c, p, w, a));
  }
  return out;
}
