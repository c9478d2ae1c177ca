/** Attribute schemas: one declaration gives parsing, defaults, documentation and the TypeScript type. */
import type { DType } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { anyDim, type Dim } from '../types/type.ts';
import type { IndexMap } from './index-map.ts';

/**
 * A normalised attribute value. Integers are numbers (exact while safe; int64 extremes round to the nearest double and
 * print clipped); `null` is TVM's `None`; dimension lists may hold `null` for `?`-like entries only where a schema
 * says so. `expr` carries an argument-like expression the schema cannot know (kept opaque).
 */
export type AttributeValueData = number | boolean | string | null | readonly AttributeValueData[] | OpaqueAttribute;

export interface OpaqueAttribute {
  readonly opaque: string;
  /** The value, where what stands there is a constant tensor. */
  readonly value?: NDArray;
  /** The map, where what stands there is an index map that could be read. */
  readonly indexMap?: IndexMap;
  /** The dimension, where what stands there is one that is no plain number: `3i64`, a symbolic variable. */
  readonly dim?: Dim;
}

/** A dimension in an attribute. */
export type AttributeDim = number | OpaqueAttribute;

/** Its size: an int32 where it fits, else an int64; other dimensions as they stand there. */
export function writtenDim(size: AttributeDim): Dim {
  if (typeof size !== 'number') return size.dim ?? anyDim;
  return size > 0x7fffffff || size < -0x80000000 ? { kind: 'int64', value: BigInt(Math.trunc(size)) } : size;
}

export type AttributeKind =
  | 'int'
  | 'float'
  | 'bool'
  | 'string'
  | 'dtype'
  | 'int[]'
  | 'float[]'
  | 'string[]'
  | 'int[][]'
  /** Dimensions: integers, `3i64`, symbolic variables of the metadata section. */
  | 'dim[]'
  /** An integer or a list of them (`split`'s indices_or_sections, `pad_width`-like). */
  | 'int|int[]'
  /** What no literal can say: a metadata object or an expression. */
  | 'object'
  /** Anything; checked by the relation. */
  | 'any';

export interface AttributeSpec<T = AttributeValueData> {
  readonly kind: AttributeKind;
  readonly summary: string;
  /** Absent: the attribute must be written. */
  readonly default?: T;
  /** `None` is admitted. */
  readonly nullable?: boolean;
  /** Allowed strings; offered in completion. */
  readonly values?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  /** Numbers must be written as floats: `1f`, not `1`. */
  readonly strict?: boolean;
  /** Phantom: carries `T` for inference. */
  readonly type?: T;
}

export type AttributeSchema = Readonly<Record<string, AttributeSpec<never> | AttributeSpec<unknown>>>;

/** The TypeScript type of a schema's normalised values. */
export type AttributeValues<S extends AttributeSchema> = {
  readonly [K in keyof S]: S[K] extends AttributeSpec<infer T> ? T : never;
};

interface Options<T> {
  readonly default?: T;
  readonly values?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  readonly strict?: boolean;
}

function spec<T>(kind: AttributeKind, summary: string, options: Options<T>, nullable = false): AttributeSpec<T> {
  return { kind, summary, ...options, ...(nullable ? { nullable } : {}) };
}

/** Builders: `attr.int('axis to …', { default: -1 })`; the `maybe…` forms admit `None`. */
export const attr = {
  int: (summary: string, options: Options<number> = {}): AttributeSpec<number> => spec('int', summary, options),
  float: (summary: string, options: Options<number> = {}): AttributeSpec<number> => spec('float', summary, options),
  bool: (summary: string, options: Options<boolean> = {}): AttributeSpec<boolean> => spec('bool', summary, options),
  string: (summary: string, options: Options<string> = {}): AttributeSpec<string> => spec('string', summary, options),
  /** `''` or `'void'` normalises to null: «same as the input». */
  dtype: (summary: string, options: Options<DType | null> = {}): AttributeSpec<DType | null> =>
    spec('dtype', summary, options, true),
  ints: (summary: string, options: Options<readonly number[]> = {}): AttributeSpec<readonly number[]> =>
    spec('int[]', summary, options),
  dims: (summary: string, options: Options<readonly AttributeDim[]> = {}): AttributeSpec<readonly AttributeDim[]> =>
    spec('dim[]', summary, options),
  floats: (summary: string, options: Options<readonly number[]> = {}): AttributeSpec<readonly number[]> =>
    spec('float[]', summary, options),
  strings: (summary: string, options: Options<readonly string[]> = {}): AttributeSpec<readonly string[]> =>
    spec('string[]', summary, options),
  intPairs: (
    summary: string,
    options: Options<readonly (readonly number[])[]> = {},
  ): AttributeSpec<readonly (readonly number[])[]> => spec('int[][]', summary, options),
  maybeInt: (summary: string, options: Options<number | null> = {}): AttributeSpec<number | null> =>
    spec('int', summary, options, true),
  maybeFloat: (summary: string, options: Options<number | null> = {}): AttributeSpec<number | null> =>
    spec('float', summary, options, true),
  maybeInts: (
    summary: string,
    options: Options<readonly number[] | null> = {},
  ): AttributeSpec<readonly number[] | null> => spec('int[]', summary, options, true),
  maybeDims: (
    summary: string,
    options: Options<readonly AttributeDim[] | null> = {},
  ): AttributeSpec<readonly AttributeDim[] | null> => spec('dim[]', summary, options, true),
  intOrInts: (
    summary: string,
    options: Options<number | readonly number[] | null> = {},
  ): AttributeSpec<number | readonly number[] | null> => spec('int|int[]', summary, options, true),
  object: (summary: string, options: Options<OpaqueAttribute | null> = {}): AttributeSpec<OpaqueAttribute | null> =>
    spec('object', summary, options, true),
  any: (summary: string, options: Options<AttributeValueData> = {}): AttributeSpec<AttributeValueData> =>
    spec('any', summary, options, true),
} as const;
