/**
 * Average pooling of int8 in NHWC with sums in int32: four channels at a time, two 16-bit sums in a word, because a
 * window of up to 255 elements cannot leave 16 bits. Divides towards zero.
 */
import {
  add,
  advance,
  assign,
  bin,
  block,
  buffer,
  cast,
  declare,
  deref,
  i32,
  intr,
  loop,
  local,
  mul,
  point,
  pointer,
  storeVia,
} from '../../loops/build.ts';
import type { LExpr, Stmt } from '../../loops/ir.ts';
import type { KernelParts } from './parts.ts';

/** Windows that lie inside the image; channels are a multiple of four. */
export interface AveragePoolProblem {
  readonly batch: number;
  readonly inH: number;
  readonly inW: number;
  readonly channels: number;
  readonly outH: number;
  readonly outW: number;
  readonly kH: number;
  readonly kW: number;
  readonly strideH: number;
  readonly strideW: number;
}

/** Most elements of a window whose sum of int8 stays within 16 bits. */
export const largestWindow = 255;

/** The kernel; `unroll`: elements of a window row a turn. */
export function lowerAveragePool(p: AveragePoolProblem, unroll: number): KernelParts {
  const input = buffer('input', 'int8', p.batch * p.inH * p.inW * p.channels);
  const output = buffer('output', 'int8', p.batch * p.outH * p.outW * p.channels);
  const count = p.kH * p.kW;
  const pixel = p.channels / 4;
  // Windows of whole rows are one run.
  const rows = p.kW === p.inW ? 1 : p.kH;
  const run = p.kW === p.inW ? count : p.kW;
  const four = (n: LExpr, oy: LExpr, ox: LExpr, c: LExpr): Stmt => {
    const x = pointer('x', input, 'int32');
    const o = pointer('out', output, 'int8');
    const [even, odd] = [local('even'), local('odd')];
    const take = (i: number): Stmt[] => {
      const word = local('q');
      return [
        declare(word, deref(x, i * pixel)),
        assign(even, intr('sxtab16', even, word)),
        assign(odd, intr('sxtab16_ror8', odd, word)),
      ];
    };
    const turn = (taps: number): Stmt[] => [
      ...Array.from({ length: taps }, (_, i) => take(i)).flat(),
      advance(x, taps * pixel),
    ];
    const whole = Math.floor(run / unroll);
    const rest = run % unroll;
    const row = block(
      ...(whole > 0 ? [loop('k', whole, () => block(...turn(unroll)))] : []),
      ...(rest > 0 ? turn(rest) : []),
      ...(rows > 1 ? [advance(x, (p.inW - run) * pixel)] : []),
    );
    const first = add(mul(add(mul(n, p.inH), mul(oy, p.strideH)), p.inW), mul(ox, p.strideW));
    const place = add(mul(add(mul(add(mul(n, p.outH), oy), p.outW), ox), p.channels), mul(c, 4));
    const average = (sum: LExpr): LExpr => bin('truncdiv', sum, i32(count));
    const lower = (word: LExpr): LExpr => cast('int32', cast('int16', word));
    const upper = (word: LExpr): LExpr => bin('shr', word, i32(16));
    return block(
      point(x, add(mul(first, p.channels), mul(c, 4))),
      declare(even, 0),
      declare(odd, 0),
      loop('ky', rows, () => row),
      point(o, place),
      ...[lower(even), lower(odd), upper(even), upper(odd)].map((sum, i) => storeVia(o, i, cast('int8', average(sum)))),
    );
  };
  return {
    inputs: [input],
    outputs: [output],
    constants: [],
    scratch: [],
    body: loop('n', p.batch, (n) =>
      loop('oy', p.outH, (oy) => loop('ox', p.outW, (ox) => loop('c', pixel, (c) => four(n, oy, ox, c)))),
    ),
    overlaps: [],
    macs: 0,
  };
}
