/**
 * Tensor expressions: the meaning of operators. An operator's `compute` builds one; evaluation, lowering to loop
 * nests and C all read it. Scalar semantics are those of the dtype: integers wrap in two's complement at their width,
 * float32 rounds after every operation, integer `div`/`mod` come in floor and truncating forms.
 */
import type { DType } from './dtype.ts';
import type { NDArray } from './ndarray.ts';

/** A tensor inside a computation: an input (`body` undefined) or one computed elementwise over its axes. */
export interface TETensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly compute?: {
    readonly axes: readonly AxisVar[];
    readonly body: TEExpr;
  };
  /** Set for a constant table (`compute` is absent then). */
  readonly value?: NDArray;
}

/** A loop index: 0 … extent−1, int32. Identity is the object. */
export interface AxisVar {
  readonly kind: 'axis';
  readonly name: string;
  readonly extent: number;
}

export type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div' // float division
  | 'floordiv'
  | 'floormod'
  | 'truncdiv'
  | 'truncmod'
  | 'min'
  | 'max'
  | 'pow'
  | 'and' // bitwise
  | 'or'
  | 'xor'
  | 'shl'
  | 'shr' // arithmetic for signed, logical for unsigned
  | 'atan2';
export type CompareOp = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';
/** Float functions of one argument unless noted; C's meaning (`round` is half away from zero, `nearbyint` half even). */
export type UnaryFn =
  | 'neg'
  | 'abs'
  | 'not' // bitwise
  | 'exp'
  | 'log'
  | 'log2'
  | 'log10'
  | 'sqrt'
  | 'rsqrt'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'tanh'
  | 'asinh'
  | 'acosh'
  | 'atanh'
  | 'erf'
  | 'sigmoid'
  | 'floor'
  | 'ceil'
  | 'trunc'
  | 'round'
  | 'nearbyint'
  | 'isnan'
  | 'isfinite'
  | 'isinf'
  | 'popcount'
  | 'clz';
export type ReduceKind = 'sum' | 'prod' | 'max' | 'min';

export type TEExpr =
  | AxisVar
  | { readonly kind: 'const'; readonly dtype: DType; readonly value: number | bigint }
  | {
      readonly kind: 'binary';
      readonly op: BinaryOp;
      readonly dtype: DType;
      readonly left: TEExpr;
      readonly right: TEExpr;
    }
  /** Comparison; dtype of the result is bool. */
  | { readonly kind: 'compare'; readonly op: CompareOp; readonly left: TEExpr; readonly right: TEExpr }
  | { readonly kind: 'unary'; readonly op: UnaryFn; readonly dtype: DType; readonly operand: TEExpr }
  /** Only the chosen branch is evaluated, so a guarded load never leaves its tensor. */
  | {
      readonly kind: 'select';
      readonly condition: TEExpr;
      readonly then: TEExpr;
      readonly otherwise: TEExpr;
      readonly dtype: DType;
    }
  /** C conversion: float → integer truncates toward zero and saturates; wider → narrower integer wraps. */
  | { readonly kind: 'cast'; readonly dtype: DType; readonly operand: TEExpr }
  /** Same bits, other dtype of equal width. */
  | { readonly kind: 'bitcast'; readonly dtype: DType; readonly operand: TEExpr }
  /** Indices are integer expressions within bounds; one each dimension. */
  | { readonly kind: 'load'; readonly tensor: TETensor; readonly indices: readonly TEExpr[]; readonly dtype: DType }
  /** Reduction over its own axes, started from `init` (default: the identity of `op`), in row-major order of axes. */
  | {
      readonly kind: 'reduce';
      readonly op: ReduceKind;
      readonly axes: readonly AxisVar[];
      readonly body: TEExpr;
      readonly init?: TEExpr;
      readonly dtype: DType;
    }
  /**
   * TVM's `q_multiply_shift` with q = 31: (x·2^left · multiplier + rounding) >> (31 + right), in 64 bits, where
   * `shift` > 0 shifts left and < 0 right; rounding is half up ("UPWARD"). x, multiplier, shift are int32; int32 result.
   */
  | {
      readonly kind: 'qmulshift';
      readonly value: TEExpr;
      readonly multiplier: TEExpr;
      readonly shift: TEExpr;
      readonly dtype: 'int32';
    };

/** Dtype of the value of `e`. */
export function dtypeOf(e: TEExpr): DType {
  if (e.kind === 'axis') return 'int32';
  if (e.kind === 'compare') return 'bool';
  return e.dtype;
}

let counter = 0;

/** An input tensor. */
export function placeholder(name: string, shape: readonly number[], dtype: DType): TETensor {
  return { name, shape, dtype };
}

/** A constant table, such as a fixed-point multiplier for each channel. */
export function table(name: string, value: NDArray): TETensor {
  return { name, shape: value.shape, dtype: value.dtype, value };
}

/**
 * A tensor of `shape` whose element at axes `i` is `body(...i)`.
 * A rank-0 tensor has no axes.
 */
export function compute(name: string, shape: readonly number[], body: (...axes: AxisVar[]) => TEExpr): TETensor {
  const axes = shape.map((extent, i): AxisVar => ({ kind: 'axis', name: `i${i}`, extent }));
  const expr = body(...axes);
  return { name: name || `t${counter++}`, shape, dtype: dtypeOf(expr), compute: { axes, body: expr } };
}

/** Reduction over fresh axes of the given extents. */
export function reduce(
  op: ReduceKind,
  extents: readonly number[],
  body: (...axes: AxisVar[]) => TEExpr,
  init?: TEExpr,
): TEExpr {
  const axes = extents.map((extent, i): AxisVar => ({ kind: 'axis', name: `r${i}`, extent }));
  const expr = body(...axes);
  const dtype = dtypeOf(expr);
  return init === undefined
    ? { kind: 'reduce', op, axes, body: expr, dtype }
    : { kind: 'reduce', op, axes, body: expr, init, dtype };
}

export function constant(value: number | bigint, dtype: DType): TEExpr {
  return { kind: 'const', dtype, value };
}
/** An int32 constant, as used in index arithmetic. */
export function int(value: number): TEExpr {
  return { kind: 'const', dtype: 'int32', value };
}
export function load(tensor: TETensor, ...indices: readonly TEExpr[]): TEExpr {
  if (indices.length !== tensor.shape.length)
    throw new Error(`load of ${tensor.name}: ${indices.length} indices for rank ${tensor.shape.length}`);
  return { kind: 'load', tensor, indices, dtype: tensor.dtype };
}
/** Binary arithmetic in the dtype of the left operand; both must agree. Folds the neutral index cases. */
export function binary(op: BinaryOp, left: TEExpr, right: TEExpr): TEExpr {
  const dtype = dtypeOf(left);
  if (dtype !== dtypeOf(right)) throw new Error(`${op}: ${dtype} with ${dtypeOf(right)}`);
  if (dtype === 'int32' && left.kind === 'const' && right.kind === 'const') {
    const a = Number(left.value);
    const b = Number(right.value);
    if (op === 'add') return int((a + b) | 0);
    if (op === 'sub') return int((a - b) | 0);
    if (op === 'mul') return int(Math.imul(a, b));
  }
  if (dtype === 'int32' && right.kind === 'const') {
    if (right.value === 0 && (op === 'add' || op === 'sub')) return left;
    if (right.value === 1 && (op === 'mul' || op === 'floordiv' || op === 'truncdiv')) return left;
  }
  if (dtype === 'int32' && left.kind === 'const') {
    if (left.value === 0 && op === 'add') return right;
    if (left.value === 1 && op === 'mul') return right;
  }
  return { kind: 'binary', op, dtype, left, right };
}
export const add = (a: TEExpr, b: TEExpr): TEExpr => binary('add', a, b);
export const sub = (a: TEExpr, b: TEExpr): TEExpr => binary('sub', a, b);
export const mul = (a: TEExpr, b: TEExpr): TEExpr => binary('mul', a, b);
export const floordiv = (a: TEExpr, b: TEExpr): TEExpr => binary('floordiv', a, b);
export const floormod = (a: TEExpr, b: TEExpr): TEExpr => binary('floormod', a, b);
export const minimum = (a: TEExpr, b: TEExpr): TEExpr => binary('min', a, b);
export const maximum = (a: TEExpr, b: TEExpr): TEExpr => binary('max', a, b);
export function compare(op: CompareOp, left: TEExpr, right: TEExpr): TEExpr {
  return { kind: 'compare', op, left, right };
}
/** Conjunction of conditions; an empty list is true. */
export function all(conditions: readonly TEExpr[]): TEExpr {
  let result: TEExpr | undefined;
  for (const c of conditions)
    result = result === undefined ? c : { kind: 'binary', op: 'and', dtype: 'bool', left: result, right: c };
  return result ?? { kind: 'const', dtype: 'bool', value: 1 };
}
export function unary(op: UnaryFn, operand: TEExpr): TEExpr {
  const dtype = op === 'isnan' || op === 'isfinite' || op === 'isinf' ? 'bool' : dtypeOf(operand);
  return { kind: 'unary', op, dtype, operand };
}
export function select(condition: TEExpr, then: TEExpr, otherwise: TEExpr): TEExpr {
  return { kind: 'select', condition, then, otherwise, dtype: dtypeOf(then) };
}
/** Conversion; none is made when the dtype already fits. */
export function cast(dtype: DType, operand: TEExpr): TEExpr {
  return dtypeOf(operand) === dtype ? operand : { kind: 'cast', dtype, operand };
}
/** `value · multiplier · 2^(shift − 31)` in int32, halves rounded up. */
export function qmulshift(value: TEExpr, multiplier: TEExpr, shift: TEExpr): TEExpr {
  return { kind: 'qmulshift', value, multiplier, shift, dtype: 'int32' };
}
