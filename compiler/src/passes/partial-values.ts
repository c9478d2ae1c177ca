/** Values of partial evaluation: what is known of a value while the program is compiled. */
import { constant, project, tuple } from '../ir/build.ts';
import type { Expr, Func, Origin, Var } from '../ir/expr.ts';
import { printType } from '../types/print.ts';
import { equalTypes } from '../types/equal.ts';
import { refuse } from './failure.ts';
import type { CompileFailure } from './failure.ts';

export type PartialValue =
  /** A tensor, or a tuple of tensors, computed at run time (or a constant). */
  | { readonly kind: 'expr'; readonly expr: Expr }
  | { readonly kind: 'tuple'; readonly fields: readonly PartialValue[]; readonly origin: Origin }
  | Closure
  | {
      readonly kind: 'adt';
      readonly constructor_: string;
      readonly fields: readonly PartialValue[];
      readonly origin: Origin;
    }
  | { readonly kind: 'operator'; readonly name: string; readonly origin: Origin }
  | { readonly kind: 'constructor'; readonly name: string; readonly origin: Origin }
  | Cell
  /** One of two values of different form; which one is known only at run time. */
  | Choice;

export interface Closure {
  readonly kind: 'closure';
  readonly func: Func;
  readonly frame: PartialFrame | undefined;
  /** True for functions of the standard prelude, whose source the user does not see. */
  readonly prelude: boolean;
  readonly origin: Origin;
}
/** A reference; identity is the object. */
export interface Cell {
  readonly kind: 'cell';
  content: PartialValue;
  readonly origin: Origin;
}
export interface Choice {
  readonly kind: 'choice';
  readonly condition: Expr;
  readonly then: PartialValue;
  readonly otherwise: PartialValue;
  readonly origin: Origin;
}

/** An activation, or a branch of one. */
export interface PartialFrame {
  readonly variables: Map<Var, PartialValue>;
  readonly values: Map<Expr, PartialValue>;
  readonly parent: PartialFrame | undefined;
  /** Where the user called a function of the prelude; replaces the origins of its body. */
  readonly site: Origin | undefined;
}

/** Carries the reason why a program has no straight-line form out of the machine. */
export class Stuck extends Error {
  readonly failure: CompileFailure;
  constructor(failure: CompileFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Ends partial evaluation: `message` names the construct and why it cannot go on a board. */
export function stuck(origin: Origin, message: string, remedy: string): never {
  const refused = refuse(origin, 'not-compilable', message, remedy);
  if (refused.ok) throw new Error('a refusal was expected');
  throw new Stuck(refused.error);
}

const reified = new WeakMap<object, Expr>();

/** The expression of a value made of tensors. Ends in `Stuck` for values that only exist while compiling. */
export function reify(value: PartialValue): Expr {
  switch (value.kind) {
    case 'expr':
      return value.expr;
    case 'tuple': {
      let e = reified.get(value);
      if (e === undefined) {
        e = tuple(value.fields.map(reify), value.origin);
        reified.set(value, e);
      }
      return e;
    }
    case 'adt':
      return stuck(
        value.origin,
        `A value of a data type (\`${value.constructor_}\`) reaches the result or an operator; a board program passes tensors only.`,
        'Take the tensors out of it with `match` and return those, as a tuple if there are several.',
      );
    case 'closure':
    case 'operator':
    case 'constructor':
      return stuck(
        value.origin,
        'A function reaches the result of the program; a board program returns tensors only.',
        'Call the function and return what it gives.',
      );
    case 'cell':
      return stuck(
        value.origin,
        'A reference reaches the result of the program; a board program has no heap to keep it in.',
        'Return `ref_read` of it.',
      );
    case 'choice':
      return stuck(
        value.origin,
        'A value known only at run time decides between values of different form (cases of a data type, or functions), and the result needs the form.',
        'Let both branches give tensors of one shape: apply the functions, or `match` the data type, inside the branches.',
      );
  }
}

/** Field `index` of a tuple. */
export function fieldOf(value: PartialValue, index: number): PartialValue {
  if (value.kind === 'tuple') {
    const field = value.fields[index];
    if (field === undefined) throw new Error(`no field ${index}`);
    return field;
  }
  if (value.kind === 'expr') return { kind: 'expr', expr: projection(value.expr, index) };
  if (value.kind === 'choice')
    return join(value.condition, fieldOf(value.then, index), fieldOf(value.otherwise, index), value.origin);
  throw new Error(`a ${value.kind} has no fields`);
}

const projections = new WeakMap<Expr, Map<number, Expr>>();

/** `e.index`, one node however often it is asked for. */
function projection(e: Expr, index: number): Expr {
  let known = projections.get(e);
  if (known === undefined) projections.set(e, (known = new Map()));
  let field = known.get(index);
  if (field === undefined) known.set(index, (field = project(e, index)));
  return field;
}

/** The value that is `then` where `condition` holds and `otherwise` elsewhere. */
export function join(condition: Expr, then: PartialValue, otherwise: PartialValue, origin: Origin): PartialValue {
  if (then === otherwise) return then;
  const width = tupleWidth(then);
  if (width !== undefined && tupleWidth(otherwise) === width) {
    const fields = Array.from({ length: width }, (_, i) =>
      join(condition, fieldOf(then, i), fieldOf(otherwise, i), origin),
    );
    return { kind: 'tuple', fields, origin };
  }
  if (then.kind === 'expr' && otherwise.kind === 'expr') {
    if (then.expr === otherwise.expr) return then;
    const { type } = then.expr;
    if (!equalTypes(type, otherwise.expr.type))
      stuck(
        origin,
        `The branches of this \`if\` give ${printType(type)} and ${printType(otherwise.expr.type)}, so the shape depends on a value known only at run time; a board program has fixed shapes.`,
        'Let both branches give the same shape, for instance by padding.',
      );
    const expr: Expr = { kind: 'if', condition, then: then.expr, otherwise: otherwise.expr, type, origin };
    return { kind: 'expr', expr };
  }
  if (then.kind === 'adt' && otherwise.kind === 'adt' && then.constructor_ === otherwise.constructor_) {
    const fields = then.fields.map((f, i) => join(condition, f, otherwise.fields[i] ?? f, origin));
    return { ...then, fields };
  }
  if (then.kind === 'operator' && otherwise.kind === 'operator' && then.name === otherwise.name) return then;
  if (then.kind === 'closure' && otherwise.kind === 'closure' && sameClosure(then, otherwise)) return then;
  if (then.kind === 'cell' || otherwise.kind === 'cell')
    stuck(
      origin,
      'A value known only at run time decides between two references; a board program has none.',
      'Read the references first and choose between their contents.',
    );
  return { kind: 'choice', condition, then, otherwise, origin };
}

function sameClosure(a: Closure, b: Closure): boolean {
  return a.func === b.func && a.frame === b.frame;
}

function tupleWidth(value: PartialValue): number | undefined {
  if (value.kind === 'tuple') return value.fields.length;
  return value.kind === 'expr' && value.expr.type.kind === 'tuple' ? value.expr.type.fields.length : undefined;
}

/** A constant under another origin. */
export function constantAt(e: Extract<Expr, { kind: 'constant' }>, origin: Origin | undefined): Expr {
  return origin === undefined ? e : constant(e.value, origin, e.name);
}
