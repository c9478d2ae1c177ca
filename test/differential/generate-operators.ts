/** Random calls of operators beyond the common ones: other ranks, layouts, resampling, gathering, normalising. */
import type { AttributeValueData } from '../../compiler/src/operators/attributes.ts';
import { isRounded, moreMakers } from './generate-more.ts';
import { input, type Maker } from './maker.ts';
import { rareMakers } from './generate-rare.ts';
import type { Built } from './generate-quantised.ts';
import type { GraphBuilder } from './graph.ts';
import type { Random } from './random.ts';

/** One to three of them, each on what the one before gave or on a fresh input. */
export function buildOperators(b: GraphBuilder, r: Random): Built {
  const outputs: number[] = [];
  for (let i = r.int(1, 3); i > 0; i--)
    for (let tries = 0; tries < 20; tries++) {
      const at = r.pick(r.pick([moreMakers, rareMakers, makers, makers]))({ b, r });
      if (at === undefined) continue;
      const type = b.typeOf(at);
      if (type.kind !== 'tensor' || b.shape(at).includes(0) || b.shape(at).reduce((x, y) => x * y, 1) > 4000) continue;
      outputs.push(at);
      break;
    }
  if (outputs.length === 0) outputs.push(b.call('copy', [b.add({ kind: 'input', shape: [3], dtype: 'int8' })]));
  const approximate = b.nodes.some((n) => n.kind === 'call' && isRounded(n.op));
  return { outputs, approximate };
}

const size = (r: Random): number => r.pick([1, 2, 3, 4, 5, 6, 7]);
const anyType = ['int8', 'uint8', 'int16', 'int32', 'int64', 'float32', 'bool'];

/** Sums of products: floats, or integers with sums in int32. */
function product(
  m: Maker,
  op: string,
  data: readonly number[],
  weight: readonly number[],
  attrs: Record<string, AttributeValueData>,
): number | undefined {
  const { b, r } = m;
  const whole = r.chance(0.3);
  const dtype = whole ? 'int8' : 'float32';
  const x = whole ? input(m, data, dtype) : input(m, data);
  const w = whole ? input(m, weight, dtype) : input(m, weight, 'float32', -1, 1);
  return b.attempt(op, [x, w], { ...attrs, ...(whole ? { out_dtype: 'int32' } : {}) });
}

const scalars = (m: Maker, scale: number, zero: number): [number, number] => [
  m.b.literal(Math.fround(scale), 'float32'),
  m.b.literal(zero),
];

const makers: readonly ((m: Maker) => number | undefined)[] = [
  (m) => {
    const { r } = m;
    const [c, o, k] = [r.int(1, 5), r.int(1, 5), r.int(1, 4)];
    const groups = r.chance(0.2) ? c : 1;
    return product(m, 'nn.conv1d', [r.int(1, 2), c, size(r) + 3], [groups > 1 ? c : o, c / groups, k], { strides: [r.int(1, 2)], padding: [r.int(0, 2), r.int(0, 2)], dilation: [r.int(1, 2)], groups, channels: groups > 1 ? c : o, kernel_size: [k] }); // prettier-ignore
  },
  (m) => {
    const { r } = m;
    const [c, o] = [r.int(1, 3), r.int(1, 3)];
    const k = [r.int(1, 2), r.int(1, 3), r.int(1, 2)];
    return product(m, 'nn.conv3d', [1, c, 3, r.int(3, 5), 3], [o, c, ...k], { strides: [1, r.int(1, 2), 1], padding: [r.int(0, 1), 0, 1, 0, r.int(0, 1), 0], channels: o, kernel_size: k }); // prettier-ignore
  },
  (m) => {
    const { r } = m;
    const [c, o] = [r.int(1, 4), r.int(1, 4)];
    const k = [r.int(1, 4), r.int(1, 3)];
    const strides = [r.int(1, 3), r.int(1, 2)];
    return product(m, 'nn.conv2d_transpose', [1, c, size(r), size(r)], [c, o, ...k], { strides, padding: [0, r.int(0, 1), 0, 0], channels: o, kernel_size: k, output_padding: [strides[0]! > 1 && r.chance(0.3) ? 1 : 0, 0] }); // prettier-ignore
  },
  (m) => {
    const { r } = m;
    const [n, i, j, k] = [r.int(1, 3), size(r), size(r), size(r)];
    const [ta, tb] = [r.chance(0.5), r.chance(0.5)];
    return product(m, 'nn.batch_matmul', [n, ...(ta ? [k, i] : [i, k])], [r.chance(0.3) ? 1 : n, ...(tb ? [j, k] : [k, j])], { transpose_a: ta, transpose_b: tb }); // prettier-ignore
  },
  (m) => {
    const { r } = m;
    const [i, j, k] = [size(r), size(r), size(r)];
    const [ta, tb] = [r.chance(0.5), r.chance(0.5)];
    return product(m, 'nn.matmul', ta ? [k, i] : [i, k], tb ? [j, k] : [k, j], { units: j, transpose_a: ta, transpose_b: tb }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const [i, j, k] = [size(r), size(r), size(r)];
    const [zx, zw] = [r.int(-128, 127), r.pick([0, 0, r.int(-20, 20)])];
    const [sx, x0] = scalars(m, 0.04, zx);
    const [sw, w0] = scalars(m, 0.03, zw);
    return b.attempt('qnn.batch_matmul', [input(m, [2, i, k], 'int8'), input(m, [2, j, k], 'int8'), x0, w0, sx, sw], { out_dtype: 'int32' }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const dtype = r.pick(['int8', 'uint8']);
    const shape = [1, size(r), size(r), r.int(1, 5)];
    const zero = (): number => (dtype === 'int8' ? r.int(-128, 127) : r.int(0, 255));
    const [s1, z1] = scalars(m, 0.01 + r.real() / 10, zero());
    const [s2, z2] = scalars(m, 0.01 + r.real() / 10, zero());
    const [so, zo] = scalars(m, 0.01 + r.real() / 10, zero());
    const x = input(m, shape, dtype);
    switch (r.int(0, 2)) {
      case 0:
        return b.attempt('qnn.subtract', [x, input(m, shape, dtype), s1, z1, s2, z2, so, zo]);
      case 1:
        return b.attempt('qnn.leaky_relu', [x, s1, z1, so, zo], { alpha: Math.fround(r.real()) });
      default:
        return b.attempt('qnn.add', [x, input(m, [shape[3] ?? 1], dtype), s1, z1, s2, z2, so, zo]);
    }
  },
  (m) => {
    const { b, r } = m;
    const per = r.chance(0.5);
    const c = r.int(1, 6);
    const x = input(m, [1, size(r), c], 'int32', -60000, 60000);
    const vector = (low: number, high: number, dtype: string): number =>
      b.add({ kind: 'param', shape: [c], dtype, range: { low, high }, seed: r.int(1, 1e9) });
    const scale = per ? vector(0.001, 0.01, 'float32') : b.literal(0.004, 'float32');
    const zero = per && r.chance(0.5) ? vector(-9, 9, 'int32') : b.literal(r.int(-9, 9));
    const dtype = r.pick(['int8', 'uint8', 'int16', 'int32']);
    return b.attempt('qnn.requantize', [x, scale, zero, b.literal(Math.fround(0.1 + 3 * r.real()), 'float32'), b.literal(r.int(0, 9))], { axis: 2, rounding: r.pick(['UPWARD', 'TONEAREST']), out_dtype: dtype }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const one = r.chance(0.5);
    const shape = one ? [1, r.int(1, 3), size(r) + 2] : [1, r.int(1, 2), 3, 4, r.int(2, 4)];
    const rank = one ? 1 : 3;
    const list = (low: number, high: number): number[] => Array.from({ length: rank }, () => r.int(low, high));
    const op = r.pick(['max', 'avg']);
    const attrs = { pool_size: list(1, 2), strides: list(1, 2), padding: [...list(0, 1), ...list(0, 1)], ...(op === 'avg' ? { count_include_pad: r.chance(0.5) } : {}) }; // prettier-ignore
    return b.attempt(`nn.${op}_pool${rank}d`, [input(m, shape, r.pick(['float32', 'int32']), -90, 90)], attrs);
  },
  (m) => {
    const { b, r } = m;
    const kind = r.pick(['max', 'avg']);
    const shape = [1, r.int(1, 3), size(r), size(r)];
    return b.attempt(`nn.adaptive_${kind}_pool2d`, [input(m, shape)], { output_size: [r.int(1, 3), r.int(1, 3)] });
  },
  (m) => {
    const { b, r } = m;
    const block = r.int(2, 3);
    const shape = [1, block * block * r.int(1, 2), 2 * block, block];
    const dtype = r.pick(anyType);
    return r.chance(0.5)
      ? b.attempt('nn.space_to_depth', [input(m, shape, dtype)], { block_size: block })
      : b.attempt('nn.depth_to_space', [input(m, shape, dtype)], { block_size: block, mode: r.pick(['DCR', 'CDR']) });
  },
  (m) => {
    const { b, r } = m;
    const shape = [1, r.int(1, 3), size(r), size(r)];
    return b.attempt('nn.upsampling', [input(m, shape, r.pick(['float32', 'int8']))], { scale_h: r.int(1, 3), scale_w: r.int(1, 2), method: 'nearest_neighbor' }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const shape = [size(r), size(r)];
    const dtype = r.pick(['int8', 'int32', 'float32']);
    return r.chance(0.5)
      ? b.attempt('nn.dilate', [input(m, shape, dtype)], { strides: [r.int(1, 3), r.int(1, 3)] })
      : b.attempt('nn.mirror_pad', [input(m, shape.map((n) => n + 1), dtype)], { mode: r.pick(['SYMMETRIC', 'REFLECT']), pad_width: [[1, 0], [0, 1]] }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const [n, k] = [size(r), size(r)];
    const axis = r.int(0, 1);
    const dtype = r.pick(anyType);
    const shape = [n, k];
    const indices = b.add({ kind: 'param', shape: axis === 0 ? [r.int(1, 4), k] : [n, r.int(1, 4)], dtype: r.pick(['int32', 'int64']), range: { low: 0, high: (shape[axis] ?? 1) - 1 }, seed: r.int(1, 1e9) }); // prettier-ignore
    return b.attempt('gather', [input(m, shape, dtype), indices], { axis });
  },
  (m) => {
    const { b, r } = m;
    const dtype = r.pick(anyType);
    const n = r.int(1, 3);
    const count = r.int(1, 4);
    const indices = b.add({ kind: 'param', shape: [n, count], dtype: 'int32', range: { low: 0, high: 1 }, seed: r.int(1, 1e9) }); // prettier-ignore
    return b.attempt('gather_nd', [input(m, [2, 3, 2], dtype), indices]);
  },
  (m) => {
    const { b, r } = m;
    const shape = [r.int(2, 4), r.int(1, 4), size(r)];
    const lengths = b.add({ kind: 'param', shape: [shape[1] ?? 1], dtype: 'int32', range: { low: 0, high: shape[0] ?? 1 }, seed: r.int(1, 1e9) }); // prettier-ignore
    return b.attempt('sequence_mask', [input(m, shape, r.pick(['float32', 'int32'])), lengths], {
      mask_value: 3,
      axis: 0,
    });
  },
  (m) => {
    const { b, r } = m;
    const depth = r.int(1, 5);
    const indices = input(m, [size(r), r.int(1, 2)], 'int32', 0, depth);
    return b.attempt('one_hot', [indices, b.literal(7), b.literal(-2)], { depth, axis: r.int(-1, 1), dtype: r.pick(['int32', 'int8', 'float32']) }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const c = 4 * r.int(1, 2);
    const shape = [1, c, size(r), size(r)];
    return b.attempt('layout_transform', [input(m, shape, r.pick(anyType))], { src_layout: 'NCHW', dst_layout: r.pick(['NHWC', 'NCHW4c', 'NHWC4c', 'HWNC']) }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const shape = [1, 2 * r.int(1, 3), size(r) + 1, size(r) + 1];
    const c = shape[1] ?? 1;
    const vector = (): number => input(m, [c], 'float32', 0.2, 1.5);
    switch (r.int(0, 3)) {
      case 0:
        return b.attempt('nn.l2_normalize', [input(m, shape)], { eps: 0.01, axis: [1] });
      case 1:
        return b.attempt('nn.lrn', [input(m, shape)], { size: r.pick([1, 3, 5]), axis: 1, bias: 2, alpha: 0.01, beta: 0.75 }); // prettier-ignore
      case 2:
        return b.attempt('nn.instance_norm', [input(m, shape), vector(), vector()], { axis: 1, epsilon: 0.5 });
      default:
        return b.attempt('nn.group_norm', [input(m, shape), vector(), vector()], { num_groups: 2, axis: 1, epsilon: 0.5 }); // prettier-ignore
    }
  },
  (m) => {
    const { b, r } = m;
    const dtype = r.pick(anyType);
    const shape = [size(r) + 2, size(r) + 2];
    return b.attempt('sliding_window', [input(m, shape, dtype)], { axis: 0, window_shape: [2, r.int(1, 2)], strides: [1, r.int(1, 2)] }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const dtype = r.pick(anyType);
    const n = size(r);
    return b.attempt('trilu', [input(m, [n, size(r)], dtype), b.literal(r.int(-2, 2))], { upper: r.chance(0.5) });
  },
  (m) => {
    const { b, r } = m;
    const shape = [1, size(r), size(r), r.int(1, 3)];
    return b.attempt('image.resize2d', [input(m, shape, r.pick(['float32', 'float32', 'int8']))], { size: [r.int(1, 8), r.int(1, 8)], layout: 'NHWC', method: r.pick(['nearest_neighbor', 'linear']), coordinate_transformation_mode: r.pick(['asymmetric', 'half_pixel', 'align_corners']), rounding_method: 'floor' }); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const x = input(m, [size(r), size(r)], 'float32', 0.1, 0.9);
    return b.attempt(r.pick(['sin', 'cos', 'tan', 'atan', 'asin', 'acos', 'sinh', 'cosh', 'log', 'log2', 'log10', 'rsqrt', 'erf', 'sigmoid', 'fast_exp', 'fast_tanh', 'fast_erf', 'atanh', 'asinh']), [x]); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const multiplier = r.int(2 ** 29, 2 ** 31 - 1);
    const x = input(m, [size(r), size(r)], 'int32', -(2 ** 24), 2 ** 24);
    return b.attempt('fixed_point_multiply', [x], { multiplier, shift: r.int(-8, 4) });
  },
  (m) => {
    const { b, r } = m;
    const dtype = r.pick(['float32', 'int32']);
    const x = input(m, [size(r), size(r)], dtype, -90, 90);
    return b.attempt(r.pick(['floor', 'ceil', 'round', 'trunc', 'sign', 'isfinite', 'isnan']), [b.call('multiply', [x, dtype === 'float32' ? b.literal(0.37, 'float32') : b.literal(3)])]); // prettier-ignore
  },
];
