/** The schedule spaces of float32 templates. */
import type { Call, Func } from '../../ir/expr.ts';
import { anchored, type Anchored } from '../anchored.ts';
import { dtypeOf, filterOf, shapeOf, type Filter } from '../filter.ts';
import type { LExpr } from '../../loops/ir.ts';
import { ix } from '../../loops/build.ts';
import { defaultFlags, flagsKnob, log, oneHot, spaceOver, type Fitted } from '../space.ts';
import type { Knob, ScheduleConfig } from '../task.ts';
import { lowerFloatConv, type FilterProblem } from './conv.ts';
import { fitsColumns, isFloatDepthwise, lowerFloatDepthwise } from './depthwise.ts';
import { insideColumns } from '../nest.ts';

/** The function as a filter in float32 with constant weights; undefined when it is another. */
export function parseFilter(func: Func): FilterProblem | undefined {
  const around = anchored(func, (call) => filterOf(call) !== undefined);
  if (!around) return undefined;
  const { anchor } = around;
  const filter = filterOf(anchor);
  const weights = anchor.args[1];
  const float = [anchor, around.data, weights].every((e) => dtypeOf(e) === 'float32');
  if (!filter || !float || weights?.kind !== 'constant' || filter.outC % filter.groups !== 0) return undefined;
  if (filter.outH * filter.outW * filter.outC * filter.inC * filter.batch === 0) return undefined;
  const indices = subscripts(anchor, around, filter);
  return indices ? { filter, weights: weights.value.data as ArrayLike<number>, around, indices } : undefined;
}

/** How the result is subscripted; undefined for dense layers whose rows are spread over several dimensions. */
function subscripts(anchor: Call, around: Anchored, f: Filter): FilterProblem['indices'] | undefined {
  const rank = around.shape.length;
  const input = shapeOf(anchor.args[0]) ?? [];
  if (rank === 4 && input.length === 4)
    return f.channelsLast ? (n, y, x, c) => [n, y, x, c] : (n, y, x, c) => [n, c, y, x];
  if (rank === 3 && anchor.attrs['kernel_size'] !== undefined)
    return f.channelsLast ? (n, _y, x, c) => [n, x, c] : (n, _y, x, c) => [n, c, x];
  const rows = around.shape
    .slice(0, -1)
    .map((size, d) => ({ size, d }))
    .filter((r) => r.size !== 1);
  if (rows.length > 1) return undefined;
  return (_n, _y, x, c): LExpr[] => [...around.shape.slice(0, -1).map((size) => (size === 1 ? ix(0) : x)), c];
}

const blockWidths: readonly number[] = [1, 2, 3, 4, 5, 6, 8];
const num = (config: ScheduleConfig, name: string): number => Number(config[name]);

/** The template of a filter in float32. */
export function fitFilter(p: FilterProblem): Fitted {
  return isFloatDepthwise(p.filter) ? fitDepthwise(p) : fitConv([p], 'conv2d_float_fma');
}

/** The template of a transposed convolution in float32, given its parts. */
export function fitTransposed(parts: readonly FilterProblem[]): Fitted {
  return fitConv(parts, 'conv2d_transpose_float_fma');
}

function problemFeatures(f: Filter): number[] {
  return [
    log(f.outH), log(f.outW), log(f.outC), log(f.inC), log(f.kH), log(f.kW), log(f.strideH * f.strideW), log(f.groups),
    f.channelsLast ? 1 : 0,
  ]; // prettier-ignore
}

function fitDepthwise(p: FilterProblem): Fitted {
  const f = p.filter;
  const { left, right } = insideColumns(f);
  const widths = [1, 2, 3, 4].filter((x) => x <= f.outW && fitsColumns(f, x));
  const knobs: Knob[] = [
    { name: 'pixels', summary: 'Neighbouring outputs computed together.', values: widths },
    flagsKnob,
  ];
  const width = Math.max(1, right - left);
  const even = [4, 3].find((x) => widths.includes(x) && width % x === 0);
  const pixels = even ?? widths.filter((x) => x <= width).at(-1) ?? 1;
  const chosen: ScheduleConfig = { pixels, flags: defaultFlags };
  return {
    space: spaceOver(
      'depthwise_float_fma',
      knobs,
      chosen,
      () => true,
      (c) => [
        ...problemFeatures(f),
        num(c, 'pixels'),
        (width % num(c, 'pixels')) / num(c, 'pixels'),
        ...oneHot(flagsKnob, c),
      ],
    ),
    lower: (c) => lowerFloatDepthwise(p, num(c, 'pixels')),
  };
}

function fitConv(parts: readonly FilterProblem[], template: string): Fitted {
  const [p] = parts;
  if (!p) throw new Error('a template without parts');
  const f = p.filter;
  const perGroup = f.outC / f.groups;
  const knobs: Knob[] = [
    {
      name: 'channels',
      summary: 'Output channels whose sums stay in registers.',
      values: [1, 2, 4, 8].filter((c) => c <= perGroup),
    },
    {
      name: 'pixels',
      summary: 'Output pixels whose sums stay in registers.',
      values: blockWidths.filter((x) => x <= f.outW),
    },
    {
      name: 'unroll',
      summary: 'Pairs of taps in a turn of the inner loop; 0: all of them.',
      values: [1, 2, 4, 8, 0],
    },
    flagsKnob,
  ];
  const run = runLength(f);
  const valid = (c: ScheduleConfig): boolean => {
    const [channels, pixels, unroll] = [num(c, 'channels'), num(c, 'pixels'), num(c, 'unroll')];
    if (channels * pixels > 20 || (channels === 8 && pixels > 1)) return false;
    if (unroll === 0) return (run / 2) * channels * pixels <= 512;
    return unroll === 1 || unroll < run / 2;
  };
  const chosen: ScheduleConfig = { ...defaultBlock(f), unroll: defaultUnroll(run), flags: defaultFlags };
  const features = (c: ScheduleConfig): readonly number[] => [
    ...problemFeatures(f), log(run), num(c, 'channels'), num(c, 'pixels'), num(c, 'channels') * num(c, 'pixels'),
    log(num(c, 'unroll')), (f.outW % num(c, 'pixels')) / num(c, 'pixels'),
    (perGroup % num(c, 'channels')) / num(c, 'channels'), ...oneHot(flagsKnob, c),
  ]; // prettier-ignore
  return {
    space: spaceOver(template, knobs, chosen, valid, features),
    lower: (c) =>
      lowerFloatConv(parts, { channels: num(c, 'channels'), pixels: num(c, 'pixels'), unroll: num(c, 'unroll') }),
  };
}

/** Inputs of a pixel that lie one behind the other. */
function runLength(f: Filter): number {
  const merged = f.dilationW === 1 ? f.kW : 1;
  if (!f.channelsLast) return merged;
  return f.groups === 1 ? merged * f.inC : f.inC / f.groups;
}

/** Sixteen to twenty sums fit the registers beside weights and inputs; widths that leave no narrower block are preferred. */
function defaultBlock(f: Filter): { channels: number; pixels: number } {
  const perGroup = f.outC / f.groups;
  const most = perGroup >= 8 ? 8 : perGroup >= 4 ? 4 : perGroup >= 2 ? 2 : 1;
  if (f.outW === 1) return { channels: most, pixels: 1 };
  const channels = Math.min(4, most);
  const { left, right } = insideColumns(f);
  const width = right > left ? right - left : f.outW;
  const widths = channels === 4 ? [4, 5, 3] : channels === 2 ? [4, 6, 5, 8, 3] : [8, 6, 5, 4];
  const fitting = blockWidths.filter((x) => x <= Math.min(width, widths[0] ?? 4));
  return { channels, pixels: widths.find((x) => width % x === 0) ?? fitting.at(-1) ?? 1 };
}

/** Short runs are written out; long ones take a loop, which costs little and saves flash. */
function defaultUnroll(run: number): number {
  return run <= 12 ? 0 : 4;
}
