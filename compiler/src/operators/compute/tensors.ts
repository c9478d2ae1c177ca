/** Building blocks of operators' meanings. */
import type { DType } from '../../tensor/dtype.ts';
import { integerRange, isFloat } from '../../tensor/dtype.ts';
import type { BinaryOp, TEExpr, TETensor } from '../../tensor/te.ts';
import { add, cast, compute, constant, dtypeOf, floordiv, floormod, int, load, mul } from '../../tensor/te.ts';
import type { ComputeContext } from '../operator.ts';

type Inputs = Pick<ComputeContext<unknown>, 'inputs'>;

/** Input `index`, which is a single tensor. */
export function tensorAt(context: Inputs, index: number): TETensor {
  const input = context.inputs[index];
  if (input === undefined || Array.isArray(input)) throw new Error(`input ${index} is not one tensor`);
  return input as TETensor;
}

/** Input `index`, which is a tuple of tensors. */
export function tensorsAt(context: Inputs, index: number): readonly TETensor[] {
  const input = context.inputs[index];
  if (input === undefined) throw new Error(`input ${index} is absent`);
  return Array.isArray(input) ? (input as readonly TETensor[]) : [input as TETensor];
}

/** The one output's shape and dtype. */
export function outputOf(
  context: Pick<ComputeContext<unknown>, 'outputs'>,
  index = 0,
): { readonly shape: readonly number[]; readonly dtype: DType } {
  const output = context.outputs[index];
  if (!output) throw new Error(`output ${index} is absent`);
  return output;
}

/** `tensor` at the trailing indices of a result it broadcasts to. */
export function broadcastLoad(tensor: TETensor, indices: readonly TEExpr[]): TEExpr {
  const skip = indices.length - tensor.shape.length;
  return load(
    tensor,
    ...tensor.shape.map((extent, i) => {
      const index = indices[skip + i];
      return extent === 1 || index === undefined ? int(0) : index;
    }),
  );
}

/** One element for each of the input's: `f(x)`. */
export function mapElements(name: string, tensor: TETensor, f: (x: TEExpr) => TEExpr): TETensor {
  return compute(name, tensor.shape, (...i) => f(load(tensor, ...i)));
}

/** Broadcasts two tensors to `shape` and combines their elements. */
export function zipElements(
  name: string,
  shape: readonly number[],
  left: TETensor,
  right: TETensor,
  f: (a: TEExpr, b: TEExpr) => TEExpr,
): TETensor {
  return compute(name, shape, (...i) => f(broadcastLoad(left, i), broadcastLoad(right, i)));
}

/** The only element of a scalar tensor (rank 0 or all ones). */
export function scalarLoad(tensor: TETensor): TEExpr {
  return load(tensor, ...tensor.shape.map(() => int(0)));
}

/** A constant of `dtype`, 64-bit integers exact, fractions truncated for integers. */
export function number(value: number, dtype: DType): TEExpr {
  if (isFloat(dtype)) return constant(value, dtype);
  if (dtype === 'int64' || dtype === 'uint64') return constant(BigInt(Math.trunc(value)), dtype);
  return constant(Math.trunc(value), dtype);
}

/** The least value of a dtype: −∞ for floats as TVM's min_value gives the lowest finite one. */
export function lowest(dtype: DType): TEExpr {
  if (dtype === 'float64') return constant(-Number.MAX_VALUE, dtype);
  if (dtype === 'float16') return constant(-65504, dtype);
  if (isFloat(dtype)) return constant(-3.4028234663852886e38, dtype);
  return integerConstant(integerRange(dtype)?.min ?? 0n, dtype);
}

function integerConstant(value: bigint, dtype: DType): TEExpr {
  return constant(dtype === 'int64' || dtype === 'uint64' ? value : Number(value), dtype);
}

/** A binary operation not offered by name in `tensor/te.ts`; the operands' dtypes agree. */
export function op(name: BinaryOp, left: TEExpr, right: TEExpr): TEExpr {
  return { kind: 'binary', op: name, dtype: dtypeOf(left), left, right };
}

/** Row-major position of `indices` in `shape`; int32. */
export function flatten(indices: readonly TEExpr[], shape: readonly number[]): TEExpr {
  let flat: TEExpr = int(0);
  for (const [i, index] of indices.entries()) flat = add(mul(flat, int(shape[i] ?? 1)), index);
  return flat;
}

/** The indices into `shape` of the row-major position `flat`. */
export function unflatten(flat: TEExpr, shape: readonly number[]): readonly TEExpr[] {
  const indices: TEExpr[] = [];
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const extent = shape[i] ?? 1;
    const quotient = floordiv(flat, int(stride));
    indices.unshift(extent === 1 ? int(0) : i === 0 ? quotient : floormod(quotient, int(extent)));
    stride *= extent;
  }
  return indices;
}

/** An index value read from a tensor, as int32 for index arithmetic. */
export function asIndex(e: TEExpr): TEExpr {
  return cast('int32', e);
}
