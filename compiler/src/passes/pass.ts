/** What a pass is: a named rewriting of modules that tells what it did. */
import type { CancellationToken } from '../base/cancellation.ts';
import type { Attrs, IRModule, Origin } from '../ir/expr.ts';
import type { Operator } from '../operators/operator.ts';
import type { OperatorRegistry } from '../operators/registry.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import type { Type } from '../types/type.ts';

/** Evaluates one operator call on constants: the result's tensors in order, or undefined when it cannot be known. */
export type ConstantEvaluator = (
  operator: Operator,
  args: readonly (NDArray | readonly NDArray[])[],
  attrs: Attrs,
  type: Type,
) => readonly NDArray[] | undefined;

/** What passes are given beside the module. */
export interface PassContext {
  readonly operators: Pick<OperatorRegistry, 'get'>;
  /** The evaluator lies above the passes, so it is handed in. */
  readonly evaluate: ConstantEvaluator;
  readonly token: CancellationToken;
}

/** Something a pass decided that a reader of the program may want to know. */
export interface PassNote {
  readonly message: string;
  readonly origin: Origin;
}

export interface PassResult {
  readonly module: IRModule;
  /** Counts of what was done, by a name that reads as a label: `constants folded`. */
  readonly statistics: Readonly<Record<string, number>>;
  readonly notes?: readonly PassNote[];
}

/** A program before and after a pass: documentation, and a test. Relay text without the version header. */
export interface PassExample {
  readonly before: string;
  /** `meta[…]` stands for constants that a metadata section would hold. */
  readonly after: string;
  /** Set where the pass wants constants that text cannot say: constants are folded first. */
  readonly folded?: true;
}

export interface Pass {
  /** Kebab-case, stable: `fold-constants`. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly example: PassExample;
  run(module: IRModule, context: PassContext): PassResult;
}
