/** Relation and meaning of products of matrices: `dense`, `matmul`, `batch_matmul`. */
import type { DType } from '../../tensor/dtype.ts';
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import { cast, compute, dtypeOf, int, load, mul, reduce } from '../../tensor/te.ts';
import type { Dim, TensorType } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import { printDim, printShape } from '../../types/print.ts';
import type { DimOrigin, RelateContext, RelateResult } from '../operator.ts';
import { dimOp, isAnyDim, isDim, mayEqual } from '../relations/dims.ts';
import { copyOf, fromAttribute } from '../relations/explain.ts';
import { checkRank, fail, ok, onAttribute, onInput, optionalTensor, tensorInput, wait } from './relate.ts';

export interface MatmulAttributes {
  readonly units: number | null;
  readonly out_dtype: DType | null;
}

export interface Transposed {
  readonly a: boolean;
  readonly b: boolean;
}

/** Names of the two operands in messages. */
export type OperandNames = readonly [string, string];

/** `…×K` times a matrix of rank two. With `units` the matrix's shape follows from data and attribute. */
export function relateMatmul(
  context: Pick<RelateContext<MatmulAttributes>, 'inputs' | 'attrs'>,
  transposed: Transposed,
  names: OperandNames,
): RelateResult {
  const { attrs } = context;
  const a = tensorInput(context, 0, names[0]);
  if (a.kind !== 'tensor') return a;
  const b = optionalTensor(context, 1, names[1]);
  if (b?.kind === 'error') return b;
  const rank = a.shape.length;
  if (rank === 0 || (transposed.a && rank < 2))
    return fail(
      'rank-mismatch',
      `\`${names[0]}\` must have at least ${transposed.a ? '2 dimensions' : '1 dimension'}, but it has ${rank}.`,
      onInput(0),
      { remedy: `Reshape \`${names[0]}\` to (batch, features).` },
    );
  const reducedAt = transposed.a ? rank - 2 : rank - 1;
  const reduced = a.shape[reducedAt] ?? 1;
  const shape = [...a.shape];
  if (transposed.a) shape[rank - 2] = a.shape[rank - 1] ?? 1;
  const dtype = attrs.out_dtype ?? a.dtype;
  const result = (units: Dim): TensorType => tensorType([...shape.slice(0, -1), units], dtype);

  if (attrs.units !== null) {
    const expected = transposed.b ? [attrs.units, reduced] : [reduced, attrs.units];
    if (b) {
      const problem = checkMatrix(a, reducedAt, b, expected, attrs.units, transposed, names);
      if (problem) return problem;
    }
    return ok(result(attrs.units), [{ index: 1, type: tensorType(expected, b?.dtype ?? a.dtype) }]);
  }
  if (!b) return wait;
  const wrong = checkRank(b, 2, 1, names[1], transposed.b ? 'units, features' : 'features, units');
  if (wrong) return wrong;
  const innerAt = transposed.b ? 1 : 0;
  const inner = b.shape[innerAt] ?? 1;
  if (!mayEqual(reduced, inner)) return innerMismatch(reduced, reducedAt, inner, innerAt, names);
  const known = (dim: Dim, other: Dim): Dim => (isAnyDim(dim) ? other : dim);
  const replace = (dims: readonly Dim[], at: number, dim: Dim): Dim[] => dims.map((d, i) => (i === at ? dim : d));
  return ok(result(b.shape[1 - innerAt] ?? 1), [
    { index: 0, type: tensorType(replace(a.shape, reducedAt, known(reduced, inner)), a.dtype) },
    { index: 1, type: tensorType(replace(b.shape, innerAt, known(inner, reduced)), b.dtype) },
  ]);
}

function innerMismatch(
  reduced: Dim,
  reducedAt: number,
  inner: Dim,
  innerAt: number,
  names: OperandNames,
): RelateResult {
  return fail(
    'shape-mismatch',
    `\`${names[0]}\` has ${printDim(reduced)} features (dimension ${reducedAt}), so dimension ${innerAt} of \`${names[1]}\` must be ${printDim(reduced)}, but it is ${printDim(inner)}.`,
    onInput(1, innerAt),
    {
      related: [{ blame: onInput(0, reducedAt), message: `\`${names[0]}\` has ${printDim(reduced)} features` }],
      remedy: `Check whether \`${names[1]}\` needs a \`transpose\`.`,
    },
  );
}

function checkMatrix(
  a: TensorType,
  reducedAt: number,
  b: TensorType,
  expected: readonly Dim[],
  units: number,
  transposed: Transposed,
  names: OperandNames,
): RelateResult | undefined {
  const wrong = checkRank(b, 2, 1, names[1], transposed.b ? 'units, features' : 'features, units');
  if (wrong) return wrong;
  const innerAt = transposed.b ? 1 : 0;
  const unitsAt = 1 - innerAt;
  const inner = b.shape[innerAt] ?? 1;
  const reduced = a.shape[reducedAt] ?? 1;
  if (!mayEqual(expected[innerAt] ?? 1, inner)) return innerMismatch(reduced, reducedAt, inner, innerAt, names);
  if (mayEqual(units, b.shape[unitsAt] ?? 1)) return undefined;
  return fail(
    'shape-mismatch',
    `\`units\` says ${units}, but \`${names[1]}\` has ${printDim(b.shape[unitsAt] ?? 1)} units (dimension ${unitsAt}).`,
    onInput(1, unitsAt),
    {
      related: [{ blame: onAttribute('units'), message: `\`units\` is ${units}` }],
      remedy: 'Change `units` or the weight so that they agree.',
    },
  );
}

/** Origin of a dimension of `relateMatmul`'s result. */
export function explainMatmul(
  context: Pick<RelateContext<MatmulAttributes>, 'inputs' | 'attrs'>,
  transposed: Transposed,
  dim: number,
): DimOrigin | undefined {
  const [a] = context.inputs;
  if (a?.kind !== 'tensor') return undefined;
  const rank = a.shape.length;
  if (dim === rank - 1) return context.attrs.units !== null ? fromAttribute('units') : copyOf(1, transposed.b ? 0 : 1);
  return copyOf(0, transposed.a && dim === rank - 2 ? rank - 1 : dim);
}

/** How elements enter a product. */
export interface ProductOperands {
  readonly a: TETensor;
  readonly b: TETensor;
  readonly aValue: (element: TEExpr) => TEExpr;
  /** `unit` is the result's last index. */
  readonly bValue: (element: TEExpr, unit: TEExpr) => TEExpr;
}

/** Sums `a[…, k] · b[unit, k]` over k. */
export function computeMatmul(
  { a, b, aValue, bValue }: ProductOperands,
  transposed: Transposed,
  output: { readonly shape: readonly number[]; readonly dtype: DType },
): TETensor {
  const rank = a.shape.length;
  const extent = a.shape[transposed.a ? rank - 2 : rank - 1] ?? 1;
  return compute('dense', output.shape, (...axes) => {
    const unit = axes[rank - 1] ?? int(0);
    const sum = reduce('sum', [extent], (k) => {
      const r = k ?? int(0);
      const left = transposed.a
        ? [...axes.slice(0, rank - 2), r, axes[rank - 2] ?? int(0)]
        : [...axes.slice(0, rank - 1), r];
      const right = transposed.b ? [unit, r] : [r, unit];
      return mul(aValue(load(a, ...left)), bValue(load(b, ...right), unit));
    });
    return dtypeOf(sum) === output.dtype ? sum : cast(output.dtype, sum);
  });
}

export interface BatchMatmulAttributes {
  readonly out_dtype: DType | null;
  readonly transpose_a: boolean;
  readonly transpose_b: boolean;
}

/** Rank-3 products; a batch of one is repeated. */
export function relateBatchMatmul(
  context: Pick<RelateContext<BatchMatmulAttributes>, 'inputs' | 'attrs'>,
  names: OperandNames,
): RelateResult {
  const { attrs } = context;
  const x = tensorInput(context, 0, names[0]);
  if (x.kind !== 'tensor') return x;
  const y = tensorInput(context, 1, names[1]);
  if (y.kind !== 'tensor') return y;
  const wrong =
    checkRank(x, 3, 0, names[0], 'batch, rows, columns') ?? checkRank(y, 3, 1, names[1], 'batch, rows, columns');
  if (wrong) return wrong;
  const [xb = 1] = x.shape;
  const [yb = 1] = y.shape;
  const xkAt = attrs.transpose_a ? 1 : 2;
  const ykAt = attrs.transpose_b ? 2 : 1;
  const xk = x.shape[xkAt] ?? 1;
  const yk = y.shape[ykAt] ?? 1;
  const dynamic = [...x.shape, ...y.shape].some(isAnyDim);
  const shapes = `${printShape(x.shape)} and ${printShape(y.shape)}`;
  if (!dynamic && !mayEqual(xb, yb) && !isDim(xb, 1) && !isDim(yb, 1))
    return fail(
      'shape-mismatch',
      `The batch sizes must be equal or 1, but they are ${printDim(xb)} and ${printDim(yb)} (shapes ${shapes}).`,
      onInput(1, 0),
      { related: [{ blame: onInput(0, 0), message: `\`${names[0]}\` has batch size ${printDim(xb)}` }] },
    );
  if (!dynamic && !mayEqual(xk, yk))
    return fail(
      'shape-mismatch',
      `Dimension ${ykAt} of \`${names[1]}\` must be ${printDim(xk)}, like dimension ${xkAt} of \`${names[0]}\`, but it is ${printDim(yk)} (shapes ${shapes}).`,
      onInput(1, ykAt),
      {
        related: [{ blame: onInput(0, xkAt), message: `\`${names[0]}\` has ${printDim(xk)} here` }],
        remedy: 'Check `transpose_a` and `transpose_b`.',
      },
    );
  const batch = isAnyDim(xb) || isAnyDim(yb) ? ({ kind: 'any' } as const) : maximumDim(xb, yb);
  return ok(
    tensorType(
      [batch, x.shape[attrs.transpose_a ? 2 : 1] ?? 1, y.shape[attrs.transpose_b ? 1 : 2] ?? 1],
      attrs.out_dtype ?? x.dtype,
    ),
  );
}

function maximumDim(a: Dim, b: Dim): Dim {
  if (isDim(a, 1)) return b;
  if (isDim(b, 1)) return a;
  return typeof a === 'object' && a === b ? a : dimOp('max', a, b);
}

/** Origin of a dimension of a batched product. */
export function explainBatchMatmul(
  context: Pick<RelateContext<BatchMatmulAttributes>, 'inputs' | 'attrs'>,
  dim: number,
): DimOrigin | undefined {
  const { attrs } = context;
  if (dim === 1) return copyOf(0, attrs.transpose_a ? 2 : 1);
  if (dim === 2) return copyOf(1, attrs.transpose_b ? 1 : 2);
  const x = context.inputs[0];
  return x?.kind === 'tensor' && isDim(x.shape[0] ?? 1, 1) ? copyOf(1, 0) : copyOf(0, 0);
}

/** Sums `x[b, i, k] · y[b, k, j]` over k for either order of the operands' dimensions. */
export function computeBatchMatmul(
  { a, b, aValue, bValue }: ProductOperands,
  attrs: BatchMatmulAttributes,
  output: { readonly shape: readonly number[]; readonly dtype: DType },
): TETensor {
  const extent = a.shape[attrs.transpose_a ? 1 : 2] ?? 1;
  return compute('batch_matmul', output.shape, (n, i, j) => {
    const at = (t: TETensor): TEExpr => (t.shape[0] === 1 ? int(0) : (n ?? int(0)));
    const row = i ?? int(0);
    const column = j ?? int(0);
    const sum = reduce('sum', [extent], (k) => {
      const r = k ?? int(0);
      const left = attrs.transpose_a ? load(a, at(a), r, row) : load(a, at(a), row, r);
      const right = attrs.transpose_b ? load(b, at(b), column, r) : load(b, at(b), r, column);
      return mul(aValue(left), bValue(right, column));
    });
    return cast(output.dtype, sum);
  });
}
