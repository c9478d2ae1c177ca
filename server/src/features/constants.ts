/** What a metadata constant holds: type and size, range, mean, first values. */
import { decodeMetadata } from '../../../compiler/src/syntax/metadata.ts';
import type { MetaRef } from '../../../compiler/src/syntax/tree.ts';
import { elementBytes } from '../../../compiler/src/tensor/dtype.ts';
import { elementCount, type NDArray } from '../../../compiler/src/tensor/ndarray.ts';
import type { Snapshot } from '../snapshot.ts';
import { code } from './describe.ts';

/** Values that are shown one by one. */
const mostShown = 8;
/** Larger tensors are not searched for their range. */
const mostScanned = 1 << 22;

/** Markdown about the constant that a reference names; empty for other objects. */
export function summariseConstant(snapshot: Snapshot, reference: MetaRef): string {
  if (reference.key !== 'relay.Constant') return '';
  const constant = decodeMetadata(snapshot.tree.metadata).constant(reference.index);
  return constant.ok ? summariseArray(constant.value) : constant.error.message;
}

/** Larger tensors are not decoded for a line about each reference of a file. */
const mostDecoded = 4096;

/** One line about what a reference leads to: `int8 (64), 64 bytes, from −3 to 9, mean 0.5`; of large ones without values. */
export function constantTitle(snapshot: Snapshot, { key, index }: MetaRef): string {
  if (key !== 'relay.Constant') return `${key} ${index} in the metadata section`;
  const type = decodeMetadata(snapshot.tree.metadata).constantType(index);
  if (!type.ok) return type.error.message;
  const { dtype, shape } = type.value;
  const count = elementCount(shape);
  const line = `Constant ${index}: ${dtype} (${shape.join(', ')}), ${size(count * elementBytes(dtype))}`;
  const constant = count <= mostDecoded ? decodeMetadata(snapshot.tree.metadata).constant(index) : undefined;
  return constant?.ok ? `${line}${statistics(constant.value).replaceAll('`', '')}` : line;
}

function size(bytes: number): string {
  return bytes === 1 ? '1 byte' : `${bytes.toLocaleString('en')} bytes`;
}

function summariseArray(array: NDArray): string {
  const count = elementCount(array.shape);
  const first = Array.from({ length: Math.min(count, mostShown) }, (_, i) => show(array.data[i], array));
  const values = `${first.join(', ')}${count > mostShown ? ', …' : ''}`;
  const bytes = size(count * elementBytes(array.dtype));
  if (count === 1) return `value ${code(values)}, ${bytes}`;
  const numbers =
    count <= mostShown ? `values ${code(values)}` : `${count.toLocaleString('en')} values ${code(values)}`;
  return `${numbers}, ${bytes}${statistics(array)}`;
}

interface Statistics {
  readonly least: number;
  readonly greatest: number;
  readonly mean: number;
  /** Values that are neither finite nor counted in the others. */
  readonly notFinite: number;
}

/** Read once an array. */
const known = new WeakMap<NDArray, Statistics>();

function statistics(array: NDArray): string {
  if (array.data.length > mostScanned || array.data.length === 0 || array.dtype === 'bool') return '';
  const found = known.get(array) ?? measure(array);
  known.set(array, found);
  const { least, greatest, mean, notFinite } = found;
  const odd = notFinite === 0 ? '' : `; ${notFinite.toLocaleString('en')} are not finite`;
  if (least > greatest) return odd;
  return `, from ${code(number(least))} to ${code(number(greatest))}, mean ${code(number(mean))}${odd}`;
}

function measure({ data }: NDArray): Statistics {
  let least = Infinity;
  let greatest = -Infinity;
  let sum = 0;
  let notFinite = 0;
  for (const raw of data) {
    const value = Number(raw);
    if (!Number.isFinite(value)) {
      notFinite++;
      continue;
    }
    if (value < least) least = value;
    if (value > greatest) greatest = value;
    sum += value;
  }
  return { least, greatest, mean: sum / (data.length - notFinite), notFinite };
}

function number(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

function show(value: number | bigint | undefined, array: NDArray): string {
  if (value === undefined) return '?';
  if (array.dtype === 'bool') return value ? 'True' : 'False';
  return typeof value === 'bigint' ? String(value) : number(value);
}
