/** `vision.proposal`: regions of interest of a region proposal network. */
import { printDim } from '../../types/print.ts';
import { tensorType } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import { arrayAt, numbersOf, setElement, zeros } from '../compute/arrays.ts';
import { defineOperator } from '../operator.ts';
import { checkRank, checkShape, ok, tensorInput } from '../nn/relate.ts';
import { mulDims } from '../relations/dims.ts';
import { attributeSource, inputDim, originOf } from '../relations/explain.ts';
import { sortedPositions } from '../sort/order.ts';
import type { Box } from './boxes.ts';
import { pixelOverlap } from './boxes.ts';

const { fround, floor, max, min } = Math;

/** The anchor of a ratio and a scale, around the first place of the map. */
function anchorOf(ratio: number, scale: number, stride: number): Box {
  const center = 0.5 * (stride - 1);
  const edge = floor(Math.sqrt(floor((stride * stride) / ratio)) + 0.5);
  const width = 0.5 * (edge * scale - 1);
  const height = 0.5 * (floor(edge * ratio + 0.5) * scale - 1);
  return [center - width, center - height, center + width, center + height];
}

/** Moves and scales a box by regressed offsets of center and size. */
function regressed(box: Box, [dx, dy, dw, dh]: Box): Box {
  const [width, height] = [fround(box[2] - box[0] + 1), fround(box[3] - box[1] + 1)];
  const x = fround(fround(dx * width) + fround(box[0] + 0.5 * (width - 1)));
  const y = fround(fround(dy * height) + fround(box[1] + 0.5 * (height - 1)));
  const [halfWidth, halfHeight] = [
    fround(0.5 * fround(fround(fround(Math.exp(dw)) * width) - 1)),
    fround(0.5 * fround(fround(fround(Math.exp(dh)) * height) - 1)),
  ];
  return [fround(x - halfWidth), fround(y - halfHeight), fround(x + halfWidth), fround(y + halfHeight)];
}

/** The boxes that no better one overlaps by more than `threshold`; best first. */
function suppress(boxes: readonly Box[], threshold: number): readonly Box[] {
  const removed = new Set<number>();
  boxes.forEach((box, i) => {
    if (removed.has(i)) return;
    for (let j = i + 1; j < boxes.length; j++) if (pixelOverlap(box, boxes[j] ?? box) > threshold) removed.add(j);
  });
  return boxes.filter((_, i) => !removed.has(i));
}

const proposal = defineOperator({
  name: 'vision.proposal',
  summary: 'Turns the scores and regressed offsets of a region proposal network into regions of interest.',
  details:
    'A region is batch index, left, top, right, bottom in pixels of the image. When fewer remain than are wanted they ' +
    'are repeated.',
  inputs: [
    { name: 'cls_prob', summary: 'Scores of background and object, (batch, 2·anchors, height, width).' },
    { name: 'bbox_pred', summary: 'Offsets, (batch, 4·anchors, height, width).' },
    { name: 'im_info', summary: 'A row for each image: height, width, scale.' },
  ],
  attributes: {
    scales: attr.floats('Scales of the anchors.', { default: [4, 8, 16, 32] }),
    ratios: attr.floats('Ratios of height to width of the anchors.', { default: [0.5, 1, 2] }),
    feature_stride: attr.int('Pixels of the image for each place of the map.', { default: 16 }),
    threshold: attr.float('The overlap beyond which a region is dropped.', { default: 0.7 }),
    rpn_pre_nms_top_n: attr.int('How many regions take part, best first; all when not positive.', { default: 6000 }),
    rpn_post_nms_top_n: attr.int('How many regions each image gives.', { default: 300 }),
    rpn_min_size: attr.int('Least edge of a region, before the image was scaled.', { default: 16 }),
    iou_loss: attr.bool('Offsets are of corners, not of center and size.', { default: false }),
  },
  attrsType: 'relay.attrs.ProposalAttrs',
  attrsTypeKey: true,
  relate(context) {
    const scores = tensorInput(context, 0, 'cls_prob');
    if (scores.kind !== 'tensor') return scores;
    const offsets = tensorInput(context, 1, 'bbox_pred');
    if (offsets.kind !== 'tensor') return offsets;
    const images = tensorInput(context, 2, 'im_info');
    if (images.kind !== 'tensor') return images;
    const problem =
      checkRank(scores, 4, 0, 'cls_prob', 'batch, 2·anchors, height, width') ??
      checkRank(offsets, 4, 1, 'bbox_pred', 'batch, 4·anchors, height, width') ??
      checkRank(images, 2, 2, 'im_info', 'batch, three numbers') ??
      checkShape(images, [images.shape[0] ?? 1, 3], 2, 'im_info', 'for height, width and scale');
    if (problem) return problem;
    return ok(tensorType([mulDims(scores.shape[0] ?? 1, context.attrs.rpn_post_nms_top_n), 5], scores.dtype));
  },
  explain(context, _result, at) {
    const [scores] = context.inputs;
    if (at.dim !== 0 || scores?.kind !== 'tensor') return originOf('batch index, left, top, right, bottom');
    return originOf(
      `${printDim(scores.shape[0] ?? 1)}·${context.attrs.rpn_post_nms_top_n}`,
      inputDim(0, 0),
      attributeSource('rpn_post_nms_top_n'),
    );
  },
  kernel(context) {
    const { attrs } = context;
    const probabilities = arrayAt(context, 0);
    const [batch = 0, channels = 0, height = 0, width = 0] = probabilities.shape;
    const anchors = Math.floor(channels / 2);
    const scores = numbersOf(probabilities);
    const offsets = numbersOf(arrayAt(context, 1));
    const images = numbersOf(arrayAt(context, 2));
    const stride = attrs.feature_stride;
    const wanted = attrs.rpn_post_nms_top_n;
    const result = zeros(probabilities.dtype, [batch * wanted, 5]);
    const shapes = Array.from({ length: anchors }, (_, k) =>
      anchorOf(attrs.ratios[floor(k / attrs.scales.length)] ?? 1, attrs.scales[k % attrs.scales.length] ?? 1, stride),
    );
    for (let b = 0; b < batch; b++) {
      const [imageHeight = 0, imageWidth = 0, scale = 0] = images.slice(3 * b, 3 * b + 3);
      const least = fround(scale * attrs.rpn_min_size);
      const boxes: Box[] = [];
      const values: number[] = [];
      for (let h = 0; h < height; h++)
        for (let w = 0; w < width; w++)
          shapes.forEach((anchor, k) => {
            const delta = [0, 1, 2, 3].map(
              (i) => offsets[(((b * anchors + k) * 4 + i) * height + h) * width + w] ?? 0,
            ) as unknown as Box;
            const box: Box = [
              fround(anchor[0] + w * stride),
              fround(anchor[1] + h * stride),
              fround(anchor[2] + w * stride),
              fround(anchor[3] + h * stride),
            ];
            const moved = attrs.iou_loss
              ? (box.map((x, i) => fround(x + (delta[i] ?? 0))) as unknown as Box)
              : regressed(box, delta);
            const inside = (x: number, size: number): number => max(min(x, fround(size - 1)), 0);
            let found: Box = [
              inside(moved[0], imageWidth),
              inside(moved[1], imageHeight),
              inside(moved[2], imageWidth),
              inside(moved[3], imageHeight),
            ];
            let score = scores[((b * channels + anchors + k) * height + h) * width + w] ?? 0;
            const beyond =
              h >= Math.trunc(fround(imageHeight / stride)) || w >= Math.trunc(fround(imageWidth / stride));
            if (beyond) score = -1;
            if (fround(found[2] - found[0] + 1) < least || fround(found[3] - found[1] + 1) < least) {
              const half = fround(least / 2);
              found = [
                fround(found[0] - half),
                fround(found[1] - half),
                fround(found[2] + half),
                fround(found[3] + half),
              ];
              score = -1;
            }
            boxes.push(found);
            values.push(score);
          });
      const order = sortedPositions(values, false);
      const first = attrs.rpn_pre_nms_top_n > 0 ? order.slice(0, attrs.rpn_pre_nms_top_n) : order;
      const kept = suppress(
        first.map((i) => boxes[i] ?? [0, 0, 0, 0]),
        fround(attrs.threshold),
      );
      for (let i = 0; i < wanted && kept.length > 0; i++) {
        const row = [b, ...(kept[i % kept.length] ?? [])];
        row.forEach((value, k) => setElement(result, (b * wanted + i) * 5 + k, value));
      }
    }
    return [result];
  },
  fusion: 'opaque',
});

export const proposalOperators = [proposal];
