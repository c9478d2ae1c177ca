/** Pooling with a sliding window: `nn.max_pool*`, `nn.avg_pool*`, and the gradients of the two-dimensional ones. */
import { adviseWindows } from '../advice/shapes.ts';
import { attr } from '../attributes.ts';
import type { ComputeContext } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import type { PoolAttributes } from './pooling.ts';
import { computePool, explainPool, relatePool } from './pooling.ts';

/** The attributes of pooling over `n` spatial dimensions. */
export function poolAttributes(n: number, layout: string) {
  const ones = Array<number>(n).fill(1);
  return {
    pool_size: attr.ints('Size of the window, one number a spatial dimension.'),
    strides: attr.ints('Distance between neighbouring windows, one number a spatial dimension.', { default: ones }),
    dilation: attr.ints('Distance between neighbouring elements of a window.', { default: ones }),
    padding: attr.ints(
      'Padding: one number for all sides, one a spatial dimension, or all sides before, then all after.',
      { default: Array<number>(n).fill(0) },
    ),
    layout: attr.string("Order of the data's dimensions.", { default: layout }),
    out_layout: attr.string("Order of the result's dimensions; only that of the data is supported.", { default: '' }),
    ceil_mode: attr.bool('Rounds the number of windows up, so that a last partial window counts.', { default: false }),
  };
}

const countIncludePad = attr.bool('Divides by the whole window even where it covers padding.', { default: false });
const data = [{ name: 'data', summary: 'The tensor that is pooled.' }];
const words = ['one dimension', 'two dimensions', 'three dimensions'];
const spatialOf = ['W', 'HW', 'DHW'];

function maxPool(n: 1 | 2 | 3) {
  const spatial = spatialOf[n - 1] ?? 'HW';
  return defineOperator({
    name: `nn.max_pool${n}d`,
    summary: `Largest element of each window, over ${words[n - 1] ?? ''}.`,
    inputs: data,
    attributes: poolAttributes(n, `NC${spatial}`),
    attrsType: `relay.attrs.MaxPool${n}DAttrs`,
    relate: (context) => relatePool(context, spatial),
    advise: adviseWindows,
    explain: (context, _result, at) => explainPool(context, spatial, at.dim),
    compute: (context: ComputeContext<PoolAttributes>) => computePool(context, spatial, 'max'),
    fusion: 'out-elementwise-fusable',
    ...(n === 2
      ? {
          examples: [
            {
              title: 'Halve height and width',
              source: `def @main(%x: Tensor[(1, 16, 32, 32), float32]) {
  nn.max_pool2d(%x, pool_size=[2, 2], strides=[2, 2])
}`,
            },
          ],
        }
      : {}),
  });
}

function avgPool(n: 1 | 2 | 3) {
  const spatial = spatialOf[n - 1] ?? 'HW';
  return defineOperator({
    name: `nn.avg_pool${n}d`,
    summary: `Mean of each window, over ${words[n - 1] ?? ''}.`,
    details:
      'Integers are divided toward zero. Elements in the padding do not count unless `count_include_pad` is set.',
    inputs: data,
    attributes: { ...poolAttributes(n, `NC${spatial}`), count_include_pad: countIncludePad },
    attrsType: `relay.attrs.AvgPool${n}DAttrs`,
    relate: (context) => relatePool(context, spatial),
    advise: adviseWindows,
    explain: (context, _result, at) => explainPool(context, spatial, at.dim),
    compute: (context: ComputeContext<PoolAttributes>) => computePool(context, spatial, 'avg'),
    fusion: 'out-elementwise-fusable',
    ...(n === 2
      ? {
          examples: [
            {
              title: 'The mean over an 8×8 image',
              source: `def @main(%x: Tensor[(1, 8, 8, 64), float32]) {
  nn.avg_pool2d(%x, pool_size=[8, 8], layout="NHWC")
}`,
            },
          ],
        }
      : {}),
  });
}

export const poolOperators = [maxPool(1), maxPool(2), maxPool(3), avgPool(1), avgPool(2), avgPool(3)];
