/** Tensors for people: dtype, shape, and the first elements. */
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';

const most = 64;

/** `int8 (1, 12): -128 -128 … 110` */
export function renderTensor(array: NDArray): string {
  const shown = Array.from({ length: Math.min(most, array.data.length) }, (_, i) => {
    const value = array.data[i] ?? 0;
    if (array.dtype === 'bool') return value ? 'True' : 'False';
    if (typeof value === 'bigint' || Number.isInteger(value)) return String(value);
    return Number(value.toPrecision(7)).toString();
  });
  const more = array.data.length > most ? ` … (${array.data.length} elements)` : '';
  return `${array.dtype} (${array.shape.join(', ')}): ${shown.join(' ')}${more}`;
}
