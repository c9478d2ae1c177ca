/** What a scalar term is made of: see `terms.ts` for the table that keeps equal terms one object. */
import type { DType } from '../tensor/dtype.ts';

export type Term =
  /** A number: of the result's axes (`level` 0) or of a reduction (its height). */
  | Node<'axis', { readonly level: number; readonly place: number; readonly extent: number }>
  | Node<'const', { readonly value: number | bigint }>
  /** constant + Σ factor · atom; atoms in order of their numbers. */
  | Node<'linear', { readonly constant: number; readonly parts: readonly Part[] }>
  | Node<'floordiv', { readonly dividend: Term; readonly divisor: number }>
  | Node<'load', { readonly tensor: string; readonly indices: readonly Term[] }>
  | Node<'apply', { readonly op: string; readonly args: readonly Term[] }>
  | Node<
      'reduce',
      { readonly op: string; readonly extents: readonly number[]; readonly body: Term; readonly init?: Term }
    >;

export interface Part {
  readonly factor: number;
  readonly atom: Term;
}

type Node<K extends string, D> = D & {
  readonly kind: K;
  readonly dtype: DType;
  /** Position in the table: the order of operands that commute. */
  readonly number: number;
  /** Reductions nested inside; names the axes of the one around it. */
  readonly height: number;
  /** Length of the longest chain of operands below. */
  readonly depth: number;
};
