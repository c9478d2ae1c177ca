/**
 * The loop IR: what a kernel's body is made of. Close to C on purpose, but with defined arithmetic: integers wrap at
 * their width, float32 rounds after every operation. `index` is the type of subscripts and loop variables: a 32-bit
 * integer that is known to stay in range, so that C needs no wrapping around it.
 */
import type { DType } from '../tensor/dtype.ts';
import type { BinaryOp, CompareOp, UnaryFn } from '../tensor/te.ts';

export type ScalarType = DType | 'index';

/** A flat buffer; identity is the object. */
export interface Buffer {
  readonly name: string;
  readonly dtype: DType;
  /** Elements. */
  readonly length: number;
  /** Alignment in bytes that the loops rely on. */
  readonly align: number;
}

/** A mutable scalar; identity is the object. */
export interface Local {
  readonly kind: 'local';
  readonly name: string;
  readonly dtype: ScalarType;
}

/** A loop's variable, of type `index`; identity is the object. */
export interface LoopVar {
  readonly kind: 'loopvar';
  readonly name: string;
}

/**
 * A moving position in one buffer, read or written as elements of `dtype`, which may be wider than the buffer's own
 * (a 32-bit word over two `int16`). The position is aligned to `dtype`'s size, at most 4.
 */
export interface Pointer {
  readonly kind: 'pointer';
  readonly name: string;
  readonly buffer: Buffer;
  readonly dtype: DType;
  /**
   * C compilers are not told where it points: they reach places near it by offsets, where they would else keep an address
   * for each, found before a loop around, in registers that there are not.
   */
  readonly opaque?: true;
}

export type LExpr =
  | Local
  | LoopVar
  | { readonly kind: 'const'; readonly dtype: ScalarType; readonly value: number | bigint }
  /** Element `index` of a buffer. */
  | { readonly kind: 'load'; readonly buffer: Buffer; readonly index: LExpr }
  /** Element at `pointer + offset`, in the pointer's elements. */
  | { readonly kind: 'deref'; readonly pointer: Pointer; readonly offset: LExpr }
  | {
      readonly kind: 'binary';
      readonly op: BinaryOp;
      readonly dtype: ScalarType;
      readonly left: LExpr;
      readonly right: LExpr;
    }
  | { readonly kind: 'compare'; readonly op: CompareOp; readonly left: LExpr; readonly right: LExpr }
  | {
      readonly kind: 'unary';
      readonly op: UnaryFn;
      readonly dtype: ScalarType;
      readonly operand: LExpr;
      /** Exponentials: the result is known to be a normal number. */
      readonly normal?: true;
    }
  /** Only the chosen branch is evaluated. */
  | {
      readonly kind: 'select';
      readonly condition: LExpr;
      readonly then: LExpr;
      readonly otherwise: LExpr;
      readonly dtype: ScalarType;
    }
  /** As in tensor expressions: float → integer saturates, wider → narrower integer wraps. */
  | { readonly kind: 'cast'; readonly dtype: ScalarType; readonly operand: LExpr }
  | { readonly kind: 'bitcast'; readonly dtype: DType; readonly operand: LExpr }
  /** An instruction or library function of `targets/intrinsics.ts` with one result. */
  | { readonly kind: 'intrinsic'; readonly name: string; readonly args: readonly LExpr[]; readonly dtype: DType };

export type Stmt =
  | { readonly kind: 'block'; readonly body: readonly Stmt[] }
  /** `variable` runs from 0 to `extent` − 1, ascending. Unrolled loops are written out in C. */
  | {
      readonly kind: 'for';
      readonly variable: LoopVar;
      readonly extent: LExpr;
      readonly unroll: boolean;
      readonly body: Stmt;
    }
  | { readonly kind: 'if'; readonly condition: LExpr; readonly then: Stmt; readonly otherwise?: Stmt }
  /** Declares a scalar for the rest of the enclosing block. */
  | { readonly kind: 'declare'; readonly local: Local; readonly value: LExpr }
  | { readonly kind: 'assign'; readonly local: Local; readonly value: LExpr }
  /** Declares a pointer at element `index` of its buffer (in the buffer's elements). */
  | { readonly kind: 'point'; readonly pointer: Pointer; readonly index: LExpr }
  /** Moves a pointer by `by` of its own elements. */
  | { readonly kind: 'advance'; readonly pointer: Pointer; readonly by: LExpr }
  | { readonly kind: 'store'; readonly buffer: Buffer; readonly index: LExpr; readonly value: LExpr }
  | { readonly kind: 'store_via'; readonly pointer: Pointer; readonly offset: LExpr; readonly value: LExpr }
  /** An instruction with several results or effects; `results` are assigned. `at` is what it reads or writes. */
  | {
      readonly kind: 'perform';
      readonly name: string;
      readonly results: readonly Local[];
      readonly at?: { readonly pointer: Pointer; readonly offset: LExpr };
      readonly args: readonly LExpr[];
    };

/** The type of an expression's value. */
export function typeOfExpr(e: LExpr): ScalarType {
  switch (e.kind) {
    case 'loopvar':
      return 'index';
    case 'load':
      return e.buffer.dtype;
    case 'deref':
      return e.pointer.dtype;
    case 'compare':
      return 'bool';
    default:
      return e.dtype;
  }
}
