/** Ranges through arithmetic, limits, conversions, and operators that only move or choose elements. */
import { isInteger } from '../../tensor/dtype.ts';
import {
  contains,
  interval,
  intersect,
  magnitude,
  minus,
  plus,
  rangeOfDType,
  saturated,
  times,
  union,
  type Interval,
} from './interval.ts';
import { shownRange, type RangeContext, type RangeFinding, type RangeResult, type RangeRule } from './rule.ts';

type Pair = (a: Interval, b: Interval) => Interval;

/** The exact range as it fits the result's type; integers that do not fit wrap around, and then nothing is known. */
function fitted(context: RangeContext, exact: Interval, what: string): RangeResult {
  const limits = rangeOfDType(context.result.dtype);
  if (!limits) return { range: exact };
  if (contains(limits, exact)) return { range: exact };
  const findings = context.inputs.every(isNarrowed) ? [overflow(context, exact, what)] : [];
  return { range: limits, findings };
}

/** True when more is known of an argument than its type says. */
function isNarrowed({ range, type }: RangeContext['inputs'][number]): boolean {
  const limits = type && rangeOfDType(type.dtype);
  return range !== undefined && limits !== undefined && !contains(range, limits);
}

function overflow(context: RangeContext, exact: Interval, what: string): RangeFinding {
  const { dtype } = context.result;
  return {
    code: 'integer-overflow',
    message: `${what} may be ${shownRange(exact)}, which ${dtype} does not hold; it wraps around.`,
    remedy: 'Cast the operands to a wider type first, or limit them with clip.',
  };
}

function both(pair: Pair, what: string): RangeRule {
  return (context) => {
    const [a, b] = context.inputs;
    return a?.range && b?.range ? fitted(context, pair(a.range, b.range), what) : unknown(context);
  };
}

/** A result of which only its type tells. */
export function unknown({ result }: RangeContext): RangeResult {
  return { range: rangeOfDType(result.dtype) };
}

/** The same elements, or some of them. */
const same: RangeRule = (context) => ({ range: context.inputs[0]?.range });

/** Elements of all arguments, tuples' fields among them. */
const gathered: RangeRule = (context) => {
  const ranges = context.inputs.flatMap(({ range, fields }) => fields ?? [range]);
  let all = ranges[0];
  for (const range of ranges) all = all && range && union(all, range);
  return { range: all };
};

const fixed =
  (low: number, high: number): RangeRule =>
  () => ({ range: { low, high } });

/** Elements, and zeros where padding lies. */
const withZero: RangeRule = ({ inputs, attrs }) => {
  const range = inputs[0]?.range;
  const padding = attrs['padding'];
  const padded = !Array.isArray(padding) || padding.some((n) => n !== 0);
  return { range: range && padded ? union(range, { low: 0, high: 0 }) : range };
};

const clip: RangeRule = ({ inputs, attrs }) => {
  const [data] = inputs;
  const limits = { low: Number(attrs['a_min']), high: Number(attrs['a_max']) };
  if (!(limits.low <= limits.high)) return { range: data?.range };
  const whole = data?.type && isInteger(data.type.dtype);
  const bounds = whole ? { low: Math.ceil(limits.low), high: Math.floor(limits.high) } : limits;
  if (!data?.range) return { range: bounds };
  const findings: RangeFinding[] = [];
  if (contains(bounds, data.range))
    findings.push({
      code: 'dead-clip',
      message: `The data is ${shownRange(data.range)} already, so clip changes nothing.`,
      remedy: 'Remove it.',
    });
  else if (!intersect(bounds, data.range))
    findings.push({
      code: 'always-saturates',
      message: `The data is ${shownRange(data.range)}, all of it outside of ${shownRange(bounds)}: every element becomes the same.`,
      remedy: 'Correct the bounds, or the scale and zero point that the data was made with.',
    });
  return { range: saturated(data.range, bounds), because: `limited to ${shownRange(bounds)}`, findings };
};

const cast: RangeRule = (context) => {
  const range = context.inputs[0]?.range;
  const from = context.inputs[0]?.type?.dtype;
  const limits = rangeOfDType(context.result.dtype);
  if (!range || !limits || from === undefined) return { range: limits ?? range };
  const whole =
    isInteger(from) || from === 'bool' ? range : { low: Math.trunc(range.low), high: Math.trunc(range.high) };
  if (contains(limits, whole)) return { range: whole };
  if (!isNarrowed(context.inputs[0] as RangeContext['inputs'][number])) return { range: limits };
  return { range: limits, findings: [overflow(context, whole, 'The data')] };
};

const absolute: RangeRule = ({ inputs: [data] }) => {
  const range = data?.range;
  if (!range) return { range: undefined };
  const high = magnitude(range);
  return {
    range: { low: range.low <= 0 && range.high >= 0 ? 0 : Math.min(Math.abs(range.low), Math.abs(range.high)), high },
  };
};

const shiftRight: RangeRule = (context) => {
  const [a, b] = context.inputs;
  if (!a?.range || !b?.range || b.range.low < 0) return unknown(context);
  const shifted = (x: number, by: number): number => Math.floor(x / 2 ** by);
  const ends = [a.range.low, a.range.high].flatMap((x) => [
    shifted(x, b.range?.low ?? 0),
    shifted(x, b.range?.high ?? 0),
  ]);
  return { range: { low: Math.min(...ends), high: Math.max(...ends) } };
};

const shiftLeft: RangeRule = (context) => {
  const [a, b] = context.inputs;
  if (!a?.range || !b?.range || b.range.low < 0) return unknown(context);
  return fitted(context, times(a.range, interval(2 ** b.range.low, 2 ** b.range.high)), 'The shifted value');
};

/** Operators whose every result element is one of the data's, or lies between some of them. */
const moving = [
  ...['reshape', 'transpose', 'squeeze', 'expand_dims', 'copy', 'reverse', 'tile', 'repeat', 'broadcast_to'],
  ...['strided_slice', 'split', 'nn.batch_flatten', 'layout_transform', 'nn.dropout', 'broadcast_to_like'],
  ...['nn.depth_to_space', 'nn.space_to_depth', 'annotation.stop_fusion', 'reshape_like', 'max', 'min', 'mean'],
  ...['nn.max_pool1d', 'nn.max_pool2d', 'nn.max_pool3d', 'nn.global_max_pool2d', 'nn.global_avg_pool2d'],
  ...['nn.adaptive_max_pool2d', 'nn.adaptive_avg_pool2d', 'take', 'gather', 'gather_nd'],
];

/** Rules by the operator's name. */
export const arithmeticRules: Readonly<Record<string, RangeRule>> = {
  ...Object.fromEntries(moving.map((name) => [name, same])),
  add: both(plus, 'The sum'),
  subtract: both(minus, 'The difference'),
  multiply: both(times, 'The product'),
  'nn.bias_add': both(plus, 'The sum with the bias'),
  maximum: both((a, b) => ({ low: Math.max(a.low, b.low), high: Math.max(a.high, b.high) }), 'The maximum'),
  minimum: both((a, b) => ({ low: Math.min(a.low, b.low), high: Math.min(a.high, b.high) }), 'The minimum'),
  negative: (context) => {
    const range = context.inputs[0]?.range;
    return range ? fitted(context, { low: -range.high, high: -range.low }, 'The negative') : unknown(context);
  },
  abs: absolute,
  left_shift: shiftLeft,
  right_shift: shiftRight,
  'nn.relu': ({ inputs: [data] }) => ({
    range: data?.range ? saturated(data.range, { low: 0, high: Infinity }) : { low: 0, high: Infinity },
  }),
  clip,
  cast,
  concatenate: gathered,
  stack: gathered,
  where: ({ inputs: [, a, b] }) => ({ range: a?.range && b?.range && union(a.range, b.range) }),
  'nn.pad': ({ inputs: [data, value] }) => ({ range: data?.range && value?.range && union(data.range, value.range) }),
  'nn.avg_pool2d': withZero,
  'nn.avg_pool1d': withZero,
  'nn.avg_pool3d': withZero,
  zeros: fixed(0, 0),
  ones: fixed(1, 1),
  zeros_like: fixed(0, 0),
  ones_like: fixed(1, 1),
  sigmoid: fixed(0, 1),
  'nn.softmax': fixed(0, 1),
  'nn.fast_softmax': fixed(0, 1),
  tanh: fixed(-1, 1),
  erf: fixed(-1, 1),
  sin: fixed(-1, 1),
  cos: fixed(-1, 1),
};
