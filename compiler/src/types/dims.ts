/** Symbolic dimensions: equality and simplification by their linear form (a multiple of each term, and a constant). */
import { constantDim, type Dim, type DimExpr, type Type } from './type.ts';
import { mapType } from './substitute.ts';

interface Term {
  readonly dim: Dim;
  readonly factor: bigint;
}
interface Linear {
  readonly terms: ReadonlyMap<string, Term>;
  readonly constant: bigint;
}

function linear(dim: Dim): Linear | undefined {
  const value = constantDim(dim);
  if (value !== undefined) return { terms: new Map(), constant: BigInt(value) };
  if (typeof dim === 'number' || dim.kind === 'any' || dim.kind === 'int64') return undefined;
  if (dim.kind === 'expr' && dim.op !== 'other') {
    const [left, right] = dim.operands;
    const a = left === undefined ? undefined : linear(left);
    const b = right === undefined ? undefined : linear(right);
    if (!a || !b) return undefined;
    if (dim.op === '+') return add(a, b, 1n);
    if (dim.op === '-') return add(a, b, -1n);
    if (dim.op === '*') {
      if (a.terms.size === 0) return scale(b, a.constant);
      if (b.terms.size === 0) return scale(a, b.constant);
    }
  }
  const key = keyOf(dim);
  return key === undefined ? undefined : { terms: new Map([[key, { dim, factor: 1n }]]), constant: 0n };
}

function scale(form: Linear, factor: bigint): Linear {
  if (factor === 0n) return { terms: new Map(), constant: 0n };
  const terms = new Map([...form.terms].map(([key, term]) => [key, { dim: term.dim, factor: term.factor * factor }]));
  return { terms, constant: form.constant * factor };
}

function add(a: Linear, b: Linear, sign: bigint): Linear {
  const terms = new Map(a.terms);
  for (const [key, term] of b.terms) {
    const factor = (terms.get(key)?.factor ?? 0n) + sign * term.factor;
    if (factor === 0n) terms.delete(key);
    else terms.set(key, { dim: term.dim, factor });
  }
  return { terms, constant: a.constant + sign * b.constant };
}

function keyOf(dim: Dim): string | undefined {
  if (typeof dim === 'number' || dim.kind === 'any' || dim.kind === 'int64') return undefined;
  if (dim.kind === 'var') return `v${dim.id}`;
  if (dim.op === 'other') return `other ${dim.text}`;
  const keys = dim.operands.map(formKey);
  if (keys.includes(undefined)) return undefined;
  const commutes = dim.op === '*' || dim.op === 'min' || dim.op === 'max';
  return `${dim.op}(${(commutes ? keys.sort() : keys).join()})`;
}

function formKey(dim: Dim): string | undefined {
  const form = linear(dim);
  if (!form) return undefined;
  const parts = [...form.terms].map(([key, term]) => `${term.factor}${key}`).sort();
  return `${parts.join('+')}+${form.constant}`;
}

/** Whether two dimensions are the same whatever their names stand for. */
export function provablyEqual(a: Dim, b: Dim): boolean {
  const x = linear(a);
  const y = linear(b);
  if (!x || !y) return false;
  const difference = add(x, y, -1n);
  return difference.terms.size === 0 && difference.constant === 0n;
}

/** `n + 1 - 1` as `n`; terms that are not sums stay as they are. */
export function simplifyDim(dim: Dim): Dim {
  if (typeof dim === 'number' || dim.kind !== 'expr' || (dim.op !== '+' && dim.op !== '-')) return dim;
  const form = linear(dim);
  if (!form) return dim;
  let result: Dim | undefined;
  for (const { dim: term, factor } of form.terms.values()) {
    const size = factor < 0n ? -factor : factor;
    const part: Dim = size === 1n ? term : { kind: 'expr', op: '*', operands: [term, Number(size)] };
    if (result === undefined) result = factor < 0n ? { kind: 'expr', op: '*', operands: [term, Number(factor)] } : part;
    else result = { kind: 'expr', op: factor < 0n ? '-' : '+', operands: [result, part] };
  }
  const constant = Number(form.constant);
  if (result === undefined) return constant;
  if (constant === 0) return result;
  const op: DimExpr['op'] = constant < 0 ? '-' : '+';
  return { kind: 'expr', op, operands: [result, Math.abs(constant)] };
}

/** The type with its symbolic dimensions simplified; the same object when there are none. */
export function simplifyType(type: Type): Type {
  return mapType(type, () => undefined, simplifyDim);
}
