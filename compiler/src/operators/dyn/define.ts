/** What dynamic forms share. */
import { printShape } from '../../types/print.ts';
import type { Dim, TensorType, Type } from '../../types/type.ts';
import { anyDim } from '../../types/type.ts';
import { elementCount } from '../../tensor/ndarray.ts';
import type { NDArray } from '../../tensor/ndarray.ts';
import { elementAt, forEachIndex, positionOf, setElement, stridesOf, zeros } from '../compute/arrays.ts';
import type { DimOrigin, InputSpec, RelateResult } from '../operator.ts';
import { dimValue } from '../relations/dims.ts';
import { originOf } from '../relations/explain.ts';
import { failed, inputBlame, reasonableRank, tensorInput } from '../relations/inputs.ts';

type NotKnown = RelateResult;

/** Argument `index`, a vector, and its static length: the rank of a result. */
export function lengthInput(
  context: { readonly inputs: readonly Type[] },
  index: number,
  name: string,
): number | NotKnown {
  const type = tensorInput(context, index, name);
  if (type.kind !== 'tensor') return type;
  const length = type.shape.length === 0 ? undefined : dimValue(type.shape[0] ?? 0);
  if (length !== undefined) return reasonableRank(length, inputBlame(index, 0));
  return failed(
    'rank-mismatch',
    `\`${name}\` must be a vector of known length, because its length is the number of dimensions of the result; found ${printShape(type.shape)}.`,
    inputBlame(index),
    { remedy: `Give \`${name}\` a constant length.` },
  );
}

/** A shape of `rank` dimensions that are all `?`. */
export function anyDims(rank: number): readonly Dim[] {
  return Array.from({ length: Math.max(0, rank) }, () => anyDim);
}

/** Every dimension is decided by values of input `index`. */
export const explainRuntime =
  (index: number) =>
  (_context: unknown, _result: unknown, _at: unknown): DimOrigin =>
    originOf('known at run time', { kind: 'input', index, dim: 0 });

/** A kernel result whose element at each index tuple comes from `source` of `data`; undefined gives `filler`. */
export function moveArray(
  data: NDArray,
  shape: readonly number[],
  source: (indices: readonly number[]) => readonly number[] | undefined,
  filler: number | bigint = 0,
): NDArray {
  const result = zeros(data.dtype, shape);
  const strides = stridesOf(data.shape);
  forEachIndex(shape, (indices, at) => {
    const from = source(indices);
    setElement(result, at, from === undefined ? filler : elementAt(data, positionOf(from, strides)));
  });
  return result;
}

/** A filled array. */
export function filledArray(dtype: string, shape: readonly number[], value: number | bigint): NDArray {
  const result = zeros(dtype, shape);
  for (let i = 0; i < elementCount(shape); i++) setElement(result, i, value);
  return result;
}

export const shapeInput: InputSpec = { name: 'shape', summary: 'the sizes of the result, a vector of integers' };

/** The tensors of all inputs, or the first answer that is none. */
export function allTensors(
  context: { readonly inputs: readonly Type[] },
  names: readonly string[],
): { readonly kind: 'tensors'; readonly types: readonly TensorType[] } | NotKnown {
  const types: TensorType[] = [];
  for (const [i, name] of names.entries()) {
    const type = tensorInput(context, i, name);
    if (type.kind !== 'tensor') return type;
    types.push(type);
  }
  return { kind: 'tensors', types };
}
