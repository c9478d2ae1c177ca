/** Random float32 networks. Values stay of moderate size, and nothing turns a small error into a large one. */
import type { GraphBuilder } from './graph.ts';
import type { Built } from './generate-quantised.ts';
import type { Random } from './random.ts';

export function buildFloat(b: GraphBuilder, r: Random): Built {
  const nchw = r.chance(0.5);
  const size = (): number => r.pick([1, 2, 3, 5, 7, 8, 9]);
  const c = r.pick([1, 2, 3, 4, 5, 8]);
  const [h, w] = [size(), size()];
  const shape = r.chance(0.75) ? (nchw ? [1, c, h, w] : [1, h, w, c]) : [r.pick([1, 2, 4]), r.pick([1, 3, 7, 16])];
  const known = [b.add({ kind: 'input', shape, dtype: 'float32' })];
  const steps = r.int(1, 5);
  for (let i = 0; i < steps; i++)
    for (let tries = 0; tries < 6; tries++) {
      const at = step(b, r, known.at(-1) as number, known, nchw);
      if (at === undefined || b.shape(at).some((n) => n === 0)) continue;
      known.push(at);
      break;
    }
  const outputs = [known.at(-1) as number];
  if (r.chance(0.2)) outputs.push(r.pick(known));
  return {
    outputs: [...new Set(outputs)].filter((o) => b.nodes[o]?.kind === 'call' || outputs.length === 1),
    approximate: false,
  };
}

function weights(b: GraphBuilder, r: Random, shape: readonly number[], taps: number): number {
  const bound = Math.min(1, 2 / Math.sqrt(taps));
  return b.add({ kind: 'param', shape, dtype: 'float32', range: { low: -bound, high: bound }, seed: r.int(1, 1e9) });
}

function step(b: GraphBuilder, r: Random, from: number, known: readonly number[], nchw: boolean): number | undefined {
  const shape = b.shape(from);
  const rank = shape.length;
  const choices = rank === 4
    ? ['conv', 'conv', 'norm', 'pool', 'activation', 'activation', 'combine', 'reduce', 'flat', 'pad', 'transpose']
    : rank >= 1 ? ['dense', 'dense', 'activation', 'activation', 'combine', 'reduce', 'softmax', 'reshape', 'layer_norm'] : ['activation', 'combine']; // prettier-ignore
  const layout = nchw ? 'NCHW' : 'NHWC';
  const axis = nchw ? 1 : 3;
  switch (r.pick(choices)) {
    case 'conv':
      return convolution(b, r, from, nchw);
    case 'norm': {
      const c = shape[axis] ?? 1;
      const vector = (low: number, high: number): number =>
        b.add({ kind: 'param', shape: [c], dtype: 'float32', range: { low, high }, seed: r.int(1, 1e9) });
      const norm = b.attempt('nn.batch_norm', [from, vector(0.5, 1.5), vector(-1, 1), vector(-1, 1), vector(0.5, 2)], {
        axis,
      });
      return norm === undefined ? undefined : b.add({ kind: 'get', tuple: norm, index: 0 });
    }
    case 'pool': {
      const k = [r.int(1, 3), r.int(1, 3)];
      const attrs = { pool_size: k, strides: [r.int(1, 2), r.int(1, 2)], padding: r.chance(0.6) ? [0, 0, 0, 0] : [0, k[1]! - 1, k[0]! - 1, 0], layout }; // prettier-ignore
      if ((shape[axis === 1 ? 2 : 1] ?? 0) < k[0]! || (shape[axis === 1 ? 3 : 2] ?? 0) < k[1]!) return undefined;
      return r.chance(0.5)
        ? b.attempt('nn.max_pool2d', [from], attrs)
        : r.chance(0.6)
          ? b.attempt('nn.avg_pool2d', [from], { ...attrs, count_include_pad: r.chance(0.5) })
          : b.attempt(r.pick(['nn.global_avg_pool2d', 'nn.global_max_pool2d']), [from], { layout });
    }
    case 'activation': {
      const op = r.pick([
        'nn.relu',
        'sigmoid',
        'tanh',
        'nn.leaky_relu',
        'clip',
        'abs',
        'negative',
        'nn.prelu',
        'exp',
        'sqrt',
        'erf',
        'square',
      ]);
      if (op === 'nn.leaky_relu') return b.call(op, [from], { alpha: 0.2 });
      if (op === 'clip') return b.call(op, [from], { a_min: -1, a_max: 1.5 });
      if (op === 'square') return b.call('multiply', [b.call('tanh', [from]), from]);
      if (op === 'exp') return b.call(op, [b.call('clip', [from], { a_min: -3, a_max: 1 })]);
      if (op === 'sqrt') return b.call(op, [b.call('add', [b.call('abs', [from]), b.literal(0.5, 'float32')])]);
      if (op === 'nn.prelu') {
        if (rank !== 4) return undefined;
        const alpha = b.add({ kind: 'param', shape: [shape[axis] ?? 1], dtype: 'float32', seed: r.int(1, 1e9) });
        return b.attempt(op, [from, alpha], { axis });
      }
      return b.call(op, [from]);
    }
    case 'combine': {
      const partners = known.filter((k) => b.shape(k).join() === shape.join());
      const narrow = shape.map((n) => (r.chance(0.5) ? 1 : n)).slice(r.int(0, Math.max(0, rank - 1)));
      const other = r.chance(0.5)
        ? r.pick(partners)
        : r.chance(0.5)
          ? b.add({ kind: 'input', shape: narrow, dtype: 'float32' })
          : b.add({ kind: 'param', shape: narrow, dtype: 'float32', range: { low: -1, high: 1 }, seed: r.int(1, 1e9) });
      const op = r.pick(['add', 'subtract', 'multiply', 'maximum', 'minimum', 'divide', 'concatenate']);
      if (op === 'concatenate')
        return rank === 0 ? undefined : b.attempt(op, [[from, r.pick(partners), from]], { axis: r.int(-1, rank - 1) });
      if (op === 'divide') return b.call(op, [from, b.call('add', [b.call('abs', [other]), b.literal(1, 'float32')])]);
      const args = r.chance(0.5) ? [from, other] : [other, from];
      return b.attempt(op, op === 'multiply' ? [args[0]!, b.call('clip', [args[1]!], { a_min: -2, a_max: 2 })] : args);
    }
    case 'reduce': {
      const axes = shape.map((_, i) => i).filter(() => r.chance(0.4));
      if (axes.length === 0 || axes.length === rank) return undefined;
      return b.attempt(r.pick(['mean', 'max', 'min', 'mean', 'sum', 'variance']), r.chance(0) ? [] : [from], { axis: axes, keepdims: r.chance(0.5) })
        ?? b.attempt('mean', [from], { axis: axes, keepdims: true }); // prettier-ignore
    }
    case 'flat':
      return b.attempt('nn.batch_flatten', [from]);
    case 'pad':
      return b.attempt('nn.pad', [from, b.literal(0.5, 'float32')], { pad_width: shape.map((_, i) => (i === 0 ? [0, 0] : [r.int(0, 2), r.int(0, 1)])), pad_mode: r.pick(['constant', 'constant', 'edge']) }); // prettier-ignore
    case 'transpose':
      return b.call('transpose', [from], { axes: [0, ...r.shuffled([1, 2, 3])] });
    case 'dense': {
      if (rank !== 2) return undefined;
      const units = r.pick([1, 2, 3, 5, 8, 13]);
      const inC = shape[1] ?? 1;
      const at = b.call('nn.dense', [from, weights(b, r, [units, inC], inC)], { units });
      return r.chance(0.6) ? b.call('nn.bias_add', [at, weights(b, r, [units], 1)]) : at;
    }
    case 'softmax':
      return b.attempt(r.pick(['nn.softmax', 'nn.log_softmax']), [b.call('clip', [from], { a_min: -8, a_max: 8 })], {
        axis: -1,
      });
    case 'layer_norm': {
      const c = shape.at(-1) ?? 1;
      if (c < 3) return undefined;
      const spread = b.add({
        kind: 'param',
        shape: [c],
        dtype: 'float32',
        range: { low: -3, high: 3 },
        seed: r.int(1, 1e9),
      });
      const scaled = b.call('add', [b.call('tanh', [from]), spread]);
      return b.attempt('nn.layer_norm', [scaled, weights(b, r, [c], 1), weights(b, r, [c], 1)], {
        axis: -1,
        epsilon: 0.5,
      });
    }
    default:
      return b.attempt('reshape', [from], { newshape: r.pick([[-1], [shape.reduce((x, y) => x * y, 1), 1], [1, -1]]) });
  }
}

function convolution(b: GraphBuilder, r: Random, from: number, nchw: boolean): number | undefined {
  const shape = b.shape(from);
  const [, h = 1, w = 1] = nchw ? [0, shape[2], shape[3]] : shape;
  const c = shape[nchw ? 1 : 3] ?? 1;
  const [kh, kw] = [r.pick([1, 1, 2, 3, 3, 5]), r.pick([1, 1, 2, 3, 3, 5])];
  const padding = [r.int(0, kh - 1), r.int(0, kw - 1), r.int(0, kh - 1), r.int(0, kw - 1)];
  const dilation = [kh > 1 && r.chance(0.15) ? 2 : 1, 1];
  if (h + padding[0]! + padding[2]! < (kh - 1) * dilation[0]! + 1 || w + padding[1]! + padding[3]! < kw)
    return undefined;
  const depthwise = c > 1 && r.chance(0.25);
  const groups = depthwise ? c : 1;
  const outC = depthwise ? c * r.pick([1, 1, 2]) : r.pick([1, 2, 3, 5, 8]);
  const perGroup = c / groups;
  const layout = nchw ? 'OIHW' : depthwise && r.chance(0.7) ? 'HWOI' : 'HWIO';
  const weight =
    layout === 'OIHW' ? [outC, perGroup, kh, kw] : layout === 'HWOI' ? [kh, kw, c, outC / c] : [kh, kw, perGroup, outC];
  const at = b.attempt('nn.conv2d', [from, weights(b, r, weight, kh * kw * perGroup)], {
    strides: [r.int(1, 2), r.int(1, 3)], padding, dilation, groups, channels: outC, kernel_size: [kh, kw],
    data_layout: nchw ? 'NCHW' : 'NHWC', kernel_layout: layout,
  }); // prettier-ignore
  if (at === undefined || r.chance(0.3)) return at;
  return b.call('nn.bias_add', [at, weights(b, r, [outC], 1)], { axis: nchw ? 1 : 3 });
}
