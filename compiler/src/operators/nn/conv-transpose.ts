/** `nn.conv1d_transpose`, `nn.conv2d_transpose`, `nn.conv3d_transpose`. */
import { attr } from '../attributes.ts';
import { outputOf } from '../compute/tensors.ts';
import type { ComputeContext } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { convInputs, floatOperands } from './conv.ts';
import type { TransposedAttributes } from './transposed.ts';
import { computeTransposed } from './conv-compute.ts';
import { explainTransposed, relateTransposed } from './transposed.ts';

/** The attributes of a transposed convolution over `n` spatial dimensions. */
export function transposedAttributes(n: number, dataLayout: string, kernelLayout: string) {
  const ones = Array<number>(n).fill(1);
  const zeros = Array<number>(n).fill(0);
  return {
    channels: attr.maybeInt('Number of output channels; taken from the weight when absent.', { default: null }),
    kernel_size: attr.maybeInts('Size of the window; taken from the weight when absent.', { default: null }),
    strides: attr.ints('Factor by which the data is spread, one number a spatial dimension.', { default: ones }),
    output_padding: attr.ints('Added to the size of the result, one number a spatial dimension.', { default: zeros }),
    padding: attr.ints(
      'Taken away from the border of the result: one number for all sides, one a spatial dimension, or all sides before, then all after.',
      { default: zeros },
    ),
    dilation: attr.ints('Distance between neighbouring elements of a window.', { default: ones }),
    groups: attr.int('Number of groups the channels are split into.', { default: 1 }),
    data_layout: attr.string("Order of the data's dimensions.", { default: dataLayout }),
    kernel_layout: attr.string("Order of the weight's dimensions: I is the data's channel.", { default: kernelLayout }),
    out_layout: attr.string("Order of the result's dimensions; that of the data when empty.", { default: '' }),
    out_dtype: attr.dtype('Element type of sum and result; that of the data when absent.', { default: null }),
  };
}

function transposed(n: 1 | 2 | 3) {
  const spatial = ['W', 'HW', 'DHW'][n - 1] ?? 'HW';
  return defineOperator({
    name: `nn.conv${n}d_transpose`,
    summary: `Transposed convolution over ${['one dimension', 'two dimensions', 'three dimensions'][n - 1] ?? ''}: spreads the data by the strides and sums the windows.`,
    details: 'It gives a result of the shape that a convolution with the same attributes would have had as its data.',
    inputs: convInputs,
    attributes: transposedAttributes(n, `NC${spatial}`, `IO${spatial}`),
    attrsType: `relay.attrs.Conv${n}DTransposeAttrs`,
    relate: (context) => relateTransposed(context, spatial),
    explain: (context, _result, at) => explainTransposed(context, spatial, at.dim),
    compute(context: ComputeContext<TransposedAttributes>) {
      const output = outputOf(context);
      return [computeTransposed(floatOperands(context, output.dtype), context.attrs, spatial, output)];
    },
    fusion: 'out-elementwise-fusable',
    tolerance: { relative: 1e-4, absolute: 1e-5 },
    ...(n === 2
      ? {
          examples: [
            {
              title: 'Double height and width',
              source: `def @main(%x: Tensor[(1, 8, 16, 16), float32], %w: Tensor[(8, 4, 2, 2), float32]) {
  nn.conv2d_transpose(%x, %w, channels=4, kernel_size=[2, 2], strides=[2, 2])
}`,
            },
          ],
        }
      : {}),
  });
}

export const transposedOperators = [transposed(1), transposed(2), transposed(3)];
