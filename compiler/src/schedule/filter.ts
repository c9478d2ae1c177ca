/** The geometry of convolutions and dense layers, whatever order their dimensions stand in. */
import type { Call, Expr } from '../ir/expr.ts';
import { operatorName } from '../ir/build.ts';
import { staticShape } from '../types/type.ts';
import type { SlidingWindow } from './problem.ts';

/** A window and the layout of the image. */
export interface Window extends SlidingWindow {
  /** Whether a pixel's channels are neighbours in memory (NHWC); else a channel's pixels are (NCHW). */
  readonly channelsLast: boolean;
}

/** A filter that slides over an image; dense is one of 1×1 over a single row of pixels. */
export interface Filter extends Window {
  readonly groups: number;
  /** Position of a weight in the constant. */
  at(o: number, ky: number, kx: number, i: number): number;
}

export function shapeOf(e: Expr | undefined): readonly number[] | undefined {
  return e?.type.kind === 'tensor' ? staticShape(e.type) : undefined;
}
export function dtypeOf(e: Expr | undefined): string {
  return e?.type.kind === 'tensor' ? e.type.dtype : '';
}

/** A list of `count` integers from an attribute that may hold fewer. */
export function integers(value: unknown, count: number): readonly number[] | undefined {
  const list = Array.isArray(value) ? (value as readonly unknown[]) : [value];
  if (!list.every((v) => typeof v === 'number' && Number.isInteger(v))) return undefined;
  const all = list as readonly number[];
  if (all.length === count) return all;
  if (all.length === 1) return Array.from({ length: count }, () => all[0] ?? 0);
  if (count === 4 && all.length === 2) return [...all, ...all];
  return undefined;
}

/** The filter of a call of a convolution or dense operator; undefined where its form is another. */
export function filterOf(call: Call): Filter | undefined {
  switch (operatorName(call)) {
    case 'nn.conv2d':
    case 'qnn.conv2d':
      return convFilter(call);
    case 'nn.conv1d':
      return sequenceFilter(call);
    case 'nn.dense':
    case 'qnn.dense':
      return denseFilter(call);
    default:
      return undefined;
  }
}

interface Layouts {
  readonly data: string;
  readonly kernel: string;
}

/** Layouts of the attributes, when the result has that of the data. */
function layoutsOf(call: Call): Layouts {
  const { data_layout: data, kernel_layout: kernel, out_layout: out } = call.attrs;
  const kept = out === undefined || out === null || out === '' || out === data;
  return { data: kept ? String(data) : '', kernel: String(kernel) };
}

function convFilter(call: Call): Filter | undefined {
  const layouts = layoutsOf(call);
  const a = call.attrs;
  const strides = integers(a['strides'], 2);
  const dilation = integers(a['dilation'], 2);
  const padding = integers(a['padding'], 4);
  if (!strides || !dilation || !padding) return undefined;
  return slidingFilter(call, layouts, shapeOf(call.args[0]), shapeOf(call.args[1]), shapeOf(call), {
    strides,
    dilation,
    padding,
  });
}

/** One-dimensional convolution as an image of one row. */
function sequenceFilter(call: Call): Filter | undefined {
  const layouts = layoutsOf(call);
  const a = call.attrs;
  const strides = integers(a['strides'], 1);
  const dilation = integers(a['dilation'], 1);
  const padding = integers(a['padding'], 2);
  if (!strides || !dilation || !padding) return undefined;
  const raised = (layout: string, shape: readonly number[] | undefined): readonly number[] | undefined => {
    const at = layout.indexOf('W');
    return shape && at >= 0 ? [...shape.slice(0, at), 1, ...shape.slice(at)] : undefined;
  };
  const { data, kernel } = layouts;
  return slidingFilter(
    call,
    { data: data.replace('W', 'HW'), kernel: kernel.replace('W', 'HW') },
    raised(data, shapeOf(call.args[0])),
    raised(kernel, shapeOf(call.args[1])),
    raised(data, shapeOf(call)),
    { strides: [1, ...strides], dilation: [1, ...dilation], padding: [0, padding[0] ?? 0, 0, padding[1] ?? 0] },
  );
}

interface Steps {
  readonly strides: readonly number[];
  readonly dilation: readonly number[];
  /** Top, left, bottom, right. */
  readonly padding: readonly number[];
}

function slidingFilter(
  call: Call,
  layouts: Layouts,
  input: readonly number[] | undefined,
  kernel: readonly number[] | undefined,
  output: readonly number[] | undefined,
  steps: Steps,
): Filter | undefined {
  const channelsLast = layouts.data === 'NHWC';
  if (!channelsLast && layouts.data !== 'NCHW') return undefined;
  if (input?.length !== 4 || kernel?.length !== 4 || output?.length !== 4 || layouts.kernel.length !== 4)
    return undefined;
  const [h, w, i, o] = ['H', 'W', 'I', 'O'].map((axis) => layouts.kernel.indexOf(axis)) as [
    number,
    number,
    number,
    number,
  ];
  if ([h, w, i, o].some((position) => position < 0)) return undefined;
  const sizes = (shape: readonly number[]): readonly number[] =>
    channelsLast ? shape : [shape[0] ?? 0, shape[2] ?? 0, shape[3] ?? 0, shape[1] ?? 0];
  const [batch = 0, inH = 0, inW = 0, inC = 0] = sizes(input);
  const [, outH = 0, outW = 0, outC = 0] = sizes(output);
  const [kH, kW] = [kernel[h] ?? 0, kernel[w] ?? 0];
  const groups = Number(call.attrs['groups']);
  // Depthwise kernels come as (…, channels, multiplier) or (…, 1, channels · multiplier); order in memory is the same.
  const perGroup = inC / groups;
  const depthwise = groups > 1 && perGroup === 1;
  if (!depthwise && ((kernel[i] ?? 0) !== perGroup || (kernel[o] ?? 0) !== outC)) return undefined;
  if (depthwise && Math.abs(i - o) !== 1) return undefined;
  const stride = (axis: number): number => kernel.slice(axis + 1).reduce((x, y) => x * y, 1);
  const channelStride = depthwise ? stride(Math.max(i, o)) : stride(o);
  return {
    batch, inH, inW, inC, outH, outW, outC, kH, kW, groups, channelsLast,
    strideH: steps.strides[0] ?? 1, strideW: steps.strides[1] ?? 1,
    dilationH: steps.dilation[0] ?? 1, dilationW: steps.dilation[1] ?? 1,
    padTop: steps.padding[0] ?? 0, padLeft: steps.padding[1] ?? 0,
    at: (oc, ky, kx, ic) => oc * channelStride + ky * stride(h) + kx * stride(w) + (depthwise ? 0 : ic * stride(i)),
  }; // prettier-ignore
}

function denseFilter(call: Call): Filter | undefined {
  const input = shapeOf(call.args[0]);
  const kernel = shapeOf(call.args[1]);
  if (!input || kernel?.length !== 2 || input.length < 1) return undefined;
  const inC = input.at(-1) ?? 0;
  const rows = input.slice(0, -1).reduce((a, b) => a * b, 1);
  return {
    batch: 1, inH: 1, inW: rows, inC, outH: 1, outW: rows, outC: kernel[0] ?? 0, kH: 1, kW: 1, groups: 1,
    strideH: 1, strideW: 1, dilationH: 1, dilationW: 1, padTop: 0, padLeft: 0, channelsLast: true,
    at: (o, _y, _x, i) => o * inC + i,
  }; // prettier-ignore
}
