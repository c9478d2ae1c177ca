/** `vision.multibox_prior` and `vision.multibox_transform_loc`: anchors of single-shot detection. */
import {
  add,
  cast,
  compute,
  constant,
  int,
  load,
  maximum,
  minimum,
  mul,
  sub,
  table,
  select,
  compare,
} from '../../tensor/te.ts';
import type { TEExpr } from '../../tensor/te.ts';
import { printDim } from '../../types/print.ts';
import type { Dim } from '../../types/type.ts';
import { tensorType, tupleType } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import { arrayAt, elementAt, numbersOf, setElement, zeros } from '../compute/arrays.ts';
import { outputOf, tensorAt, unflatten } from '../compute/tensors.ts';
import type { Operator } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { checkRank, checkShape, fail, ok, onInput, tensorInput } from '../nn/relate.ts';
import { dimValue, mayEqual, mulDims } from '../relations/dims.ts';
import { attributeSource, copyOf, inputDim, originOf } from '../relations/explain.ts';

const { fround } = Math;
const real = (value: number): TEExpr => constant(fround(value), 'float32');

const multiboxPrior = defineOperator({
  name: 'vision.multibox_prior',
  summary: 'Generates the anchor boxes of a feature map.',
  details:
    'Each place gets a box for every size (with ratio 1) and one for every further ratio (with the first size), as ' +
    'left, top, right, bottom in fractions of the map.',
  inputs: [{ name: 'data', summary: 'The feature map, NCHW; only its height and width matter.' }],
  attributes: {
    sizes: attr.floats('Sizes of the boxes, in fractions of the height.', { default: [1] }),
    ratios: attr.floats('Ratios of width to height; the first is taken as 1.', { default: [1] }),
    steps: attr.floats('Distance of places along y and x; the map is divided evenly when not positive.', {
      default: [-1, -1],
    }),
    offsets: attr.floats('Position of the center within a place, y and x.', { default: [0.5, 0.5] }),
    clip: attr.bool('Keeps boxes within the map.', { default: false }),
  },
  attrsType: 'relay.attrs.MultiBoxPriorAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const problem = checkRank(data, 4, 0, 'data', 'batch, channels, height, width');
    if (problem) return problem;
    const { sizes, ratios } = context.attrs;
    const places = mulDims(data.shape[2] ?? 1, data.shape[3] ?? 1);
    return ok(tensorType([1, mulDims(places, sizes.length + ratios.length - 1), 4], data.dtype));
  },
  explain(context, _result, at) {
    const [data] = context.inputs;
    if (data?.kind !== 'tensor' || at.dim !== 1) return originOf(at.dim === 0 ? '1' : 'left, top, right, bottom');
    const { sizes, ratios } = context.attrs;
    const [height, width] = [data.shape[2] ?? 1, data.shape[3] ?? 1].map(printDim);
    return originOf(
      `${height}·${width}·(${sizes.length} + ${ratios.length} − 1)`,
      inputDim(0, 2),
      inputDim(0, 3),
      attributeSource('sizes'),
      attributeSource('ratios'),
    );
  },
  compute(context) {
    const data = tensorAt(context, 0);
    const { attrs } = context;
    const output = outputOf(context);
    const [height = 1, width = 1] = data.shape.slice(2);
    const first = attrs.sizes[0] ?? 1;
    const boxes = [
      ...attrs.sizes.map((size) => [(size * height) / width / 2, size / 2]),
      ...attrs.ratios
        .slice(1)
        .map((ratio) => [((first * height) / width) * (Math.sqrt(ratio) / 2), first / Math.sqrt(ratio) / 2]),
    ];
    const halves = table('half_extents', {
      dtype: 'float32',
      shape: [Math.max(boxes.length, 1), 2],
      data: Float32Array.from(boxes.length > 0 ? boxes.flat() : [0, 0]),
    });
    /** Center along dimension `d` (y, x) of place `index`. */
    const center = (index: TEExpr, d: number, size: number): TEExpr => {
      const step = attrs.steps[d] ?? -1;
      return mul(add(cast('float32', index), real(attrs.offsets[d] ?? 0.5)), real(step > 0 ? step : 1 / size));
    };
    return [
      compute('multibox_prior', output.shape, (_one, at, edge) => {
        if (!at || !edge) throw new Error('multibox_prior: the rank was not checked');
        const [y = int(0), x = int(0), k = int(0)] = unflatten(at, [height, width, Math.max(boxes.length, 1)]);
        const side = (d: number): TEExpr => {
          const middle = d === 0 ? center(x, 1, width) : center(y, 0, height);
          const half = load(halves, k, int(d));
          return select(compare('lt', edge, int(2)), sub(middle, half), add(middle, half));
        };
        const vertical = compare(
          'eq',
          { kind: 'binary', op: 'floormod', dtype: 'int32', left: edge, right: int(2) },
          int(1),
        );
        const value = select(vertical, side(1), side(0));
        return cast(output.dtype, attrs.clip ? maximum(minimum(value, real(1)), real(0)) : value);
      }),
    ];
  },
  fusion: 'opaque',
});

const transformLoc = defineOperator({
  name: 'vision.multibox_transform_loc',
  summary: 'Turns class probabilities and regressed offsets of anchors into detections.',
  details:
    'A detection is class, score, left, top, right, bottom. Anchors of the background (class 0) and those below the ' +
    'threshold are dropped; the detections of each batch element stand first, and their number is the second result.',
  inputs: [
    { name: 'cls_prob', summary: 'Probabilities, (batch, classes, anchors).' },
    { name: 'loc_pred', summary: 'Offsets, (batch, 4·anchors).' },
    { name: 'anchor', summary: 'Anchor boxes, (1, anchors, 4).' },
  ],
  attributes: {
    clip: attr.bool('Keeps boxes within the image.', { default: true }),
    threshold: attr.float('Least score of a detection.', { default: 0.01 }),
    variances: attr.floats('Factors of the offsets x, y, width, height.', {
      default: [0.1, 0.1, 0.2, 0.2].map(fround),
    }),
  },
  attrsType: 'relay.attrs.MultiBoxTransformLocAttrs',
  relate(context) {
    const scores = tensorInput(context, 0, 'cls_prob');
    if (scores.kind !== 'tensor') return scores;
    const offsets = tensorInput(context, 1, 'loc_pred');
    if (offsets.kind !== 'tensor') return offsets;
    const anchors = tensorInput(context, 2, 'anchor');
    if (anchors.kind !== 'tensor') return anchors;
    const rank =
      checkRank(scores, 3, 0, 'cls_prob', 'batch, classes, anchors') ??
      checkRank(offsets, 2, 1, 'loc_pred', 'batch, offsets') ??
      checkRank(anchors, 3, 2, 'anchor', 'one, anchors, corners');
    if (rank) return rank;
    const count: Dim = scores.shape[2] ?? 1;
    const related = [{ blame: onInput(0, 2), message: `the probabilities are of ${printDim(count)} anchors` }];
    const wanted = anchors.shape[1] ?? 1;
    if (!mayEqual(count, wanted))
      return fail(
        'shape-mismatch',
        `\`anchor\` must have ${printDim(count)} boxes, one for each anchor of \`cls_prob\`, but it has ${printDim(wanted)}.`,
        onInput(2, 1),
        { related },
      );
    const problem =
      checkShape(
        offsets,
        [offsets.shape[0] ?? 1, mulDims(count, 4)],
        1,
        'loc_pred',
        'with four offsets an anchor',
        related,
      ) ?? checkShape(anchors, [anchors.shape[0] ?? 1, wanted, 4], 2, 'anchor', 'for the corners of a box');
    if (problem) return problem;
    if (dimValue(wanted) === 0n)
      return fail('shape-mismatch', '`anchor` must have at least 1 box, but it has none.', onInput(2, 1));
    const batch = scores.shape[0] ?? 1;
    return ok(tupleType([tensorType([batch, wanted, 6], scores.dtype), tensorType([batch], 'int32')]));
  },
  explain: (_context, _result, at) =>
    at.dim === 0 ? copyOf(0, 0) : at.dim === 1 ? copyOf(2, 1) : originOf('class, score, left, top, right, bottom'),
  kernel(context) {
    const { clip, threshold, variances } = context.attrs;
    const scores = arrayAt(context, 0);
    const offsets = arrayAt(context, 1);
    const anchors = arrayAt(context, 2);
    const [batch = 0, classes = 0, count = 0] = scores.shape;
    const detections = zeros(scores.dtype, [batch, count, 6]);
    const counts = zeros('int32', [batch]);
    const corners = numbersOf(anchors);
    const kept = (x: number): number => (clip ? Math.max(0, Math.min(1, x)) : x);
    for (let b = 0; b < batch; b++) {
      let found = 0;
      for (let j = 0; j < count; j++) {
        let [score, cls] = [-1, 0];
        for (let k = 1; k < classes; k++) {
          const value = Number(elementAt(scores, (b * classes + k) * count + j));
          if (value > score) [score, cls] = [value, k];
        }
        if (cls === 0 || score < fround(threshold)) continue;
        const [left = 0, top = 0, right = 0, bottom = 0] = corners.slice(4 * j, 4 * j + 4);
        const [px = 0, py = 0, pw = 0, ph = 0] = [0, 1, 2, 3].map((k) => {
          const offset = Number(elementAt(offsets, (b * count + j) * 4 + k));
          return fround(offset * fround(variances[k] ?? 1));
        });
        const [width, height] = [fround(right - left), fround(bottom - top)];
        const x = fround(fround(px * width) + fround(fround(left + right) / 2));
        const y = fround(fround(py * height) + fround(fround(top + bottom) / 2));
        const [w, h] = [fround((Math.exp(pw) * width) / 2), fround((Math.exp(ph) * height) / 2)];
        const row = [cls - 1, score, kept(x - w), kept(y - h), kept(x + w), kept(y + h)];
        row.forEach((value, k) => setElement(detections, (b * count + found) * 6 + k, value));
        found++;
      }
      setElement(counts, b, found);
    }
    return [detections, counts];
  },
  fusion: 'opaque',
});

export const multiboxOperators: readonly Operator[] = [multiboxPrior, transformLoc];
