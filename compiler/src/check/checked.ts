/** A definition as the checker left it. */
import type { Expr, FunctionNode, Statement } from '../syntax/tree.ts';
import type { FuncType, Type, TypeVar } from '../types/type.ts';
import type { Chunk } from './chunk.ts';
import type { Binding } from './scope.ts';

/** What is kept of a checked definition, for the result and for the next check. */
export interface CheckedDefinition {
  readonly fn: FunctionNode | undefined;
  readonly header: Chunk;
  /** One a statement, and one for the result, in order. */
  readonly chunks: ReadonlyMap<Statement | Expr, Chunk>;
  readonly type: FuncType | undefined;
  /** Type of a stand-alone expression. */
  readonly valueType: Type;
  readonly graphs: ReadonlyMap<string, Binding>;
  readonly signature: Signature | undefined;
}

/** The header as converted; kept as long as the header's nodes are the same. */
export interface Signature {
  readonly params: readonly Type[];
  readonly ret: Type | undefined;
  readonly typeParams: readonly TypeVar[];
  readonly complete: boolean;
}
