/**
 * Products of two matrices of bytes: rows × columns of sums in registers, four products of each a step. Matrices whose
 * elements do not lie in whole words along the sum are copied so beforehand. Zero points are taken off the sums:
 * Σ (a − z)(b − y) = Σ ab − y Σ a − z Σ b + depth · z · y.
 */
import {
  add,
  advance,
  assign,
  block,
  buffer,
  cast,
  declare,
  deref,
  i32,
  intr,
  ix,
  load,
  local,
  loop,
  mul,
  point,
  pointer,
  store,
  sub,
} from '../../loops/build.ts';
import type { LExpr, Local, Pointer, Stmt } from '../../loops/ir.ts';
import type { Buffer } from '../../loops/kernel.ts';
import { bindMatmul, blocksOf, type MatmulProblem, type MatrixSide } from '../matmul-problem.ts';
import { exactScaling } from '../scale-ranges.ts';
import type { KernelParts } from './parts.ts';

export interface MatmulConfig {
  /** Rows and columns of the result whose sums stay in registers. */
  readonly rows: number;
  readonly columns: number;
  /** Steps of four products in a turn of the inner loop. */
  readonly unroll: number;
  /** Products by twos, by instructions on halves; else one by one. */
  readonly dsp: boolean;
}

/** Bytes that a load reaches from a pointer. */
const reach = 4000;

/** A matrix in whole words along the sum. */
interface Matrix {
  readonly side: MatrixSide;
  readonly buffer: Buffer;
  /** Elements from row to row; a multiple of four. */
  readonly stride: number;
  /** The first element of a batch's matrix. */
  start(n: LExpr): LExpr;
  /** What must run before, once a batch or once in all. */
  readonly prepare: ((n: LExpr) => Stmt[]) | undefined;
}

const fours = (n: number): number => 4 * Math.ceil(n / 4);
const byte = (value: number, dtype: string): LExpr => ({ kind: 'const', dtype, value });

function matrixOf(side: MatrixSide, from: Buffer, count: number, depth: number, name: string): Matrix {
  const size = count * depth;
  const start = (n: LExpr): LExpr => (side.single ? ix(0) : mul(n, size));
  if (side.deep && depth % 4 === 0) return { side, buffer: from, stride: depth, start, prepare: undefined };
  const stride = fours(depth);
  const to = buffer(name, side.dtype, count * stride);
  const [element, row] = side.deep ? [1, depth] : [count, 1];
  const copy = (base: LExpr, r: LExpr, k: LExpr): Stmt =>
    store(to, add(mul(r, stride), k), load(from, add(base, add(mul(r, row), mul(k, element)))));
  // Neighbours in the source are read one behind the other.
  const copies = (base: LExpr): Stmt =>
    side.deep
      ? loop('r', count, (r) => inTurns('k', depth, (k) => copy(base, r, k)))
      : loop('k', depth, (k) => inTurns('r', count, (r) => copy(base, r, k)));
  const padding = stride - depth;
  const pad = loop('r', count, (r) =>
    block(Array.from({ length: padding }, (_, i) => store(to, add(mul(r, stride), depth + i), byte(0, side.dtype)))),
  );
  return {
    side,
    buffer: to,
    stride,
    start: () => ix(0),
    prepare: (n) => [copies(start(n)), ...(padding > 0 ? [pad] : [])],
  };
}

/** A loop with four turns written out at a time. */
function inTurns(name: string, extent: number, body: (i: LExpr) => Stmt): Stmt {
  const whole = Math.floor(extent / 4);
  const rest = extent % 4;
  const four = (start: LExpr): Stmt => block([0, 1, 2, 3].map((i) => body(add(start, i))));
  return block(
    whole > 0 ? loop(name, whole, (i) => four(mul(i, 4))) : [],
    Array.from({ length: rest }, (_, i) => body(ix(4 * whole + i))),
  );
}

/** The kernel. */
export function lowerMatmul(p: MatmulProblem, c: MatmulConfig): KernelParts {
  const { bound, a: first, b: second, overlaps } = bindMatmul(p);
  const a = matrixOf(p.a, first, p.rows, p.depth, 'rows');
  const b = matrixOf(p.b, second, p.columns, p.depth, 'columns');
  // What a column's elements add to all of its sums.
  const terms = p.a.zeroPoint === 0 ? undefined : buffer('column_terms', 'int32', p.columns);
  const scratch = [...(a.prepare ? [a.buffer] : []), ...(b.prepare ? [b.buffer] : []), ...(terms ? [terms] : [])];
  const greatest = p.depth * reachOf(p.a) * reachOf(p.b);
  const ranges = new Map<Local, { min: number; max: number }>();

  const tile = (n: LExpr, i0: LExpr, j0: LExpr, columns: number, start: readonly Local[]): Stmt[] => {
    const sums = start.map(() => Array.from({ length: columns }, () => local('s')));
    const out: Stmt[] = [];
    sums.forEach((row, r) =>
      row.forEach((s, j) => {
        const own = start[r] ?? i32(0);
        out.push(declare(s, terms ? add(own, load(terms, add(j0, j))) : own));
      }),
    );
    const at = (m: Matrix, from: LExpr): LExpr => add(m.start(n), mul(from, m.stride));
    out.push(...products(a, at(a, i0), b, at(b, j0), sums, c));
    sums.forEach((row, r) =>
      row.forEach((s, j) => {
        const total = local('total');
        if (greatest < 2 ** 31) ranges.set(total, { min: -greatest, max: greatest });
        out.push(declare(total, s), ...bound.finish(p.indices(n, add(i0, r), add(j0, j)), total));
      }),
    );
    return out;
  };
  const rowsOf = (n: LExpr): Stmt[] =>
    blocksOf(p.rows, c.rows).map(({ from, count, size }) =>
      loop('ib', count, (ib) => {
        const i0 = add(mul(ib, size), from);
        const start = Array.from({ length: size }, () => local('start'));
        const constant = Math.imul(p.depth, Math.imul(p.a.zeroPoint, p.b.zeroPoint));
        const out: Stmt[] = start.flatMap((s, r) => {
          if (p.b.zeroPoint === 0) return [declare(s, constant)];
          const sum = local('sum');
          const from = add(a.start(n), mul(add(i0, r), a.stride));
          return [declare(sum, 0), ...sumOf(a, from, sum, c), declare(s, sub(i32(constant), mul(sum, i32(p.b.zeroPoint))))];
        });
        for (const j of blocksOf(p.columns, c.columns))
          out.push(loop('jb', j.count, (jb) => block(tile(n, i0, add(mul(jb, j.size), j.from), j.size, start))));
        return block(out);
      }),
    ); // prettier-ignore
  const columnTerms = (n: LExpr): Stmt[] => {
    if (!terms) return [];
    const sum = local('sum');
    return [
      loop('j', p.columns, (j) =>
        block(
          declare(sum, 0),
          sumOf(b, add(b.start(n), mul(j, b.stride)), sum, c),
          store(terms, j, mul(sum, i32(-p.a.zeroPoint))),
        ),
      ),
    ];
  };
  const once = (m: Matrix): boolean => m.side.single && m.prepare !== undefined;
  const each = (m: Matrix, n: LExpr): Stmt[] => (once(m) ? [] : (m.prepare?.(n) ?? []));
  const body = block(
    [a, b].flatMap((m) => (once(m) ? (m.prepare?.(ix(0)) ?? []) : [])),
    b.side.single ? columnTerms(ix(0)) : [],
    loop('n', p.batch, (n) =>
      block(each(a, n), each(b, n), b.side.single ? [] : columnTerms(n), rowsOf(n)),
    ),
  ); // prettier-ignore
  return {
    ...bound.buffers,
    scratch,
    body: exactScaling(body, ranges),
    overlaps,
    macs: p.batch * p.rows * p.columns * p.depth,
  };
}

/** The greatest magnitude of an element less its zero point. */
function reachOf(side: MatrixSide): number {
  const [low, high] = side.dtype === 'int8' ? [-128, 127] : [0, 255];
  return Math.max(Math.abs(low - side.zeroPoint), Math.abs(high - side.zeroPoint));
}

/** Words of a matrix's rows at pointers that move along the sum. */
interface Walk {
  readonly statements: Stmt[];
  /** Word `step` (or byte, without DSP) of row `r` from the pointers' places. */
  at(r: number, step: number): LExpr;
  advance(steps: number): Stmt[];
}

function walk(m: Matrix, from: LExpr, rows: number, dsp: boolean, name: string): Walk {
  const near = (rows - 1) * m.stride <= reach;
  const held = dsp ? 4 : 1;
  const type = dsp ? 'int32' : m.side.dtype;
  const p = Array.from({ length: near ? 1 : rows }, (_, r) => pointer(near ? name : `${name}${r}`, m.buffer, type));
  return {
    statements: p.map((at, r) => point(at, add(from, r * m.stride))),
    at: (r, step) => deref(p[near ? 0 : r] as Pointer, (near ? (r * m.stride) / held : 0) + step),
    advance: (steps) => p.map((at) => advance(at, steps)),
  };
}

/** Turns of an inner loop over `count` steps, `unroll` of them written out, and what is left. */
function steps(count: number, unroll: number, one: (s: number) => Stmt[], move: (n: number) => Stmt[]): Stmt[] {
  const each = Math.min(unroll, count);
  const turns = Math.floor(count / each);
  const rest = count % each;
  const turn = (n: number): Stmt[] => Array.from({ length: n }, (_, s) => one(s)).flat();
  return [
    loop('k', turns, () => block(turn(each), turns > 1 || rest > 0 ? move(each) : [])),
    ...(rest > 0 ? [block(turn(rest))] : []),
  ];
}

const widened = (dtype: string): string => (dtype === 'uint8' ? 'uxtb16' : 'sxtb16');

/** Adds all products to the sums. */
function products(a: Matrix, fromA: LExpr, b: Matrix, fromB: LExpr, sums: readonly (readonly Local[])[], c: MatmulConfig): Stmt[] {
  const columns = sums[0]?.length ?? 0;
  const x = walk(a, fromA, sums.length, c.dsp, 'x');
  const y = walk(b, fromB, columns, c.dsp, 'y');
  const move = (n: number): Stmt[] => [...x.advance(n), ...y.advance(n)];
  const step = (s: number): Stmt[] => {
    const out: Stmt[] = [];
    const read = (w: Walk, m: Matrix, r: number): readonly Local[] => {
      if (!c.dsp) {
        const v = local('v');
        out.push(declare(v, cast('int32', w.at(r, s))));
        return [v];
      }
      const word = local('q');
      out.push(declare(word, w.at(r, s)));
      return ['', '_ror8'].map((part) => {
        const v = local('v');
        out.push(declare(v, intr(widened(m.side.dtype) + part, word)));
        return v;
      });
    };
    const held = sums.map((_, r) => read(x, a, r));
    for (let j = 0; j < columns; j++) {
      const own = read(y, b, j);
      held.forEach((h, r) =>
        h.forEach((v, i) => {
          const [sum, w] = [sums[r]?.[j] as Local, own[i] as Local];
          out.push(assign(sum, c.dsp ? intr('smlad', v, w, sum) : add(sum, mul(v, w))));
        }),
      );
    }
    return out;
  };
  const count = c.dsp ? a.stride / 4 : a.stride;
  return [block(x.statements, y.statements, steps(count, c.dsp ? c.unroll : 4 * c.unroll, step, move))];
} // prettier-ignore

/** Adds a row's elements to a sum. */
function sumOf(m: Matrix, from: LExpr, sum: Local, c: MatmulConfig): Stmt[] {
  const w = walk(m, from, 1, c.dsp, 'x');
  const step = (s: number): Stmt[] => {
    if (!c.dsp) return [assign(sum, add(sum, cast('int32', w.at(0, s))))];
    const word = local('q');
    const add2 = (part: string): Stmt =>
      assign(sum, intr('smlad', intr(widened(m.side.dtype) + part, word), i32(0x00010001), sum));
    return [declare(word, w.at(0, s)), add2(''), add2('_ror8')];
  };
  const count = c.dsp ? m.stride / 4 : m.stride;
  return [block(w.statements, steps(count, 4, step, w.advance))];
}
