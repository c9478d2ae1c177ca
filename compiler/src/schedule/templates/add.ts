/** A quantised sum of two tensors of one shape, element by element. */
import {
  advance,
  bin,
  block,
  buffer,
  cast,
  declare,
  deref,
  i32,
  loop,
  local,
  point,
  pointer,
  storeVia,
} from '../../loops/build.ts';
import type { LExpr, Stmt } from '../../loops/ir.ts';
import type { InputDType, Residual } from '../problem.ts';
import { addSides, sumTables } from './epilogue.ts';
import type { KernelParts } from './parts.ts';

export interface AddConfig {
  /** Elements a turn of the loop. */
  readonly unroll: number;
  /** Reads four elements as a word and takes its bytes apart. */
  readonly words: boolean;
  /** Both sides are looked up. */
  readonly tables: boolean;
}

/** Byte `n` of a word, widened. */
function byteOf(word: LExpr, n: number, dtype: InputDType): LExpr {
  return cast('int32', cast(dtype, n === 0 ? word : bin('shr', word, i32(8 * n))));
}

/** The kernel of a sum; `same`: both operands are one tensor. */
export function lowerAdd(r: Residual, length: number, config: AddConfig, same: boolean): KernelParts {
  const tables = config.tables ? sumTables(r) : undefined;
  const own = buffer('a', r.own.dtype, length);
  const other = same ? own : buffer('b', r.other.dtype, length);
  const output = buffer('output', r.dtype, length);
  const wide = config.words && config.unroll % 4 === 0;
  const x = pointer('pa', own, wide ? 'int32' : own.dtype);
  const y = pointer('pb', other, wide ? 'int32' : other.dtype);
  const o = pointer('out', output, output.dtype);
  const one = (i: number): Stmt =>
    storeVia(o, i, addSides(tables ? deref(x, i) : cast('int32', deref(x, i)), deref(y, i), r, tables));
  const turn = (count: number): Stmt[] => Array.from({ length: count }, (_, i) => one(i));
  const wideTurn = (): Stmt[] =>
    Array.from({ length: config.unroll / 4 }, (_, w) => {
      const a = local('wa');
      const b = local('wb');
      return [
        declare(a, deref(x, w)),
        declare(b, deref(y, w)),
        ...Array.from({ length: 4 }, (_, n) =>
          storeVia(o, 4 * w + n, addSides(byteOf(a, n, r.own.dtype), byteOf(b, n, r.other.dtype), r, tables)),
        ),
      ];
    }).flat();
  const turns = Math.floor(length / config.unroll);
  const rest = length - turns * config.unroll;
  const step = wide ? config.unroll / 4 : config.unroll;
  const body: Stmt[] = [...(tables?.statements ?? []), ...(turns > 0 ? [point(x, 0), point(y, 0)] : []), point(o, 0)];
  if (turns > 0)
    body.push(
      loop('i', turns, () =>
        block(
          ...(wide ? wideTurn() : turn(config.unroll)),
          advance(x, step),
          advance(y, step),
          advance(o, config.unroll),
        ),
      ),
    );
  if (rest > 0) {
    const start = turns * config.unroll;
    const tx = pointer('ta', own, own.dtype);
    const ty = pointer('tb', other, other.dtype);
    body.push(point(tx, start), point(ty, start));
    for (let i = 0; i < rest; i++)
      body.push(storeVia(o, i, addSides(cast('int32', deref(tx, i)), deref(ty, i), r, tables)));
  }
  return {
    inputs: same ? [own] : [own, other],
    outputs: [output],
    constants: tables?.constants ?? [],
    scratch: [],
    body: block(...body),
    // Four elements are read before the first of them is written.
    overlaps: (same ? [0] : [0, 1]).map((input) => ({ input, output: 0, leadBytes: 0 })),
    macs: 0,
  };
}
