/** Operators that put elements at given places, and sparse forms. */
import { anyDim, tensorType, tupleType } from '../../types/type.ts';
import { printShape } from '../../types/print.ts';
import { isFloat } from '../../tensor/dtype.ts';
import { elementCount } from '../../tensor/ndarray.ts';
import type { NDArray } from '../../tensor/ndarray.ts';
import { attr } from '../attributes.ts';
import type { Scalar } from '../compute/arrays.ts';
import {
  arrayAt,
  copyArray,
  elementAt,
  forEachIndex,
  numbersOf,
  positionOf,
  setElement,
  stridesOf,
  zeros,
} from '../compute/arrays.ts';
import type { Operator, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { wrapAxis } from '../relations/axes.ts';
import { copyOf, fromAttribute, originOf } from '../relations/explain.ts';
import { explainIdentity } from '../relations/identity.ts';
import { dimensions, done, failed, inputBlame, requireDType, requireRank, tensorInput } from '../relations/inputs.ts';
import { isIntegral, isSignedInt } from './gather.ts';
import { dataInput, tupleLength } from './define.ts';

/** How an update meets the value that stands there; products of integers are exact before they wrap. */
function combine(mode: string, old: Scalar, update: Scalar, dtype: string): Scalar {
  const exact = typeof old === 'bigint' && typeof update === 'bigint';
  switch (mode) {
    case 'add':
      return exact ? old + update : Number(old) + Number(update);
    case 'mul':
      if (exact) return old * update;
      return isFloat(dtype) ? Number(old) * Number(update) : BigInt(old) * BigInt(update);
    case 'mean':
      return exact ? (old + update) / 2n : (Number(old) + Number(update)) / 2;
    case 'min':
      return update < old ? update : old;
    case 'max':
      return update > old ? update : old;
    default:
      return update;
  }
}

/** Row-major position of an index tuple; undefined where the tensor has no such place. */
function placeOf(tuple: readonly number[], shape: readonly number[]): number | undefined {
  return tuple.every((k, d) => k >= 0 && k < (shape[d] ?? 1)) ? positionOf(tuple, stridesOf(shape)) : undefined;
}

const leftOut = 'Updates whose index lies outside of `data` are left out.';

const scatterInputs = [
  dataInput,
  { name: 'indices', summary: 'where to put the updates, integers' },
  { name: 'updates', summary: 'the new values' },
];

/** The three inputs of a scatter, with integer indices; the result is like `data`. */
function scatterInput(context: Pick<RelateContext<unknown>, 'inputs'>) {
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const indices = tensorInput(context, 1, 'indices');
  if (indices.kind !== 'tensor') return indices;
  const updates = tensorInput(context, 2, 'updates');
  if (updates.kind !== 'tensor') return updates;
  const problem = requireDType(indices, 1, 'indices', isIntegral, 'an integer type');
  return problem ?? { kind: 'tensors' as const, data, indices, updates };
}

const scatterElements = defineOperator({
  name: 'scatter_elements',
  summary:
    'A copy of `data` with each update put at its own index, the index along `axis` replaced by that of `indices`.',
  details: `Negative indices count from the end. ${leftOut}`,
  inputs: scatterInputs,
  attributes: {
    axis: attr.maybeInt('the dimension that `indices` index', { default: 0 }),
    reduction: attr.string('`update`, `add`, `mul`, `mean`, `min` or `max`: how updates meet what stands there', {
      default: 'update',
    }),
  },
  attrsType: 'relay.attrs.ScatterElementsAttrs',
  attrsTypeKey: true,
  relate: (context) => {
    const inputs = scatterInput(context);
    return inputs.kind === 'tensors' ? done(inputs.data) : inputs;
  },
  explain: explainIdentity,
  kernel: (context) => {
    const result = copyArray(arrayAt(context, 0));
    const [indices, updates] = [arrayAt(context, 1), arrayAt(context, 2)];
    const axis = wrapAxis(context.attrs.axis ?? 0, result.shape.length) ?? 0;
    forEachIndex(indices.shape, (i, at) => {
      const written = Number(elementAt(indices, at));
      const index = written < 0 ? written + (result.shape[axis] ?? 0) : written;
      const to = placeOf(
        i.map((k, d) => (d === axis ? index : k)),
        result.shape,
      );
      if (to === undefined) return;
      const { reduction } = context.attrs;
      setElement(result, to, combine(reduction, elementAt(result, to), elementAt(updates, at), result.dtype));
    });
    return [result];
  },
  fusion: 'opaque',
});

const scatterNd = defineOperator({
  name: 'scatter_nd',
  summary: 'A copy of `data` with updates put at the index tuples that stand along the first dimension of `indices`.',
  details: leftOut,
  inputs: scatterInputs,
  attributes: {
    mode: attr.string('`update`, `add`, `mul`, `min` or `max`: how updates meet what stands there', {
      default: 'update',
    }),
  },
  attrsType: 'relay.attrs.ScatterNDAttrs',
  attrsTypeKey: true,
  relate: (context) => {
    const inputs = scatterInput(context);
    if (inputs.kind !== 'tensors') return inputs;
    const { data, indices, updates } = inputs;
    const size = tupleLength(indices);
    if (typeof size !== 'number') return size;
    if (size > data.shape.length)
      return failed(
        'shape-mismatch',
        `Index tuples of ${size} cannot index \`data\` of shape ${printShape(data.shape)}.`,
        inputBlame(1, 0),
        {
          remedy: `Use tuples of at most ${data.shape.length}.`,
          related: [{ blame: inputBlame(0), message: `\`data\` has ${data.shape.length} dimensions.` }],
        },
      );
    if (updates.shape.length < indices.shape.length - 1)
      return failed(
        'rank-mismatch',
        `\`updates\` must have one element or slice an index tuple, so at least ${dimensions(indices.shape.length - 1)}, found ${printShape(updates.shape)}.`,
        inputBlame(2),
        {
          remedy: 'Give `updates` the dimensions of `indices` after the first.',
          related: [{ blame: inputBlame(1), message: `\`indices\` is ${printShape(indices.shape)}.` }],
        },
      );
    return done(data);
  },
  explain: explainIdentity,
  kernel: (context) => {
    const result = copyArray(arrayAt(context, 0));
    const [indices, updates] = [arrayAt(context, 1), arrayAt(context, 2)];
    const size = indices.shape[0] ?? 0;
    const tuples = elementCount(indices.shape.slice(1));
    const slice = elementCount(result.shape.slice(size));
    const { mode } = context.attrs;
    for (let t = 0; t < tuples; t++) {
      const tuple = Array.from({ length: size }, (_, k) => Number(elementAt(indices, k * tuples + t)));
      const start = placeOf(tuple, result.shape);
      for (let k = 0; start !== undefined && k < slice; k++) {
        const to = start + k;
        setElement(result, to, combine(mode, elementAt(result, to), elementAt(updates, t * slice + k), result.dtype));
      }
    }
    return [result];
  },
  fusion: 'opaque',
});

const sparseInputs = [
  { name: 'sparse_indices', summary: 'the index tuples, one a row; a vector where one dimension is indexed' },
  { name: 'sparse_values', summary: 'the values at those indices' },
];

/** What `sparse_to_dense` and its dynamic form demand of their first three inputs; the element type of the result. */
export function sparseToDenseDType(context: Pick<RelateContext<unknown>, 'inputs'>): string | RelateResult {
  const indices = tensorInput(context, 0, 'sparse_indices');
  if (indices.kind !== 'tensor') return indices;
  const values = tensorInput(context, 1, 'sparse_values');
  if (values.kind !== 'tensor') return values;
  const filler = tensorInput(context, 2, 'default_value');
  if (filler.kind !== 'tensor') return filler;
  const problem = requireDType(indices, 0, 'sparse_indices', isSignedInt, 'a signed integer type');
  if (problem) return problem;
  if (indices.shape.length > 3)
    return failed(
      'rank-mismatch',
      `\`sparse_indices\` must be a scalar, a vector or a matrix, found ${printShape(indices.shape)}.`,
      inputBlame(0),
      {
        remedy: 'Pass one index tuple a row.',
      },
    );
  if (values.shape.length > 2)
    return failed(
      'rank-mismatch',
      `\`sparse_values\` must be a scalar or a vector, found ${printShape(values.shape)}.`,
      inputBlame(1),
      {
        remedy: 'Pass one value for each index tuple.',
      },
    );
  return requireRank(filler, 2, 'default_value', 0) ?? values.dtype;
}

/** Puts `values` at `indices` into a tensor of `shape` filled with `filler`. */
export function sparseToDense(indices: NDArray, values: NDArray, filler: NDArray, shape: readonly number[]): NDArray {
  const result = zeros(values.dtype, shape);
  for (let i = 0; i < result.data.length; i++) setElement(result, i, elementAt(filler, 0));
  const width = indices.shape.length === 2 ? (indices.shape[1] ?? 1) : 1;
  const count = indices.data.length / width;
  for (let i = 0; i < count; i++) {
    const tuple = Array.from({ length: width }, (_, k) => Number(elementAt(indices, i * width + k)));
    const to = placeOf(tuple, shape);
    if (to !== undefined) setElement(result, to, elementAt(values, values.shape.length === 0 ? 0 : i));
  }
  return result;
}

const sparseToDenseOperator = defineOperator({
  name: 'sparse_to_dense',
  summary: 'A tensor with `sparse_values` at `sparse_indices` and `default_value` elsewhere.',
  details: 'Values whose index lies outside of the result are left out.',
  inputs: [...sparseInputs, { name: 'default_value', summary: 'the value elsewhere, a scalar' }],
  attributes: { output_shape: attr.ints('the sizes of the result') },
  attrsType: 'relay.attrs.SparseToDenseAttrs',
  relate: (context) => {
    const dtype = sparseToDenseDType(context);
    return typeof dtype === 'string' ? done(tensorType(context.attrs.output_shape, dtype)) : dtype;
  },
  explain: (_context, _result, at) => fromAttribute('output_shape', at.dim),
  kernel: (context) => [
    sparseToDense(arrayAt(context, 0), arrayAt(context, 1), arrayAt(context, 2), context.attrs.output_shape),
  ],
  fusion: 'opaque',
});

const sparseFillEmptyRows = defineOperator({
  name: 'sparse_fill_empty_rows',
  summary: 'Adds an entry with `default_value` to every row of a sparse matrix that has none.',
  details: 'A tuple: the indices, the values, and for each row of the dense tensor 1 if it was empty.',
  inputs: [
    ...sparseInputs,
    { name: 'dense_shape', summary: 'the sizes of the dense tensor' },
    { name: 'default_value', summary: 'the value of added entries' },
  ],
  attributes: {},
  relate: (context) => {
    const indices = tensorInput(context, 0, 'sparse_indices');
    if (indices.kind !== 'tensor') return indices;
    const width = indices.shape[1];
    if (width === undefined)
      return failed(
        'rank-mismatch',
        `\`sparse_indices\` must be a matrix with one index tuple a row, found ${printShape(indices.shape)}.`,
        inputBlame(0),
        {
          remedy: 'Reshape it to two dimensions.',
        },
      );
    const entries = tensorType([anyDim], 'int64');
    return done(tupleType([tensorType([anyDim, width], 'int64'), entries, entries]));
  },
  explain: (_context, _result, at) =>
    at.dim === 1 ? copyOf(0, 1) : originOf(at.field === 2 ? 'number of rows' : 'number of entries, known at run time'),
  kernel: (context) => {
    const [indices, values, shape, filler] = [0, 1, 2, 3].map((i) => arrayAt(context, i));
    if (!indices || !values || !shape || !filler) return [];
    const width = indices.shape[1] ?? 1;
    const rows = Number(elementAt(shape, 0));
    const entries: { tuple: Scalar[]; value: Scalar }[] = [];
    const filled = new Set<number>();
    const count = indices.shape[0] ?? 0;
    let next = 0;
    const fillUpTo = (row: number): void => {
      for (; next < row; next++) {
        if (filled.has(next)) continue;
        entries.push({
          tuple: Array.from({ length: width }, (_, k) => (k === 0 ? next : 0)),
          value: elementAt(filler, 0),
        });
      }
    };
    for (let i = 0; i < count; i++) {
      const tuple = Array.from({ length: width }, (_, k) => elementAt(indices, i * width + k));
      fillUpTo(Number(tuple[0] ?? 0));
      filled.add(Number(tuple[0] ?? 0));
      entries.push({ tuple, value: elementAt(values, i) });
    }
    fillUpTo(rows);
    const outIndices = zeros('int64', [entries.length, width]);
    const outValues = zeros('int64', [entries.length]);
    const empty = zeros('int64', [rows]);
    for (const [i, entry] of entries.entries()) {
      for (const [k, index] of entry.tuple.entries()) setElement(outIndices, i * width + k, index);
      setElement(outValues, i, entry.value);
    }
    for (let row = 0; row < rows; row++) setElement(empty, row, filled.has(row) ? 0 : 1);
    return [outIndices, outValues, empty];
  },
  fusion: 'opaque',
});

const sparseReshape = defineOperator({
  name: 'sparse_reshape',
  summary: 'The indices of a sparse tensor after a reshape of the dense one, and the new sizes.',
  inputs: [
    sparseInputs[0] ?? dataInput,
    { name: 'prev_shape', summary: 'the sizes before, a vector' },
    { name: 'new_shape', summary: 'the sizes after; one of them may be -1' },
  ],
  attributes: {},
  relate: (context) => {
    const names = ['sparse_indices', 'prev_shape', 'new_shape'];
    const types = names.map((name, i) => tensorInput(context, i, name));
    for (const [i, type] of types.entries()) {
      if (type.kind !== 'tensor') return type;
      const name = names[i] ?? '';
      const problem =
        requireDType(type, i, name, isSignedInt, 'a signed integer type') ??
        requireRank(type, i, name, i === 0 ? 2 : 1);
      if (problem) return problem;
    }
    const [indices, , target] = types;
    if (indices?.kind !== 'tensor' || target?.kind !== 'tensor') return { kind: 'wait' };
    return done(tupleType([tensorType([indices.shape[0] ?? 1, target.shape[0] ?? 1], indices.dtype), target]));
  },
  explain: (_context, _result, at) => (at.field === 0 && at.dim === 0 ? copyOf(0, 0) : copyOf(2, 0)),
  kernel: (context) => {
    const indices = arrayAt(context, 0);
    const before = numbersOf(arrayAt(context, 1));
    const target = arrayAt(context, 2);
    const after = numbersOf(target);
    const known = after.filter((n) => n !== -1).reduce((a, b) => a * b, 1);
    const sizes = after.map((n) => (n === -1 ? elementCount(before) / known : n));
    const [from, to] = [stridesOf(before), stridesOf(sizes)];
    const count = indices.shape[0] ?? 0;
    const result = zeros(indices.dtype, [count, sizes.length]);
    for (let i = 0; i < count; i++) {
      let rest = positionOf(
        before.map((_, k) => Number(elementAt(indices, i * before.length + k))),
        from,
      );
      for (const [k, stride] of to.entries()) {
        setElement(result, i * sizes.length + k, Math.floor(rest / stride));
        rest -= Math.floor(rest / stride) * stride;
      }
    }
    const shape = copyArray(target);
    for (const [k, n] of sizes.entries()) setElement(shape, k, n);
    return [result, shape];
  },
  fusion: 'injective',
});

export const scatterOperators: readonly Operator[] = [
  scatterElements,
  scatterNd,
  sparseToDenseOperator,
  sparseFillEmptyRows,
  sparseReshape,
];
