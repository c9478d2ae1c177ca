/** Reductions over some axes of a tensor. */
import type { ReduceKind, TEExpr, TETensor } from '../../tensor/te.ts';
import { compute, int, load, reduce } from '../../tensor/te.ts';

/** The full index tuple of `data` from a result's indices and the reduced axes' indices. */
export function joinIndices(
  rank: number,
  axes: readonly number[],
  kept: readonly TEExpr[],
  reduced: readonly TEExpr[],
  keepDims: boolean,
): readonly TEExpr[] {
  let next = 0;
  return Array.from({ length: rank }, (_, d) => {
    const r = axes.indexOf(d);
    if (r >= 0) {
      if (keepDims) next++;
      return reduced[r] ?? int(0);
    }
    return kept[next++] ?? int(0);
  });
}

/** Reduces `data` over `axes`; `element` maps what is reduced, `finish` what came out. */
export function reduceTensor(options: {
  readonly name: string;
  readonly op: ReduceKind;
  readonly data: TETensor;
  readonly axes: readonly number[];
  readonly keepDims: boolean;
  readonly shape: readonly number[];
  readonly element?: (indices: readonly TEExpr[]) => TEExpr;
}): TETensor {
  const { name, op, data, axes, keepDims, shape } = options;
  const element = options.element ?? ((indices: readonly TEExpr[]) => load(data, ...indices));
  return compute(name, shape, (...i) => {
    if (axes.length === 0) return element(joinIndices(data.shape.length, axes, i, [], keepDims));
    return reduce(
      op,
      axes.map((a) => data.shape[a] ?? 1),
      (...r) => element(joinIndices(data.shape.length, axes, i, r, keepDims)),
    );
  });
}
