/** Subscripts as sums of loop variables with constant factors: what legality checks reason about. */
import { add, ix, mul } from './build.ts';
import type { LExpr, LoopVar } from './ir.ts';

/** `constant + Σ factor · variable`. Factors are never 0. */
export interface Affine {
  readonly constant: number;
  readonly terms: ReadonlyMap<LoopVar, number>;
}

/** The values of a set of loop variables: each runs from 0 to extent − 1. */
export type Extents = ReadonlyMap<LoopVar, number>;

/** The affine form of a subscript; undefined when it is none. */
export function affineOf(e: LExpr): Affine | undefined {
  switch (e.kind) {
    case 'const':
      return { constant: Number(e.value), terms: new Map() };
    case 'loopvar':
      return { constant: 0, terms: new Map([[e, 1]]) };
    case 'cast':
      return e.dtype === 'index' || e.dtype === 'int32' ? affineOf(e.operand) : undefined;
    case 'binary': {
      const [left, right] = [affineOf(e.left), affineOf(e.right)];
      if (!left || !right) return undefined;
      if (e.op === 'add') return plus(left, right, 1);
      if (e.op === 'sub') return plus(left, right, -1);
      if (e.op !== 'mul') return undefined;
      if (left.terms.size === 0) return times(right, left.constant);
      return right.terms.size === 0 ? times(left, right.constant) : undefined;
    }
    default:
      return undefined;
  }
}

/** `a + sign · b`. */
export function plus(a: Affine, b: Affine, sign: number): Affine {
  const terms = new Map(a.terms);
  for (const [v, factor] of b.terms) {
    const sum = (terms.get(v) ?? 0) + sign * factor;
    if (sum === 0) terms.delete(v);
    else terms.set(v, sum);
  }
  return { constant: a.constant + sign * b.constant, terms };
}

function times(a: Affine, by: number): Affine {
  if (by === 0) return { constant: 0, terms: new Map() };
  return { constant: a.constant * by, terms: new Map([...a.terms].map(([v, f]) => [v, f * by])) };
}

/** The subscript of an affine form; factors from large to small, as a row-major position is written. */
export function expressionOf(a: Affine): LExpr {
  let e: LExpr = ix(0);
  const terms = [...a.terms].sort(([, f], [, g]) => Math.abs(g) - Math.abs(f));
  for (const [v, factor] of terms) e = add(e, mul(v, factor));
  return add(e, a.constant);
}

/** Whether two forms are equal term by term. */
export function sameAffine(a: Affine, b: Affine): boolean {
  return a.constant === b.constant && a.terms.size === b.terms.size && [...a.terms].every(([v, f]) => b.terms.get(v) === f);
} // prettier-ignore

/** The part over the given variables, without the constant, and the rest. */
export function parted(a: Affine, over: (v: LoopVar) => boolean): { readonly part: Affine; readonly rest: Affine } {
  const [inside, outside] = [new Map<LoopVar, number>(), new Map<LoopVar, number>()];
  for (const [v, f] of a.terms) (over(v) ? inside : outside).set(v, f);
  return { part: { constant: 0, terms: inside }, rest: { constant: a.constant, terms: outside } };
}

/** Least and greatest value; undefined when a variable's extent is not known. */
export function rangeOf(a: Affine, extents: Extents): { readonly low: number; readonly high: number } | undefined {
  let [low, high] = [a.constant, a.constant];
  for (const [v, factor] of a.terms) {
    const extent = extents.get(v);
    if (extent === undefined) return undefined;
    const reach = factor * (extent - 1);
    if (reach < 0) low += reach;
    else high += reach;
  }
  return { low, high };
}

/**
 * Whether different values of `over` always give different elements, whatever the other variables of `extents` are:
 * each factor steps over all that smaller ones can reach.
 */
export function isInjective(a: Affine, over: readonly LoopVar[], extents: Extents): boolean {
  const moving = new Set(over);
  const { part: inner } = parted(a, (v) => !moving.has(v) && extents.has(v));
  const range = rangeOf(inner, extents);
  if (!range) return false;
  // Where all variables together give each element once, those of `over` do.
  return (
    stepsOver(a, over, extents, range.high - range.low + 1) ||
    stepsOver(a, [...over, ...inner.terms.keys()], extents, 1)
  );
}

function stepsOver(a: Affine, over: readonly LoopVar[], extents: Extents, first: number): boolean {
  let span = first;
  const steps = over
    .map((v) => ({ factor: Math.abs(a.terms.get(v) ?? 0), extent: extents.get(v) ?? 1 }))
    .filter((s) => s.extent > 1)
    .sort((x, y) => x.factor - y.factor);
  for (const { factor, extent } of steps) {
    if (factor < span) return false;
    span += factor * (extent - 1);
  }
  return true;
}
