/** Sorting, searching and running sums along a dimension. */
import { isFloat, type DType } from '../../tensor/dtype.ts';
import { elementCount } from '../../tensor/ndarray.ts';
import { around } from '../../operators/compute/arrays.ts';
import { wrapAxis } from '../../operators/relations/axes.ts';
import { add, assign, bin, block, cast, declare, ix, local, loop, mul, sub } from '../build.ts';
import type { LExpr, Stmt } from '../ir.ts';
import {
  allOf,
  anyOf,
  compare,
  constantOf,
  copyTo,
  fill,
  isNaNOf,
  no,
  not,
  isWithin,
  overLines,
  placeAt,
  sourceAt,
  when,
  type Nest,
  type NestContext,
  type Place,
} from './nest.ts';
import { sorterOf } from './order.ts';

/** Sorts lines of the first input; puts the first values and positions of each where there is a place for them. */
function sortLines(context: NestContext, ascending: boolean, values?: Place, positions?: Place): Stmt {
  const x = sourceAt(context, 0);
  const axis = wrapAxis(Number(context.attrs['axis']), x.shape.length) ?? 0;
  const lines = around(x.shape, axis);
  const { length, inner } = lines;
  const kept = (values ?? positions)?.shape;
  const count = kept === undefined || kept.length === 0 ? 1 : (kept[axis] ?? 1);
  if (count > length) throw new Error('more elements are asked for than there are');
  const sorter = sorterOf(context, length, count);
  return overLines(lines, (o, i) => {
    const at = (position: LExpr, extent: number): LExpr => add(mul(add(mul(o, extent), position), inner), i);
    const key = (position: LExpr): LExpr => x.at(at(position, length));
    return block(
      sorter.sort({ key, length: ix(length), ascending }),
      loop('k', count, (k) => {
        const from = local('from', 'index');
        return block(
          declare(from, sorter.at(k)),
          ...(values ? [values.put(at(k, count), key(from))] : []),
          ...(positions ? [positions.put(at(k, count), from)] : []),
        );
      }),
    );
  });
}

const sort: Nest = (context) => sortLines(context, context.attrs['is_ascend'] === true, placeAt(context, 0));

const argsort: Nest = (context) =>
  sortLines(context, context.attrs['is_ascend'] === true, undefined, placeAt(context, 0));

const topk: Nest = (context) => {
  const ascending = context.attrs['is_ascend'] === true;
  const kind = context.attrs['ret_type'];
  if (kind === 'values') return sortLines(context, ascending, placeAt(context, 0));
  if (kind === 'indices') return sortLines(context, ascending, undefined, placeAt(context, 0));
  return sortLines(context, ascending, placeAt(context, 0), placeAt(context, 1));
};

/** Binary search; every value takes as many steps. */
const searchsorted: Nest = (context) => {
  const [sequence, values] = [sourceAt(context, 0), sourceAt(context, 1)];
  const result = placeAt(context, 0);
  if (sequence.dtype !== values.dtype) throw new Error('both inputs must have one element type');
  const length = sequence.shape.at(-1);
  if (length === undefined) throw new Error('the sequence is a scalar');
  const width = values.shape.at(-1) ?? 1;
  const rows = values.count / Math.max(1, width);
  let steps = 0;
  while (2 ** steps <= length) steps++;
  const step = (
    start: LExpr,
    value: LExpr,
    [low, high]: readonly [LExpr & { kind: 'local' }, LExpr & { kind: 'local' }],
  ): Stmt => {
    const middle = local('middle', 'index');
    const other = local('other', sequence.dtype);
    const behind = compare('lt', other, value);
    const passes = context.attrs['right'] === true ? anyOf(behind, compare('eq', other, value)) : behind;
    return when(
      compare('lt', low, high),
      block(
        declare(middle, bin('truncdiv', add(low, high), 2)),
        declare(other, sequence.at(add(start, middle))),
        when(passes, assign(low, add(middle, 1)), assign(high, middle)),
      ),
    );
  };
  return loop('row', rows, (row) =>
    loop('i', width, (i) => {
      const at = add(mul(row, width), i);
      const [low, high, value] = [local('low', 'index'), local('high', 'index'), local('value', values.dtype)];
      const start = sequence.shape.length > 1 ? mul(row, length) : ix(0);
      return block(
        declare(value, values.at(at)),
        declare(low, 0),
        declare(high, length),
        loop('step', steps, () => step(start, value, [low, high])),
        result.put(at, low),
      );
    }),
  );
};

/** Floats whose sums and products in double precision round to the same as in single precision. */
const exactInSingle = new Set(['float32', 'int8', 'uint8', 'int16', 'uint16', 'bool']);

function scanOf(op: 'add' | 'mul'): Nest {
  return (context) => {
    const data = sourceAt(context, 0);
    const result = placeAt(context, 0);
    const { axis, exclusive } = context.attrs;
    const lines =
      axis === null
        ? { outer: 1, length: elementCount(data.shape), inner: 1 }
        : around(data.shape, wrapAxis(Number(axis), data.shape.length) ?? 0);
    const total = local('total', result.dtype);
    const { length, inner } = lines;
    return overLines(lines, (o, i) =>
      block(
        declare(total, constantOf(result.dtype, op === 'add' ? 0 : 1)),
        loop('k', length, (k) => {
          const at = add(mul(add(mul(o, length), k), inner), i);
          const next = assign(total, joined(op, result.dtype, total, data.at(at), data.dtype));
          return exclusive === true ? block(result.put(at, total), next) : block(next, result.put(at, total));
        }),
      ),
    );
  };
}

function joined(op: 'add' | 'mul', dtype: DType, total: LExpr, value: LExpr, from: DType): LExpr {
  if (dtype === 'bool')
    return { kind: 'binary', op: op === 'add' ? 'or' : 'and', dtype, left: total, right: cast('bool', value) };
  // Values that a single-precision number does not hold are not rounded before they are joined.
  const wide = dtype === 'float32' && !exactInSingle.has(from) ? 'float64' : dtype;
  // Floats become integers as whole numbers of 64 bits, of which the lower ones stay.
  const whole = !isFloat(dtype) && isFloat(from) ? cast('int64', value) : value;
  return cast(dtype, bin(op, cast(wide, total), cast(wide, whole)));
}

/** Result element `data[i]` becomes `i`; what is no position is left out. */
const invertPermutation: Nest = (context) => {
  const data = sourceAt(context, 0);
  const result = placeAt(context, 0);
  const index = local('index', data.dtype);
  return block(
    copyTo(result, data),
    loop('i', data.count, (i) =>
      block(declare(index, data.at(i)), when(isWithin(index, result.count), result.put(cast('index', index), i))),
    ),
  );
};

/** Whether two elements count as one: NaN as itself. */
function alike(a: LExpr, b: LExpr): LExpr {
  const equal = compare('eq', a, b);
  const nan = isNaNOf(a);
  return nan === no ? equal : anyOf(equal, allOf(nan, isNaNOf(b)));
}

/** The different elements of a vector, in ascending order or in order of appearance. */
const unique: Nest = (context) => {
  const x = sourceAt(context, 0);
  const size = x.count;
  const places = [0, 1, 2, 3].map((i) => placeAt(context, i));
  const [elements, first, inverse, total] = places as [Place, Place, Place, Place];
  const counts = context.attrs['return_counts'] === true ? placeAt(context, 4) : undefined;
  const sorter = sorterOf(context, size, size);
  const [found, start, from] = [local('found', 'index'), local('start', 'index'), local('from', 'index')];
  const opens = local('opens', 'bool');
  const open = (at: LExpr): Stmt =>
    block(elements.put(found, x.at(at)), first.put(found, at), assign(found, add(found, 1)));
  // Equal elements are neighbours in sorted order, and the first of them is the one that stands first.
  const walk = (body: Stmt): Stmt =>
    loop('k', size, (k) =>
      block(
        declare(from, sorter.at(k)),
        declare(opens, compare('eq', k, 0)),
        when(compare('gt', k, 0), assign(opens, not(alike(x.at(from), x.at(start))))),
        when(opens, assign(start, from)),
        body,
      ),
    );
  const ascending = walk(block(when(opens, open(from)), inverse.put(from, sub(found, 1))));
  // Every element points to its first appearance; then those are numbered in the order of their positions.
  const appearing = block(
    walk(inverse.put(from, start)),
    loop('j', size, (j) =>
      when(
        compare('eq', inverse.at(j), cast('int32', j)),
        block(open(j), inverse.put(j, sub(found, 1))),
        inverse.put(j, inverse.at(cast('index', inverse.at(j)))),
      ),
    ),
  );
  const group = local('group', 'index');
  const one = constantOf('int32', 1);
  const counting = (place: Place): Stmt =>
    loop('i', size, (i) =>
      block(declare(group, cast('index', inverse.at(i))), place.put(group, bin('add', place.at(group), one))),
    );
  return block(
    fill(elements, constantOf(x.dtype, 0)),
    fill(first, constantOf('int32', size)),
    sorter.sort({ key: (k) => x.at(k), length: ix(size), ascending: true }),
    declare(found, 0),
    declare(start, 0),
    context.attrs['sorted'] === true ? ascending : appearing,
    total.put(0, found),
    ...(counts ? [fill(counts, constantOf('int32', 0)), counting(counts)] : []),
  );
};

export const sortNests: Readonly<Record<string, Nest>> = {
  sort,
  argsort,
  topk,
  searchsorted,
  cumsum: scanOf('add'),
  cumprod: scanOf('mul'),
  invert_permutation: invertPermutation,
  unique,
};
