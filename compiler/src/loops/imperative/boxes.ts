/** Overlap of boxes in float32, and lists of chosen boxes that drop others: the loops of `operators/vision/boxes.ts`. */
import { add, assign, bin, block, cast, declare, local, loop, sub } from '../build.ts';
import type { LExpr, Local, Stmt } from '../ir.ts';
import { typeOfExpr } from '../ir.ts';
import { anyOf, choose, compare, constantOf, isNaNOf, least, not, when, yes, type Place, type Source } from './nest.ts';

/** The four numbers of a box, in float32. */
export type Corners = readonly [LExpr, LExpr, LExpr, LExpr];

export const f32 = (value: number): LExpr => constantOf('float32', value);
export const greatest = (a: LExpr, b: LExpr): LExpr => bin('max', a, b);

/** Intersection over union of two boxes without NaN, as statements and the value; opposite corners in either order. */
function overlap(a: Corners, b: Corners): { readonly statements: readonly Stmt[]; readonly value: LExpr } {
  const statements: Stmt[] = [];
  const named = (name: string, value: LExpr): LExpr => {
    const made = local(name, 'float32');
    statements.push(declare(made, value));
    return made;
  };
  const sides = (box: Corners, low: 0 | 1): readonly [LExpr, LExpr] => {
    const [x, y] = [box[low], box[low === 0 ? 2 : 3]];
    return [named('low', least(x, y)), named('high', greatest(x, y))];
  };
  const [aLeft, aRight] = sides(a, 0);
  const [aTop, aBottom] = sides(a, 1);
  const [bLeft, bRight] = sides(b, 0);
  const [bTop, bBottom] = sides(b, 1);
  // The zero stands first, so that a difference of infinities stays what it is.
  const width = named('width', greatest(f32(0), sub(least(aRight, bRight), greatest(aLeft, bLeft))));
  const height = named('height', greatest(f32(0), sub(least(aBottom, bBottom), greatest(aTop, bTop))));
  const area = named('area', bin('mul', height, width));
  const first = bin('mul', sub(aRight, aLeft), sub(aBottom, aTop));
  const second = bin('mul', sub(bRight, bLeft), sub(bBottom, bTop));
  const union = named('both', sub(add(first, second), area));
  return { statements, value: choose(compare('le', union, 0), f32(0), bin('div', area, union)) };
}

/** Whether a value reaches a threshold of any number type. */
export function reaches(value: LExpr, threshold: LExpr, strictly = false): LExpr {
  const same = typeOfExpr(value) === typeOfExpr(threshold);
  const wide = (e: LExpr): LExpr => (same ? e : cast('float64', e));
  return compare(strictly ? 'gt' : 'ge', wide(value), wide(threshold));
}

/** Whether no number of a box is NaN. Others overlap nothing. */
export function isClean(box: Corners): LExpr {
  return not(anyOf(...box.map(isNaNOf)));
}

/** Boxes chosen so far that may drop others. */
export interface Rivals {
  readonly count: Local;
  /** Positions of the boxes. */
  readonly list: Place;
  corners(position: LExpr): Corners;
}

/** Sets `dropped` where a box reaches the threshold with one of the rivals that `compared` admits. */
export function dropIfOverlapping(
  dropped: Local,
  box: Corners,
  rivals: Rivals,
  threshold: LExpr,
  compared?: (position: LExpr) => LExpr,
): Stmt {
  const rival = local('rival', 'index');
  const limit = local('limit', 'index');
  const judge = (r: LExpr): Stmt => {
    const { statements, value } = overlap(box, rivals.corners(rival));
    const found = block(...statements, when(reaches(value, threshold), assign(dropped, yes)));
    return when(
      not(dropped),
      block(declare(rival, cast('index', rivals.list.at(r))), compared ? when(compared(rival), found) : found),
    );
  };
  return block(declare(limit, rivals.count), loop('r', limit, judge));
}

/** Appends a box to the rivals. */
export function rememberRival({ list, count }: Rivals, position: LExpr): Stmt {
  return block(list.put(count, cast('int32', position)), assign(count, add(count, 1)));
}

/** The only element of a tensor that stands for a number. */
export function scalarOf(source: Source): LExpr {
  return source.at(0);
}

/** Chooses between statements by whether a number is positive; at once where it is a constant. */
export function unlessPositive(value: LExpr, then: Stmt, otherwise: Stmt): Stmt {
  if (value.kind === 'const') return Number(value.value) <= 0 ? then : otherwise;
  return when(compare('le', value, 0), then, otherwise);
}
