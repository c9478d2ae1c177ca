/** Scales and zero points: their types, and their values inside a computation. */
import type { DType } from '../../tensor/dtype.ts';
import { integerRange } from '../../tensor/dtype.ts';
import { elementCount } from '../../tensor/ndarray.ts';
import type { TEExpr } from '../../tensor/te.ts';
import { cast, constant, int, load, maximum, minimum, sub } from '../../tensor/te.ts';
import type { Dim, TensorType, Type } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import { printShape } from '../../types/print.ts';
import { tensorAt } from '../compute/tensors.ts';
import type { ComputeContext, RelateContext, RelateResult } from '../operator.ts';
import type { Failure, Related } from '../nn/relate.ts';
import { fail, onInput, shapesMayEqual, tensorInput } from '../nn/relate.ts';

type Relating = Pick<RelateContext<unknown>, 'inputs'>;
type Computing = Pick<ComputeContext<unknown>, 'inputs' | 'constant'>;

/** Types that a relation fixes. */
export type Assignments = { readonly index: number; readonly type: Type }[];

/** Demands a scalar of `dtype` at input `index`; waits while it is unsolved. */
export function scalarParameter(
  context: Relating,
  index: number,
  name: string,
  dtype: DType,
): RelateResult | undefined {
  const type = tensorInput(context, index, name);
  if (type.kind !== 'tensor') return type;
  return parameterDType(type, index, name, dtype) ?? rankZero(type, index, name);
}

function rankZero(type: TensorType, index: number, name: string): Failure | undefined {
  if (type.shape.length === 0) return undefined;
  return fail(
    'rank-mismatch',
    `\`${name}\` must be a scalar, one value for the whole tensor, but it has the shape ${printShape(type.shape)}.`,
    onInput(index),
    { remedy: 'Write a scalar such as `0.5f` or `0`.' },
  );
}

function parameterDType(type: TensorType, index: number, name: string, dtype: DType): Failure | undefined {
  if (type.dtype === dtype) return undefined;
  return fail('dtype-mismatch', `\`${name}\` must be ${dtype}, but it is ${type.dtype}.`, onInput(index), {
    remedy: dtype === 'float32' ? 'Write a float literal such as `0.5f`.' : 'Write an integer literal such as `0`.',
  });
}

/** Demands a tensor of `dtype`, of any shape, at input `index`; waits while it is unsolved. */
export function parameterOf(context: Relating, index: number, name: string, dtype: DType): RelateResult | undefined {
  const type = tensorInput(context, index, name);
  return type.kind === 'tensor' ? parameterDType(type, index, name, dtype) : type;
}

/** Demands a scalar, or one value for each element of a quantised axis of size `size`. */
export function axisParameter(
  context: Relating,
  index: number,
  name: string,
  dtype: DType,
  size: Dim,
  assign: Assignments,
  related?: Related,
): RelateResult | undefined {
  const type = tensorInput(context, index, name);
  if (type.kind !== 'tensor') return type;
  const wrong = parameterDType(type, index, name, dtype);
  if (wrong) return wrong;
  if (type.shape.length === 0) return undefined;
  const expected = tensorType([size], dtype);
  if (!shapesMayEqual(type.shape, expected.shape))
    return fail(
      type.shape.length === 1 ? 'shape-mismatch' : 'rank-mismatch',
      `\`${name}\` must be a scalar or have the shape ${printShape(expected.shape)}, one value for each channel, but it has the shape ${printShape(type.shape)}.`,
      onInput(index, type.shape.length === 1 ? 0 : undefined),
      related ? { related } : {},
    );
  assign.push({ index, type: expected });
  return undefined;
}

/** The elements of a constant parameter as numbers; undefined when it is not constant. */
export function constantNumbers(context: Computing, index: number): readonly number[] | undefined {
  const value = context.constant(index);
  return value ? Array.from(value.data as ArrayLike<number | bigint>, Number) : undefined;
}

/** The only value of a constant scalar parameter; undefined otherwise. */
export function constantScalar(context: Computing, index: number): number | undefined {
  const values = constantNumbers(context, index);
  return values && isScalar(context, index) ? values[0] : undefined;
}

/** Whether the parameter is one value for the whole tensor. */
export function isScalar(context: Pick<ComputeContext<unknown>, 'inputs'>, index: number): boolean {
  return elementCount(tensorAt(context, index).shape) === 1;
}

/** The parameter's value for channel `channel`, in its own element type; folded when it is a constant scalar. */
export function parameterAt(context: Computing, index: number, channel: TEExpr): TEExpr {
  const tensor = tensorAt(context, index);
  const value = constantScalar(context, index);
  if (value !== undefined) return constant(value, tensor.dtype);
  if (tensor.shape.length === 0) return load(tensor);
  return load(tensor, ...tensor.shape.map((extent, i) => (extent === 1 || i > 0 ? int(0) : channel)));
}

/** `e` less the zero point of its channel, in the dtype of `e`. */
export function withoutZeroPoint(context: Computing, index: number, e: TEExpr, channel: TEExpr, dtype: DType): TEExpr {
  const value = cast(dtype, e);
  if (constantScalar(context, index) === 0) return value;
  return sub(value, cast(dtype, parameterAt(context, index, channel)));
}

/** Limits a value to the range of the integer type `target` and converts it. */
export function saturate(e: TEExpr, from: DType, target: DType): TEExpr {
  const range = integerRange(target);
  if (!range || target === from) return cast(target, e);
  const limit = (value: bigint): TEExpr => constant(from === 'int64' ? value : Number(value), from);
  return cast(target, maximum(minimum(e, limit(range.max)), limit(range.min)));
}

/** The position of a channel axis: negative counts from the end, 0 for scalars. */
export function channelAxis(axis: number, rank: number): number {
  return axis < 0 ? Math.max(0, rank + axis) : axis;
}
