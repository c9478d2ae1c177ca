/** More calls of single operators: functions of one element, likes, resampling, blocks, quantised functions, casts. */
import { input, type Maker } from './maker.ts';
import type { Random } from './random.ts';

const size = (r: Random): number => r.int(1, 6);

/** Functions of floats with a range in which they have values that are not too steep. */
const functions: readonly (readonly [string, number, number])[] = [
  ['acosh', 1.1, 4],
  ['asin', -0.9, 0.9],
  ['acos', -0.9, 0.9],
  ['asinh', -3, 3],
  ['atanh', -0.9, 0.9],
  ['cos', -3, 3],
  ['sin', -3, 3],
  ['sinh', -2, 2],
  ['cosh', -2, 2],
  ['tan', -1, 1],
  ['log', 0.1, 5],
  ['log2', 0.1, 5],
  ['log10', 0.1, 5],
  ['rsqrt', 0.1, 5],
  ['isinf', -1, 1],
  ['zeros_like', -1, 1],
  ['ones_like', -1, 1],
];

const likes = ['reshape_like', 'broadcast_to_like', 'cast_like', 'slice_like', 'collapse_sum_like'] as const;

const quantised = ['abs', 'exp', 'sqrt', 'rsqrt', 'erf', 'sigmoid', 'hardswish', 'tanh', 'log'] as const;

/** What each makes; quantised functions may differ by a step, because they are rounded from floats. */
export const moreMakers: readonly ((m: Maker) => number | undefined)[] = [
  (m) => {
    const [name, low, high] = m.r.pick(functions);
    return m.b.attempt(name, [input(m, [size(m.r), size(m.r)], 'float32', low, high)], {});
  },
  (m) => {
    // Integers saturate where floats leave their range.
    const { b, r } = m;
    const wide = b.call('multiply', [input(m, [size(r), size(r)]), b.literal(10 ** r.int(0, 12), 'float32')]);
    return b.attempt('cast', [wide], { dtype: r.pick(['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64']) }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const shape = [size(r), size(r), size(r)];
    switch (r.pick(likes)) {
      case 'reshape_like':
        return b.attempt('reshape_like', [input(m, shape), input(m, [...shape].reverse())], {});
      case 'broadcast_to_like':
        return b.attempt('broadcast_to_like', [input(m, [1, shape[1] ?? 1, 1]), input(m, shape)], {});
      case 'cast_like':
        return b.attempt('cast_like', [input(m, shape, 'int16'), input(m, [2], r.pick(['int8', 'int32', 'float32']))], {}); // prettier-ignore
      case 'slice_like':
        return b.attempt('slice_like', [input(m, shape), input(m, shape.map((n) => r.int(1, n)))], { axes: [] }); // prettier-ignore
      case 'collapse_sum_like':
        return b.attempt('collapse_sum_like', [input(m, shape, 'int32'), input(m, [1, shape[2] ?? 1], 'int32')], {});
    }
  },
  (m) => {
    const { b, r } = m;
    const method = r.pick(['nearest_neighbor', 'linear', 'cubic']);
    const attrs = {
      method,
      coordinate_transformation_mode: method === 'nearest_neighbor' ? 'asymmetric' : r.pick(['half_pixel', 'align_corners', 'asymmetric']),
      rounding_method: method === 'nearest_neighbor' ? r.pick(['round', 'floor', 'ceil']) : '',
    }; // prettier-ignore
    if (r.chance(0.3)) return b.attempt('image.resize1d', [input(m, [1, r.int(1, 3), size(r) + 1])], { ...attrs, size: [r.int(1, 9)], roi: [0, 0], layout: 'NCW' }); // prettier-ignore
    const layout = r.pick(['NHWC', 'NCHW']);
    return b.attempt('image.resize2d', [input(m, [1, size(r) + 1, size(r) + 1, size(r) + 1])], { ...attrs, size: [r.int(1, 9), r.int(1, 9)], roi: [0, 0, 0, 0], layout }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const [c, o, k] = [r.int(1, 4), r.int(1, 4), r.int(1, 4)];
    return b.attempt('nn.conv1d_transpose', [input(m, [1, c, size(r)]), input(m, [c, o, k])], { channels: o, kernel_size: [k], strides: [r.int(1, 3)], padding: [0, 0], output_padding: [0] }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const [p, q] = [r.int(1, 3), r.int(1, 2)];
    if (r.chance(0.5)) return b.attempt('nn.space_to_batch_nd', [input(m, [1, p * r.int(1, 3), q * r.int(1, 3), r.int(1, 3)])], { block_shape: [p, q], paddings: [[0, 0], [0, 0]], pad_value: 0 }); // prettier-ignore
    return b.attempt('nn.batch_to_space_nd', [input(m, [p * q, r.int(1, 3), r.int(1, 3), r.int(1, 3)])], { block_shape: [p, q], crops: [[0, 0], [0, 0]] }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const [n, t] = [r.int(1, 3), r.int(2, 5)];
    return b.attempt('reverse_sequence', [input(m, [t, n, r.int(1, 3)], r.pick(['float32', 'int8'])), input(m, [n], 'int32', 1, t)], { seq_axis: 0, batch_axis: 1 }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const [i, j, k] = [size(r), size(r), size(r)];
    const equation = r.pick(['ij,jk->ik', 'ij,jk->ki', 'ij,jk->i']);
    return b.attempt('einsum', [[input(m, [i, j]), input(m, [j, k])]], { equation });
  },
  (m) => {
    const { b, r } = m;
    const data = input(m, [size(r), size(r)]);
    const mean = b.call('mean', [data], { axis: [1], keepdims: true, exclude: false });
    return b.attempt('variance', [data, mean], { axis: [1], keepdims: r.chance(0.5), exclude: false, unbiased: false });
  },
  (m) => {
    const { b, r } = m;
    return b.attempt('nn.adaptive_avg_pool1d', [input(m, [1, r.int(1, 3), size(r) + 2])], { output_size: [r.int(1, 4)], layout: 'NCW' }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const c = r.int(1, 3);
    return b.attempt('image.dilation2d', [input(m, [1, c, size(r) + 2, size(r) + 2]), input(m, [c, r.int(1, 3), r.int(1, 3)])], { strides: [1, r.int(1, 2)], padding: [0, 0, 0, 0], dilations: [1, 1], data_layout: 'NCHW', kernel_layout: 'IHW' }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    return b.attempt('power', [input(m, [size(r)], 'float32', 0.2, 3), input(m, [1])], {});
  },
  (m) => {
    const { b, r } = m;
    const dtype = r.pick(['int8', 'uint8']);
    const name = r.pick(quantised);
    const zero = (): number => b.literal(dtype === 'int8' ? r.int(-20, 20) : r.int(100, 150));
    const scale = (): number => b.literal(Math.fround(0.01 + r.real() / 50), 'float32');
    return b.attempt(`qnn.${name}`, [input(m, [size(r), size(r)], dtype), scale(), zero(), scale(), zero()], {});
  },
  (m) => {
    const { b, r } = m;
    const made = b.attempt('meshgrid', [[input(m, [size(r)]), input(m, [size(r)])]], {
      indexing: r.pick(['ij', 'xy']),
    });
    return made === undefined ? undefined : b.add({ kind: 'get', tuple: made, index: r.int(0, 1) });
  },
];

/** Operators whose integers may differ by one step from the evaluator's. */
export function isRounded(name: string): boolean {
  return quantised.some((q) => `qnn.${q}` === name);
}
