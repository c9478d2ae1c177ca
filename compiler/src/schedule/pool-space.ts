/** Pooling: what fits the template, and its space. */
import { operatorName } from '../ir/build.ts';
import type { Call, Expr, Func } from '../ir/expr.ts';
import { ix } from '../loops/build.ts';
import type { LExpr } from '../loops/ir.ts';
import { anchored } from './anchored.ts';
import { dtypeOf, integers, shapeOf, type Window } from './filter.ts';
import { defaultFlags, flagsKnob, log, oneHot, spaceOver, type Fitted } from './space.ts';
import type { Knob, ScheduleConfig } from './task.ts';
import { lowerPool, poolsWords, type PoolProblem } from './templates/pool.ts';

/** `max` or `avg` by the operator's name, over one or two dimensions. */
function kindOf(
  call: Call,
): { readonly kind: 'max' | 'avg'; readonly global: boolean; readonly rank: 1 | 2 } | undefined {
  const match = /^nn\.(global_)?(max|avg)_pool([12])d$/.exec(operatorName(call) ?? '');
  if (!match) return undefined;
  return { kind: match[2] === 'max' ? 'max' : 'avg', global: match[1] !== undefined, rank: match[3] === '1' ? 1 : 2 };
}

/** Means of bytes are taken of their widened values. */
function dataOf(anchor: Call): Expr | undefined {
  const [data] = anchor.args;
  const bytes = data?.kind === 'call' && operatorName(data) === 'cast' && dtypeOf(data) === 'int32';
  return bytes && kindOf(anchor)?.kind === 'avg' ? data.args[0] : data;
}

/** The function as pooling of bytes or floats; undefined when it is another. */
export function parsePool(func: Func): PoolProblem | undefined {
  const around = anchored(func, (call) => kindOf(call) !== undefined, dataOf);
  const found = around && kindOf(around.anchor);
  if (!around || !found) return undefined;
  const { anchor, data } = around;
  const dtype = dtypeOf(data);
  if (dtype !== 'int8' && dtype !== 'uint8' && dtype !== 'float32') return undefined;
  const sums = dtype === 'float32' || found.kind === 'max' ? dtype : 'int32';
  if (dtypeOf(anchor) !== sums) return undefined;
  const read = windowOf(anchor, found.global, found.rank);
  if (!read) return undefined;
  const { window, partial } = read;
  const wholeWindow = anchor.attrs['count_include_pad'] === true;
  if ((wholeWindow && partial) || window.kH * window.kW * window.inC * window.outH * window.outW === 0)
    return undefined;
  const { channelsLast } = window;
  const indices: PoolProblem['indices'] =
    found.rank === 2
      ? channelsLast ? (n, y, x, c) => [n, y, x, c] : (n, y, x, c) => [n, c, y, x]
      : channelsLast ? (n, _y, x, c) => [n, x, c] : (n, _y, x, c) => [n, c, x]; // prettier-ignore
  return flattened({ window, kind: found.kind, wholeWindow, dtype, around, indices });
}

/** The window of a call; `partial`: one reaches beyond the padding, where the division is another. */
function windowOf(call: Call, global: boolean, rank: 1 | 2): { window: Window; partial: boolean } | undefined {
  const layout = String(call.attrs['layout']);
  const spatial = rank === 2 ? 'HW' : 'W';
  const channelsLast = layout === `N${spatial}C`;
  if (!channelsLast && layout !== `NC${spatial}`) return undefined;
  const [input, output] = [shapeOf(call.args[0]), shapeOf(call)];
  if (input?.length !== rank + 2 || output?.length !== rank + 2) return undefined;
  const sizes = (shape: readonly number[]): readonly number[] => {
    const space = channelsLast ? shape.slice(1, -1) : shape.slice(2);
    const channels = (channelsLast ? shape.at(-1) : shape[1]) ?? 0;
    return [shape[0] ?? 0, ...(rank === 1 ? [1] : []), ...space, channels];
  };
  const [batch = 0, inH = 0, inW = 0, inC = 0] = sizes(input);
  const [, outH = 0, outW = 0] = sizes(output);
  const pair = (name: string, otherwise: number): readonly number[] | undefined => {
    const value = global ? otherwise : (call.attrs[name] ?? otherwise);
    const all = integers(value, rank);
    return all && (rank === 1 ? [name === 'padding' ? 0 : 1, ...all] : all);
  };
  const kernel = global ? [inH, inW] : pair('pool_size', 1);
  const [strides, dilation] = [pair('strides', 1), pair('dilation', 1)];
  const padding = integers(global ? 0 : (call.attrs['padding'] ?? 0), 2 * rank);
  if (!kernel || !strides || !dilation || !padding) return undefined;
  const [top = 0, left = 0, bottom = 0, right = 0] = rank === 2 ? padding : [0, padding[0] ?? 0, 0, padding[1] ?? 0];
  const [kH = 0, kW = 0] = kernel;
  const [strideH = 1, strideW = 1] = strides;
  const [dilationH = 1, dilationW = 1] = dilation;
  const beyond = (
    out: number,
    stride: number,
    k: number,
    d: number,
    size: number,
    before: number,
    after: number,
  ): boolean => (out - 1) * stride + (k - 1) * d + 1 > size + before + after;
  return {
    window: {
      batch, inH, inW, inC, outH, outW, outC: inC, kH, kW, strideH, strideW, dilationH, dilationW,
      padTop: top, padLeft: left, channelsLast,
    },
    partial:
      beyond(outH, strideH, kH, dilationH, inH, top, bottom) || beyond(outW, strideW, kW, dilationW, inW, left, right),
  }; // prettier-ignore
}

/** Windows of whole rows are runs of pixels: one loop in place of two. */
function flattened(p: PoolProblem): PoolProblem {
  const { window: w } = p;
  const wholeRows = w.kW === w.inW && w.outW === 1 && w.padLeft === 0 && w.padTop === 0;
  if (!wholeRows || w.dilationH !== 1 || w.dilationW !== 1 || (w.outH - 1) * w.strideH + w.kH > w.inH) return p;
  return {
    ...p,
    window: {
      ...w,
      inH: 1,
      inW: w.inH * w.inW,
      outH: 1,
      outW: w.outH,
      kH: 1,
      kW: w.kH * w.kW,
      strideH: 1,
      strideW: w.strideH * w.inW,
    },
    indices: (n, _y, x, c): readonly LExpr[] => p.indices(n, x, ix(0), c),
  };
}

/** The template for a parsed pooling. */
export function fitPool(p: PoolProblem, dsp: boolean): Fitted {
  const { window: w } = p;
  const words = dsp && poolsWords(p);
  const knobs: Knob[] = [
    { name: 'unroll', summary: 'Elements of a window row in a turn of the loop.', values: [1, 2, 3, 4, 5, 8] },
    {
      name: 'words',
      summary: 'Four neighbouring bytes at a time, or elements one by one.',
      values: words ? [true, false] : [false],
    },
    {
      name: 'channels',
      summary: 'Channels whose results stay in registers, when elements go one by one.',
      values: [1, 2, 4, 8].filter((c) => c <= w.inC),
    },
    flagsKnob,
  ];
  const unroll = [5, 4, 3, 2, 8].find((u) => w.kW % u === 0) ?? (w.kW > 4 ? 4 : 1);
  const chosen: ScheduleConfig = {
    unroll,
    words,
    // Small windows gain nothing from sharing what it takes to run over them.
    channels: w.channelsLast && w.kH * w.kW >= 12 ? ([4, 2].find((c) => c <= w.inC) ?? 1) : 1,
    flags: defaultFlags,
  };
  return {
    space: spaceOver(
      'pool_windows',
      knobs,
      chosen,
      () => true,
      (c) => [
        log(w.outH * w.outW),
        log(w.inC),
        log(w.kH * w.kW),
        log(w.kW),
        p.kind === 'max' ? 1 : 0,
        Number(c['unroll']),
        Number(c['channels']),
        c['words'] === true ? 1 : 0,
        ...oneHot(flagsKnob, c),
      ],
    ),
    lower: (c) =>
      lowerPool(p, { unroll: Number(c['unroll']), channels: Number(c['channels']), words: c['words'] === true }),
  };
}
