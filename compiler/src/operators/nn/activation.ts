/** Elementwise and normalised activations: `relu`, `leaky_relu`, `prelu`, softmax and its kin, `bias_add`, `dropout`. */
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import { add, binary, compare, compute, int, load, maximum, mul, reduce, select, sub, unary } from '../../tensor/te.ts';
import { tensorType, tupleType } from '../../types/type.ts';
import { doubtful } from '../advice/values.ts';
import { attr } from '../attributes.ts';
import { lowest, mapElements, number, outputOf, tensorAt } from '../compute/tensors.ts';
import type { ComputeContext, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { copyOf } from '../relations/explain.ts';
import { explainIdentity, identityRelation } from '../relations/identity.ts';
import { badAttribute, checkShape, onInput, ok, optionalTensor, resolveAxis, tensorInput } from './relate.ts';

export const relu = defineOperator({
  name: 'nn.relu',
  summary: 'Rectifier: `max(x, 0)`.',
  inputs: [{ name: 'data', summary: 'Any tensor.' }],
  attributes: {},
  relate: identityRelation,
  explain: explainIdentity,
  compute(context) {
    const data = tensorAt(context, 0);
    return [mapElements('relu', data, (x) => maximum(x, number(0, data.dtype)))];
  },
  fusion: 'elementwise',
  examples: [{ title: 'After a layer', source: `def @main(%x: Tensor[(1, 16), float32]) {\n  nn.relu(%x)\n}` }],
});

export const leakyRelu = defineOperator({
  name: 'nn.leaky_relu',
  summary: 'Leaky rectifier: `x` where positive, else `alpha · x`.',
  inputs: [{ name: 'data', summary: 'Any tensor.' }],
  attributes: { alpha: attr.float('Slope for negative elements.', { default: 0.25, min: 0 }) },
  attrsType: 'relay.attrs.LeakyReluAttrs',
  relate: identityRelation,
  explain: explainIdentity,
  compute(context) {
    const data = tensorAt(context, 0);
    const alpha = number(context.attrs.alpha, data.dtype);
    return [mapElements('leaky_relu', data, (x) => select(compare('gt', x, number(0, data.dtype)), x, mul(x, alpha)))];
  },
  fusion: 'elementwise',
});

export const prelu = defineOperator({
  name: 'nn.prelu',
  summary: 'Parametric rectifier: `x` where positive, else `alpha[c] · x`, with a slope for each channel.',
  inputs: [
    { name: 'data', summary: 'The tensor.' },
    { name: 'alpha', summary: 'One slope for each element of `axis`.' },
  ],
  attributes: { axis: attr.int('The channel axis; it must not be negative.', { default: 1 }) },
  attrsType: 'relay.attrs.PReluAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const { axis } = context.attrs;
    if (axis < 0)
      return badAttribute('axis', `\`axis\` must not be negative, but it is ${axis}.`, {
        remedy: `Write \`axis=${Math.max(0, axis + data.shape.length)}\`.`,
      });
    const resolved = resolveAxis(axis, data.shape.length);
    if (typeof resolved !== 'number') return resolved;
    return channelVector(context, 1, 'alpha', data, resolved);
  },
  explain: explainIdentity,
  compute(context) {
    const data = tensorAt(context, 0);
    const alpha = tensorAt(context, 1);
    return [
      compute('prelu', data.shape, (...i) => {
        const x = load(data, ...i);
        const slope = load(alpha, i[context.attrs.axis] ?? int(0));
        return select(compare('gt', x, number(0, data.dtype)), x, mul(x, slope));
      }),
    ];
  },
  fusion: 'broadcast',
});

/** The result is the data's type; input `index` is a vector along the data's axis `axis`. */
function channelVector(
  context: Pick<RelateContext<unknown>, 'inputs'>,
  index: number,
  name: string,
  data: ReturnType<typeof tensorType>,
  axis: number,
): RelateResult {
  const expected = tensorType([data.shape[axis] ?? 1], data.dtype);
  const vector = optionalTensor(context, index, name);
  if (vector?.kind === 'error') return vector;
  if (vector) {
    const problem =
      checkShape(vector, expected.shape, index, name, `like dimension ${axis} of \`data\``, [
        { blame: onInput(0, axis), message: `this is dimension ${axis} of the data` },
      ]) ?? sameDType(vector, data, index, name);
    if (problem) return problem;
  }
  return ok(data, [{ index, type: expected }]);
}

/** Demands that an input has the data's element type. */
export function sameDType(
  vector: ReturnType<typeof tensorType>,
  data: ReturnType<typeof tensorType>,
  index: number,
  name: string,
): Extract<RelateResult, { kind: 'error' }> | undefined {
  if (vector.dtype === data.dtype) return undefined;
  return {
    kind: 'error',
    error: {
      code: 'dtype-mismatch',
      message: `\`${name}\` must be ${data.dtype} like \`data\`, but it is ${vector.dtype}.`,
      blame: onInput(index),
      remedy: `Convert it with \`cast(…, dtype="${data.dtype}")\`.`,
      related: [{ blame: onInput(0), message: `the data is ${data.dtype}` }],
    },
  };
}

export const biasAdd = defineOperator({
  name: 'nn.bias_add',
  summary: 'Adds a vector along one axis.',
  inputs: [
    { name: 'data', summary: 'The tensor.' },
    { name: 'bias', summary: 'One number for each element of `axis`.' },
  ],
  attributes: {
    axis: attr.int('The axis that the bias runs along; negative ones count from the end.', { default: 1 }),
  },
  attrsType: 'relay.attrs.BiasAddAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const axis = resolveAxis(context.attrs.axis, data.shape.length);
    if (typeof axis !== 'number') return axis;
    return channelVector(context, 1, 'bias', data, axis);
  },
  explain: explainIdentity,
  compute(context) {
    const data = tensorAt(context, 0);
    const bias = tensorAt(context, 1);
    const { axis } = context.attrs;
    const at = axis < 0 ? axis + data.shape.length : axis;
    return [compute('bias_add', data.shape, (...i) => add(load(data, ...i), load(bias, i[at] ?? int(0))))];
  },
  fusion: 'broadcast',
  examples: [
    {
      title: 'A bias for each channel of an NHWC image',
      source: `def @main(%x: Tensor[(1, 8, 8, 16), float32], %b: Tensor[(16), float32]) {
  nn.bias_add(%x, %b, axis=3)
}`,
    },
  ],
});

const softmaxAttributes = {
  axis: attr.int('The axis along which the result sums to one.', { default: -1 }),
};

function relateSoftmax(context: RelateContext<{ readonly axis: number }>): RelateResult {
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const axis = resolveAxis(context.attrs.axis, data.shape.length);
  return typeof axis === 'number' ? ok(data) : axis;
}

/** Reduces along `axis`: `body` sees the indices with the reduced one in place. */
function along(
  name: string,
  data: TETensor,
  axis: number,
  op: 'sum' | 'max',
  body: (indices: readonly TEExpr[]) => TEExpr,
): { readonly at: (indices: readonly TEExpr[]) => TEExpr } {
  const shape = data.shape.filter((_, d) => d !== axis);
  const stage = compute(name, shape, (...i) =>
    reduce(
      op,
      [data.shape[axis] ?? 1],
      (r) => body([...i.slice(0, axis), r ?? int(0), ...i.slice(axis)]),
      op === 'max' ? lowest(data.dtype) : undefined,
    ),
  );
  return { at: (indices) => load(stage, ...indices.filter((_, d) => d !== axis)) };
}

function softmaxParts(context: ComputeContext<{ readonly axis: number }>) {
  const data = tensorAt(context, 0);
  const axis = context.attrs.axis < 0 ? context.attrs.axis + data.shape.length : context.attrs.axis;
  const greatest = along('max', data, axis, 'max', (i) => load(data, ...i));
  return { data, axis, shifted: (i: readonly TEExpr[]) => sub(load(data, ...i), greatest.at(i)) };
}

function computeSoftmax(context: ComputeContext<{ readonly axis: number }>): TETensor[] {
  const { data, axis, shifted } = softmaxParts(context);
  const exponential = compute('exp', data.shape, (...i) => unary('exp', shifted(i)));
  const total = along('sum', exponential, axis, 'sum', (i) => load(exponential, ...i));
  return [compute('softmax', outputOf(context).shape, (...i) => binary('div', load(exponential, ...i), total.at(i)))];
}

export const softmax = defineOperator({
  name: 'nn.softmax',
  summary: 'Softmax: `exp(x − max) / sum(exp(x − max))` along an axis.',
  inputs: [{ name: 'data', summary: 'The tensor.' }],
  attributes: softmaxAttributes,
  attrsType: 'relay.attrs.SoftmaxAttrs',
  relate: relateSoftmax,
  explain: explainIdentity,
  compute: computeSoftmax,
  fusion: 'out-elementwise-fusable',
  tolerance: { relative: 1e-5, absolute: 1e-6 },
  examples: [{ title: 'Probabilities', source: `def @main(%x: Tensor[(1, 10), float32]) {\n  nn.softmax(%x)\n}` }],
});

export const fastSoftmax = defineOperator({
  name: 'nn.fast_softmax',
  summary: 'Softmax whose exponential may be approximated.',
  inputs: [{ name: 'data', summary: 'The tensor.' }],
  attributes: softmaxAttributes,
  attrsType: 'relay.attrs.SoftmaxAttrs',
  relate: relateSoftmax,
  explain: explainIdentity,
  compute: computeSoftmax,
  fusion: 'out-elementwise-fusable',
  tolerance: { relative: 1e-3, absolute: 1e-5 },
});

export const logSoftmax = defineOperator({
  name: 'nn.log_softmax',
  summary: 'Logarithm of softmax: `x − max − log(sum(exp(x − max)))` along an axis.',
  inputs: [{ name: 'data', summary: 'The tensor.' }],
  attributes: softmaxAttributes,
  attrsType: 'relay.attrs.SoftmaxAttrs',
  relate: relateSoftmax,
  explain: explainIdentity,
  compute(context) {
    const { data, axis, shifted } = softmaxParts(context);
    const total = along('sum', data, axis, 'sum', (i) => unary('exp', shifted(i)));
    return [compute('log_softmax', data.shape, (...i) => sub(shifted(i), unary('log', total.at(i))))];
  },
  fusion: 'out-elementwise-fusable',
  tolerance: { relative: 1e-5, absolute: 1e-5 },
});

export const dropout = defineOperator({
  name: 'nn.dropout',
  summary: 'Drops random elements in training; at inference the data passes unchanged. Returns the data and a mask.',
  inputs: [{ name: 'data', summary: 'The tensor.' }],
  attributes: { rate: attr.float('Probability of dropping an element in training.', { default: 0.5 }) },
  attrsType: 'relay.attrs.DropoutAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    return data.kind === 'tensor' ? ok(tupleType([data, data])) : data;
  },
  advise: ({ attrs: { rate } }) =>
    rate >= 0 && rate < 1
      ? []
      : [
          doubtful(
            'rate',
            `\`rate\` is ${rate}, but it is a probability below 1.`,
            'Write a number from 0 up to, but without, 1.',
          ),
        ],
  explain: (_context, _result, at) => copyOf(0, at.dim),
  compute(context) {
    const data = tensorAt(context, 0);
    return [
      compute('dropout', data.shape, (...i) => load(data, ...i)),
      compute('mask', data.shape, () => number(1, data.dtype)),
    ];
  },
  fusion: 'opaque',
});
