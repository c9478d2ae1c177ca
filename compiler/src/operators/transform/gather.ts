/** Operators that pick elements by index. */
import { dtypeInfo } from '../../tensor/dtype.ts';
import type { DType } from '../../tensor/dtype.ts';
import type { TEExpr } from '../../tensor/te.ts';
import {
  add,
  cast,
  compare,
  compute,
  constant,
  dtypeOf,
  floordiv,
  floormod,
  int,
  load,
  maximum,
  minimum,
  select,
} from '../../tensor/te.ts';
import { printDim, printShape } from '../../types/print.ts';
import { anyDim, tensorType } from '../../types/type.ts';
import type { Dim, TensorType } from '../../types/type.ts';
import { adviseIndices } from '../advice/values.ts';
import { attr } from '../attributes.ts';
import { arrayAt, copyArray, elementAt, setElement } from '../compute/arrays.ts';
import { asIndex, broadcastLoad, number, op, outputOf, tensorAt, tensorsAt, unflatten } from '../compute/tensors.ts';
import type { DimOrigin, Operator, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { normalizeAxis, wrapAxis } from '../relations/axes.ts';
import { broadcastShapes } from '../relations/broadcast.ts';
import { dimValue, mayEqual } from '../relations/dims.ts';
import { copyOf } from '../relations/explain.ts';
import { explainIdentity, identityRelation } from '../relations/identity.ts';
import {
  badAttribute,
  dimensions,
  done,
  failed,
  inputBlame,
  requireDType,
  tensorInput,
  tupleInput,
} from '../relations/inputs.ts';
import { dataInput, tupleLength } from './define.ts';

type Failed = Extract<RelateResult, { kind: 'error' }>;

export const isSignedInt = (d: DType): boolean => dtypeInfo(d)?.code === 'int';
export const isIntegral = (d: DType): boolean => isSignedInt(d) || dtypeInfo(d)?.code === 'uint';

/** `index` brought into 0 … extent−1: `wrap` takes the remainder, everything else clips. */
export function bounded(index: TEExpr, extent: number, mode: string): TEExpr {
  const dtype = dtypeOf(index);
  const wide = dtype === 'int64' || dtype === 'uint64' ? 'int64' : 'int32';
  const value = cast(wide, index);
  const n = number(extent, wide);
  if (mode === 'wrap') return cast('int32', op('floormod', value, n));
  return cast('int32', minimum(maximum(value, number(0, wide)), number(Math.max(0, extent - 1), wide)));
}

/** Result dimensions of `take`, each with its source. */
function takenDims(
  data: TensorType,
  indices: TensorType,
  axis: number | null,
  batch: number,
): readonly { readonly dim: Dim; readonly origin: DimOrigin }[] {
  const copy = (type: TensorType, index: number, from: number, to: number) =>
    type.shape.flatMap((dim, d) => (d >= from && d < to ? [{ dim, origin: copyOf(index, d) }] : []));
  if (axis === null) return copy(indices, 1, 0, indices.shape.length);
  return [
    ...copy(data, 0, 0, axis),
    ...copy(indices, 1, batch, indices.shape.length),
    ...copy(data, 0, axis + 1, data.shape.length),
  ];
}

/** The axis of `take` within range; batch dimensions count from the end of `indices` when negative. */
function takeAxis(
  data: TensorType,
  indices: TensorType,
  attrs: { axis: number | null; batch_dims: number },
): { axis: number | null; batch: number } | Failed {
  const rank = indices.shape.length;
  const batch = attrs.batch_dims;
  if (attrs.axis === null) return { axis: null, batch };
  const axis = normalizeAxis(attrs.axis, data.shape.length);
  if (typeof axis !== 'number') return axis;
  if (batch < 0 || batch > rank || batch > axis)
    return badAttribute(
      'batch_dims',
      `\`batch_dims\` must be from 0 to ${Math.min(rank, axis)}, found ${attrs.batch_dims}: not more than \`axis\` (${axis}) or the rank of \`indices\` (${rank}).`,
    );
  return { axis, batch };
}

const take = defineOperator({
  name: 'take',
  summary: 'Picks slices along `axis` by index; without `axis`, elements of the flattened tensor.',
  inputs: [dataInput, { name: 'indices', summary: 'the positions, integers' }],
  attributes: {
    batch_dims: attr.maybeInt('how many leading dimensions `data` and `indices` share', { default: 0 }),
    axis: attr.maybeInt('the dimension to pick along; `None` flattens', { default: null }),
    mode: attr.string('`clip` or `wrap` positions outside; `fast` promises there are none', { default: 'clip' }),
  },
  attrsType: 'relay.attrs.TakeAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const indices = tensorInput(context, 1, 'indices');
    if (indices.kind !== 'tensor') return indices;
    const problem = requireDType(indices, 1, 'indices', isIntegral, 'an integer type');
    if (problem) return problem;
    const at = takeAxis(data, indices, { axis: context.attrs.axis, batch_dims: context.attrs.batch_dims ?? 0 });
    if ('kind' in at) return at;
    return done(
      tensorType(
        takenDims(data, indices, at.axis, at.batch).map((d) => d.dim),
        data.dtype,
      ),
    );
  },
  advise: (context) => {
    const [data] = context.inputs;
    const { axis, mode } = context.attrs;
    if (mode === 'wrap' || data?.kind !== 'tensor' || axis === null) return [];
    const at = axis < 0 ? axis + data.shape.length : axis;
    const size = dimValue(data.shape[at] ?? anyDim);
    return adviseIndices(context, 1, size === undefined ? undefined : Number(size), `dimension ${at} of \`data\``);
  },
  explain: (context, _result, at) => {
    const [data, indices] = context.inputs;
    if (data?.kind !== 'tensor' || indices?.kind !== 'tensor') return undefined;
    const axis = takeAxis(data, indices, { axis: context.attrs.axis, batch_dims: context.attrs.batch_dims ?? 0 });
    return 'kind' in axis ? undefined : takenDims(data, indices, axis.axis, axis.batch)[at.dim]?.origin;
  },
  compute: (context) => {
    const data = tensorAt(context, 0);
    const indices = tensorAt(context, 1);
    const { mode } = context.attrs;
    const rank = indices.shape.length;
    const axis = context.attrs.axis === null ? null : (wrapAxis(context.attrs.axis, data.shape.length) ?? 0);
    const batch = Math.max(0, context.attrs.batch_dims ?? 0);
    return [
      compute('take', outputOf(context).shape, (...i) => {
        if (axis === null) {
          const count = data.shape.reduce((a, b) => a * b, 1);
          return load(data, ...unflatten(bounded(load(indices, ...i), count, mode), data.shape));
        }
        const inner = i.slice(axis, axis + rank - batch);
        const index = bounded(load(indices, ...i.slice(0, batch), ...inner), data.shape[axis] ?? 1, mode);
        return load(data, ...i.slice(0, axis), index, ...i.slice(axis + rank - batch));
      }),
    ];
  },
  fusion: 'injective',
  examples: [
    {
      title: 'Two rows',
      source: 'fn (%x: Tensor[(4, 3), float32], %i: Tensor[(2), int32]) { take(%x, %i, axis=0) }',
    },
  ],
});

const gather = defineOperator({
  name: 'gather',
  summary: 'Replaces the index along `axis` by the value of `indices` at the same place.',
  inputs: [dataInput, { name: 'indices', summary: 'the positions, of the same rank as `data`' }],
  attributes: { axis: attr.maybeInt('the dimension that is indexed', { default: null }) },
  attrsType: 'relay.attrs.GatherAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const indices = tensorInput(context, 1, 'indices');
    if (indices.kind !== 'tensor') return indices;
    const problem = requireDType(indices, 1, 'indices', isSignedInt, 'a signed integer type');
    if (problem) return problem;
    if (context.attrs.axis === null)
      return badAttribute('axis', '`axis` must be written.', 'Add `axis=0`, or the dimension to index.');
    if (indices.shape.length !== data.shape.length)
      return failed(
        'rank-mismatch',
        `\`data\` and \`indices\` must have the same number of dimensions; \`data\` has ${data.shape.length}, \`indices\` has ${indices.shape.length}.`,
        inputBlame(1),
        {
          remedy: 'Reshape `indices`.',
          related: [{ blame: inputBlame(0), message: `\`data\` has shape ${printShape(data.shape)}.` }],
        },
      );
    const axis = normalizeAxis(context.attrs.axis, data.shape.length);
    if (typeof axis !== 'number') return axis;
    for (const [d, dim] of indices.shape.entries()) {
      const other = data.shape[d] ?? 1;
      const value = dimValue(dim);
      if (d === axis && value !== undefined && value < 1n)
        return failed('shape-mismatch', `\`indices\` is empty along dimension ${d}.`, inputBlame(1, d), {
          remedy: 'Pass at least one index.',
        });
      if (d !== axis && !mayEqual(dim, other))
        return failed(
          'shape-mismatch',
          `Except along \`axis\` ${axis}, \`indices\` must have the sizes of \`data\`; dimension ${d} is ${printDim(dim)}, expected ${printDim(other)}.`,
          inputBlame(1, d),
          {
            remedy: 'Make the sizes agree.',
            related: [{ blame: inputBlame(0, d), message: `\`data\` has ${printDim(other)} here.` }],
          },
        );
    }
    return done(tensorType(indices.shape, data.dtype));
  },
  explain: (_context, _result, at) => copyOf(1, at.dim),
  compute: (context) => {
    const data = tensorAt(context, 0);
    const indices = tensorAt(context, 1);
    const axis = wrapAxis(context.attrs.axis ?? 0, data.shape.length) ?? 0;
    return [
      compute('gather', outputOf(context).shape, (...i) => {
        const index = asIndex(load(indices, ...i));
        return load(data, ...i.map((v, d) => (d === axis ? bounded(index, data.shape[d] ?? 1, 'clip') : v)));
      }),
    ];
  },
  fusion: 'injective',
});

const gatherNd = defineOperator({
  name: 'gather_nd',
  summary: 'Picks slices by index tuples that stand along the first dimension of `indices`.',
  details: 'With `indices` of shape `(M, Y…)` the result has shape `Y… + data.shape[M + batch_dims:]`.',
  inputs: [dataInput, { name: 'indices', summary: 'the index tuples, along the first dimension' }],
  attributes: {
    batch_dims: attr.maybeInt('how many leading dimensions `data` and the tuples share', { default: 0 }),
    index_rank: attr.maybeInt('the largest number of tuples, where it is not static', { default: null }),
  },
  attrsType: 'relay.attrs.GatherNDAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const indices = tensorInput(context, 1, 'indices');
    if (indices.kind !== 'tensor') return indices;
    const size = tupleLength(indices);
    if (typeof size !== 'number') return size;
    const rank = data.shape.length;
    const batch = context.attrs.batch_dims ?? 0;
    if (size > rank)
      return failed(
        'shape-mismatch',
        `Index tuples of ${size} cannot index \`data\` with ${dimensions(rank)}.`,
        inputBlame(1, 0),
        {
          remedy: `Use tuples of at most ${rank}.`,
          related: [{ blame: inputBlame(0), message: `\`data\` has shape ${printShape(data.shape)}.` }],
        },
      );
    for (let b = 0; b < batch; b++) {
      const [have, want] = [indices.shape[b + 1], data.shape[b]];
      if (have === undefined || want === undefined)
        return badAttribute('batch_dims', `\`batch_dims\` is ${batch}, more than the tensors have.`);
      if (!mayEqual(have, want))
        return failed(
          'shape-mismatch',
          `Batch dimension ${b} is ${printDim(want)} in \`data\` and ${printDim(have)} in \`indices\`.`,
          inputBlame(1, b + 1),
          {
            remedy: 'Make the batch dimensions agree.',
            related: [{ blame: inputBlame(0, b), message: `\`data\` has ${printDim(want)} here.` }],
          },
        );
    }
    return done(tensorType([...indices.shape.slice(1), ...data.shape.slice(size + batch)], data.dtype));
  },
  explain: (context, result, at) => {
    const [data, indices] = context.inputs;
    if (data?.kind !== 'tensor' || indices?.kind !== 'tensor' || result.kind !== 'tensor') return undefined;
    const lead = indices.shape.length - 1;
    return at.dim < lead ? copyOf(1, at.dim + 1) : copyOf(0, data.shape.length - (result.shape.length - at.dim));
  },
  compute: (context) => {
    const data = tensorAt(context, 0);
    const indices = tensorAt(context, 1);
    const lead = indices.shape.length - 1;
    const size = indices.shape[0] ?? 0;
    const batch = context.attrs.batch_dims ?? 0;
    return [
      compute('gather_nd', outputOf(context).shape, (...i) => {
        const tuple = i.slice(0, lead);
        const found = Array.from({ length: size }, (_, k) =>
          bounded(asIndex(load(indices, int(k), ...tuple)), data.shape[batch + k] ?? 1, 'clip'),
        );
        return load(data, ...i.slice(0, batch), ...found, ...i.slice(lead));
      }),
    ];
  },
  fusion: 'injective',
});

const advIndex = defineOperator({
  name: 'adv_index',
  summary: 'NumPy’s advanced indexing: `data[i0, i1, …]` with integer tensors that broadcast.',
  inputs: [
    { name: 'inputs', summary: 'a tuple of the data and one index tensor for each leading dimension', tuple: true },
  ],
  attributes: {},
  relate: (context) => {
    const inputs = tupleInput(context, 0, 'inputs');
    if (inputs.kind !== 'tensors') return inputs;
    const [data, ...indices] = inputs.fields;
    if (!data || indices.length === 0 || indices.length > data.shape.length)
      return failed(
        'bad-argument',
        `The tuple must hold the data and 1 to ${data?.shape.length ?? 0} index tensors, found ${indices.length}.`,
        inputBlame(0),
        { remedy: 'Pass one index tensor for each leading dimension to index.' },
      );
    const shape = broadcastIndices(indices.map((t) => t.shape));
    if (!shape)
      return failed(
        'shape-mismatch',
        `The index tensors ${indices.map((t) => printShape(t.shape)).join(', ')} do not broadcast.`,
        inputBlame(0, undefined, 1),
        {
          remedy: 'Aligned at the right, their dimensions must be equal or 1.',
        },
      );
    return done(tensorType([...shape, ...data.shape.slice(indices.length)], data.dtype));
  },
  explain: (context, result, at) => {
    const inputs = tupleInput(context, 0, 'inputs');
    if (inputs.kind !== 'tensors' || result.kind !== 'tensor') return undefined;
    const [data, ...indices] = inputs.fields;
    const lead = Math.max(...indices.map((t) => t.shape.length));
    if (at.dim >= lead) return copyOf(0, (data?.shape.length ?? 0) - (result.shape.length - at.dim), 0);
    const field = indices.findIndex((t) => {
      const dim = t.shape[at.dim - (lead - t.shape.length)];
      return dim !== undefined && dimValue(dim) !== 1n;
    });
    return copyOf(0, at.dim, field < 0 ? 1 : field + 1);
  },
  compute: (context) => {
    const [data, ...indices] = tensorsAt(context, 0);
    if (!data) return [];
    const lead = Math.max(...indices.map((t) => t.shape.length));
    return [
      compute('adv_index', outputOf(context).shape, (...i) => {
        const found = indices.map((t, k) => {
          const index = asIndex(broadcastLoad(t, i.slice(0, lead)));
          const wrapped = select(compare('lt', index, int(0)), add(index, int(data.shape[k] ?? 1)), index);
          return bounded(wrapped, data.shape[k] ?? 1, 'clip');
        });
        return load(data, ...found, ...i.slice(lead));
      }),
    ];
  },
  fusion: 'injective',
});

function broadcastIndices(shapes: readonly (readonly Dim[])[]): readonly Dim[] | undefined {
  let result: readonly Dim[] | undefined;
  for (const shape of shapes) {
    const next = result === undefined ? { ok: true as const, shape } : broadcastShapes(result, shape);
    if (!next.ok) return undefined;
    result = next.shape;
  }
  return result;
}

const unravelIndex = defineOperator({
  name: 'unravel_index',
  summary: 'Turns positions in the flattened tensor into index tuples of the given shape, along the first dimension.',
  inputs: [
    { name: 'data', summary: 'positions, a scalar or vector of integers' },
    { name: 'shape', summary: 'the sizes of the tensor, a vector of integers' },
  ],
  attributes: {},
  relate: (context) => {
    const indices = tensorInput(context, 0, 'data');
    if (indices.kind !== 'tensor') return indices;
    const shape = tensorInput(context, 1, 'shape');
    if (shape.kind !== 'tensor') return shape;
    const problem =
      requireDType(indices, 0, 'data', isIntegral, 'an integer type') ??
      requireDType(shape, 1, 'shape', isIntegral, 'an integer type');
    if (problem) return problem;
    const [rank] = shape.shape;
    if (rank === undefined)
      return failed('rank-mismatch', '`shape` must be a vector, found a scalar.', inputBlame(1), {
        remedy: 'Pass a vector of sizes.',
      });
    return done(tensorType(indices.shape.length === 0 ? [rank] : [rank, indices.shape[0] ?? 1], indices.dtype));
  },
  explain: (_context, _result, at) => (at.dim === 0 ? copyOf(1, 0) : copyOf(0, 0)),
  compute: (context) => {
    const indices = tensorAt(context, 0);
    const sizes = tensorAt(context, 1);
    const output = outputOf(context);
    const rank = sizes.shape[0] ?? 0;
    return [
      compute('unravel_index', output.shape, (row, column) => {
        let rest = cast('int64', load(indices, ...(indices.shape.length === 0 || !column ? [] : [column])));
        let result: TEExpr = constant(0n, 'int64');
        for (let d = rank - 1; d >= 0; d--) {
          const size = cast('int64', load(sizes, int(d)));
          result = select(compare('eq', row ?? int(0), int(d)), floormod(rest, size), result);
          rest = floordiv(rest, size);
        }
        return cast(output.dtype, result);
      }),
    ];
  },
  fusion: 'injective',
});

const invertPermutation = defineOperator({
  name: 'invert_permutation',
  summary: 'The inverse of a permutation: `result[data[i]] = i`.',
  inputs: [{ name: 'data', summary: 'the permutation, a vector of integers' }],
  attributes: {},
  relate: identityRelation,
  explain: explainIdentity,
  kernel: (context) => {
    const data = arrayAt(context, 0);
    const result = copyArray(data);
    for (let i = 0; i < data.data.length; i++) setElement(result, Number(elementAt(data, i)), i);
    return [result];
  },
  fusion: 'injective',
});

export const gatherOperators: readonly Operator[] = [take, gather, gatherNd, advIndex, unravelIndex, invertPermutation];
