/** Updates at computed places: a copy, then stores at subscripts that are checked. */
import { isFloat, isUnsigned, type DType } from '../../tensor/dtype.ts';
import { stridesOf } from '../../operators/compute/arrays.ts';
import { wrapAxis } from '../../operators/relations/axes.ts';
import { add, bin, block, cast, declare, ix, local, loop, mul } from '../build.ts';
import type { LExpr, Stmt } from '../ir.ts';
import {
  allOf,
  choose,
  compare,
  constantOf,
  copyTo,
  fill,
  isWithin,
  overIndices,
  placeAt,
  sourceAt,
  when,
  type Nest,
  type Place,
  type Source,
} from './nest.ts';

/** How an update meets what stands there; reads both. */
function combined(mode: unknown, dtype: DType, old: LExpr, update: LExpr): LExpr {
  const binary = (op: 'add' | 'mul' | 'and' | 'or' | 'xor' | 'shr', left: LExpr, right: LExpr): LExpr =>
    ({ kind: 'binary', op, dtype, left, right }); // prettier-ignore
  switch (mode) {
    case 'add':
      return binary(dtype === 'bool' ? 'or' : 'add', old, update);
    case 'mul':
      return binary(dtype === 'bool' ? 'and' : 'mul', old, update);
    case 'mean':
      return dtype === 'bool' ? binary('or', old, update) : meanOf(dtype, old, update, binary);
    case 'min':
      return choose(compare('lt', update, old), update, old);
    case 'max':
      return choose(compare('gt', update, old), update, old);
    default:
      return update;
  }
}

/** Half of the exact sum; of integers without its fraction. */
function meanOf(
  dtype: DType,
  old: LExpr,
  update: LExpr,
  binary: (op: 'add' | 'and' | 'xor' | 'shr', left: LExpr, right: LExpr) => LExpr,
): LExpr {
  if (isFloat(dtype)) {
    const sum = bin('add', cast('float64', old), cast('float64', update));
    return cast(dtype, bin('mul', sum, constantOf('float64', 0.5)));
  }
  // Half of the bits that differ, added to those in common, is the half rounded down; no sum overflows.
  const one = constantOf(dtype, 1);
  const differing = binary('xor', old, update);
  const down = binary('add', binary('and', old, update), binary('shr', differing, one));
  if (isUnsigned(dtype)) return down;
  const rest = choose(compare('lt', down, 0), binary('and', differing, one), constantOf(dtype, 0));
  return binary('add', down, rest);
}

/** An update by position; 0 behind the last. */
function updateAt(updates: Source, count: number, position: LExpr): LExpr {
  const value = updates.at(position);
  if (updates.count >= count) return value;
  return choose(compare('lt', position, updates.count), value, constantOf(updates.dtype, 0));
}

function meet(mode: unknown, result: Place, to: LExpr, update: LExpr): Stmt {
  const [old, value] = [local('old', result.dtype), local('update', result.dtype)];
  if (mode === 'update') return result.put(to, update);
  return block(
    declare(old, result.at(to)),
    declare(value, update),
    result.put(to, combined(mode, result.dtype, old, value)),
  );
}

const scatterElements: Nest = (context) => {
  const [data, indices, updates] = [0, 1, 2].map((i) => sourceAt(context, i)) as [Source, Source, Source];
  if (updates.dtype !== data.dtype) throw new Error('data and updates must have one element type');
  const result = placeAt(context, 0);
  const axis = wrapAxis(Number(context.attrs['axis'] ?? 0), data.shape.length) ?? 0;
  const strides = stridesOf(data.shape);
  const extent = data.shape[axis] ?? 1;
  const scatter = overIndices(indices.shape, (at, position) => {
    const written = local('written', indices.dtype);
    const index = local('index', 'index');
    const beyond = at.flatMap((k, d) =>
      d !== axis && (indices.shape[d] ?? 1) > (data.shape[d] ?? 1) ? [compare('lt', k, data.shape[d] ?? 1)] : [],
    );
    const to = at.reduce<LExpr>((sum, k, d) => add(sum, mul(d === axis ? index : k, strides[d] ?? 0)), ix(0));
    const wrapped = add(index, choose(compare('lt', index, 0), ix(extent), ix(0)));
    return block(
      declare(written, indices.at(position)),
      when(
        allOf(isWithin(written, extent, -extent), ...beyond),
        block(
          declare(index, cast('index', written)),
          { kind: 'assign', local: index, value: wrapped },
          meet(context.attrs['reduction'], result, to, updateAt(updates, indices.count, position)),
        ),
      ),
    );
  });
  return block(copyTo(result, data), scatter);
};

/**
 * Calls `body` with the position that an index tuple of type `dtype` means in a shape; tuples that mean none are left
 * out.
 */
function atTuple(
  dtype: DType,
  shape: readonly number[],
  size: number,
  element: (k: number) => LExpr,
  body: (position: LExpr) => Stmt,
): Stmt {
  const strides = stridesOf(shape);
  const start = local('start', 'index');
  const build = (k: number): Stmt => {
    if (k === size) return body(start);
    const index = local('index', dtype);
    const step = add(start, mul(cast('index', index), strides[k] ?? 0));
    return block(
      declare(index, element(k)),
      when(isWithin(index, shape[k] ?? 1), block({ kind: 'assign', local: start, value: step }, build(k + 1))),
    );
  };
  return block(declare(start, 0), build(0));
}

const scatterNd: Nest = (context) => {
  const [data, indices, updates] = [0, 1, 2].map((i) => sourceAt(context, i)) as [Source, Source, Source];
  if (updates.dtype !== data.dtype) throw new Error('data and updates must have one element type');
  const result = placeAt(context, 0);
  const size = indices.shape[0] ?? 0;
  const tuples = indices.shape.slice(1).reduce((a, b) => a * b, 1);
  const slice = data.shape.slice(size).reduce((a, b) => a * b, 1);
  const scatter = loop('t', tuples, (t) =>
    atTuple(
      indices.dtype,
      data.shape,
      size,
      (k) => indices.at(add(mul(k, tuples), t)),
      (start) =>
        loop('k', slice, (k) => {
          const update = updateAt(updates, tuples * slice, add(mul(t, slice), k));
          return meet(context.attrs['mode'], result, add(start, k), update);
        }),
    ),
  );
  return block(copyTo(result, data), scatter);
};

const sparseToDense: Nest = (context) => {
  const [indices, values, filler] = [0, 1, 2].map((i) => sourceAt(context, i)) as [Source, Source, Source];
  const result = placeAt(context, 0);
  const width = indices.shape.length === 2 ? (indices.shape[1] ?? 1) : 1;
  const count = width === 0 ? 0 : indices.count / width;
  if (width > result.shape.length) throw new Error('index tuples are longer than the shape');
  const put = loop('i', count, (i) =>
    atTuple(
      indices.dtype,
      result.shape,
      width,
      (k) => indices.at(add(mul(i, width), k)),
      (start) => result.put(start, values.shape.length === 0 ? values.at(0) : updateAt(values, count, i)),
    ),
  );
  return block(fill(result, filler.at(0)), put);
};

export const scatterNests: Readonly<Record<string, Nest>> = {
  scatter_elements: scatterElements,
  scatter_nd: scatterNd,
  sparse_to_dense: sparseToDense,
};
