/** Removes channels whose value is the same for every input, and channels that nothing reads. */
import { callOperator, constant, joinOrigins, operatorName } from '../ir/build.ts';
import type { Call, Expr, Func } from '../ir/expr.ts';
import { parentsOf, postOrder, rewrite, useCounts } from '../ir/visit.ts';
import { integerRange } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import type { Pass, PassContext } from './pass.ts';
import { denseTailOf, shrinkTail } from './dense-tails.ts';
import type { DenseTail } from './dense-tails.ts';
import { blockEndingIn, sumRanges } from './quantised-blocks.ts';
import type { ChannelRanges, QuantisedBlock } from './quantised-blocks.ts';

/** Kept channels come in multiples of this, because kernels take that many at a time. */
const channelBlock = 4;

/**
 * A channel of a quantised convolution is constant when its weights are zero or when every sum saturates at the same
 * bound. The next convolution then needs no input for it: what it adds is known and goes into the bias. Padding holds the
 * zero point, so a constant other than it is folded only where there is no padding. A dense layer behind pooling over the
 * channels reads them in the same way.
 */
export const constantChannels: Pass = {
  name: 'constant-channels',
  summary: 'Removes channels of quantised convolutions that are constant after clipping or that nothing reads.',
  example: {
    before: `def @main(%x: Tensor[(1, 4, 4, 2), int8]) {
  %0 = (ones(shape=[1, 1, 2, 4], dtype="int8"), zeros(shape=[1, 1, 2, 4], dtype="int8"));
  %1 = qnn.conv2d(%x, concatenate(%0, axis=3), 0, 0, 0.5f, 0.5f, channels=8, kernel_size=[1, 1], data_layout="NHWC", kernel_layout="HWIO", out_dtype="int32", padding=[0, 0, 0, 0]);
  %2 = nn.bias_add(%1, ones(shape=[8], dtype="int32"), axis=3);
  %3 = qnn.requantize(%2, 0.25f, 0, 1f, 0, axis=3, out_dtype="int8");
  %4 = qnn.conv2d(%3, ones(shape=[1, 1, 8, 2], dtype="int8"), 0, 0, 1f, 0.5f, channels=2, kernel_size=[1, 1], data_layout="NHWC", kernel_layout="HWIO", out_dtype="int32", padding=[0, 0, 0, 0]);
  %5 = nn.bias_add(%4, ones(shape=[2], dtype="int32"), axis=3);
  qnn.requantize(%5, 0.5f, 0, 1f, 0, axis=3, out_dtype="int8")
}`,
    after: `def @main(%x: Tensor[(1, 4, 4, 2), int8]) -> Tensor[(1, 4, 4, 2), int8] {
  %0 = qnn.conv2d(%x, meta[relay.Constant][0], 0, 0, 0.5f, 0.5f, padding=[0, 0, 0, 0], channels=4, kernel_size=[1, 1], data_layout="NHWC", kernel_layout="HWIO", out_dtype="int32");
  %1 = nn.bias_add(%0, meta[relay.Constant][1], axis=3);
  %2 = qnn.requantize(%1, 0.25f, 0, 1f, 0, axis=3, out_dtype="int8");
  %3 = qnn.conv2d(%2, meta[relay.Constant][2], 0, 0, 1f, 0.5f, padding=[0, 0, 0, 0], channels=2, kernel_size=[1, 1], data_layout="NHWC", kernel_layout="HWIO", out_dtype="int32");
  %4 = nn.bias_add(%3, meta[relay.Constant][3], axis=3);
  qnn.requantize(%4, 0.5f, 0, 1f, 0, axis=3, out_dtype="int8")
}`,
    folded: true,
  },
  run(module, context) {
    let removed = 0;
    const functions = new Map<string, Func>();
    for (const [name, func] of module.functions) {
      const plan = planOf(func, context);
      const count = [...plan.kept.values()].reduce((sum, k) => sum + k.removed, 0);
      removed += count;
      functions.set(name, count === 0 ? func : { ...func, body: shrink(func.body, plan, context) });
    }
    return { module: { ...module, functions }, statistics: { 'channels removed': removed } };
  },
};

interface Kept {
  readonly channels: readonly number[];
  readonly removed: number;
}

interface Plan {
  readonly blocks: ReadonlyMap<Expr, QuantisedBlock>;
  /** Channels that stay, by block output. */
  readonly kept: ReadonlyMap<Expr, Kept>;
  readonly ranges: ReadonlyMap<Expr, ChannelRanges>;
  /** Dense layers that lose inputs, by their bias; what they read is a block's output. */
  readonly tails: ReadonlyMap<Expr, DenseTail>;
}

function planOf(func: Func, context: PassContext): Plan {
  const uses = useCounts(func.body);
  const parents = parentsOf(func.body);
  const blocks = new Map<Expr, QuantisedBlock>();
  const byConv = new Map<Expr, QuantisedBlock>();
  const ranges = new Map<Expr, ChannelRanges>();
  for (const e of postOrder(func.body)) {
    const block = blockEndingIn(e, uses);
    const range = block === undefined ? undefined : rangesOf(block, ranges, context);
    if (block === undefined || range === undefined) continue;
    // A clip belongs to the block when nothing else reads the unclipped values.
    const clipped = (parents.get(e) ?? []).length === 1 && operatorName(parents.get(e)?.[0] ?? e) === 'clip';
    if (operatorName(e) !== 'clip' && clipped) continue;
    blocks.set(e, block);
    byConv.set(block.conv, block);
    ranges.set(e, range);
  }
  const kept = new Map<Expr, Kept>();
  const tails = new Map<Expr, DenseTail>();
  for (const block of [...blocks.values()].reverse()) {
    const consumers = parents.get(block.output) ?? [];
    const [only] = consumers;
    const next = only === undefined ? undefined : byConv.get(only);
    const range = ranges.get(block.output);
    const tail = next === undefined && !block.depthwise ? denseTailOf(block.output, parents) : undefined;
    if (tail !== undefined && range !== undefined) {
      const channels = keep(block.outputChannels, removableFromTail(tail, range), undefined);
      if (channels.length === block.outputChannels) continue;
      kept.set(block.output, { channels, removed: block.outputChannels - channels.length });
      tails.set(tail.bias, tail);
      continue;
    }
    if (consumers.length !== 1 || next === undefined || range === undefined || only === undefined) continue;
    if (next.data !== block.output || !canShrinkInput(block, blocks, parents)) continue;
    const removable = removableChannels(block, next, range, kept.get(next.output));
    const channels = keep(block.outputChannels, removable, next.depthwise ? kept.get(next.output) : undefined);
    if (channels.length < block.outputChannels)
      kept.set(block.output, { channels, removed: block.outputChannels - channels.length });
  }
  return { blocks, kept, ranges, tails };
}

/** Channels that are constant or that no unit of the dense layer reads. */
function removableFromTail(tail: DenseTail, range: ChannelRanges): ReadonlySet<number> {
  const removable = new Set<number>();
  const units = Array.from({ length: tail.weight.shape[0] ?? 0 }, (_, o) => o);
  for (let c = 0; c < tail.channels; c++) {
    const unread = units.every((o) => Number(tail.weight.data[o * tail.channels + c]) === 0);
    if (unread || range.low[c] === range.high[c]) removable.add(c);
  }
  return removable;
}

/** A depthwise block loses the same channels on both sides, so its input must be another block's, read by it alone. */
function canShrinkInput(
  block: QuantisedBlock,
  blocks: ReadonlyMap<Expr, QuantisedBlock>,
  parents: ReadonlyMap<Expr, readonly Expr[]>,
): boolean {
  if (!block.depthwise) return true;
  const producer = blocks.get(block.data);
  return producer !== undefined && !producer.depthwise && (parents.get(block.data) ?? []).length === 1;
}

function rangesOf(
  block: QuantisedBlock,
  known: ReadonlyMap<Expr, ChannelRanges>,
  context: PassContext,
): ChannelRanges | undefined {
  const type = block.data.type;
  const bounds = type.kind === 'tensor' ? integerRange(type.dtype) : undefined;
  if (bounds === undefined) return undefined;
  const everything = {
    low: new Array<number>(block.inputChannels).fill(Number(bounds.min)),
    high: new Array<number>(block.inputChannels).fill(Number(bounds.max)),
  };
  const sums = sumRanges(block, known.get(block.data) ?? everything);
  const low = requantised(block, sums.low, context);
  const high = requantised(block, sums.high, context);
  return low === undefined || high === undefined ? undefined : { low, high };
}

/** Sums through bias, requantisation and clip, which are monotone in each channel. */
function requantised(block: QuantisedBlock, sums: Int32Array, context: PassContext): readonly number[] | undefined {
  let value: Expr = constant({ dtype: 'int32', shape: [1, 1, 1, sums.length], data: sums });
  for (const step of [block.bias, block.requantize, block.clip]) {
    if (step === undefined) continue;
    const name = operatorName(step) ?? '';
    const operator = context.operators.get(name);
    const call = callOperator(context.operators, name, [value, ...step.args.slice(1)], step.attrs);
    const args = call.args.flatMap((a) => (a.kind === 'constant' ? [a.value] : []));
    const result = operator === undefined ? undefined : context.evaluate(operator, args, call.attrs, call.type);
    if (result?.[0] === undefined) return undefined;
    value = constant(result[0]);
  }
  return value.kind === 'constant' ? Array.from(value.value.data as Iterable<number>, Number) : undefined;
}

/** Channels of `block` that `next` can do without. */
function removableChannels(
  block: QuantisedBlock,
  next: QuantisedBlock,
  range: ChannelRanges,
  nextKept: Kept | undefined,
): ReadonlySet<number> {
  const removable = new Set<number>();
  const stays = new Set(nextKept?.channels ?? Array.from({ length: next.outputChannels }, (_, i) => i));
  const taps = (next.weight.shape[0] ?? 0) * (next.weight.shape[1] ?? 0);
  for (let c = 0; c < block.outputChannels; c++) {
    if (next.depthwise) {
      if (!stays.has(c)) removable.add(c);
      continue;
    }
    const constantValue = range.low[c] === range.high[c];
    const foldable = constantValue && (!next.padded || range.low[c] === next.zeroPoint);
    if (foldable || isUnread(next, c, taps, stays)) removable.add(c);
  }
  return removable;
}

function isUnread(next: QuantisedBlock, c: number, taps: number, stays: ReadonlySet<number>): boolean {
  for (let t = 0; t < taps; t++)
    for (const o of stays)
      if (Number(next.weight.data[(t * next.inputChannels + c) * next.outputChannels + o]) !== 0) return false;
  return true;
}

/** The channels that stay, filled up to a whole number of blocks; exactly the consumer's for a depthwise consumer. */
function keep(count: number, removable: ReadonlySet<number>, consumer: Kept | undefined): readonly number[] {
  if (consumer !== undefined) return consumer.channels;
  const kept = Array.from({ length: count }, (_, i) => i).filter((c) => !removable.has(c));
  const wanted = Math.min(count, Math.max(channelBlock, Math.ceil(kept.length / channelBlock) * channelBlock));
  for (const c of removable) if (kept.length < wanted) kept.push(c);
  return kept.sort((a, b) => a - b);
}

// ------------------------------------------------------------------------------------------------ rewriting

function shrink(body: Expr, plan: Plan, context: PassContext): Expr {
  return rewrite(body, (e, original) => {
    const tail = plan.tails.get(original);
    const channels = tail === undefined ? undefined : plan.kept.get(tail.data)?.channels;
    if (tail !== undefined && channels !== undefined) {
      const range = plan.ranges.get(tail.data);
      const data = operandAt(e, tail.path.length + 2);
      return shrinkTail(tail, data, channels, (c) => range?.low[c] ?? 0, context.operators);
    }
    const block = plan.blocks.get(original);
    if (block === undefined || e.kind !== 'call') return e;
    const outputs = plan.kept.get(original)?.channels;
    const inputs = plan.kept.get(block.data)?.channels;
    return outputs === undefined && inputs === undefined ? e : rebuilt(e, block, inputs, outputs, plan, context);
  });
}

function rebuilt(
  e: Call,
  block: QuantisedBlock,
  inputs: readonly number[] | undefined,
  outputs: readonly number[] | undefined,
  plan: Plan,
  context: PassContext,
): Expr {
  const data = operandAt(e, 3 + (block.clip === undefined ? 0 : 1));
  const keptOut = outputs ?? Array.from({ length: block.outputChannels }, (_, i) => i);
  const keptIn = inputs ?? Array.from({ length: block.inputChannels }, (_, i) => i);
  const op = (name: string, args: readonly Expr[], like: Call, attrs = like.attrs): Call =>
    callOperator(context.operators, name, args, attrs, like.origin);
  const perChannel = (arg: Expr): Expr =>
    arg.kind === 'constant' && arg.value.data.length === block.outputChannels && block.outputChannels > 1
      ? { ...constant(pick(arg.value, keptOut), arg.origin, arg.name) }
      : arg;
  const [, weightArg] = block.conv.args;
  const name = weightArg?.kind === 'constant' ? weightArg.name : undefined;
  const weight = constant(slicedWeight(block, keptIn, keptOut), weightArg?.origin ?? [], name);
  const attrs = {
    ...block.conv.attrs,
    channels: keptOut.length,
    ...(block.depthwise ? { groups: keptOut.length } : {}),
  };
  const conv = op('qnn.conv2d', [data, weight, ...block.conv.args.slice(2).map(perChannel)], block.conv, attrs);
  const biasArg = block.bias.args[1];
  if (biasArg?.kind !== 'constant') throw new Error('a block without a constant bias');
  const folded = foldedBias(block, biasArg.value, keptIn, plan.ranges.get(block.data));
  const bias = op('nn.bias_add', [conv, constant(pick(folded, keptOut), biasArg.origin, biasArg.name)], block.bias);
  const requantize = op('qnn.requantize', [bias, ...block.requantize.args.slice(1).map(perChannel)], block.requantize);
  if (block.clip === undefined) return { ...requantize, origin: joinOrigins(requantize.origin, e.origin) };
  return op('clip', [requantize], block.clip);
}

/** The first operand of the first operand …, `depth` times: already rewritten data under a chain. */
function operandAt(e: Expr, depth: number): Expr {
  let at = e;
  for (let i = 0; i < depth; i++) {
    const next: Expr | undefined = at.kind === 'call' ? at.args[0] : undefined;
    if (next === undefined) throw new Error('a chain lost its data');
    at = next;
  }
  return at;
}

function pick(value: NDArray, channels: readonly number[]): NDArray {
  const data = value.data.slice(0, channels.length);
  channels.forEach((c, i) => {
    data[i] = value.data[c] as never;
  });
  return { ...value, shape: [channels.length], data };
}

function slicedWeight(block: QuantisedBlock, keptIn: readonly number[], keptOut: readonly number[]): NDArray {
  const [h = 0, w = 0] = block.weight.shape;
  const second = block.depthwise ? [1] : keptOut;
  const first = block.depthwise ? keptOut : keptIn;
  const shape = [h, w, first.length, second.length];
  const data = block.weight.data.slice(0, h * w * first.length * second.length);
  let at = 0;
  for (let t = 0; t < h * w; t++)
    for (const c of first) {
      const row = t * (block.depthwise ? block.outputChannels : block.inputChannels) + c;
      if (block.depthwise) data[at++] = block.weight.data[row] as never;
      else for (const o of keptOut) data[at++] = block.weight.data[row * block.outputChannels + o] as never;
    }
  return { ...block.weight, shape, data };
}

/** The bias with what the removed, constant input channels added. */
function foldedBias(
  block: QuantisedBlock,
  bias: NDArray,
  keptIn: readonly number[],
  input: ChannelRanges | undefined,
): NDArray {
  if (block.depthwise || keptIn.length === block.inputChannels) return bias;
  const data = Int32Array.from(bias.data as Int32Array);
  const stays = new Set(keptIn);
  const taps = (block.weight.shape[0] ?? 0) * (block.weight.shape[1] ?? 0);
  for (let c = 0; c < block.inputChannels; c++) {
    // A removed channel is constant, or its weights are zero and its value does not count.
    const value = (input?.low[c] ?? 0) - block.zeroPoint;
    if (stays.has(c) || value === 0) continue;
    for (let t = 0; t < taps; t++)
      for (let o = 0; o < block.outputChannels; o++) {
        const w = Number(block.weight.data[(t * block.inputChannels + c) * block.outputChannels + o]);
        data[o] = ((data[o] ?? 0) + Math.imul(value, w)) | 0;
      }
  }
  return { ...bias, data };
}
