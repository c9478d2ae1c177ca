/** The schedule spaces of convolution, dense and depthwise convolution. */
import type { Func, Var } from '../ir/expr.ts';
import type { ParsedConv } from './parse.ts';
import { isDepthwise, normalise, settleConstantChannels, withFewAxes, type ConvProblem } from './problem.ts';
import {
  defaultFlags,
  flagSets,
  flagsKnob,
  ownAddresses,
  inParameterOrder,
  log,
  oneHot,
  scalingKnob,
  spaceOver,
} from './space.ts';
import type { Fitted, FittedRows } from './space.ts';
import type { Knob, RowInput, ScheduleConfig } from './task.ts';
import { lowerConv, type ConvConfig } from './templates/conv.ts';
import {
  depthwiseCompactLegal,
  depthwiseHighLegal,
  hasParts,
  lowerDepthwise,
  planeBytes,
  type DepthwiseConfig,
} from './templates/depthwise.ts';
import type { Packing } from './templates/dot.ts';
import { sumTables } from './templates/epilogue.ts';
import {
  compactBase,
  hasStrips,
  highLegal,
  isPointwise,
  packingLegal,
  readsBytes,
  windowBytes,
} from './templates/legality.ts';
import type { KernelParts, Making, Scaling } from './templates/parts.ts';
import type { TailedFilter } from './tailed.ts';

const num = (config: ScheduleConfig, name: string): number => Number(config[name]);

/** The template for a parsed convolution; undefined when the function has parameters it does not read. */
export function fitConv(parsed: ParsedConv, func: Func, dsp = true): Fitted | undefined {
  const problem = normalise(parsed.problem);
  const variables: Var[] = [parsed.input];
  const same = parsed.residual === parsed.input;
  if (parsed.residual && !same) variables.push(parsed.residual);
  if (func.params.some((p) => !variables.includes(p)) || func.params.length !== variables.length) return undefined;
  const ordered = (parts: KernelParts): KernelParts => inParameterOrder(parts, func, variables) ?? parts;
  // Weights beyond bytes are multiplied as halves, by instructions of the extension.
  if (!dsp && problem.weights instanceof Int16Array) return undefined;
  const fitted = fitProblem(problem, same, ordered, dsp);
  const rows = same ? undefined : fitRows(parsed.problem, ordered, func.params.indexOf(parsed.input), dsp);
  return rows === undefined ? fitted : { ...fitted, rows };
}

/** Computing some rows a call: of one image with several rows, each of them whole words. */
function fitRows(parsed: ConvProblem, ordered: Ordered, main: number, dsp: boolean): FittedRows | undefined {
  const { inH, inW, inC, outH, outW, outC, kH, strideH, dilationH, padTop, batch } = parsed;
  const depthwise = isDepthwise(parsed);
  if (parsed.inputDtype === 'int16') return undefined;
  if (batch !== 1 || outH < 2 || (inW * inC) % 4 !== 0 || (outW * outC) % 4 !== 0) return undefined;
  if (depthwise && inC !== outC) return undefined;
  const p = settleConstantChannels(parsed);
  const rowBytes = outW * outC;
  const image: RowInput = {
    rows: inH,
    rowBytes: inW * inC,
    stride: strideH,
    top: padTop,
    window: (kH - 1) * dilationH + 1,
  };
  const residual: RowInput = { rows: outH, rowBytes, stride: 1, top: 0, window: 1 };
  const inputs = p.epilogue.residual ? (main === 0 ? [image, residual] : [residual, image]) : [image];
  return {
    access: { rows: outH, rowBytes, main, inputs },
    lower: (c, range) =>
      ordered(
        depthwise ? lowerDepthwise(p, depthwiseConfig(c, dsp), { range }) : lowerConv(p, convConfig(c), { range }),
      ),
  };
}

/** The template for a filter and what its function does to the results; undefined where instructions are missing. */
export function fitTailed(parsed: TailedFilter, dsp: boolean): Fitted | undefined {
  if (!dsp && parsed.problem.weights instanceof Int16Array) return undefined;
  const problem = parsed.scaled ? normalise(parsed.problem) : withFewAxes(parsed.problem);
  return fitProblem(problem, false, (parts) => parts, dsp, parsed);
}

/**
 * The template for a (normalised) problem; `same`: its residual is its input; `tailed`: what is done to its results, and
 * whether they are scaled before.
 */
export function fitProblem(
  problem: ConvProblem,
  same: boolean,
  ordered: Ordered = (parts) => parts,
  dsp = true,
  tailed?: Pick<TailedFilter, 'scaled' | 'bind'>,
): Fitted {
  return (isDepthwise(problem) ? fitDepthwise : fitDirect)(problem, same, ordered, dsp, tailed);
}

type Tailed = Pick<TailedFilter, 'scaled' | 'bind'>;

/** What lowering is told of the results. */
function makingOf(same: boolean, tailed: Tailed | undefined): Making {
  return tailed ? { tail: tailed.bind() } : { same };
}

/** The values of the knob `requantize`. */
function scalings(tailed: Tailed | undefined, compact: boolean, high: boolean): readonly Scaling[] {
  if (tailed?.scaled === false) return ['sums'];
  return [...(compact ? (['compact'] as const) : []), ...(high ? (['high'] as const) : []), 'wide'];
}

const requantizeSummary =
  'Scaling by the upper half of a product, with the shift beside the start of the sum (compact) or in its own word (high); or by 64 bits.';

type Ordered = (parts: KernelParts) => KernelParts;

function problemFeatures(p: ConvProblem): number[] {
  const e = p.epilogue;
  return [
    log(p.outH), log(p.outW), log(p.outC), log(p.inC), log(p.kH), log(p.kW), log(p.strideH * p.strideW), log(p.groups),
    log(p.outH * p.outW * p.outC * p.kH * p.kW * (p.inC / p.groups)),
    e.multiplier.length > 1 ? 1 : 0, e.residual ? 1 : 0,
  ]; // prettier-ignore
}

function fitDirect(p: ConvProblem, same: boolean, ordered: Ordered, dsp: boolean, tailed?: Tailed): Fitted {
  const bytes = p.weights instanceof Int8Array;
  const packings: Packing[] = !dsp
    ? ['plain']
    : !bytes
      ? ['half']
      : packingLegal(p, 'dual')
        ? ['dual', 'single']
        : ['single'];
  const high = packings.filter((packing) => highLegal(p, packing));
  const compact = high.filter((packing) => compactBase(p, packing) !== undefined);
  const perGroup = p.outC / p.groups;
  const summed = tailed?.scaled === false;
  const hasTables = p.epilogue.residual !== undefined && sumTables(p.epilogue.residual) !== undefined;
  const knobs: Knob[] = [
    {
      name: 'channels',
      summary: 'Output channels whose sums stay in registers.',
      values: [1, 2, 3, 4, 6].filter((c) => c <= perGroup),
    },
    {
      name: 'pixels',
      summary: 'Output pixels whose sums stay in registers.',
      values: [1, 2, 3, 4].filter((x) => x <= p.outW),
    },
    {
      name: 'unroll',
      summary: 'Steps of four taps in a turn of the inner loop; 0: all of them.',
      values: [1, 2, 4, 8, 0],
    },
    {
      name: 'strip',
      summary: 'Output pixels whose inputs are widened at one time; 0: whole rows, kept from row to row.',
      values: hasStrips(p) ? [0, ...[1, 2, 3, 4, 6, 8, 9, 12].filter((x) => x < p.outW)] : [0],
    },
    {
      name: 'bytes',
      summary: 'Inputs are widened as they are read, without scratch memory, or once beforehand.',
      values: !readsBytes(p, dsp) ? [false] : dsp ? [false, true] : [true, false],
    },
    {
      name: 'packing',
      summary: 'How weights lie in words: two channels of two taps, four taps, or two taps.',
      values: packings,
    },
    {
      name: 'requantize',
      summary: requantizeSummary,
      values: scalings(tailed, compact.length > 0, high.length > 0),
    },
    {
      name: 'tables',
      summary: 'Both sides of a fused residual addition are looked up in tables of 512 bytes, or computed.',
      values: hasTables ? [false, true] : [false],
    },
    hasTables ? { ...flagsKnob, values: [tableFlags, ...flagSets] } : flagsKnob,
  ];
  const fours = Math.floor(runLength(p) / 4);
  const valid = (c: ScheduleConfig): boolean => {
    const sums = num(c, 'channels') * num(c, 'pixels');
    const unroll = num(c, 'unroll');
    const strip = num(c, 'strip');
    if (strip > 0 && strip % num(c, 'pixels') !== 0) return false;
    if (sums > 12 || (unroll > 1 && unroll >= Math.max(2, fours))) return false;
    if (unroll === 0 && fours * sums > 512) return false;
    const exact = c['requantize'] === 'compact' ? compact : high;
    return c['requantize'] === 'wide' || summed || exact.includes(c['packing'] as Packing);
  };
  const dual = packings.includes('dual') && (summed || high.includes('dual') || high.length === 0);
  const packing: Packing = dual ? 'dual' : (packings[0] ?? 'single');
  const blocked = dsp ? defaultBlock(p) : plainBlock(p);
  const tables = hasTables && p.outH * p.outW * p.outC >= manySums;
  const chosen: ScheduleConfig = {
    ...blocked,
    unroll: dsp ? defaultUnroll(p, fours) : fours > 4 ? 2 : 0,
    strip: defaultStrip(p, blocked.pixels),
    bytes: readsBytes(p, dsp) && (!dsp || p.outW === 1),
    packing,
    requantize: summed
      ? 'sums'
      : compact.includes(packing) && p.kH * runLength(p) >= 16
        ? 'compact'
        : high.includes(packing)
          ? 'high'
          : 'wide',
    tables,
    // Without halves to multiply, sums are fewer than registers: the compiler may schedule early.
    flags: !dsp ? '-O2' : tables ? tableFlags : defaultFlags,
  };
  const features = (c: ScheduleConfig): readonly number[] => {
    const [channels, pixels, unroll] = [num(c, 'channels'), num(c, 'pixels'), num(c, 'unroll')];
    const sums = channels * pixels;
    const turns = unroll === 0 ? 1 : Math.ceil(fours / unroll);
    return [
      ...problemFeatures(p), isPointwise(p) ? 1 : 0, log(fours),
      channels, pixels, sums, log(unroll), log(turns), log((unroll || fours) * sums),
      (p.outW % pixels) / pixels, (perGroup % channels) / channels,
      log(num(c, 'strip')),
      c['packing'] === 'dual' ? 1 : 0,
      c['bytes'] === true ? 1 : 0, c['tables'] === true ? 1 : 0, ...oneHot(scalingKnob, c),
      ...oneHot(flagsKnob, c),
    ]; // prettier-ignore
  };
  return {
    space: spaceOver('conv2d_rows_smlad', knobs, chosen, valid, features),
    lower: (c) => ordered(lowerConv(p, convConfig(c), makingOf(same, tailed))),
  };
}

function convConfig(c: ScheduleConfig): ConvConfig {
  return {
    channels: num(c, 'channels'),
    pixels: num(c, 'pixels'),
    unroll: num(c, 'unroll'),
    strip: num(c, 'strip'),
    bytes: c['bytes'] === true,
    packing: c['packing'] as Packing,
    requantize: c['requantize'] as ConvConfig['requantize'],
    tables: c['tables'] === true,
  };
}

function depthwiseConfig(c: ScheduleConfig, dsp: boolean): DepthwiseConfig {
  return {
    pixels: num(c, 'pixels'),
    straight: c['straight'] === true,
    rows: num(c, 'rows'),
    requantize: c['requantize'] as ConvConfig['requantize'],
    plain: !dsp,
  };
}

/** Flags of kernels that look up. */
const tableFlags = `${defaultFlags} ${ownAddresses}`;

/** Residual sums from which on their tables are worth a kilobyte. */
const manySums = 4096;

/** Taps that lie one behind the other. */
function runLength(p: ConvProblem): number {
  const perGroup = p.inC / p.groups;
  return isPointwise(p) || p.groups > 1 || p.dilationW > 1 ? perGroup : perGroup * p.kW;
}

/** Six or four sums fit the registers beside weights and inputs; a single pixel takes more channels. */
function defaultBlock(p: ConvProblem): { channels: number; pixels: number } {
  const perGroup = p.outC / p.groups;
  const pairs = Math.min(2, perGroup);
  if (p.outW === 1) return { channels: perGroup >= 6 ? 6 : Math.min(4, perGroup), pixels: 1 };
  if (p.outW === 2) return { channels: pairs, pixels: 2 };
  if (p.outW === 4) return { channels: pairs, pixels: 4 };
  return { channels: pairs, pixels: 3 };
}

/** Eight sums leave room for weights and inputs that are taken one by one. */
function plainBlock(p: ConvProblem): { channels: number; pixels: number } {
  const channels = [4, 3, 2].find((c) => c <= p.outC / p.groups) ?? 1;
  return { channels, pixels: p.outW === 1 ? 1 : 2 };
}

/** Scratch memory that widened rows may take before strips are preferred. */
const smallWindow = 1200;

/** Whole rows where they are small; else the widest strip of a kilobyte, one block at least. */
function defaultStrip(p: ConvProblem, pixels: number): number {
  if (!hasStrips(p) || windowBytes(p, 0) <= smallWindow) return 0;
  const widths = [12, 9, 8, 6, 4, 3, 2, 1].filter((x) => x % pixels === 0 && x < p.outW);
  return widths.find((x) => windowBytes(p, x) <= smallWindow) ?? widths.at(-1) ?? 0;
}

/** Short runs are written out; long ones take a loop, which costs little and saves flash. */
function defaultUnroll(p: ConvProblem, fours: number): number {
  if (fours <= 4) return 0;
  if (p.kH > 1 && fours <= 12) return 0;
  return fours > 4 ? 4 : 0;
}

function fitDepthwise(p: ConvProblem, same: boolean, ordered: Ordered, dsp: boolean, tailed?: Tailed): Fitted {
  const high = depthwiseHighLegal(p);
  const compact = depthwiseCompactLegal(p);
  const knobs: Knob[] = [
    {
      name: 'pixels',
      summary: 'Neighbouring outputs computed together.',
      values: [1, 2, 3, 4, 5, 6, 8].filter((x) => x === 1 || x <= p.outW),
    },
    {
      name: 'straight',
      summary: 'All blocks of a row are written out, without a loop.',
      values: p.outW >= 2 && p.outW <= longestStraight ? [false, true] : [false],
    },
    {
      name: 'rows',
      summary: 'Output rows whose inputs are held at one time; 0: all. Fewer take less scratch memory.',
      values: hasParts(p) ? [0, ...partSizes(p.outH)] : [0],
    },
    {
      name: 'requantize',
      summary: requantizeSummary,
      values: scalings(tailed, compact, high),
    },
    flagsKnob,
  ];
  const chosen: ScheduleConfig = {
    ...defaultRow(p),
    rows: defaultRows(p),
    requantize: scalings(tailed, compact, high)[0] ?? 'wide',
    // Short one-dimensional loops gain from being peeled; elsewhere it costs more flash than it is worth.
    flags: !dsp ? '-O2' : p.outH === 1 ? '-O3 -fno-schedule-insns' : defaultFlags,
  };
  const features = (c: ScheduleConfig): readonly number[] => [
    ...problemFeatures(p),
    num(c, 'pixels'),
    log(num(c, 'rows') || p.outH),
    log(planeBytes(p, num(c, 'rows') || p.outH)),
    (p.outW % num(c, 'pixels')) / num(c, 'pixels'),
    c['straight'] === true ? 1 : 0,
    ...oneHot(scalingKnob, c),
    ...oneHot(flagsKnob, c),
  ];
  return {
    space: spaceOver('depthwise_plane_smlad', knobs, chosen, () => true, features),
    lower: (c) => ordered(lowerDepthwise(p, depthwiseConfig(c, dsp), makingOf(same, tailed))),
  };
}

/** Outputs of a row that may be written out. */
const longestStraight = 16;

/** A few sizes, and those that make two, three or four parts of about the same size. */
function partSizes(rows: number): readonly number[] {
  const equal = [2, 3, 4].map((parts) => Math.ceil(rows / parts));
  return [...new Set([1, 2, 3, 4, 6, 8, ...equal])].filter((r) => r > 0 && r < rows).sort((a, b) => a - b);
}

/** Scratch memory a plane may take before it is filled part by part. */
const smallPlane = 1024;

/** All rows where the plane is small; else as many as fit, whole parts preferred. */
function defaultRows(p: ConvProblem): number {
  // One row, however long, has no parts.
  if (p.outH === 1 || !hasParts(p) || planeBytes(p, p.outH) <= smallPlane) return 0;
  const fitting = [8, 6, 4, 3, 2].filter((r) => r < p.outH && planeBytes(p, r) <= smallPlane);
  return fitting.find((r) => p.outH % r === 0) ?? fitting[0] ?? 1;
}

/** Taps up to which a row's loop costs more than writing the row out. */
const fewTaps = 8;

/** Rows of few products are written out in narrow blocks, which leave registers for all that they need. */
function defaultRow(p: ConvProblem): { pixels: number; straight: boolean } {
  const straight = p.kH * p.kW <= fewTaps && p.outW >= 2 && p.outW <= longestStraight;
  if (!straight) return { pixels: defaultNeighbours(p), straight };
  return { pixels: Math.min(p.outW, p.outH === 1 ? 4 : 2), straight };
}

function defaultNeighbours(p: ConvProblem): number {
  if (p.outW <= 5) return p.outW;
  const wanted = [4, 2, 5, 3].find((n) => p.outW % n === 0);
  return wanted ?? 4;
}
