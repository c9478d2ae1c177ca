/** Normalisation: batch, layer, instance and group norm, local response and L2. */
import type { DType } from '../../tensor/dtype.ts';
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import {
  add,
  all,
  binary,
  cast,
  compare,
  compute,
  floordiv,
  minimum,
  int,
  load,
  maximum,
  mul,
  reduce,
  select,
  sub,
  unary,
} from '../../tensor/te.ts';
import type { TensorType } from '../../types/type.ts';
import { tensorType, tupleType } from '../../types/type.ts';
import { adviseGroups } from '../advice/shapes.ts';
import { doubtful } from '../advice/values.ts';
import { attr } from '../attributes.ts';
import { number, tensorAt } from '../compute/tensors.ts';
import type { RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { copyOf } from '../relations/explain.ts';
import { explainIdentity, identityRelation } from '../relations/identity.ts';
import { sameDType } from './activation.ts';
import { badAttribute, checkShape, fail, onInput, optionalTensor, resolveAxis, tensorInput } from './relate.ts';

const center = attr.bool('Adds `beta`.', { default: true });
const scale = attr.bool('Multiplies by `gamma`.', { default: true });
const epsilon = attr.float('Added to the variance, so that nothing is divided by zero.', { default: 1e-5 });
const gamma = { name: 'gamma', summary: 'One factor for each channel.' };
const beta = { name: 'beta', summary: 'One summand for each channel.' };
const tolerance = { relative: 1e-4, absolute: 1e-5 };

/** Checks the vectors along `axis` at the inputs after the data, and gives `result`. */
function withVectors(
  context: Pick<RelateContext<unknown>, 'inputs'>,
  data: TensorType,
  axis: number,
  names: readonly string[],
  result: RelateResult & { kind: 'ok' },
): RelateResult {
  const expected = tensorType([data.shape[axis] ?? 1], data.dtype);
  for (const [i, name] of names.entries()) {
    const vector = optionalTensor(context, i + 1, name);
    if (vector?.kind === 'error') return vector;
    if (!vector) continue;
    const problem =
      checkShape(vector, expected.shape, i + 1, name, `like dimension ${axis} of \`data\``, [
        { blame: onInput(0, axis), message: `this is dimension ${axis} of the data` },
      ]) ?? sameDType(vector, data, i + 1, name);
    if (problem) return problem;
  }
  return { ...result, assign: names.map((_, i) => ({ index: i + 1, type: expected })) };
}

const resultOf = (data: TensorType): RelateResult & { kind: 'ok' } => ({ kind: 'ok', result: data });

const batchNorm = defineOperator({
  name: 'nn.batch_norm',
  summary: 'Batch normalisation with given statistics: `(x − mean) / sqrt(var + epsilon) · gamma + beta` a channel.',
  details: 'Returns the normalised data, the moving mean and the moving variance; most programs take field `.0`.',
  inputs: [
    { name: 'data', summary: 'The tensor.' },
    gamma,
    beta,
    { name: 'moving_mean', summary: 'Mean of each channel.' },
    { name: 'moving_var', summary: 'Variance of each channel.' },
  ],
  attributes: { axis: attr.int('The channel axis; -1 is the last.', { default: 1 }), epsilon, center, scale },
  attrsType: 'relay.attrs.BatchNormAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const rank = data.shape.length;
    if (context.attrs.axis < -1)
      return badAttribute('axis', `\`axis\` must be -1 or a dimension, but it is ${context.attrs.axis}.`, {
        remedy: `Write \`axis=${Math.max(0, context.attrs.axis + rank)}\`.`,
      });
    const axis = resolveAxis(context.attrs.axis, rank);
    if (typeof axis !== 'number') return axis;
    const vector = tensorType([data.shape[axis] ?? 1], data.dtype);
    return withVectors(context, data, axis, ['gamma', 'beta', 'moving_mean', 'moving_var'], {
      kind: 'ok',
      result: tupleType([data, vector, vector]),
    });
  },
  explain(context, _result, at) {
    const [data] = context.inputs;
    if (at.field === 0 || data?.kind !== 'tensor') return copyOf(0, at.dim);
    return copyOf(0, context.attrs.axis < 0 ? data.shape.length - 1 : context.attrs.axis);
  },
  compute(context) {
    const data = tensorAt(context, 0);
    const [g, b, mean, variance] = [1, 2, 3, 4].map((i) => tensorAt(context, i)) as [
      TETensor,
      TETensor,
      TETensor,
      TETensor,
    ];
    const { attrs } = context;
    const axis = attrs.axis < 0 ? attrs.axis + data.shape.length : attrs.axis;
    const one = number(1, data.dtype);
    const factor = compute('scale', g.shape, (c) => {
      const root = unary('sqrt', add(load(variance, c), number(attrs.epsilon, data.dtype)));
      const inverse = binary('div', one, root);
      return attrs.scale ? mul(inverse, load(g, c)) : inverse;
    });
    const shift = compute('shift', g.shape, (c) => {
      const shifted = mul(unary('neg', load(mean, c)), load(factor, c));
      return attrs.center ? add(shifted, load(b, c)) : shifted;
    });
    return [
      compute('batch_norm', data.shape, (...i) => {
        const c = i[axis] ?? int(0);
        return add(mul(load(data, ...i), load(factor, c)), load(shift, c));
      }),
      compute('moving_mean', mean.shape, (c) => load(mean, c)),
      compute('moving_var', variance.shape, (c) => load(variance, c)),
    ];
  },
  fusion: 'out-elementwise-fusable',
  tolerance,
  examples: [
    {
      title: 'After a convolution',
      source: `def @main(%x: Tensor[(1, 16, 8, 8), float32], %g: Tensor[(16), float32], %b: Tensor[(16), float32],
    %m: Tensor[(16), float32], %v: Tensor[(16), float32]) {
  %0 = nn.batch_norm(%x, %g, %b, %m, %v);
  %0.0
}`,
    },
  ],
});

/** `(x − mean) / sqrt(var + epsilon)` with statistics over the axes in `over`, then gamma and beta of a channel. */
function normalise(
  data: TETensor,
  over: readonly number[],
  settings: { readonly epsilon: number; readonly gamma?: TETensor; readonly beta?: TETensor; readonly axis: number },
): TETensor {
  const kept = data.shape.map((_, d) => d).filter((d) => !over.includes(d));
  const extents = over.map((d) => data.shape[d] ?? 1);
  const count = number(
    extents.reduce((product, n) => product * n, 1),
    data.dtype,
  );
  const shape = kept.map((d) => data.shape[d] ?? 1);
  const place = (outer: readonly TEExpr[], inner: readonly TEExpr[]): TEExpr[] =>
    data.shape.map((_, d) => (over.includes(d) ? inner[over.indexOf(d)] : outer[kept.indexOf(d)]) ?? int(0));
  const sum = compute('sum', shape, (...o) => reduce('sum', extents, (...r) => load(data, ...place(o, r))));
  const mean = compute('mean', shape, (...o) => binary('div', load(sum, ...o), count));
  const squares = compute('squares', shape, (...o) =>
    reduce('sum', extents, (...r) => {
      const difference = sub(load(data, ...place(o, r)), load(mean, ...o));
      return mul(difference, difference);
    }),
  );
  const variance = compute('variance', shape, (...o) => binary('div', load(squares, ...o), count));
  return compute('norm', data.shape, (...i) => {
    const o = kept.map((d) => i[d] ?? int(0));
    const root = unary('sqrt', add(load(variance, ...o), number(settings.epsilon, data.dtype)));
    const c = i[settings.axis] ?? int(0);
    let value = binary('div', sub(load(data, ...i), load(mean, ...o)), root);
    if (settings.gamma) value = mul(value, load(settings.gamma, c));
    if (settings.beta) value = add(value, load(settings.beta, c));
    return value;
  });
}

const settingsOf = (
  g: TETensor,
  b: TETensor,
  attrs: { readonly epsilon: number; readonly center: boolean; readonly scale: boolean },
  axis: number,
) => ({ epsilon: attrs.epsilon, axis, ...(attrs.scale ? { gamma: g } : {}), ...(attrs.center ? { beta: b } : {}) });

const layerNorm = defineOperator({
  name: 'nn.layer_norm',
  summary: 'Normalises along one axis: `(x − mean) / sqrt(var + epsilon) · gamma + beta`.',
  inputs: [{ name: 'data', summary: 'The tensor.' }, gamma, beta],
  attributes: { axis: attr.int('The axis that is normalised.', { default: -1 }), epsilon, center, scale },
  attrsType: 'relay.attrs.LayerNormAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const axis = resolveAxis(context.attrs.axis, data.shape.length);
    return typeof axis === 'number' ? withVectors(context, data, axis, ['gamma', 'beta'], resultOf(data)) : axis;
  },
  explain: explainIdentity,
  compute(context) {
    const data = tensorAt(context, 0);
    const axis = context.attrs.axis < 0 ? context.attrs.axis + data.shape.length : context.attrs.axis;
    const settings = settingsOf(tensorAt(context, 1), tensorAt(context, 2), context.attrs, axis);
    return [normalise(data, [axis], settings)];
  },
  fusion: 'opaque',
  tolerance,
});

const instanceNorm = defineOperator({
  name: 'nn.instance_norm',
  summary: 'Normalises each channel of each element of the batch over the spatial dimensions.',
  inputs: [{ name: 'data', summary: 'A tensor of at least 3 dimensions; the first is the batch.' }, gamma, beta],
  attributes: { axis: attr.int('The channel axis.', { default: 1 }), epsilon, center, scale },
  attrsType: 'relay.attrs.InstanceNormAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    if (data.shape.length <= 2)
      return fail(
        'rank-mismatch',
        `\`data\` must have at least 3 dimensions, but it has ${data.shape.length}.`,
        onInput(0),
      );
    const axis = resolveAxis(context.attrs.axis, data.shape.length);
    return typeof axis === 'number' ? withVectors(context, data, axis, ['gamma', 'beta'], resultOf(data)) : axis;
  },
  explain: explainIdentity,
  compute(context) {
    const data = tensorAt(context, 0);
    const axis = context.attrs.axis < 0 ? context.attrs.axis + data.shape.length : context.attrs.axis;
    const over = data.shape.map((_, d) => d).filter((d) => d !== 0 && d !== axis);
    return [normalise(data, over, settingsOf(tensorAt(context, 1), tensorAt(context, 2), context.attrs, axis))];
  },
  fusion: 'opaque',
  tolerance,
});

const groupNorm = defineOperator({
  name: 'nn.group_norm',
  summary: 'Splits the channels into groups and normalises each group of each element of the batch.',
  inputs: [{ name: 'data', summary: 'The tensor; the first dimension is the batch.' }, gamma, beta],
  attributes: {
    num_groups: attr.int('Number of groups the channels are split into.', { default: 0 }),
    axis: attr.int('The channel axis.', { default: 1 }),
    epsilon,
    center,
    scale,
  },
  attrsType: 'relay.attrs.GroupNormAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const axis = resolveAxis(context.attrs.axis, data.shape.length);
    return typeof axis === 'number' ? withVectors(context, data, axis, ['gamma', 'beta'], resultOf(data)) : axis;
  },
  advise: adviseGroups,
  explain: explainIdentity,
  compute(context) {
    const data = tensorAt(context, 0);
    const { attrs } = context;
    const axis = attrs.axis < 0 ? attrs.axis + data.shape.length : attrs.axis;
    const channels = data.shape[axis] ?? 1;
    // Where groups do not divide the channels (which is warned of), the last one is filled up with the last channel.
    const size = Math.max(1, Math.ceil(channels / Math.max(1, attrs.num_groups)));
    const groups = Math.ceil(channels / size);
    const exact = channels === groups * size;
    const split = [...data.shape.slice(0, axis), groups, size, ...data.shape.slice(axis + 1)];
    const grouped = compute('grouped', split, (...i) => {
      const channel = add(mul(i[axis] ?? int(0), int(size)), i[axis + 1] ?? int(0));
      const inside = exact ? channel : minimum(channel, int(channels - 1));
      return load(data, ...i.slice(0, axis), inside, ...i.slice(axis + 2));
    });
    const over = split.map((_, d) => d).filter((d) => d !== 0 && d !== axis);
    const normal = normalise(grouped, over, { epsilon: attrs.epsilon, axis });
    return [
      compute('group_norm', data.shape, (...i) => {
        const c = i[axis] ?? int(0);
        const group = floordiv(c, int(size));
        const within = sub(c, mul(group, int(size)));
        let value = load(normal, ...i.slice(0, axis), group, within, ...i.slice(axis + 1));
        if (attrs.scale) value = mul(value, load(tensorAt(context, 1), c));
        if (attrs.center) value = add(value, load(tensorAt(context, 2), c));
        return value;
      }),
    ];
  },
  fusion: 'opaque',
  tolerance,
});

const l2Normalize = defineOperator({
  name: 'nn.l2_normalize',
  summary: 'Divides by the Euclidean norm over some axes: `x / sqrt(max(sum(x²), eps))`.',
  inputs: [{ name: 'data', summary: 'The tensor.' }],
  attributes: {
    eps: attr.float('Least value of the sum of squares.'),
    axis: attr.maybeInts('The axes that the sum runs over; all when empty.'),
  },
  attrsType: 'relay.attrs.L2NormalizeAttrs',
  relate: identityRelation,
  explain: explainIdentity,
  compute(context) {
    const data = tensorAt(context, 0);
    const rank = data.shape.length;
    const given = context.attrs.axis ?? [];
    const over = given.length === 0 ? data.shape.map((_, d) => d) : given.map((a) => (a < 0 ? a + rank : a));
    const kept = data.shape.map((_, d) => d).filter((d) => !over.includes(d));
    const axes = [...over].sort((a, b) => a - b);
    const sum = compute(
      'sum',
      kept.map((d) => data.shape[d] ?? 1),
      (...o) =>
        reduce(
          'sum',
          axes.map((d) => data.shape[d] ?? 1),
          (...r) => {
            const x = load(
              data,
              ...data.shape.map((_, d) => (axes.includes(d) ? r[axes.indexOf(d)] : o[kept.indexOf(d)]) ?? int(0)),
            );
            return mul(x, x);
          },
        ),
    );
    return [
      compute('l2_normalize', data.shape, (...i) => {
        const total = load(sum, ...kept.map((d) => i[d] ?? int(0)));
        const root = unary('sqrt', maximum(total, number(context.attrs.eps, data.dtype)));
        return binary('div', load(data, ...i), root);
      }),
    ];
  },
  fusion: 'opaque',
  tolerance,
});

const lrn = defineOperator({
  name: 'nn.lrn',
  summary: 'Local response normalisation: `x / (bias + alpha · sum(x²) / size)^beta` over neighbouring channels.',
  inputs: [{ name: 'data', summary: 'A tensor of 4 dimensions.' }],
  attributes: {
    size: attr.int('Number of neighbouring channels, an odd number.', { default: 5 }),
    axis: attr.int('The axis along which neighbours lie.', { default: 1 }),
    bias: attr.float('Added to the sum.', { default: 2 }),
    alpha: attr.float('Factor of the sum.', { default: 0.0001 }),
    beta: attr.float('Exponent.', { default: 0.75 }),
  },
  attrsType: 'relay.attrs.LRNAttrs',
  relate: identityRelation,
  advise: ({ attrs: { size } }) =>
    size % 2 === 1 && size > 0
      ? []
      : [
          doubtful(
            'size',
            `\`size\` is ${size}, but the window is centred, so it is an odd number.`,
            `Write ${size < 1 ? 1 : size + 1}.`,
          ),
        ],
  explain: explainIdentity,
  compute(context) {
    const data = tensorAt(context, 0);
    const { attrs } = context;
    const dtype: DType = data.dtype;
    const axis = attrs.axis < 0 ? attrs.axis + data.shape.length : attrs.axis;
    const half = Math.floor(attrs.size / 2);
    const extent = data.shape[axis] ?? 1;
    return [
      compute('lrn', data.shape, (...i) => {
        const sum = reduce('sum', [attrs.size], (r) => {
          const index = sub(add(i[axis] ?? int(0), r ?? int(0)), int(half));
          const x = load(data, ...i.map((e, d) => (d === axis ? index : e)));
          const inside = all([compare('ge', index, int(0)), compare('lt', index, int(extent))]);
          return select(inside, mul(x, x), number(0, dtype));
        });
        const scaled = binary('div', mul(number(attrs.alpha, dtype), sum), cast(dtype, int(attrs.size)));
        const power = binary('pow', add(number(attrs.bias, dtype), scaled), number(attrs.beta, dtype));
        return binary('div', load(data, ...i), power);
      }),
    ];
  },
  fusion: 'opaque',
  tolerance: { relative: 1e-4, absolute: 1e-5 },
});

export const normOperators = [batchNorm, layerNorm, instanceNorm, groupNorm, l2Normalize, lrn];
