/**
 * Transposed convolutions without a product by zero: outputs that are a stride apart take the same taps, so each of the
 * stride × stride interleaved parts of the result is an ordinary convolution with some of the taps.
 */
import type { Call } from '../ir/expr.ts';
import { add, ix, mul } from '../loops/build.ts';
import type { LExpr } from '../loops/ir.ts';
import { integers, shapeOf, type Filter } from './filter.ts';

/** One dimension of a part: how many outputs, which taps, and where its windows start. */
interface Phase {
  readonly outputs: number;
  /** None where the stride is greater than the filter. */
  readonly taps: number;
  /** Negative where windows start inside the image. */
  readonly padding: number;
  /** The filter's tap of a part's. */
  tap(k: number): number;
  /** The result's subscript of a part's. */
  place(i: LExpr): LExpr;
}

/** A part of the result: a convolution with stride 1, and where its outputs lie. */
export interface TransposedPart {
  /** A part without taps has one that has no weight: its place (`at`) is negative. */
  readonly filter: Filter;
  /** The result's row and column of the part's. */
  row(y: LExpr): LExpr;
  column(x: LExpr): LExpr;
}

export interface TransposedParts {
  readonly parts: readonly TransposedPart[];
  readonly outH: number;
  readonly outW: number;
  /** Columns of the result between neighbours of a part. */
  readonly step: number;
}

function phases(size: number, taps: number, stride: number, padding: number): readonly Phase[] {
  return Array.from({ length: Math.min(stride, size) }, (_, first) => {
    const rest = (first + padding) % stride;
    const skipped = Math.floor((first + padding) / stride);
    const count = Math.max(0, Math.ceil((taps - rest) / stride));
    return {
      outputs: Math.ceil((size - first) / stride),
      taps: count,
      padding: count === 0 ? 0 : count - 1 - skipped,
      tap: (k) => rest + stride * (count - 1 - k),
      place: (i) => (size === 1 ? ix(0) : add(mul(i, stride), first)),
    };
  });
}

/** The parts of a call of a transposed convolution; undefined for other layouts than NHWC and NCHW, and dilation. */
export function partsOf(call: Call): TransposedParts | undefined {
  const a = call.attrs;
  const layout = String(a['data_layout']);
  const kernelLayout = String(a['kernel_layout']);
  const outLayout = a['out_layout'];
  const kept = outLayout === undefined || outLayout === null || outLayout === '' || outLayout === layout;
  const channelsLast = layout === 'NHWC';
  const [input, kernel, output] = [shapeOf(call.args[0]), shapeOf(call.args[1]), shapeOf(call)];
  if (!kept || (!channelsLast && layout !== 'NCHW')) return undefined;
  if (input?.length !== 4 || kernel?.length !== 4 || output?.length !== 4) return undefined;
  const [strideH = 0, strideW = 0] = integers(a['strides'], 2) ?? [];
  const dilation = integers(a['dilation'], 2);
  const [top, left] = integers(a['padding'], 4) ?? [];
  const axes = ['H', 'W', 'I', 'O'].map((axis) => kernelLayout.indexOf(axis));
  if (kernelLayout.length !== 4 || axes.some((x) => x < 0) || !dilation?.every((d) => d === 1)) return undefined;
  if (top === undefined || left === undefined || strideH < 1 || strideW < 1) return undefined;
  const [h = 0, w = 0, i = 0, o = 0] = axes;
  const sizes = (shape: readonly number[]): readonly number[] =>
    channelsLast ? shape : [shape[0] ?? 0, shape[2] ?? 0, shape[3] ?? 0, shape[1] ?? 0];
  const [batch = 0, inH = 0, inW = 0, inC = 0] = sizes(input);
  const [, outH = 0, outW = 0, outC = 0] = sizes(output);
  const groups = Number(a['groups']);
  const [inGroup, outGroup] = [inC / groups, outC / groups];
  if (!Number.isInteger(inGroup) || !Number.isInteger(outGroup) || batch * inH * inW * outH * outW * inC * outC === 0)
    return undefined;
  if (kernel[i] !== inC || kernel[o] !== outGroup) return undefined;
  const step = (axis: number): number => kernel.slice(axis + 1).reduce((x, y) => x * y, 1);
  const down = phases(outH, kernel[h] ?? 0, strideH, top);
  const across = phases(outW, kernel[w] ?? 0, strideW, left);
  const parts = across.flatMap((column) =>
    down.map((row): TransposedPart => {
      const some = row.taps > 0 && column.taps > 0;
      const filter: Filter = {
        batch, inH, inW, inC, outC, groups, channelsLast,
        outH: row.outputs, outW: column.outputs, kH: some ? row.taps : 1, kW: some ? column.taps : 1,
        strideH: 1, strideW: 1, dilationH: 1, dilationW: 1,
        padTop: some ? row.padding : 0, padLeft: some ? column.padding : 0,
        at: (oc, ky, kx, ic) => {
          const g = Math.floor(oc / outGroup);
          const tap = row.tap(ky) * step(h) + column.tap(kx) * step(w);
          return some ? (oc - g * outGroup) * step(o) + tap + (g * inGroup + ic) * step(i) : -1;
        },
      };
      return { filter, row: row.place, column: column.place };
    }),
  ); // prettier-ignore
  return { parts, outH, outW, step: outW === 1 ? 1 : strideW };
}
