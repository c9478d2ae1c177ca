/** Resampling of the spatial dimensions of a tensor in a layout. */
import { integerRange, isFloat } from '../../tensor/dtype.ts';
import type { DType } from '../../tensor/dtype.ts';
import type { NDArray } from '../../tensor/ndarray.ts';
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import { cast, compute, int } from '../../tensor/te.ts';
import { elementAt, forEachIndex, positionOf as offsetOf, setElement, stridesOf, zeros } from '../compute/arrays.ts';
import type { Arithmetic, Position, Region, Sampling } from '../compute/interpolate.ts';
import { expressions, growsExactly, interpolate, numbers, positionOf } from '../compute/interpolate.ts';
import type { Layout } from '../nn/layout.ts';
import { axisIndex, convertShape, loadIn, logicalIndices } from '../nn/layout.ts';

/** The order in which extents are worked out: batch, channels, then the spatial axes. */
export const canonicalLayout = (spatial: string): Layout => ({
  text: `NC${spatial}`,
  axes: [...`NC${spatial}`].map((axis) => ({ axis })),
});

interface Extent {
  readonly size: number;
  readonly count: number;
  readonly region?: Region;
}

function place<E>(math: Arithmetic<E>, o: E, extent: Extent, dimensions: number, sampling: Sampling): Position<E> {
  const { size, count, region } = extent;
  const at = positionOf(math, o, size, count, sampling.mode, region);
  const byDivision =
    dimensions === 2 &&
    sampling.method === 'nearest_neighbor' &&
    sampling.mode === 'asymmetric' &&
    growsExactly(size, count);
  return byDivision ? { size, at, exact: math.quotient(o, count / size) } : { size, at };
}

/** A tensor of `output`'s shape whose elements are interpolated along the axes `spatial`. */
export function resample(
  data: TETensor,
  output: { readonly shape: readonly number[]; readonly dtype: DType },
  layout: Layout,
  spatial: string,
  sampling: Sampling,
  regions: readonly Region[] = [],
): TETensor {
  const canonical = canonicalLayout(spatial);
  const sizes = convertShape(layout, data.shape, canonical).map(Number);
  const counts = convertShape(layout, output.shape, canonical).map(Number);
  return compute('resize', output.shape, (...i) => {
    const logical = logicalIndices(layout, i);
    const positions = [...spatial].map((axis, d): Position<TEExpr> => {
      const region = regions[d];
      const extent = { size: sizes[d + 2] ?? 1, count: counts[d + 2] ?? 1, ...(region ? { region } : {}) };
      return place(expressions, logical.get(axis) ?? int(0), extent, spatial.length, sampling);
    });
    const value = interpolate(expressions, positions, sampling, (indices) => {
      const source = new Map(logical);
      [...spatial].forEach((axis, d) => source.set(axis, indices[d] ?? int(0)));
      return cast('float32', loadIn(data, layout, source));
    });
    return cast(output.dtype, value);
  });
}

/** `resample` of values, to extents by spatial axis that are known only now. */
export function resampleArray(
  data: NDArray,
  dtype: DType,
  counts: readonly number[],
  layout: Layout,
  spatial: string,
  sampling: Sampling,
  regions: readonly Region[] = [],
): NDArray {
  const axes = [...spatial].map((axis) => axisIndex(layout, axis));
  const shape = data.shape.map((size, d) => counts[axes.indexOf(d)] ?? size);
  const result = zeros(dtype, shape);
  const strides = stridesOf(data.shape);
  forEachIndex(shape, (indices, at) => {
    const positions = axes.map((axis, d): Position<number> => {
      const region = regions[d];
      const extent = { size: data.shape[axis] ?? 1, count: shape[axis] ?? 1, ...(region ? { region } : {}) };
      return place(numbers, indices[axis] ?? 0, extent, spatial.length, sampling);
    });
    const value = interpolate(numbers, positions, sampling, (chosen) => {
      const source = indices.map((index, d) => chosen[axes.indexOf(d)] ?? index);
      return Math.fround(Number(elementAt(data, offsetOf(source, strides))));
    });
    setElement(result, at, isFloat(dtype) ? value : saturated(value, dtype));
  });
  return result;
}

function saturated(value: number, dtype: DType): number {
  const range = integerRange(dtype);
  const whole = Math.trunc(value) || 0;
  return range ? Math.min(Math.max(whole, Number(range.min)), Number(range.max)) : whole;
}
