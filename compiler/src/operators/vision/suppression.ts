/** `vision.get_valid_counts`, `vision.non_max_suppression`. */
import type { NDArray } from '../../tensor/ndarray.ts';
import { tensorType, tupleType } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import { arrayAt, copyArray, elementAt, numbersOf, setElement, zeros } from '../compute/arrays.ts';
import type { Operator } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { checkRank, ok, tensorInput } from '../nn/relate.ts';
import { copyOf, originOf } from '../relations/explain.ts';
import { sortedPositions } from '../sort/order.ts';
import { boxAt, overlap } from './boxes.ts';

const getValidCounts = defineOperator({
  name: 'vision.get_valid_counts',
  summary: 'Moves the boxes whose score exceeds a threshold to the front and counts them.',
  details:
    'The results are the counts, the boxes (-1 behind the last valid one) and the positions that they came from. A ' +
    'negative class marks a box that is not valid.',
  inputs: [
    { name: 'data', summary: 'The boxes, (batch, boxes, numbers of each).' },
    { name: 'score_threshold', summary: 'The score that a valid box exceeds, a scalar.' },
  ],
  attributes: {
    score_threshold: attr.maybeFloat('The threshold, where it is known; it wins over the argument.', { strict: true }),
    id_index: attr.int('Which number of a box is its class; none when negative.', { default: 0 }),
    score_index: attr.int('Which number of a box is its score.', { default: 1 }),
  },
  attrsType: 'relay.attrs.GetValidCountsAttrs',
  attrsTypeKey: true,
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const problem = checkRank(data, 3, 0, 'data', 'batch, boxes, numbers of each');
    if (problem) return problem;
    const [batch = 1, boxes = 1] = data.shape;
    return ok(tupleType([tensorType([batch], 'int32'), data, tensorType([batch, boxes], 'int32')]));
  },
  explain: (_context, _result, at) => copyOf(0, at.dim),
  kernel(context) {
    const data = arrayAt(context, 0);
    const { id_index: id, score_index: score } = context.attrs;
    const threshold = Math.fround(context.attrs.score_threshold ?? Number(elementAt(arrayAt(context, 1), 0)));
    const [batch = 0, boxes = 0, length = 0] = data.shape;
    const counts = zeros('int32', [batch]);
    const valid = filledWith(data, -1);
    const origins = filledWith(zeros('int32', [batch, boxes]), -1);
    for (let b = 0; b < batch; b++) {
      let found = 0;
      for (let j = 0; j < boxes; j++) {
        const row = (b * boxes + j) * length;
        const number = (k: number): number => Number(elementAt(data, row + k));
        if (!(number(score) > threshold && (id < 0 || number(id) >= 0))) continue;
        for (let k = 0; k < length; k++) setElement(valid, (b * boxes + found) * length + k, elementAt(data, row + k));
        setElement(origins, b * boxes + found, j);
        found++;
      }
      setElement(counts, b, found);
    }
    return [counts, valid, origins];
  },
  fusion: 'opaque',
});

/** An array like `data` with one value everywhere. */
function filledWith(data: NDArray, value: number): NDArray {
  const result = zeros(data.dtype, data.shape);
  for (let i = 0; i < result.data.length; i++) setElement(result, i, value);
  return result;
}

interface Suppression {
  readonly force_suppress: boolean;
  readonly top_k: number;
  readonly coord_start: number;
  readonly score_index: number;
  readonly id_index: number;
}

/** The boxes of one batch element, sorted by score; a suppressed one is undefined. */
function keptBoxes(
  rows: readonly (readonly number[])[],
  attrs: Suppression,
  most: number,
  threshold: number,
): readonly (number | undefined)[] {
  const { score_index: score, id_index: id, coord_start: start } = attrs;
  if (threshold <= 0) return rows.map((_, j) => j);
  const sorted = sortedPositions(
    rows.map((row) => row[score] ?? 0),
    false,
  );
  const candidates = attrs.top_k > 0 ? sorted.slice(0, attrs.top_k) : sorted;
  const kept: (number | undefined)[] = rows.map(() => undefined);
  const chosen: number[] = [];
  candidates.forEach((from, j) => {
    const row = rows[from] ?? [];
    if (chosen.length === most) return;
    // A box without a positive score stays, but neither counts nor suppresses.
    if (!((row[score] ?? 0) > 0)) {
      kept[j] = from;
      return;
    }
    const suppressed = chosen.some((other) => {
      const rival = rows[other] ?? [];
      if (id >= 0 && !((rival[id] ?? 0) >= 0)) return false;
      const compared = attrs.force_suppress || id < 0 || row[id] === rival[id];
      return compared && overlap(boxAt(row, start), boxAt(rival, start)) >= threshold;
    });
    if (suppressed) return;
    kept[j] = from;
    chosen.push(from);
  });
  return kept;
}

/** Numbers that are not negative move to the front; those beyond the boxes are followed by a 0. */
function compactIndices(indices: NDArray): readonly NDArray[] {
  const [batch = 0, boxes = 0] = indices.shape;
  const result = filledWith(indices, -1);
  const counts = zeros('int32', [batch, 1]);
  for (let b = 0; b < batch; b++) {
    const found: number[] = [];
    for (let j = 0; j < boxes; j++) {
      const index = Number(elementAt(indices, b * boxes + j));
      if (index >= 0) found.push(index);
      if (index > boxes || index < -boxes) found.push(0);
    }
    found.slice(0, boxes).forEach((index, j) => setElement(result, b * boxes + j, index));
    setElement(counts, b, found.length);
  }
  return [result, counts];
}

/** Boxes that are valid move to the front. */
function compactBoxes(data: NDArray): NDArray {
  const [batch = 0, boxes = 0, length = 0] = data.shape;
  const result = filledWith(data, -1);
  for (let b = 0; b < batch; b++) {
    let found = 0;
    for (let j = 0; j < boxes; j++) {
      const row = (b * boxes + j) * length;
      if (!(Number(elementAt(data, row)) >= 0)) continue;
      for (let k = 0; k < length; k++) setElement(result, (b * boxes + found) * length + k, elementAt(data, row + k));
      found++;
    }
  }
  return result;
}

const nonMaxSuppression = defineOperator({
  name: 'vision.non_max_suppression',
  summary: 'Drops boxes that overlap a box of higher score.',
  details:
    'The result is the boxes sorted by score, -1 where one was dropped; or, with `return_indices`, the positions of ' +
    'the boxes that remain and their number.',
  inputs: [
    { name: 'data', summary: 'The boxes, (batch, boxes, numbers of each).' },
    { name: 'valid_count', summary: 'How many boxes of each batch element count.' },
    { name: 'indices', summary: 'The positions that boxes came from, (batch, boxes).' },
    { name: 'max_output_size', summary: 'The most boxes that remain, a scalar; no limit when negative.' },
    { name: 'iou_threshold', summary: 'The overlap at which a box is dropped, a scalar.' },
  ],
  attributes: {
    force_suppress: attr.bool('Boxes suppress those of other classes, too.', { default: false }),
    top_k: attr.int('How many boxes take part, best first; all when not positive.', { default: -1 }),
    coord_start: attr.int('Which number of a box is its first coordinate.', { default: 2 }),
    score_index: attr.int('Which number of a box is its score.', { default: 1 }),
    id_index: attr.int('Which number of a box is its class; none when negative.', { default: 0 }),
    return_indices: attr.bool('Gives positions instead of boxes.', { default: true }),
    invalid_to_bottom: attr.bool('Moves the boxes that remain to the front.', { default: false }),
  },
  attrsType: 'relay.attrs.NonMaximumSuppressionAttrs',
  attrsTypeKey: true,
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const counts = tensorInput(context, 1, 'valid_count');
    if (counts.kind !== 'tensor') return counts;
    const problem =
      checkRank(data, 3, 0, 'data', 'batch, boxes, numbers of each') ??
      checkRank(counts, 1, 1, 'valid_count', 'one number for each batch element');
    if (problem) return problem;
    if (!context.attrs.return_indices) return ok(data);
    const [batch = 1, boxes = 1] = data.shape;
    return ok(tupleType([tensorType([batch, boxes], 'int32'), tensorType([batch, 1], 'int32')]));
  },
  explain: (_context, _result, at) => (at.field === 1 && at.dim === 1 ? originOf('1') : copyOf(0, at.dim)),
  kernel(context) {
    const { attrs } = context;
    const data = arrayAt(context, 0);
    const counts = numbersOf(arrayAt(context, 1));
    const origins = numbersOf(arrayAt(context, 2));
    const most = Number(elementAt(arrayAt(context, 3), 0));
    const threshold = Number(elementAt(arrayAt(context, 4), 0));
    const [batch = 0, boxes = 0, length = 0] = data.shape;
    const values = numbersOf(data);
    const output = filledWith(data, -1);
    const indices = filledWith(zeros('int32', [batch, boxes]), -1);
    for (let b = 0; b < batch; b++) {
      const count = Math.min(Math.max(counts[b] ?? 0, 0), boxes);
      const rows = Array.from({ length: count }, (_, j) =>
        values.slice((b * boxes + j) * length, (b * boxes + j + 1) * length),
      );
      keptBoxes(rows, attrs, most, threshold).forEach((from, j) => {
        if (from === undefined) return;
        rows[from]?.forEach((value, k) => setElement(output, (b * boxes + j) * length + k, value));
        setElement(indices, b * boxes + j, attrs.return_indices ? (origins[b * boxes + from] ?? from) : from);
      });
    }
    if (attrs.return_indices) return compactIndices(indices);
    return [attrs.invalid_to_bottom ? compactBoxes(output) : copyArray(output)];
  },
  fusion: 'opaque',
});

export const suppressionOperators: readonly Operator[] = [getValidCounts, nonMaxSuppression];
