/** Gradients of products, activations, normalisations and losses. */
import { adjoints, definition } from '../derivation.ts';
import type { Derivation } from '../derivation.ts';
import type { GradientRule } from '../operator.ts';
import { wrapAxis } from '../relations/axes.ts';

const axisOf = (axis: number, rank: number): number => wrapAxis(axis, rank) ?? 0;

/** a · b as matrices, each transposed first where that is said. */
function product<E>(d: Derivation<E>, a: E, b: E, transposeA: boolean, transposeB: boolean): E {
  return d.call('nn.matmul', [a, b], { units: null, transpose_a: transposeA, transpose_b: transposeB });
}

/** For result = a · bᵀ, or b as it stands; leading dimensions of `a` are rows. */
function matrixAdjoints<E>(d: Derivation<E>, adjoint: E, transposeA: boolean, transposeB: boolean): readonly E[] {
  const [a, b] = [d.arg(0), d.arg(1)];
  const rows = (e: E): E => (d.shape(e).length === 2 ? e : d.reshape(e, [-1, d.shape(e).at(-1) ?? 1]));
  // Transposed operands have two dimensions, so rows are what they seem.
  const [x, g] = [transposeA ? a : rows(a), rows(adjoint)];
  const forA = transposeA ? product(d, b, g, transposeB, true) : product(d, g, b, false, !transposeB);
  const forB = transposeB ? product(d, g, x, true, transposeA) : product(d, x, g, !transposeA, false);
  return [d.reshape(forA, d.shape(a)), forB];
}

interface MatmulAttributes {
  readonly transpose_a: boolean;
  readonly transpose_b: boolean;
}

const batchMatmul = adjoints<MatmulAttributes>((d, { adjoint, attrs }) => {
  const [a, b] = [d.arg(0), d.arg(1)];
  const { transpose_a: ta, transpose_b: tb } = attrs;
  const products = 'nn.batch_matmul';
  const forA = ta
    ? d.call(products, [b, adjoint], { transpose_a: tb, transpose_b: true })
    : d.call(products, [adjoint, b], { transpose_a: false, transpose_b: !tb });
  const forB = tb
    ? d.call(products, [adjoint, a], { transpose_a: true, transpose_b: ta })
    : d.call(products, [a, adjoint], { transpose_a: !ta, transpose_b: false });
  return [d.collapse(forA, a), d.collapse(forB, b)];
});

interface AxisAttributes {
  readonly axis: number;
}

const softmax = adjoints<AxisAttributes>((d, { output, adjoint, attrs }) => {
  const weighted = d.sum(d.mul(adjoint, output), [attrs.axis], true);
  return [d.mul(d.sub(adjoint, weighted), output)];
});

const logSoftmax = adjoints<AxisAttributes>((d, { output, adjoint, attrs }) => {
  const total = d.sum(adjoint, [attrs.axis], true);
  return [d.sub(adjoint, d.mul(d.call('exp', [output]), total))];
});

interface NormAttributes extends AxisAttributes {
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
}

/** (x − mean)/√(variance + epsilon) over `axes`. */
function normalised<E>(d: Derivation<E>, x: E, axes: readonly number[], epsilon: number): E {
  const mean = d.call('mean', [x], { axis: axes, keepdims: true });
  const centred = d.sub(x, mean);
  const variance = d.call('mean', [d.mul(centred, centred)], { axis: axes, keepdims: true });
  return d.div(centred, d.call('sqrt', [d.add(variance, d.number(epsilon, x))]));
}

/** x · gamma + beta along `axis`, as far as the attributes ask. */
function affine<E>(d: Derivation<E>, x: E, gamma: E, beta: E, axis: number, attrs: NormAttributes): E {
  const rank = d.shape(x).length;
  const scaled = attrs.scale ? d.mul(x, d.along(gamma, axis, rank)) : x;
  return attrs.center ? d.add(scaled, d.along(beta, axis, rank)) : scaled;
}

const batchNorm = definition<NormAttributes>((d, attrs) => {
  const [x, gamma, beta, mean, variance] = [d.arg(0), d.arg(1), d.arg(2), d.arg(3), d.arg(4)];
  const rank = d.shape(x).length;
  const axis = axisOf(attrs.axis, rank);
  const centred = d.sub(x, d.along(mean, axis, rank));
  const root = d.call('sqrt', [d.add(variance, d.number(attrs.epsilon, x))]);
  const result = affine(d, d.div(centred, d.along(root, axis, rank)), gamma, beta, axis, attrs);
  return { value: d.tuple([result, mean, variance]) };
});

const layerNorm = definition<NormAttributes>((d, attrs) => {
  const x = d.arg(0);
  const axis = axisOf(attrs.axis, d.shape(x).length);
  return { value: affine(d, normalised(d, x, [axis], attrs.epsilon), d.arg(1), d.arg(2), axis, attrs) };
});

const instanceNorm = definition<NormAttributes>((d, attrs) => {
  const x = d.arg(0);
  const rank = d.shape(x).length;
  const axis = axisOf(attrs.axis, rank);
  const others = [...Array(rank).keys()].filter((i) => i !== 0 && i !== axis);
  return { value: affine(d, normalised(d, x, others, attrs.epsilon), d.arg(1), d.arg(2), axis, attrs) };
});

const groupNorm = definition<NormAttributes & { readonly num_groups: number }>((d, attrs) => {
  const x = d.arg(0);
  const shape = d.shape(x);
  const axis = axisOf(attrs.axis, shape.length);
  const channels = shape[axis] ?? 1;
  if (axis === 0 || attrs.num_groups < 1 || channels % attrs.num_groups !== 0)
    return { none: 'its channels do not split into groups' };
  const split = [...shape.slice(0, axis), attrs.num_groups, channels / attrs.num_groups, ...shape.slice(axis + 1)];
  const reduced = [...split.keys()].filter((i) => i !== 0 && i !== axis);
  const result = d.reshape(normalised(d, d.reshape(x, split), reduced, attrs.epsilon), shape);
  return { value: affine(d, result, d.arg(1), d.arg(2), axis, attrs) };
});

const l2Normalize = definition<{ readonly eps: number; readonly axis: readonly number[] | null }>((d, attrs) => {
  const x = d.arg(0);
  const total = d.call('sum', [d.mul(x, x)], { axis: attrs.axis ?? [], keepdims: true });
  return { value: d.div(x, d.call('sqrt', [d.call('maximum', [total, d.number(attrs.eps, x)])])) };
});

/** x where it is positive, elsewhere x · slope. */
function leaky<E>(d: Derivation<E>, x: E, slope: E): E {
  return d.call('where', [d.call('greater', [x, d.number(0, x)]), x, d.mul(x, slope)]);
}

const nllLoss = definition<{ readonly reduction: string; readonly ignore_index: number }>((d, attrs) => {
  const [predictions, targets, weights] = [d.arg(0), d.arg(1), d.arg(2)];
  const classes = d.shape(predictions)[1] ?? 1;
  const counted = d.call('not_equal', [targets, d.number(attrs.ignore_index, targets)]);
  const index = d.call('clip', [targets], { a_min: 0, a_max: classes - 1 });
  const rows = d.call('expand_dims', [index], { axis: 1 });
  const picked = d.reshape(d.call('gather', [predictions, rows], { axis: 1 }), d.shape(targets));
  const taken = d.call('take', [weights, index], { axis: 0 });
  const weight = d.call('where', [counted, taken, d.zeros(taken)]);
  const losses = d.call('negative', [d.mul(weight, picked)]);
  if (attrs.reduction === 'none') return { value: losses };
  const axes = [...d.shape(targets).keys()];
  const total = d.sum(losses, axes);
  return { value: attrs.reduction === 'sum' ? total : d.div(total, d.sum(weight, axes)) };
});

/** −sum(x · y)/batch. */
function entropy<E>(d: Derivation<E>, x: E, y: E): E {
  const total = d.sum(d.mul(x, d.call('cast_like', [y, x])), [0, 1]);
  return d.scale(total, -1 / (d.shape(x)[0] ?? 1));
}

export const nnAdjoints: Readonly<Record<string, GradientRule<never>>> = {
  'nn.dense': adjoints<unknown>((d, { adjoint }) => matrixAdjoints(d, adjoint, false, true)),
  'nn.matmul': adjoints<MatmulAttributes>((d, { adjoint, attrs }) => {
    if (attrs.transpose_a && d.shape(d.arg(0)).length !== 2) return { none: 'the transposed operand is no matrix' };
    return matrixAdjoints(d, adjoint, attrs.transpose_a, attrs.transpose_b);
  }),
  'nn.batch_matmul': batchMatmul,
  'nn.bias_add': adjoints<AxisAttributes>((d, { adjoint, attrs }) => {
    const rank = d.shape(adjoint).length;
    const axis = axisOf(attrs.axis, rank);
    return [
      adjoint,
      d.sum(
        adjoint,
        [...Array(rank).keys()].filter((i) => i !== axis),
      ),
    ];
  }),
  'nn.relu': adjoints<unknown>((d, { adjoint }) => {
    const x = d.arg(0);
    return [d.call('where', [d.call('greater', [x, d.number(0, x)]), adjoint, d.zeros(x)])];
  }),
  'nn.leaky_relu': definition<{ readonly alpha: number }>((d, { alpha }) => ({
    value: leaky(d, d.arg(0), d.number(alpha, d.arg(0))),
  })),
  'nn.prelu': definition<AxisAttributes>((d, attrs) => {
    const x = d.arg(0);
    const rank = d.shape(x).length;
    return { value: leaky(d, x, d.along(d.arg(1), axisOf(attrs.axis, rank), rank)) };
  }),
  'nn.softmax': softmax,
  'nn.fast_softmax': softmax,
  'nn.log_softmax': logSoftmax,
  'nn.batch_norm': batchNorm,
  'nn.layer_norm': layerNorm,
  'nn.instance_norm': instanceNorm,
  'nn.group_norm': groupNorm,
  'nn.l2_normalize': l2Normalize,
  'nn.dropout': definition<unknown>((d) => ({ value: d.tuple([d.arg(0), d.call('ones_like', [d.arg(0)])]) })),
  'nn.batch_flatten': adjoints<unknown>((d, { adjoint }) => [d.reshape(adjoint, d.shape(d.arg(0)))]),
  'nn.cross_entropy': definition<unknown>((d) => ({ value: entropy(d, d.call('log', [d.arg(0)]), d.arg(1)) })),
  'nn.cross_entropy_with_logits': definition<unknown>((d) => ({ value: entropy(d, d.arg(0), d.arg(1)) })),
  'nn.nll_loss': nllLoss,
  'nn.fifo_buffer': { none: 'it keeps state between calls' },
};
