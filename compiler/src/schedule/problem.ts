/**
 * What the quantised templates work on: a convolution (dense is one with a single row of pixels) and what is done to
 * its sums, as plain numbers. Fused functions are parsed into these in `parse.ts`; nothing here knows Relay.
 */

/** What happens to a 32-bit sum on its way to memory. All values are integers. */
export interface Epilogue {
  /** Fixed-point factors, one a channel or a single one: q = (sum · multiplier) / 2^(31 − shift), rounded half up. */
  readonly multiplier: readonly number[];
  readonly shift: readonly number[];
  /** Added after scaling, before saturation to `dtype`. */
  readonly zeroPoint: number;
  readonly dtype: OutputDType;
  /** Further bounds, within the range of `dtype`. */
  readonly min: number;
  readonly max: number;
  /** By how much the zero point and both bounds stand above the output's (see `liftBounds`); undefined: not lifted. */
  readonly lifted?: number;
  /** A fused residual addition, after the bounds above. */
  readonly residual?: Residual;
}
export type OutputDType = 'int8' | 'uint8';
export type InputDType = 'int8' | 'uint8';
/** What filters read: bytes are widened, halves are taken as they are. */
export type DataDType = InputDType | 'int16';

/** One side of a quantised sum: (x − zeroPoint) · scale, as a fixed-point factor into the output's scale. */
export interface AddSide {
  readonly zeroPoint: number;
  readonly multiplier: number;
  readonly shift: number;
  readonly dtype: InputDType;
}
/** out = clamp(side(own) + side(other) + zeroPoint). */
export interface Residual {
  readonly own: AddSide;
  readonly other: AddSide;
  readonly zeroPoint: number;
  readonly dtype: OutputDType;
  readonly min: number;
  readonly max: number;
}

/** A window that slides over an image. */
export interface SlidingWindow {
  readonly batch: number;
  readonly inH: number;
  readonly inW: number;
  readonly inC: number;
  readonly outH: number;
  readonly outW: number;
  readonly outC: number;
  readonly kH: number;
  readonly kW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly padTop: number;
  readonly padLeft: number;
}

/** NHWC convolution with constant weights. */
export interface ConvProblem extends SlidingWindow {
  readonly groups: number;
  readonly inputDtype: DataDType;
  /** Zero point of the input; the value of padding. */
  readonly inputZero: number;
  /** Less their zero point, [outC][kH][kW][inC / groups]; int16 where some do not fit int8. */
  readonly weights: Int8Array | Int16Array;
  /** One a channel: bias with the input's zero point folded in, − inputZero · Σ weights. */
  readonly bias: Int32Array;
  readonly epilogue: Epilogue;
}

/** Multiply–accumulates of one run. */
export function convMacs(p: ConvProblem): number {
  return p.batch * p.outH * p.outW * p.outC * p.kH * p.kW * (p.inC / p.groups);
}

export function isDepthwise(p: ConvProblem): boolean {
  return p.groups === p.inC && p.groups > 1;
}

/** The same problem in a form that suits the templates: few axes, and plain parameters where the output is constant. */
export function normalise(problem: ConvProblem): ConvProblem {
  return withFewAxes(settleConstantChannels(problem));
}

/** A pointwise problem without stride or padding as a single row, a column of width 1 as a row. */
export function withFewAxes(p: ConvProblem): ConvProblem {
  const plain = p.kH === 1 && p.kW === 1 && p.strideH === 1 && p.strideW === 1 && p.padTop === 0 && p.padLeft === 0;
  if (plain && p.outH === p.inH && p.outW === p.inW) {
    const pixels = p.batch * p.inH * p.inW;
    return { ...p, batch: 1, inH: 1, outH: 1, inW: pixels, outW: pixels };
  }
  if (p.inW === 1 && p.kW === 1 && p.outW === 1 && p.padLeft === 0 && p.inH > 1) {
    return {
      ...p,
      inH: 1,
      inW: p.inH,
      outH: 1,
      outW: p.outH,
      kH: 1,
      kW: p.kH,
      strideH: 1,
      strideW: p.strideH,
      dilationH: 1,
      dilationW: p.dilationH,
      padTop: 0,
      padLeft: p.padTop,
    };
  }
  return p;
}

const dataRange: Readonly<Record<DataDType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
};

/** The least and greatest value of a channel's sum, bias included, over all inputs. */
export function sumRange(p: ConvProblem, channel: number): { readonly min: number; readonly max: number } {
  const length = p.kH * p.kW * (p.inC / p.groups);
  const [lo, hi] = dataRange[p.inputDtype];
  let min = p.bias[channel] ?? 0;
  let max = min;
  for (let i = channel * length; i < (channel + 1) * length; i++) {
    const w = p.weights[i] ?? 0;
    min += w > 0 ? w * lo : w * hi;
    max += w > 0 ? w * hi : w * lo;
  }
  return { min, max };
}

/** The stored value of a sum of a channel, before a residual addition. */
export function outputOf(e: Epilogue, channel: number, sum: number): number {
  const at = e.multiplier.length === 1 ? 0 : channel;
  const shift = BigInt(e.shift[at] ?? 0);
  const total = 31n - (shift > 0n ? 0n : shift);
  const wide = BigInt(sum) << (shift > 0n ? shift : 0n);
  const scaled = (wide * BigInt(e.multiplier[at] ?? 0) + (1n << (total - 1n))) >> total;
  const value = Number(scaled) + e.zeroPoint;
  return Math.min(e.max, Math.max(e.min, value));
}

/**
 * Channels that give one value for every input (pruned ones often carry scales and biases far out of the usual) get no
 * weights, and parameters that give this value by small numbers: (8 · (value − zero point)) · 2^30 / 2^33.
 */
export function settleConstantChannels(p: ConvProblem): ConvProblem {
  const constant: { channel: number; value: number }[] = [];
  for (let channel = 0; channel < p.outC; channel++) {
    const { min, max } = sumRange(p, channel);
    if (min < -(2 ** 31) || max >= 2 ** 31) continue;
    // Scaling, saturation and bounds do not decrease, so the ends tell.
    const value = outputOf(p.epilogue, channel, min);
    if (outputOf(p.epilogue, channel, max) === value) constant.push({ channel, value });
  }
  if (constant.length === 0) return p;
  const e = p.epilogue;
  const all = (values: readonly number[]): number[] =>
    Array.from({ length: p.outC }, (_, c) => values[values.length === 1 ? 0 : c] ?? 0);
  const multiplier = all(e.multiplier);
  const shift = all(e.shift);
  const weights = p.weights.slice();
  const bias = p.bias.slice();
  const length = weights.length / p.outC;
  for (const { channel, value } of constant) {
    weights.fill(0, channel * length, (channel + 1) * length);
    bias[channel] = 8 * (value - e.zeroPoint);
    multiplier[channel] = 2 ** 30;
    shift[channel] = -2;
  }
  return { ...p, weights, bias, epilogue: { ...e, multiplier, shift } };
}
