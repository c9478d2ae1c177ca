/**
 * Layout strings such as `NCHW`, `NHWC` or `NCHW4c`. A capital letter is a whole axis, a number with a small letter a
 * block cut from the axis of the same capital. Two layouts convert when they name the same axes.
 */
import type { TETensor, TEExpr } from '../../tensor/te.ts';
import { add, floordiv, floormod, int, load, mul } from '../../tensor/te.ts';
import type { Dim } from '../../types/type.ts';
import { ceilDivDims, mulDims } from '../relations/dims.ts';

export interface LayoutAxis {
  /** Capital letter of the axis. */
  readonly axis: string;
  /** Block size when this is a cut-off block; undefined for the whole axis. */
  readonly block?: number;
}

export interface Layout {
  readonly text: string;
  readonly axes: readonly LayoutAxis[];
}

const cache = new Map<string, Layout | string>();

/** Parses a layout; a string result says what is wrong with it. */
export function parseLayout(text: string): Layout | string {
  let result = cache.get(text);
  if (result === undefined) {
    result = parse(text);
    if (cache.size < 1024) cache.set(text, result);
  }
  return result;
}

function parse(text: string): Layout | string {
  const axes: LayoutAxis[] = [];
  let block = 0;
  for (const c of text) {
    if (/[A-Z]/.test(c)) {
      if (block !== 0) return `the number ${block} stands before the whole axis ${c}`;
      axes.push({ axis: c });
    } else if (/[a-z]/.test(c)) {
      if (block === 0) return `the block ${c} has no size before it`;
      axes.push({ axis: c.toUpperCase(), block });
      block = 0;
    } else if (/[0-9]/.test(c)) block = block * 10 + Number(c);
    else return `the character «${c}» names no axis`;
  }
  for (const a of axes)
    if (a.block !== undefined && !axes.some((b) => b.axis === a.axis && b.block === undefined))
      return `the block ${a.block}${a.axis.toLowerCase()} has no whole axis ${a.axis}`;
  return { text, axes };
}

/** Whether shapes and indices of `a` can be expressed in `b` and back. */
export function convertible(a: Layout, b: Layout): boolean {
  if (a.axes.length === 0 || b.axes.length === 0) return false;
  const names = (layout: Layout): Set<string> => new Set(layout.axes.map((x) => x.axis));
  const left = names(a);
  const right = names(b);
  return [...left].every((x) => right.has(x)) && [...right].every((x) => left.has(x));
}

/** Product of the blocks cut from `axis`; 1 when there are none. */
export function blockFactor(layout: Layout, axis: string): number {
  let factor = 1;
  for (const a of layout.axes) if (a.axis === axis && a.block !== undefined) factor *= a.block;
  return factor;
}

/** Position of the whole axis; −1 when absent. */
export function axisIndex(layout: Layout, axis: string): number {
  return layout.axes.findIndex((a) => a.axis === axis && a.block === undefined);
}

/** Whether an axis is cut into blocks. */
export function isBlocked(layout: Layout, axis?: string): boolean {
  return layout.axes.some((a) => a.block !== undefined && (axis === undefined || a.axis === axis));
}

/** A shape of `from` (same rank) expressed in `to`. Blocks of `to` take their own sizes. */
export function convertShape(from: Layout, shape: readonly Dim[], to: Layout): Dim[] {
  return to.axes.map((a): Dim => {
    if (a.block !== undefined) return a.block;
    const dim = shape[axisIndex(from, a.axis)] ?? 1;
    return ceilDivDims(mulDims(dim, blockFactor(from, a.axis)), blockFactor(to, a.axis));
  });
}

/** The indices by whole axis for element `indices` of a tensor in `layout`. */
export function logicalIndices(layout: Layout, indices: readonly TEExpr[]): Map<string, TEExpr> {
  const result = new Map<string, TEExpr>();
  layout.axes.forEach((a, i) => {
    const index = indices[i] ?? int(0);
    const inner = layout.axes.slice(i + 1).filter((b) => b.axis === a.axis && b.block !== undefined);
    const stride =
      a.block === undefined ? blockFactor(layout, a.axis) : inner.reduce((product, b) => product * (b.block ?? 1), 1);
    const term = mul(index, int(stride));
    const before = result.get(a.axis);
    result.set(a.axis, before === undefined ? term : add(before, term));
  });
  return result;
}

/** The element of `tensor`, stored in `layout`, at indices given by whole axis. */
export function loadIn(tensor: TETensor, layout: Layout, at: ReadonlyMap<string, TEExpr>): TEExpr {
  return load(tensor, ...physicalIndices(layout, at));
}

/** Storage indices in `layout` of the element at indices given by whole axis. */
export function physicalIndices(layout: Layout, at: ReadonlyMap<string, TEExpr>): TEExpr[] {
  return layout.axes.map((a, i): TEExpr => {
    const index = at.get(a.axis) ?? int(0);
    const factor = blockFactor(layout, a.axis);
    if (a.block === undefined) return factor === 1 ? index : floordiv(index, int(factor));
    const inner = layout.axes
      .slice(i + 1)
      .filter((b) => b.axis === a.axis && b.block !== undefined)
      .reduce((product, b) => product * (b.block ?? 1), 1);
    return floordiv(floormod(index, int(inner * a.block)), int(inner));
  });
}
