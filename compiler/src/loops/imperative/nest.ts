/**
 * Imperative loop nests: what operators do that no tensor expression says, because elements are moved to places that
 * depend on values (sorting, scattering, suppression).
 */
import { isFloat } from '../../tensor/dtype.ts';
import type { DType } from '../../tensor/dtype.ts';
import type { CompareOp } from '../../tensor/te.ts';
import { add, bin, block, cast, ix, loop, store } from '../build.ts';
import type { LExpr, Stmt } from '../ir.ts';
import { typeOfExpr, type ScalarType } from '../ir.ts';

/** A tensor that a nest reads; one-element constants are written out in the code. */
export interface Source {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Elements. */
  readonly count: number;
  /** The element at a row-major position, which must be one of the tensor's. */
  at(position: LExpr | number): LExpr;
}

/** A tensor, or scratch memory, that a nest reads and writes. */
export interface Place extends Source {
  /** Stores a value, converted to the element type. */
  put(position: LExpr | number, value: LExpr): Stmt;
}

/** A call that is to be written as loops. */
export interface NestContext {
  readonly inputs: readonly (Source | readonly Source[])[];
  /** Every attribute, defaults included. */
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly outputs: readonly Place[];
  /** Working memory that lives as long as the kernel runs. */
  scratch(name: string, dtype: DType, length: number): Place;
}

/**
 * The statements that compute the outputs from the inputs: the same values as the operator's `kernel`, whatever stands
 * in the inputs, without touching anything outside of the tensors. Throws an `Error` where a call has no meaning.
 * Extents of loops must not change while the loop runs.
 */
export type Nest = (context: NestContext) => Stmt;

/** Input `index`, which is one tensor. */
export function sourceAt({ inputs }: Pick<NestContext, 'inputs'>, index: number): Source {
  const input = inputs[index];
  if (input === undefined || Array.isArray(input)) throw new Error(`input ${index} is not one tensor`);
  return input as Source;
}

/** Output `index`. */
export function placeAt({ outputs }: Pick<NestContext, 'outputs'>, index: number): Place {
  const output = outputs[index];
  if (!output) throw new Error(`there is no output ${index}`);
  return output;
}

/** A constant of an element type. */
export function constantOf(dtype: ScalarType, value: number | bigint): LExpr {
  const wide = dtype === 'int64' || dtype === 'uint64';
  return { kind: 'const', dtype, value: wide ? BigInt(value) : Number(value) };
}

/** A comparison; a number takes the left side's type. */
export function compare(op: CompareOp, left: LExpr, right: LExpr | number): LExpr {
  return {
    kind: 'compare',
    op,
    left,
    right: typeof right === 'number' ? constantOf(typeOfExpr(left), right) : right,
  };
}

/** All conditions; the later ones are evaluated only where the earlier ones hold. */
export function allOf(...conditions: readonly LExpr[]): LExpr {
  return conditions.reduce((left, right) => ({ kind: 'binary', op: 'and', dtype: 'bool', left, right }));
}

/** Any of the conditions; the later ones are evaluated only where the earlier ones fail. */
export function anyOf(...conditions: readonly LExpr[]): LExpr {
  return conditions.reduce((left, right) => ({ kind: 'binary', op: 'or', dtype: 'bool', left, right }));
}

export function not(operand: LExpr): LExpr {
  return { kind: 'unary', op: 'not', dtype: 'bool', operand };
}

export function choose(condition: LExpr, then: LExpr, otherwise: LExpr): LExpr {
  return { kind: 'select', condition, then, otherwise, dtype: typeOfExpr(then) };
}

export function when(condition: LExpr, then: Stmt, otherwise?: Stmt): Stmt {
  return { kind: 'if', condition, then, ...(otherwise ? { otherwise } : {}) };
}

export const yes = constantOf('bool', 1);
export const no = constantOf('bool', 0);

export const least = (a: LExpr | number, b: LExpr | number): LExpr => bin('min', a, b);

/** Whether a value is not a number; never for integers. */
export function isNaNOf(value: LExpr): LExpr {
  const type = typeOfExpr(value);
  if (type === 'index' || !isFloat(type)) return no;
  return { kind: 'unary', op: 'isnan', dtype: 'bool', operand: value };
}

/** Whether an integer of any type is a subscript from `low` to below `extent`. */
export function isWithin(value: LExpr, extent: number, low = 0): LExpr {
  return allOf(compare('ge', value, low), compare('lt', value, extent));
}

/** Copies a tensor, or fills with one value. */
export function copyTo(target: Place, source: Source): Stmt {
  return loop('i', target.count, (i) => target.put(i, source.at(i)));
}
export function fill(target: Place, value: LExpr): Stmt {
  return loop('i', target.count, (i) => target.put(i, value));
}

/** Calls `body` for every index tuple of a shape, in row-major order, with its position. */
export function overIndices(
  shape: readonly number[],
  body: (indices: readonly LExpr[], position: LExpr) => Stmt,
): Stmt {
  const build = (indices: readonly LExpr[], position: LExpr): Stmt => {
    const extent = shape[indices.length];
    if (extent === undefined) return block(body(indices, position));
    return loop(`i${indices.length}`, extent, (i) => build([...indices, i], add(bin('mul', position, extent), i)));
  };
  return build([], ix(0));
}

/** A place over a buffer. */
export function placeOver(buffer: Parameters<typeof store>[0], shape: readonly number[]): Place {
  return {
    shape,
    dtype: buffer.dtype,
    count: buffer.length,
    at: (position) => ({ kind: 'load', buffer, index: ix(position) }),
    put: (position, value) => store(buffer, position, cast(buffer.dtype, value)),
  };
}

/** Splits a shape at an axis: slices before it, its length, the elements behind it. */
export interface Lines {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

/** Calls `body` for every line along an axis, with the positions' start; elements lie `inner` apart. */
export function overLines({ outer, inner }: Lines, body: (outer: LExpr, inner: LExpr) => Stmt): Stmt {
  return loop('o', outer, (o) => loop('i', inner, (i) => body(o, i)));
}
