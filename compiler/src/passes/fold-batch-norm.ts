/** Turns inference-time batch normalisation into a multiplication and an addition, and those into weights. */
import { callOperator, constant, joinOrigins, operatorName, scalar } from '../ir/build.ts';
import type { Call, Constant, Expr } from '../ir/expr.ts';
import { parentsOf, rewriteModule } from '../ir/visit.ts';
import { isFloat } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import type { Pass, PassContext } from './pass.ts';

/**
 * `nn.batch_norm(nn.conv2d(%x, W), γ, β, μ, σ²).0` with constants becomes `nn.bias_add(nn.conv2d(%x, W·s), β − μ·s)`,
 * s = γ / sqrt(σ² + ε). Without a convolution of constant weight in front it becomes `x·s + b`; so it does with
 * statistics that are no constants.
 */
export const foldBatchNorm: Pass = {
  name: 'fold-batch-norm',
  summary: 'Folds batch normalisation with constant statistics into the weights of the convolution before it.',
  example: {
    before: `def @main(%x: Tensor[(1, 3, 8, 8), float32]) {
  %0 = nn.conv2d(%x, full(0.5f, shape=[4, 3, 1, 1], dtype="float32"), channels=4, kernel_size=[1, 1], padding=[0, 0, 0, 0]);
  %1 = nn.batch_norm(%0, full(2f, shape=[4], dtype="float32"), full(1f, shape=[4], dtype="float32"), full(0f, shape=[4], dtype="float32"), full(4f, shape=[4], dtype="float32"));
  %1.0
}`,
    after: `def @main(%x: Tensor[(1, 3, 8, 8), float32]) -> Tensor[(1, 4, 8, 8), float32] {
  %0 = nn.conv2d(%x, meta[relay.Constant][0], padding=[0, 0, 0, 0], channels=4, kernel_size=[1, 1]);
  nn.bias_add(%0, meta[relay.Constant][1])
}`,
    folded: true,
  },
  run(module, context) {
    let folded = 0;
    let expanded = 0;
    const singleUse = new Set<Expr>();
    for (const f of module.functions.values())
      for (const [e, parents] of parentsOf(f.body)) if (parents.length === 1) singleUse.add(e);
    const result = rewriteModule(module, (e, original) => {
      if (e.kind !== 'get' || e.index !== 0 || e.tuple.kind !== 'call') return e;
      if (operatorName(e.tuple) !== 'nn.batch_norm' || original.kind !== 'get' || original.tuple.kind !== 'call')
        return e;
      const data = original.tuple.args[0];
      const norm = normOf(e.tuple, e);
      if (norm === undefined) {
        const general = withVariables(e.tuple, context, e);
        if (general !== undefined) expanded++;
        return general ?? e;
      }
      const conv = data !== undefined && singleUse.has(data) ? intoConvolution(e.tuple, norm, context, e) : undefined;
      if (conv !== undefined) {
        folded++;
        return conv;
      }
      const separate = scaleAndShift(e.tuple, norm, context, e);
      if (separate === undefined) return e;
      expanded++;
      return separate;
    });
    return {
      module: result,
      statistics: { 'normalisations folded into weights': folded, 'normalisations made multiply and add': expanded },
    };
  },
};

interface Norm {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
  readonly axis: number;
}

function floats(e: Expr | undefined): Float32Array | undefined {
  return e?.kind === 'constant' && e.value.data instanceof Float32Array && e.value.dtype === 'float32'
    ? e.value.data
    : undefined;
}

function normOf(e: Call, whole: Expr): Norm | undefined {
  const [, g, b, m, v] = e.args;
  const [gamma, beta, mean, variance] = [floats(g), floats(b), floats(m), floats(v)];
  if (gamma === undefined || beta === undefined || mean === undefined || variance === undefined) return undefined;
  const epsilon = Number(e.attrs['epsilon']);
  const scale = new Float32Array(mean.length);
  const shift = new Float32Array(mean.length);
  for (let i = 0; i < mean.length; i++) {
    const s = (e.attrs['scale'] === false ? 1 : (gamma[i] ?? 1)) / Math.sqrt((variance[i] ?? 0) + epsilon);
    scale[i] = s;
    shift[i] = (e.attrs['center'] === false ? 0 : (beta[i] ?? 0)) - (mean[i] ?? 0) * s;
  }
  const rank = whole.type.kind === 'tensor' ? whole.type.shape.length : 0;
  const axis = Number(e.attrs['axis']);
  return { scale, shift, axis: axis < 0 ? axis + rank : axis };
}

function vector(data: Float32Array, like: Expr): Constant {
  return constant({ dtype: 'float32', shape: [data.length], data }, like.origin);
}

function intoConvolution(e: Call, norm: Norm, context: PassContext, whole: Expr): Expr | undefined {
  const conv = e.args[0];
  if (conv?.kind !== 'call' || operatorName(conv) !== 'nn.conv2d') return undefined;
  const [data, weight] = conv.args;
  if (data === undefined || weight?.kind !== 'constant' || floats(weight) === undefined) return undefined;
  const layout = String(conv.attrs['kernel_layout']);
  const outLayout = String(conv.attrs['out_layout'] || conv.attrs['data_layout']);
  if (outLayout.indexOf('C') !== norm.axis || !/^[OIHW]{4}$/.test(layout)) return undefined;
  const scaled = scaleWeight(weight.value, layout, norm.scale, Number(conv.attrs['groups']));
  if (scaled === undefined) return undefined;
  const origin = joinOrigins(conv.origin, whole.origin);
  const folded: Call = { ...conv, args: [data, constant(scaled, weight.origin, weight.name)], origin };
  return callOperator(context.operators, 'nn.bias_add', [folded, vector(norm.shift, e)], { axis: norm.axis }, origin);
}

/** Multiplies each output channel of a weight by its factor. */
function scaleWeight(weight: NDArray, layout: string, scale: Float32Array, groups: number): NDArray | undefined {
  const dims = weight.shape;
  const size = (letter: string): number => dims[layout.indexOf(letter)] ?? 0;
  const stride = (letter: string): number => dims.slice(layout.indexOf(letter) + 1).reduce((a, b) => a * b, 1);
  // Depthwise weights in HWOI hold (channel, multiplier); elsewhere O alone counts the output channels.
  const depthwise = layout === 'HWOI' && groups > 1;
  const channels = depthwise ? size('O') * size('I') : size('O');
  if (channels !== scale.length) return undefined;
  const data = new Float32Array(weight.data.length);
  for (let i = 0; i < data.length; i++) {
    const o = Math.floor(i / stride('O')) % size('O');
    const channel = depthwise ? o * size('I') + (Math.floor(i / stride('I')) % size('I')) : o;
    data[i] = Number(weight.data[i]) * (scale[channel] ?? 1);
  }
  return { ...weight, data };
}

function scaleAndShift(e: Call, norm: Norm, context: PassContext, whole: Expr): Expr | undefined {
  const data = e.args[0];
  if (data === undefined || whole.type.kind !== 'tensor') return undefined;
  const shape = whole.type.shape.map((_, i) => (i === norm.axis ? norm.scale.length : 1));
  const factor = constant({ dtype: 'float32', shape, data: norm.scale }, e.origin);
  const addend = constant({ dtype: 'float32', shape, data: norm.shift }, e.origin);
  const scaled = callOperator(context.operators, 'multiply', [data, factor], {}, whole.origin);
  return callOperator(context.operators, 'add', [scaled, addend], {}, whole.origin);
}

/** `x·s + b` where scale and shift are computed at run time, from vectors of one element a channel. */
function withVariables(e: Call, context: PassContext, whole: Expr): Expr | undefined {
  const [data, gamma, beta, mean, variance] = e.args;
  if (!data || !gamma || !beta || !mean || !variance || whole.type.kind !== 'tensor') return undefined;
  if (!isFloat(whole.type.dtype) || !whole.type.shape.every((d) => typeof d === 'number')) return undefined;
  const rank = whole.type.shape.length;
  const axis = (Number(e.attrs['axis']) + rank) % rank;
  const op = (name: string, ...args: readonly Expr[]): Expr =>
    callOperator(context.operators, name, args, {}, whole.origin);
  const number = (value: number): Expr => scalar(value, dtype, e.origin);
  const { dtype, shape } = whole.type;
  const inverse = op('divide', number(1), op('sqrt', op('add', variance, number(Number(e.attrs['epsilon'])))));
  const factor = e.attrs['scale'] === false ? inverse : op('multiply', gamma, inverse);
  const offset = op('multiply', mean, factor);
  const addend = e.attrs['center'] === false ? op('negative', offset) : op('subtract', beta, offset);
  const newshape = shape.map((d, i) => (i === axis ? Number(d) : 1));
  const spread = (v: Expr): Expr => callOperator(context.operators, 'reshape', [v], { newshape }, whole.origin);
  return op('add', op('multiply', data, spread(factor)), spread(addend));
}
