/**
 * The evaluator of IR modules. It keeps its own stack, so chains of any length and deep recursion end in a value or in
 * a clear failure, never in an overflow. Nodes shared in a graph are evaluated once an activation.
 */
import { checkCancelled, neverCancelled } from '../base/cancellation.ts';
import type { CancellationToken } from '../base/cancellation.ts';
import { fail, ok } from '../base/result.ts';
import type { Failure, Result } from '../base/result.ts';
import type { Call, Expr, IRModule, IRPattern, Var } from '../ir/expr.ts';
import { preludeModule } from '../ir/prelude.ts';
import { operatorRegistry } from '../operators/registry.ts';
import type { OperatorRegistry } from '../operators/registry.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { printType } from '../types/print.ts';
import { constantDim } from '../types/type.ts';
import type { Type } from '../types/type.ts';
import { evaluateOperator } from './operator.ts';
import { tensorsOf, tensorValue } from './value.ts';
import type { Frame, Value } from './value.ts';

export interface EvaluateOptions {
  readonly token?: CancellationToken;
  /** Evaluated nodes after which a program counts as running away. Default 50 million. */
  readonly maxSteps?: number;
  /** Function activations that may be open at once. Default 100,000. */
  readonly maxDepth?: number;
  readonly operators?: Pick<OperatorRegistry, 'get'>;
}

/**
 * Calls the global function `name`. `inputs` has a value for each parameter by name (without `%`); extra names are
 * refused, so that a misspelt input does not go unnoticed.
 */
export function evaluateFunction(
  module: IRModule,
  name: string,
  inputs: ReadonlyMap<string, Value>,
  options: EvaluateOptions = {},
): Result<Value> {
  const func = module.functions.get(name);
  if (func === undefined)
    return fail('no-function', `The program has no function @${name}.`, `Define @${name} or name another function.`);
  const frame: Frame = { variables: new Map(), values: new Map(), parent: undefined };
  const missing: string[] = [];
  for (const param of func.params) {
    const value = inputs.get(param.name);
    if (value === undefined) {
      missing.push(param.name);
      continue;
    }
    const problem = mismatch(param, value);
    if (problem !== undefined) return fail('input-mismatch', problem, 'Give an input of the declared type.');
    frame.variables.set(param, value);
  }
  if (missing.length > 0) {
    const names = missing.slice(0, 3).map((m) => `%${m}`);
    const more = missing.length > names.length ? ` and ${missing.length - names.length} more` : '';
    return fail(
      'missing-input',
      `No value is given for ${names.join(', ')}${more}.`,
      'Give the input, or the parameter file that holds it.',
    );
  }
  for (const given of inputs.keys())
    if (!func.params.some((p) => p.name === given))
      return fail(
        'unknown-input',
        `@${name} has no parameter %${given}.`,
        `It has ${func.params.map((p) => `%${p.name}`).join(', ') || 'none'}.`,
      );
  return evaluateExpr(module, func.body, frame, options);
}

/** The tensors that `@main` gives for tensors, flattened; undefined where it gives other values. Fails as `evaluateFunction`. */
export function evaluateMain(
  module: IRModule,
  inputs: ReadonlyMap<string, NDArray>,
): Result<readonly NDArray[] | undefined> {
  const values = new Map([...inputs].map(([name, array]) => [name, tensorValue(array)] as const));
  const result = evaluateFunction(module, 'main', values);
  return result.ok ? ok(tensorsOf(result.value)) : result;
}

/** Evaluates an expression in a frame that binds its free variables. */
export function evaluateExpr(module: IRModule, e: Expr, frame: Frame, options: EvaluateOptions = {}): Result<Value> {
  try {
    return ok(new Machine(module, options).run(e, frame));
  } catch (error) {
    if (error instanceof Stop) return { ok: false, error: error.failure };
    throw error;
  }
}

function mismatch(param: Var, value: Value): string | undefined {
  if (param.type.kind !== 'tensor' || value.kind !== 'tensor') return undefined;
  const { array } = value;
  const expected = param.type;
  const fits =
    expected.dtype === array.dtype &&
    expected.shape.length === array.shape.length &&
    expected.shape.every((d, i) => constantDim(d) === undefined || Number(constantDim(d)) === array.shape[i]);
  if (fits) return undefined;
  const found: Type = { kind: 'tensor', shape: array.shape, dtype: array.dtype };
  return `%${param.name} is ${printType(expected)}, but the given value is ${printType(found)}.`;
}

/** Carries a failure out of the machine. */
class Stop extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

function stop(code: string, message: string, remedy?: string): never {
  const failed = fail(code, message, remedy);
  throw new Stop(failed.error);
}

/** What is left to do for a node. */
interface Work {
  readonly e: Expr;
  readonly frame: Frame;
  phase: number;
  /** The activation of a called function, and the node of it that gives the result. */
  inner?: Frame;
  result?: Expr;
}

class Machine {
  private readonly module: IRModule;
  private readonly operators: Pick<OperatorRegistry, 'get'>;
  private readonly token: CancellationToken;
  private readonly maxSteps: number;
  private readonly maxDepth: number;
  private depth = 0;
  private steps = 0;
  private readonly stack: Work[] = [];

  constructor(module: IRModule, options: EvaluateOptions) {
    this.module = module;
    this.operators = options.operators ?? operatorRegistry;
    this.token = options.token ?? neverCancelled;
    this.maxSteps = options.maxSteps ?? 50_000_000;
    this.maxDepth = options.maxDepth ?? 100_000;
  }

  run(root: Expr, frame: Frame): Value {
    this.push(root, frame);
    for (let work = this.stack.pop(); work !== undefined; work = this.stack.pop()) {
      if (work.phase === 0 && this.lookup(work.e, work.frame) !== undefined) continue;
      if (++this.steps > this.maxSteps)
        stop(
          'too-many-steps',
          `The program did not end within ${this.maxSteps} steps.`,
          'Look for a recursion or loop that never ends.',
        );
      if ((this.steps & 255) === 0) checkCancelled(this.token);
      this.step(work);
    }
    return this.value(root, frame);
  }

  private push(e: Expr, frame: Frame): void {
    this.stack.push({ e, frame, phase: 0 });
  }

  /** Puts `work` back, to go on once the values of `needed` are known. */
  private await(work: Work, needed: readonly Expr[], frame = work.frame): void {
    work.phase++;
    this.stack.push(work);
    for (let i = needed.length - 1; i >= 0; i--) {
      const e = needed[i];
      if (e !== undefined && this.lookup(e, frame) === undefined) this.push(e, frame);
    }
  }

  private lookup(e: Expr, frame: Frame): Value | undefined {
    if (e.kind === 'var') {
      for (let f: Frame | undefined = frame; f !== undefined; f = f.parent) {
        const value = f.variables.get(e);
        if (value !== undefined) return value;
      }
      return undefined;
    }
    if (e.kind === 'constant') return tensorValue(e.value);
    for (let f: Frame | undefined = frame; f !== undefined; f = f.parent) {
      const value = f.values.get(e);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  private value(e: Expr, frame: Frame): Value {
    const value = this.lookup(e, frame);
    if (value !== undefined) return value;
    if (e.kind === 'var') return stop('unbound-variable', `%${e.name} has no value.`);
    throw new Error(`no value for a ${e.kind}`);
  }

  private step(work: Work): void {
    const { e, frame } = work;
    const done = (value: Value): void => void frame.values.set(e, value);
    switch (e.kind) {
      case 'var':
      case 'constant':
        this.value(e, frame);
        return;
      case 'global': {
        const func = this.module.functions.get(e.name) ?? preludeModule().functions.get(e.name);
        if (func === undefined)
          return stop('no-function', `@${e.name} is not defined in this program.`, `Define @${e.name} or import it.`);
        return done({ kind: 'closure', func, frame: undefined });
      }
      case 'op':
        return done({ kind: 'operator', name: e.name });
      case 'constructor':
        return done({ kind: 'constructor', name: e.name });
      case 'func':
        return done({ kind: 'closure', func: e, frame });
      case 'tuple':
        if (work.phase === 0) return this.await(work, e.fields);
        return done({ kind: 'tuple', fields: e.fields.map((f) => this.value(f, frame)) });
      case 'get': {
        if (work.phase === 0) return this.await(work, [e.tuple]);
        const tuple = this.value(e.tuple, frame);
        const field = tuple.kind === 'tuple' ? tuple.fields[e.index] : undefined;
        if (field === undefined) throw new Error(`no field ${e.index}`);
        return done(field);
      }
      case 'let':
        if (work.phase === 0) return this.await(work, [e.value]);
        if (work.phase === 1) {
          frame.variables.set(e.variable, this.value(e.value, frame));
          return this.await(work, [e.body]);
        }
        return done(this.value(e.body, frame));
      case 'if': {
        if (work.phase === 0) return this.await(work, [e.condition]);
        const condition = this.value(e.condition, frame);
        const branch = condition.kind === 'tensor' && condition.array.data[0] ? e.then : e.otherwise;
        if (work.phase === 1) return this.await(work, [branch]);
        return done(this.value(branch, frame));
      }
      case 'match': {
        if (work.phase === 0) return this.await(work, [e.scrutinee]);
        if (work.phase === 2) return done(this.value(work.result ?? e, frame));
        const scrutinee = this.value(e.scrutinee, frame);
        const clause = e.clauses.find((c) => matches(c.pattern, scrutinee, frame));
        if (clause === undefined)
          return stop('no-match', 'No case of the `match` fits its value.', 'Add the missing case or `_`.');
        work.result = clause.body;
        return this.await(work, [clause.body]);
      }
      case 'ref':
        if (work.phase === 0) return this.await(work, [e.value]);
        return done({ kind: 'reference', content: this.value(e.value, frame) });
      case 'ref_read': {
        if (work.phase === 0) return this.await(work, [e.ref]);
        const ref = this.value(e.ref, frame);
        if (ref.kind !== 'reference') throw new Error('ref_read of no reference');
        return done(ref.content);
      }
      case 'ref_write': {
        if (work.phase === 0) return this.await(work, [e.ref, e.value]);
        const ref = this.value(e.ref, frame);
        if (ref.kind !== 'reference') throw new Error('ref_write of no reference');
        ref.content = this.value(e.value, frame);
        return done({ kind: 'tuple', fields: [] });
      }
      case 'call':
        return this.call(work, e);
    }
  }

  private call(work: Work, e: Call): void {
    const { frame } = work;
    if (work.phase === 0) return this.await(work, e.callee.kind === 'op' ? e.args : [e.callee, ...e.args]);
    if (work.phase === 2) {
      this.depth--;
      const { inner, result } = work;
      if (inner === undefined || result === undefined) throw new Error('a call lost its activation');
      frame.values.set(e, this.value(result, inner));
      return;
    }
    const args = e.args.map((a) => this.value(a, frame));
    const callee: Value =
      e.callee.kind === 'op' ? { kind: 'operator', name: e.callee.name } : this.value(e.callee, frame);
    switch (callee.kind) {
      case 'operator': {
        frame.values.set(e, this.operate(callee.name, args, e));
        return;
      }
      case 'constructor':
        frame.values.set(e, { kind: 'adt', constructor_: callee.name, fields: args });
        return;
      case 'closure': {
        if (++this.depth > this.maxDepth)
          stop(
            'recursion-too-deep',
            `More than ${this.maxDepth} calls are open at once.`,
            'Look for a recursion that never ends.',
          );
        const inner: Frame = { variables: new Map(), values: new Map(), parent: callee.frame };
        callee.func.params.forEach((p, i) => {
          const arg = args[i];
          if (arg !== undefined) inner.variables.set(p, arg);
        });
        work.inner = inner;
        work.result = callee.func.body;
        return this.await(work, [callee.func.body], inner);
      }
      default:
        throw new Error(`a ${callee.kind} was called`);
    }
  }

  private operate(name: string, args: readonly Value[], e: Call): Value {
    const operator = this.operators.get(name);
    if (operator === undefined) return stop('unknown-operator', `There is no operator \`${name}\`.`);
    const result = evaluateOperator(operator, args, e.attrs, e.type);
    if (!result.ok) throw new Stop(result.error);
    return result.value;
  }
}

/** Whether `value` fits; binds the pattern's variables on the way. */
function matches(pattern: IRPattern, value: Value, frame: Frame): boolean {
  switch (pattern.kind) {
    case 'wildcard':
      return true;
    case 'var':
      frame.variables.set(pattern.variable, value);
      return true;
    case 'tuple':
      return value.kind === 'tuple' && pattern.fields.every((p, i) => matchesField(p, value.fields[i], frame));
    case 'constructor':
      return (
        value.kind === 'adt' &&
        value.constructor_ === pattern.constructor_ &&
        pattern.fields.every((p, i) => matchesField(p, value.fields[i], frame))
      );
  }
}

function matchesField(pattern: IRPattern, value: Value | undefined, frame: Frame): boolean {
  return value !== undefined && matches(pattern, value, frame);
}
