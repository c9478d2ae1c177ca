/**
 * Transposed convolution in float32 without a product by zero: outputs that are a stride apart take the same taps, so
 * each of the stride × stride interleaved parts of the result is an ordinary convolution with some of the taps.
 */
import { operatorName } from '../../ir/build.ts';
import type { Call, Func } from '../../ir/expr.ts';
import { add, ix, mul } from '../../loops/build.ts';
import type { LExpr } from '../../loops/ir.ts';
import { anchored } from '../anchored.ts';
import { dtypeOf, integers, shapeOf, type Filter } from '../filter.ts';
import type { FilterProblem } from './conv.ts';

/** One dimension of a part: how many outputs, which taps, and where its windows start. */
interface Phase {
  readonly outputs: number;
  readonly taps: number;
  readonly padding: number;
  /** The filter's tap of a part's. */
  tap(k: number): number;
  /** The result's subscript of a part's. */
  place(i: LExpr): LExpr;
}

/** The parts of one dimension; undefined where some have no taps. */
function phases(size: number, taps: number, stride: number, padding: number): readonly Phase[] | undefined {
  if (taps < stride) return undefined;
  return Array.from({ length: Math.min(stride, size) }, (_, first) => {
    const rest = (first + padding) % stride;
    const skipped = Math.floor((first + padding) / stride);
    const count = Math.ceil((taps - rest) / stride);
    return {
      outputs: Math.ceil((size - first) / stride),
      taps: count,
      padding: count - 1 - skipped,
      tap: (k) => rest + stride * (count - 1 - k),
      place: (i) => (size === 1 ? ix(0) : add(mul(i, stride), first)),
    };
  });
}

/** The parts of a transposed convolution in float32 with constant weights; undefined when the function is another. */
export function parseTransposed(func: Func): readonly FilterProblem[] | undefined {
  const around = anchored(func, (call: Call) => operatorName(call) === 'nn.conv2d_transpose');
  if (!around) return undefined;
  const { anchor, data } = around;
  const weights = anchor.args[1];
  const a = anchor.attrs;
  const layout = String(a['data_layout']);
  const kernelLayout = String(a['kernel_layout']);
  const kept = a['out_layout'] === undefined || a['out_layout'] === null || a['out_layout'] === '' || a['out_layout'] === layout; // prettier-ignore
  const float = [anchor, data, weights].every((e) => dtypeOf(e) === 'float32');
  if (!kept || !float || weights?.kind !== 'constant' || Number(a['groups']) !== 1) return undefined;
  const channelsLast = layout === 'NHWC';
  const [input, kernel, output] = [shapeOf(anchor.args[0]), shapeOf(weights), shapeOf(anchor)];
  if ((!channelsLast && layout !== 'NCHW') || input?.length !== 4 || kernel?.length !== 4 || output?.length !== 4)
    return undefined;
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
  if ((kernel[i] ?? 0) !== inC || (kernel[o] ?? 0) !== outC || batch * inH * inW * inC * outC === 0) return undefined;
  const step = (axis: number): number => kernel.slice(axis + 1).reduce((x, y) => x * y, 1);
  const down = phases(outH, kernel[h] ?? 0, strideH, top);
  const across = phases(outW, kernel[w] ?? 0, strideW, left);
  return down && across?.flatMap((column) =>
    down.map((row): FilterProblem => {
      const filter: Filter = {
        batch, inH, inW, inC, outC, groups: 1, channelsLast,
        outH: row.outputs, outW: column.outputs, kH: row.taps, kW: column.taps,
        strideH: 1, strideW: 1, dilationH: 1, dilationW: 1, padTop: row.padding, padLeft: column.padding,
        at: (oc, ky, kx, ic) => oc * step(o) + row.tap(ky) * step(h) + column.tap(kx) * step(w) + ic * step(i),
      };
      const indices: FilterProblem['indices'] = (n, y, x, c) =>
        channelsLast ? [n, row.place(y), column.place(x), c] : [n, c, row.place(y), column.place(x)];
      return { filter, weights: weights.value.data as ArrayLike<number>, around, indices };
    }),
  ); // prettier-ignore
}
