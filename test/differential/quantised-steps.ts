/** Steps of quantised networks beyond layers with weights: floats in between, other windows, splits, resampling. */
import type { GraphBuilder } from './graph.ts';
import type { Random } from './random.ts';

/** A quantised tensor: real value = scale · (element − zero). */
export interface Quantised {
  readonly at: number;
  readonly scale: number;
  readonly zero: number;
}

/** The integers of each quantised type. */
export const ranges: Readonly<Record<string, readonly [number, number]>> = { int8: [-128, 127], uint8: [0, 255] };

/** A zero point that a quantiser could choose: the ends more often than what lies between. */
export function zeroPoint(r: Random, dtype: string): number {
  const [low, high] = ranges[dtype] ?? [0, 0];
  return r.pick([low, high, 0, r.int(low, high), r.int(low, high)]);
}

/** One of the steps on `from`; undefined where it does not fit. */
export function furtherStep(b: GraphBuilder, r: Random, from: Quantised): Quantised | undefined {
  const image = b.shape(from.at).length === 4;
  const steps = image ? [inFloats, elementwise, resampled, windowed, transposedConv, product, splitAndJoined, bottleneck] : [inFloats, elementwise, conv1d, product, splitAndJoined]; // prettier-ignore
  return r.pick(steps)(b, r, from);
}

/** A convolution with padding around, rescaled: from all channels to `out`, or channel by channel (`out` is absent). */
function layer(b: GraphBuilder, r: Random, from: Quantised, k: number, stride: number, out?: number): Quantised {
  const c = b.shape(from.at)[3] ?? 1;
  const shape = out === undefined ? [k, k, c, 1] : [k, k, c, out];
  const weight = b.add({ kind: 'param', shape, dtype: 'int8', range: { low: -127, high: 127 }, seed: r.int(1, 1e9) });
  const before = Math.floor((k - 1) / 2);
  const sum = b.call(
    'qnn.conv2d',
    [from.at, weight, b.literal(from.zero), b.literal(0), b.literal(from.scale, 'float32'), b.literal(0.01, 'float32')],
    {
      strides: [stride, stride], padding: [before, before, k - 1 - before, k - 1 - before], groups: out === undefined ? c : 1,
      channels: out ?? c, kernel_size: [k, k], data_layout: 'NHWC', kernel_layout: out === undefined ? 'HWOI' : 'HWIO', out_dtype: 'int32',
    },
  ); // prettier-ignore
  return narrowed(b, r, sum, from.scale * 0.01, k * k * (out === undefined ? 1 : c), b.dtype(from.at));
}

/**
 * More channels in between than before and after, as in mobile networks: what passes between the layers is the largest,
 * so that they run in turns of rows. Around it, perhaps, a residual sum.
 */
export function bottleneck(b: GraphBuilder, r: Random, from: Quantised): Quantised | undefined {
  const [, h = 1, w = 1, c = 1] = b.shape(from.at);
  if (b.shape(from.at).length !== 4 || c > 8 || h * w > 400) return undefined;
  const stride = r.pick([1, 1, 2]);
  const out = r.chance(0.6) ? c : r.pick([2, 4, 8]);
  let at = layer(b, r, from, 1, 1, r.pick([2, 3, 4]) * c);
  at = layer(b, r, at, r.pick([2, 3, 3, 5]), stride);
  if (r.chance(0.2)) at = layer(b, r, at, 3, 1);
  at = layer(b, r, at, 1, 1, out);
  if (stride !== 1 || out !== c || r.chance(0.3)) return at;
  const scale = Math.fround(from.scale + at.scale);
  const zero = zeroPoint(r, b.dtype(from.at));
  const numbers = [from, at, { scale, zero }].flatMap((q) => [b.literal(q.scale, 'float32'), b.literal(q.zero)]);
  return { at: b.call('qnn.add', [from.at, at.at, ...numbers]), scale, zero };
}

/** Dequantised, changed by operators that every float unit computes alike, and quantised again. */
function inFloats(b: GraphBuilder, r: Random, from: Quantised): Quantised | undefined {
  const f = (v: number): number => b.literal(Math.fround(v), 'float32');
  let at = b.call('qnn.dequantize', [from.at, f(from.scale), b.literal(from.zero)]);
  for (let i = r.int(0, 2); i > 0; i--)
    switch (r.int(0, 4)) {
      case 0:
        at = b.call(r.pick(['nn.relu', 'abs', 'negative']), [at]);
        break;
      case 1:
        at = b.call(r.pick(['add', 'subtract', 'maximum', 'minimum']), [at, f(from.scale * r.int(-40, 40))]);
        break;
      case 2:
        at = b.call('multiply', [at, f(r.pick([0.5, 2, -1, 0.3, 1.7]))]);
        break;
      case 3:
        at = b.call('nn.leaky_relu', [at], { alpha: Math.fround(r.pick([0.125, 0.1, 0.3])) });
        break;
      default:
        at = b.call('clip', [at], { a_min: Math.fround(-30 * from.scale), a_max: Math.fround(50 * from.scale) });
    }
  const dtype = r.chance(0.7) ? 'int8' : 'uint8';
  const scale = Math.fround(from.scale * (r.chance(0.3) ? 1 : 0.4 + 2 * r.real()));
  const zero = zeroPoint(r, dtype);
  return { at: b.call('qnn.quantize', [at, f(scale), b.literal(zero)], { out_dtype: dtype }), scale, zero };
}

/** Integers compared and selected without rescaling. */
function elementwise(b: GraphBuilder, r: Random, from: Quantised): Quantised {
  const dtype = b.dtype(from.at);
  const [low, high] = ranges[dtype] ?? [0, 0];
  const shape = b.shape(from.at);
  const narrow = shape.map((n) => (r.chance(0.5) ? 1 : n));
  const bound = b.add({ kind: 'param', shape: r.chance(0.5) ? [] : narrow, dtype, range: { low, high }, seed: r.int(1, 1e9) }); // prettier-ignore
  if (r.chance(0.7)) return { ...from, at: b.call(r.pick(['maximum', 'minimum']), [from.at, bound]) };
  const above = b.call(r.pick(['greater', 'less_equal', 'not_equal']), [from.at, bound]);
  return { ...from, at: b.call('where', [above, from.at, bound]) };
}

function resampled(b: GraphBuilder, r: Random, from: Quantised): Quantised | undefined {
  const shape = b.shape(from.at);
  if (shape.reduce((x, y) => x * y, 1) > 600) return undefined;
  const kind = r.int(0, 2);
  const at =
    kind === 0
      ? b.attempt('nn.upsampling', [from.at], { scale_h: r.int(1, 3), scale_w: r.int(1, 2), layout: 'NHWC', method: 'nearest_neighbor' }) // prettier-ignore
      : kind === 1
        ? b.attempt('repeat', [from.at], { repeats: 2, axis: r.int(1, 3) })
        : b.attempt('tile', [from.at], { reps: [1, r.int(1, 2), r.int(1, 2), r.int(1, 2)] });
  return at === undefined ? undefined : { ...from, at };
}

/** Greatest values under wide windows: dilated, larger than the stride, or of the whole image. */
function windowed(b: GraphBuilder, r: Random, from: Quantised): Quantised | undefined {
  if (r.chance(0.3)) {
    const at = b.attempt('nn.global_max_pool2d', [from.at], { layout: 'NHWC' });
    return at === undefined ? undefined : { ...from, at };
  }
  if (r.chance(0.4)) {
    const axis = r.pick([[1], [2], [1, 2], [3]]);
    const at = b.attempt(r.pick(['max', 'min']), [from.at], { axis, keepdims: true });
    return at === undefined ? undefined : { ...from, at };
  }
  const [, h = 1, w = 1] = b.shape(from.at);
  const [kh, kw, d] = [r.int(1, 5), r.int(1, 4), r.int(1, 2)];
  if (h < (kh - 1) * d + 1 || w < (kw - 1) * d + 1) return undefined;
  const at = b.attempt('nn.max_pool2d', [from.at], { pool_size: [kh, kw], strides: [r.int(1, 3), r.int(1, 3)], dilation: [d, d], padding: [0, r.int(0, kw - 1), r.int(0, kh - 1), 0], layout: 'NHWC' }); // prettier-ignore
  return at === undefined ? undefined : { ...from, at };
}

/** Sums rescaled to eight bits. */
function narrowed(
  b: GraphBuilder,
  r: Random,
  sum: number,
  wide: number,
  taps: number,
  dtype = r.chance(0.8) ? 'int8' : 'uint8',
): Quantised {
  const zero = zeroPoint(r, dtype);
  const scale = Math.fround(wide * 60 * Math.sqrt(taps));
  const at = b.call('qnn.requantize', [sum, b.literal(Math.fround(wide), 'float32'), b.literal(0), b.literal(scale, 'float32'), b.literal(zero)], { out_dtype: dtype }); // prettier-ignore
  return { at, scale, zero };
}

/** A transposed convolution, channels last or first, at times in groups. */
function transposedConv(b: GraphBuilder, r: Random, from: Quantised): Quantised | undefined {
  const [n = 1, h = 1, w = 1, c = 1] = b.shape(from.at);
  if (n * h * w * c > 400) return undefined;
  const [kh, kw] = [r.int(1, 4), r.int(1, 4)];
  const last = r.chance(0.6);
  const groups = r.pick([1, 1, 1, ...[2, 3].filter((g) => c % g === 0)]);
  const o = r.int(1, 3);
  const shape = last ? [kh, kw, c, o] : [c, o, kh, kw];
  const weight = b.add({ kind: 'param', shape, dtype: 'int8', seed: r.int(1, 1e9) });
  const data = last ? from.at : b.call('transpose', [from.at], { axes: [0, 3, 1, 2] });
  const strides = [r.int(1, 3), r.int(1, 2)];
  const sum = b.attempt(
    'qnn.conv2d_transpose',
    [data, weight, b.literal(from.zero), b.literal(0), b.literal(from.scale, 'float32'), b.literal(0.01, 'float32')],
    {
      strides, padding: [0, r.int(0, 1), r.int(0, 1), 0], output_padding: [strides[0]! > 1 && r.chance(0.3) ? 1 : 0, 0],
      channels: o * groups, groups, kernel_size: [kh, kw], out_dtype: 'int32',
      data_layout: last ? 'NHWC' : 'NCHW', kernel_layout: last ? 'HWIO' : 'IOHW',
    },
  ); // prettier-ignore
  if (sum === undefined || b.shape(sum).some((s) => s <= 0)) return undefined;
  const narrow = narrowed(b, r, sum, from.scale * 0.01, c * kh * kw);
  return last ? narrow : { ...narrow, at: b.call('transpose', [narrow.at], { axes: [0, 2, 3, 1] }) };
}

/** Rows compared with each other, or with those of a second input: a product of two computed matrices. */
function product(b: GraphBuilder, r: Random, from: Quantised): Quantised | undefined {
  const shape = b.shape(from.at);
  const [depth = 1] = shape.slice(-1);
  const rows = shape.reduce((x, y) => x * y, 1) / depth;
  const batch = r.pick([1, ...[2, 3].filter((n) => rows % n === 0)]);
  if (rows * depth > 500) return undefined;
  const dtype = b.dtype(from.at);
  const x = b.call('reshape', [from.at], { newshape: [batch, rows / batch, depth] });
  const [byRows, single] = [r.chance(0.5), r.chance(0.3)];
  const columns = r.int(1, 6);
  const side = [single ? 1 : batch, ...(byRows ? [columns, depth] : [depth, columns])];
  const self = byRows && r.chance(0.3);
  const y = self ? x : b.add({ kind: 'input', shape: side, dtype });
  const zero = self ? from.zero : zeroPoint(r, dtype);
  const sum = b.attempt(
    'qnn.batch_matmul',
    [x, y, b.literal(from.zero), b.literal(zero), b.literal(from.scale, 'float32'), b.literal(0.01, 'float32')],
    { out_dtype: 'int32', transpose_a: false, transpose_b: byRows },
  );
  if (sum === undefined) return undefined;
  const narrow = narrowed(b, r, sum, from.scale * 0.01, depth);
  const [, , n = 1] = b.shape(sum);
  const lead = shape.slice(0, -1);
  return { ...narrow, at: b.call('reshape', [narrow.at], { newshape: [...lead, n] }) };
}

/** Rows as a signal in one dimension: a convolution along it, or a depthwise one. */
function conv1d(b: GraphBuilder, r: Random, from: Quantised): Quantised | undefined {
  const [n = 1, width = 1] = b.shape(from.at);
  if (b.dtype(from.at) !== 'int8') return undefined;
  const k = r.int(1, Math.min(5, width));
  const o = r.int(1, 4);
  const data = b.call('reshape', [from.at], { newshape: [1, n, width] });
  const deep = n > 1 && r.chance(0.4);
  const weight = b.add({ kind: 'param', shape: deep ? [n, 1, k] : [o, n, k], dtype: 'int8', seed: r.int(1, 1e9) });
  const sum = b.attempt('nn.conv1d', [data, weight], { strides: [r.int(1, 2)], padding: [r.int(0, k - 1), r.int(0, k - 1)], groups: deep ? n : 1, channels: deep ? n : o, kernel_size: [k], out_dtype: 'int32' }); // prettier-ignore
  if (sum === undefined) return undefined;
  const narrow = narrowed(b, r, sum, from.scale * 0.01, k * n);
  return { ...narrow, at: b.call('squeeze', [narrow.at], { axis: [0] }) };
}

/** Cut in two; the parts are joined again, in either order, one of them changed. */
function splitAndJoined(b: GraphBuilder, r: Random, from: Quantised): Quantised | undefined {
  const shape = b.shape(from.at);
  const axis = r.int(1, shape.length - 1);
  const length = shape[axis] ?? 1;
  if (length < 2) return undefined;
  const tuple = b.attempt('split', [from.at], { indices_or_sections: [r.int(1, length - 1)], axis });
  if (tuple === undefined) return undefined;
  const parts = [0, 1].map((index) => b.add({ kind: 'get', tuple, index }));
  const changed = parts.map((p) => (r.chance(0.5) ? b.call(r.pick(['nn.relu', 'copy']), [p]) : p));
  return { ...from, at: b.call('concatenate', [r.chance(0.5) ? changed : changed.reverse()], { axis }) };
}
