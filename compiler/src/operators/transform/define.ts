/** What the records of shape manipulation share. */
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import { compute, load } from '../../tensor/te.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import type { ComputeContext, InputSpec } from '../operator.ts';

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
