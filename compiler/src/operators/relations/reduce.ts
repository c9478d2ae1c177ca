/** Shapes of reductions. */
import { printShape } from '../../types/print.ts';
import type { Dim, TensorType, Type } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import type { DimOrigin, RelateResult, ResultDim } from '../operator.ts';
import { badAttribute } from './inputs.ts';
import { isFailed, normalizeAxes, wrapAxis } from './axes.ts';
import { copyOf, originOf } from './explain.ts';

type Failed = Extract<RelateResult, { kind: 'error' }>;

export interface ReduceAttributes {
  readonly axis: readonly number[] | null;
  readonly keepdims: boolean;
  readonly exclude: boolean;
}

/** The axes that are reduced, ascending; all of them when `axis` is None or empty. */
export function reducedAxes(rank: number, attrs: Pick<ReduceAttributes, 'axis' | 'exclude'>): readonly number[] {
  const every = Array.from({ length: rank }, (_, i) => i);
  if (attrs.axis === null || attrs.axis.length === 0) return every;
  const named = new Set(attrs.axis.map((a) => wrapAxis(a, rank)));
  return every.filter((a) => named.has(a) !== attrs.exclude);
}

/** The result of reducing `data`, of element type `dtype`. */
export function reducedType(data: TensorType, attrs: ReduceAttributes, dtype = data.dtype): TensorType | Failed {
  const axes = normalizeAxes(attrs.axis ?? [], data.shape.length);
  if (isFailed(axes)) return axes;
  // Dimensions that stay with size 1 may be named twice; TVM 0.12 dies where the others are counted from them.
  const twice = axes.find((axis, i) => axes.indexOf(axis) !== i);
  if (twice !== undefined && (!attrs.keepdims || attrs.exclude))
    return badAttribute('axis', `\`axis\` names dimension ${twice} twice.`, 'Name each dimension once.');
  return tensorType(reducedShape(data.shape, attrs), dtype);
}

function reducedShape(shape: readonly Dim[], attrs: ReduceAttributes): readonly Dim[] {
  const reduced = new Set(reducedAxes(shape.length, attrs));
  if (attrs.keepdims) return shape.map((dim, i) => (reduced.has(i) ? 1 : dim));
  return shape.filter((_, i) => !reduced.has(i));
}

/** Origin of a reduction's dimension; `data` is input 0. */
export function explainReduce(
  context: { readonly inputs: readonly Type[]; readonly attrs: ReduceAttributes },
  _result: Type,
  at: ResultDim,
): DimOrigin | undefined {
  const [data] = context.inputs;
  if (data?.kind !== 'tensor') return undefined;
  const reduced = new Set(reducedAxes(data.shape.length, context.attrs));
  if (context.attrs.keepdims)
    return reduced.has(at.dim) ? originOf(`reduced from ${printShape(data.shape)}`) : copyOf(0, at.dim);
  const kept = data.shape.flatMap((_, i) => (reduced.has(i) ? [] : [i]));
  const source = kept[at.dim];
  return source === undefined ? undefined : copyOf(0, source);
}
