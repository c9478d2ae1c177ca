/** `vision.all_class_non_max_suppression`. */
import { printDim } from '../../types/print.ts';
import { anyDim, tensorType, tupleType } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import { arrayAt, elementAt, numbersOf, setElement, zeros } from '../compute/arrays.ts';
import type { NDArray } from '../../tensor/ndarray.ts';
import { defineOperator } from '../operator.ts';
import { checkRank, ok, tensorInput } from '../nn/relate.ts';
import { isAnyDim, mulDims } from '../relations/dims.ts';
import { copyOf, inputDim, originOf } from '../relations/explain.ts';
import { sortedPositions } from '../sort/order.ts';
import { boxAt, overlap } from './boxes.ts';

interface Selected {
  readonly box: number;
  readonly score: number;
}

/** The boxes of one class that remain, best first. */
function selectBoxes(
  boxes: readonly number[],
  scores: readonly number[],
  most: number,
  overlapThreshold: number,
  scoreThreshold: number,
): readonly Selected[] {
  if (overlapThreshold <= 0) return [];
  const candidates = sortedPositions(scores, false)
    .map((box) => ({ box, score: scores[box] ?? 0 }))
    .filter(({ score }) => score > scoreThreshold);
  const limit = most > 0 ? most : candidates.length;
  const selected: Selected[] = [];
  const dropped = new Set<Selected>();
  for (const [j, candidate] of candidates.entries()) {
    if (selected.length >= limit) break;
    if (dropped.has(candidate) || !(candidate.score > -1)) continue;
    selected.push(candidate);
    for (const rival of candidates.slice(j + 1))
      if (rival.score > 0 && overlap(boxAt(boxes, 4 * candidate.box), boxAt(boxes, 4 * rival.box)) >= overlapThreshold)
        dropped.add(rival);
  }
  return selected;
}

const allClassSuppression = defineOperator({
  name: 'vision.all_class_non_max_suppression',
  summary: 'Drops, in each class by itself, boxes that overlap a box of higher score.',
  details:
    'As `onnx` the results are rows of batch index, class and box, and their number. As `tensorflow` they are, for each ' +
    'batch element, rows of class and box, the scores, and the number of rows. What stands behind the last row is not ' +
    'specified; here it is 0.',
  inputs: [
    { name: 'boxes', summary: 'The boxes, (batch, boxes, 4).' },
    { name: 'scores', summary: 'The scores, (batch, classes, boxes).' },
    {
      name: 'max_output_boxes_per_class',
      summary: 'The most boxes that remain of a class; no limit when not positive.',
    },
    { name: 'iou_threshold', summary: 'The overlap at which a box is dropped, a scalar.' },
    { name: 'score_threshold', summary: 'The score that a box must exceed, a scalar.' },
  ],
  attributes: {
    output_format: attr.string('The form of the results.', { default: 'onnx', values: ['onnx', 'tensorflow'] }),
  },
  attrsType: 'relay.attrs.AllClassNonMaximumSuppressionAttrs',
  attrsTypeKey: true,
  relate(context) {
    const boxes = tensorInput(context, 0, 'boxes');
    if (boxes.kind !== 'tensor') return boxes;
    const scores = tensorInput(context, 1, 'scores');
    if (scores.kind !== 'tensor') return scores;
    const problem =
      checkRank(boxes, 3, 0, 'boxes', 'batch, boxes, corners') ??
      checkRank(scores, 3, 1, 'scores', 'batch, classes, boxes');
    if (problem) return problem;
    const [batch = 1, count = 1] = boxes.shape;
    const [, classes = 1] = scores.shape;
    if (context.attrs.output_format === 'onnx') {
      const total = isAnyDim(batch) || isAnyDim(count) ? anyDim : mulDims(mulDims(batch, classes), count);
      return ok(tupleType([tensorType([total, 3], 'int64'), tensorType([1], 'int64')]));
    }
    const total = isAnyDim(count) ? anyDim : mulDims(classes, count);
    return ok(
      tupleType([
        tensorType([batch, total, 2], 'int64'),
        tensorType([batch, total], 'float32'),
        tensorType([batch], 'int64'),
      ]),
    );
  },
  explain(context, _result, at) {
    const [boxes, scores] = context.inputs;
    if (boxes?.kind !== 'tensor' || scores?.kind !== 'tensor') return undefined;
    const onnx = context.attrs.output_format === 'onnx';
    if (!onnx && at.dim === 0) return copyOf(0, 0);
    if (at.dim !== (onnx ? 0 : 1) || (onnx && at.field === 1)) return originOf('');
    const [batch = 1, count = 1] = boxes.shape;
    const factors = [...(onnx ? [batch] : []), scores.shape[1] ?? 1, count].map(printDim);
    return originOf(factors.join('·'), ...(onnx ? [inputDim(0, 0)] : []), inputDim(1, 1), inputDim(0, 1));
  },
  kernel(context) {
    const boxes = arrayAt(context, 0);
    const scores = arrayAt(context, 1);
    const [most = 0, overlapThreshold = 0, scoreThreshold = 0] = [2, 3, 4].map((i) =>
      Number(elementAt(arrayAt(context, i), 0)),
    );
    const [batch = 0, count = 0] = boxes.shape;
    const classes = scores.shape[1] ?? 0;
    const [corners, all] = [numbersOf(boxes), numbersOf(scores)];
    const rows: { readonly batch: number; readonly cls: number; readonly box: number; readonly score: number }[] = [];
    for (let b = 0; b < batch; b++)
      for (let c = 0; c < classes; c++) {
        const own = all.slice((b * classes + c) * count, (b * classes + c + 1) * count);
        const area = corners.slice(4 * b * count, 4 * (b + 1) * count);
        for (const { box, score } of selectBoxes(area, own, most, overlapThreshold, scoreThreshold))
          rows.push({ batch: b, cls: c, box, score });
      }
    if (context.attrs.output_format === 'onnx') {
      const indices = zeros('int64', [batch * classes * count, 3]);
      rows.forEach((row, i) => [row.batch, row.cls, row.box].forEach((n, k) => setElement(indices, 3 * i + k, n)));
      return [indices, total([rows.length])];
    }
    const indices = zeros('int64', [batch, classes * count, 2]);
    const kept = zeros('float32', [batch, classes * count]);
    const counts = Array<number>(batch).fill(0);
    for (const row of rows) {
      const at = row.batch * classes * count + (counts[row.batch] ?? 0);
      setElement(indices, 2 * at, row.cls);
      setElement(indices, 2 * at + 1, row.box);
      setElement(kept, at, row.score);
      counts[row.batch] = (counts[row.batch] ?? 0) + 1;
    }
    return [indices, kept, total(counts)];
  },
  fusion: 'opaque',
});

function total(counts: readonly number[]): NDArray {
  const result = zeros('int64', [counts.length]);
  counts.forEach((n, i) => setElement(result, i, n));
  return result;
}

export const classSuppressionOperators = [allClassSuppression];
