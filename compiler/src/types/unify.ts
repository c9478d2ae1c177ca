/**
 * Unification (relay-language reference, section 4.5). A placeholder is bound to a type. A tensor type that meets a
 * wider one (`?` for a constant) is forwarded to the wider type, by identity, as TVM's classes do.
 */
import { provablyEqual, simplifyDim, solveDims } from './dims.ts';
import { equalDims } from './equal.ts';
import { dimVarsOf, freshDimId, freshIncomplete, instantiate, mapType, someType, substitute } from './substitute.ts';
import { anyDim, constantDim } from './type.ts';
import type { Dim, DimExpr, FuncType, IncompleteType, TensorType, Type, TypeVar } from './type.ts';

/** Why two types are not the same: the innermost sides, and where inside the outer types they stand. */
export interface Mismatch {
  readonly reason: 'kind' | 'dtype' | 'rank' | 'dim' | 'arity' | 'head' | 'rigid' | 'infinite' | 'operator';
  readonly left: Type;
  readonly right: Type;
  /** For `dim`: positions that differ. */
  readonly dims?: readonly number[];
  /** Steps from the outer types: `field 1`, `parameter 0`, `result`, `content`, `argument 0`. */
  readonly path: readonly string[];
}

export type Unified = { readonly ok: true; readonly type: Type } | { readonly ok: false; readonly mismatch: Mismatch };

/** Solves placeholders and dimensions to be found; trees of types stay as they were built. */
export class Solver {
  private readonly bindings = new Map<number, Type>();
  private readonly forwards = new Map<Type, Type>();
  private readonly dimBindings = new Map<number, Dim>();
  /** Named dimensions that stand for an instantiated parameter and may be bound. */
  private readonly flexible = new Set<number>();
  private open = 0;
  private count = 0;
  private path: string[] = [];
  /** Called when a placeholder is bound. */
  onBind: ((id: number) => void) | undefined;

  /** Number of placeholders created here and not bound yet. */
  get openCount(): number {
    return this.open;
  }
  /** Number of placeholders ever created here. */
  get created(): number {
    return this.count;
  }
  /** Whether some type was widened, so that types seen earlier may read differently now. */
  get hasForwards(): boolean {
    return this.forwards.size > 0;
  }
  /** Whether some named dimension was bound. */
  get hasDims(): boolean {
    return this.dimBindings.size > 0;
  }

  fresh(): IncompleteType {
    this.open++;
    this.count++;
    return freshIncomplete();
  }

  /** A dimension to be solved. */
  freshDim(name: string, id: number): Dim {
    this.flexible.add(id);
    return { kind: 'var', name, id };
  }

  /** The representative of `type`, without looking inside. */
  find(type: Type): Type {
    let current = type;
    for (;;) {
      const next = current.kind === 'incomplete' ? this.bindings.get(current.id) : this.forwarded(current);
      if (next === undefined || next === current) return current;
      current = next;
    }
  }

  private forwarded(type: Type): Type | undefined {
    return this.forwards.size > 0 ? this.forwards.get(type) : undefined;
  }

  /** The dimension with its solved names replaced, and then simplified. */
  findDim(dim: Dim): Dim {
    let current = dim;
    while (typeof current !== 'number' && current.kind === 'var') {
      const next = this.dimBindings.get(current.id);
      if (next === undefined) return current;
      current = next;
    }
    if (typeof current === 'number' || current.kind !== 'expr' || this.dimBindings.size === 0) return current;
    const operands = current.operands.map((operand) => this.findDim(operand));
    const same = operands.every((operand, i) => operand === (current as DimExpr).operands[i]);
    return same ? current : simplifyDim({ ...current, operands });
  }

  /** The type with every part replaced by its representative, to a fixpoint. */
  resolve(type: Type): Type {
    if (type.kind === 'tensor' && !this.hasForwards && !this.hasDims) return type;
    return mapType(
      type,
      (t) => {
        const found = this.find(t);
        return found === t ? undefined : this.resolve(found);
      },
      this.dimBindings.size > 0 ? (d) => this.findDim(d) : undefined,
    );
  }

  /** Binds a placeholder without a check; `error` poisons it. */
  bind(variable: IncompleteType, type: Type): void {
    if (this.bindings.has(variable.id)) return;
    this.bindings.set(variable.id, type);
    this.open--;
    this.onBind?.(variable.id);
  }

  /** The function type with fresh placeholders for its type parameters. */
  instantiate(type: FuncType): FuncType {
    return instantiate(type, () => this.fresh());
  }

  /** The type with the dimensions that it names made solvable, as for a call of the function that declares them. */
  instantiateDims<T extends Type>(type: T): T {
    const names = dimVarsOf(type);
    if (names.size === 0) return type;
    const dims = new Map<number, Dim>();
    for (const [id, dim] of names)
      if (typeof dim !== 'number' && dim.kind === 'var' && dim.key === undefined)
        dims.set(id, this.freshDim(dim.name, freshDimId()));
    return substitute(type, { types: new Map(), dims }) as T;
  }

  /** Makes two types the same or says why they are not. Both sides are merged. */
  unify(left: Type, right: Type): Unified {
    this.path = [];
    return this.merge(left, right, true);
  }

  /** Like `unify`, but a widened result does not reach the right side's own type (call arguments). */
  unifyInto(left: Type, right: Type): Unified {
    this.path = [];
    return this.merge(left, right, false);
  }

  private fail(reason: Mismatch['reason'], left: Type, right: Type, dims?: readonly number[]): Unified {
    const mismatch = { reason, left, right, path: [...this.path], ...(dims ? { dims } : {}) };
    return { ok: false, mismatch };
  }

  private merge(left: Type, right: Type, both: boolean): Unified {
    const a = this.find(left);
    const b = this.find(right);
    if (a === b) return { ok: true, type: a };
    if (a.kind === 'error' || b.kind === 'error') {
      if (a.kind === 'incomplete') this.bind(a, b);
      if (b.kind === 'incomplete') this.bind(b, a);
      return { ok: true, type: a.kind === 'error' ? b : a };
    }
    if (a.kind === 'incomplete') return this.bindChecked(a, b);
    if (b.kind === 'incomplete') return this.bindChecked(b, a);
    const joined = this.join(a, b);
    if (joined.ok) {
      this.forward(a, joined.type);
      if (both) this.forward(b, joined.type);
    }
    return joined;
  }

  private forward(from: Type, to: Type): void {
    if (from !== to && from.kind === 'tensor' && to.kind === 'tensor' && !sameShape(from, to))
      this.forwards.set(from, to);
  }

  private bindChecked(variable: IncompleteType, type: Type): Unified {
    if (type.kind !== 'tensor' && type.kind !== 'incomplete' && this.occurs(variable, type))
      return this.fail('infinite', variable, type);
    this.bind(variable, type);
    return { ok: true, type };
  }

  private occurs(variable: IncompleteType, type: Type): boolean {
    return someType(type, (t) => {
      if (t.kind !== 'incomplete') return false;
      if (t.id === variable.id) return true;
      const bound = this.find(t);
      return bound !== t && this.occurs(variable, bound);
    });
  }

  private join(a: Type, b: Type): Unified {
    switch (a.kind) {
      case 'tensor':
        return b.kind === 'tensor' ? this.joinTensors(a, b) : this.fail('kind', a, b);
      case 'tuple': {
        if (b.kind !== 'tuple') return this.fail('kind', a, b);
        if (a.fields.length !== b.fields.length) return this.fail('arity', a, b);
        const fields = this.joinLists(a.fields, b.fields, 'field');
        if ('ok' in fields) return fields;
        return { ok: true, type: fields.same ? a : { kind: 'tuple', fields: fields.types } };
      }
      case 'func':
        return b.kind === 'func' ? this.joinFunctions(a, b) : this.fail('kind', a, b);
      case 'ref': {
        if (b.kind !== 'ref') return this.fail('kind', a, b);
        const content = this.step('content', a.content, b.content);
        if (!content.ok) return content;
        return { ok: true, type: content.type === a.content ? a : { kind: 'ref', content: content.type } };
      }
      case 'adt': {
        if (b.kind !== 'adt') return this.fail('kind', a, b);
        const heads =
          typeof a.head === 'string' || typeof b.head === 'string' ? a.head === b.head : a.head.id === b.head.id;
        if (!heads) return this.fail('head', a, b);
        if (a.args.length !== b.args.length) return this.fail('arity', a, b);
        const args = this.joinLists(a.args, b.args, 'argument');
        if ('ok' in args) return args;
        return { ok: true, type: args.same ? a : { kind: 'adt', head: a.head, args: args.types } };
      }
      case 'typevar':
        return b.kind === 'typevar' && a.id === b.id ? { ok: true, type: a } : this.fail('rigid', a, b);
      default:
        return this.fail('kind', a, b);
    }
  }

  private step(name: string, a: Type, b: Type): Unified {
    this.path.push(name);
    const result = this.merge(a, b, true);
    this.path.pop();
    return result;
  }

  private joinLists(
    a: readonly Type[],
    b: readonly Type[],
    name: string,
  ): { readonly types: readonly Type[]; readonly same: boolean } | Extract<Unified, { ok: false }> {
    const types: Type[] = [];
    let same = true;
    for (let i = 0; i < a.length; i++) {
      const left = a[i] as Type;
      const joined = this.step(`${name} ${i}`, left, b[i] as Type);
      if (!joined.ok) return joined;
      if (joined.type !== left) same = false;
      types.push(joined.type);
    }
    return { types, same };
  }

  private joinTensors(a: TensorType, b: TensorType): Unified {
    if (a.dtype !== b.dtype) return this.fail('dtype', a, b);
    if (a.shape.length !== b.shape.length) return this.fail('rank', a, b);
    let shape: Dim[] | undefined;
    const wrong: number[] = [];
    for (let i = 0; i < a.shape.length; i++) {
      const x = a.shape[i] as Dim;
      const y = b.shape[i] as Dim;
      if (x === y) {
        shape?.push(x);
        continue;
      }
      const dim = this.joinDims(x, y);
      if (dim === undefined) {
        wrong.push(i);
        continue;
      }
      if (dim !== x) shape ??= a.shape.slice(0, i);
      shape?.push(dim);
    }
    if (wrong.length > 0) return this.fail('dim', a, b, wrong);
    return { ok: true, type: shape ? { kind: 'tensor', shape, dtype: a.dtype } : a };
  }

  private joinDims(left: Dim, right: Dim): Dim | undefined {
    const x = this.findDim(left);
    const y = this.findDim(right);
    if (equalDims(x, y)) return x;
    if (typeof x !== 'number' && x.kind === 'any') return anyDim;
    if (typeof y !== 'number' && y.kind === 'any') return anyDim;
    if (this.bindDim(x, y)) return y;
    if (this.bindDim(y, x)) return x;
    const m = constantDim(x);
    const n = constantDim(y);
    if (m !== undefined && n !== undefined) return BigInt(m) === BigInt(n) ? x : undefined;
    if (provablyEqual(x, y)) return x;
    const solved = this.flexible.size > 0 ? solveDims(x, y, (id) => this.flexible.has(id)) : undefined;
    if (!solved) return undefined;
    this.dimBindings.set(solved.id, solved.value);
    return this.findDim(x);
  }

  private bindDim(variable: Dim, value: Dim): boolean {
    if (typeof variable === 'number' || variable.kind !== 'var' || !this.flexible.has(variable.id)) return false;
    this.dimBindings.set(variable.id, value);
    return true;
  }

  private joinFunctions(a: FuncType, b: FuncType): Unified {
    if (a.params.length !== b.params.length) return this.fail('arity', a, b);
    let left = a;
    let right = b;
    let typeParams: readonly TypeVar[] = [];
    if (a.typeParams.length > 0 || b.typeParams.length > 0) {
      // The side with more parameters is renamed to the other's; what is left over becomes placeholders.
      if (a.typeParams.length <= b.typeParams.length) {
        typeParams = a.typeParams;
        right = this.renameTo(b, typeParams);
        left = { ...a, typeParams: [] };
      } else {
        typeParams = b.typeParams;
        left = this.renameTo(a, typeParams);
        right = { ...b, typeParams: [] };
      }
    }
    const ret = this.step('result', left.ret, right.ret);
    if (!ret.ok) return ret;
    const params = this.joinLists(left.params, right.params, 'parameter');
    if ('ok' in params) return params;
    if (left === a && params.same && ret.type === left.ret) return { ok: true, type: a };
    return { ok: true, type: { kind: 'func', params: params.types, ret: ret.type, typeParams } };
  }

  private renameTo(type: FuncType, names: readonly TypeVar[]): FuncType {
    let i = 0;
    return instantiate(type, () => names[i++] ?? this.fresh());
  }
}

function sameShape(a: TensorType, b: TensorType): boolean {
  return a.shape.every((dim, i) => equalDims(dim, b.shape[i] as Dim));
}
