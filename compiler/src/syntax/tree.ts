/**
 * The syntax tree: what the parser returns for every text, broken or not. Nodes are immutable plain data; identity is
 * the node object, and analyses key their results by it. Spans are relative to anchors (`base/span.ts`).
 *
 * Statement lists are flat (`Block`), so that bodies with tens of thousands of bindings need no recursion.
 */
import type { AnchorMap, Span } from '../base/span.ts';
import type { Diagnostic } from '../base/diagnostic.ts';

/** A name with the place where it stands. `text` excludes the sigil; it is empty when the name is missing. */
export interface Name {
  readonly text: string;
  readonly span: Span;
}

// ------------------------------------------------------------------------------------------------ module

/** A parsed file: a module, or (when it holds no definition) a stand-alone expression in `expression`. */
export interface SourceTree {
  readonly version: VersionHeader | undefined;
  readonly definitions: readonly Definition[];
  /** A stand-alone expression file. */
  readonly expression: Block | undefined;
  readonly metadata: MetadataSection | undefined;
  /** Lexical and syntactic diagnostics, in source order of chunks. */
  readonly errors: readonly Diagnostic[];
  readonly anchors: AnchorMap;
}

export interface VersionHeader {
  readonly kind: 'version';
  readonly span: Span;
  /** The text between the quotes, e.g. `0.0.5`. */
  readonly version: string;
}

/** Raw text of the JSON payload; decoded lazily by `syntax/metadata.ts`. */
export interface MetadataSection {
  readonly kind: 'metadata';
  readonly span: Span;
  readonly json: string;
}

export type Definition = FunctionDefinition | TypeDefinition | ImportDefinition;

export interface FunctionDefinition {
  readonly kind: 'def';
  readonly span: Span;
  readonly name: Name;
  readonly fn: FunctionNode;
}

/** `type T[A] { C(A), N }`, or `extern type T`. */
export interface TypeDefinition {
  readonly kind: 'type';
  readonly span: Span;
  readonly extern: boolean;
  readonly name: Name;
  readonly typeParams: readonly Name[];
  /** Undefined when there are no braces. */
  readonly constructors: readonly ConstructorNode[] | undefined;
}
export interface ConstructorNode {
  readonly kind: 'constructor';
  readonly span: Span;
  readonly name: Name;
  readonly fields: readonly TypeNode[];
}

/** Extension: `import "file.relay"`. */
export interface ImportDefinition {
  readonly kind: 'import';
  readonly span: Span;
  readonly path: { readonly text: string; readonly span: Span };
}

/** What `def` and `fn` share. */
export interface FunctionNode {
  readonly kind: 'fn';
  readonly span: Span;
  readonly typeParams: readonly Name[];
  readonly params: readonly Param[];
  readonly attrs: readonly Attribute[];
  readonly ret: TypeNode | undefined;
  readonly body: Block;
}
export interface Param {
  readonly kind: 'param';
  readonly span: Span;
  readonly name: Name;
  /** `%x {virtual_device=…}`. */
  readonly attrs: readonly Attribute[];
  readonly type: TypeNode | undefined;
}

// ------------------------------------------------------------------------------------------------ statements

/**
 * A statement list with its value. `result` is the last expression; it is a `missing` node where the text has none.
 * `braces` tells whether `{ }` were written around it.
 */
export interface Block {
  readonly kind: 'block';
  readonly span: Span;
  readonly braces: boolean;
  readonly statements: readonly Statement[];
  readonly result: Expr;
}

export type Statement = LetStatement | GraphStatement | SequenceStatement | FreeVarStatement;

/** `let %x: T = value;` */
export interface LetStatement {
  readonly kind: 'let';
  readonly span: Span;
  readonly name: Name;
  /** In broken text: the tuple of names that stands where one name should; `name` is empty then. */
  readonly pattern?: TuplePattern;
  readonly type: TypeNode | undefined;
  readonly value: Expr;
}
/** `%0 = value;` */
export interface GraphStatement {
  readonly kind: 'graph';
  readonly span: Span;
  readonly index: number;
  readonly nameSpan: Span;
  readonly value: Expr;
}
/** `value;` evaluated for its effect. */
export interface SequenceStatement {
  readonly kind: 'sequence';
  readonly span: Span;
  readonly value: Expr;
}
/** `free_var %x: T;` */
export interface FreeVarStatement {
  readonly kind: 'free_var';
  readonly span: Span;
  readonly name: Name;
  readonly type: TypeNode | undefined;
}

// ------------------------------------------------------------------------------------------------ expressions

export type Expr =
  | IntLiteral
  | FloatLiteral
  | BoolLiteral
  | LocalRef
  | GraphRef
  | GlobalRef
  | NameRef
  | MetaRef
  | FunctionNode
  | IfExpr
  | RefExpr
  | TupleExpr
  | ParenExpr
  | ProjectionExpr
  | CallExpr
  | InfixExpr
  | MatchExpr
  | Block
  | MissingExpr;

/** `42`, `42i64`: `value` undefined when malformed or out of range (already reported). */
export interface IntLiteral {
  readonly kind: 'int';
  readonly span: Span;
  readonly value: bigint | undefined;
  readonly dtype: 'int16' | 'int32' | 'int64';
  readonly text: string;
}
/** `1.5f`, `inff`. */
export interface FloatLiteral {
  readonly kind: 'float';
  readonly span: Span;
  readonly value: number | undefined;
  readonly dtype: 'float16' | 'float32' | 'float64';
  readonly text: string;
}
export interface BoolLiteral {
  readonly kind: 'bool';
  readonly span: Span;
  readonly value: boolean;
}
/** `%x` */
export interface LocalRef {
  readonly kind: 'local';
  readonly span: Span;
  readonly name: string;
}
/** `%0` */
export interface GraphRef {
  readonly kind: 'graphref';
  readonly span: Span;
  readonly index: number;
}
/** `@main` */
export interface GlobalRef {
  readonly kind: 'global';
  readonly span: Span;
  readonly name: string;
}
/** `nn.conv2d`, `Cons`: an operator or a constructor; which one is a question for the checker. */
export interface NameRef {
  readonly kind: 'name';
  readonly span: Span;
  readonly name: string;
}
/** `meta[relay.Constant][0]`; `typeComment` is the text of the `/* ty=… * /` comment right behind it, if any. */
export interface MetaRef {
  readonly kind: 'meta';
  readonly span: Span;
  readonly key: string;
  readonly index: number;
  readonly typeComment?: string;
}
export interface IfExpr {
  readonly kind: 'if';
  readonly span: Span;
  readonly condition: Expr;
  readonly then: Block;
  /** Extension: `else if` gives a block that holds just the inner `if`, with `braces` false. */
  readonly otherwise: Block;
}
export interface RefExpr {
  readonly kind: 'ref' | 'ref_read' | 'ref_write';
  readonly span: Span;
  /** One operand, two for `ref_write`. */
  readonly operands: readonly Expr[];
}
export interface TupleExpr {
  readonly kind: 'tuple';
  readonly span: Span;
  readonly fields: readonly Expr[];
}
/** `( e )`; `inner` may be a brace-less block with statements. */
export interface ParenExpr {
  readonly kind: 'paren';
  readonly span: Span;
  readonly inner: Expr;
}
export interface ProjectionExpr {
  readonly kind: 'projection';
  readonly span: Span;
  readonly tuple: Expr;
  readonly index: number;
  readonly indexSpan: Span;
}
export interface CallExpr {
  readonly kind: 'call';
  readonly span: Span;
  readonly callee: Expr;
  readonly args: readonly Expr[];
  readonly attrs: readonly Attribute[];
  /** From `(` to `)`. */
  readonly argsSpan: Span;
}
export type InfixOperator = '*' | '/' | '+' | '-' | '<' | '<=' | '>' | '>=' | '==' | '!=';
export interface InfixExpr {
  readonly kind: 'infix';
  readonly span: Span;
  readonly operator: InfixOperator;
  readonly operatorSpan: Span;
  readonly left: Expr;
  readonly right: Expr;
}
export interface MatchExpr {
  readonly kind: 'match';
  readonly span: Span;
  /** `match` must be exhaustive; `match?` need not. */
  readonly complete: boolean;
  readonly keywordSpan: Span;
  readonly scrutinee: Expr;
  readonly arms: readonly Arm[];
}
export interface Arm {
  readonly kind: 'arm';
  readonly span: Span;
  readonly pattern: Pattern;
  readonly body: Expr;
}
/** Stands where the text has no (parsable) expression; the error is already reported. */
export interface MissingExpr {
  readonly kind: 'missing';
  readonly span: Span;
  /** Expressions that could be read inside of broken text, in order. */
  readonly parts?: readonly Expr[];
  /** The part that most likely was meant to be the whole. */
  readonly likely?: Expr;
  /** An attribute's value in the place of an argument. The checker, which knows the operator, tells what to do. */
  readonly value?: AttributeValue;
}

// ------------------------------------------------------------------------------------------------ patterns, types

export type Pattern = WildcardPattern | VarPattern | ConstructorPattern | TuplePattern;
export interface WildcardPattern {
  readonly kind: 'wildcard';
  readonly span: Span;
}
export interface VarPattern {
  readonly kind: 'varpattern';
  readonly span: Span;
  readonly name: Name;
  readonly type: TypeNode | undefined;
}
export interface ConstructorPattern {
  readonly kind: 'ctorpattern';
  readonly span: Span;
  readonly name: Name;
  readonly fields: readonly Pattern[];
}
export interface TuplePattern {
  readonly kind: 'tuplepattern';
  readonly span: Span;
  readonly fields: readonly Pattern[];
}

export type TypeNode = TensorTypeNode | TupleTypeNode | FunctionTypeNode | NamedTypeNode | HoleTypeNode | RefTypeNode;
export interface TensorTypeNode {
  readonly kind: 'tensortype';
  readonly span: Span;
  readonly shape: readonly DimNode[];
  readonly dtype: Name;
}
export interface TupleTypeNode {
  readonly kind: 'tupletype';
  readonly span: Span;
  readonly fields: readonly TypeNode[];
}
/** `fn (A) -> B`; `typeParams` is an extension (TVM prints it and cannot read it back). */
export interface FunctionTypeNode {
  readonly kind: 'fntype';
  readonly span: Span;
  readonly typeParams: readonly Name[];
  readonly params: readonly TypeNode[];
  readonly ret: TypeNode;
}
/** `int32`, `List[A]`, `A`. */
export interface NamedTypeNode {
  readonly kind: 'namedtype';
  readonly span: Span;
  readonly name: Name;
  readonly args: readonly TypeNode[];
  /** Whether `[ … ]` was written. */
  readonly brackets: boolean;
}
/** `_`, or a missing type. */
export interface HoleTypeNode {
  readonly kind: 'holetype';
  readonly span: Span;
  /** True when the parser put it where no type stood (already reported). */
  readonly missing: boolean;
}
/** Extension: `ref(T)`. */
export interface RefTypeNode {
  readonly kind: 'reftype';
  readonly span: Span;
  readonly content: TypeNode;
}

export type DimNode = IntDimNode | AnyDimNode | MetaRef | NamedDimNode | ExprDimNode;
export interface IntDimNode {
  readonly kind: 'intdim';
  readonly span: Span;
  readonly value: bigint;
  readonly dtype: 'int32' | 'int64';
}
export interface AnyDimNode {
  readonly kind: 'anydim';
  readonly span: Span;
}
/** Extension: a named dimension. */
export interface NamedDimNode {
  readonly kind: 'nameddim';
  readonly span: Span;
  readonly name: string;
}
/** Extension: `n + 1`, `2 * n`, `floordiv(n, 2)` in a shape. */
export interface ExprDimNode {
  readonly kind: 'exprdim';
  readonly span: Span;
  readonly op: '+' | '-' | '*' | '/' | 'floordiv' | 'floormod' | 'min' | 'max';
  readonly left: DimNode;
  readonly right: DimNode;
}

// ------------------------------------------------------------------------------------------------ attributes

export interface Attribute {
  readonly kind: 'attribute';
  readonly span: Span;
  readonly key: Name;
  readonly value: AttributeValue;
}
export type AttributeValue =
  | { readonly kind: 'string'; readonly span: Span; readonly value: string }
  | { readonly kind: 'none'; readonly span: Span }
  | { readonly kind: 'list'; readonly span: Span; readonly items: readonly AttributeValue[] }
  | { readonly kind: 'expr'; readonly span: Span; readonly value: Expr };

export type Node =
  | Definition
  | ConstructorNode
  | FunctionNode
  | Param
  | Block
  | Statement
  | Expr
  | Arm
  | Pattern
  | TypeNode
  | DimNode
  | Attribute;
