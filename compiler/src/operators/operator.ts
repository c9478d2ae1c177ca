/**
 * The operator record: everything the product knows of an operator stands in one, and nowhere else. Checker, hover,
 * completion, signature help, documentation, evaluation, fusion, lowering and gradients read it.
 */
import type { DType } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import type { TETensor } from '../tensor/te.ts';
import type { Type } from '../types/type.ts';
import type { AttributeSchema, AttributeValueData, AttributeValues } from './attributes.ts';

/** One positional input. */
export interface InputSpec {
  readonly name: string;
  readonly summary: string;
  /** True when the argument is a tuple of tensors (`concatenate`). */
  readonly tuple?: boolean;
}

/** How fusion may treat the operator (TVM's TOpPattern, in its order of generality). */
export type FusionPattern =
  'elementwise' | 'broadcast' | 'injective' | 'reduction' | 'out-elementwise-fusable' | 'tuple' | 'opaque';

/** What a relation sees. */
export interface RelateContext<A> {
  /** The arguments' types as far as they are solved; a whole argument may still be `incomplete`, never `error`. */
  readonly inputs: readonly Type[];
  readonly attrs: A;
  /** The result's type when the context already fixed it (rarely needed). */
  readonly expected: Type | undefined;
  /** The value of an argument that is a literal or a metadata constant; else undefined. */
  constant(index: number): NDArray | undefined;
}

/** Where the cause of a relation's failure lies; the checker turns it into a span. */
export type Blame =
  | { readonly kind: 'input'; readonly index: number; readonly dim?: number; readonly field?: number }
  | { readonly kind: 'attribute'; readonly name: string }
  | { readonly kind: 'call' };

/** A relation's failure, to be rendered by the checker with spans and origins of both sides. */
export interface RelateError {
  /** A catalogue code: `shape-mismatch`, `rank-mismatch`, `dtype-mismatch`, `bad-attribute`, `not-a-tensor`, … */
  readonly code: string;
  /** Complete sentence(s): expected and found, with the numbers. */
  readonly message: string;
  readonly remedy?: string;
  readonly blame: Blame;
  /** The other sides of a contradiction, each with a note such as «the weight has 64 input channels». */
  readonly related?: readonly { readonly blame: Blame; readonly message: string }[];
  /** The result's type when it is known in spite of the error (TVM goes on after a dtype mismatch). */
  readonly result?: Type;
}

/**
 * Something that the relation accepts, as TVM's does, and that fails later or computes nonsense. Shown as a warning.
 */
export type Advice = Omit<RelateError, 'result'>;

export type RelateResult =
  /**
   * `result` is the call's type. `assign` lists inputs' types that the relation determines (a weight from data and
   * attributes); the checker unifies input `index` with `type`. May contain incomplete types taken from the inputs.
   */
  | {
      readonly kind: 'ok';
      readonly result: Type;
      readonly assign?: readonly { readonly index: number; readonly type: Type }[];
    }
  /** Not enough is known yet; call again when an input is solved further. `assign` as above. */
  | { readonly kind: 'wait'; readonly assign?: readonly { readonly index: number; readonly type: Type }[] }
  | { readonly kind: 'error'; readonly error: RelateError };

/** How one dimension of a result came to be. */
export interface DimOrigin {
  /** The formula with values filled in, without the result: `floor((112 + 2·1 − 3)/2) + 1`. Empty for a plain copy. */
  readonly formula: string;
  readonly sources: readonly DimSource[];
}
export type DimSource =
  | { readonly kind: 'input'; readonly index: number; readonly dim: number; readonly field?: number }
  | { readonly kind: 'attribute'; readonly name: string; readonly element?: number };

/** Where a result dimension stands: `field` for tuple results. */
export interface ResultDim {
  readonly field?: number;
  readonly dim: number;
}

export interface ComputeContext<A> {
  /** One entry an input; an array where the input is a tuple. Shapes are static. */
  readonly inputs: readonly (TETensor | readonly TETensor[])[];
  readonly attrs: A;
  /** The call's solved type: static tensors, flattened from the result. */
  readonly outputs: readonly { readonly shape: readonly number[]; readonly dtype: DType }[];
  /** The value of an input, or of one field of it, that is a literal or a metadata constant, so that scales fold. */
  constant(index: number, field?: number): NDArray | undefined;
}

export interface KernelContext<A> {
  readonly inputs: readonly (NDArray | readonly NDArray[])[];
  readonly attrs: A;
  /** The call's solved type; `undefined` dimensions depend on values. */
  readonly outputs: readonly { readonly shape: readonly (number | undefined)[]; readonly dtype: DType }[];
}

/** What is known of a call whose sizes stand in arguments. */
export interface StaticContext<A> {
  readonly attrs: A;
  /** The fixed shape of argument `index`. */
  shape(index: number): readonly number[];
  /** The elements of argument `index`, which is one of those that have to be known. */
  values(index: number): readonly number[];
}

/** A call that says the same with sizes in attributes. */
export interface StaticCall {
  readonly operator: string;
  /** Positions of the arguments that stay. */
  readonly args: readonly number[];
  readonly attrs: Readonly<Record<string, AttributeValueData>>;
}

/** How a call becomes one with a fixed shape once the values of some arguments are known (TVM's DynamicToStatic). */
export interface StaticForm<A> {
  /** Positions of the arguments whose values have to be known. */
  readonly known: readonly number[];
  /** The call; undefined where the values make none. */
  call(context: StaticContext<A>): StaticCall | undefined;
}

/** A tested, shown example: a whole `.relay` expression module without the version header. */
export interface OperatorExample {
  readonly title: string;
  readonly source: string;
}

export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/**
 * Laws that hold for every pair of operands (integers wrap around). Floats are associative only up to rounding, and a
 * law `of: 'integers'` fails for floats (`maximum` of NaN).
 */
export interface Algebra {
  readonly commutative: true;
  readonly associative: boolean;
  readonly of?: 'integers';
}

/** How a gradient is built, independent of the IR: `E` is the builder's expression type. */
export interface GradientBuilder<E> {
  call(operator: string, args: readonly E[], attrs?: Readonly<Record<string, unknown>>): E;
  tuple(fields: readonly E[]): E;
  project(tuple: E, index: number): E;
  scalar(value: number, dtype: DType): E;
  typeOf(e: E): Type;
}

/** A call that is differentiated, for a rule. */
export interface GradientCall<E, A> {
  readonly args: readonly E[];
  readonly output: E;
  /** Of the output's type: how much the final result grows with each of its elements. */
  readonly adjoint: E;
  readonly attrs: A;
}
/** Why there is no gradient; completes the sentence «It has no gradient: …». */
export interface NoGradient {
  readonly none: string;
}
/**
 * The adjoint of each argument, of the argument's type. Undefined where the result does not depend on the argument's
 * value smoothly (positions, types to imitate), a reason where no program of operators computes it.
 */
export type Adjoints<E> = readonly (E | undefined | NoGradient)[];
export type GradientRule<A> =
  | (<E>(b: GradientBuilder<E>, call: GradientCall<E, A>) => Adjoints<E> | NoGradient)
  /** The call written with operators that have gradients; it is differentiated in the call's place. */
  | {
      readonly definition: <E>(
        b: GradientBuilder<E>,
        call: Pick<GradientCall<E, A>, 'args' | 'attrs'>,
      ) => { readonly value: E } | NoGradient;
    }
  | NoGradient;

export interface Operator<S extends AttributeSchema = AttributeSchema> {
  readonly name: string;
  /** One sentence (Markdown), then optionally more paragraphs in `details`. Written for a user of the operator. */
  readonly summary: string;
  readonly details?: string;
  readonly inputs: readonly InputSpec[];
  /** True when any number of arguments is taken (TVM's num_inputs = −1). */
  readonly variadic?: boolean;
  readonly attributes: S;
  /** TVM's attribute class, `relay.attrs.Conv2DAttrs`; undefined when attributes are rejected. */
  readonly attrsType?: string;
  /**
   * TVM reads attributes of this operator only when the extra key `attrs_type_key` names `attrsType` (the operator has
   * no attribute class registered), so printed programs carry the key.
   */
  readonly attrsTypeKey?: boolean;
  relate(context: RelateContext<AttributeValues<S>>): RelateResult;
  /** What is to be said of a call that the relation accepts. Called once, with the result's type. */
  advise?(context: RelateContext<AttributeValues<S>>, result: Type): readonly Advice[];
  /** Origin of each result dimension; called only when someone asks. Inputs are solved. */
  explain?(context: RelateContext<AttributeValues<S>>, result: Type, at: ResultDim): DimOrigin | undefined;
  /** The operator's meaning; one tensor an output. Absent with `kernel` or where there is no meaning yet. */
  compute?(context: ComputeContext<AttributeValues<S>>): readonly TETensor[];
  /**
   * The meaning of what no tensor expression says (sort, non-maximum suppression, data-dependent shapes). What a board
   * can run of it is in `loops/imperative/`.
   */
  kernel?(context: KernelContext<AttributeValues<S>>): readonly NDArray[];
  /**
   * The result is the first argument itself, whatever it is (a tuple, a function, a list): markers and device
   * placements. Such a record has a `compute` for tensors too.
   */
  readonly transparent?: boolean;
  readonly asStatic?: StaticForm<AttributeValues<S>>;
  /** The result depends on the arguments' shapes alone. */
  readonly ofShapes?: true;
  /** Set when neither `compute` nor `kernel` is given: why (`compiler annotation`, `needs a device`, …). */
  readonly noMeaning?: string;
  readonly gradient?: GradientRule<AttributeValues<S>>;
  /** Laws of a binary operator; absent where none hold. */
  readonly algebra?: Algebra;
  readonly fusion: FusionPattern;
  /** For float results; exact when absent and the result is an integer. Default 1e-5 relative, 1e-6 absolute. */
  readonly tolerance?: Tolerance;
  readonly examples?: readonly OperatorExample[];
}

/** Checks the record's attribute types against its functions and erases them for the registry. */
export function defineOperator<S extends AttributeSchema>(operator: Operator<S>): Operator {
  // The registry normalises attributes with the record's own schema before any of its functions is called.
  return operator as unknown as Operator;
}
