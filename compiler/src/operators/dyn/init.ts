/** Tensors made from values, of a shape that is an argument. */
import { anyDim, tensorType } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import { arrayAt, elementAt, forEachIndex, numbersOf, setElement, zeros } from '../compute/arrays.ts';
import type { Operator } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { originOf } from '../relations/explain.ts';
import { done, requireRank, tensorInput } from '../relations/inputs.ts';
import { explainOneHot, oneHotType } from '../transform/init.ts';
import { sparseToDense, sparseToDenseDType } from '../transform/scatter.ts';
import { anyDims, explainRuntime, filledArray, lengthInput, shapeInput } from './define.ts';

const attributes = {
  shape: attr.maybeInts('`None`: the sizes are an argument'),
  dtype: attr.dtype('the element type of the result', { default: null }),
};

function filled(name: string, value: number, summary: string): Operator {
  return defineOperator({
    name,
    summary,
    inputs: [shapeInput],
    attributes,
    attrsType: 'relay.attrs.InitOpAttrs',
    relate: (context) => {
      const rank = lengthInput(context, 0, 'shape');
      return typeof rank === 'number' ? done(tensorType(anyDims(rank), context.attrs.dtype ?? 'void')) : rank;
    },
    explain: explainRuntime(0),
    kernel: (context) => [filledArray(context.attrs.dtype ?? 'float32', numbersOf(arrayAt(context, 0)), value)],
    asStatic: {
      known: [0],
      call: ({ attrs, values }) => ({
        operator: name.replace('dyn.', ''),
        args: [],
        attrs: { shape: values(0), dtype: attrs.dtype },
      }),
    },
    fusion: 'elementwise',
  });
}

const full = defineOperator({
  name: 'dyn.full',
  summary: 'The scalar `fill_value` everywhere, in a shape that is an argument.',
  inputs: [{ name: 'fill_value', summary: 'the value, a scalar' }, shapeInput],
  attributes,
  attrsType: 'relay.attrs.InitOpAttrs',
  relate: (context) => {
    const value = tensorInput(context, 0, 'fill_value');
    if (value.kind !== 'tensor') return value;
    const rank = lengthInput(context, 1, 'shape');
    if (typeof rank !== 'number') return rank;
    const dtype = context.attrs.dtype ?? value.dtype;
    return requireRank(value, 0, 'fill_value', 0) ?? done(tensorType(anyDims(rank), dtype));
  },
  explain: explainRuntime(1),
  kernel: (context) => {
    const value = arrayAt(context, 0);
    return [filledArray(context.attrs.dtype ?? value.dtype, numbersOf(arrayAt(context, 1)), elementAt(value, 0))];
  },
  asStatic: {
    known: [1],
    call: ({ attrs, values }) => ({ operator: 'full', args: [0], attrs: { shape: values(1), dtype: attrs.dtype } }),
  },
  fusion: 'elementwise',
});

const oneHot = defineOperator({
  name: 'dyn.one_hot',
  summary: 'As `one_hot`, with the length of a row as an argument.',
  inputs: [
    { name: 'indices', summary: 'the indices' },
    { name: 'on_value', summary: 'the value at the index, a scalar' },
    { name: 'off_value', summary: 'the value elsewhere, a scalar' },
    { name: 'depth', summary: 'the length of a row, a scalar' },
  ],
  attributes: {
    depth: attr.int('not used: the length is an argument', { default: 1 }),
    axis: attr.int('where the new dimension stands; -1 is last', { default: -1 }),
    dtype: attr.dtype('the element type of the result', { default: null }),
  },
  attrsType: 'relay.attrs.OneHotAttrs',
  relate: (context) => oneHotType(context, anyDim),
  explain: (context, result, at) =>
    explainOneHot(context, result, at.dim, originOf('value of `depth`, known at run time')),
  kernel: (context) => {
    const indices = arrayAt(context, 0);
    const [on, off] = [elementAt(arrayAt(context, 1), 0), elementAt(arrayAt(context, 2), 0)];
    const depth = Number(elementAt(arrayAt(context, 3), 0));
    const axis = context.attrs.axis === -1 ? indices.shape.length : context.attrs.axis;
    const shape = [...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)];
    const result = zeros(context.attrs.dtype ?? 'float32', shape);
    const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    forEachIndex(shape, (i, at) => {
      const outer = Math.floor(at / (inner * depth));
      const hit = Number(elementAt(indices, outer * inner + (at % inner))) === i[axis];
      setElement(result, at, hit ? on : off);
    });
    return [result];
  },
  asStatic: {
    known: [3],
    call: ({ attrs, values }) => ({
      operator: 'one_hot',
      args: [0, 1, 2],
      attrs: { ...attrs, depth: values(3)[0] ?? 1 },
    }),
  },
  fusion: 'out-elementwise-fusable',
});

const sparse = defineOperator({
  name: 'dyn.sparse_to_dense',
  summary: 'As `sparse_to_dense`, with the sizes of the result as an argument.',
  inputs: [
    { name: 'sparse_indices', summary: 'the index tuples, one a row' },
    { name: 'sparse_values', summary: 'the values at those indices' },
    { name: 'default_value', summary: 'the value elsewhere, a scalar' },
    { name: 'output_shape', summary: 'the sizes of the result' },
  ],
  attributes: {},
  relate: (context) => {
    const dtype = sparseToDenseDType(context);
    if (typeof dtype !== 'string') return dtype;
    const rank = lengthInput(context, 3, 'output_shape');
    return typeof rank === 'number' ? done(tensorType(anyDims(rank), dtype)) : rank;
  },
  explain: explainRuntime(3),
  kernel: (context) => [
    sparseToDense(arrayAt(context, 0), arrayAt(context, 1), arrayAt(context, 2), numbersOf(arrayAt(context, 3))),
  ],
  asStatic: {
    known: [3],
    call: ({ values }) => ({ operator: 'sparse_to_dense', args: [0, 1, 2], attrs: { output_shape: values(3) } }),
  },
  fusion: 'opaque',
});

export const dynamicInitOperators: readonly Operator[] = [
  filled('dyn.zeros', 0, 'Zeros, in a shape that is an argument.'),
  filled('dyn.ones', 1, 'Ones, in a shape that is an argument.'),
  full,
  oneHot,
  sparse,
];
