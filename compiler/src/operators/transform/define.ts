/** What the records of shape manipulation share. */
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import { compute, load } from '../../tensor/te.ts';
import type { TensorType } from '../../types/type.ts';
import { printShape } from '../../types/print.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import type { ComputeContext, InputSpec, RelateResult } from '../operator.ts';
import { dimValue } from '../relations/dims.ts';
import { failed, inputBlame } from '../relations/inputs.ts';

export const dataInput: InputSpec = { name: 'data', summary: 'the tensor' };

/** The meaning of an operator that only moves elements: where each element of the result comes from. */
export function moveElements<A>(
  name: string,
  source: (indices: readonly TEExpr[], context: ComputeContext<A>, data: TETensor) => readonly TEExpr[],
): (context: ComputeContext<A>) => readonly TETensor[] {
  return (context) => {
    const data = tensorAt(context, 0);
    return [compute(name, outputOf(context).shape, (...i) => load(data, ...source(i, context, data)))];
  };
}

/** The length of the index tuples that the columns of `indices` (input 1) are, or the failure that it is not known. */
export function tupleLength(indices: TensorType): number | Extract<RelateResult, { kind: 'error' }> {
  const size = indices.shape.length === 0 ? undefined : dimValue(indices.shape[0] ?? 0);
  if (size !== undefined) return Number(size);
  return failed(
    'shape-mismatch',
    `The first dimension of \`indices\` must be a known number, the length of an index tuple; found ${printShape(indices.shape)}.`,
    inputBlame(1),
    { remedy: 'Give `indices` a static first dimension.' },
  );
}
