/** The relation of operators whose result is like their first argument, whatever that is. */
import type { DimOrigin, RelateContext, RelateResult, ResultDim } from '../operator.ts';
import type { Type } from '../../types/type.ts';
import { copyOf } from './explain.ts';
import { done } from './inputs.ts';

/** The result has the type of argument 0, be it known or not, a tensor or not. */
export function identityRelation(context: Pick<RelateContext<unknown>, 'inputs'>): RelateResult {
  const [type] = context.inputs;
  return type === undefined ? { kind: 'wait' } : done(type);
}

/** Each dimension is that of input 0. */
export function explainIdentity(_context: unknown, _result: Type, at: ResultDim): DimOrigin {
  return copyOf(0, at.dim, at.field);
}

export { copyOf, fromAttribute } from './explain.ts';
