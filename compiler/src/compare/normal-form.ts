/** Programs that mean the same are rewritten towards the same expression. */
import { checkCancelled } from '../base/cancellation.ts';
import type { CancellationToken } from '../base/cancellation.ts';
import type { Func, IRModule } from '../ir/expr.ts';
import { commonSubexpressions } from '../passes/common-subexpressions.ts';
import { deadCode } from '../passes/dead-code.ts';
import { foldBatchNorm } from '../passes/fold-batch-norm.ts';
import { foldConstants } from '../passes/fold-constants.ts';
import { inline } from '../passes/inline.ts';
import { partialEvaluation } from '../passes/partial-evaluation.ts';
import type { Pass } from '../passes/pass.ts';
import { simplify } from '../passes/simplify.ts';
import { passContext } from '../pipeline/simplification.ts';

/**
 * What may be rewritten: `exact` keeps every value (0 and −0 count as one), `real` keeps what the program means over
 * the real numbers, so that floats may round otherwise.
 */
export type Arithmetic = 'exact' | 'real';

const exactRules: readonly Pass[] = [
  inline,
  deadCode,
  foldConstants,
  partialEvaluation,
  simplify,
  foldConstants,
  commonSubexpressions,
  deadCode,
];

const realRules: readonly Pass[] = [
  inline,
  deadCode,
  foldConstants,
  partialEvaluation,
  foldBatchNorm,
  simplify,
  foldConstants,
  commonSubexpressions,
  deadCode,
];

export interface NormalForm {
  readonly module: IRModule;
  /** The compared function after rewriting. */
  readonly entry: Func;
}

/** Rewrites `module` with function `name` as the entry; undefined when there is no such function. */
export function normalForm(
  module: IRModule,
  name: string,
  arithmetic: Arithmetic,
  token: CancellationToken,
): NormalForm | undefined {
  const chosen = module.functions.get(name);
  if (chosen === undefined) return undefined;
  // The passes work on @main; the compared function takes its place.
  let current: IRModule = { ...module, functions: new Map(module.functions).set('main', chosen) };
  const context = passContext(token);
  for (const pass of arithmetic === 'exact' ? exactRules : realRules) {
    checkCancelled(token);
    current = pass.run(current, context).module;
  }
  const entry = current.functions.get('main');
  return entry === undefined ? undefined : { module: current, entry };
}
