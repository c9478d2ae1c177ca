import { describe, it } from 'mocha';
import { func, scalar, variable } from '../../compiler/src/ir/build.ts';
import type { Call } from '../../compiler/src/ir/expr.ts';
import type { FusedFunction } from '../../compiler/src/schedule/task.ts';
import { tensorType } from '../../compiler/src/types/type.ts';
import { call, cortexM4 } from './functions.ts';
import { checkSchedules } from './support.ts';

interface Pool {
  readonly name: string;
  readonly operator: string;
  readonly shape: readonly number[];
  readonly attrs?: Readonly<Record<string, unknown>>;
  readonly layout?: string;
  /** Elementwise work behind it. */
  readonly then?: (e: Call) => Call;
}

/** Pooling; means of bytes go by int32, as importers write them. */
function poolFunction(p: Pool, dtype: string): FusedFunction {
  const x = variable('x', tensorType(p.shape, dtype));
  const mean = p.operator.includes('avg') && dtype !== 'float32';
  const pool = call(p.operator, [mean ? call('cast', [x], { dtype: 'int32' }) : x], {
    layout: p.layout ?? 'NHWC',
    ...p.attrs,
  });
  const done = p.then ? p.then(pool) : pool;
  return { name: 'pool', func: func([x], mean ? call('cast', [done], { dtype }) : done), anchor: pool };
}

const pools: readonly Pool[] = [
  { name: 'largest of 2×2', operator: 'nn.max_pool2d', shape: [1, 8, 6, 12], attrs: { pool_size: [2, 2], strides: [2, 2] } },
  { name: 'largest, padded, odd channels', operator: 'nn.max_pool2d', shape: [2, 7, 9, 5], attrs: { pool_size: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1] } },
  { name: 'largest, asymmetric padding, dilation', operator: 'nn.max_pool2d', shape: [1, 9, 8, 8], attrs: { pool_size: [3, 2], strides: [1, 2], padding: [2, 0, 1, 3], dilation: [2, 3] } },
  { name: 'largest, channels first', operator: 'nn.max_pool2d', shape: [1, 3, 8, 7], layout: 'NCHW', attrs: { pool_size: [3, 2], strides: [2, 1], padding: [1, 0, 1, 1] } },
  { name: 'largest, rounded up', operator: 'nn.max_pool2d', shape: [1, 7, 8, 4], attrs: { pool_size: [2, 3], strides: [2, 2], ceil_mode: true } },
  { name: 'largest of all', operator: 'nn.global_max_pool2d', shape: [1, 5, 6, 8] },
  { name: 'largest of a sequence', operator: 'nn.max_pool1d', shape: [1, 17, 6], layout: 'NWC', attrs: { pool_size: [3], strides: [2], padding: [1, 1] } },
  { name: 'largest within bounds', operator: 'nn.max_pool2d', shape: [1, 6, 6, 8], attrs: { pool_size: [3, 3], strides: [3, 3] }, then: (e) => call('clip', [e], { a_min: -20, a_max: 60 }) },
  { name: 'mean over the whole image', operator: 'nn.global_avg_pool2d', shape: [1, 15, 17, 8] },
  { name: 'mean over the whole image, odd channels', operator: 'nn.global_avg_pool2d', shape: [1, 5, 5, 3] },
  { name: 'mean over the whole image, flattened', operator: 'nn.global_avg_pool2d', shape: [2, 3, 4, 8], then: (e) => call('nn.batch_flatten', [e]) },
  { name: 'mean of a large window', operator: 'nn.global_avg_pool2d', shape: [1, 16, 17, 4] },
  { name: 'mean over windows of whole rows', operator: 'nn.avg_pool2d', shape: [1, 9, 5, 12], attrs: { pool_size: [3, 5], strides: [3, 5] } },
  { name: 'mean over overlapping windows', operator: 'nn.avg_pool2d', shape: [2, 7, 9, 4], attrs: { pool_size: [3, 2], strides: [2, 1] } },
  { name: 'mean with a stride beyond the window', operator: 'nn.avg_pool2d', shape: [1, 11, 11, 4], attrs: { pool_size: [2, 2], strides: [4, 3] } },
  { name: 'mean, padding left out of it', operator: 'nn.avg_pool2d', shape: [1, 5, 5, 4], attrs: { pool_size: [2, 2], strides: [2, 2], padding: [1, 1, 1, 1] } },
  { name: 'mean, padding counted', operator: 'nn.avg_pool2d', shape: [1, 6, 7, 8], attrs: { pool_size: [3, 3], padding: [1, 1, 1, 1], count_include_pad: true } },
  { name: 'mean, channels first', operator: 'nn.avg_pool2d', shape: [1, 3, 6, 7], layout: 'NCHW', attrs: { pool_size: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1] } },
  { name: 'mean of a sequence', operator: 'nn.avg_pool1d', shape: [1, 5, 16], layout: 'NCW', attrs: { pool_size: [4], strides: [2], padding: [1, 2] } },
]; // prettier-ignore

describe('scheduled pooling gives what the operators say', () => {
  for (const dtype of ['int8', 'uint8', 'float32'])
    for (const p of pools)
      it(`${p.name}, ${dtype}`, () => checkSchedules(poolFunction(p, dtype), 'pool_windows', { count: 5 }));

  it('also without the DSP extension', () => {
    const target = { ...cortexM4, name: 'cortex-m3', features: { ...cortexM4.features, dsp: false } };
    for (const p of pools) checkSchedules(poolFunction(p, 'int8'), 'pool_windows', { count: 3, target });
  });

  it('also requantised', () => {
    const f32 = (v: number) => scalar(v, 'float32');
    const then = (e: Call): Call =>
      call('qnn.requantize', [e, f32(0.05), scalar(3, 'int32'), f32(0.043), scalar(-4, 'int32')], {
        out_dtype: 'int8',
      });
    const [first] = pools;
    if (first) checkSchedules(poolFunction({ ...first, then }, 'int8'), 'pool_windows');
  });

  it('also where the template does not fit: a mean whose last window leaves the padding', () => {
    const attrs = {
      pool_size: [3, 3],
      strides: [2, 2],
      padding: [1, 1, 1, 1],
      ceil_mode: true,
      count_include_pad: true,
    };
    const partial: Pool = { name: '', operator: 'nn.avg_pool2d', shape: [1, 6, 6, 4], attrs };
    checkSchedules(poolFunction(partial, 'int8'), 'generic', { count: 1 });
  });
});
