/**
 * Reverse-mode differentiation. `fn (x, …)` becomes `fn (x, …) -> (result, (adjoint of x, …))`: how much the sum of the
 * result's elements grows with each element of each parameter. Calls, recursion, data types and references that
 * constants decide are carried out first; what is left is a graph of operators and run-time branches.
 */
import { callOperator, func, project, scalar, tuple } from '../ir/build.ts';
import type { Call, Expr, Func, If, IRModule, Origin } from '../ir/expr.ts';
import { childrenOf } from '../ir/visit.ts';
import type { GradientBuilder, NoGradient } from '../operators/operator.ts';
import { isFloat } from '../tensor/dtype.ts';
import { equalTypes } from '../types/equal.ts';
import { constantDim, type Type } from '../types/type.ts';
import { shareEqual } from './common-subexpressions.ts';
import type { CompileFailure, CompileResult } from './failure.ts';
import { refuse } from './failure.ts';
import type { PartialContext } from './partial-evaluation.ts';
import { straightLine } from './partial-evaluation.ts';

/** A module of the gradient of function `name` alone, or the first binding that has none, and why. */
export function gradient(module: IRModule, name: string, context: PartialContext): CompileResult<IRModule> {
  const straight = straightLine(module, name, context);
  if (!straight.ok) return straight;
  const derived = gradientFunction(straight.value, context);
  if (!derived.ok) return derived;
  const one = { types: module.types, functions: new Map([[name, derived.value]]) };
  return { ok: true, value: shareEqual(one).module };
}

/** The gradient of a function without control flow but run-time `if`s. */
function gradientFunction(f: Func, context: Pick<PartialContext, 'operators'>): CompileResult<Func> {
  if (!differentiable(f.body.type))
    return refuse(
      f.origin,
      'no-gradient',
      'The result holds no floats, so it has no gradient.',
      'Return a float tensor or a tuple with one.',
    );
  const machine = new Differentiator(context.operators);
  try {
    const seed = machine.ones(f.body);
    const leaves = new Set<Expr>(f.params);
    const found = machine.pull(f.body, seed, leaves);
    const adjoints = f.params.map((p) => found.get(p) ?? machine.zeros(p));
    return { ok: true, value: func(f.params, tuple([f.body, tuple(adjoints)]), f.attrs, f.origin) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, error: error.failure };
    throw error;
  }
}

/** Carries a failure out of the traversal. */
class Refusal extends Error {
  readonly failure: CompileFailure;
  constructor(failure: CompileFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

function stop(e: Expr, message: string, remedy: string): never {
  const refused = refuse(e.origin, 'no-gradient', message, remedy);
  throw new Refusal(refused.ok ? { code: 'no-gradient', message, remedy, origin: e.origin } : refused.error);
}

/** Whether values of the type hold floats. */
function differentiable(type: Type): boolean {
  if (type.kind === 'tensor') return isFloat(type.dtype);
  return type.kind === 'tuple' && type.fields.some(differentiable);
}

/** The adjoint of a node: of the whole, or of a tuple's fields. */
interface Gathered {
  whole: Expr | undefined;
  readonly fields: (Expr | undefined)[];
}

/** Adds to the adjoint of `to`, or of its field `field`. */
type Add = (to: Expr, adjoint: Expr, field?: number) => void;

class Differentiator {
  private readonly operators: PartialContext['operators'];
  /** Where the nodes that are being written come from. */
  private origin: Origin = [];
  private readonly builder: GradientBuilder<Expr>;

  constructor(operators: PartialContext['operators']) {
    this.operators = operators;
    this.builder = {
      call: (operator, args, attrs) => this.call(operator, args, attrs),
      tuple: (fields) => tuple(fields, this.origin),
      project: (e, index) => this.fieldOf(e, index),
      scalar: (value, dtype) => scalar(isFloat(dtype) ? value : Math.trunc(value), dtype, this.origin),
      typeOf: (e) => e.type,
    };
  }

  private call(name: string, args: readonly Expr[], attrs: Readonly<Record<string, unknown>> = {}): Expr {
    const [x, like] = args;
    if (imitations.has(name) && x && like && sameStaticType(x.type, like.type)) return x;
    return callOperator(this.operators, name, args, attrs as Call['attrs'], this.origin);
  }

  private fieldOf(e: Expr, index: number): Expr {
    const field = e.kind === 'tuple' ? e.fields[index] : undefined;
    return field ?? project(e, index, this.origin);
  }

  /** `of` for each tensor of a value's type. */
  private each(e: Expr, of: (tensor: Expr) => Expr): Expr {
    if (e.type.kind === 'tensor') return of(e);
    if (e.type.kind !== 'tuple')
      stop(e, 'A parameter that is no tensor has no gradient.', 'Give the function tensors, or tuples of them.');
    return tuple(
      e.type.fields.map((_, i) => this.each(this.fieldOf(e, i), of)),
      this.origin,
    );
  }

  zeros(e: Expr): Expr {
    return this.each(e, (tensor) => this.call('zeros_like', [tensor]));
  }

  /** Ones for floats; integers take no part. */
  ones(e: Expr): Expr {
    return this.each(e, (tensor) => this.call(differentiable(tensor.type) ? 'ones_like' : 'zeros_like', [tensor]));
  }

  /** The adjoints of `leaves` for the adjoint `seed` of `root`; leaves that `root` does not grow with are absent. */
  pull(root: Expr, seed: Expr, leaves: ReadonlySet<Expr>): ReadonlyMap<Expr, Expr> {
    const order = nodesAbove(root, leaves);
    const active = activeNodes(order, leaves);
    const gathered = new Map<Expr, Gathered>();
    const add: Add = (to, adjoint, field) => {
      if (active.has(to)) this.gather(gathered, to, adjoint, field);
    };
    add(root, seed);
    const result = new Map<Expr, Expr>();
    for (const e of [...order].reverse()) {
      const g = gathered.get(e);
      if (!g) continue;
      this.origin = e.origin;
      if (leaves.has(e)) result.set(e, this.total(e, g));
      else if (e.kind === 'tuple')
        e.fields.forEach((field, i) => {
          const adjoint = g.fields[i];
          if (adjoint) add(field, adjoint);
        });
      else if (e.kind === 'get') add(e.tuple, this.total(e, g), e.index);
      else if (e.kind === 'call') this.throughCall(e, this.total(e, g), active, add);
      else if (e.kind === 'if') this.throughBranches(e, this.total(e, g), leaves, add);
    }
    return result;
  }

  private gather(gathered: Map<Expr, Gathered>, to: Expr, adjoint: Expr, field: number | undefined): void {
    const g = gathered.get(to) ?? { whole: undefined, fields: [] };
    gathered.set(to, g);
    if (field !== undefined) g.fields[field] = this.plus(g.fields[field], adjoint);
    else if (to.type.kind === 'tuple')
      to.type.fields.forEach((type, i) => {
        if (differentiable(type)) g.fields[i] = this.plus(g.fields[i], this.fieldOf(adjoint, i));
      });
    else g.whole = this.plus(g.whole, adjoint);
  }

  private plus(a: Expr | undefined, b: Expr): Expr {
    if (a === undefined) return b;
    if (a.type.kind !== 'tuple') return this.call('add', [a, b]);
    const fields = a.type.fields.map((type, i) => {
      const [x, y] = [this.fieldOf(a, i), this.fieldOf(b, i)];
      return differentiable(type) ? this.plus(x, y) : x;
    });
    return tuple(fields, this.origin);
  }

  /** The whole adjoint of `e`: fields that nothing grows with are zero. */
  private total(e: Expr, g: Gathered): Expr {
    if (e.type.kind !== 'tuple') return g.whole ?? this.zeros(e);
    return tuple(
      e.type.fields.map((_, i) => g.fields[i] ?? this.zeros(this.fieldOf(e, i))),
      this.origin,
    );
  }

  private throughCall(e: Call, adjoint: Expr, active: ReadonlySet<Expr>, add: Add): void {
    if (e.callee.kind !== 'op') stop(e, 'A call of a value has no gradient.', 'Call operators and functions by name.');
    const { name } = e.callee;
    const refuseIt = (why: NoGradient): never =>
      stop(
        e,
        `\`${name}\` has no gradient: ${why.none}.`,
        'Write this part with other operators, or take it out of the function that is differentiated.',
      );
    const rule = this.operators.get(name)?.gradient ?? { none: 'no operator computes it' };
    if (typeof rule !== 'function') {
      if ('none' in rule) refuseIt(rule);
      else
        this.throughDefinition(
          e,
          rule.definition(this.builder, { args: e.args, attrs: e.attrs as never }),
          adjoint,
          add,
          refuseIt,
        );
      return;
    }
    const parts = rule(this.builder, { args: e.args, output: e, adjoint, attrs: e.attrs as never });
    if ('none' in parts) refuseIt(parts);
    else
      parts.forEach((part, i) => {
        const arg = e.args[i];
        if (part === undefined || arg === undefined || !active.has(arg)) return;
        if ('none' in part) refuseIt(part);
        else add(arg, part);
      });
  }

  private throughDefinition(
    e: Call,
    written: { readonly value: Expr } | NoGradient,
    adjoint: Expr,
    add: Add,
    refuseIt: (why: NoGradient) => never,
  ): void {
    if ('none' in written) return refuseIt(written);
    const { origin } = this;
    const found = this.pull(written.value, adjoint, new Set(e.args));
    this.origin = origin;
    for (const [arg, part] of found) add(arg, part);
  }

  /** Each leaf's adjoint is that of the branch which is taken. */
  private throughBranches(e: If, adjoint: Expr, leaves: ReadonlySet<Expr>, add: Add): void {
    const { origin } = this;
    const [then, otherwise] = [this.pull(e.then, adjoint, leaves), this.pull(e.otherwise, adjoint, leaves)];
    this.origin = origin;
    for (const leaf of leaves) {
      const [a, b] = [then.get(leaf), otherwise.get(leaf)];
      if (!a && !b) continue;
      const branches = { then: a ?? this.zeros(leaf), otherwise: b ?? this.zeros(leaf) };
      add(leaf, { kind: 'if', condition: e.condition, ...branches, type: leaf.type, origin });
    }
  }
}

/** Operators that give back their first operand where it has the type of the second. */
const imitations = new Set(['collapse_sum_like', 'broadcast_to_like', 'cast_like']);

/** Whether two tensors surely have one type: two sizes `?` may differ. */
function sameStaticType(a: Type, b: Type): boolean {
  return a.kind === 'tensor' && a.shape.every((dim) => constantDim(dim) !== undefined) && equalTypes(a, b);
}

/** The nodes between `leaves` and `root`, children before parents. */
function nodesAbove(root: Expr, leaves: ReadonlySet<Expr>): readonly Expr[] {
  const order: Expr[] = [];
  const state = new Map<Expr, 'open' | 'done'>();
  const stack: Expr[] = [root];
  for (let e = stack.at(-1); e !== undefined; e = stack.at(-1)) {
    if (state.get(e) === undefined && !leaves.has(e)) {
      state.set(e, 'open');
      for (const child of childrenOf(e)) if (!state.has(child)) stack.push(child);
      continue;
    }
    stack.pop();
    if (state.get(e) === 'done') continue;
    state.set(e, 'done');
    order.push(e);
  }
  return order;
}

/** The nodes that hold floats and depend on a leaf that does. */
function activeNodes(order: readonly Expr[], leaves: ReadonlySet<Expr>): ReadonlySet<Expr> {
  const active = new Set<Expr>();
  for (const e of order)
    if (differentiable(e.type) && (leaves.has(e) || childrenOf(e).some((child) => active.has(child)))) active.add(e);
  return active;
}
