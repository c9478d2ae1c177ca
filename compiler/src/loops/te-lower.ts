/**
 * Tensor expressions to loop nests, for every operator that has one. Elementwise producers are computed where they are
 * read; what holds a reduction, or is dear and read often, gets memory of its own.
 */
import { dtypeInfo, isFloat } from '../tensor/dtype.ts';
import type { AxisVar, TEExpr, TETensor, UnaryFn } from '../tensor/te.ts';
import { dtypeOf } from '../tensor/te.ts';
import { add, assign, bin, block, cast, declare, ix, local, loop, mul, store } from './build.ts';
import type { LExpr, ScalarType, Stmt } from './ir.ts';
import { typeOfExpr } from './ir.ts';
import type { Buffer } from './kernel.ts';
import { isMaterialised, loadsOf, type TensorUse } from './te-uses.ts';

/** Where the tensors of a computation come from and go to. */
export interface Bindings {
  /** Inputs, constants, outputs and temporaries. */
  readonly buffers: Map<TETensor, Buffer>;
  /** Values of one-element constants, written out in the code. */
  readonly scalars: ReadonlyMap<TETensor, number | bigint>;
}

/** The loops that compute `tensors` (the outputs), temporaries first; temporaries are added to the bindings. */
export function lowerTensors(outputs: readonly TETensor[], bindings: Bindings): { body: Stmt; temporaries: Buffer[] } {
  const uses = loadsOf(outputs);
  const temporaries: Buffer[] = [];
  const order: TETensor[] = [];
  for (const tensor of uses.order) {
    if (!tensor.compute) continue;
    const isOutput = outputs.includes(tensor);
    if (!isOutput && !isMaterialised(tensor, uses)) continue;
    if (!isOutput && !bindings.buffers.has(tensor)) {
      const length = tensor.shape.reduce((a, b) => a * b, 1);
      const temporary: Buffer = { name: `t${temporaries.length}`, dtype: tensor.dtype, length, align: 8 };
      temporaries.push(temporary);
      bindings.buffers.set(tensor, temporary);
    }
    order.push(tensor);
  }
  return { body: block(...order.map((t) => nest(t, bindings, uses))), temporaries };
}

function nest(tensor: TETensor, bindings: Bindings, uses: TensorUse): Stmt {
  const target = bindings.buffers.get(tensor);
  const compute = tensor.compute;
  if (!target || !compute) throw new Error(`no place for ${tensor.name}`);
  const build = (i: number, env: ReadonlyMap<AxisVar, LExpr>): Stmt => {
    const axis = compute.axes[i];
    if (axis) return loop(axis.name, axis.extent, (v) => build(i + 1, new Map(env).set(axis, v)));
    const scope = new Scope(bindings, uses, env);
    const value = scope.value(compute.body);
    const index = flat(
      tensor.shape,
      compute.axes.map((a) => env.get(a) ?? ix(0)),
    );
    return block(...scope.statements, store(target, index, cast(target.dtype, value)));
  };
  return { kind: 'block', body: [build(0, new Map())] };
}

/** A subscript as a sum of an expression and a constant. */
function split(index: LExpr): { readonly base: LExpr; readonly constant: number } {
  if (index.kind === 'const') return { base: ix(0), constant: Number(index.value) };
  if (index.kind === 'binary' && index.op === 'add' && index.dtype === 'index') {
    const [l, r] = [split(index.left), split(index.right)];
    return { base: add(l.base, r.base), constant: l.constant + r.constant };
  }
  return { base: index, constant: 0 };
}

/**
 * The row-major position of subscripts. Constants are gathered at its end, so that neighbouring elements have a place in
 * common that C compilers see.
 */
export function flat(shape: readonly number[], indices: readonly LExpr[]): LExpr {
  let position: LExpr = ix(0);
  let constant = 0;
  indices.forEach((index, d) => {
    const part = split(index);
    const size = shape[d] ?? 1;
    position = add(mul(position, size), part.base);
    constant = constant * size + part.constant;
  });
  return add(position, constant);
}

/** A tensor is read that has neither loops nor a place. */
class NoPlace extends Error {}

/**
 * One element of a computed tensor, at subscripts, where other tensors' elements at the same subscripts are at hand.
 * Undefined when it takes other elements of those tensors, or loops of its own.
 */
export function elementOf(
  tensor: TETensor,
  indices: readonly LExpr[],
  bindings: Bindings,
  known: ReadonlyMap<TETensor, LExpr>,
): { readonly statements: readonly Stmt[]; readonly value: LExpr } | undefined {
  const uses = loadsOf([tensor]);
  if (uses.reducing.size > 0) return undefined;
  const inlined: Inlined = new Map([...known].map(([t, value]) => [t, [{ indices, value }]]));
  const scope = new Scope(bindings, uses, new Map(), new Map(), inlined);
  try {
    const value = scope.element(tensor, indices);
    return { statements: scope.statements, value };
  } catch (e) {
    if (e instanceof NoPlace) return undefined;
    throw e;
  }
}

/** One straight piece of code: statements that come before the value being built. */
class Scope {
  readonly statements: Stmt[] = [];
  private readonly bindings: Bindings;
  private readonly uses: TensorUse;
  private readonly env: ReadonlyMap<AxisVar, LExpr>;
  /** Values of nodes met before in this scope or one around it. */
  private readonly known: Map<TEExpr, LExpr>;
  /** Elements of tensors computed in place here, by their subscripts. */
  private readonly inlined: Inlined;

  constructor(
    bindings: Bindings,
    uses: TensorUse,
    env: ReadonlyMap<AxisVar, LExpr>,
    known: ReadonlyMap<TEExpr, LExpr> = new Map(),
    inlined: Inlined = new Map(),
  ) {
    this.inlined = inlined;
    this.bindings = bindings;
    this.uses = uses;
    this.env = env;
    this.known = new Map(known);
  }

  value(e: TEExpr): LExpr {
    const known = this.known.get(e);
    if (known) return known;
    let value = this.compute(e);
    // Shared nodes are computed once.
    if (this.uses.shared.has(e) && !isSimple(value)) {
      const name = local('v', typeOfExpr(value));
      this.statements.push(declare(name, value));
      value = name;
    }
    if (e.kind !== 'const' && e.kind !== 'axis') this.known.set(e, value);
    return value;
  }

  /** A subscript. */
  index(e: TEExpr): LExpr {
    switch (e.kind) {
      case 'axis':
        return this.env.get(e) ?? ix(0);
      case 'const':
        return ix(Number(e.value));
      case 'binary':
        if (['add', 'sub', 'mul', 'floordiv', 'floormod', 'truncdiv', 'truncmod', 'min', 'max'].includes(e.op))
          return bin(e.op, this.index(e.left), this.index(e.right));
        break;
      case 'cast':
        if (!isFloat(dtypeOf(e.operand))) return this.index(e.operand);
        break;
      default:
        break;
    }
    return cast('index', this.value(e));
  }

  private compute(e: TEExpr): LExpr {
    switch (e.kind) {
      case 'axis':
        return cast('int32', this.env.get(e) ?? ix(0));
      case 'const':
        return { kind: 'const', dtype: e.dtype, value: e.value };
      case 'binary': {
        // Both sides in order, so that statements keep theirs.
        const left = this.value(e.left);
        const right = this.value(e.right);
        return { kind: 'binary', op: e.op, dtype: e.dtype, left, right };
      }
      case 'compare': {
        const left = this.value(e.left);
        return { kind: 'compare', op: e.op, left, right: this.value(e.right) };
      }
      case 'unary':
        return unaryOf(e.op, e.dtype, this.value(e.operand));
      case 'select':
        return this.select(e);
      case 'cast':
        return cast(e.dtype, this.value(e.operand));
      case 'bitcast':
        return { kind: 'bitcast', dtype: e.dtype, operand: this.value(e.operand) };
      case 'load':
        return this.load(e);
      case 'reduce':
        return this.reduce(e);
      case 'qmulshift': {
        const args = [this.value(e.value), this.value(e.multiplier), this.value(e.shift)];
        return { kind: 'intrinsic', name: 'qmulshift', args, dtype: 'int32' };
      }
    }
  }

  private select(e: Extract<TEExpr, { kind: 'select' }>): LExpr {
    const condition = this.value(e.condition);
    const then = this.inner();
    const thenValue = then.value(e.then);
    const otherwise = this.inner();
    const otherwiseValue = otherwise.value(e.otherwise);
    if (then.statements.length === 0 && otherwise.statements.length === 0)
      return { kind: 'select', condition, then: thenValue, otherwise: otherwiseValue, dtype: e.dtype };
    const result = local('v', e.dtype);
    this.statements.push(declare(result, zeroOf(e.dtype)), {
      kind: 'if',
      condition,
      then: block(...then.statements, assign(result, thenValue)),
      otherwise: block(...otherwise.statements, assign(result, otherwiseValue)),
    });
    return result;
  }

  private inner(env = this.env): Scope {
    return new Scope(this.bindings, this.uses, env, this.known, new Map(this.inlined));
  }

  private load(e: Extract<TEExpr, { kind: 'load' }>): LExpr {
    const scalar = this.bindings.scalars.get(e.tensor);
    if (scalar !== undefined) return { kind: 'const', dtype: e.tensor.dtype, value: scalar };
    return this.element(
      e.tensor,
      e.indices.map((i) => this.index(i)),
    );
  }

  /** An element of a tensor that is no scalar constant. */
  element(tensor: TETensor, indices: readonly LExpr[]): LExpr {
    const from = this.bindings.buffers.get(tensor);
    if (from) return { kind: 'load', buffer: from, index: flat(tensor.shape, indices) };
    const before = this.inlined.get(tensor)?.find((i) => i.indices.every((x, d) => equal(x, indices[d])));
    if (before) return before.value;
    const compute = tensor.compute;
    if (!compute) throw new NoPlace(`no place for ${tensor.name}`);
    // Computed in place: its axes stand for the subscripts here. Its shared nodes are known only within.
    const env = new Map(compute.axes.map((axis, d) => [axis, indices[d] ?? ix(0)] as const));
    const scope = new Scope(this.bindings, this.uses, env, new Map(), this.inlined);
    let value = cast(tensor.dtype, scope.value(compute.body));
    this.statements.push(...scope.statements);
    if ((this.uses.reads.get(tensor) ?? 0) > 1 && !isSimple(value)) {
      const name = local('v', tensor.dtype);
      this.statements.push(declare(name, value));
      value = name;
    }
    this.inlined.set(tensor, [...(this.inlined.get(tensor) ?? []), { indices, value }]);
    return value;
  }

  private reduce(e: Extract<TEExpr, { kind: 'reduce' }>): LExpr {
    const result = local('acc', e.dtype);
    this.statements.push(declare(result, e.init ? this.value(e.init) : identity(e.op, e.dtype)));
    const build = (i: number, env: ReadonlyMap<AxisVar, LExpr>): Stmt => {
      const axis = e.axes[i];
      if (axis) return loop(axis.name, axis.extent, (v) => build(i + 1, new Map(env).set(axis, v)));
      const scope = this.inner(env);
      const value = scope.value(e.body);
      const op = e.op === 'sum' ? 'add' : e.op === 'prod' ? 'mul' : e.op;
      const next: LExpr = { kind: 'binary', op, dtype: e.dtype, left: result, right: value };
      return block(...scope.statements, assign(result, next));
    };
    this.statements.push(build(0, this.env));
    return result;
  }
}

/** Functions of integers that stay integers; the others are computed in double precision and converted back. */
const ofIntegers = new Set(['neg', 'abs', 'not', 'isnan', 'isfinite', 'isinf', 'popcount', 'clz', 'floor', 'ceil', 'trunc', 'round', 'nearbyint']); // prettier-ignore

function unaryOf(op: UnaryFn, dtype: ScalarType, operand: LExpr): LExpr {
  const from = typeOfExpr(operand);
  if ((from !== 'index' && isFloat(from)) || ofIntegers.has(op)) return { kind: 'unary', op, dtype, operand };
  return cast(dtype, { kind: 'unary', op, dtype: 'float64', operand: cast('float64', operand) });
}

type Inlined = Map<TETensor, readonly { readonly indices: readonly LExpr[]; readonly value: LExpr }[]>;

/** Whether two subscripts are the same expression. */
function equal(a: LExpr, b: LExpr | undefined): boolean {
  if (a === b) return true;
  if (!b || a.kind !== b.kind) return false;
  if (a.kind === 'const' && b.kind === 'const') return a.value === b.value;
  if (a.kind === 'binary' && b.kind === 'binary')
    return a.op === b.op && equal(a.left, b.left) && equal(a.right, b.right);
  return false;
}

function isSimple(e: LExpr): boolean {
  return e.kind === 'const' || e.kind === 'local' || e.kind === 'loopvar' || (e.kind === 'cast' && isSimple(e.operand));
}

function zeroOf(dtype: ScalarType): LExpr {
  return { kind: 'const', dtype, value: dtype === 'int64' || dtype === 'uint64' ? 0n : 0 };
}

/** What a reduction starts from. */
function identity(op: 'sum' | 'prod' | 'max' | 'min', dtype: string): LExpr {
  const info = dtypeInfo(dtype);
  const bits = BigInt(info?.bits ?? 32);
  const of = (value: number | bigint): LExpr => ({ kind: 'const', dtype, value });
  if (op === 'sum') return zeroOf(dtype);
  if (op === 'prod') return of(bits === 64n && !isFloat(dtype) ? 1n : 1);
  if (isFloat(dtype)) return of(op === 'max' ? -Infinity : Infinity);
  const signed = info?.code === 'int';
  const least = signed ? -(1n << (bits - 1n)) : 0n;
  const most = signed ? (1n << (bits - 1n)) - 1n : (1n << bits) - 1n;
  const value = op === 'max' ? least : most;
  return of(bits === 64n ? value : Number(value));
}
