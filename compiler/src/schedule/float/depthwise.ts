/**
 * Depthwise convolution in float32 with a pixel's channels side by side: two channels of a few neighbouring pixels at a
 * time, whose inputs, shared by the pixels, are read once a row of taps.
 */
import {
  add, advance, assign, block, buffer, declare, deref, fma, local, loop, mul, point, pointer, readGroup, sub,
} from '../../loops/build.ts'; // prettier-ignore
import type { LExpr, Local, Pointer, Stmt } from '../../loops/ir.ts';
import type { Buffer } from '../../loops/kernel.ts';
import { elementBytes } from '../../tensor/dtype.ts';
import type { Filter } from '../filter.ts';
import type { KernelParts } from '../templates/parts.ts';
import { finishBlock, packFloats, channelBlocks, type FilterProblem } from './conv.ts';
import { leadOfBlocks, leavesRows, stretches, tapBounds, tapLoops, type Bounds } from '../nest.ts';

/** Registers that hold columns: two a column, behind those of the weights. */
const firstColumn = 8;
const mostColumns = 8;

/** Whether the template is about the filter: one input channel a group, channels last, one output channel each. */
export function isFloatDepthwise(f: Filter): boolean {
  return f.channelsLast && f.groups === f.inC && f.outC === f.inC && f.groups > 1;
}

/** Columns of inputs that a row of taps of `pixels` neighbours reads. */
function columnsOf(f: Filter, pixels: number): readonly number[] {
  const columns = new Set<number>();
  for (let p = 0; p < pixels; p++) for (let k = 0; k < f.kW; k++) columns.add(p * f.strideW + k * f.dilationW);
  return [...columns].sort((a, b) => a - b);
}

/** Whether a block's sums and columns fit the registers. */
export function fitsColumns(f: Filter, pixels: number): boolean {
  return pixels === 1 || (columnsOf(f, pixels).length <= mostColumns && pixels <= 4);
}

/** Weights as `packFloats` has them for one group of all channels: pairs of channels, taps, channels of a pair. */
function pack(f: Filter, weights: ArrayLike<number>): Float32Array {
  return packFloats({ ...f, groups: 1, inC: 1, at: (o, ky, kx) => f.at(o, ky, kx, 0) }, weights, 2);
}

export function lowerFloatDepthwise(p: FilterProblem, wantedPixels: number): KernelParts {
  const f = p.filter;
  const bound = p.around.bind();
  const packed = pack(f, p.weights);
  const constant = buffer('weights', 'float32', packed.length);
  const pixels = Math.min(wantedPixels, f.outW);
  const clipped = leavesRows(f);

  const pixelBlock = (n: LExpr, oy: LExpr, x0: LExpr, count: number, rows?: Bounds, columns?: Bounds): Stmt[] => {
    const w = pointer('w', constant, 'float32');
    const top = sub(mul(oy, f.strideH), f.padTop);
    const left = sub(mul(x0, f.strideW), f.padLeft);
    const start = mul(add(mul(add(mul(n, f.inH), top), f.inW), left), f.inC);
    let first = 0;
    const out: Stmt[] = [point(w, 0)];
    for (const { size, count: blocks } of channelBlocks(f.outC, 2)) {
      const from = first;
      out.push(
        loop('cb', blocks, (cb) => {
          const c0 = add(mul(cb, size), from);
          const sums = Array.from({ length: size }, () => Array.from({ length: count }, () => local('s', 'float32')));
          const down = {
            name: 'ky',
            extent: f.kH,
            inputStride: f.inW * f.inC * f.dilationH,
            weightStride: f.kW * size,
            ...(rows ? { bounds: rows } : {}),
          };
          const across = { name: 'kx', extent: f.kW, inputStride: f.inC * f.dilationW, weightStride: size };
          const place = add(start, c0);
          return block(
            sums.flat().map((s) => declare(s, 0)),
            columns
              ? tapLoops([down, { ...across, bounds: columns }], w, place, (at) => oneTap(bound.data, w, sums, at))
              : tapLoops([down], w, place, (at) => rowOfTaps(f, bound.data, w, sums, at)),
            finishBlock(p, bound, sums, n, oy, x0, c0),
          );
        }),
      );
      first += blocks * size;
    }
    return out;
  };

  const oneRow = (n: LExpr, oy: LExpr): Stmt => {
    const rows = clipped ? tapBounds('ky', sub(mul(oy, f.strideH), f.padTop), f.inH, f.kH, f.dilationH) : undefined;
    return block(
      rows?.statements ?? [],
      stretches(f, pixels).map((s) =>
        loop('xb', s.count, (b) => {
          if (s.kind === 'blocks')
            return block(pixelBlock(n, oy, add(mul(b, s.pixels), s.from), s.pixels, rows?.bounds));
          const x0 = add(b, s.from);
          const columns = tapBounds('kx', sub(mul(x0, f.strideW), f.padLeft), f.inW, f.kW, f.dilationW);
          return block(columns.statements, pixelBlock(n, oy, x0, 1, rows?.bounds, columns.bounds));
        }),
      ),
    );
  };
  return {
    ...bound.buffers,
    constants: [
      { buffer: constant, value: { dtype: 'float32', shape: [packed.length], data: packed } },
      ...bound.buffers.constants,
    ],
    scratch: [],
    body: loop('n', f.batch, (n) => loop('oy', f.outH, (oy) => oneRow(n, oy))),
    overlaps: bound.overlaps(f.batch === 1 ? leadOfBlocks(f, pixels, 4, elementBytes(bound.output.dtype)) : undefined),
    macs: f.batch * f.outH * f.outW * f.outC * f.kH * f.kW,
  };
}

/** Weights of one tap, a value a channel. */
function tapWeights(w: Pointer, channels: number): { readonly statements: Stmt[]; readonly words: readonly Local[] } {
  const words = Array.from({ length: channels }, () => local('w', 'float32'));
  const [only] = words as [Local];
  return channels === 1
    ? { statements: [declare(only, deref(w, 0)), advance(w, 1)], words }
    : { statements: [...words.map((l) => declare(l, 0)), readGroup('vldm2_s0', words, w)], words };
}

function multiply(
  sums: readonly (readonly Local[])[],
  pixel: number,
  x: readonly Local[],
  w: readonly Local[],
): Stmt[] {
  return sums.flatMap((channel, c) => {
    const [sum, input, weight] = [channel[pixel], x[c], w[c]];
    return sum && input && weight ? [assign(sum, fma(input, weight, sum))] : [];
  });
}

/** Inputs of one column, a value a channel. */
function readColumn(
  x: Pointer,
  channels: number,
  offset: number,
  slot: number,
): { statements: Stmt[]; column: Local[] } {
  const column = Array.from({ length: channels }, () => local('a', 'float32'));
  const [only] = column as [Local];
  return channels === 1
    ? { statements: [declare(only, deref(x, offset))], column }
    : {
        statements: [
          ...column.map((l) => declare(l, 0)),
          readGroup(`vldr2_s${firstColumn + 2 * slot}`, column, x, offset),
        ],
        column,
      };
}

function oneTap(input: Buffer, w: Pointer, sums: readonly (readonly Local[])[], at: LExpr): Stmt[] {
  const x = pointer('x', input, 'float32');
  const weights = tapWeights(w, sums.length);
  const read = readColumn(x, sums.length, 0, 0);
  return [point(x, at), ...read.statements, ...weights.statements, ...multiply(sums, 0, read.column, weights.words)];
}

function rowOfTaps(f: Filter, input: Buffer, w: Pointer, sums: readonly (readonly Local[])[], at: LExpr): Stmt[] {
  const x = pointer('x', input, 'float32');
  const pixels = sums[0]?.length ?? 1;
  const all = columnsOf(f, pixels);
  const held = new Map<number, readonly Local[]>();
  const out: Stmt[] = [point(x, at)];
  const take = (column: number): readonly Local[] => {
    const known = held.get(column);
    if (known) return known;
    // A single pixel's columns are read one after the other.
    const slot = all.length <= mostColumns ? all.indexOf(column) : 0;
    const read = readColumn(x, sums.length, column * f.inC, slot);
    out.push(...read.statements);
    held.set(column, read.column);
    return read.column;
  };
  if (all.length <= mostColumns) all.forEach(take);
  for (let k = 0; k < f.kW; k++) {
    const weights = tapWeights(w, sums.length);
    out.push(...weights.statements);
    for (let p = 0; p < pixels; p++)
      out.push(...multiply(sums, p, take(p * f.strideW + k * f.dilationW), weights.words));
  }
  return out;
}
