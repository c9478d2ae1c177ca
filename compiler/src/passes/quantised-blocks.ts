/** Quantised convolutions with the per-channel operators behind them, as one unit of channels in and channels out. */
import { operatorName } from '../ir/build.ts';
import type { Call, Expr } from '../ir/expr.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { staticShape } from '../types/type.ts';

/** `qnn.conv2d → nn.bias_add → qnn.requantize (→ clip)` in NHWC, every step but the last used once. */
export interface QuantisedBlock {
  readonly conv: Call;
  readonly bias: Call;
  readonly requantize: Call;
  readonly clip: Call | undefined;
  /** The expression that gives the block's result. */
  readonly output: Call;
  readonly data: Expr;
  readonly weight: NDArray;
  readonly depthwise: boolean;
  readonly inputChannels: number;
  readonly outputChannels: number;
  /** Zero point of the input, which is also what padding holds. */
  readonly zeroPoint: number;
  readonly padded: boolean;
}

function constantOf(e: Expr | undefined): NDArray | undefined {
  return e?.kind === 'constant' ? e.value : undefined;
}

/** The block that ends in `output`; undefined when it is none. `uses` counts operands' uses. */
export function blockEndingIn(output: Expr, uses: ReadonlyMap<Expr, number>): QuantisedBlock | undefined {
  const once = (e: Expr | undefined): Call | undefined =>
    e?.kind === 'call' && (e === output || uses.get(e) === 1) ? e : undefined;
  const named = (e: Call | undefined, name: string): Call | undefined =>
    e !== undefined && operatorName(e) === name ? e : undefined;
  const last = once(output);
  const clip = named(last, 'clip');
  const requantize = named(clip === undefined ? last : once(clip.args[0]), 'qnn.requantize');
  const bias = named(once(requantize?.args[0]), 'nn.bias_add');
  const conv = named(once(bias?.args[0]), 'qnn.conv2d');
  if (last === undefined || requantize === undefined || bias === undefined || conv === undefined) return undefined;
  const [data, w, zero, kernelZero] = conv.args;
  const weight = constantOf(w);
  const [zeroPoint, kernelZeroPoint] = [constantOf(zero), constantOf(kernelZero)];
  const constants = [constantOf(bias.args[1]), ...requantize.args.slice(1).map(constantOf)];
  if (data === undefined || weight === undefined || constants.some((c) => c === undefined)) return undefined;
  if (zeroPoint?.data.length !== 1 || kernelZeroPoint === undefined) return undefined;
  for (const z of kernelZeroPoint.data as Iterable<number | bigint>) if (Number(z) !== 0) return undefined;
  if (conv.attrs['data_layout'] !== 'NHWC' || Number(bias.attrs['axis']) !== 3) return undefined;
  const [input, result] = [data.type, conv.type];
  if (input.kind !== 'tensor' || result.kind !== 'tensor') return undefined;
  const inputChannels = staticShape(input)?.[3] ?? 0;
  const outputChannels = staticShape(result)?.[3] ?? 0;
  const groups = Number(conv.attrs['groups']);
  const layout = String(conv.attrs['kernel_layout']);
  const depthwise = groups > 1 && groups === inputChannels && outputChannels === inputChannels && layout === 'HWOI';
  if (!depthwise && (groups !== 1 || layout !== 'HWIO')) return undefined;
  const padding = conv.attrs['padding'];
  const padded = !Array.isArray(padding) || padding.some((p) => Number(p) !== 0);
  return {
    conv,
    bias,
    requantize,
    clip,
    output: last,
    data,
    weight,
    depthwise,
    inputChannels,
    outputChannels,
    zeroPoint: Number(zeroPoint.data[0]),
    padded,
  };
}

/** Range of every channel of an int8 or uint8 tensor. */
export interface ChannelRanges {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/**
 * Range of the sums of each output channel for inputs in `input`, padding included. Sound: every tap may fall into the
 * padding, where it adds nothing.
 */
export function sumRanges(block: QuantisedBlock, input: ChannelRanges): { low: Int32Array; high: Int32Array } {
  const low = new Int32Array(block.outputChannels);
  const high = new Int32Array(block.outputChannels);
  const taps = (block.weight.shape[0] ?? 0) * (block.weight.shape[1] ?? 0);
  const tap = (weight: number, c: number, o: number): void => {
    const a = ((input.low[c] ?? 0) - block.zeroPoint) * weight;
    const b = ((input.high[c] ?? 0) - block.zeroPoint) * weight;
    const least = Math.min(a, b);
    const most = Math.max(a, b);
    low[o] = (low[o] ?? 0) + (block.padded ? Math.min(0, least) : least);
    high[o] = (high[o] ?? 0) + (block.padded ? Math.max(0, most) : most);
  };
  const { inputChannels, outputChannels, weight } = block;
  for (let t = 0; t < taps; t++) {
    if (block.depthwise) for (let c = 0; c < inputChannels; c++) tap(Number(weight.data[t * inputChannels + c]), c, c);
    else
      for (let c = 0; c < inputChannels; c++)
        for (let o = 0; o < outputChannels; o++)
          tap(Number(weight.data[(t * inputChannels + c) * outputChannels + o]), c, o);
  }
  return { low, high };
}
