/** `nn.conv1d`, `nn.conv2d`, `nn.conv3d`. */
import { adviseConv } from '../advice/shapes.ts';
import { attr } from '../attributes.ts';
import type { ComputeContext } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import type { DType } from '../../tensor/dtype.ts';
import { cast, type TEExpr } from '../../tensor/te.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import type { ConvAttributes, ConvFamily } from './conv-layouts.ts';
import { computeConv, type ConvOperands } from './conv-compute.ts';
import { conv1dFamily, conv2dFamily, conv3dFamily, convExplainer, relateConv } from './convolution.ts';

/** The attributes of a convolution over `n` spatial dimensions. */
export function convAttributes<const D extends string, const K extends string>(
  n: number,
  dataLayout: D,
  kernelLayout: K,
  padding: readonly number[] = Array<number>(n).fill(0),
) {
  const ones = Array<number>(n).fill(1);
  return {
    strides: attr.ints('Distance between neighbouring windows, one number a spatial dimension.', { default: ones }),
    padding: attr.ints(
      n === 1
        ? 'Zeros added left and right of the data.'
        : 'Zeros added around the data: one number for all sides, one a spatial dimension, or all sides before, then all after.',
      { default: padding },
    ),
    dilation: attr.ints('Distance between neighbouring elements of a window, one number a spatial dimension.', {
      default: ones,
    }),
    groups: attr.int('Number of groups the channels are split into; each output sees the inputs of its group only.', {
      default: 1,
    }),
    channels: attr.maybeInt('Number of output channels; taken from the weight when absent.', { default: null }),
    kernel_size: attr.maybeInts('Size of the window; taken from the weight when absent.', { default: null }),
    data_layout: attr.string("Order of the data's dimensions.", { default: dataLayout }),
    kernel_layout: attr.string("Order of the weight's dimensions.", { default: kernelLayout }),
    out_layout: attr.string("Order of the result's dimensions; that of the data when empty.", { default: '' }),
    out_dtype: attr.dtype('Element type of sum and result; that of the data when absent.', { default: null }),
  };
}

export const convInputs = [
  { name: 'data', summary: 'The tensor that is convolved.' },
  { name: 'weight', summary: 'The filters.' },
] as const;

/** Data and weight as they are, for sums in `accumulator`. */
export function floatOperands(context: Pick<ComputeContext<unknown>, 'inputs'>, accumulator: DType): ConvOperands {
  const value = (e: TEExpr): TEExpr => cast(accumulator, e);
  const [data, weight] = [tensorAt(context, 0), tensorAt(context, 1)];
  return { data, weight, dataValue: value, weightValue: value, accumulator };
}

/** Sums products in the result's element type. */
export function computeFloatConv(context: ComputeContext<ConvAttributes>, family: ConvFamily) {
  const output = outputOf(context);
  return [computeConv(floatOperands(context, output.dtype), context.attrs, family, output)];
}

const tolerance = { relative: 1e-4, absolute: 1e-5 };

export const conv1d = defineOperator({
  name: 'nn.conv1d',
  summary: 'Slides filters along one spatial dimension and sums the products over window and input channels.',
  inputs: convInputs,
  attributes: convAttributes(1, 'NCW', 'OIW', [0, 0]),
  attrsType: 'relay.attrs.Conv1DAttrs',
  relate: (context) => relateConv(context, conv1dFamily),
  advise: adviseConv,
  explain: convExplainer(conv1dFamily),
  compute: (context) => computeFloatConv(context, conv1dFamily),
  fusion: 'out-elementwise-fusable',
  tolerance,
  examples: [
    {
      title: 'Three taps over a sequence',
      source: `def @main(%x: Tensor[(1, 4, 16), float32], %w: Tensor[(8, 4, 3), float32]) {
  nn.conv1d(%x, %w, padding=[1, 1])
}`,
    },
  ],
});

export const conv2d = defineOperator({
  name: 'nn.conv2d',
  summary: 'Slides filters over an image and sums the products over window and input channels.',
  details:
    'With `groups` equal to the number of input channels every channel has its own filters (depthwise convolution). ' +
    "When `kernel_size` and `channels` are given, the weight's shape follows from them and need not be annotated.",
  inputs: convInputs,
  attributes: convAttributes(2, 'NCHW', 'OIHW'),
  attrsType: 'relay.attrs.Conv2DAttrs',
  relate: (context) => relateConv(context, conv2dFamily),
  advise: adviseConv,
  explain: convExplainer(conv2dFamily),
  compute: (context) => computeFloatConv(context, conv2dFamily),
  fusion: 'out-elementwise-fusable',
  tolerance,
  examples: [
    {
      title: 'A 3×3 convolution that keeps height and width',
      source: `def @main(%x: Tensor[(1, 3, 32, 32), float32], %w: Tensor[(16, 3, 3, 3), float32]) {
  nn.conv2d(%x, %w, padding=[1, 1, 1, 1], channels=16, kernel_size=[3, 3])
}`,
    },
    {
      title: 'A depthwise convolution in NHWC',
      source: `def @main(%x: Tensor[(1, 32, 32, 16), float32], %w: Tensor[(3, 3, 16, 1), float32]) {
  nn.conv2d(%x, %w, padding=[1, 1], groups=16, data_layout="NHWC", kernel_layout="HWOI")
}`,
    },
  ],
});

export const conv3d = defineOperator({
  name: 'nn.conv3d',
  summary: 'Slides filters through a volume and sums the products over window and input channels.',
  inputs: convInputs,
  attributes: convAttributes(3, 'NCDHW', 'OIDHW'),
  attrsType: 'relay.attrs.Conv3DAttrs',
  relate: (context) => relateConv(context, conv3dFamily),
  advise: adviseConv,
  explain: convExplainer(conv3dFamily),
  compute: (context) => computeFloatConv(context, conv3dFamily),
  fusion: 'out-elementwise-fusable',
  tolerance,
});
