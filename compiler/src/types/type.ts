/**
 * Relay types (relay-language reference, section 4.1). Immutable values; solving happens in `unify.ts`, which maps
 * incomplete types and dimension variables to what they were solved to.
 */
import type { DType } from '../tensor/dtype.ts';

/**
 * A dimension. A plain number is an int32-sized constant, the common case. Others are objects:
 * `any` is `?`; `var` is a named dimension (an extension: `Tensor[(n, 3), float32]`); `int64` a constant written or
 * computed as int64 (`3i64`); `expr` a symbolic term that did not fold; `hole` a dimension to be solved.
 */
export type Dim = number | AnyDim | DimVar | Int64Dim | DimExpr;

export interface AnyDim {
  readonly kind: 'any';
}
export interface DimVar {
  readonly kind: 'var';
  readonly name: string;
  readonly id: number;
  /** The metadata key of a symbolic variable read from a metadata section: `tir.Var`, `tir.SizeVar`. */
  readonly key?: string;
}
export interface Int64Dim {
  readonly kind: 'int64';
  readonly value: bigint;
}
export interface DimExpr {
  readonly kind: 'expr';
  readonly op: '+' | '-' | '*' | 'floordiv' | 'floormod' | 'min' | 'max' | 'other';
  readonly operands: readonly Dim[];
  /** For `other`: how it prints. */
  readonly text?: string;
}

export type Type = TensorType | TupleType | FuncType | RefType | TypeCall | TypeVar | IncompleteType | ErrorType;

export interface TensorType {
  readonly kind: 'tensor';
  readonly shape: readonly Dim[];
  readonly dtype: DType;
}
export interface TupleType {
  readonly kind: 'tuple';
  readonly fields: readonly Type[];
}
export interface FuncType {
  readonly kind: 'func';
  readonly params: readonly Type[];
  readonly ret: Type;
  readonly typeParams: readonly TypeVar[];
}
export interface RefType {
  readonly kind: 'ref';
  readonly content: Type;
}
/** An algebraic data type applied to arguments: `List[int32]`. `head` is the ADT's name or, ill-kinded, a variable. */
export interface TypeCall {
  readonly kind: 'adt';
  readonly head: string | TypeVar;
  readonly args: readonly Type[];
}
/** A rigid type parameter. Identity is `id`. */
export interface TypeVar {
  readonly kind: 'typevar';
  readonly name: string;
  readonly id: number;
}
/** A placeholder to be solved. Identity is `id`. */
export interface IncompleteType {
  readonly kind: 'incomplete';
  readonly id: number;
}
/** The poison of a failed type: unifies with everything, raises nothing. */
export interface ErrorType {
  readonly kind: 'error';
}

export const anyDim: AnyDim = { kind: 'any' };
export const errorType: ErrorType = { kind: 'error' };
export const unitType: TupleType = { kind: 'tuple', fields: [] };

export function tensorType(shape: readonly Dim[], dtype: DType): TensorType {
  return { kind: 'tensor', shape, dtype };
}
/** Rank-0 tensor. */
export function scalarType(dtype: DType): TensorType {
  return { kind: 'tensor', shape: [], dtype };
}
export function tupleType(fields: readonly Type[]): TupleType {
  return { kind: 'tuple', fields };
}
export function funcType(params: readonly Type[], ret: Type, typeParams: readonly TypeVar[] = []): FuncType {
  return { kind: 'func', params, ret, typeParams };
}
export function refType(content: Type): RefType {
  return { kind: 'ref', content };
}
/** A data type applied to arguments. */
export function adtType(head: string | TypeVar, args: readonly Type[] = []): TypeCall {
  return { kind: 'adt', head, args };
}

/** The integer value of a constant dimension, as number when it is safe and bigint otherwise; else undefined. */
export function constantDim(dim: Dim): number | bigint | undefined {
  if (typeof dim === 'number') return dim;
  if (dim.kind !== 'int64') return undefined;
  const n = Number(dim.value);
  return Number.isSafeInteger(n) ? n : dim.value;
}

/** The shape as plain numbers when every dimension is a safe constant; else undefined. */
export function staticShape(type: TensorType): readonly number[] | undefined {
  const shape: number[] = [];
  for (const dim of type.shape) {
    const value = constantDim(dim);
    // A negative dimension is a number for which there is no tensor.
    if (typeof value !== 'number' || value < 0) return undefined;
    shape.push(value);
  }
  return shape;
}
