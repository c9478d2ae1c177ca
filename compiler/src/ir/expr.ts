/**
 * The graph IR: what the compiler works on. A program is a DAG (or `let` chains); sharing is object identity. Every
 * expression is fully typed and remembers where in the source it came from. Immutable; passes build new nodes.
 */
import type { Span } from '../base/span.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import type { FuncType, Type, TypeVar } from '../types/type.ts';
import type { AttributeValueData } from '../operators/attributes.ts';

/** Source spans an expression stands for; several after fusion or folding. */
export type Origin = readonly Span[];

interface ExprBase {
  readonly type: Type;
  readonly origin: Origin;
}

export type Attrs = Readonly<Record<string, AttributeValueData>>;

export type Expr =
  | Var
  | GlobalVar
  | Constant
  | Call
  | Tuple
  | TupleGetItem
  | Func
  | Let
  | If
  | Match
  | RefCreate
  | RefRead
  | RefWrite
  | OpRef
  | ConstructorRef;

/** A bound variable; identity is the object. */
export interface Var extends ExprBase {
  readonly kind: 'var';
  readonly name: string;
}
export interface GlobalVar extends ExprBase {
  readonly kind: 'global';
  readonly name: string;
}
export interface Constant extends ExprBase {
  readonly kind: 'constant';
  readonly value: NDArray;
  /** A name for C and reports: the parameter it was bound from. */
  readonly name?: string;
}
export interface Call extends ExprBase {
  readonly kind: 'call';
  readonly callee: Expr;
  readonly args: readonly Expr[];
  /** Normalised by the operator's schema; empty for other callees. */
  readonly attrs: Attrs;
}
export interface Tuple extends ExprBase {
  readonly kind: 'tuple';
  readonly fields: readonly Expr[];
}
export interface TupleGetItem extends ExprBase {
  readonly kind: 'get';
  readonly tuple: Expr;
  readonly index: number;
}
export interface Func extends ExprBase {
  readonly kind: 'func';
  readonly type: FuncType;
  readonly params: readonly Var[];
  readonly typeParams: readonly TypeVar[];
  readonly body: Expr;
  readonly attrs: Attrs;
}
export interface Let extends ExprBase {
  readonly kind: 'let';
  readonly variable: Var;
  readonly value: Expr;
  readonly body: Expr;
}
export interface If extends ExprBase {
  readonly kind: 'if';
  readonly condition: Expr;
  readonly then: Expr;
  readonly otherwise: Expr;
}
export interface Match extends ExprBase {
  readonly kind: 'match';
  readonly scrutinee: Expr;
  readonly clauses: readonly Clause[];
  readonly complete: boolean;
}
export interface Clause {
  readonly pattern: IRPattern;
  readonly body: Expr;
}
export type IRPattern =
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'var'; readonly variable: Var }
  | { readonly kind: 'constructor'; readonly constructor_: string; readonly fields: readonly IRPattern[] }
  | { readonly kind: 'tuple'; readonly fields: readonly IRPattern[] };
export interface RefCreate extends ExprBase {
  readonly kind: 'ref';
  readonly value: Expr;
}
export interface RefRead extends ExprBase {
  readonly kind: 'ref_read';
  readonly ref: Expr;
}
export interface RefWrite extends ExprBase {
  readonly kind: 'ref_write';
  readonly ref: Expr;
  readonly value: Expr;
}
export interface OpRef extends ExprBase {
  readonly kind: 'op';
  readonly name: string;
}
export interface ConstructorRef extends ExprBase {
  readonly kind: 'constructor';
  readonly name: string;
}

/** An algebraic data type of a module. */
export interface AdtDefinition {
  readonly name: string;
  readonly typeParams: readonly TypeVar[];
  readonly constructors: readonly { readonly name: string; readonly fields: readonly Type[] }[];
}

export interface IRModule {
  readonly functions: ReadonlyMap<string, Func>;
  readonly types: ReadonlyMap<string, AdtDefinition>;
}
