/** Products of two matrices in float32: rows × columns of sums in registers, operands read where they lie. */
import {
  add,
  advance,
  assign,
  block,
  declare,
  deref,
  fma,
  ix,
  local,
  loop,
  mul,
  point,
  pointer,
} from '../../loops/build.ts';
import type { LExpr, Local, Pointer, Stmt } from '../../loops/ir.ts';
import type { Buffer } from '../../loops/kernel.ts';
import { bindMatmul, blocksOf, type MatmulProblem, type MatrixSide } from '../matmul-problem.ts';
import type { KernelParts } from '../templates/parts.ts';

export interface FloatMatmulConfig {
  readonly rows: number;
  readonly columns: number;
  /** Products of each sum in a turn of the inner loop. */
  readonly unroll: number;
}

/** Bytes that a load of a float reaches from a pointer. */
const reach = 1020;

/** Elements from row to row, and along the sum. */
interface Strides {
  readonly row: number;
  readonly deep: number;
}

/** The kernel. */
export function lowerFloatMatmul(p: MatmulProblem, c: FloatMatmulConfig): KernelParts {
  const { bound, a, b, overlaps } = bindMatmul(p);
  const strides = (side: MatrixSide, count: number): Strides =>
    side.deep ? { row: p.depth, deep: 1 } : { row: 1, deep: count };
  const [ofA, ofB] = [strides(p.a, p.rows), strides(p.b, p.columns)];
  const start = (side: MatrixSide, n: LExpr, count: number): LExpr => (side.single ? ix(0) : mul(n, count * p.depth));
  const tile = (n: LExpr, i0: LExpr, j0: LExpr, rows: number, columns: number): Stmt[] => {
    const sums = Array.from({ length: rows }, () => Array.from({ length: columns }, () => local('s', 'float32')));
    const unroll = Math.min(c.unroll, p.depth);
    const turns = Math.floor(p.depth / unroll);
    const rest = p.depth % unroll;
    const x = walk(a, ofA, add(start(p.a, n, p.rows), mul(i0, ofA.row)), rows, unroll, 'x');
    const y = walk(b, ofB, add(start(p.b, n, p.columns), mul(j0, ofB.row)), columns, unroll, 'y');
    const step = (k: number): Stmt[] => {
      const out: Stmt[] = [];
      const read = (w: Walk, r: number): Local => {
        const v = local('v', 'float32');
        out.push(declare(v, w.at(r, k)));
        return v;
      };
      const held = sums.map((_, r) => read(x, r));
      for (let j = 0; j < columns; j++) {
        const v = read(y, j);
        sums.forEach((row, r) => {
          const [sum, h] = [row[j] as Local, held[r] as Local];
          out.push(assign(sum, fma(h, v, sum)));
        });
      }
      return out;
    };
    const turn = (count: number): Stmt[] => Array.from({ length: count }, (_, k) => step(k)).flat();
    const last = rest > 0 ? [block(turn(rest))] : [];
    return [
      ...sums.flat().map((s) => declare(s, 0)),
      block(
        x.statements,
        y.statements,
        loop('k', turns, () => block(turn(unroll), x.advance(unroll), y.advance(unroll))),
        last,
      ),
      ...sums.flatMap((row, r) => row.flatMap((s, j) => bound.finish(p.indices(n, add(i0, r), add(j0, j)), s))),
    ];
  };
  const body = loop('n', p.batch, (n) =>
    block(
      blocksOf(p.rows, c.rows).map((i) =>
        loop('ib', i.count, (ib) =>
          block(
            blocksOf(p.columns, c.columns).map((j) =>
              loop('jb', j.count, (jb) =>
                block(tile(n, add(mul(ib, i.size), i.from), add(mul(jb, j.size), j.from), i.size, j.size)),
              ),
            ),
          ),
        ),
      ),
    ),
  );
  return {
    ...bound.buffers,
    scratch: [],
    body: { kind: 'block', body: [body] },
    overlaps,
    macs: p.batch * p.rows * p.columns * p.depth,
  };
}

/** Elements of a matrix's rows at pointers that move along the sum. */
interface Walk {
  readonly statements: Stmt[];
  at(r: number, k: number): LExpr;
  advance(steps: number): Stmt[];
}

function walk(from: Buffer, s: Strides, start: LExpr, rows: number, unroll: number, name: string): Walk {
  const near = 4 * ((rows - 1) * s.row + (unroll - 1) * s.deep) <= reach;
  const p = Array.from({ length: near ? 1 : rows }, (_, r) => pointer(near ? name : `${name}${r}`, from, 'float32'));
  return {
    statements: p.map((at, r) => point(at, add(start, r * s.row))),
    at: (r, k) => deref(p[near ? 0 : r] as Pointer, (near ? r * s.row : 0) + k * s.deep),
    advance: (steps) => p.map((at) => advance(at, steps * s.deep)),
  };
}
