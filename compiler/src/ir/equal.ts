/** Structural equality: same program up to names of local variables and origins. Sharing counts. */
import type { NDArray } from '../tensor/ndarray.ts';
import { printType } from '../types/print.ts';
import type { Attrs, Expr, IRModule, IRPattern, Var } from './expr.ts';
import { bindersOf, childrenOf } from './visit.ts';
import { canonicalJson } from '../operators/attribute-text.ts';

/** Same dtype, shape and bits (NaN equals NaN; 0 and −0 differ). */
export function equalArrays(a: NDArray, b: NDArray): boolean {
  if (a === b) return true;
  if (a.dtype !== b.dtype || a.shape.length !== b.shape.length || a.data.length !== b.data.length) return false;
  for (let i = 0; i < a.shape.length; i++) if (a.shape[i] !== b.shape[i]) return false;
  for (let i = 0; i < a.data.length; i++) if (!Object.is(a.data[i], b.data[i])) return false;
  return true;
}

/** Equal attribute values; the order of keys does not count. */
function equalAttrs(a: Attrs, b: Attrs): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/**
 * Whether `a` and `b` are the same expression: bound variables correspond, free variables are identical, and a node
 * shared in one is shared in the other (leaves apart).
 */
export function structurallyEqual(a: Expr, b: Expr): boolean {
  const forth = new Map<Expr, Expr>();
  const back = new Map<Expr, Expr>();
  const pairVariables = (x: readonly Var[], y: readonly Var[]): boolean =>
    x.length === y.length &&
    x.every((v, i) => {
      const w = y[i];
      if (w === undefined || printType(v.type) !== printType(w.type)) return false;
      forth.set(v, w);
      back.set(w, v);
      return true;
    });
  const stack: [Expr, Expr][] = [[a, b]];
  for (let pair = stack.pop(); pair !== undefined; pair = stack.pop()) {
    const [x, y] = pair;
    const known = forth.get(x);
    const reverse = back.get(y);
    if (known !== undefined || reverse !== undefined) {
      if (known !== y || reverse !== x) return false;
      continue;
    }
    if (!sameHead(x, y)) return false;
    if (x.kind === 'var') {
      if (x !== y) return false;
      continue;
    }
    if (!isLeaf(x)) {
      forth.set(x, y);
      back.set(y, x);
    }
    if (!pairVariables(bindersOf(x), bindersOf(y))) return false;
    const xs = childrenOf(x);
    const ys = childrenOf(y);
    if (xs.length !== ys.length) return false;
    for (let i = xs.length - 1; i >= 0; i--) {
      const [p, q] = [xs[i], ys[i]];
      if (p !== undefined && q !== undefined) stack.push([p, q]);
    }
  }
  return true;
}

function isLeaf(e: Expr): boolean {
  return e.kind === 'constant' || e.kind === 'op' || e.kind === 'global' || e.kind === 'constructor';
}

function sameHead(x: Expr, y: Expr): boolean {
  if (x.kind !== y.kind) return false;
  switch (x.kind) {
    case 'global':
    case 'op':
    case 'constructor':
      return y.kind === x.kind && x.name === y.name;
    case 'constant':
      return y.kind === 'constant' && equalArrays(x.value, y.value);
    case 'call':
      return y.kind === 'call' && equalAttrs(x.attrs, y.attrs);
    case 'get':
      return y.kind === 'get' && x.index === y.index;
    case 'func':
      return y.kind === 'func' && equalAttrs(x.attrs, y.attrs) && x.typeParams.length === y.typeParams.length;
    case 'match':
      return (
        y.kind === 'match' &&
        x.complete === y.complete &&
        x.clauses.length === y.clauses.length &&
        x.clauses.every((c, i) => samePattern(c.pattern, y.clauses[i]?.pattern))
      );
    default:
      return true;
  }
}

function samePattern(x: IRPattern, y: IRPattern | undefined): boolean {
  if (y === undefined || x.kind !== y.kind) return false;
  if (x.kind === 'wildcard' || x.kind === 'var') return true;
  if (y.kind !== 'constructor' && y.kind !== 'tuple') return false;
  if (x.kind === 'constructor' && (y.kind !== 'constructor' || x.constructor_ !== y.constructor_)) return false;
  return x.fields.length === y.fields.length && x.fields.every((f, i) => samePattern(f, y.fields[i]));
}

/** Same global functions and types under the same names. */
export function modulesEqual(a: IRModule, b: IRModule): boolean {
  if (a.functions.size !== b.functions.size || a.types.size !== b.types.size) return false;
  for (const [name, f] of a.functions) {
    const g = b.functions.get(name);
    if (g === undefined || !structurallyEqual(f, g)) return false;
  }
  for (const [name, t] of a.types) {
    const u = b.types.get(name);
    if (u === undefined || u.constructors.length !== t.constructors.length) return false;
    if (t.constructors.some((c, i) => c.name !== u.constructors[i]?.name)) return false;
  }
  return true;
}
