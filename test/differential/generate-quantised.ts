/** Random quantised networks: convolutions of every form, dense layers, residuals, pooling, layout changes. */
import type { GraphBuilder } from './graph.ts';
import { bottleneck, furtherStep, ranges, zeroPoint, type Quantised } from './quantised-steps.ts';
import type { Random } from './random.ts';

export interface Built {
  readonly outputs: readonly number[];
  readonly approximate: boolean;
}

export function buildQuantised(b: GraphBuilder, r: Random): Built {
  return new Quantiser(b, r).build();
}

class Quantiser {
  private readonly b: GraphBuilder;
  private readonly r: Random;
  private readonly known: Quantised[] = [];
  private approximate = false;

  constructor(b: GraphBuilder, r: Random) {
    this.b = b;
    this.r = r;
  }

  build(): Built {
    const { b, r } = this;
    const dtype = r.chance(0.8) ? 'int8' : 'uint8';
    const size = (): number => r.pick([1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13]);
    const kind = r.real();
    const mobile = kind < 0.18;
    const shape = mobile
      ? [1, r.int(8, 26), r.pick([4, 6, 8, 10]), r.pick([2, 4, 8])]
      : kind < 0.24
      ? r.pick([[1, r.int(30, 60), r.int(20, 40), r.int(1, 4)], [1, r.int(1, 4), r.int(1, 4), r.int(20, 70)], [1, r.int(100, 700)]])
      : r.chance(0.85)
      ? [r.chance(0.9) ? 1 : 2, size(), r.chance(0.12) ? r.int(20, 34) : size(), r.pick([1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 17])]
      : [r.pick([1, 1, 2, 5]), r.pick([1, 2, 3, 7, 13, 16, 21, 40])]; // prettier-ignore
    let at = this.keep({ at: b.add({ kind: 'input', shape, dtype }), scale: this.scale(), zero: this.zero(dtype) });
    const steps = r.int(1, 5);
    for (let i = 0; i < steps; i++)
      at = this.keep((mobile && r.chance(0.7) ? bottleneck(b, r, at) : undefined) ?? this.step(at));
    const outputs = [at.at];
    if (r.chance(0.25)) {
      const final = this.finish(at);
      if (final !== undefined) outputs[0] = final;
    }
    if (r.chance(0.2)) outputs.push(r.pick(this.known.slice(1).length > 0 ? this.known.slice(1) : this.known).at);
    return { outputs: [...new Set(outputs)], approximate: this.approximate };
  }

  private keep(q: Quantised): Quantised {
    this.known.push(q);
    return q;
  }
  private scale(): number {
    return Math.fround(10 ** (this.r.real() * 2.5 - 3));
  }
  private zero(dtype: string): number {
    return zeroPoint(this.r, dtype);
  }
  private f32(v: number): number {
    return this.b.literal(Math.fround(v), 'float32');
  }
  private i32(v: number): number {
    return this.b.literal(v);
  }

  private step(from: Quantised): Quantised {
    const { b, r } = this;
    const rank = b.shape(from.at).length;
    const choices: (() => Quantised | undefined)[] =
      rank === 4
        ? [
            () => this.conv(from),
            () => this.conv(from),
            () => this.conv(from),
            () => this.conv(from),
            () => this.pool(from),
            () => (r.chance(0.4) ? this.pruned(from) : this.repeated(from)),
            () => this.shapeChange(from),
            () => this.combine(from),
            () => this.combine(from),
            () => this.flatDense(from),
            () => furtherStep(b, r, from),
          ]
        : [
            () => this.dense(from),
            () => this.dense(from),
            () => this.combine(from),
            () => furtherStep(b, r, from),
            () => this.shapeChange(from),
          ];
    for (let tries = 0; tries < 8; tries++) {
      const before = b.nodes.length;
      const made = r.pick(choices)();
      if (made && b.shape(made.at).reduce((x, y) => x * y, 1) > 0 && b.nodes.length - before > 0) return made;
    }
    return from;
  }

  private conv(from: Quantised): Quantised | undefined {
    const { b, r } = this;
    const nchw = r.chance(0.12);
    let data = from.at;
    if (nchw) data = b.call('transpose', [data], { axes: [0, 3, 1, 2] });
    const [, h = 1, w = 1, c = 1] = b.shape(from.at);
    const kernel = (): number => (r.chance(0.4) ? 1 : r.chance(0.6) ? 3 : r.int(1, 7));
    const [kh, kw] = [kernel(), kernel()];
    const stride = (): number => r.pick([1, 1, 1, 2, 2, 3]);
    const strides = [stride(), stride()];
    const dilate = (k: number): number => (k > 1 && r.chance(0.15) ? r.int(2, 3) : 1);
    const dilation = [dilate(kh), dilate(kw)];
    const pad = (k: number): number => (r.chance(0.5) ? Math.floor((k - 1) / 2) : r.int(0, Math.max(0, k - 1)));
    const padding = [pad(kh), pad(kw), pad(kh), pad(kw)];
    const span = (k: number, d: number): number => (k - 1) * d + 1;
    if (h + padding[0]! + padding[2]! < span(kh, dilation[0]!)) return undefined;
    if (w + padding[1]! + padding[3]! < span(kw, dilation[1]!)) return undefined;
    let groups = 1;
    let outC = r.pick([1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16]);
    const form = r.real();
    if (form < 0.3 && c > 1) {
      groups = c;
      outC = c * (r.chance(0.25) ? r.int(2, 3) : 1);
    } else if (form < 0.42) {
      const divisors = [2, 3, 4].filter((g) => c % g === 0 && c > g);
      if (divisors.length > 0) {
        groups = r.pick(divisors);
        outC = groups * r.int(1, 4);
      }
    }
    const perGroup = c / groups;
    const depthwise = groups > 1 && perGroup === 1;
    const layout = nchw ? 'OIHW' : depthwise && r.chance(0.85) ? 'HWOI' : 'HWIO';
    const shape =
      layout === 'OIHW'
        ? [outC, perGroup, kh, kw]
        : layout === 'HWOI'
          ? [kh, kw, c, outC / c]
          : [kh, kw, perGroup, outC];
    const weightType = r.chance(0.88) ? 'int8' : 'uint8';
    const weightZero = weightType === 'uint8' ? r.int(100, 150) : r.chance(0.12) ? r.int(-20, 20) : 0;
    const weight = this.operand(shape, weightType, r.chance(0.85) && weightType === 'int8' ? { low: -127, high: 127 } : undefined); // prettier-ignore
    const weightScales = this.weightScales(outC, groups > 1 && !depthwise);
    const conv = b.attempt(
      'qnn.conv2d',
      [data, weight, this.i32(from.zero), this.i32(weightZero), this.f32(from.scale), weightScales.at],
      {
        strides, padding, dilation, groups, channels: outC, kernel_size: [kh, kw],
        data_layout: nchw ? 'NCHW' : 'NHWC', kernel_layout: layout, out_dtype: 'int32',
      },
    ); // prettier-ignore
    if (conv === undefined) return undefined;
    const axis = nchw ? 1 : 3;
    const q = this.epilogue(conv, axis, outC, kh * kw * perGroup, from, weightScales);
    return nchw ? { ...q, at: b.call('transpose', [q.at], { axes: [0, 2, 3, 1] }) } : q;
  }

  /** Layers of one form, which differ in their constants alone. */
  private repeated(from: Quantised): Quantised {
    const { b, r } = this;
    const c = b.shape(from.at)[3] ?? 1;
    const k = r.pick([1, 1, 3]);
    const dtype = b.dtype(from.at);
    const depthwise = c > 1 && r.chance(0.3);
    const shape = depthwise ? [k, k, c, 1] : [k, k, c, c];
    const taps = k * k * (depthwise ? 1 : c);
    const scale = Math.fround((from.scale * 0.01 * 80 * Math.sqrt(taps)) / 1.2);
    let at = from.at;
    for (let i = r.int(2, 3); i > 0; i--) {
      const weight = this.param(shape, 'int8', { low: -127, high: 127 });
      const pad = (k - 1) / 2;
      const conv = b.call(
        'qnn.conv2d',
        [at, weight, this.i32(from.zero), this.i32(0), this.f32(from.scale), this.f32(0.01)],
        {
          strides: [1, 1], padding: [pad, pad, pad, pad], groups: depthwise ? c : 1, channels: c, kernel_size: [k, k],
          data_layout: 'NHWC', kernel_layout: depthwise ? 'HWOI' : 'HWIO', out_dtype: 'int32',
        },
      ); // prettier-ignore
      const sum = b.call('nn.bias_add', [conv, this.param([c], 'int32', { low: -9000, high: 9000 })], { axis: 3 });
      const [wide, narrow] = [this.f32(from.scale * Math.fround(0.01)), this.f32(scale)];
      // Every layer reads its input as the first does, so that only constants differ.
      at = b.call('qnn.requantize', [sum, wide, this.i32(0), narrow, this.i32(from.zero)], {
        axis: 3,
        out_dtype: dtype,
      });
    }
    return { at, scale, zero: from.zero };
  }

  /** Two layers, of which the first has many channels that are the same for every input. */
  private pruned(from: Quantised): Quantised {
    const { b, r } = this;
    const c = b.shape(from.at)[3] ?? 1;
    const [between, out] = [r.pick([6, 8, 12, 16]), r.int(1, 6)];
    const dtype = b.dtype(from.at);
    const zero = this.zero(dtype);
    const k = r.pick([1, 3, 3]);
    const layer = (at: number, inZero: number, channels: readonly [number, number], size: number, bias: number): number => {
      const taps = size * size * channels[0];
      const weight = this.param([size, size, ...channels], 'int8', { low: -127, high: 127 });
      const pad = (size - 1) / 2;
      const sum = b.call(
        'qnn.conv2d',
        [at, weight, this.i32(inZero), this.i32(0), this.f32(from.scale), this.f32(0.01)],
        {
          strides: [1, 1], padding: [pad, pad, pad, pad], channels: channels[1], kernel_size: [size, size],
          data_layout: 'NHWC', kernel_layout: 'HWIO', out_dtype: 'int32',
        },
      );
      const narrow = Math.fround(from.scale * 0.01 * 60 * Math.sqrt(taps));
      const biased = b.call('nn.bias_add', [sum, bias], { axis: 3 });
      const wide = this.f32(from.scale * Math.fround(0.01));
      return b.call('qnn.requantize', [biased, wide, this.i32(0), this.f32(narrow), this.i32(zero)], { axis: 3, out_dtype: dtype });
    };
    // Beyond saturation most of them; some settle at the zero point itself.
    const values = Array.from({ length: between }, () =>
      r.chance(0.6) ? r.pick([-1, 1]) * r.int(10, 40) * 16384 * c : r.int(-9000, 9000),
    );
    const bias = b.add({ kind: 'param', shape: [between], dtype: 'int32', seed: 1, values });
    const first = layer(from.at, from.zero, [c, between], 1, bias);
    const at = layer(first, zero, [between, out], k, this.param([out], 'int32', { low: -9000, high: 9000 }));
    return { at, scale: Math.fround(from.scale), zero };
  } // prettier-ignore

  private weightScales(channels: number, single: boolean): { at: number; values: readonly number[] } {
    const { b, r } = this;
    const base = this.scale();
    if (single || r.chance(0.35)) return { at: this.f32(base), values: [Math.fround(base)] };
    const values = Array.from({ length: channels }, () => Math.fround(base * (0.3 + r.real())));
    return { at: b.add({ kind: 'param', shape: [channels], dtype: 'float32', seed: 1, values }), values };
  }

  private epilogue(
    sum: number,
    axis: number,
    channels: number,
    taps: number,
    from: Quantised,
    weights: { values: readonly number[] },
  ): Quantised {
    const { b, r } = this;
    let at = sum;
    const rank = b.shape(sum).length;
    if (r.chance(0.8)) {
      // Some channels are pruned: their sums lie beyond saturation for every input.
      const pruned = r.chance(0.2);
      const values = Array.from({ length: channels }, () =>
        pruned && r.chance(0.4) ? r.pick([-1, 1]) * r.int(10, 40) * 16384 * taps : r.int(-9000, 9000),
      );
      const bias = b.add({ kind: 'param', shape: [channels], dtype: 'int32', seed: 1, values });
      if (axis === rank - 1 && r.chance(0.2)) at = b.call('add', [at, bias]);
      else at = b.call('nn.bias_add', [at, bias], { axis: axis === rank - 1 && r.chance(0.3) ? -1 : axis });
    }
    const sums = weights.values.map((v) => Math.fround(v * Math.fround(from.scale)));
    const typical = sums.reduce((x, y) => x + y, 0) / sums.length;
    const ratio = r.chance(0.1)
      ? r.pick([1, 0.5, 2.5, 1e-6, 0.25, 6 / (16384 * taps), 6 / (16384 * taps)])
      : (0.4 + 2 * r.real()) / (80 * Math.sqrt(taps));
    const scale = Math.fround(r.chance(0.05) ? (sums[0] as number) : typical / ratio);
    const dtype = r.chance(0.8) ? 'int8' : 'uint8';
    const zero = this.zero(dtype);
    const inScale =
      sums.length === 1
        ? this.f32(sums[0] as number)
        : b.add({ kind: 'param', shape: [channels], dtype: 'float32', seed: 1, values: sums });
    const attrs = { axis, ...(r.chance(0.12) ? { rounding: r.pick(['TONEAREST', 'UPWARD']) } : {}), out_dtype: dtype };
    if (r.chance(0.07)) {
      // Rectified before it is rescaled.
      at = b.call('nn.relu', [at]);
    }
    at = b.call('qnn.requantize', [at, inScale, this.i32(0), this.f32(scale), this.i32(zero)], attrs);
    return { at: this.clipped(at, dtype), scale, zero };
  }

  private clipped(at: number, dtype: string): number {
    const { b, r } = this;
    if (r.chance(0.4)) return at;
    const [low = 0, high = 0] = ranges[dtype] ?? [];
    const [x, y] = r.chance(0.6) ? [low, high] : [r.int(low, high), r.int(low, high)].sort((p, q) => p - q);
    const bounded = b.call('clip', [at], { a_min: x ?? low, a_max: y ?? high });
    return r.chance(0.15) ? this.clipped(bounded, dtype) : bounded;
  }

  private param(shape: readonly number[], dtype: string, range?: { low: number; high: number }): number {
    return this.b.add({ kind: 'param', shape, dtype, ...(range ? { range } : {}), seed: this.r.int(1, 1e9) });
  }

  /** Weights; now and then they are given at run time. */
  private operand(shape: readonly number[], dtype: string, range?: { low: number; high: number }): number {
    if (!this.r.chance(0.05)) return this.param(shape, dtype, range);
    return this.b.add({ kind: 'input', shape, dtype, ...(range ? { range } : {}) });
  }

  private dense(from: Quantised): Quantised | undefined {
    const { b, r } = this;
    const [, inC = 1] = b.shape(from.at);
    const units = r.pick([1, 2, 3, 4, 5, 7, 10, 12, 17]);
    const weightType = r.chance(0.9) ? 'int8' : 'uint8';
    const weight = this.operand([units, inC], weightType, weightType === 'int8' ? { low: -127, high: 127 } : undefined);
    const weights = this.weightScales(units, false);
    const weightZero = weightType === 'uint8' ? r.int(100, 150) : r.chance(0.1) ? r.int(-9, 9) : 0;
    const at = b.attempt(
      'qnn.dense',
      [from.at, weight, this.i32(from.zero), this.i32(weightZero), this.f32(from.scale), weights.at],
      { units, out_dtype: 'int32' },
    );
    return at === undefined ? undefined : this.epilogue(at, 1, units, inC, from, weights);
  }

  private flatDense(from: Quantised): Quantised | undefined {
    const { b, r } = this;
    const shape = b.shape(from.at);
    const inC = shape.slice(1).reduce((x, y) => x * y, 1);
    if (inC > 600) return undefined;
    const flat = r.chance(0.5)
      ? b.call('reshape', [from.at], { newshape: [shape[0] ?? 1, r.chance(0.5) ? -1 : inC] })
      : b.call('nn.batch_flatten', [from.at]);
    return this.dense({ ...from, at: flat });
  }

  private pool(from: Quantised): Quantised | undefined {
    const { b, r } = this;
    const dtype = b.dtype(from.at);
    const size = [r.int(1, 3), r.int(1, 3)];
    const attrs = {
      pool_size: size, strides: [r.int(1, 2), r.int(1, 2)], dilation: [1, 1],
      padding: r.chance(0.5) ? [0, 0, 0, 0] : [r.int(0, size[0]! - 1), r.int(0, size[1]! - 1), r.int(0, size[0]! - 1), r.int(0, size[1]! - 1)],
      layout: 'NHWC',
    }; // prettier-ignore
    const fits = (i: number): boolean =>
      (b.shape(from.at)[i + 1] ?? 0) + attrs.padding[i]! + attrs.padding[i + 2]! >= size[i]!;
    if (!fits(0) || !fits(1)) return undefined;
    const kind = r.int(0, 2);
    if (kind === 0) {
      const at = b.attempt('nn.max_pool2d', [from.at], { ...attrs, ceil_mode: r.chance(0.2) });
      return at === undefined ? undefined : { ...from, at };
    }
    const wide = b.call('cast', [from.at], { dtype: 'int32' });
    const mean =
      kind === 1
        ? b.attempt('nn.avg_pool2d', [wide], { ...attrs, count_include_pad: r.chance(0.4) })
        : r.chance(0.5)
          ? b.call('nn.global_avg_pool2d', [wide], { layout: 'NHWC' })
          : b.call('mean', [wide], { axis: [1, 2], keepdims: true });
    if (mean === undefined) return undefined;
    return { ...from, at: b.call('cast', [mean], { dtype }) };
  }

  private shapeChange(from: Quantised): Quantised | undefined {
    const { b, r } = this;
    const shape = b.shape(from.at);
    const rank = shape.length;
    switch (r.int(0, 4)) {
      case 0: {
        const axes = rank === 4 ? [0, ...r.shuffled([1, 2, 3])] : r.shuffled([0, 1]);
        return { ...from, at: b.call('transpose', [from.at], { axes }) };
      }
      case 1: {
        const begin = shape.map((n) => (r.chance(0.6) ? 0 : r.int(0, n - 1)));
        const end = shape.map((n, i) => r.int(begin[i]! + 1, n));
        const strides = shape.map(() => (r.chance(0.8) ? 1 : 2));
        return { ...from, at: b.call('strided_slice', [from.at], { begin, end, strides, axes: null }) };
      }
      case 2: {
        const widths = shape.map((_, i) => (i === 0 || r.chance(0.4) ? [0, 0] : [r.int(0, 2), r.int(0, 2)]));
        const at = b.attempt('nn.pad', [from.at, this.i32(from.zero)], { pad_width: widths, pad_mode: 'constant' });
        return at === undefined ? undefined : { ...from, at };
      }
      case 3: {
        if (rank !== 4) return undefined;
        const [n = 1, h = 1, w = 1, c = 1] = shape;
        return { ...from, at: b.call('reshape', [from.at], { newshape: r.pick([[n, w, h, c], [n, h * w, 1, c], [n, 1, h, w * c], [n, h, c, w]]) }) }; // prettier-ignore
      }
      default: {
        const dtype = r.chance(0.5) ? 'int8' : 'uint8';
        const scale = Math.fround(from.scale * (0.3 + 2 * r.real()));
        const zero = this.zero(dtype);
        const at = b.call('qnn.requantize', [from.at, this.f32(from.scale), this.i32(from.zero), this.f32(scale), this.i32(zero)], { out_dtype: dtype }); // prettier-ignore
        return { at, scale, zero };
      }
    }
  }

  private combine(from: Quantised): Quantised | undefined {
    const { b, r } = this;
    const shape = b.shape(from.at);
    const dtype = b.dtype(from.at);
    const scale = Math.fround(from.scale * (0.7 + 2 * r.real()));
    const zero = this.zero(dtype);
    const partners = this.known.filter((q) => b.dtype(q.at) === dtype && same(b.shape(q.at), shape));
    const kind = r.int(0, 4);
    if (kind === 4) {
      const axis = r.int(1, shape.length - 1);
      const fit = this.known.filter(
        (q) =>
          b.dtype(q.at) === dtype &&
          b.shape(q.at).length === shape.length &&
          b.shape(q.at).every((n, i) => i === axis || n === shape[i]),
      );
      const parts = [from, ...Array.from({ length: r.int(1, 2) }, () => r.pick([from, ...fit]))];
      const at = b.attempt(
        'qnn.concatenate',
        [
          parts.map((p) => p.at),
          parts.map((p) => this.f32(p.scale)),
          parts.map((p) => this.i32(p.zero)),
          this.f32(scale),
          this.i32(zero),
        ],
        { axis },
      );
      return at === undefined ? undefined : { at, scale, zero };
    }
    const other = r.chance(0.75) && partners.length > 0 ? r.pick(partners) : this.fresh(shape, dtype);
    const op = kind < 3 ? 'qnn.add' : 'qnn.mul';
    const [lhs, rhs] = r.chance(0.5) ? [from, other] : [other, from];
    const scaleOut = op === 'qnn.mul' ? Math.fround(from.scale * other.scale * (20 + 80 * r.real())) : scale;
    const at = b.attempt(op, [
      lhs.at, rhs.at, this.f32(lhs.scale), this.i32(lhs.zero), this.f32(rhs.scale), this.i32(rhs.zero),
      this.f32(scaleOut), this.i32(zero),
    ]); // prettier-ignore
    return at === undefined ? undefined : { at: this.clipped(at, dtype), scale: scaleOut, zero };
  }

  /** Another input, or a constant, of that shape or of one that broadcasts to it. */
  private fresh(shape: readonly number[], dtype: string): Quantised {
    const { b, r } = this;
    const scale = this.scale();
    const zero = this.zero(dtype);
    const narrow = r.chance(0.3) ? shape.map((n) => (r.chance(0.5) ? 1 : n)) : shape;
    const at = r.chance(0.5) ? b.add({ kind: 'input', shape: narrow, dtype }) : this.param(narrow, dtype);
    return { at, scale, zero };
  }

  /** Ends in floats, and perhaps in quantised values again. */
  private finish(from: Quantised): number | undefined {
    const { b, r } = this;
    let at = b.call('qnn.dequantize', [from.at, this.f32(Math.min(from.scale, 0.05)), this.i32(from.zero)]);
    const op = r.pick(['nn.softmax', 'sigmoid', 'tanh', 'none']);
    if (op === 'nn.softmax') at = b.call(op, [at], { axis: -1 });
    else if (op !== 'none') at = b.call(op, [at]);
    if (r.chance(0.6)) {
      this.approximate = true;
      const dtype = r.pick(['int8', 'uint8']);
      const scale = op === 'tanh' ? 1 / 128 : op === 'none' ? 0.03 : 1 / 256;
      const zero = op === 'tanh' ? 0 : (ranges[dtype]?.[0] ?? 0);
      at = b.call('qnn.quantize', [at, this.f32(scale), this.i32(zero)], { out_dtype: dtype });
    }
    return at;
  }
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}
