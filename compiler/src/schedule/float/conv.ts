/**
 * Convolution and dense layers in float32: channels × pixels of sums in registers, weights packed in reading order,
 * inputs read where they lie. Padding is left out of the sums, so that no padded copy is made. Products are added by
 * fused multiply–add: each rounds once.
 */
import { add, block, buffer, declare, ix, local, loop, mul, point, pointer, sub } from '../../loops/build.ts';
import type { LExpr, Local, Stmt } from '../../loops/ir.ts';
import { elementBytes } from '../../tensor/dtype.ts';
import type { Anchored, AnchoredKernel } from '../anchored.ts';
import type { Filter } from '../filter.ts';
import type { KernelParts } from '../templates/parts.ts';
import { floatRun } from './block.ts';
import { leadOfBlocks, leavesRows, stretches, tapBounds, tapLoops, type Bounds, type TapAxis } from '../nest.ts';

export interface FloatConvConfig {
  readonly channels: number;
  readonly pixels: number;
  /** Pairs of taps a turn of the inner loop; 0: all. */
  readonly unroll: number;
}

/** What a template for filters works on. */
export interface FilterProblem {
  readonly filter: Filter;
  readonly weights: ArrayLike<number>;
  readonly around: Anchored;
  /** Subscripts of the result's element at an image, row, column and channel. */
  indices(n: LExpr, y: LExpr, x: LExpr, c: LExpr): readonly LExpr[];
}

/** Blocks of channels in a group: as many of `channels` as fit, then halves. */
export function channelBlocks(perGroup: number, channels: number): { readonly size: number; readonly count: number }[] {
  const out = [];
  let left = perGroup;
  for (let size = channels; size >= 1; size /= 2) {
    if (left >= size) out.push({ size, count: Math.floor(left / size) });
    left %= size;
  }
  return out;
}

/** Weights in reading order: groups, blocks of channels, taps, channels of a block. */
export function packFloats(f: Filter, weights: ArrayLike<number>, channels: number): Float32Array {
  const inGroup = f.inC / f.groups;
  const outGroup = f.outC / f.groups;
  const out = new Float32Array(f.outC * f.kH * f.kW * inGroup);
  let n = 0;
  const tap = (first: number, size: number, ky: number, kx: number, i: number): void => {
    for (let c = 0; c < size; c++) out[n++] = Number(weights[f.at(first + c, ky, kx, i)]);
  };
  for (let g = 0; g < f.groups; g++) {
    let first = g * outGroup;
    for (const { size, count } of channelBlocks(outGroup, channels)) {
      for (let b = 0; b < count; b++, first += size) {
        if (f.channelsLast)
          for (let ky = 0; ky < f.kH; ky++)
            for (let kx = 0; kx < f.kW; kx++) for (let i = 0; i < inGroup; i++) tap(first, size, ky, kx, i);
        else
          for (let i = 0; i < inGroup; i++)
            for (let ky = 0; ky < f.kH; ky++) for (let kx = 0; kx < f.kW; kx++) tap(first, size, ky, kx, i);
      }
    }
  }
  return out;
}

/**
 * The kernel of a filter; or of several that make interleaved parts of one result, as those of a transposed convolution
 * do (then nothing may lie in place).
 */
export function lowerFloatConv(parts: readonly FilterProblem[], config: FloatConvConfig): KernelParts {
  const [first] = parts;
  if (!first) throw new Error('a kernel without parts');
  const bound = first.around.bind();
  const bodies = parts.map((p, i) => filterBody(p, config, bound, parts.length === 1 ? 'weights' : `weights${i}`));
  const f = first.filter;
  const inPlace = parts.length === 1 && f.batch === 1 && f.channelsLast;
  const lead = leadOfBlocks(f, Math.min(config.pixels, f.outW), 4, elementBytes(bound.output.dtype));
  return {
    ...bound.buffers,
    constants: [...bodies.map((b) => b.constant), ...bound.buffers.constants],
    scratch: [],
    body: block(bodies.map((b) => b.body)),
    overlaps: bound.overlaps(inPlace ? lead : undefined),
    macs: parts.reduce((n, p) => n + macsOf(p.filter), 0),
  };
}

const macsOf = (f: Filter): number => f.batch * f.outH * f.outW * f.outC * f.kH * f.kW * (f.inC / f.groups);

interface FilterBody {
  readonly body: Stmt;
  readonly constant: KernelParts['constants'][number];
}

function filterBody(p: FilterProblem, config: FloatConvConfig, bound: AnchoredKernel, name: string): FilterBody {
  const f = p.filter;
  const packed = packFloats(f, p.weights, config.channels);
  const constant = buffer(name, 'float32', packed.length);
  const pixels = Math.min(config.pixels, f.outW);
  const inGroup = f.inC / f.groups;
  const outGroup = f.outC / f.groups;
  // Elements between neighbouring pixels, rows, and channels.
  const [pixel, row, plane] = f.channelsLast ? [f.inC, f.inW * f.inC, 1] : [1, f.inW, f.inH * f.inW];
  const clipped = leavesRows(f);

  /** All channels of `count` pixels from column `x0` on; `columns`: the taps of a single pixel at the border. */
  const pixelBlock = (n: LExpr, oy: LExpr, x0: LExpr, count: number, rows?: Bounds, columns?: Bounds): Stmt[] => {
    const w = pointer('w', constant, 'float32');
    const top = sub(mul(oy, f.strideH), f.padTop);
    const left = sub(mul(x0, f.strideW), f.padLeft);
    const start = add(mul(n, f.inH * f.inW * f.inC), add(mul(top, row), mul(left, pixel)));
    const group = (g: LExpr): Stmt[] => {
      let first: LExpr = mul(g, outGroup);
      const out: Stmt[] = [];
      for (const { size, count: blocks } of channelBlocks(outGroup, config.channels)) {
        const from = first;
        out.push(
          loop('cb', blocks, (cb) => {
            const c0 = add(from, mul(cb, size));
            const sums = Array.from({ length: size }, () => Array.from({ length: count }, () => local('s', 'float32')));
            const place = add(start, mul(g, inGroup * plane));
            const { axes, taps } = tapAxes(f, size, { row, pixel, plane }, rows, columns);
            const run = {
              channels: size,
              pixels: count,
              taps,
              pixelStep: pixel * f.strideW,
              unroll: config.unroll,
              input: bound.data,
              weights: w,
              sums,
            };
            return block(
              sums.flat().map((s) => declare(s, 0)),
              tapLoops(axes, w, place, (at) => floatRun(run, at)),
              finishBlock(p, bound, sums, n, oy, x0, c0),
            );
          }),
        );
        first = add(first, blocks * size);
      }
      return out;
    };
    return [point(w, 0), loop('g', f.groups, (g) => block(group(g)))];
  };

  const oneRow = (n: LExpr, oy: LExpr): Stmt => {
    const rows = clipped ? tapBounds('ky', sub(mul(oy, f.strideH), f.padTop), f.inH, f.kH, f.dilationH) : undefined;
    return block(
      rows?.statements ?? [],
      stretches(f, pixels).map((s) =>
        s.kind === 'blocks'
          ? loop('xb', s.count, (b) => block(pixelBlock(n, oy, add(mul(b, s.pixels), s.from), s.pixels, rows?.bounds)))
          : loop('xb', s.count, (b) => {
              const x0 = add(b, s.from);
              const columns = tapBounds('kx', sub(mul(x0, f.strideW), f.padLeft), f.inW, f.kW, f.dilationW);
              return block(columns.statements, pixelBlock(n, oy, x0, 1, rows?.bounds, columns.bounds));
            }),
      ),
    );
  };
  return {
    body: { kind: 'block', body: [loop('n', f.batch, (n) => loop('oy', f.outH, (oy) => oneRow(n, oy)))] },
    constant: { buffer: constant, value: { dtype: 'float32', shape: [packed.length], data: packed } },
  };
}

/** The dimensions of the taps that are loops, and the length of the run inside. */
function tapAxes(
  f: Filter,
  channels: number,
  strides: { readonly row: number; readonly pixel: number; readonly plane: number },
  rows: Bounds | undefined,
  columns: Bounds | undefined,
): { readonly axes: readonly TapAxis[]; readonly taps: number } {
  const inGroup = f.inC / f.groups;
  const { row, pixel, plane } = strides;
  // Neighbouring columns make one run where their elements lie side by side.
  const merged = columns === undefined && f.dilationW === 1 && (!f.channelsLast || f.groups === 1);
  const column = f.channelsLast ? inGroup * channels : channels;
  const across: TapAxis[] = [
    {
      name: 'ky',
      extent: f.kH,
      inputStride: row * f.dilationH,
      weightStride: f.kW * column,
      ...(rows ? { bounds: rows } : {}),
    },
    ...(merged
      ? []
      : [
          {
            name: 'kx',
            extent: f.kW,
            inputStride: pixel * f.dilationW,
            weightStride: column,
            ...(columns ? { bounds: columns } : {}),
          },
        ]),
  ];
  if (f.channelsLast) return { axes: across, taps: merged ? f.kW * inGroup : inGroup };
  const deep: TapAxis = { name: 'ic', extent: inGroup, inputStride: plane, weightStride: f.kH * f.kW * channels };
  return { axes: [deep, ...across], taps: merged ? f.kW : 1 };
}

/** Stores a block of sums; all of a pixel's channels one behind the other. */
export function finishBlock(
  p: FilterProblem,
  bound: AnchoredKernel,
  sums: readonly (readonly Local[])[],
  n: LExpr,
  oy: LExpr,
  x0: LExpr,
  c0: LExpr,
): Stmt[] {
  const f = p.filter;
  const fixed = (size: number, index: LExpr): LExpr => (size === 1 ? ix(0) : index);
  const pixels = sums[0]?.length ?? 0;
  return Array.from({ length: pixels }, (_, i) =>
    sums.flatMap((channel, c) => {
      const indices = p.indices(
        fixed(f.batch, n),
        fixed(f.outH, oy),
        fixed(f.outW, add(x0, i)),
        fixed(f.outC, add(c0, c)),
      );
      const sum = channel[i];
      return sum ? bound.finish(indices, sum) : [];
    }),
  ).flat();
}
