/** Values of evaluated programs. */
import type { Func, Var } from '../ir/expr.ts';
import type { NDArray } from '../tensor/ndarray.ts';

export type Value =
  | TensorValue
  | TupleValue
  | ClosureValue
  | AdtValue
  | RefValue
  | { readonly kind: 'operator'; readonly name: string }
  | { readonly kind: 'constructor'; readonly name: string };

export interface TensorValue {
  readonly kind: 'tensor';
  readonly array: NDArray;
}
export interface TupleValue {
  readonly kind: 'tuple';
  readonly fields: readonly Value[];
}
/** A function with the activation it was made in. */
export interface ClosureValue {
  readonly kind: 'closure';
  readonly func: Func;
  readonly frame: Frame | undefined;
}
export interface AdtValue {
  readonly kind: 'adt';
  readonly constructor_: string;
  readonly fields: readonly Value[];
}
/** A mutable cell; identity is the object. */
export interface RefValue {
  readonly kind: 'reference';
  content: Value;
}

/** One activation of a function: its variables and the values of the nodes evaluated in it so far. */
export interface Frame {
  readonly variables: Map<Var, Value>;
  readonly values: Map<object, Value>;
  readonly parent: Frame | undefined;
}

export function tensorValue(array: NDArray): TensorValue {
  return { kind: 'tensor', array };
}

/** The tensors of a value in order, through nested tuples; undefined when it holds anything else. */
export function tensorsOf(value: Value): readonly NDArray[] | undefined {
  if (value.kind === 'tensor') return [value.array];
  if (value.kind !== 'tuple') return undefined;
  const arrays: NDArray[] = [];
  for (const field of value.fields) {
    const inner = tensorsOf(field);
    if (inner === undefined) return undefined;
    arrays.push(...inner);
  }
  return arrays;
}
