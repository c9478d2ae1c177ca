/** Sorting kernels. */
import type { DType } from '../../tensor/dtype.ts';
import type { NDArray } from '../../tensor/ndarray.ts';
import type { Scalar } from '../compute/arrays.ts';
import { around, elementAt, setElement, zeros } from '../compute/arrays.ts';

/** Positions of `values` in sorted order; equal values keep their order. NaN sorts last. */
export function sortedPositions(values: readonly Scalar[], ascending: boolean): readonly number[] {
  const sign = ascending ? 1 : -1;
  return values
    .map((_, i) => i)
    .sort((a, b) => {
      const x = values[a] ?? 0;
      const y = values[b] ?? 0;
      if (x !== x || y !== y) return Number(x !== x) - Number(y !== y) || a - b;
      return x < y ? -sign : x > y ? sign : a - b;
    });
}

/** Sorts along `axis` and keeps the first `count`: values and their positions. */
export function sortAlong(
  data: NDArray,
  axis: number,
  ascending: boolean,
  count: number,
  indexType: DType,
): { readonly values: NDArray; readonly indices: NDArray } {
  const shape = data.shape.map((n, d) => (d === axis ? count : n));
  const values = zeros(data.dtype, shape);
  const indices = zeros(indexType, shape);
  const { outer, length, inner } = around(data.shape, axis);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      const row = Array.from({ length }, (_, k) => elementAt(data, (o * length + k) * inner + i));
      for (const [k, from] of sortedPositions(row, ascending).slice(0, count).entries()) {
        const at = (o * count + k) * inner + i;
        setElement(values, at, row[from] ?? 0);
        setElement(indices, at, from);
      }
    }
  return { values, indices };
}
