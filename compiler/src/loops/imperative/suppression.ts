/** Detection: boxes whose score counts, and those that remain where better ones overlap them. */
import { add, assign, block, cast, declare, ix, local, loop, mul } from '../build.ts';
import type { LExpr, Local, Stmt } from '../ir.ts';
import {
  allOf,
  choose,
  compare,
  constantOf,
  fill,
  least,
  no,
  not,
  placeAt,
  sourceAt,
  when,
  type Nest,
  type NestContext,
  type Place,
  type Source,
} from './nest.ts';
import {
  dropIfOverlapping,
  isClean,
  reaches,
  rememberRival,
  scalarOf,
  unlessPositive,
  type Corners,
  type Rivals,
} from './boxes.ts';
import { sorterOf } from './order.ts';

const minusOne = constantOf('int32', -1);
const zero = constantOf('int32', 0);

function requireFloat32(...sources: readonly Source[]): void {
  if (sources.some((s) => s.dtype !== 'float32')) throw new Error('boxes and scores must be float32');
}

/** Numbers of rows of `length`; 0 where a row has no such number. */
function fieldsOf(data: Source, length: number) {
  return (row: LExpr, k: number): LExpr =>
    k >= 0 && k < length ? data.at(add(mul(row, length), k)) : constantOf(data.dtype, 0);
}

const getValidCounts: Nest = (context) => {
  const data = sourceAt(context, 0);
  const [counts, valid, origins] = [0, 1, 2].map((i) => placeAt(context, i)) as [Place, Place, Place];
  const [batch = 0, boxes = 0, length = 0] = data.shape;
  const { id_index: id, score_index: score, score_threshold: written } = context.attrs;
  if (!(Number(score) >= 0 && Number(score) < length && Number(id) < length))
    throw new Error('no such number of a box');
  const field = fieldsOf(data, length);
  const threshold =
    written === null
      ? cast('float32', scalarOf(sourceAt(context, 1)))
      : constantOf('float32', Math.fround(Number(written)));
  const found = local('found', 'index');
  const from = local('from', 'index');
  const counted = (row: LExpr): LExpr => {
    const scored = reaches(field(row, Number(score)), threshold, true);
    return Number(id) < 0 ? scored : allOf(scored, compare('ge', field(row, Number(id)), 0));
  };
  const rows = (b: LExpr): Stmt =>
    block(
      declare(found, 0),
      loop('j', boxes, (j) =>
        block(
          declare(from, add(mul(b, boxes), j)),
          when(
            counted(from),
            block(
              loop('k', length, (k) =>
                valid.put(add(mul(add(mul(b, boxes), found), length), k), data.at(add(mul(from, length), k))),
              ),
              origins.put(add(mul(b, boxes), found), j),
              assign(found, add(found, 1)),
            ),
          ),
        ),
      ),
      counts.put(b, found),
    );
  return block(fill(valid, minusOne), fill(origins, minusOne), loop('b', batch, rows));
};

/** A number of boxes given at run time, brought within what there are. */
function countOf(source: Source, position: LExpr, most: number): LExpr {
  const { dtype } = source;
  if (!/^u?int/.test(dtype)) throw new Error('counts must be integers');
  const value = source.at(position);
  const high = choose(compare('gt', value, most), constantOf(dtype, most), value);
  return cast('index', choose(compare('lt', value, 0), constantOf(dtype, 0), high));
}

/** Whether as many are chosen as may be; `most` may be of any integer type. */
function isFull(chosen: LExpr, most: LExpr): LExpr {
  return compare('eq', cast('int64', chosen), cast('int64', most));
}

interface Kept {
  /** Before the boxes of a batch element. */
  readonly start: Stmt;
  /** The j-th in order of score, which stands at `from`, remains. */
  keep(b: LExpr, j: LExpr, from: LExpr): Stmt;
  end(b: LExpr): Stmt;
  readonly before: Stmt;
}

/** Positions that remain go to the front. A negative one is left out, one beyond the boxes is followed by a 0. */
function keptPositions(context: NestContext, boxes: number): Kept {
  const [result, counts] = [placeAt(context, 0), placeAt(context, 1)];
  const origins = sourceAt(context, 2);
  if (origins.count < result.count) throw new Error('too few positions');
  const [found, origin] = [local('found', 'index'), local('origin', 'int32')];
  const push = (b: LExpr, value: LExpr): Stmt =>
    block(
      when(compare('lt', found, boxes), result.put(add(mul(b, boxes), found), value)),
      assign(found, add(found, 1)),
    );
  return {
    before: fill(result, minusOne),
    start: declare(found, 0),
    keep: (b, _j, from) =>
      block(
        declare(origin, cast('int32', origins.at(add(mul(b, boxes), from)))),
        when(compare('ge', origin, 0), push(b, origin)),
        when(compare('gt', origin, boxes), push(b, zero)),
        when(compare('lt', origin, -boxes), push(b, zero)),
      ),
    end: (b) => counts.put(b, found),
  };
}

/** Boxes that remain stand where their score puts them, or at the front where their first number is not negative. */
function keptBoxes(context: NestContext, data: Source, boxes: number, length: number): Kept {
  const result = placeAt(context, 0);
  const found = local('found', 'index');
  const copy = (b: LExpr, to: LExpr, from: LExpr): Stmt =>
    loop('k', length, (k) =>
      result.put(add(mul(add(mul(b, boxes), to), length), k), data.at(add(mul(add(mul(b, boxes), from), length), k))),
    );
  const toFront = context.attrs['invalid_to_bottom'] === true;
  return {
    before: fill(result, minusOne),
    start: toFront ? declare(found, 0) : block(),
    keep: (b, j, from) =>
      toFront
        ? when(
            compare('ge', data.at(mul(add(mul(b, boxes), from), length)), 0),
            block(copy(b, found, from), assign(found, add(found, 1))),
          )
        : copy(b, j, from),
    end: () => block(),
  };
}

const nonMaxSuppression: Nest = (context) => {
  const [data, counts, , most, threshold] = [0, 1, 2, 3, 4].map((i) => sourceAt(context, i)) as [
    Source,
    Source,
    Source,
    Source,
    Source,
  ];
  requireFloat32(data);
  const { attrs } = context;
  const [batch = 0, boxes = 0, length = 0] = data.shape;
  if (length === 0 || counts.count < batch) throw new Error('boxes without numbers');
  const [score, id, start, top] = [attrs['score_index'], attrs['id_index'], attrs['coord_start'], attrs['top_k']].map(
    Number,
  ) as [number, number, number, number];
  const kept =
    attrs['return_indices'] === true ? keptPositions(context, boxes) : keptBoxes(context, data, boxes, length);
  const field = fieldsOf(data, length);
  const [count, candidates, chosen] = [local('count', 'index'), local('candidates', 'index'), local('chosen', 'index')];
  const sorter = sorterOf(context, boxes, top > 0 ? Math.min(top, boxes) : boxes);
  const rowOf = (b: LExpr, position: LExpr): LExpr => add(mul(b, boxes), position);
  const cornersOf = (row: LExpr): Corners => [0, 1, 2, 3].map((k) => field(row, start + k)) as unknown as Corners;
  const list = context.scratch('rivals', 'int32', Math.max(1, boxes));
  const body = (b: LExpr): Stmt => {
    const rivals: Rivals = {
      count: local('rivals', 'index'),
      list,
      corners: (position) => cornersOf(rowOf(b, position)),
    };
    const [from, dropped] = [local('from', 'index'), local('dropped', 'bool')];
    const row = rowOf(b, from);
    const sameClass = (rival: LExpr): LExpr => compare('eq', field(row, id), field(rowOf(b, rival), id));
    const compared = attrs['force_suppress'] === true || id < 0 ? undefined : sameClass;
    const clean = isClean(cornersOf(row));
    const valid = id < 0 ? clean : allOf(clean, compare('ge', field(row, id), 0));
    const judge = (j: LExpr): Stmt =>
      block(
        declare(dropped, no),
        when(clean, dropIfOverlapping(dropped, cornersOf(row), rivals, scalarOf(threshold), compared)),
        when(
          not(dropped),
          block(kept.keep(b, j, from), when(valid, rememberRival(rivals, from)), assign(chosen, add(chosen, 1))),
        ),
      );
    const suppress = block(
      sorter.sort({ key: (position) => field(rowOf(b, position), score), length: count, ascending: false }),
      declare(candidates, top > 0 ? least(count, top) : count),
      declare(chosen, 0),
      declare(rivals.count, 0),
      loop('j', candidates, (j) =>
        when(
          not(isFull(chosen, scalarOf(most))),
          block(
            declare(from, sorter.at(j)),
            // A box without a positive score stays, but neither counts nor drops others.
            when(compare('gt', field(row, score), 0), judge(j), kept.keep(b, j, from)),
          ),
        ),
      ),
    );
    return block(
      declare(count, countOf(counts, b, boxes)),
      kept.start,
      unlessPositive(
        scalarOf(threshold),
        loop('j', count, (j) => kept.keep(b, j, j)),
        suppress,
      ),
      kept.end(b),
    );
  };
  return block(kept.before, loop('b', batch, body));
};

interface Rows {
  readonly before: Stmt;
  put(b: LExpr, cls: LExpr, box: LExpr, score: LExpr): Stmt;
  startOf(b: LExpr): Stmt;
  endOf(b: LExpr): Stmt;
  readonly after: Stmt;
}

/** Rows of batch index, class and box, and their number. */
function onnxRows(context: NestContext): Rows {
  const [indices, total] = [placeAt(context, 0), placeAt(context, 1)];
  const found = local('found', 'index');
  return {
    before: block(fill(indices, zero), declare(found, 0)),
    startOf: () => block(),
    put: (b, cls, box) =>
      block(
        ...[b, cls, box].map((value, k) => indices.put(add(mul(found, 3), k), value)),
        assign(found, add(found, 1)),
      ),
    endOf: () => block(),
    after: total.put(0, found),
  };
}

/** For each batch element rows of class and box, scores, and the number of rows. */
function tensorflowRows(context: NestContext, rows: number): Rows {
  const [indices, scores, counts] = [0, 1, 2].map((i) => placeAt(context, i)) as [Place, Place, Place];
  const found = local('found', 'index');
  return {
    before: block(fill(indices, zero), fill(scores, zero)),
    startOf: () => declare(found, 0),
    put: (b, cls, box, score) => {
      const at = add(mul(b, rows), found);
      return block(
        indices.put(mul(at, 2), cls),
        indices.put(add(mul(at, 2), 1), box),
        scores.put(at, score),
        assign(found, add(found, 1)),
      );
    },
    endOf: (b) => counts.put(b, found),
    after: block(),
  };
}

const allClassSuppression: Nest = (context) => {
  const [boxes, scores, most, threshold, scoreThreshold] = [0, 1, 2, 3, 4].map((i) => sourceAt(context, i)) as [
    Source,
    Source,
    Source,
    Source,
    Source,
  ];
  requireFloat32(boxes, scores);
  const [batch = 0, count = 0, numbers = 0] = boxes.shape;
  const [, classes = 0, scored = 0] = scores.shape;
  if (numbers !== 4 || scored !== count || (scores.shape[0] ?? 0) < batch) throw new Error('boxes and scores differ');
  const rows = context.attrs['output_format'] === 'onnx' ? onnxRows(context) : tensorflowRows(context, classes * count);
  const sorter = sorterOf(context, count, count);
  const list = context.scratch('rivals', 'int32', Math.max(1, count));
  const corner = (b: LExpr, box: LExpr): Corners =>
    [0, 1, 2, 3].map((k) => boxes.at(add(mul(add(mul(b, count), box), 4), k))) as unknown as Corners;
  const ofClass = (b: LExpr, c: LExpr): Stmt => {
    const key = (box: LExpr): LExpr => scores.at(add(mul(add(mul(b, classes), c), count), box));
    const rivals: Rivals = { count: local('rivals', 'index'), list, corners: (box) => corner(b, box) };
    const [from, dropped, score, chosen] = [
      local('from', 'index'),
      local('dropped', 'bool'),
      local('score', 'float32'),
      local('chosen', 'index'),
    ];
    const own: Local = from;
    const clean = isClean(corner(b, own));
    // Without a positive limit none is reached.
    const full = allOf(isFull(chosen, scalarOf(most)), compare('gt', chosen, 0));
    return block(
      sorter.sort({ key, length: ix(count), ascending: false }),
      declare(chosen, 0),
      declare(rivals.count, 0),
      loop('j', count, (j) =>
        block(
          declare(from, sorter.at(j)),
          declare(score, key(from)),
          when(
            allOf(not(full), reaches(score, scalarOf(scoreThreshold), true), compare('gt', score, -1)),
            block(
              declare(dropped, no),
              when(
                allOf(compare('gt', score, 0), clean),
                dropIfOverlapping(dropped, corner(b, from), rivals, scalarOf(threshold)),
              ),
              when(
                not(dropped),
                block(
                  rows.put(b, c, from, score),
                  when(clean, rememberRival(rivals, from)),
                  assign(chosen, add(chosen, 1)),
                ),
              ),
            ),
          ),
        ),
      ),
    );
  };
  const all = loop('b', batch, (b) =>
    block(
      rows.startOf(b),
      loop('c', classes, (c) => ofClass(b, c)),
      rows.endOf(b),
    ),
  );
  const none = block(loop('b', batch, (b) => block(rows.startOf(b), rows.endOf(b))));
  return block(rows.before, unlessPositive(scalarOf(threshold), none, all), rows.after);
};

export const suppressionNests: Readonly<Record<string, Nest>> = {
  'vision.get_valid_counts': getValidCounts,
  'vision.non_max_suppression': nonMaxSuppression,
  'vision.all_class_non_max_suppression': allClassSuppression,
};
