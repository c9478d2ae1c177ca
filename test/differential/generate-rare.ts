/** Calls of operators that networks seldom hold: packed layouts, gradients of layers, sampling, losses, transforms. */
import { input, type Maker } from './maker.ts';
import type { Random } from './random.ts';

const size = (r: Random): number => r.int(1, 5);
const integers = ['int8', 'uint8', 'int16', 'int32', 'int64'];

export const rareMakers: readonly ((m: Maker) => number | undefined)[] = [
  (m) => {
    const { b, r } = m;
    const [block, out] = [r.pick([2, 4]), r.pick([2, 4])];
    const [c, o] = [r.int(1, 2), r.int(1, 2)];
    const k = [r.int(1, 3), r.int(1, 2)];
    const padding = [r.int(0, 1), 0, r.int(0, 1), r.int(0, 1)];
    const deep = r.chance(0.4);
    const shape = [1, c, size(r) + 2, size(r) + 1, block];
    const weight = deep ? [c, 1, ...k, 1, block] : [o, c, ...k, block, out];
    const channels = deep ? c * block : o * out;
    return b.attempt(deep ? 'nn.contrib_depthwise_conv2d_NCHWc' : 'nn.contrib_conv2d_NCHWc', [input(m, shape), input(m, weight, 'float32', -1, 1)], { strides: [r.int(1, 2), 1], padding, groups: deep ? channels : 1, channels, kernel_size: k, data_layout: `NCHW${block}c`, kernel_layout: deep ? `OIHW1i${block}o` : `OIHW${block}i${out}o`, out_layout: `NCHW${deep ? block : out}c` }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const [n, k, units, block] = [r.int(1, 3), size(r), r.int(1, 3), r.pick([2, 4])];
    return b.attempt('nn.contrib_dense_pack', [input(m, [n, k]), input(m, [units, k, block], 'float32', -1, 1)], { units: units * block }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const [c, o] = [r.int(1, 3), r.int(1, 3)];
    const k = [r.int(1, 2), r.int(1, 3), r.int(1, 2)];
    const strides = [r.int(1, 2), 1, r.int(1, 2)];
    return b.attempt('nn.conv3d_transpose', [input(m, [1, c, r.int(1, 2), size(r), r.int(1, 3)]), input(m, [c, o, ...k], 'float32', -1, 1)], { strides, padding: [0, r.int(0, 1), 0, 0, 0, 0], channels: o, kernel_size: k }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const [c, o] = [r.int(1, 3), r.int(1, 3)];
    const k = [r.int(1, 3), r.int(1, 3)];
    const [s, t] = [r.int(1, 2), r.int(1, 2)];
    const unsigned = r.chance(0.3);
    const zero = unsigned ? r.int(0, 255) : r.int(-128, 127);
    const args = [input(m, [1, c, size(r), size(r)], unsigned ? 'uint8' : 'int8'), input(m, [c, o, ...k], 'int8')];
    return b.attempt('qnn.conv2d_transpose', [...args, b.literal(zero), b.literal(r.pick([0, r.int(-9, 9)])), b.literal(0.02, 'float32'), b.literal(0.01, 'float32')], { strides: [s, t], padding: [r.int(0, 1), 0, 0, r.int(0, 1)], output_padding: [s > 1 && r.chance(0.3) ? 1 : 0, 0], channels: o, kernel_size: k, out_dtype: 'int32' }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const shape = [1, r.int(1, 2), size(r) + 1, size(r) + 1];
    const attrs = { pool_size: [r.int(1, 2), r.int(1, 2)], strides: [r.int(1, 2), r.int(1, 2)], padding: [0, 0, 0, 0] };
    const data = input(m, shape);
    const pooled = b.attempt(r.chance(0.5) ? 'nn.avg_pool2d' : 'nn.max_pool2d', [data], attrs);
    if (pooled === undefined) return undefined;
    const grad = input(m, b.shape(pooled));
    return r.chance(0.5)
      ? b.attempt('nn.avg_pool2d_grad', [grad, data], attrs)
      : b.attempt('nn.max_pool2d_grad', [grad, data], attrs);
  },
  (m) => {
    const { b, r } = m;
    const [one, out] = [r.chance(0.5), (): number => r.int(1, 3)];
    const op = one ? 'nn.adaptive_max_pool1d' : r.pick(['nn.adaptive_avg_pool3d', 'nn.adaptive_max_pool3d']);
    const shape = [1, r.int(1, 2), ...Array.from({ length: one ? 1 : 3 }, () => size(r))];
    return b.attempt(op, [input(m, shape)], { output_size: one ? [out()] : [out(), out(), out()] });
  },
  (m) => {
    const { b, r } = m;
    const shape = [1, r.int(1, 2), r.int(1, 3), size(r), size(r)];
    return r.chance(0.5)
      ? b.attempt('nn.upsampling3d', [input(m, shape)], { scale_d: r.int(1, 2), scale_h: r.int(1, 3), scale_w: 2, method: 'nearest_neighbor' }) // prettier-ignore
      : b.attempt('image.resize3d', [input(m, shape)], { size: [r.int(1, 4), r.int(1, 4), r.int(1, 4)], layout: 'NCDHW', method: r.pick(['nearest_neighbor', 'linear']), coordinate_transformation_mode: r.pick(['asymmetric', 'half_pixel', 'align_corners']), rounding_method: 'floor', roi: [0, 0, 0, 0, 0, 0] }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const [n, c] = [size(r), r.int(1, 4)];
    const scores = b.call('nn.log_softmax', [input(m, [n, c])], { axis: 1 });
    if (r.chance(0.4)) return b.attempt('nn.cross_entropy', [b.call('exp', [scores]), input(m, [n, c], 'float32', 0, 1)]); // prettier-ignore
    if (r.chance(0.3)) return b.attempt('nn.cross_entropy_with_logits', [scores, input(m, [n, c], 'float32', 0, 1)]);
    const targets = input(m, [n], 'int32', -1, c - 1);
    return b.attempt('nn.nll_loss', [scores, targets, input(m, [c], 'float32', 0.5, 1)], { reduction: r.pick(['none', 'sum', 'mean']), ignore_index: r.pick([-100, 0]) }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const data = input(m, [1, r.int(1, 2), size(r) + 1, size(r) + 1]);
    const grid = b.attempt('image.affine_grid', [input(m, [1, 2, 3], 'float32', -0.9, 0.9)], { target_shape: [size(r), size(r)] }); // prettier-ignore
    if (grid === undefined || r.chance(0.3)) return grid;
    return b.attempt('image.grid_sample', [data, grid], { method: 'bilinear', layout: 'NCHW', padding_mode: r.pick(['zeros', 'border']), align_corners: r.chance(0.5) }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const n = r.int(1, 3);
    const boxes = b.add({ kind: 'param', shape: [n, 4], dtype: 'float32', range: { low: 0, high: 1 }, seed: r.int(1, 1e9) }); // prettier-ignore
    return b.attempt('image.crop_and_resize', [input(m, [2, size(r), size(r), r.int(1, 3)]), boxes, input(m, [n], 'int32', 0, 1)], { crop_size: [r.int(1, 4), r.int(1, 4)], layout: 'NHWC', method: r.pick(['bilinear', 'nearest_neighbor']), extrapolation_value: 0 }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const shape = [1, r.int(1, 2), size(r) + 2, size(r) + 2];
    const k = r.pick([1, 3]);
    return b.attempt('nn.correlation', [input(m, shape), input(m, shape)], { kernel_size: k, max_displacement: r.int(0, 2), stride1: r.int(1, 2), stride2: 1, padding: [r.int(1, 2), r.int(1, 2)], is_multiply: r.chance(0.5), layout: 'NCHW' }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const [c, o] = [r.int(1, 2), r.int(1, 3)];
    const [h, w] = [size(r) + 2, size(r) + 2];
    const k = [r.int(1, 3), r.int(1, 3)];
    const [oh, ow] = [h - k[0]! + 1, w - k[1]! + 1];
    const offsets = input(m, [1, 2 * k[0]! * k[1]!, oh, ow], 'float32', -0.8, 0.8);
    return r.chance(0.5)
      ? b.attempt('nn.deformable_conv2d', [input(m, [1, c, h, w]), offsets, input(m, [o, c, ...k], 'float32', -1, 1)], { channels: o, kernel_size: k }) // prettier-ignore
      : b.attempt('nn.conv2d_backward_weight', [input(m, [1, o, oh, ow]), input(m, [1, c, h, w])], { kernel_size: k, channels: o, padding: [0, 0, 0, 0], grad_layout: 'NCHW', data_layout: 'NCHW', kernel_layout: 'OIHW' }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const shape = [size(r), size(r)];
    switch (r.int(0, 5)) {
      case 0:
        return b.attempt('nn.fast_softmax', [input(m, shape)], { axis: r.int(-1, 1) });
      case 1:
        return b.attempt('nn.fifo_buffer', [input(m, [r.int(1, 2), shape[1]!]), input(m, [shape[0]! + 1, shape[1]!])], { axis: 0 }); // prettier-ignore
      case 2: {
        const dropped = b.attempt('nn.dropout', [input(m, shape)], { rate: 0.5 });
        return dropped === undefined ? undefined : b.add({ kind: 'get', tuple: dropped, index: 0 });
      }
      case 3:
        return b.attempt('full', [b.literal(r.int(-9, 9))], { shape, dtype: r.pick([...integers, 'float32', 'bool']) });
      case 4:
        return b.attempt('full_like', [input(m, shape, r.pick(integers)), b.literal(r.int(-9, 9))]);
      default:
        return b.attempt(r.pick(['ones', 'zeros']), [], { shape, dtype: r.pick([...integers, 'float32', 'bool']) });
    }
  },
  (m) => {
    const { b, r } = m;
    const shape = [r.int(1, 3), size(r), size(r)];
    const dtype = r.pick([...integers, 'float32']);
    switch (r.int(0, 6)) {
      case 0: {
        const least = Math.min(shape[1]!, shape[2]!);
        return b.attempt('matrix_set_diag', [input(m, shape, dtype), input(m, [shape[0]!, least], dtype)], { k1: 0, k2: 0 }); // prettier-ignore
      }
      case 1:
        return b.attempt('contrib_reverse_reshape', [input(m, shape, dtype)], { newshape: [-1, shape[2]!] });
      case 2:
        return b.attempt('reinterpret', [input(m, shape, 'float32')], { dtype: r.pick(['int32', 'uint32']) });
      case 3:
        return b.attempt(r.pick(['shape_of', 'ndarray_size']), [input(m, shape, dtype)], { dtype: r.pick(['int32', 'int64']) }); // prettier-ignore
      case 4:
        return b.attempt('adv_index', [[input(m, shape, dtype), input(m, [2, 1], 'int32', 0, shape[0]! - 1), input(m, [3], r.pick(['int32', 'int64']), 0, shape[1]! - 1)]]); // prettier-ignore
      case 5: {
        const whole = shape.reduce((x, y) => x * y, 1);
        const extents = b.add({ kind: 'param', shape: [3], dtype: 'int32', seed: 1, values: shape });
        return b.attempt('unravel_index', [input(m, [size(r)], 'int32', 0, whole - 1), extents]);
      }
      default: {
        const block = r.int(1, 2);
        return b.attempt('vision.yolo_reorg', [input(m, [1, 4 * r.int(1, 2), 2 * size(r), 2 * size(r)], dtype)], { stride: block }); // prettier-ignore
      }
    }
  },
  (m) => {
    const { b, r } = m;
    const shape = [size(r), size(r) + 1];
    if (r.chance(0.5)) {
      const made = b.attempt('dft', [input(m, shape), input(m, shape)], { inverse: r.chance(0.5) });
      return made === undefined ? undefined : b.add({ kind: 'get', tuple: made, index: r.int(0, 1) });
    }
    const [n, hop] = [r.pick([2, 4]), r.int(1, 2)];
    return b.attempt('stft', [input(m, [r.int(1, 2), n + hop * r.int(0, 4)]), input(m, [n], 'float32', 0, 1)], { n_fft: n, hop_length: hop, win_length: n, normalized: r.chance(0.5), onesided: r.chance(0.5) }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const c = r.int(1, 5);
    const vector = (low: number, high: number): number =>
      b.add({ kind: 'param', shape: [c], dtype: 'int32', range: { low, high }, seed: r.int(1, 1e9) });
    const x = input(m, [size(r), c], 'int32', -(2 ** 24), 2 ** 24);
    const [left, right] = [r.chance(0.5), r.chance(0.7)];
    return b.attempt('fixed_point_multiply_per_axis', [x, vector(2 ** 29, 2 ** 31 - 1), vector(0, left ? 3 : 0), vector(0, right ? 9 : 0)], { is_lshift_required: left, is_rshift_required: right, axes: [1] }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    // Zero points and scales that are known only at run time.
    const shape = [size(r), size(r)];
    const dtype = r.pick(['int8', 'uint8']);
    const zero = (): number => b.add({ kind: 'input', shape: [], dtype: 'int32', range: { low: 0, high: 60 } });
    const scale = (): number => b.add({ kind: 'input', shape: [], dtype: 'float32', range: { low: 0.01, high: 0.9 } });
    switch (r.int(0, 3)) {
      case 0:
        return b.attempt('qnn.dequantize', [input(m, shape, dtype), scale(), zero()]);
      case 1:
        return b.attempt('qnn.dense', [input(m, shape, dtype), input(m, [r.int(1, 3), shape[1]!], 'int8'), zero(), zero(), b.literal(0.1, 'float32'), b.literal(0.1, 'float32')], { units: null, out_dtype: 'int32' }); // prettier-ignore
      case 2:
        return b.attempt('qnn.simulated_quantize', [input(m, shape), b.literal(1), scale(), zero()], { axis: -1 });
      default:
        return b.attempt('qnn.conv2d', [input(m, [1, 4, 4, 2], dtype), input(m, [2, 2, 2, 3], 'int8'), zero(), zero(), b.literal(0.1, 'float32'), b.literal(0.1, 'float32')], { padding: [r.int(0, 1), 0, 0, r.int(0, 1)], channels: 3, kernel_size: [2, 2], data_layout: 'NHWC', kernel_layout: 'HWIO', out_dtype: 'int32' }); // prettier-ignore
    }
  },
];
