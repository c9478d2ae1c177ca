/** Run-time `if` over tensors: both branches are computed and one result is selected. */
import { operatorName, relateCall } from '../ir/build.ts';
import type { Call, Expr, Func, If } from '../ir/expr.ts';
import { postOrder, rewriteModule } from '../ir/visit.ts';
import type { OperatorRegistry } from '../operators/registry.ts';
import { printType } from '../types/print.ts';
import { staticShape } from '../types/type.ts';
import { refuse } from './failure.ts';
import type { CompileResult } from './failure.ts';
import type { Pass, PassNote } from './pass.ts';

/**
 * `if (c) { a } else { b }` becomes `where(c, a, b)` where both branches are operator calls that may safely be computed
 * without being wanted. Equal values of the two branches are computed once.
 */
export const selectBranches: Pass = {
  name: 'select-branches',
  summary: 'Computes both branches of an `if` on a run-time value and selects the result with `where`.',
  example: {
    before: `def @main(%c: bool, %x: Tensor[(2), float32]) {
  if (%c) {
    exp(%x)
  } else {
    tanh(%x)
  }
}`,
    after: `def @main(%c: bool, %x: Tensor[(2), float32]) -> Tensor[(2), float32] {
  %0 = exp(%x);
  %1 = tanh(%x);
  where(%c, %0, %1)
}`,
  },
  run(module, context) {
    const notes: PassNote[] = [];
    const result = rewriteModule(module, (e) => {
      if (e.kind !== 'if' || obstacle(e) !== undefined) return e;
      const selected = relateCall(context.operators, 'where', [e.condition, e.then, e.otherwise], {}, e.origin);
      if (typeof selected === 'string') return e;
      const work = new Set([...callsOf(e.then), ...callsOf(e.otherwise)]).size;
      notes.push({
        message: `Both branches of this \`if\` are computed (${work} operators in all) and the result is selected, because the condition is known only at run time.`,
        origin: e.origin,
      });
      return selected;
    });
    return { module: result, statistics: { 'branches computed both ways': notes.length }, notes };
  },
};

function callsOf(e: Expr): readonly Call[] {
  return postOrder(e).filter((x): x is Call => x.kind === 'call');
}

interface Obstacle {
  readonly at: Expr;
  readonly why: string;
  readonly remedy: string;
}

/** Why the two branches of `e` cannot both be computed. */
function obstacle(e: If): Obstacle | undefined {
  if (e.type.kind !== 'tensor' || staticShape(e.type) === undefined)
    return {
      at: e,
      why: `This \`if\` gives ${printType(e.type)}; the result of a branch decided at run time must be a tensor of fixed shape.`,
      remedy: 'Declare shapes with numbers, and let both branches give the same shape.',
    };
  const before = new Set(postOrder(e.condition));
  for (const branch of [e.then, e.otherwise])
    for (const x of postOrder(branch)) {
      if (before.has(x) || x.kind === 'op') continue;
      if (!['var', 'constant', 'tuple', 'get', 'call'].includes(x.kind))
        return {
          at: x,
          why: 'A branch of an `if` decided at run time holds more than operator calls; both branches are computed on a board.',
          remedy: 'Move it out of the branch.',
        };
      const name = operatorName(x);
      if (x.kind === 'call' && name === undefined)
        return {
          at: x,
          why: 'A branch of an `if` decided at run time calls a function that is known only at run time.',
          remedy: 'Call it before the `if`, or choose between its arguments.',
        };
      if (x.kind === 'call' && name !== undefined && !harmless(name))
        return {
          at: x,
          why: `\`${name}\` depends on sizes that its branch alone may make right; both branches of an \`if\` decided at run time are computed on a board.`,
          remedy: `Call \`${name}\` after the \`if\`, on the value that the branches give.`,
        };
    }
  return undefined;
}

/**
 * Whether an operator may be computed with operands that its branch would have excluded. Those that read at positions
 * given by data, such as `gather`, bring them back into the tensor; those that write there leave out what lies outside.
 */
function harmless(name: string): boolean {
  return !/^(dyn|vm|memory)\./.test(name);
}

/** The refusal for the first `if` of a function without other control flow that cannot be selected. */
export function explainBranch(f: Func, operators: Pick<OperatorRegistry, 'get'>): CompileResult<never> | undefined {
  for (const e of postOrder(f.body)) {
    if (e.kind !== 'if') continue;
    const found = obstacle(e);
    if (found !== undefined) return refuse(found.at.origin, 'not-compilable', found.why, found.remedy);
    const selected = relateCall(operators, 'where', [e.condition, e.then, e.otherwise], {}, e.origin);
    if (typeof selected === 'string')
      return refuse(
        e.origin,
        'not-compilable',
        `The branches of this \`if\` cannot be selected between at run time: ${selected}`,
        'Let both branches give tensors of the same shape.',
      );
  }
  return refuse(
    f.origin,
    'not-compilable',
    'The program still has a branch or a function call that can be resolved at compile time.',
    'Run the passes `partial-evaluation` and `select-branches` before fusion.',
  );
}
