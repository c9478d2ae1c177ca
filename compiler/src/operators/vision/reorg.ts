/** `vision.yolo_reorg`. */
import { compute, load } from '../../tensor/te.ts';
import type { TEExpr } from '../../tensor/te.ts';
import { add, floordiv, floormod, int, mul } from '../../tensor/te.ts';
import { printDim } from '../../types/print.ts';
import { tensorType } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import { flatten, outputOf, tensorAt, unflatten } from '../compute/tensors.ts';
import { defineOperator } from '../operator.ts';
import { badAttribute, checkRank, ok, tensorInput } from '../nn/relate.ts';
import { floorDivDims, mulDims } from '../relations/dims.ts';
import { attributeSource, copyOf, inputDim, originOf } from '../relations/explain.ts';

const yoloReorg = defineOperator({
  name: 'vision.yolo_reorg',
  summary: 'Moves blocks of height and width into channels, in the order of the YOLO networks.',
  details:
    'The data count as one row-major sequence for each batch element, which is read with the given stride. It must ' +
    'have a multiple of stride² channels, and heights and widths that are multiples of the stride.',
  inputs: [{ name: 'data', summary: 'The images, NCHW.' }],
  attributes: { stride: attr.int('Edge of a block.', { default: 1 }) },
  attrsType: 'relay.attrs.YoloReorgAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const { stride } = context.attrs;
    const problem = checkRank(data, 4, 0, 'data', 'batch, channels, height, width');
    if (problem) return problem;
    if (stride === 0) return badAttribute('stride', '`stride` is 0, but it must be at least 1.');
    const [n = 1, c = 1, h = 1, w = 1] = data.shape;
    const channels = mulDims(mulDims(c, stride), stride);
    return ok(tensorType([n, channels, floorDivDims(h, stride), floorDivDims(w, stride)], data.dtype));
  },
  explain(context, _result, at) {
    const [data] = context.inputs;
    if (at.dim === 0 || data?.kind !== 'tensor') return copyOf(0, at.dim);
    const { stride } = context.attrs;
    const size = printDim(data.shape[at.dim] ?? 1);
    const formula = at.dim === 1 ? `${size}·${stride}·${stride}` : `floor(${size}/${stride})`;
    return originOf(formula, inputDim(0, at.dim), attributeSource('stride'));
  },
  compute(context) {
    const data = tensorAt(context, 0);
    const { stride } = context.attrs;
    const output = outputOf(context);
    const [, channels = 1, height = 1, width = 1] = data.shape;
    const image = [channels, height, width];
    const groups = Math.max(1, Math.floor(channels / (stride * stride)));
    const size = channels * height * width;
    return [
      compute('yolo_reorg', output.shape, (n, ...i) => {
        const [k, j, x] = unflatten(flatten(i, output.shape.slice(1)), image) as [TEExpr, TEExpr, TEExpr];
        const block = floordiv(k, int(groups));
        const row = add(mul(j, int(stride)), floordiv(block, int(stride)));
        const column = add(mul(x, int(stride)), floormod(block, int(stride)));
        const plane = mul(floormod(k, int(groups)), int(height * stride));
        const source = add(mul(add(plane, row), int(width * stride)), column);
        return load(data, n ?? int(0), ...unflatten(floormod(source, int(size)), image));
      }),
    ];
  },
  fusion: 'injective',
});

export const reorgOperators = [yoloReorg];
