/** What a metadata constant holds, in a line: its range and first values. */
import { elementCount, type NDArray } from '../../../compiler/src/tensor/ndarray.ts';
import { decodeMetadata } from '../../../compiler/src/syntax/metadata.ts';
import type { MetaRef } from '../../../compiler/src/syntax/tree.ts';
import type { Snapshot } from '../snapshot.ts';
import { code } from './describe.ts';

/** Values that are shown one by one. */
const mostShown = 8;
/** Larger tensors are not searched for their range. */
const mostScanned = 1 << 20;

/** Markdown about the constant that a reference names; empty when the section does not hold it. */
export function summariseConstant(snapshot: Snapshot, reference: MetaRef): string {
  if (reference.key !== 'relay.Constant') return '';
  const constant = decodeMetadata(snapshot.tree.metadata).constant(reference.index);
  return constant.ok ? summariseArray(constant.value) : constant.error.message;
}

function summariseArray(array: NDArray): string {
  const count = elementCount(array.shape);
  const first = Array.from({ length: Math.min(count, mostShown) }, (_, i) => show(array.data[i], array));
  const values = `${first.join(', ')}${count > mostShown ? ', …' : ''}`;
  if (count <= mostShown) return count === 1 ? `value ${code(values)}` : `values ${code(values)}`;
  return `${count.toLocaleString('en')} values ${code(values)}${rangeText(array)}`;
}

function rangeText(array: NDArray): string {
  if (array.data.length > mostScanned) return '';
  let least = array.data[0];
  let greatest = array.data[0];
  for (const value of array.data) {
    if (least === undefined || value < least) least = value;
    if (greatest === undefined || value > greatest) greatest = value;
  }
  return `, from ${code(show(least, array))} to ${code(show(greatest, array))}`;
}

function show(value: number | bigint | undefined, array: NDArray): string {
  if (value === undefined) return '?';
  if (array.dtype === 'bool') return value ? 'True' : 'False';
  return typeof value === 'bigint' || Number.isInteger(value) ? String(value) : Number(value).toPrecision(6);
}
