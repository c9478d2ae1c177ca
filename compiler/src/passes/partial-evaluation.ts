/** Runs what is known at compile time and leaves what is not: functions, recursion, data types and references go. */
import { checkCancelled, neverCancelled } from '../base/cancellation.ts';
import { ok } from '../base/result.ts';
import { retyped } from '../ir/build.ts';
import type { Call, Expr, Func, If, IRModule, IRPattern, Origin } from '../ir/expr.ts';
import { preludeModule } from '../ir/prelude.ts';
import { postOrder } from '../ir/visit.ts';
import { isFixed, someType } from '../types/substitute.ts';
import { foldCall } from './fold-constants.ts';
import { refuse } from './failure.ts';
import type { CompileResult } from './failure.ts';
import type { Pass, PassContext } from './pass.ts';
import { constantAt, fieldOf, join, reify, Stuck, stuck } from './partial-values.ts';
import type { Closure, PartialValue, PartialFrame } from './partial-values.ts';

/** What partial evaluation needs; without an evaluator, conditions on constants stay open. */
export type PartialContext = Pick<PassContext, 'operators'> & { readonly [K in 'evaluate' | 'token']?: PassContext[K] };

/** Calls that may be unrolled in all, calls open at once, and run-time conditions around a call. */
const limits = { calls: 20_000, depth: 5_000, conditions: 128 };

/**
 * `@main` becomes one expression over operators and run-time conditions: calls of closures and functions (recursive
 * ones too, as long as constants decide when they end), `match`, data types, references and `let` are carried out at
 * compile time. A program that needs them at run time stays as it is, and a note says why.
 */
export const partialEvaluation: Pass = {
  name: 'partial-evaluation',
  summary: 'Carries out calls, recursion, `match`, data types and references that are decided at compile time.',
  example: {
    before: `def @times(%n: int32, %x: Tensor[(2), float32]) -> Tensor[(2), float32] {
  if (equal(%n, 1)) {
    %x
  } else {
    add(%x, @times(subtract(%n, 1), %x))
  }
}

def @main(%x: Tensor[(2), float32]) {
  @times(3, %x)
}`,
    after: `def @main(%x: Tensor[(2), float32]) -> Tensor[(2), float32] {
  %0 = add(%x, %x);
  add(%x, %0)
}

def @times(%n: int32, %x1: Tensor[(2), float32]) -> Tensor[(2), float32] {
  %1 = equal(%n, 1);
  if (%1) {
    %x1
  } else {
    %2 = subtract(%n, 1);
    %3 = @times(%2, %x1);
    add(%x1, %3)
  }
}`,
  },
  run(module, context) {
    const main = module.functions.get('main');
    if (main === undefined || !hasControl(main)) return { module, statistics: { 'calls carried out': 0 } };
    const machine = new Machine(module, context);
    const result = machine.function(main);
    const statistics = { 'calls carried out': machine.calls, 'branches left to run time': machine.conditions };
    if (!result.ok)
      return { module, statistics, notes: [{ message: result.error.message, origin: result.error.origin }] };
    return { module: { ...module, functions: new Map(module.functions).set('main', result.value) }, statistics };
  },
};

/** Function `name` without control flow but run-time `if`s over tensors, or why there is no such form. */
export function straightLine(module: IRModule, name: string, context: PartialContext): CompileResult<Func> {
  const f = module.functions.get(name);
  if (f === undefined) return refuse([], 'no-function', `The program has no function @${name}.`, `Define @${name}.`);
  return new Machine(module, context).function(f);
}

/** Whether anything but operator calls on tensors stands in a function. */
export function hasControl(f: Func): boolean {
  const straight = new Set<Expr['kind']>(['var', 'constant', 'tuple', 'get', 'op']);
  return postOrder(f.body).some((e) => (e.kind === 'call' ? e.callee.kind !== 'op' : !straight.has(e.kind)));
}

/** A computation that hands sub-computations to a driver, so that its depth does not matter. */
type Steps<T> = Generator<Steps<unknown>, T, unknown>;

function* sub<T>(steps: Steps<T>): Steps<T> {
  return (yield steps) as T;
}

function drive<T>(root: Steps<T>): T {
  const stack: Steps<unknown>[] = [root];
  let value: unknown;
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.next(value);
    if (next.done === true) {
      stack.pop();
      value = next.value;
    } else {
      stack.push(next.value);
      value = undefined;
    }
  }
  return value as T;
}

/** A run-time condition around the code that is evaluated. */
interface OpenCondition {
  readonly origin: Origin;
}

class Machine {
  calls = 0;
  conditions = 0;
  private readonly module: IRModule;
  private readonly context: PartialContext;
  private readonly open: OpenCondition[] = [];
  private depth = 0;

  constructor(module: IRModule, context: PartialContext) {
    this.module = module;
    this.context = context;
  }

  function(f: Func): CompileResult<Func> {
    try {
      const frame = frameOf(undefined, undefined);
      for (const p of f.params) {
        const unfit = someType(p.type, (t) => t.kind === 'adt' || t.kind === 'func' || t.kind === 'ref');
        if (unfit)
          stuck(
            p.origin,
            `Parameter %${p.name} is a data type, function or reference; a board program takes tensors only, because what comes from outside is plain memory.`,
            'Pass the tensors it is made of, and build the value inside the program.',
          );
        frame.variables.set(p, { kind: 'expr', expr: p });
      }
      const body = reify(drive(this.eval(f.body, frame)));
      return ok({ ...f, body, type: { ...f.type, ret: body.type } });
    } catch (error) {
      if (error instanceof Stuck) return { ok: false, error: error.failure };
      throw error;
    }
  }

  private known(e: Expr, frame: PartialFrame): PartialValue | undefined {
    for (let f: PartialFrame | undefined = frame; f !== undefined; f = f.parent) {
      const value = e.kind === 'var' ? f.variables.get(e) : f.values.get(e);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  private *value(e: Expr, frame: PartialFrame): Steps<PartialValue> {
    return this.known(e, frame) ?? (yield* sub(this.eval(e, frame)));
  }

  private *values(list: readonly Expr[], frame: PartialFrame): Steps<PartialValue[]> {
    const found: PartialValue[] = [];
    for (const e of list) found.push(yield* this.value(e, frame));
    return found;
  }

  private *eval(e: Expr, frame: PartialFrame): Steps<PartialValue> {
    const known = this.known(e, frame);
    if (known !== undefined) return known;
    const value = yield* this.step(e, frame);
    if (e.kind !== 'var') frame.values.set(e, value);
    return value;
  }

  private *step(e: Expr, frame: PartialFrame): Steps<PartialValue> {
    const origin = frame.site ?? e.origin;
    switch (e.kind) {
      case 'var':
        return stuck(e.origin, `%${e.name} has no value here.`, `Bind %${e.name} before its use.`);
      case 'constant':
        return { kind: 'expr', expr: constantAt(e, frame.site) };
      case 'op':
        return { kind: 'operator', name: e.name, origin };
      case 'constructor':
        return { kind: 'constructor', name: e.name, origin };
      case 'func':
        return { kind: 'closure', func: e, frame, prelude: false, origin };
      case 'global': {
        const own = this.module.functions.get(e.name);
        const func = own ?? preludeModule().functions.get(e.name);
        if (func === undefined) return stuck(origin, `@${e.name} is not defined.`, `Define @${e.name} or import it.`);
        return { kind: 'closure', func, frame: undefined, prelude: own === undefined, origin };
      }
      case 'tuple':
        return { kind: 'tuple', fields: yield* this.values(e.fields, frame), origin };
      case 'get':
        return fieldOf(yield* this.value(e.tuple, frame), e.index);
      case 'let':
        frame.variables.set(e.variable, yield* this.value(e.value, frame));
        return yield* this.value(e.body, frame);
      case 'if':
        return yield* this.branch(e, frame, origin);
      case 'match': {
        const scrutinee = yield* this.value(e.scrutinee, frame);
        return yield* this.match(e.clauses, scrutinee, frame, origin);
      }
      case 'ref':
        this.noCondition(origin);
        return { kind: 'cell', content: yield* this.value(e.value, frame), origin };
      case 'ref_read': {
        this.noCondition(origin);
        const cell = yield* this.value(e.ref, frame);
        if (cell.kind !== 'cell') throw new Error('ref_read of no reference');
        return cell.content;
      }
      case 'ref_write': {
        this.noCondition(origin);
        const cell = yield* this.value(e.ref, frame);
        if (cell.kind !== 'cell') throw new Error('ref_write of no reference');
        cell.content = yield* this.value(e.value, frame);
        return { kind: 'tuple', fields: [], origin };
      }
      case 'call': {
        const callee: PartialValue =
          e.callee.kind === 'op'
            ? { kind: 'operator', name: e.callee.name, origin }
            : yield* this.value(e.callee, frame);
        return yield* this.apply(callee, yield* this.values(e.args, frame), e, frame, origin);
      }
    }
  }

  /** References under a run-time condition would be written in one branch alone. */
  private noCondition(origin: Origin): void {
    if (this.open.length > 0)
      stuck(
        origin,
        'A reference is made, read or written under a condition that is known only at run time; both branches are computed on a board, so the write would always happen.',
        'Let the branches give the new value, and write it after the `if`.',
      );
  }

  private *branch(e: If, frame: PartialFrame, origin: Origin): Steps<PartialValue> {
    const condition = reify(yield* this.value(e.condition, frame));
    if (condition.kind === 'constant') return yield* this.value(condition.value.data[0] ? e.then : e.otherwise, frame);
    this.conditions++;
    return yield* this.both(
      condition,
      origin,
      () => this.value(e.then, frameOf(frame, frame.site)),
      () => this.value(e.otherwise, frameOf(frame, frame.site)),
    );
  }

  /** Evaluates two sides of a run-time condition and joins their values. */
  private *both(
    condition: Expr,
    origin: Origin,
    then: () => Steps<PartialValue>,
    otherwise: () => Steps<PartialValue>,
  ): Steps<PartialValue> {
    this.open.push({ origin });
    if (this.open.length > limits.conditions) this.endless(origin);
    const first = yield* sub(then());
    const second = yield* sub(otherwise());
    this.open.pop();
    return join(condition, first, second, origin);
  }

  private *match(
    clauses: readonly { readonly pattern: IRPattern; readonly body: Expr }[],
    scrutinee: PartialValue,
    frame: PartialFrame,
    origin: Origin,
  ): Steps<PartialValue> {
    const open = scrutinee.kind === 'choice' ? scrutinee : firstChoice(clauses, scrutinee);
    if (open !== undefined && scrutinee.kind === 'choice')
      return yield* this.both(
        scrutinee.condition,
        origin,
        () => this.match(clauses, scrutinee.then, frameOf(frame, frame.site), origin),
        () => this.match(clauses, scrutinee.otherwise, frameOf(frame, frame.site), origin),
      );
    if (open !== undefined)
      stuck(
        origin,
        'The case of this `match` is known only at run time, inside a larger value.',
        'Match on that part alone, or choose with `if` between tensors.',
      );
    for (const clause of clauses) {
      if (matches(clause.pattern, scrutinee, frame)) return yield* this.value(clause.body, frame);
    }
    return stuck(origin, 'No case of the `match` fits its value.', 'Add the missing case or `_`.');
  }

  private *apply(
    callee: PartialValue,
    args: readonly PartialValue[],
    e: Call,
    frame: PartialFrame,
    origin: Origin,
  ): Steps<PartialValue> {
    switch (callee.kind) {
      case 'operator':
        return this.operate(callee.name, args, e, origin);
      case 'constructor':
        return { kind: 'adt', constructor_: callee.name, fields: args, origin };
      case 'closure':
        return yield* this.enter(callee, args, e, frame);
      case 'choice':
        return yield* this.both(
          callee.condition,
          origin,
          () => this.apply(callee.then, args, e, frame, origin),
          () => this.apply(callee.otherwise, args, e, frame, origin),
        );
      default:
        throw new Error(`a ${callee.kind} was called`);
    }
  }

  private *enter(callee: Closure, args: readonly PartialValue[], e: Call, frame: PartialFrame): Steps<PartialValue> {
    this.calls++;
    if (this.context.token) checkCancelled(this.context.token);
    if (this.calls > limits.calls || this.depth >= limits.depth) this.endless(frame.site ?? e.origin);
    const site = callee.prelude ? (frame.site ?? e.origin) : callee.frame?.site;
    const inner = frameOf(callee.frame, site);
    callee.func.params.forEach((p, i) => {
      const arg = args[i];
      if (arg !== undefined) inner.variables.set(p, arg);
    });
    this.depth++;
    const value = yield* sub(this.eval(callee.func.body, inner));
    this.depth--;
    return value;
  }

  private endless(origin: Origin): never {
    const [outer] = this.open;
    if (outer !== undefined)
      stuck(
        outer.origin,
        'This `if` decides a recursion by a value that is known only at run time, so how often it repeats is not known at compile time; a board program is unrolled and has a fixed number of steps.',
        'Repeat a fixed number of times (let a constant or a list of known length decide), and select the result you need.',
      );
    stuck(
      origin,
      `This recursion is not over after ${this.calls} calls; a board program is unrolled, so it would not fit.`,
      'Look for a recursion that never ends, or repeat less often.',
    );
  }

  private operate(name: string, args: readonly PartialValue[], e: Call, origin: Origin): PartialValue {
    const [first] = args;
    // Placement and annotation operators hand on whatever they are given.
    if (args.length === 1 && first !== undefined && first.kind !== 'expr' && first.kind !== 'tuple') return first;
    const operands = args.map(reify);
    const call = this.typed(e, name, operands, origin);
    const folded = this.fold(call, name);
    return { kind: 'expr', expr: folded ?? call };
  }

  /** The call on these operands; its type is found anew where the function's own is not that of this call. */
  private typed(e: Call, name: string, operands: readonly Expr[], origin: Origin): Call {
    const callee: Expr =
      e.callee.kind === 'op' ? e.callee : { kind: 'op', name, type: e.callee.type, origin: e.callee.origin };
    const call: Call = { ...e, callee, args: operands, origin };
    return isFixed(e.type) ? call : retyped(this.context.operators, call);
  }

  private fold(call: Call, name: string): Expr | undefined {
    const { evaluate, operators, token = neverCancelled } = this.context;
    return evaluate === undefined ? undefined : foldCall(call, name, { evaluate, operators, token });
  }
}

function frameOf(parent: PartialFrame | undefined, site: Origin | undefined): PartialFrame {
  return { variables: new Map(), values: new Map(), parent, site };
}

/** A part of `value` whose form decides between the clauses and is known only at run time. */
function firstChoice(
  clauses: readonly { readonly pattern: IRPattern }[],
  value: PartialValue,
): PartialValue | undefined {
  const inside = (pattern: IRPattern, part: PartialValue | undefined): PartialValue | undefined => {
    if (part === undefined || pattern.kind === 'wildcard' || pattern.kind === 'var') return undefined;
    if (part.kind === 'choice') return part;
    if (part.kind !== 'tuple' && part.kind !== 'adt') return undefined;
    for (const [i, field] of pattern.fields.entries()) {
      const found = inside(field, part.fields[i]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  for (const { pattern } of clauses) {
    const found = inside(pattern, value);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether `value` fits; binds the pattern's variables on the way. */
function matches(pattern: IRPattern, value: PartialValue, frame: PartialFrame): boolean {
  switch (pattern.kind) {
    case 'wildcard':
      return true;
    case 'var':
      frame.variables.set(pattern.variable, value);
      return true;
    case 'tuple':
      return pattern.fields.every((p, i) => matches(p, fieldOf(value, i), frame));
    case 'constructor':
      return (
        value.kind === 'adt' &&
        value.constructor_ === pattern.constructor_ &&
        pattern.fields.every((p, i) => {
          const field = value.fields[i];
          return field !== undefined && matches(p, field, frame);
        })
      );
  }
}
