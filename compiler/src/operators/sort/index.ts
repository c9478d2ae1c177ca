/** Sorting, searching and finding. */
import { withGradients } from '../derivation.ts';
import { sortAdjoints } from './adjoints.ts';
import { anyDim, tensorType, tupleType } from '../../types/type.ts';
import type { Dim, Type } from '../../types/type.ts';
import type { NDArray } from '../../tensor/ndarray.ts';
import { printDim, printShape } from '../../types/print.ts';
import type { AttributeSchema } from '../attributes.ts';
import { attr } from '../attributes.ts';
import { around, arrayAt, elementAt, forEachIndex, setElement, zeros } from '../compute/arrays.ts';
import type { Operator, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { normalizeAxis, wrapAxis } from '../relations/axes.ts';
import { mayEqual } from '../relations/dims.ts';
import { copyOf, fromAttribute, originOf } from '../relations/explain.ts';
import { explainIdentity } from '../relations/identity.ts';
import { badAttribute, done, failed, inputBlame, requireRank, tensorInput } from '../relations/inputs.ts';
import { sortAlong, sortedPositions } from './order.ts';

const data = { name: 'data', summary: 'the tensor' };
const sortAttributes = {
  axis: attr.int('the dimension to sort along', { default: -1 }),
  is_ascend: attr.bool('least first', { default: true }),
  dtype: attr.dtype('the element type of positions', { default: null }),
};

const sort = defineOperator({
  name: 'sort',
  summary: 'Sorts along a dimension.',
  inputs: [data],
  attributes: sortAttributes,
  attrsType: 'relay.attrs.ArgsortAttrs',
  relate: (context) => {
    const x = tensorInput(context, 0, 'data');
    return x.kind === 'tensor' ? done(x) : x;
  },
  explain: explainIdentity,
  kernel: (context) => {
    const x = arrayAt(context, 0);
    const axis = wrapAxis(context.attrs.axis, x.shape.length) ?? 0;
    return [sortAlong(x, axis, context.attrs.is_ascend, x.shape[axis] ?? 1, 'int32').values];
  },
  fusion: 'opaque',
});

const argsort = defineOperator({
  name: 'argsort',
  summary: 'The positions that sort a tensor along a dimension; equal elements keep their order.',
  inputs: [data],
  attributes: sortAttributes,
  attrsType: 'relay.attrs.ArgsortAttrs',
  relate: (context) => {
    const x = tensorInput(context, 0, 'data');
    return x.kind === 'tensor' ? done(tensorType(x.shape, context.attrs.dtype ?? 'void')) : x;
  },
  explain: explainIdentity,
  kernel: (context) => {
    const x = arrayAt(context, 0);
    const axis = wrapAxis(context.attrs.axis, x.shape.length) ?? 0;
    return [sortAlong(x, axis, context.attrs.is_ascend, x.shape[axis] ?? 1, context.attrs.dtype ?? 'int32').indices];
  },
  fusion: 'opaque',
});

/** Results of `topk` and its dynamic form. */
export const topKAttributes = {
  axis: attr.int('the dimension to sort along', { default: -1 }),
  ret_type: attr.string('`both` values and positions, only `values`, or only `indices`', {
    default: 'both',
    values: ['both', 'values', 'indices'],
  }),
  is_ascend: attr.bool('the least elements instead of the greatest', { default: false }),
  dtype: attr.dtype('the element type of positions', { default: null }),
} satisfies AttributeSchema;

interface TopKAttrs {
  readonly axis: number;
  readonly ret_type: string;
  readonly is_ascend: boolean;
  readonly dtype: string | null;
}

/** The type of the `k` first elements along the axis; `count` gives their number from the extent. */
export function topKRelation(type: Type, attrs: TopKAttrs, count: (extent: Dim) => Dim): RelateResult {
  const x = tensorInput({ inputs: [type] }, 0, 'data');
  if (x.kind !== 'tensor') return x;
  const axis = normalizeAxis(attrs.axis, x.shape.length);
  if (typeof axis !== 'number') return axis;
  const shape = x.shape.map((dim, d) => (d === axis ? count(dim) : dim));
  const values = tensorType(shape, x.dtype);
  const indices = tensorType(shape, attrs.dtype ?? 'void');
  return done(
    attrs.ret_type === 'both' ? tupleType([values, indices]) : attrs.ret_type === 'values' ? values : indices,
  );
}

/** The `k` first elements along the axis, and their positions; all of them for `k` below 1. */
export function topKKernel(x: NDArray, attrs: TopKAttrs, k: number): readonly NDArray[] {
  const axis = wrapAxis(attrs.axis, x.shape.length) ?? 0;
  const extent = x.shape[axis] ?? 1;
  const count = k < 1 ? extent : Math.min(k, extent);
  const { values, indices } = sortAlong(x, axis, attrs.is_ascend, count, attrs.dtype ?? 'int32');
  return attrs.ret_type === 'both' ? [values, indices] : attrs.ret_type === 'values' ? [values] : [indices];
}

const topk = defineOperator({
  name: 'topk',
  summary: 'The `k` greatest elements along a dimension, in order, and their positions.',
  inputs: [data],
  attributes: { k: attr.maybeInt('how many; below 1 for all'), ...topKAttributes },
  attrsType: 'relay.attrs.TopkAttrs',
  relate: (context) => {
    const { k } = context.attrs;
    if (k === null) return badAttribute('k', '`k` must be a number.', 'Write how many elements to keep.');
    const type = context.inputs[0];
    return type === undefined ? { kind: 'wait' } : topKRelation(type, context.attrs, (dim) => (k < 1 ? dim : k));
  },
  explain: (context, _result, at) => {
    const [x] = context.inputs;
    const rank = x?.kind === 'tensor' ? x.shape.length : 0;
    const { axis, k } = context.attrs;
    return wrapAxis(axis, rank) === at.dim && (k ?? 0) >= 1 ? fromAttribute('k') : copyOf(0, at.dim);
  },
  kernel: (context) => topKKernel(arrayAt(context, 0), context.attrs, context.attrs.k ?? 0),
  fusion: 'opaque',
  examples: [
    {
      title: 'The best three',
      source: 'fn (%x: Tensor[(1, 10), float32]) { topk(%x, k=3, dtype="int32") }',
    },
  ],
});

const searchsorted = defineOperator({
  name: 'searchsorted',
  summary: 'Where each value would be inserted into a sorted sequence to keep it sorted.',
  inputs: [
    { name: 'sorted_sequence', summary: 'a sorted vector, or one for each row of `values`, along the last dimension' },
    { name: 'values', summary: 'the values to place' },
  ],
  attributes: {
    right: attr.bool('behind equal elements instead of before', { default: false }),
    dtype: attr.dtype('the element type of positions', { default: 'int32' }),
  },
  attrsType: 'relay.attrs.SearchSortedAttrs',
  relate: (context) => {
    const sequence = tensorInput(context, 0, 'sorted_sequence');
    if (sequence.kind !== 'tensor') return sequence;
    const values = tensorInput(context, 1, 'values');
    if (values.kind !== 'tensor') return values;
    if (values.shape.length === 0)
      return failed('rank-mismatch', '`values` must have at least 1 dimension, found a scalar.', inputBlame(1), {
        remedy: 'Reshape it to one dimension.',
      });
    if (sequence.shape.length > 1) {
      const mismatch = requireRank(values, 1, 'values', sequence.shape.length, 'like `sorted_sequence`');
      if (mismatch) return mismatch;
      for (const [d, dim] of values.shape.slice(0, -1).entries()) {
        const other = sequence.shape[d] ?? 1;
        if (!mayEqual(dim, other))
          return failed(
            'shape-mismatch',
            `Dimension ${d} is ${printDim(other)} in \`sorted_sequence\` and ${printDim(dim)} in \`values\`.`,
            inputBlame(1, d),
            {
              remedy: 'Make all but the last dimension agree.',
              related: [{ blame: inputBlame(0, d), message: `\`sorted_sequence\` has ${printDim(other)} here.` }],
            },
          );
      }
    }
    return done(tensorType(values.shape, context.attrs.dtype ?? 'void'));
  },
  explain: (_context, _result, at) => copyOf(1, at.dim),
  kernel: (context) => {
    const [sequence, values] = [arrayAt(context, 0), arrayAt(context, 1)];
    const result = zeros(context.attrs.dtype ?? 'int32', values.shape);
    const { length } = around(sequence.shape, sequence.shape.length - 1);
    const width = values.shape.at(-1) ?? 1;
    for (let i = 0; i < values.data.length; i++) {
      const start = sequence.shape.length > 1 ? Math.floor(i / width) * length : 0;
      const value = elementAt(values, i);
      let low = 0;
      let high = length;
      while (low < high) {
        const middle = (low + high) >> 1;
        const other = elementAt(sequence, start + middle);
        if (other < value || (context.attrs.right && other === value)) low = middle + 1;
        else high = middle;
      }
      setElement(result, i, low);
    }
    return [result];
  },
  fusion: 'opaque',
});

const unique = defineOperator({
  name: 'unique',
  summary: 'The different elements of a vector.',
  details:
    'A tuple: the elements, padded with zeros to the length of `data`; the position at which each stands first, padded with that length; for each ' +
    'element of `data` its number; how many there are; and with `return_counts` how often each occurs.',
  inputs: [{ name: 'data', summary: 'a vector' }],
  attributes: {
    sorted: attr.bool('in ascending order instead of order of appearance', { default: true }),
    return_counts: attr.bool('also count occurrences', { default: false }),
  },
  attrsType: 'relay.attrs.UniqueAttrs',
  attrsTypeKey: true,
  relate: (context) => {
    const x = tensorInput(context, 0, 'data');
    if (x.kind !== 'tensor') return x;
    const problem = requireRank(x, 0, 'data', 1);
    if (problem) return problem;
    const index = tensorType(x.shape, 'int32');
    const counts = context.attrs.return_counts ? [index] : [];
    return done(tupleType([x, index, index, tensorType([1], 'int32'), ...counts]));
  },
  explain: (_context, _result, at) => (at.field === 3 ? originOf('one number') : copyOf(0, 0)),
  kernel: (context) => {
    const x = arrayAt(context, 0);
    const size = x.data.length;
    const seen = new Map<number | bigint, { first: number; count: number }>();
    for (let i = 0; i < size; i++) {
      const value = elementAt(x, i);
      const entry = seen.get(value);
      if (entry) entry.count++;
      else seen.set(value, { first: i, count: 1 });
    }
    let values = [...seen.keys()];
    if (context.attrs.sorted) values = sortedPositions(values, true).map((i) => values[i] ?? 0);
    const number = new Map(values.map((value, i) => [value, i]));
    const elements = zeros(x.dtype, [size]);
    const [first, inverse, counts] = [zeros('int32', [size]), zeros('int32', [size]), zeros('int32', [size])];
    for (let i = values.length; i < size; i++) setElement(first, i, size);
    for (const [i, value] of values.entries()) {
      setElement(elements, i, value);
      setElement(first, i, seen.get(value)?.first ?? 0);
      setElement(counts, i, seen.get(value)?.count ?? 0);
    }
    for (let i = 0; i < size; i++) setElement(inverse, i, number.get(elementAt(x, i)) ?? 0);
    const total = zeros('int32', [1]);
    setElement(total, 0, values.length);
    return [elements, first, inverse, total, ...(context.attrs.return_counts ? [counts] : [])];
  },
  fusion: 'opaque',
});

const argwhere = defineOperator({
  name: 'argwhere',
  summary: 'The index tuples of all elements that are not zero, one a row.',
  inputs: [{ name: 'condition', summary: 'the tensor' }],
  attributes: {},
  relate: (context) => {
    const x = tensorInput(context, 0, 'condition');
    return x.kind === 'tensor' ? done(tensorType([anyDim, x.shape.length], 'int32')) : x;
  },
  explain: (context, _result, at) => {
    const [x] = context.inputs;
    if (at.dim === 0) return originOf('number of elements that are not zero, known at run time');
    return originOf(`number of dimensions of ${x?.kind === 'tensor' ? printShape(x.shape) : '`condition`'}`);
  },
  kernel: (context) => {
    const x = arrayAt(context, 0);
    const rows: number[][] = [];
    forEachIndex(x.shape, (i, at) => {
      if (Number(elementAt(x, at)) !== 0) rows.push([...i]);
    });
    const result = zeros('int32', [rows.length, x.shape.length]);
    for (const [i, value] of rows.flat().entries()) setElement(result, i, value);
    return [result];
  },
  fusion: 'opaque',
});

export const sortOperators: readonly Operator[] = withGradients(
  [sort, argsort, topk, searchsorted, unique, argwhere],
  sortAdjoints,
  'its result is an order or positions',
);
