/**
 * Quantised convolution and dense by SMLAD over int16 rows. A sliding window of widened rows replaces im2col; pointwise
 * problems widen a few pixels at a time. Inside, `dotBlock` computes channels × pixels in registers.
 */
import {
  add,
  bin,
  block,
  buffer,
  cast,
  declare,
  deref,
  i32,
  intr,
  advance,
  ix,
  load,
  local,
  loop,
  mul,
  point,
  pointer,
  storeVia,
  sub,
} from '../../loops/build.ts';
import type { LExpr, Local, Pointer, Stmt } from '../../loops/ir.ts';
import type { Buffer } from '../../loops/kernel.ts';
import { convMacs, type ConvProblem } from '../problem.ts';
import { scaleWide, shiftBy } from '../requantize.ts';
import { dotBlock, packBlock, packedBytes, type DotBlock, type Packing, type TapLayout } from './dot.ts';
import { finish, liftBounds, sumTables, type SumTables } from './epilogue.ts';
import { leadOf } from './lead.ts';
import { channelScale, compactBase, hasStrips, highLegal, isPointwise } from './legality.ts';
import {
  residualBuffer,
  rowScalars,
  rowsRead,
  type KernelParts,
  type Making,
  type Scaling,
  type Tail,
} from './parts.ts';
import { plainBlock } from './plain.ts';
import { widen, type RowLayout, type Widening } from './rows.ts';
import { fillStrip, firstRows, nextRows } from './window.ts';

export interface ConvConfig {
  /** Output channels in registers. */
  readonly channels: number;
  /** Output pixels in registers. */
  readonly pixels: number;
  /** Steps of four taps a turn of the inner loop; 0: all. */
  readonly unroll: number;
  readonly packing: Packing;
  /**
   * Output pixels for which inputs are widened at one time, a multiple of `pixels`; 0: whole rows, of which a window is
   * kept from row to row. A strip is widened anew for every row: less scratch memory, somewhat more work.
   */
  readonly strip: number;
  /** Inputs are widened in the inner loop, not beforehand: no scratch memory. See `readsBytes`. */
  readonly bytes: boolean;
  readonly requantize: Scaling;
  /** Both sides of a fused residual addition are looked up. */
  readonly tables: boolean;
}

interface Geometry {
  readonly taps: TapLayout;
  readonly row: RowLayout | undefined;
  readonly shuffled: boolean;
  readonly groupStride: number;
}

const even = (n: number): number => n + (n & 1);

/** `width`: output pixels a row holds inputs for. */
function geometry(p: ConvProblem, width: number, bytes: boolean, strips: boolean): Geometry {
  const perGroup = p.inC / p.groups;
  if (isPointwise(p)) {
    const groupStride = p.groups > 1 && !bytes ? even(perGroup) : perGroup;
    const step = bytes ? p.strideW * p.inC : even(p.groups * groupStride);
    return {
      taps: { rows: 1, rowStride: 0, runs: [{ offset: 0, length: perGroup }], pixelStep: step },
      row: undefined,
      shuffled: perGroup % 4 === 0 && p.inputDtype !== 'int16',
      groupStride,
    };
  }
  // Runs must start at even elements: pixels of odd size are padded unless only even distances occur.
  const merged = p.groups === 1 && p.dilationW === 1;
  const aligned = merged && (p.inC * p.strideW) % 2 === 0;
  const groupStride = aligned ? p.inC : even(perGroup);
  const pixel = p.groups * groupStride;
  const runs = merged
    ? [{ offset: 0, length: p.kW * pixel }]
    : Array.from({ length: p.kW }, (_, k) => ({ offset: k * p.dilationW * pixel, length: groupStride }));
  const span = (width - 1) * p.strideW + (p.kW - 1) * p.dilationW + 1;
  const length = even(span * pixel + 1);
  const padRight = Math.max(0, span - p.padLeft - p.inW);
  return {
    taps: { rows: p.kH, rowStride: strips ? length : length * p.dilationH, runs, pixelStep: pixel * p.strideW },
    row: {
      inW: p.inW,
      inC: p.inC,
      groups: p.groups,
      groupStride,
      padLeft: p.padLeft,
      padRight,
      length,
      padValue: p.inputZero,
    },
    shuffled: groupStride === perGroup && perGroup % 4 === 0 && p.inputDtype !== 'int16',
    groupStride,
  };
}

/** Buffers that several problems share whose outputs are interleaved in one result, and where one's pixels lie in it. */
export interface Interleaving {
  readonly input: Buffer;
  readonly output: Buffer;
  readonly other: Buffer | undefined;
  /** Widened rows, long enough for each of the problems. */
  readonly rows: Buffer;
  readonly weightsName: string;
  /** The result's pixels between neighbours of a row. */
  readonly step: number;
  /** The number of an output pixel in the result. */
  pixel(n: LExpr, y: LExpr, x: LExpr): LExpr;
}

/**
 * The kernel of a (normalised) problem. Legality of packing and scaling is the caller's to check. With `among`, its
 * outputs are some of a larger result's pixels.
 */
export function lowerConv(
  problem: ConvProblem,
  config: ConvConfig,
  making: Making & { readonly among?: Interleaving } = {},
): KernelParts {
  const { same = false, range, among, tail } = making;
  const p = config.packing === 'plain' ? problem : liftBounds(problem, config.requantize, isExact(config));
  const pixels = Math.min(config.pixels, p.outW);
  const strip = config.strip > 0 && hasStrips(p) ? Math.max(pixels, config.strip) : 0;
  const g = geometry(p, strip || Math.max(pixels, p.outW), config.bytes, strip > 0);
  const [inRows, outRows] = range ? [rowsRead(p, range.most), range.most] : [p.batch * p.inH, p.batch * p.outH];
  const input = tail?.data ?? among?.input ?? buffer('input', p.inputDtype, inRows * p.inW * p.inC);
  const output =
    tail?.output ??
    among?.output ??
    buffer('output', (p.epilogue.residual ?? p.epilogue).dtype, outRows * p.outW * p.outC);
  const other = among ? among.other : residualBuffer(p, input, output.length, same);
  const ringRows = !g.row ? 0 : strip > 0 ? p.kH : (p.kH - 1) * p.dilationH + 1;
  const rows =
    among?.rows ?? buffer('rows', 'int16', g.row ? ringRows * g.row.length + 4 : pixels * g.taps.pixelStep + 4);
  const plain = config.packing === 'plain';
  const widening: Widening = { from: input, to: rows, dtype: p.inputDtype, shuffled: g.shuffled && !plain, plain };
  const tables = config.tables && p.epilogue.residual ? sumTables(p.epilogue.residual) : undefined;
  const packed = packChannels(p, config, g);
  const weights = buffer(among?.weightsName ?? 'weights', 'int8', packed.length);

  const body: Stmt[] = [...(tables?.statements ?? [])];
  const imageBase = (n: LExpr): LExpr => mul(n, p.inH * p.inW * p.inC);
  /** `x0`: the first output pixel; `local`: the same from the start of the strip. */
  const block_ = (n: LExpr, oy: LExpr, x0: LExpr, count: number, local = x0): Stmt[] => {
    const first = among?.pixel(n, oy, x0) ?? add(mul(add(mul(n, p.outH), oy), p.outW), x0);
    const pre: Stmt[] = [];
    let start: LExpr;
    if (g.row) start = mul(local, g.taps.pixelStep);
    else if (config.bytes) start = add(imageBase(n), mul(add(mul(oy, p.strideH * p.inW), mul(x0, p.strideW)), p.inC));
    else {
      start = ix(0);
      const source = add(imageBase(n), mul(add(mul(oy, p.strideH * p.inW), mul(x0, p.strideW)), p.inC));
      pre.push(...widenPixels(p, widening, g, source, count));
    }
    return [
      ...pre,
      ...channelBlocks(p, config, g, {
        rows: config.bytes ? input : rows,
        weights,
        output,
        other,
        tables,
        tail,
        start,
        first,
        step: among?.step ?? 1,
        count,
      }),
    ];
  };
  const rowOfBlocks = (n: LExpr, oy: LExpr): Stmt[] => {
    const whole = Math.floor(p.outW / pixels);
    const rest = p.outW % pixels;
    const out: Stmt[] = [];
    if (whole > 0) out.push(loop('xb', whole, (xb) => block(...block_(n, oy, mul(xb, pixels), pixels))));
    if (rest > 0) out.push(block(...block_(n, oy, ix(whole * pixels), rest)));
    return out;
  };
  /** Strips of one row: each is widened, then computed block by block; a narrower block ends the last. */
  const rowOfStrips = (n: LExpr, oy: LExpr, row: RowLayout): Stmt => {
    const whole = Math.floor(p.outW / pixels);
    const rest = p.outW % pixels;
    const perStrip = strip / pixels;
    const strips = Math.ceil(p.outW / strip);
    return loop('strip', strips, (s) => {
      const x0 = mul(s, strip);
      const left = sub(ix(whole), mul(s, perStrip));
      const blocks = whole % perStrip === 0 && rest === 0 ? ix(perStrip) : bin('min', left, ix(perStrip));
      const out: Stmt[] = [...fillStrip(p, widening, row, imageBase(n), oy, x0, range)];
      const one = (xb: LExpr): Stmt => block(...block_(n, oy, add(x0, mul(xb, pixels)), pixels, mul(xb, pixels)));
      if (whole > 0) out.push(perStrip === 1 && rest === 0 ? one(ix(0)) : loop('xb', blocks, one));
      if (rest > 0) {
        const last: LExpr = { kind: 'compare', op: 'eq', left: s, right: ix(strips - 1) };
        const start = mul(left, pixels);
        out.push({ kind: 'if', condition: last, then: block(...block_(n, oy, add(x0, start), rest, start)) });
      }
      return block(...out);
    });
  };
  const windowed = g.row;
  if (windowed && strip > 0)
    body.push(loop('n', p.batch, (n) => loop('oy', range?.rows ?? p.outH, (oy) => rowOfStrips(n, oy, windowed))));
  else
    body.push(
      loop('n', p.batch, (n) =>
        block(
          ...(g.row ? firstRows(p, widening, g.row, imageBase(n), ringRows, range) : []),
          loop('oy', range?.rows ?? p.outH, (oy) =>
            block(
              ...(g.row ? nextRows(p, widening, g.row, imageBase(n), oy, ringRows, range) : []),
              ...rowOfBlocks(n, oy),
            ),
          ),
        ),
      ),
    );
  const alone = p.batch === 1 && !same && range === undefined && among === undefined;
  // Leads are counted in bytes, one an element.
  const lead =
    alone && output.dtype.endsWith('int8')
      ? leadOf(p, { rows: g.row !== undefined, bytes: config.bytes, strip }, pixels)
      : undefined;
  const weightsConstant = { buffer: weights, value: { dtype: 'int8', shape: [packed.length], data: packed } };
  const common = { scratch: config.bytes ? [] : [rows], ...rowScalars(range), body: block(...body), macs: convMacs(p) };
  if (tail)
    return {
      ...common,
      ...tail.buffers,
      constants: [weightsConstant, ...tail.buffers.constants],
      overlaps: tail.overlaps(lead),
    };
  return {
    ...common,
    inputs: other && !same ? [input, other] : [input],
    outputs: [output],
    constants: [weightsConstant, ...(tables?.constants ?? [])],
    overlaps: [
      ...(lead === undefined ? [] : [{ input: 0, output: 0, leadBytes: lead }]),
      // Elements of the residual are read just before their place is written, in the order of blocks.
      ...(other && !same ? [{ input: 1, output: 0, leadBytes: 0, exact: true }] : []),
    ],
  };
}

/** Widens the pixels of one block of a pointwise problem. */
function widenPixels(p: ConvProblem, w: Widening, g: Geometry, source: LExpr, count: number): Stmt[] {
  const step = p.strideW * p.inC;
  const perGroup = p.inC / p.groups;
  const aligned = step % 4 === 0 && (p.strideH * p.inW * p.inC) % 4 === 0 && (p.inW * p.inC) % 4 === 0;
  if (p.groups === 1 || g.groupStride === perGroup) {
    if (p.strideW === 1 && g.taps.pixelStep === p.inC)
      return widen(w, source, ix(0), count * p.inC, aligned || p.inC % 4 === 0);
    return Array.from({ length: count }, (_, i) =>
      widen(w, add(source, i * step), ix(i * g.taps.pixelStep), p.inC, aligned && g.taps.pixelStep % 2 === 0),
    ).flat();
  }
  return Array.from({ length: count * p.groups }, (_, i) => {
    const [pixel, group] = [Math.floor(i / p.groups), i % p.groups];
    const from = add(source, pixel * step + group * perGroup);
    return widen(w, from, ix(pixel * g.taps.pixelStep + group * g.groupStride), perGroup, false);
  }).flat();
}

interface BlockPlaces {
  readonly rows: Buffer;
  readonly weights: Buffer;
  readonly output: Buffer;
  readonly other: Buffer | undefined;
  readonly tables: SumTables | undefined;
  readonly tail: Tail | undefined;
  /** The weights as bytes, beside the pointer to words: for products tap by tap. */
  readonly bytes?: Pointer;
  /** Element of the first pixel in `rows`. */
  readonly start: LExpr;
  /** Number of the first output pixel, and how many to the next. */
  readonly first: LExpr;
  readonly step: number;
  readonly count: number;
}

/** All output channels of a block of pixels: whole blocks of channels in a loop, then what is left. */
function channelBlocks(p: ConvProblem, config: ConvConfig, g: Geometry, places: BlockPlaces): Stmt[] {
  const bytes = config.packing === 'plain' ? pointer('wb', places.weights, 'int8') : undefined;
  const at: BlockPlaces = bytes ? { ...places, bytes } : places;
  const perGroup = p.outC / p.groups;
  const w = pointer('w', at.weights, 'int32');
  const whole = Math.floor(perGroup / config.channels);
  const rest = perGroup % config.channels;
  const group = (i: LExpr): Stmt => {
    const start = add(at.start, mul(i, g.groupStride));
    const compute = (count: number, channel: LExpr): Stmt[] =>
      computeBlock(p, config, g, at, w, count, start, add(mul(i, perGroup), channel));
    const out: Stmt[] = [];
    if (whole > 0) out.push(loop('cb', whole, (cb) => block(...compute(config.channels, mul(cb, config.channels)))));
    if (rest > 0) out.push(block(...compute(rest, ix(whole * config.channels))));
    return block(...out);
  };
  return [point(w, 0), ...(bytes ? [point(bytes, 0)] : []), loop('g', p.groups, group)];
}

/** One block: start the sums, multiply, scale, store. Parameters follow the block's weights in memory. */
function computeBlock(
  p: ConvProblem,
  config: ConvConfig,
  g: Geometry,
  at: BlockPlaces,
  w: Pointer,
  channels: number,
  start: LExpr,
  channel: LExpr,
): Stmt[] {
  const out: Stmt[] = [];
  const index = add(mul(at.first, p.outC), channel);
  const sums: Local[][] = [];
  const dual = config.packing === 'dual';
  const halves = config.packing !== 'plain';
  const base = config.requantize === 'compact' ? (compactBase(p, config.packing) ?? 1) : undefined;
  const holdsShift = (c: number): boolean => base !== undefined && !(dual && c % 2 === 1);
  for (let c = 0; c < channels; c++) {
    const initial = local('bias');
    out.push(declare(initial, holdsShift(c) ? bin('shr', deref(w, c), i32(8)) : deref(w, c)));
    sums.push(Array.from({ length: at.count }, () => local(`s${c}`)));
    for (const sum of sums[c] ?? []) out.push(declare(sum, initial));
  }
  out.push(advance(w, channels));
  const dot: DotBlock = {
    taps: g.taps,
    channels,
    pixels: at.count,
    packing: config.packing,
    unroll: config.unroll,
    weights: w,
    inputs: at.rows,
    start,
    ...(config.bytes && p.inputDtype !== 'int16' ? { bytes: p.inputDtype } : {}),
    sums,
  };
  const bytesOfWeights = packedBytes(g.taps, channels, config.packing);
  if (at.bytes) {
    out.push(advance(at.bytes, 4 * channels), ...plainBlock(dot, at.bytes));
    const used = g.taps.rows * g.taps.runs.reduce((n, run) => n + run.length, 0) * channels;
    const parameters = 4 * wordsOfScale(config) * channels;
    out.push(advance(at.bytes, bytesOfWeights - used + parameters), advance(w, bytesOfWeights / 4));
  } else out.push(...dotBlock(dot));
  const o = pointer('out', at.output, at.output.dtype);
  if (!at.tail) out.push(point(o, index));
  const sumOf = (c: number, i: number): { own: Local; partner: Local | undefined } => ({
    own: sums[c]?.[i] as Local,
    partner: dual && c % 2 === 1 ? sums[c - 1]?.[i] : undefined,
  });
  const store = (c: number, i: number, value: LExpr): void => {
    if (!at.tail) return void out.push(storeVia(o, i * at.step * p.outC + c, value));
    const result = local('q', config.requantize === 'sums' ? 'int32' : p.epilogue.dtype);
    out.push(
      declare(result, cast(result.dtype, value)),
      ...at.tail.finish(add(at.first, i * at.step), add(channel, c), result),
    );
  };
  if (config.requantize === 'sums') {
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < at.count; i++) {
        const { own, partner } = sumOf(c, i);
        store(c, i, partner ? bin('shr', sub(own, partner), i32(8)) : own);
      }
    return out;
  }
  for (let c = 0; c < channels; c++) {
    const multiplier = local('m');
    const shift = local('sh');
    const rounding = local('r');
    if (base === undefined) out.push(declare(multiplier, deref(w, 2 * c)), declare(shift, deref(w, 2 * c + 1)));
    else {
      const odd = dual ? c % 2 : 0;
      const word = deref(w, c - odd - channels - bytesOfWeights / 4);
      const bits = bin('and', odd === 1 ? bin('shr', word, i32(4)) : word, i32(dual ? 15 : 255));
      out.push(declare(multiplier, deref(w, c)), declare(shift, dual ? add(bits, base + 8 * odd) : bits));
    }
    const zero = p.epilogue.zeroPoint;
    if (config.requantize !== 'wide') {
      // (2·zero + 1)·2^(shift − 1); the shift is at least 1.
      const odd = i32(2 * zero + 1);
      out.push(declare(rounding, shiftBy('shl', odd, sub(shift, i32(1)), halves)));
    }
    for (let i = 0; i < at.count; i++) {
      const { own, partner } = sumOf(c, i);
      const value = partner ? sub(own, partner) : own;
      let scaled: LExpr;
      if (config.requantize !== 'wide')
        scaled = shiftBy('shr', intr('smmla', value, multiplier, rounding), shift, halves);
      else scaled = scaleWide(partner ? bin('shr', value, i32(8)) : value, multiplier, shift, zero);
      const residual = at.other ? load(at.other, add(index, i * at.step * p.outC + c)) : undefined;
      store(c, i, finish(scaled, p.epilogue, residual, at.tables));
    }
  }
  out.push(advance(w, wordsOfScale(config) * channels));
  return out;
}

/** Whether scaling by the upper half of a product is exact for a problem. */
function isExact({ packing, requantize }: ConvConfig): (p: ConvProblem) => boolean {
  return (p) => highLegal(p, packing) && (requantize !== 'compact' || compactBase(p, packing) !== undefined);
}

/** Words behind the weights of a channel. */
function wordsOfScale(config: ConvConfig): number {
  return config.requantize === 'sums' ? 0 : config.requantize === 'compact' ? 1 : 2;
}

/** The weights with each block's parameters: [starts…][packed weights][multiplier, shift…], or shifts with the starts. */
function packChannels(p: ConvProblem, config: ConvConfig, g: Geometry): Int8Array {
  const bytes: number[] = [];
  const word = (v: number): void => void bytes.push((v << 24) >> 24, (v << 16) >> 24, (v << 8) >> 24, v >> 24);
  const perGroup = p.outC / p.groups;
  const inGroup = p.inC / p.groups;
  const dual = config.packing === 'dual';
  const base = config.requantize === 'compact' ? (compactBase(p, config.packing) ?? 1) : undefined;
  for (let group = 0; group < p.groups; group++) {
    for (let c0 = 0; c0 < perGroup; c0 += config.channels) {
      const channels = Math.min(config.channels, perGroup - c0);
      const first = group * perGroup + c0;
      for (let c = 0; c < channels; c++) {
        const own = p.bias[first + c] ?? 0;
        if (base !== undefined && !(dual && c % 2 === 1)) {
          const bits = (k: number): number => {
            const scale = k < channels ? channelScale(p, first + k, 0) : undefined;
            return scale === undefined || scale.multiplier === 0 ? 0 : scale.shift - base;
          };
          word((own << 8) | (dual ? (bits(c + 1) << 4) | bits(c) : Math.max(1, bits(c) + base)));
        } else word(dual && c % 2 === 1 ? (Math.imul(256, own) + (p.bias[first + c - 1] ?? 0)) | 0 : own);
      }
      const weight = (c: number, row: number, run: number, i: number): number => {
        const merged = g.taps.runs.length === 1 && p.kW > 1;
        const stride = g.row ? g.groupStride : inGroup;
        const kx = merged ? Math.floor(i / stride) : run;
        const channel = merged ? i % stride : i;
        if (kx >= p.kW || channel >= inGroup) return 0;
        return p.weights[(((first + c) * p.kH + row) * p.kW + kx) * inGroup + channel] ?? 0;
      };
      for (const b of packBlock(g.taps, channels, config.packing, g.shuffled, weight)) bytes.push(b);
      for (let c = 0; c < channels && wordsOfScale(config) > 0; c++) {
        const e = p.epilogue;
        const m = e.multiplier[e.multiplier.length === 1 ? 0 : first + c] ?? 0;
        const s = e.shift[e.shift.length === 1 ? 0 : first + c] ?? 0;
        const scale =
          config.requantize !== 'wide' ? channelScale(p, first + c, dual && c % 2 === 1 ? 8 : 0) : undefined;
        word(scale?.multiplier ?? m);
        if (base === undefined) word(scale?.shift ?? s);
      }
    }
  }
  return Int8Array.from(bytes);
}
