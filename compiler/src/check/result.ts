/** What the checker tells about a file. The editor, the command line and the compiler all read this. */
import type { Diagnostic } from '../base/diagnostic.ts';
import type { Span } from '../base/span.ts';
import type { AttributeValueData } from '../operators/attributes.ts';
import type { Operator } from '../operators/operator.ts';
import type {
  Arm,
  CallExpr,
  ConstructorNode,
  Expr,
  FreeVarStatement,
  FunctionDefinition,
  GraphStatement,
  LetStatement,
  Name,
  Param,
  Pattern,
  SourceTree,
  Statement,
  TypeDefinition,
  TypeNode,
  VarPattern,
} from '../syntax/tree.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import type { FuncType, Type } from '../types/type.ts';

/** What a name refers to. `definition` is absent for what the prelude or another file declares without a tree here. */
export type Symbol =
  | {
      readonly kind: 'local';
      readonly name: string;
      readonly definition: Param | LetStatement | VarPattern | FreeVarStatement;
    }
  | { readonly kind: 'graph'; readonly index: number; readonly definition: GraphStatement }
  | { readonly kind: 'global'; readonly name: string; readonly definition: FunctionDefinition | undefined }
  | {
      readonly kind: 'constructor';
      readonly name: string;
      readonly adt: string;
      readonly definition: ConstructorNode | undefined;
    }
  | { readonly kind: 'adt'; readonly name: string; readonly definition: TypeDefinition | undefined }
  | { readonly kind: 'typeParam'; readonly name: Name }
  | { readonly kind: 'dimVar'; readonly name: string }
  | { readonly kind: 'operator'; readonly operator: Operator };

/** One link of a dimension's history. */
export interface DimStep {
  /** `56`, `?`, `n`. */
  readonly value: string;
  /** `floor((112 + 2·1 − 3)/2) + 1`; empty where the dimension is declared or copied. */
  readonly formula: string;
  /** What stands there: `result of nn.conv2d`, `parameter %data`, `attribute strides[0]`. */
  readonly label: string;
  readonly span: Span | undefined;
  readonly sources: readonly DimStep[];
}

export interface CheckResult {
  readonly tree: SourceTree;
  /** Semantic diagnostics (syntax errors are in `tree.errors`), roots only. */
  readonly diagnostics: readonly Diagnostic[];
  /** Solved type of each global function, imported and prelude functions excluded. */
  readonly globals: ReadonlyMap<string, FuncType>;
  /** Solved type of a node; undefined for nodes of other trees. May be `error`. */
  typeOf(
    node: Expr | Param | LetStatement | GraphStatement | FreeVarStatement | Pattern | Arm | TypeNode,
  ): Type | undefined;
  /** What a name, reference, pattern or type name refers to. */
  symbolOf(node: Expr | Pattern | TypeNode): Symbol | undefined;
  /**
   * What was found out about the top-level statement of a body that a node stands in, as a token: where two results
   * give the same one, the types, symbols and attributes in there are the same. May be undefined; then nobody knows.
   */
  findings(node: Statement | Expr): object | undefined;
  /** Every reference to what `symbol` names, in this tree. */
  referencesTo(symbol: Symbol): readonly Span[];
  /** The value of a literal or a metadata constant, also through graph numbers. */
  constantOf(node: Expr): NDArray | undefined;
  /** Attributes of an operator call, normalised by its schema; undefined when they did not check. */
  attrsOf(call: CallExpr): Readonly<Record<string, AttributeValueData>> | undefined;
  /** How dimension `dim` of the (tensor, or `field` of a tuple) type of `node` came to be. */
  explainDim(node: Expr | Param | LetStatement | GraphStatement, dim: number, field?: number): DimStep | undefined;
}
