/** Output sizes of sliding windows: convolution and pooling. */
import { printDim } from '../../types/print.ts';
import type { Dim } from '../../types/type.ts';
import { addDims, ceilDivDims, floorDivDims, mulDims, subDims } from './dims.ts';

export interface Window {
  readonly kernel: Dim;
  readonly stride: number;
  readonly dilation: number;
  readonly padBefore: number;
  readonly padAfter: number;
  /** Round the number of positions up (pooling's `ceil_mode`). */
  readonly ceil?: boolean;
}

/** Extent of a dilated kernel: (kernel − 1)·dilation + 1. */
export function dilatedExtent(kernel: Dim, dilation: number): Dim {
  return addDims(mulDims(subDims(kernel, 1), dilation), 1);
}

/** (size + padding − dilated kernel) / stride + 1, rounded down (or up with `ceil`); `?` stays `?`. */
export function windowOutput(size: Dim, window: Window): Dim {
  const padded = addDims(size, window.padBefore + window.padAfter);
  const room = subDims(padded, dilatedExtent(window.kernel, window.dilation));
  return addDims(window.ceil ? ceilDivDims(room, window.stride) : floorDivDims(room, window.stride), 1);
}

/** The formula of `windowOutput` with its values: `floor((112 + 2·1 − 3)/2) + 1`. */
export function windowFormula(size: Dim, window: Window): string {
  const { padBefore, padAfter, stride, dilation } = window;
  const padding =
    padBefore === 0 && padAfter === 0
      ? ''
      : padBefore === padAfter
        ? ` + 2·${padBefore}`
        : ` + ${padBefore} + ${padAfter}`;
  const kernel = printDim(window.kernel);
  const extent = dilation === 1 ? kernel : `((${kernel} − 1)·${dilation} + 1)`;
  const room = `${printDim(size)}${padding} − ${extent}`;
  if (stride === 1) return `${room} + 1`;
  return `${window.ceil ? 'ceil' : 'floor'}((${room})/${stride}) + 1`;
}

/**
 * Padding as [before…, after…] over `rank` spatial axes: one value for all sides, one an axis, or two an axis (all
 * befores first). Undefined when the list has another length.
 */
export function spatialPadding(
  padding: readonly number[],
  rank: number,
): readonly { readonly before: number; readonly after: number }[] | undefined {
  const at = (i: number): number => padding[i] ?? 0;
  if (padding.length === 1) return Array.from({ length: rank }, () => ({ before: at(0), after: at(0) }));
  if (padding.length === rank) return Array.from({ length: rank }, (_, i) => ({ before: at(i), after: at(i) }));
  if (padding.length === 2 * rank)
    return Array.from({ length: rank }, (_, i) => ({ before: at(i), after: at(i + rank) }));
  return undefined;
}
