/** The loops around blocks of pixels: which taps lie in the image, and in which order pixels come. */
import { add, advance, bin, declare, ix, local, loop, mul, sub, block } from '../loops/build.ts';
import type { LExpr, Pointer, Stmt } from '../loops/ir.ts';
import type { Window } from './filter.ts';

/** A dimension of the taps; from `low` to `high` where those are given. */
export interface TapAxis {
  readonly name: string;
  readonly extent: number;
  readonly inputStride: number;
  /** Weights that a step goes over. */
  readonly weightStride: number;
  readonly bounds?: Bounds;
}
export interface Bounds {
  readonly low: LExpr;
  readonly high: LExpr;
}

/** Loops over taps, the outermost first; the weights' pointer goes over those that are left out. */
export function tapLoops(
  axes: readonly TapAxis[],
  weights: Pointer,
  start: LExpr,
  inner: (start: LExpr) => Stmt[],
): Stmt[] {
  const [axis, ...rest] = axes;
  if (!axis) return inner(start);
  const { bounds } = axis;
  if (!bounds)
    return [
      loop(axis.name, axis.extent, (i) => block(tapLoops(rest, weights, add(start, mul(i, axis.inputStride)), inner))),
    ];
  return [
    advance(weights, mul(bounds.low, axis.weightStride)),
    loop(axis.name, sub(bounds.high, bounds.low), (i) => {
      const place = add(start, mul(add(bounds.low, i), axis.inputStride));
      return block(tapLoops(rest, weights, place, inner));
    }),
    advance(weights, mul(sub(ix(axis.extent), bounds.high), axis.weightStride)),
  ];
}

/** The taps of one dimension that lie in the image, for the window that starts at `first` (padding is below zero). */
export function tapBounds(
  name: string,
  first: LExpr,
  size: number,
  taps: number,
  dilation: number,
): { readonly statements: Stmt[]; readonly bounds: Bounds } {
  const [low, high] = [local(`${name}_low`, 'index'), local(`${name}_high`, 'index')];
  const steps = (distance: LExpr): LExpr => {
    const inside = bin('max', distance, ix(0));
    return bin('min', dilation === 1 ? inside : bin('floordiv', add(inside, dilation - 1), dilation), ix(taps));
  };
  return {
    statements: [declare(low, steps(sub(ix(0), first))), declare(high, bin('max', steps(sub(ix(size), first)), low))],
    bounds: { low, high },
  };
}

/** Whether some window leaves the image above or below. */
export function leavesRows(f: Window): boolean {
  return f.padTop > 0 || (f.outH - 1) * f.strideH + (f.kH - 1) * f.dilationH >= f.inH + f.padTop;
}

/** Output columns whose windows lie inside: from `left` up to `right`. */
export function insideColumns(f: Window): { readonly left: number; readonly right: number } {
  const left = Math.max(0, Math.min(f.outW, Math.ceil(f.padLeft / f.strideW)));
  const last = Math.floor((f.inW - 1 - (f.kW - 1) * f.dilationW + f.padLeft) / f.strideW) + 1;
  return { left, right: Math.max(left, Math.min(f.outW, last)) };
}

/** A stretch of a row's pixels. */
export type Stretch =
  | { readonly kind: 'border'; readonly from: number; readonly count: number }
  | { readonly kind: 'blocks'; readonly from: number; readonly count: number; readonly pixels: number };

/** A row's pixels in order: those at the borders one by one, those between in blocks. */
export function stretches(f: Window, pixels: number): Stretch[] {
  const { left, right } = insideColumns(f);
  const out: Stretch[] = [];
  if (left > 0) out.push({ kind: 'border', from: 0, count: left });
  const whole = Math.floor((right - left) / pixels);
  const rest = (right - left) % pixels;
  if (whole > 0) out.push({ kind: 'blocks', from: left, count: whole, pixels });
  if (rest > 0) out.push({ kind: 'blocks', from: left + whole * pixels, count: 1, pixels: rest });
  if (f.outW > right) out.push({ kind: 'border', from: right, count: f.outW - right });
  return out;
}

/** How many bytes the output must start below the input, when all channels of a block of pixels are written at a time. */
export function leadOfBlocks(f: Window, pixels: number, inputBytes: number, outputBytes: number): number {
  let lead = 0;
  // From the last block back: the least place that this one or a later one reads.
  let least = Infinity;
  for (let oy = f.outH - 1; oy >= 0; oy--) {
    const row = Math.max(0, oy * f.strideH - f.padTop) * f.inW;
    for (const s of stretches(f, pixels).reverse()) {
      const width = s.kind === 'border' ? 1 : s.pixels;
      for (let b = s.count - 1; b >= 0; b--) {
        const first = s.from + b * width;
        least = Math.min(least, inputBytes * f.inC * (row + Math.max(0, first * f.strideW - f.padLeft)));
        lead = Math.max(lead, outputBytes * f.outC * (oy * f.outW + first + width) - least);
      }
    }
  }
  return lead;
}
