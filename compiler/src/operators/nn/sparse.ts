/** Products and sums with sparse matrices, given as (values, column indices, row starts). */
import type { NDArray } from '../../tensor/ndarray.ts';
import type { Dim, TensorType } from '../../types/type.ts';
import { tensorType, tupleType } from '../../types/type.ts';
import { printShape } from '../../types/print.ts';
import { attr } from '../attributes.ts';
import { isFloat } from '../../tensor/dtype.ts';
import type { Scalar } from '../compute/arrays.ts';
import { arrayAt, elementAt, numbersOf, setElement, zeros } from '../compute/arrays.ts';
import type { KernelContext, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { mulDims, subDims } from '../relations/dims.ts';
import { copyOf } from '../relations/explain.ts';
import type { Failure } from './relate.ts';
import { badAttribute, checkRank, fail, ok, onInput, tensorInput } from './relate.ts';

const tolerance = { relative: 1e-4, absolute: 1e-5 };
type Relating = Pick<RelateContext<unknown>, 'inputs'>;

const sparseInputs = (dense: string) => [
  { name: 'dense_data', summary: dense },
  { name: 'sparse_data', summary: 'Non-zero elements (rank 1), or blocks of them (rank 3).' },
  { name: 'sparse_indices', summary: 'Column of each element or block.' },
  { name: 'sparse_indptr', summary: 'Where each row starts; one more than there are rows.' },
];

/** The four inputs as tensors, or what to return instead. */
function sparseTensors(context: Relating): readonly TensorType[] | RelateResult {
  const tensors: TensorType[] = [];
  for (const [i, name] of ['dense_data', 'sparse_data', 'sparse_indices', 'sparse_indptr'].entries()) {
    const tensor = tensorInput(context, i, name);
    if (tensor.kind !== 'tensor') return tensor;
    tensors.push(tensor);
  }
  return tensors;
}

function isResult(value: readonly TensorType[] | RelateResult): value is RelateResult {
  return !Array.isArray(value);
}

function checkValuesRank(values: TensorType, ranks: readonly number[]): Failure | undefined {
  if (ranks.includes(values.shape.length)) return undefined;
  return fail(
    'rank-mismatch',
    `\`sparse_data\` must have rank ${ranks.join(' or ')}, but its shape is ${printShape(values.shape)}.`,
    onInput(1),
  );
}

/** Rows of the sparse matrix: row starts less one, times the block's rows. */
function sparseRows(values: TensorType, starts: TensorType): Dim {
  const rows = subDims(starts.shape[0] ?? 1, 1);
  return values.shape.length === 1 ? rows : mulDims(rows, values.shape[1] ?? 1);
}

function relateSparseDense(context: RelateContext<{ readonly sparse_lhs: boolean }>): RelateResult {
  const tensors = sparseTensors(context);
  if (isResult(tensors)) return tensors;
  const [dense, values, , starts] = tensors as [TensorType, TensorType, TensorType, TensorType];
  const wrong = checkValuesRank(values, [1, 3]);
  if (wrong) return wrong;
  for (const [i, tensor] of [[0, dense] as const, [3, starts] as const])
    if (tensor.shape.length === 0)
      return fail('rank-mismatch', 'This input must have at least 1 dimension, but it is a scalar.', onInput(i));
  const rows = sparseRows(values, starts);
  const other = dense.shape[0] ?? 1;
  return ok(tensorType(context.attrs.sparse_lhs ? [rows, other] : [other, rows], dense.dtype));
}

/**
 * Calls `visit` with row, column and value of every stored element. Row starts are brought within what is stored, and
 * columns that are not below `limit` are left out.
 */
function eachStored(
  values: NDArray,
  indices: NDArray,
  starts: NDArray,
  limit: number,
  visit: (row: number, column: number, value: Scalar) => void,
): void {
  const columns = numbersOf(indices);
  const [, height = 1, width = 1] = values.shape.length >= 3 ? values.shape : [0, 1, 1];
  const stored = Math.min(columns.length, Math.floor(values.data.length / (height * width)));
  const rows = numbersOf(starts).map((start) => Math.min(Math.max(start, 0), stored));
  for (let row = 0; row + 1 < rows.length; row++)
    for (let k = rows[row] ?? 0; k < (rows[row + 1] ?? 0); k++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const value = elementAt(values, (k * height + y) * width + x);
          const column = (columns[k] ?? 0) * width + x;
          if (column >= 0 && column < limit) visit(row * height + y, column, value);
        }
}

/** Sums of products: in double precision, or exact before they wrap. */
function sumsOf(out: NDArray, values: NDArray): { add(at: number, a: Scalar, b: Scalar): void; store(): void } {
  if (isFloat(out.dtype) || isFloat(values.dtype)) {
    const sums = new Float64Array(out.data.length);
    return {
      add: (at, a, b) => (sums[at] = (sums[at] ?? 0) + Number(a) * Number(b)),
      store: () => {
        sums.forEach((value, i) => {
          setElement(out, i, value);
        });
      },
    };
  }
  const sums = new BigInt64Array(out.data.length);
  return {
    add: (at, a, b) => (sums[at] = (sums[at] ?? 0n) + BigInt(a) * BigInt(b)),
    store: () => {
      sums.forEach((value, i) => {
        setElement(out, i, value);
      });
    },
  };
}

function sparseDenseKernel(context: KernelContext<{ readonly sparse_lhs: boolean }>): readonly NDArray[] {
  const [dense, values, indices, starts] = [0, 1, 2, 3].map((i) => arrayAt(context, i)) as [
    NDArray,
    NDArray,
    NDArray,
    NDArray,
  ];
  const shape = context.outputs[0]?.shape.map((n) => n ?? 0) ?? [];
  const out = zeros(dense.dtype, shape);
  const features = dense.shape[1] ?? 1;
  const others = dense.shape[0] ?? 1;
  const columns = shape[1] ?? 1;
  const sums = sumsOf(out, values);
  eachStored(values, indices, starts, features, (row, column, value) => {
    for (let other = 0; other < others; other++) {
      const at = context.attrs.sparse_lhs ? row * columns + other : other * columns + row;
      sums.add(at, value, elementAt(dense, other * features + column));
    }
  });
  sums.store();
  return [out];
}

function explainSparseDense(context: RelateContext<{ readonly sparse_lhs: boolean }>, dim: number) {
  const sparseDim = context.attrs.sparse_lhs ? 0 : 1;
  if (dim !== sparseDim) return copyOf(0, 0);
  const values = context.inputs[1];
  const blocked = values?.kind === 'tensor' && values.shape.length === 3;
  return {
    formula: blocked ? '(row starts − 1) · block rows' : 'row starts − 1',
    sources: [
      { kind: 'input' as const, index: 3, dim: 0 },
      ...(blocked ? [{ kind: 'input' as const, index: 1, dim: 1 }] : []),
    ],
  };
}

const sparseLhs = attr.bool('The sparse matrix is the left factor.', { default: false });

const sparseDense = defineOperator({
  name: 'nn.sparse_dense',
  summary: 'Fully connected layer with a sparse weight: `dense · sparseᵀ`, or `sparse · denseᵀ` with `sparse_lhs`.',
  inputs: sparseInputs('The dense matrix.'),
  attributes: { sparse_lhs: sparseLhs },
  attrsType: 'relay.attrs.SparseDenseAttrs',
  relate: relateSparseDense,
  explain: (context, _result, at) => explainSparseDense(context, at.dim),
  kernel: sparseDenseKernel,
  fusion: 'out-elementwise-fusable',
  tolerance,
});

const sparseDensePadded = defineOperator({
  name: 'nn.internal.sparse_dense_padded',
  summary: 'As `nn.sparse_dense`, with rows padded to a multiple of 32 elements for graphics processors.',
  inputs: [
    { name: 'data', summary: 'The dense matrix.' },
    { name: 'weight_data', summary: 'Non-zero elements (rank 1), or blocks of them (rank 3).' },
    { name: 'weight_indices', summary: 'Column of each element or block.' },
    { name: 'weight_indptr', summary: 'Where each row starts; one more than there are rows.' },
  ],
  attributes: { sparse_lhs: sparseLhs },
  attrsType: 'relay.attrs.SparseDenseAttrs',
  relate: relateSparseDense,
  explain: (context, _result, at) => explainSparseDense(context, at.dim),
  kernel: sparseDenseKernel,
  fusion: 'out-elementwise-fusable',
  tolerance,
});

const sparseAdd = defineOperator({
  name: 'nn.sparse_add',
  summary: 'Sum of a dense and a sparse matrix.',
  inputs: sparseInputs('The dense matrix.'),
  attributes: {},
  relate(context) {
    const tensors = sparseTensors(context);
    if (isResult(tensors)) return tensors;
    const [dense, values, indices] = tensors as [TensorType, TensorType, TensorType];
    if (values.dtype !== dense.dtype)
      return fail(
        'dtype-mismatch',
        `\`sparse_data\` must be ${dense.dtype} like \`dense_data\`, but it is ${values.dtype}.`,
        onInput(1),
        { related: [{ blame: onInput(0), message: `the dense matrix is ${dense.dtype}` }] },
      );
    return checkRank(values, 1, 1, 'sparse_data') ?? checkRank(indices, 1, 2, 'sparse_indices') ?? ok(dense);
  },
  explain: (_context, _result, at) => copyOf(0, at.dim),
  kernel(context) {
    const [dense, values, indices, starts] = [0, 1, 2, 3].map((i) => arrayAt(context, i)) as [
      NDArray,
      NDArray,
      NDArray,
      NDArray,
    ];
    const out = zeros(dense.dtype, dense.shape);
    const columns = dense.shape[1] ?? 1;
    for (let i = 0; i < out.data.length; i++) setElement(out, i, elementAt(dense, i));
    eachStored(values, indices, starts, columns, (row, column, value) => {
      const at = row * columns + column;
      const old = elementAt(out, at);
      const exact = typeof old === 'bigint' && typeof value === 'bigint';
      setElement(out, at, exact ? old + value : Number(old) + Number(value));
    });
    return [out];
  },
  fusion: 'opaque',
});

const sparseTranspose = defineOperator({
  name: 'nn.sparse_transpose',
  summary: 'Transposes a square sparse matrix.',
  inputs: [
    { name: 'sparse_data', summary: 'Non-zero elements.' },
    { name: 'sparse_indices', summary: 'Column of each element.' },
    { name: 'sparse_indptr', summary: 'Where each row starts.' },
  ],
  attributes: {},
  attrsType: 'relay.attrs.SparseTransposeAttrs',
  relate(context) {
    const tensors: TensorType[] = [];
    for (const [i, name] of ['sparse_data', 'sparse_indices', 'sparse_indptr'].entries()) {
      const tensor = tensorInput(context, i, name);
      if (tensor.kind !== 'tensor') return tensor;
      const wrong = i < 2 ? checkRank(tensor, 1, i, name) : undefined;
      if (wrong) return wrong;
      tensors.push(tensor);
    }
    return ok(tupleType(tensors));
  },
  explain: (_context, _result, at) => copyOf(at.field ?? 0, at.dim),
  kernel(context) {
    const [values, indices, starts] = [0, 1, 2].map((i) => arrayAt(context, i)) as [NDArray, NDArray, NDArray];
    const stored: { row: number; column: number; value: Scalar }[] = [];
    eachStored(values, indices, starts, (starts.shape[0] ?? 1) - 1, (row, column, value) =>
      stored.push({ row, column, value }),
    );
    stored.sort((a, b) => a.column - b.column || a.row - b.row);
    const [outValues, outIndices, outStarts] = [values, indices, starts].map((a) => zeros(a.dtype, a.shape)) as [
      NDArray,
      NDArray,
      NDArray,
    ];
    const rows = (starts.shape[0] ?? 1) - 1;
    const counts = Array<number>(rows + 1).fill(0);
    for (const [i, { row, column, value }] of stored.entries()) {
      setElement(outValues, i, value);
      setElement(outIndices, i, row);
      for (let r = column + 1; r <= rows; r++) counts[r] = (counts[r] ?? 0) + 1;
    }
    counts.forEach((n, i) => setElement(outStarts, i, n));
    return [outValues, outIndices, outStarts];
  },
  fusion: 'out-elementwise-fusable',
});

const sparseConv2d = defineOperator({
  name: 'nn.sparse_conv2d',
  summary: 'A convolution with a sparse weight in blocks.',
  inputs: sparseInputs('The data.'),
  attributes: {
    layout: attr.string("Order of the data's dimensions.", { default: 'NHWC', values: ['NHWC', 'NCHW'] }),
    kernel_size: attr.ints('Size of the window.', { default: [1, 1] }),
  },
  attrsType: 'relay.attrs.SparseConv2DAttrs',
  relate(context) {
    const tensors = sparseTensors(context);
    if (isResult(tensors)) return tensors;
    const [data, values, , starts] = tensors as [TensorType, TensorType, TensorType, TensorType];
    const wrong = checkValuesRank(values, [2, 3]) ?? atLeastFour(data);
    if (wrong) return wrong;
    if (starts.shape.length === 0)
      return fail('rank-mismatch', '`sparse_indptr` must have at least 1 dimension, but it is a scalar.', onInput(3));
    const channels = sparseRows(values, starts);
    const [n = 1, a = 1, b = 1, c = 1] = data.shape;
    if (context.attrs.layout === 'NHWC') return ok(tensorType([n, a, b, channels], data.dtype));
    if (context.attrs.layout === 'NCHW') return ok(tensorType([n, channels, b, c], data.dtype));
    return badAttribute('layout', `\`layout\` must be "NHWC" or "NCHW", but it is "${context.attrs.layout}".`);
  },
  explain(context, _result, at) {
    const channel = context.attrs.layout === 'NHWC' ? 3 : 1;
    if (at.dim !== channel) return copyOf(0, at.dim);
    return {
      formula: '(row starts − 1) · block rows',
      sources: [
        { kind: 'input', index: 3, dim: 0 },
        { kind: 'input', index: 1, dim: 1 },
      ],
    };
  },
  kernel(context) {
    const [data, values, indices, starts] = [0, 1, 2, 3].map((i) => arrayAt(context, i)) as [
      NDArray,
      NDArray,
      NDArray,
      NDArray,
    ];
    const shape = context.outputs[0]?.shape.map((n) => n ?? 0) ?? [];
    const last = context.attrs.layout === 'NHWC';
    const [kh = 1, kw = 1] = context.attrs.kernel_size;
    const [n = 1, d1 = 1, d2 = 1, d3 = 1] = data.shape;
    const [height, width, channels] = last ? [d1, d2, d3] : [d2, d3, d1];
    const outChannels = (last ? shape[3] : shape[1]) ?? 1;
    const position = (b: number, c: number, y: number, x: number, depth: number): number =>
      last ? ((b * height + y) * width + x) * depth + c : ((b * depth + c) * height + y) * width + x;
    const out = zeros(data.dtype, shape);
    const sums = sumsOf(out, values);
    eachStored(values, indices, starts, kh * kw * channels, (row, column, value) => {
      const c = column % channels;
      const element = Math.floor(column / channels);
      const dy = Math.floor(element / kw) - Math.floor((kh - 1) / 2);
      const dx = (element % kw) - Math.floor((kw - 1) / 2);
      for (let b = 0; b < n; b++)
        for (let y = Math.max(0, -dy); y < Math.min(height, height - dy); y++)
          for (let x = Math.max(0, -dx); x < Math.min(width, width - dx); x++) {
            const at = position(b, row, y, x, outChannels);
            sums.add(at, value, elementAt(data, position(b, c, y + dy, x + dx, channels)));
          }
    });
    sums.store();
    return [out];
  },
  fusion: 'out-elementwise-fusable',
  tolerance,
});

function atLeastFour(data: TensorType): Failure | undefined {
  if (data.shape.length >= 4) return undefined;
  return fail(
    'rank-mismatch',
    `\`dense_data\` must have 4 dimensions, but its shape is ${printShape(data.shape)}.`,
    onInput(0),
  );
}

export const sparseOperators = [sparseDense, sparseDensePadded, sparseAdd, sparseTranspose, sparseConv2d];
