/** Ranges through quantised and integer products, and through changes of scale. */
import type { DType } from '../../tensor/dtype.ts';
import { elementCount, type NDArray } from '../../tensor/ndarray.ts';
import { staticShape } from '../../types/type.ts';
import { unknown } from './arithmetic.ts';
import {
  contains,
  intersect,
  interval,
  magnitude,
  minus,
  plus,
  rangeOfArray,
  rangeOfDType,
  saturated,
  times,
  union,
  type Interval,
} from './interval.ts';
import {
  shownNumber,
  shownRange,
  type RangeContext,
  type RangeFinding,
  type RangeInput,
  type RangeRule,
} from './rule.ts';

/** How the weight of a product is laid out. */
interface Weight {
  readonly input: RangeInput;
  /** Dimension of the output channels. */
  readonly channels: number;
}

/** Sums of products of the data and the weight, both without their zero points. */
function accumulated(
  context: RangeContext,
  weight: Weight,
  dataZero: Interval | undefined,
  weightZero: RangeInput | undefined,
) {
  const data = context.inputs[0]?.range;
  const shape = weight.input.type && staticShape(weight.input.type);
  const limits = rangeOfDType(context.result.dtype);
  const weights = weight.input.range;
  const zero = weightZero ? weightZero.range : { low: 0, high: 0 };
  if (!data || !dataZero || !weights || !zero || !shape || !limits) return unknown(context);
  const channels = shape[weight.channels] ?? 1;
  const count = channels === 0 ? 0 : elementCount(shape) / channels;
  // What is padded, and what no weight meets, adds nothing.
  const centred = union(minus(data, dataZero), { low: 0, high: 0 });
  const fixedZero = !weightZero || weightZero.value !== undefined;
  const known =
    weight.input.value && fixedZero ? channelSums(weight.input.value, weight.channels, weightZero?.value) : undefined;
  const exact = known
    ? known.map((sums) => plus(times(sums.positive, centred), times(sums.negative, centred))).reduce(union)
    : times({ low: count, high: count }, times(centred, minus(weights, zero)));
  const because = known
    ? `the weights' sums of magnitudes are at most ${shownNumber(Math.max(...known.map(largest)))}, the data without zero point is ${shownRange(centred)}`
    : `${shownNumber(count)} products of at most ${shownNumber(magnitude(centred))} · ${shownNumber(magnitude(minus(weights, zero)))}`;
  if (contains(limits, exact)) return { range: exact, because };
  return { range: limits, because, findings: [overflowing(context.result.dtype, exact, because, known !== undefined)] };
}

function overflowing(dtype: DType, exact: Interval, because: string, known: boolean): RangeFinding {
  return {
    code: 'accumulator-overflow',
    message: `The sums may be ${shownRange(exact)}, which the ${dtype} accumulator does not hold: ${because}.`,
    remedy: known
      ? 'Split the sum over the input channels, or accumulate in int64.'
      : 'Split the sum over the input channels, or open the program beside its parameter file, so that the weights are known.',
  };
}

/** Sums over a channel's weights without their zero point: of the positive ones and of the negative ones. */
interface ChannelSums {
  readonly positive: Interval;
  readonly negative: Interval;
}

function largest({ positive, negative }: ChannelSums): number {
  return positive.high - negative.low;
}

const summed = new WeakMap<NDArray, Map<string, readonly ChannelSums[]>>();

/** Sums by channel; read once for an array, the dimension and the zero point. */
function channelSums(array: NDArray, axis: number, zeros: NDArray | undefined): readonly ChannelSums[] {
  const key = `${axis} ${zeros ? Array.from(zeros.data, Number).join() : ''}`;
  const table = summed.get(array) ?? new Map<string, readonly ChannelSums[]>();
  summed.set(array, table);
  const known = table.get(key);
  if (known) return known;
  const { shape, data } = array;
  const channels = shape[axis] ?? 1;
  const inner = elementCount(shape.slice(axis + 1));
  const positive = new Float64Array(channels);
  const negative = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / inner) % channels;
    const zero = zeros ? Number(zeros.data[zeros.data.length === 1 ? 0 : channel] ?? 0) : 0;
    const value = Number(data[i]) - zero;
    if (value > 0) positive[channel] = (positive[channel] ?? 0) + value;
    else negative[channel] = (negative[channel] ?? 0) + value;
  }
  const point = (x: number): Interval => ({ low: x, high: x });
  const sums = Array.from(positive, (p, c) => ({ positive: point(p), negative: point(negative[c] ?? 0) }));
  table.set(key, sums);
  return sums;
}

const zeroPoint = (input: RangeInput | undefined): Interval | undefined => input?.range;
const none: Interval = { low: 0, high: 0 };

/** Where the output channels stand in a kernel's layout; undefined for layouts that pack channels. */
function channelAxis({ attrs, inputs: [, weight] }: RangeContext): number | undefined {
  const layout = String(attrs['kernel_layout'] ?? '');
  const axis = layout.indexOf('O');
  return axis >= 0 && layout.length === weight?.type?.shape.length && !/\d/.test(layout) ? axis : undefined;
}

const convolution =
  (quantised: boolean): RangeRule =>
  (context) => {
    const [, weight, dataZero, weightZero] = context.inputs;
    const channels = channelAxis(context);
    if (!weight || channels === undefined) return unknown(context);
    if (!quantised) return accumulated(context, { input: weight, channels }, none, undefined);
    return accumulated(context, { input: weight, channels }, zeroPoint(dataZero), weightZero);
  };

const dense =
  (quantised: boolean): RangeRule =>
  (context) => {
    const [, weight, dataZero, weightZero] = context.inputs;
    if (weight?.type?.shape.length !== 2) return unknown(context);
    if (!quantised) return accumulated(context, { input: weight, channels: 0 }, none, undefined);
    return accumulated(context, { input: weight, channels: 0 }, zeroPoint(dataZero), weightZero);
  };

const quantisedBatchMatmul: RangeRule = (context) => {
  const [first, second, firstZero, secondZero] = context.inputs;
  const products = first?.type && staticShape(first.type)?.at(-1);
  if (products === undefined || !second?.type) return unknown(context);
  // Which dimension is summed depends on the transposition, so only the number of products counts, not the values.
  const row: RangeInput = { ...second, value: undefined, type: { ...second.type, shape: [1, products] } };
  return accumulated(context, { input: row, channels: 0 }, zeroPoint(firstZero), secondZero);
};

/** `zero + (data − zeroIn) · factor`, rounded, before it is limited to the result's type. */
function rescaled(data: Interval, zeroIn: Interval, factor: Interval, zeroOut: Interval): Interval {
  return plus(times(minus(data, zeroIn), factor), zeroOut);
}

/** Limits a rescaled range to the result's type and says what of it is lost. */
function limited(context: RangeContext, exact: Interval, source: Interval, what: string): ReturnType<RangeRule> {
  const limits = rangeOfDType(context.result.dtype);
  if (!limits) return { range: exact };
  const rounded = { low: Math.floor(exact.low + 0.5), high: Math.floor(exact.high + 0.5) };
  const because = `${what} gives ${shownRange(rounded)}`;
  const findings: RangeFinding[] = [];
  if (source.low < source.high && !intersect(limits, rounded))
    findings.push({
      code: 'always-saturates',
      message: `The result would be ${shownRange(rounded)}, all of it outside of ${context.result.dtype}: every element becomes the same.`,
      remedy: 'Check the scales and zero points; they do not belong to this data.',
    });
  else if (source.low < source.high && rounded.low === rounded.high)
    findings.push({
      code: 'scale-too-coarse',
      message: `All of the data, ${shownRange(source)}, becomes ${shownNumber(rounded.low)}: the scale of the result is too large.`,
      remedy: 'Use a scale that fits the data; the two scales may have been exchanged.',
    });
  return { range: saturated(rounded, limits), because, findings };
}

const requantize: RangeRule = (context) => {
  const [data, scaleIn, zeroIn, scaleOut, zeroOut] = context.inputs;
  const factor = scaleIn?.range && scaleOut?.range && quotient(scaleIn.range, scaleOut.range);
  if (!data?.range || !factor || !zeroIn?.range || !zeroOut?.range) return unknown(context);
  const exact = rescaled(data.range, zeroIn.range, factor, zeroOut.range);
  return limited(context, exact, data.range, `scaling by ${shownRange(factor)}`);
};

const quantize: RangeRule = (context) => {
  const [data, scale, zero] = context.inputs;
  const factor = scale?.range && quotient({ low: 1, high: 1 }, scale.range);
  if (!data?.range || !factor || !zero?.range) return unknown(context);
  return limited(context, rescaled(data.range, none, factor, zero.range), data.range, 'quantising');
};

const dequantize: RangeRule = ({ inputs: [data, scale, zero] }) => {
  if (!data?.range || !scale?.range || !zero?.range) return { range: undefined };
  return { range: times(minus(data.range, zero.range), scale.range) };
};

/** Of positive scales. */
function quotient(a: Interval, b: Interval): Interval | undefined {
  return b.low > 0 && a.low > 0 ? interval(a.low / b.high, a.high / b.low) : undefined;
}

/** `qnn.add` and the like: both operands as real numbers, combined, on the scale of the result. */
const combined =
  (pair: (a: Interval, b: Interval) => Interval, what: string): RangeRule =>
  (context) => {
    const [a, b, scaleA, zeroA, scaleB, zeroB, scale, zero] = context.inputs;
    const real = (data?: RangeInput, by?: RangeInput, from?: RangeInput): Interval | undefined =>
      data?.range && by?.range && from?.range && times(minus(data.range, from.range), by.range);
    const left = real(a, scaleA, zeroA);
    const right = real(b, scaleB, zeroB);
    const factor = scale?.range && quotient({ low: 1, high: 1 }, scale.range);
    if (!left || !right || !factor || !zero?.range) return unknown(context);
    const result = pair(left, right);
    return limited(context, rescaled(result, none, factor, zero.range), result, what);
  };

/** Rules by the operator's name. */
export const quantisedRules: Readonly<Record<string, RangeRule>> = {
  'qnn.conv2d': convolution(true),
  'qnn.conv2d_transpose': convolution(true),
  'nn.conv1d': convolution(false),
  'nn.conv2d': convolution(false),
  'nn.conv3d': convolution(false),
  'qnn.dense': dense(true),
  'nn.dense': dense(false),
  'qnn.batch_matmul': quantisedBatchMatmul,
  'qnn.requantize': requantize,
  'qnn.quantize': quantize,
  'qnn.dequantize': dequantize,
  'qnn.add': combined(plus, 'adding'),
  'qnn.subtract': combined(minus, 'subtracting'),
  'qnn.mul': combined(times, 'multiplying'),
};

/** The range of a constant. */
export function rangeOfConstant(value: NDArray): Interval | undefined {
  return value.data.length === 0 ? undefined : rangeOfArray(value);
}
