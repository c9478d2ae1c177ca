/** Broadcasting (relay-language reference, section 5.1). */
import { printDim, printShape } from '../../types/print.ts';
import type { Dim, TensorType, Type } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import type { DType } from '../../tensor/dtype.ts';
import type { DimOrigin, DimSource, RelateContext, RelateResult, ResultDim } from '../operator.ts';
import { isAnyDim, isDim, sameDim } from './dims.ts';
import { done, failed, inputBlame, tensorInput } from './inputs.ts';

/** One dimension of a broadcast; undefined when the two do not agree. `?` yields to the other side. */
export function broadcastDim(left: Dim, right: Dim): Dim | undefined {
  if (isDim(left, 1)) return right;
  if (isDim(right, 1)) return left;
  if (isAnyDim(left)) return right;
  if (isAnyDim(right)) return left;
  return sameDim(left, right) ? left : undefined;
}

export type BroadcastShape =
  | { readonly ok: true; readonly shape: readonly Dim[] }
  /** Positions of the dimensions that do not agree. */
  | { readonly ok: false; readonly left: number; readonly right: number };

/** Aligns two shapes at the right and broadcasts them. */
export function broadcastShapes(left: readonly Dim[], right: readonly Dim[]): BroadcastShape {
  const rank = Math.max(left.length, right.length);
  const shape: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const a = left[i - (rank - left.length)];
    const b = right[i - (rank - right.length)];
    const dim = a === undefined ? b : b === undefined ? a : broadcastDim(a, b);
    if (dim === undefined) return { ok: false, left: i - (rank - left.length), right: i - (rank - right.length) };
    shape.push(dim);
  }
  return { ok: true, shape };
}

/** What is broadcast: an input's position, name and shape. */
export interface BroadcastOperand {
  readonly index: number;
  readonly name: string;
  readonly shape: readonly Dim[];
}

/** The broadcast shape of two operands or the error to report. */
export function broadcastOperands(
  left: BroadcastOperand,
  right: BroadcastOperand,
): { readonly ok: true; readonly shape: readonly Dim[] } | Extract<RelateResult, { kind: 'error' }> {
  const result = broadcastShapes(left.shape, right.shape);
  if (result.ok) return result;
  const a = printDim(left.shape[result.left] ?? 1);
  const b = printDim(right.shape[result.right] ?? 1);
  return failed(
    'shape-mismatch',
    `The shapes ${printShape(left.shape)} and ${printShape(right.shape)} do not broadcast: ` +
      `dimension ${result.left} of \`${left.name}\` is ${a}, dimension ${result.right} of \`${right.name}\` is ${b}.`,
    inputBlame(right.index, result.right),
    {
      remedy: 'Aligned at the right, each pair of dimensions must be equal or contain a 1.',
      related: [{ blame: inputBlame(left.index, result.left), message: `\`${left.name}\` has ${a} here.` }],
    },
  );
}

/** Relation of a binary operator; `resultDType` is the operands' when absent. */
export function broadcastRelation(
  resultDType?: DType,
): (context: Pick<RelateContext<unknown>, 'inputs'>) => RelateResult {
  return (context) => {
    const lhs = tensorInput(context, 0, 'lhs');
    const rhs = tensorInput(context, 1, 'rhs');
    if (lhs.kind === 'error') return lhs;
    if (rhs.kind === 'error') return rhs;
    if (lhs.kind !== 'tensor') return lhs;
    if (rhs.kind !== 'tensor') return rhs;
    const shape = broadcastOperands(
      { index: 0, name: 'lhs', shape: lhs.shape },
      { index: 1, name: 'rhs', shape: rhs.shape },
    );
    if (!('ok' in shape)) return shape;
    const result = tensorType(shape.shape, resultDType ?? lhs.dtype);
    if (lhs.dtype !== rhs.dtype) return dtypesDiffer(lhs, rhs, result);
    return done(result);
  };
}

function dtypesDiffer(lhs: TensorType, rhs: TensorType, result: Type): RelateResult {
  return failed(
    'dtype-mismatch',
    `Both operands must have the same element type; \`lhs\` has ${lhs.dtype} and \`rhs\` has ${rhs.dtype}.`,
    inputBlame(1),
    {
      remedy: `Convert one side, for example \`cast(…, dtype="${lhs.dtype}")\`.`,
      related: [{ blame: inputBlame(0), message: `\`lhs\` has ${lhs.dtype}.` }],
      result,
    },
  );
}

/** Origin of dimension `dim` of a result of rank `rank` broadcast from the inputs at `indices`. */
export function explainBroadcastOf(
  inputs: readonly Type[],
  rank: number,
  dim: number,
  indices: readonly number[],
): DimOrigin | undefined {
  const sources: (DimSource & { kind: 'input' })[] = [];
  const values: Dim[] = [];
  for (const index of indices) {
    const type = inputs[index];
    if (type?.kind !== 'tensor') continue;
    const at = dim - (rank - type.shape.length);
    const value = type.shape[at];
    if (value === undefined) continue;
    sources.push({ kind: 'input', index, dim: at });
    values.push(value);
  }
  if (sources.length === 0) return undefined;
  if (sources.length === 1) return { formula: '', sources };
  return { formula: `broadcast(${values.map(printDim).join(', ')})`, sources };
}

/** `explain` of a binary operator. */
export function explainBroadcast(
  context: Pick<RelateContext<unknown>, 'inputs'>,
  result: Type,
  at: ResultDim,
): DimOrigin | undefined {
  if (result.kind !== 'tensor') return undefined;
  return explainBroadcastOf(context.inputs, result.shape.length, at.dim, [0, 1]);
}
