/** The passes that every program goes through before fusion, in order. */
import { checkCancelled } from '../base/cancellation.ts';
import type { CancellationToken } from '../base/cancellation.ts';
import { evaluateOperator } from '../evaluate/operator.ts';
import { tensorValue, tensorsOf } from '../evaluate/value.ts';
import type { Value } from '../evaluate/value.ts';
import type { IRModule } from '../ir/expr.ts';
import { operatorRegistry } from '../operators/registry.ts';
import { channelsLast } from '../passes/channels-last.ts';
import { commonSubexpressions } from '../passes/common-subexpressions.ts';
import { constantChannels } from '../passes/constant-channels.ts';
import { deadCode } from '../passes/dead-code.ts';
import { dynamicToStatic } from '../passes/dynamic-to-static.ts';
import { foldBatchNorm } from '../passes/fold-batch-norm.ts';
import { foldConstants } from '../passes/fold-constants.ts';
import { inline } from '../passes/inline.ts';
import { partialEvaluation } from '../passes/partial-evaluation.ts';
import type { Pass, PassContext } from '../passes/pass.ts';
import { selectBranches } from '../passes/select-branches.ts';
import { simplify } from '../passes/simplify.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import type { PassRun } from './state.ts';

/** All passes, each once, for listings. */
export const passes: readonly Pass[] = [
  inline,
  partialEvaluation,
  selectBranches,
  dynamicToStatic,
  foldConstants,
  foldBatchNorm,
  channelsLast,
  simplify,
  commonSubexpressions,
  constantChannels,
  deadCode,
];

/** The order in which they run; what folding leaves behind is simplified, and what that makes constant folded again. */
export const simplificationOrder: readonly Pass[] = [
  inline,
  deadCode,
  foldConstants,
  partialEvaluation,
  dynamicToStatic,
  selectBranches,
  foldBatchNorm,
  channelsLast,
  simplify,
  foldConstants,
  commonSubexpressions,
  constantChannels,
  deadCode,
];

/** What passes are given: all operators and the evaluator. */
export function passContext(token: CancellationToken): PassContext {
  return {
    operators: operatorRegistry,
    token,
    evaluate(operator, args, attrs, type) {
      const values = args.map((arg): Value =>
        isList(arg) ? { kind: 'tuple', fields: arg.map(tensorValue) } : tensorValue(arg),
      );
      const result = evaluateOperator(operator, values, attrs, type);
      return result.ok ? tensorsOf(result.value) : undefined;
    },
  };
}

function isList(arg: NDArray | readonly NDArray[]): arg is readonly NDArray[] {
  return Array.isArray(arg);
}

/** Runs the passes; the module and what each of them did. */
export function runPasses(
  module: IRModule,
  context: PassContext,
  order: readonly Pass[] = simplificationOrder,
): { readonly module: IRModule; readonly runs: readonly PassRun[] } {
  const runs: PassRun[] = [];
  let current = module;
  for (const pass of order) {
    checkCancelled(context.token);
    const { module: next, statistics, notes } = pass.run(current, context);
    current = next;
    runs.push({ name: pass.name, statistics, notes: notes ?? [] });
  }
  return { module: current, runs };
}
