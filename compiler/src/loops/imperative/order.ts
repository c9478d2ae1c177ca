/** Stable sorting of positions, with NaN last: the loops of `sortedPositions` in `operators/sort/order.ts`. */
import { add, assign, bin, block, cast, declare, ix, local, loop, mul, sub } from '../build.ts';
import type { LExpr, Stmt } from '../ir.ts';
import { typeOfExpr } from '../ir.ts';
import {
  allOf,
  anyOf,
  compare,
  constantOf,
  isNaNOf,
  least,
  no,
  not,
  when,
  yes,
  type NestContext,
  type Place,
} from './nest.ts';

/** Whether one key stands strictly before another. */
function before(a: LExpr, b: LExpr, ascending: boolean): LExpr {
  const ordered = compare(ascending ? 'lt' : 'gt', a, b);
  const nan = isNaNOf(b);
  return nan === no ? ordered : anyOf(ordered, allOf(nan, not(isNaNOf(a))));
}

export interface Sorting {
  /** The key at a position below `length`. */
  readonly key: (position: LExpr) => LExpr;
  /** How many keys there are now; does not change while they are sorted. */
  readonly length: LExpr;
  readonly ascending: boolean;
}

/** Loops that find the first positions in order. */
export interface Sorter {
  sort(sorting: Sorting): Stmt;
  /** After `sort`: the position of the k-th key, k below `count` and `length`. */
  at(k: LExpr): LExpr;
}

/** Selection of so many positions takes less time and memory than sorting. */
const fewest = 8;

/** A sorter of up to `most` keys of which the first `count` are asked for. */
export function sorterOf(context: Pick<NestContext, 'scratch'>, most: number, count: number): Sorter {
  if (count <= fewest || most <= 2 * fewest)
    return selection(context.scratch('best', 'int32', Math.max(1, count)), count);
  return mergeSort(context.scratch('order', 'int32', 2 * most), most);
}

/** Keys are put one by one into the sorted list of those that stand first. */
function selection(best: Place, count: number): Sorter {
  const position = (k: LExpr): LExpr => cast('index', best.at(k));
  return {
    at: position,
    sort({ key, length, ascending }) {
      if (count === 0) return block();
      const filled = local('filled', 'index');
      const body = (j: LExpr): Stmt => {
        const first = key(j);
        const value = local('value', typeOfExpr(first));
        const enters = local('enters', 'bool');
        const slots = local('slots', 'index');
        const place = local('place', 'index');
        const shift = (s: LExpr): Stmt => {
          const slot = local('slot', 'index');
          return block(
            declare(slot, sub(sub(slots, 1), s)),
            when(
              before(value, key(position(slot)), ascending),
              block(best.put(add(slot, 1), best.at(slot)), assign(place, slot)),
            ),
          );
        };
        return block(
          declare(value, first),
          declare(enters, yes),
          when(compare('eq', filled, count), assign(enters, before(value, key(position(ix(count - 1))), ascending))),
          when(
            enters,
            block(
              declare(slots, least(filled, count - 1)),
              declare(place, slots),
              loop('s', slots, shift),
              best.put(place, cast('int32', j)),
              assign(filled, least(add(filled, 1), count)),
            ),
          ),
        );
      };
      return block(declare(filled, 0), loop('j', length, body));
    },
  };
}

/** Merges runs of twice the length each time, from one half of the memory to the other. */
function mergeSort(order: Place, most: number): Sorter {
  let passes = 0;
  while (2 ** passes < most) passes++;
  const result = passes % 2 === 0 ? 0 : most;
  const position = (at: LExpr): LExpr => cast('index', order.at(at));
  return {
    at: (k) => position(add(k, result)),
    sort({ key, length, ascending }) {
      const width = local('width', 'index');
      const [from, to] = [local('from', 'index'), local('to', 'index')];
      const [left, middle] = [local('left', 'index'), local('middle', 'index')];
      const [right, end] = [local('right', 'index'), local('end', 'index')];
      const start = local('start', 'index');
      const size = local('size', 'index');
      const merge = (k: LExpr): Stmt => {
        const takes = local('takes', 'bool');
        const next = local('next', 'int32');
        const later = before(key(position(add(from, right))), key(position(add(from, left))), ascending);
        return block(
          declare(takes, no),
          when(compare('lt', right, end), when(compare('ge', left, middle), assign(takes, yes), assign(takes, later))),
          declare(next, constantOf('int32', 0)),
          when(
            takes,
            block(assign(next, order.at(add(from, right))), assign(right, add(right, 1))),
            block(assign(next, order.at(add(from, left))), assign(left, add(left, 1))),
          ),
          order.put(add(add(to, start), k), next),
        );
      };
      const runs = local('runs', 'index');
      const pass = block(
        declare(runs, bin('truncdiv', add(length, sub(add(width, width), 1)), add(width, width))),
        loop('run', runs, (run) =>
          block(
            declare(start, mul(run, add(width, width))),
            declare(left, start),
            declare(middle, least(add(start, width), length)),
            declare(right, middle),
            declare(end, least(add(middle, width), length)),
            declare(size, sub(end, start)),
            loop('k', size, merge),
          ),
        ),
        assign(width, add(width, width)),
        assign(to, from),
        assign(from, sub(most, from)),
      );
      return block(
        loop('j', length, (j) => order.put(j, cast('int32', j))),
        declare(width, 1),
        declare(from, 0),
        declare(to, most),
        loop('pass', passes, () => pass),
      );
    },
  };
}
