/** Products of two matrices that are both computed at run time: what fits the templates. */
import { operatorName } from '../ir/build.ts';
import type { Call, Expr, Func, Var } from '../ir/expr.ts';
import { ix } from '../loops/build.ts';
import type { LExpr } from '../loops/ir.ts';
import type { Buffer, LoweredKernel } from '../loops/kernel.ts';
import { elementCount } from '../tensor/ndarray.ts';
import { anchored, withoutReshapes, type Anchored, type AnchoredKernel } from './anchored.ts';
import { dtypeOf, shapeOf } from './filter.ts';

/** An operand: a matrix for each element of the batch, or one for all. */
export interface MatrixSide {
  readonly single: boolean;
  /** Elements along the sum are neighbours in memory; else those of different rows (columns) of the result. */
  readonly deep: boolean;
  readonly dtype: string;
  /** Taken off every element. */
  readonly zeroPoint: number;
}

/** `out[n, i, j] = Σ a[n, i, k] · b[n, j, k]`, whatever order the operands' elements stand in. */
export interface MatmulProblem {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly a: MatrixSide;
  readonly b: MatrixSide;
  readonly around: Anchored;
  readonly second: Var;
  /** Subscripts of the result. */
  indices(n: LExpr, i: LExpr, j: LExpr): readonly LExpr[];
}

const products = new Set(['nn.batch_matmul', 'qnn.batch_matmul', 'nn.dense', 'qnn.dense', 'nn.matmul']);

/** Whether sums are taken over neighbours: (first, second) operand. */
function depths(call: Call, name: string): readonly [boolean, boolean] {
  const says = (attr: string): boolean => call.attrs[attr] === true;
  if (name.endsWith('.dense')) return [true, true];
  return [!says('transpose_a'), says('transpose_b')];
}

/** The one value of a scalar constant. */
function scalarOf(e: Expr | undefined): number | undefined {
  const value = e?.kind === 'constant' && e.value.data.length === 1 ? e.value.data[0] : undefined;
  return value === undefined ? undefined : Number(value);
}

const bytes: ReadonlySet<string> = new Set(['int8', 'uint8']);

/** The function as a product of two parameters, of bytes with sums in int32 or of float32; else undefined. */
export function parseMatmul(func: Func): MatmulProblem | undefined {
  const around = anchored(func, (call) => products.has(operatorName(call) ?? ''));
  if (!around) return undefined;
  const { anchor } = around;
  const name = operatorName(anchor) ?? '';
  const second = withoutReshapes(anchor.args[1]);
  if (second?.kind !== 'var' || !func.params.includes(second)) return undefined;
  const [x, y] = [shapeOf(anchor.args[0]), shapeOf(anchor.args[1])];
  const [deepA, deepB] = depths(anchor, name);
  const quantised = name.startsWith('qnn.');
  const [zeroA, zeroB] = quantised ? [scalarOf(anchor.args[2]), scalarOf(anchor.args[3])] : [0, 0];
  const types = [around.data, second].map(dtypeOf);
  const whole = types.every((t) => bytes.has(t)) && dtypeOf(anchor) === 'int32';
  const float = types.every((t) => t === 'float32') && dtypeOf(anchor) === 'float32';
  if (!x || !y || zeroA === undefined || zeroB === undefined || (!whole && !float)) return undefined;
  const batched = name.endsWith('batch_matmul');
  const outer = batched ? [around.shape[0] ?? 0] : [];
  const [rows, columns] = batched
    ? [around.shape[1] ?? 0, around.shape[2] ?? 0]
    : [around.shape.slice(0, -1).reduce((n, d) => n * d, 1), around.shape.at(-1) ?? 0];
  // Rows over several dimensions are rows one behind the other, but they have subscripts of their own.
  const lead = around.shape.slice(0, -1);
  if (!batched && (lead.filter((d) => d !== 1).length > 1 || (!deepA && x.length !== 2))) return undefined;
  const depth = x[x.length - (deepA ? 1 : 2)] ?? 0;
  const batch = outer[0] ?? 1;
  if (batch * rows * columns * depth === 0) return undefined;
  const side = (i: 0 | 1): MatrixSide => ({
    single: !batched || (i === 0 ? x : y)[0] === 1,
    deep: i === 0 ? deepA : deepB,
    dtype: types[i] ?? '',
    zeroPoint: (i === 0 ? zeroA : zeroB) ?? 0,
  });
  const [a, b] = [side(0), side(1)];
  const sizes = [a, b].map((s, i) => (s.single ? 1 : batch) * (i === 0 ? rows : columns) * depth);
  if (elementCount(x) !== sizes[0] || elementCount(y) !== sizes[1]) return undefined;
  const fixed = (size: number | undefined, e: LExpr): LExpr => (size === 1 ? ix(0) : e);
  const indices: MatmulProblem['indices'] = batched
    ? (n, i, j) => [fixed(batch, n), fixed(rows, i), fixed(columns, j)]
    : (_n, i, j) => [...lead.map((d) => fixed(d, i)), fixed(columns, j)];
  return { batch, rows, columns, depth, a, b, around, second, indices };
}

export interface BoundMatmul {
  readonly bound: AnchoredKernel;
  readonly a: Buffer;
  readonly b: Buffer;
  /** Where the result may lie upon an operand of what follows; never upon one of the matrices. */
  readonly overlaps: LoweredKernel['overlaps'];
}

/** Buffers of one kernel. */
export function bindMatmul(p: MatmulProblem): BoundMatmul {
  const bound = p.around.bind();
  const { params } = p.around.func;
  const second = params.indexOf(p.second);
  return {
    bound,
    a: bound.data,
    b: bound.buffers.inputs[second] ?? bound.data,
    overlaps: bound.overlaps(undefined).filter((o) => o.input !== second),
  };
}

/** Blocks that cover a range: as many of `size` as fit, and one of what is left. */
export function blocksOf(range: number, size: number): readonly { readonly from: number; readonly count: number; readonly size: number }[] {
  const whole = Math.floor(range / size);
  const rest = range % size;
  return [
    ...(whole > 0 ? [{ from: 0, count: whole, size }] : []),
    ...(rest > 0 ? [{ from: whole * size, count: 1, size: rest }] : []),
  ];
} // prettier-ignore
