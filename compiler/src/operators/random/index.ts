/** Random numbers: splittable, counter-based, the same everywhere. */
import { withoutGradients } from '../derivation.ts';
import type { TensorType } from '../../types/type.ts';
import { tensorType, tupleType } from '../../types/type.ts';
import type { DType } from '../../tensor/dtype.ts';
import type { NDArray } from '../../tensor/ndarray.ts';
import { elementCount } from '../../tensor/ndarray.ts';
import { attr } from '../attributes.ts';
import { arrayAt, elementAt, numbersOf, setElement, zeros } from '../compute/arrays.ts';
import type { KernelContext, Operator, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { copyOf, fromAttribute } from '../relations/explain.ts';
import { badAttribute, failed, inputBlame, tensorInput } from '../relations/inputs.ts';
import { generate, split } from './threefry.ts';

/** A generator state's type; a fresh one each time, because unification widens types by identity. */
const keyType = (): TensorType => tensorType([10], 'uint64');
const keyInput = { name: 'key', summary: 'the generator state, ten 64-bit words; use each state once' };

/** Argument 0 as a generator state: unknown types become one, others fail. */
function checkKey(
  context: Pick<RelateContext<unknown>, 'inputs'>,
): Extract<RelateResult, { kind: 'error' }> | undefined {
  const [key] = context.inputs;
  if (key === undefined || key.kind === 'incomplete' || key.kind === 'error') return undefined;
  const fits =
    key.kind === 'tensor' &&
    key.dtype === 'uint64' &&
    key.shape.length === 1 &&
    (key.shape[0] === 10 || typeof key.shape[0] !== 'number');
  if (fits) return undefined;
  return failed('shape-mismatch', '`key` must be a generator state, `Tensor[(10), uint64]`.', inputBlame(0), {
    remedy: 'Pass a state, or one half of `random.threefry_split`.',
  });
}

const assignKey = () => ({ index: 0, type: keyType() });

function stateOf(context: Pick<KernelContext<unknown>, 'inputs'>): bigint[] {
  const key = arrayAt(context, 0);
  return Array.from({ length: 10 }, (_, i) => BigInt(elementAt(key, i)));
}

function words(values: readonly bigint[], shape: readonly number[]): NDArray {
  const array = zeros('uint64', shape);
  for (const [i, value] of values.entries()) setElement(array, i, value);
  return array;
}

const outShape = attr.ints('the sizes of the result');
const outDType = attr.dtype('the element type, `float32` or `float64`', { default: null });
const explainShape = (_context: unknown, _result: unknown, at: { readonly field?: number; readonly dim: number }) =>
  at.field === 1 ? fromAttribute('out_shape', at.dim) : copyOf(0, at.dim);

const threefryGenerate = defineOperator({
  name: 'random.threefry_generate',
  summary: 'Random 64-bit words and the generator state after them.',
  inputs: [keyInput],
  attributes: { out_shape: outShape },
  attrsType: 'relay.attrs.ThreefryGenerateAttrs',
  relate: (context) =>
    checkKey(context) ?? {
      kind: 'ok',
      result: tupleType([keyType(), tensorType(context.attrs.out_shape, 'uint64')]),
      assign: [assignKey()],
    },
  explain: explainShape,
  kernel: (context) => {
    const { out_shape: shape } = context.attrs;
    const result = generate(stateOf(context), elementCount(shape));
    return [words(result.next, [10]), words(result.words, shape)];
  },
  fusion: 'opaque',
});

const threefrySplit = defineOperator({
  name: 'random.threefry_split',
  summary: 'Two generator states that are independent of each other.',
  inputs: [keyInput],
  attributes: {},
  relate: (context) =>
    checkKey(context) ?? { kind: 'ok', result: tupleType([keyType(), keyType()]), assign: [assignKey()] },
  explain: (_context, _result, at) => copyOf(0, at.dim),
  kernel: (context) => {
    const { left, right } = split(stateOf(context));
    return [words(left, [10]), words(right, [10])];
  },
  fusion: 'opaque',
});

/** Uniform numbers in [0, 1) from the leading bits of random words. */
function uniformUnit(state: readonly bigint[], count: number, dtype: DType): { next: bigint[]; values: number[] } {
  const bits = dtype === 'float64' ? 52n : 23n;
  const { next, words: random } = generate(state, count);
  return { next, values: random.map((word) => Number(word >> (64n - bits)) / Number(1n << bits)) };
}

function distribution(
  name: string,
  summary: string,
  parameters: readonly [{ name: string; summary: string }, { name: string; summary: string }],
  sample: (
    state: readonly bigint[],
    count: number,
    dtype: DType,
    a: number,
    b: number,
  ) => { next: bigint[]; values: readonly number[] },
): Operator {
  return defineOperator({
    name,
    summary,
    inputs: [keyInput, ...parameters],
    attributes: { out_shape: outShape, out_dtype: outDType },
    attrsType: name === 'random.uniform' ? 'relay.attrs.UniformAttrs' : 'relay.attrs.NormalAttrs',
    relate: (context) => {
      const dtype = context.attrs.out_dtype;
      if (dtype !== 'float32' && dtype !== 'float64')
        return badAttribute(
          'out_dtype',
          `\`out_dtype\` must be "float32" or "float64", found "${dtype ?? ''}".`,
          'Write `out_dtype="float32"`.',
        );
      const problem = checkKey(context);
      if (problem) return problem;
      for (const index of [1, 2]) {
        const type = context.inputs[index];
        if (type?.kind !== 'tensor' || (type.shape.length === 0 && type.dtype === dtype)) continue;
        const { name: parameter } = parameters[index - 1] ?? { name: '' };
        return failed(
          'dtype-mismatch',
          `\`${parameter}\` must be a scalar of type ${dtype}, as \`out_dtype\` says.`,
          inputBlame(index),
          {
            remedy: 'Pass a scalar of that type.',
          },
        );
      }
      return {
        kind: 'ok',
        result: tupleType([keyType(), tensorType(context.attrs.out_shape, dtype)]),
        assign: [assignKey(), { index: 1, type: tensorType([], dtype) }, { index: 2, type: tensorType([], dtype) }],
      };
    },
    explain: explainShape,
    kernel: (context) => {
      const { out_shape: shape, out_dtype: dtype } = context.attrs;
      const [a, b] = [numbersOf(arrayAt(context, 1))[0] ?? 0, numbersOf(arrayAt(context, 2))[0] ?? 1];
      const { next, values } = sample(stateOf(context), elementCount(shape), dtype ?? 'float32', a, b);
      const result = zeros(dtype ?? 'float32', shape);
      for (const [i, value] of values.entries()) setElement(result, i, value);
      return [words(next, [10]), result];
    },
    fusion: 'opaque',
  });
}

const uniform = distribution(
  'random.uniform',
  'Numbers evenly distributed from `low` up to, but without, `high`, and the generator state after them.',
  [
    { name: 'low', summary: 'the least value, a scalar' },
    { name: 'high', summary: 'the bound that is not reached, a scalar' },
  ],
  (state, count, dtype, low, high) => {
    const { next, values } = uniformUnit(state, count, dtype);
    return { next, values: values.map((u) => u * (high - low) + low) };
  },
);

const normal = distribution(
  'random.normal',
  'Normally distributed numbers, and the generator state after them.',
  [
    { name: 'mean', summary: 'the mean, a scalar' },
    { name: 'scale', summary: 'the standard deviation, a scalar' },
  ],
  (state, count, dtype, mean, scale) => {
    // Box–Muller: the first half of the uniform numbers gives radii, the second angles.
    const { next, values } = uniformUnit(state, 2 * count, dtype);
    const radius = (i: number): number => Math.sqrt(-2 * Math.log(1 - (values[i] ?? 0)));
    const angle = (i: number): number => 2 * Math.PI * (values[count + i] ?? 0);
    return { next, values: Array.from({ length: count }, (_, i) => radius(i) * Math.cos(angle(i)) * scale + mean) };
  },
);

const multinomial = defineOperator({
  name: 'random.multinomial',
  summary: 'Indices drawn with the given probabilities, and the generator state after them.',
  inputs: [keyInput, { name: 'probs', summary: 'a vector of weights for each draw, along the last dimension' }],
  attributes: { num_samples: attr.maybeInt('how many indices to draw', { default: 1 }) },
  attrsType: 'relay.attrs.MultinomialAttrs',
  relate: (context) => {
    const probs = tensorInput(context, 1, 'probs');
    if (probs.kind !== 'tensor') return probs;
    if (probs.shape.length === 0)
      return failed('rank-mismatch', '`probs` must have at least 1 dimension, found a scalar.', inputBlame(1), {
        remedy: 'Pass a vector of weights.',
      });
    const problem = checkKey(context);
    if (problem) return problem;
    const shape = [...probs.shape.slice(0, -1), context.attrs.num_samples ?? 1];
    return { kind: 'ok', result: tupleType([keyType(), tensorType(shape, 'int32')]), assign: [assignKey()] };
  },
  explain: (context, _result, at) => {
    if (at.field !== 1) return copyOf(0, at.dim);
    const rank = context.inputs[1]?.kind === 'tensor' ? context.inputs[1].shape.length : 0;
    return at.dim === rank - 1 ? fromAttribute('num_samples') : copyOf(1, at.dim);
  },
  kernel: (context) => {
    const probs = arrayAt(context, 1);
    const count = context.attrs.num_samples ?? 1;
    const classes = probs.shape.at(-1) ?? 1;
    const rows = elementCount(probs.shape.slice(0, -1));
    const result = zeros('int32', [...probs.shape.slice(0, -1), count]);
    const { next, values } = uniformUnit(stateOf(context), rows * count, 'float32');
    const weights = numbersOf(probs);
    for (let row = 0; row < rows; row++) {
      const positive = weights.slice(row * classes, (row + 1) * classes).map((w) => Math.max(w, 0));
      const total = positive.reduce((a, b) => a + b, 0);
      let sum = 0;
      const cumulative = positive.map((w) => (sum = Math.fround(sum + Math.fround(w / total))));
      for (let k = 0; k < count; k++) {
        const index = cumulative.findIndex((c) => c > (values[row * count + k] ?? 0));
        setElement(result, row * count + k, Math.max(0, index));
      }
    }
    return [words(next, [10]), result];
  },
  fusion: 'opaque',
});

export const randomOperators: readonly Operator[] = withoutGradients(
  [threefryGenerate, threefrySplit, uniform, normal, multinomial],
  'its result is random',
);
