/** Sparse matrices given as (values, column indices, row starts), and slices that are replaced. */
import { stridesOf } from '../../operators/compute/arrays.ts';
import { add, assign, bin, block, cast, declare, ix, local, loop, mul, sub } from '../build.ts';
import type { LExpr, Stmt } from '../ir.ts';
import {
  choose,
  compare,
  constantOf,
  copyTo,
  fill,
  isWithin,
  placeAt,
  sourceAt,
  when,
  type Nest,
  type Place,
  type Source,
} from './nest.ts';

interface Stored {
  readonly values: Source;
  readonly indices: Source;
  readonly starts: Source;
}

function storedAt(inputs: readonly Source[]): Stored {
  const [values, indices, starts] = inputs as [Source, Source, Source];
  if (![indices, starts].every((s) => /^u?int/.test(s.dtype))) throw new Error('indices must be integers');
  if (values.dtype === 'bool') throw new Error('elements must be numbers');
  return { values, indices, starts };
}

/** Rows of elements or blocks. */
const rowsOf = ({ starts }: Stored): number => Math.max(0, starts.count - 1);

/** A row start brought within the elements that are stored. */
function startAt({ starts }: Stored, row: LExpr, stored: number): LExpr {
  const value = starts.at(row);
  const high = choose(compare('gt', value, stored), constantOf(starts.dtype, stored), value);
  return cast('index', choose(compare('lt', value, 0), constantOf(starts.dtype, 0), high));
}

/** Calls `body` for the stored elements or blocks of a row whose column lies below `columns`. */
function overRow(s: Stored, row: LExpr, columns: number, body: (k: LExpr, column: LExpr) => Stmt): Stmt {
  const [, height = 1, width = 1] = s.values.shape.length >= 3 ? s.values.shape : [0, 1, 1];
  const stored = Math.min(s.indices.count, Math.floor(s.values.count / (height * width)));
  const [first, size, column] = [local('first', 'index'), local('size', 'index'), local('column', s.indices.dtype)];
  return block(
    declare(first, startAt(s, row, stored)),
    declare(size, sub(startAt(s, add(row, 1), stored), first)),
    loop('k', size, (k) =>
      block(
        declare(column, s.indices.at(add(first, k))),
        when(isWithin(column, Math.ceil(columns / width)), body(add(first, k), cast('index', column))),
      ),
    ),
  );
}

const sparseDense: Nest = (context) => {
  const [dense, ...rest] = [0, 1, 2, 3].map((i) => sourceAt(context, i)) as [Source, Source, Source, Source];
  const s = storedAt(rest);
  const result = placeAt(context, 0);
  if (s.values.dtype !== dense.dtype) throw new Error('both factors must have one element type');
  const [others = 1, features = 1] = dense.shape;
  const [, height = 1, width = 1] = s.values.shape.length >= 3 ? s.values.shape : [0, 1, 1];
  const rows = rowsOf(s) * height;
  const sum = local('sum', dense.dtype);
  const element = (other: LExpr, row: LExpr, y: LExpr): Stmt => {
    const out = add(mul(row, height), y);
    const at = context.attrs['sparse_lhs'] === true ? add(mul(out, others), other) : add(mul(other, rows), out);
    return block(
      declare(sum, constantOf(dense.dtype, 0)),
      overRow(s, row, features, (k, column) =>
        loop('x', width, (x) => {
          const value = s.values.at(add(mul(add(mul(k, height), y), width), x));
          const place = add(mul(column, width), x);
          const next = assign(sum, bin('add', sum, bin('mul', value, dense.at(add(mul(other, features), place)))));
          return features % width === 0 ? next : when(compare('lt', place, features), next);
        }),
      ),
      result.put(at, sum),
    );
  };
  return loop('row', rowsOf(s), (row) =>
    loop('y', height, (y) => loop('other', others, (other) => element(other, row, y))),
  );
};

const sparseAdd: Nest = (context) => {
  const [dense, ...rest] = [0, 1, 2, 3].map((i) => sourceAt(context, i)) as [Source, Source, Source, Source];
  const s = storedAt(rest);
  const result = placeAt(context, 0);
  const [rows = 1, columns = 1] = dense.shape;
  return block(
    copyTo(result, dense),
    loop('row', Math.min(rows, rowsOf(s)), (row) =>
      overRow(s, row, columns, (k, column) => {
        const at = add(mul(row, columns), column);
        return result.put(at, bin('add', result.at(at), s.values.at(k)));
      }),
    ),
  );
};

/** Counts the elements of each column, then puts every element behind those of its column before it. */
const sparseTranspose: Nest = (context) => {
  const s = storedAt([0, 1, 2].map((i) => sourceAt(context, i)));
  const [values, indices, starts] = [0, 1, 2].map((i) => placeAt(context, i)) as [Place, Place, Place];
  const rows = rowsOf(s);
  const next = context.scratch('next', 'int32', rows + 1);
  const place = local('place', 'index');
  const one = constantOf('int32', 1);
  const zero = constantOf('int32', 0);
  const count = loop('row', rows, (row) =>
    overRow(s, row, rows, (_k, column) => next.put(add(column, 1), bin('add', next.at(add(column, 1)), one))),
  );
  const move = loop('row', rows, (row) =>
    overRow(s, row, rows, (k, column) =>
      block(
        declare(place, cast('index', next.at(column))),
        when(
          compare('lt', place, Math.min(values.count, indices.count)),
          block(values.put(place, s.values.at(k)), indices.put(place, row)),
        ),
        next.put(column, bin('add', next.at(column), one)),
      ),
    ),
  );
  return block(
    fill(values, zero),
    fill(indices, zero),
    fill(next, zero),
    count,
    loop('i', rows, (i) => next.put(add(i, 1), bin('add', next.at(add(i, 1)), next.at(i)))),
    loop('i', starts.count, (i) => starts.put(i, next.at(i))),
    move,
  );
};

const stridedSet: Nest = (context) => {
  const [data, v, begin, end, strides] = [0, 1, 2, 3, 4].map((i) => sourceAt(context, i)) as [
    Source,
    Source,
    Source,
    Source,
    Source,
  ];
  const result = placeAt(context, 0);
  if (v.dtype !== data.dtype) throw new Error('both tensors must have one element type');
  if (![begin, end, strides].every((s) => /^u?int/.test(s.dtype))) throw new Error('positions must be integers');
  const long = (value: number): LExpr => constantOf('int64', value);
  const statements: Stmt[] = [];
  const named = (name: string, value: LExpr): LExpr => {
    const made = local(name, 'int64');
    statements.push(declare(made, value));
    return made;
  };
  const given = (source: Source, d: number): LExpr | undefined =>
    d < source.count ? cast('int64', source.at(d)) : undefined;
  const index = (name: string, value: LExpr): LExpr => {
    const made = local(name, 'index');
    statements.push(declare(made, cast('index', value)));
    return made;
  };
  const walk = data.shape.map((extent, d) => {
    const stride = named('stride', given(strides, d) ?? long(1));
    const backward = compare('lt', stride, 0);
    const canonical = (value: LExpr): LExpr => {
      const wrapped = choose(compare('lt', value, 0), add(value, long(extent)), value);
      const high = choose(backward, long(extent - 1), long(extent));
      return bin('max', bin('min', wrapped, high), choose(backward, long(-1), long(0)));
    };
    const first = named(
      'first',
      given(begin, d) ? canonical(given(begin, d) as LExpr) : choose(backward, long(extent - 1), long(0)),
    );
    const last = named(
      'last',
      given(end, d) ? canonical(given(end, d) as LExpr) : choose(backward, long(-1), long(extent)),
    );
    // Rounded up, whatever the signs are; a step of 0 leads nowhere.
    const count = sub(long(0), bin('floordiv', sub(first, last), stride));
    return {
      first: index('start', first),
      stride: index('step', stride),
      count: index('count', bin('max', count, long(0))),
    };
  });
  const [target, source] = [stridesOf(data.shape), stridesOf(v.shape)];
  const skip = data.shape.length - v.shape.length;
  const build = (at: readonly LExpr[]): Stmt => {
    const side = walk[at.length];
    if (side) return loop(`i${at.length}`, side.count, (i) => build([...at, i]));
    const to = walk.reduce<LExpr>(
      (sum, w, d) => add(sum, mul(add(w.first, mul(at[d] ?? ix(0), w.stride)), target[d] ?? 0)),
      ix(0),
    );
    const from = v.shape.reduce<LExpr>(
      (sum, n, d) => (n === 1 ? sum : add(sum, mul(at[d + skip] ?? ix(0), source[d] ?? 0))),
      ix(0),
    );
    const place = local('from', 'index');
    return block(
      declare(place, from),
      result.put(to, choose(compare('lt', place, v.count), v.at(place), constantOf(v.dtype, 0))),
    );
  };
  return block(copyTo(result, data), statements, build([]));
};

export const sparseNests: Readonly<Record<string, Nest>> = {
  'nn.sparse_dense': sparseDense,
  'nn.internal.sparse_dense_padded': sparseDense,
  'nn.sparse_add': sparseAdd,
  'nn.sparse_transpose': sparseTranspose,
  strided_set: stridedSet,
};
