/** Convolutions in forms that a schedule has prepared: blocked channels, Winograd and matrix-product weights. */
import { cast, compute, floordiv, floormod, int, load, add, mul, select, compare, all } from '../../tensor/te.ts';
import type { Dim, TensorType } from '../../types/type.ts';
import { constantDim, tensorType } from '../../types/type.ts';
import { printDim } from '../../types/print.ts';
import { attr } from '../attributes.ts';
import { number, outputOf, tensorAt } from '../compute/tensors.ts';
import type { ComputeContext, DimOrigin, Operator, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { addDims, ceilDivDims, isAnyDim, mulDims } from '../relations/dims.ts';
import { attributeSource, copyOf, fromAttribute, inputDim, originOf } from '../relations/explain.ts';
import { convertShape } from './layout.ts';
import { computeFloatConv, convAttributes, convInputs } from './conv.ts';
import type { ConvAttributes, ConvFamily } from './conv-layouts.ts';
import { conv2dFamily, conv3dFamily, convExplainer, convWindow, relateConv, windowOf } from './convolution.ts';
import { convLayouts, shapeInLayout } from './conv-layouts.ts';
import { badAttribute, checkRank, fail, ok, onInput, tensorInput } from './relate.ts';
import { poolOutput } from './shapes.ts';

const noMeaning = 'an intermediate form of a schedule for other hardware';
const tolerance = { relative: 1e-4, absolute: 1e-5 };

/** The result of a convolution whose weight has been transformed: window and channels must be written. */
function relatePrepared(
  context: Pick<RelateContext<ConvAttributes>, 'inputs' | 'attrs'>,
  family: ConvFamily,
): RelateResult {
  const { attrs } = context;
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const layouts = convLayouts(attrs, { spatial: family.spatial });
  if ('kind' in layouts) return layouts;
  for (const name of ['kernel_size', 'channels'] as const)
    if (attrs[name] === null)
      return badAttribute(name, `\`${name}\` is missing; it cannot be read from a transformed weight.`, {
        remedy: name === 'channels' ? 'Write the number of output channels.' : 'Write the size of the window.',
      });
  const padding = convWindow(attrs, family);
  if ('kind' in padding) return padding;
  const shape = shapeInLayout(data, 0, 'data', layouts.data, 'data_layout', layouts.dataOrder);
  if ('kind' in shape) return shape;
  const spatial = [...family.spatial].map((_, i): Dim => {
    const size = shape[i + 2] ?? 1;
    return isAnyDim(size) ? size : poolOutput(size, windowOf(attrs, padding, attrs.kernel_size?.[i] ?? 1, i));
  });
  const result = [shape[0] ?? 1, attrs.channels ?? 1, ...spatial];
  return ok(tensorType(convertShape(layouts.dataOrder, result, layouts.out), attrs.out_dtype ?? data.dtype));
}

/** A convolution whose weight is stored as its layout says, by a relation of its own. */
function blocked(name: string, summary: string, relate: typeof relatePrepared): Operator {
  return defineOperator({
    name,
    summary,
    inputs: convInputs,
    attributes: convAttributes(2, 'NCHW', 'OIHW'),
    attrsType: 'relay.attrs.Conv2DAttrs',
    relate: (context) => relate(context, conv2dFamily),
    explain: convExplainer(conv2dFamily),
    compute: (context: ComputeContext<ConvAttributes>) => computeFloatConv(context, conv2dFamily),
    fusion: 'out-elementwise-fusable',
    tolerance,
  });
}

const convNCHWc = blocked(
  'nn.contrib_conv2d_NCHWc',
  'A convolution whose data and weight have channels cut into blocks.',
  relatePrepared,
);

const depthwiseNCHWc = blocked(
  'nn.contrib_depthwise_conv2d_NCHWc',
  'A depthwise convolution whose data and weight have channels cut into blocks.',
  relateConv,
);

const convGemm = defineOperator({
  name: 'nn.contrib_conv2d_gemm_without_weight_transform',
  summary: 'A convolution computed as a product of matrices, with a weight transformed before.',
  inputs: convInputs,
  attributes: convAttributes(2, 'NCHW', 'OIHW'),
  attrsType: 'relay.attrs.Conv2DAttrs',
  relate: (context) => relatePrepared(context, conv2dFamily),
  explain: convExplainer(conv2dFamily),
  noMeaning,
  fusion: 'out-elementwise-fusable',
});

const tileSize = attr.int('Edge of a tile of the result.');

function winograd(n: 2 | 3) {
  const family = n === 2 ? conv2dFamily : conv3dFamily;
  return defineOperator({
    name: `nn.contrib_conv${n}d_winograd_without_weight_transform`,
    summary: 'A convolution by the Winograd algorithm, with a weight transformed before.',
    inputs: convInputs,
    attributes: { tile_size: tileSize, ...convAttributes(n, `NC${family.spatial}`, `OI${family.spatial}`) },
    attrsType: `relay.attrs.Conv${n}DWinogradAttrs`,
    relate: (context) => relatePrepared(context, family),
    explain: convExplainer(family),
    noMeaning,
    fusion: 'out-elementwise-fusable',
  });
}

const weightInputs = [{ name: 'weight', summary: 'The filters, in the plain layout.' }];

/** The weight, whose dimensions `layout` names; or what the relation should return instead. */
function weightInput(context: Pick<RelateContext<unknown>, 'inputs'>, layout: string, name = 'weight') {
  const weight = tensorInput(context, 0, name);
  if (weight.kind !== 'tensor') return weight;
  return checkRank(weight, layout.length, 0, name, layout) ?? weight;
}

/** The edge of a tile of the result, widened by the window along dimension `dim` of the weight. */
function tileOrigin(weight: TensorType, dim: number, tile: number): DimOrigin {
  return originOf(`${printDim(weight.shape[dim] ?? 1)} + ${tile} − 1`, inputDim(0, dim), attributeSource('tile_size'));
}

const winogradWeight2d = defineOperator({
  name: 'nn.contrib_conv2d_winograd_weight_transform',
  summary: 'Transforms a weight (OIHW) for the Winograd algorithm.',
  inputs: weightInputs,
  attributes: { tile_size: tileSize },
  attrsType: 'relay.attrs.ConvWinogradWeightTransformAttrs',
  relate(context) {
    const weight = weightInput(context, 'OIHW', 'weight');
    if (weight.kind !== 'tensor') return weight;
    const [o = 1, i = 1, h = 1, w = 1] = weight.shape;
    const tile = (dim: Dim): Dim => addDims(dim, context.attrs.tile_size - 1);
    return ok(tensorType([tile(h), tile(w), o, i], weight.dtype));
  },
  explain(context, _result, at) {
    if (at.dim >= 2) return copyOf(0, at.dim - 2);
    const [weight] = context.inputs;
    if (weight?.kind !== 'tensor') return undefined;
    return tileOrigin(weight, at.dim + 2, context.attrs.tile_size);
  },
  noMeaning,
  fusion: 'out-elementwise-fusable',
});

const winogradWeight3d = defineOperator({
  name: 'nn.contrib_conv3d_winograd_weight_transform',
  summary: 'Transforms a weight (OIDHW) for the Winograd algorithm.',
  inputs: weightInputs,
  attributes: { tile_size: tileSize },
  attrsType: 'relay.attrs.ConvWinogradWeightTransformAttrs',
  relate(context) {
    const weight = weightInput(context, 'OIDHW', 'weight');
    if (weight.kind !== 'tensor') return weight;
    const [o = 1, i = 1, d = 1, h = 1, w = 1] = weight.shape;
    const depth = constantDim(d);
    if (depth === undefined)
      return fail('cannot-infer', "The weight's depth must be known, because it decides the transform.", onInput(0, 2));
    const tile = (dim: Dim): Dim => addDims(dim, context.attrs.tile_size - 1);
    const leading = depth > 2 && depth < 8 ? [tile(d), tile(h), tile(w)] : [tile(h), tile(w), d];
    return ok(tensorType([...leading, o, i], weight.dtype));
  },
  explain(context, _result, at) {
    if (at.dim >= 3) return copyOf(0, at.dim - 3);
    const [weight] = context.inputs;
    if (weight?.kind !== 'tensor') return undefined;
    const depth = Number(constantDim(weight.shape[2] ?? 1) ?? 1);
    const deep = depth > 2 && depth < 8;
    if (!deep && at.dim === 2) return copyOf(0, 2);
    const dim = at.dim + (deep ? 2 : 3);
    return tileOrigin(weight, dim, context.attrs.tile_size);
  },
  noMeaning,
  fusion: 'out-elementwise-fusable',
});

const nnpackWeight = defineOperator({
  name: 'nn.contrib_conv2d_winograd_nnpack_weight_transform',
  summary: 'Transforms a weight (OIHW) into the 8×8 tiles of the NNPACK library.',
  inputs: weightInputs,
  attributes: {
    convolution_algorithm: attr.int("The library's number of the algorithm."),
    out_dtype: attr.dtype('Element type of the result; that of the weight when absent.', { default: null }),
  },
  attrsType: 'relay.attrs.Conv2DWinogradNNPACKWeightTransformAttrs',
  relate(context) {
    const weight = weightInput(context, 'OIHW', 'weight');
    if (weight.kind !== 'tensor') return weight;
    const [o = 1, i = 1] = weight.shape;
    return ok(tensorType([o, i, 8, 8], context.attrs.out_dtype ?? weight.dtype));
  },
  explain: (_context, _result, at) => (at.dim < 2 ? copyOf(0, at.dim) : { formula: '8', sources: [] }),
  noMeaning,
  fusion: 'opaque',
});

const gemmWeight = defineOperator({
  name: 'nn.contrib_conv2d_gemm_weight_transform',
  summary: 'Cuts a weight (HWIO), seen as a matrix of window elements by channels, into transposed tiles.',
  inputs: [{ name: 'weights', summary: 'The filters, HWIO.' }],
  attributes: {
    tile_rows: attr.int('Channels of a tile.', { min: 1 }),
    tile_cols: attr.int('Window elements of a tile.', { min: 1 }),
  },
  attrsType: 'relay.attrs.ConvGemmWeightTransformAttrs',
  relate(context) {
    const weight = weightInput(context, 'HWIO', 'weights');
    if (weight.kind !== 'tensor') return weight;
    const { tile_rows: n, tile_cols: k } = context.attrs;
    for (const name of ['tile_rows', 'tile_cols'] as const)
      if (context.attrs[name] === 0) return badAttribute(name, `\`${name}\` is 0, but it must be at least 1.`);
    const [h = 1, w = 1, i = 1, o = 1] = weight.shape;
    const elements = mulDims(mulDims(h, w), i);
    return ok(tensorType([ceilDivDims(o, n), ceilDivDims(elements, k), n, k], weight.dtype));
  },
  explain: (_context, _result, at) =>
    at.dim === 2
      ? fromAttribute('tile_rows')
      : at.dim === 3
        ? fromAttribute('tile_cols')
        : {
            formula: at.dim === 0 ? 'ceil(channels / tile)' : 'ceil(window elements / tile)',
            sources:
              at.dim === 0
                ? [{ kind: 'input', index: 0, dim: 3 }]
                : [0, 1, 2].map((dim) => ({ kind: 'input' as const, index: 0, dim })),
          },
  compute(context) {
    const weight = tensorAt(context, 0);
    const { tile_rows: n, tile_cols: k } = context.attrs;
    const [h = 1, w = 1, i = 1, o = 1] = weight.shape;
    return [
      compute('gemm_weight', outputOf(context).shape, (a, b, c, d) => {
        const channel = add(mul(a ?? int(0), int(n)), c ?? int(0));
        const element = add(mul(b ?? int(0), int(k)), d ?? int(0));
        const inside = all([compare('lt', channel, int(o)), compare('lt', element, int(h * w * i))]);
        const value = load(
          weight,
          floordiv(element, int(w * i)),
          floormod(floordiv(element, int(i)), int(w)),
          floormod(element, int(i)),
          channel,
        );
        return cast(weight.dtype, select(inside, value, number(0, weight.dtype)));
      }),
    ];
  },
  fusion: 'out-elementwise-fusable',
});

export const contribOperators = [
  convNCHWc,
  depthwiseNCHWc,
  convGemm,
  gemmWeight,
  winograd(2),
  winograd(3),
  winogradWeight2d,
  winogradWeight3d,
  nnpackWeight,
];
