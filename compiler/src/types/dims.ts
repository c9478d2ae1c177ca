/**
 * Symbolic dimensions in canonical form: a constant and a multiple of each term that is no sum. Two dimensions with the
 * same form are equal whatever their names stand for. Names are sizes, so nothing is known of them but that they are
 * integers.
 */
import { mapType } from './substitute.ts';
import { constantDim, type Dim, type DimExpr, type Type } from './type.ts';

interface Term {
  readonly dim: Dim;
  readonly factor: bigint;
}
interface Form {
  readonly terms: ReadonlyMap<string, Term>;
  readonly constant: bigint;
}

const noTerms: ReadonlyMap<string, Term> = new Map();
const constantForm = (constant: bigint): Form => ({ terms: noTerms, constant });

/** The form of a dimension; undefined where a `?` is in it, of which no two are known to be equal. */
function formOf(dim: Dim): Form | undefined {
  const value = constantDim(dim);
  if (value !== undefined) return constantForm(BigInt(value));
  if (typeof dim === 'number' || dim.kind === 'any' || dim.kind === 'int64') return undefined;
  if (dim.kind === 'var') return atom(`v${dim.id}`, dim);
  if (dim.op === 'other') return atom(`other ${dim.text}`, dim);
  if (dim.op === '+' || dim.op === '-') return formOfSum(dim);
  const [left, right] = dim.operands;
  const a = left === undefined ? undefined : formOf(left);
  const b = right === undefined ? undefined : formOf(right);
  if (!a || !b) return undefined;
  switch (dim.op) {
    case '*':
      return multiply(a, b);
    case 'floordiv':
      return divide(a, b);
    case 'floormod':
      return remainder(a, b);
    case 'min':
    case 'max':
      return extreme(dim.op, a, b);
  }
}

/** Sums lean left and may be long. */
function formOfSum(dim: DimExpr): Form | undefined {
  const parts: { readonly part: Dim | undefined; readonly sign: bigint }[] = [];
  let current: Dim = dim;
  while (typeof current !== 'number' && current.kind === 'expr' && (current.op === '+' || current.op === '-')) {
    parts.push({ part: current.operands[1], sign: current.op === '+' ? 1n : -1n });
    const [left] = current.operands as readonly [Dim, Dim];
    current = left;
  }
  let sum = formOf(current);
  for (let next = parts.pop(); next && sum; next = parts.pop()) {
    const form = next.part === undefined ? undefined : formOf(next.part);
    sum = form && add(sum, form, next.sign);
  }
  return sum;
}

function atom(key: string, dim: Dim): Form {
  return { terms: new Map([[key, { dim, factor: 1n }]]), constant: 0n };
}

function scale(form: Form, factor: bigint): Form {
  if (factor === 0n) return constantForm(0n);
  const terms = new Map([...form.terms].map(([key, term]) => [key, { dim: term.dim, factor: term.factor * factor }]));
  return { terms, constant: form.constant * factor };
}

function add(a: Form, b: Form, sign: bigint): Form {
  const terms = new Map(a.terms);
  for (const [key, term] of b.terms) {
    const factor = (terms.get(key)?.factor ?? 0n) + sign * term.factor;
    if (factor === 0n) terms.delete(key);
    else terms.set(key, { dim: term.dim, factor });
  }
  return { terms, constant: a.constant + sign * b.constant };
}

function keyOf(form: Form): string {
  const parts = [...form.terms].map(([key, term]) => `${term.factor}${key}`).sort();
  return `${parts.join('+')}+${form.constant}`;
}

/** The only term of a form without a constant. */
function single(form: Form): Term | undefined {
  const [term] = form.terms.values();
  return form.terms.size === 1 && form.constant === 0n ? term : undefined;
}

function multiply(a: Form, b: Form): Form {
  if (a.terms.size === 0) return scale(b, a.constant);
  if (b.terms.size === 0) return scale(a, b.constant);
  const x = single(a);
  const y = single(b);
  const factor = (x?.factor ?? 1n) * (y?.factor ?? 1n);
  const factors = [...factorsOf(x ? x.dim : dimOfForm(a)), ...factorsOf(y ? y.dim : dimOfForm(b))];
  const keyed = factors.map((dim) => ({ dim, key: keyOf(formOf(dim) ?? constantForm(0n)) }));
  keyed.sort((p, q) => (p.key < q.key ? -1 : p.key > q.key ? 1 : 0));
  const product = keyed.map(({ dim }) => dim).reduce((left, right): Dim => expr('*', left, right));
  return scale(atom(`*(${keyed.map(({ key }) => key).join()})`, product), factor);
}

/** The factors of a product of terms. */
function factorsOf(dim: Dim): readonly Dim[] {
  if (typeof dim === 'number' || dim.kind !== 'expr' || dim.op !== '*') return [dim];
  return dim.operands.flatMap(factorsOf);
}

const mod = (a: bigint, b: bigint): bigint => ((a % b) + b) % b;
function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? (a < 0n ? -a : a) : gcd(b, a % b);
}

/** The multiples of `by` in a form, divided by it, and what is left, with a constant from 0 to `by` − 1. */
function split(form: Form, by: bigint): { readonly quotient: Form; readonly rest: Form } {
  const whole = new Map<string, Term>();
  const rest = new Map<string, Term>();
  for (const [key, { dim, factor }] of form.terms)
    if (factor % by === 0n) whole.set(key, { dim, factor: factor / by });
    else rest.set(key, { dim, factor });
  const left = mod(form.constant, by);
  return {
    quotient: { terms: whole, constant: (form.constant - left) / by },
    rest: { terms: rest, constant: left },
  };
}

function divide(a: Form, b: Form): Form | undefined {
  if (b.terms.size > 0) {
    if (keyOf(a) === keyOf(b)) return constantForm(1n);
    return atom(`floordiv(${keyOf(a)},${keyOf(b)})`, expr('floordiv', dimOfForm(a), dimOfForm(b)));
  }
  const by = b.constant;
  if (by === 0n) return undefined;
  if (by < 0n) return divide(scale(a, -1n), constantForm(-by));
  const { quotient, rest } = split(a, by);
  if (rest.terms.size === 0) return quotient;
  return add(quotient, divideRest(rest, by), 1n);
}

/** floor((g·x + c) / (g·k)) = floor((x + floor(c / g)) / k), and floor((floor(x / m) + c) / k) = floor((x + c·m) / (m·k)). */
function divideRest(rest: Form, by: bigint): Form {
  let common = by;
  for (const { factor } of rest.terms.values()) common = gcd(common, factor);
  const terms = new Map([...rest.terms].map(([key, { dim, factor }]) => [key, { dim, factor: factor / common }]));
  const form: Form = { terms, constant: (rest.constant - mod(rest.constant, common)) / common };
  const divisor = by / common;
  const [inner] = form.terms.values();
  if (form.terms.size === 1 && inner?.factor === 1n && typeof inner.dim !== 'number' && inner.dim.kind === 'expr') {
    const [numerator, denominator] = inner.dim.operands;
    const m = inner.dim.op === 'floordiv' && denominator !== undefined ? constantDim(denominator) : undefined;
    const x = m === undefined || numerator === undefined ? undefined : formOf(numerator);
    if (m !== undefined && x) {
      const by = constantForm(BigInt(m) * divisor);
      const joined = divide(add(x, constantForm(form.constant * BigInt(m)), 1n), by);
      if (joined) return joined;
    }
  }
  const denominator = numberDim(divisor);
  return atom(`floordiv(${keyOf(form)},${divisor})`, expr('floordiv', dimOfForm(form), denominator));
}

function remainder(a: Form, b: Form): Form | undefined {
  if (b.terms.size > 0) return atom(`floormod(${keyOf(a)},${keyOf(b)})`, expr('floormod', dimOfForm(a), dimOfForm(b)));
  const by = b.constant;
  if (by === 0n) return undefined;
  const { rest } = split(a, by < 0n ? -by : by);
  if (rest.terms.size === 0 && by > 0n) return constantForm(rest.constant);
  return atom(`floormod(${keyOf(rest)},${by})`, expr('floormod', dimOfForm(rest), numberDim(by)));
}

function extreme(op: 'min' | 'max', a: Form, b: Form): Form {
  const difference = add(a, b, -1n);
  if (difference.terms.size === 0) return (op === 'max') === difference.constant >= 0n ? a : b;
  const keys = [keyOf(a), keyOf(b)].sort();
  return atom(`${op}(${keys.join()})`, expr(op, dimOfForm(a), dimOfForm(b)));
}

function expr(op: DimExpr['op'], left: Dim, right: Dim): DimExpr {
  return { kind: 'expr', op, operands: [left, right] };
}

function numberDim(value: bigint): Dim {
  const n = Number(value);
  return Number.isSafeInteger(n) ? n : { kind: 'int64', value };
}

/** The dimension that a form says, as a person would write it: `n * 2 + 1`, `n - 3`. */
function dimOfForm(form: Form): Dim {
  const sorted = [...form.terms.values()].sort((a, b) => Number(a.factor < 0n) - Number(b.factor < 0n));
  let result: Dim | undefined;
  for (const { dim, factor } of sorted) {
    const size = factor < 0n ? -factor : factor;
    const part: Dim = size === 1n ? dim : expr('*', dim, numberDim(size));
    if (result === undefined) result = factor < 0n ? expr('*', dim, numberDim(factor)) : part;
    else result = expr(factor < 0n ? '-' : '+', result, part);
  }
  if (result === undefined) return numberDim(form.constant);
  if (form.constant === 0n) return result;
  return form.constant < 0n
    ? expr('-', result, numberDim(-form.constant))
    : expr('+', result, numberDim(form.constant));
}

/** Whether two dimensions are the same whatever their names stand for. */
export function provablyEqual(a: Dim, b: Dim): boolean {
  const difference = differenceOf(a, b);
  return difference !== undefined && difference.terms.size === 0 && difference.constant === 0n;
}

/** Whether two dimensions differ whatever their names stand for. */
export function provablyDifferent(a: Dim, b: Dim): boolean {
  const difference = differenceOf(a, b);
  return difference !== undefined && difference.terms.size === 0 && difference.constant !== 0n;
}

function differenceOf(a: Dim, b: Dim): Form | undefined {
  const x = formOf(a);
  const y = x && formOf(b);
  return x && y && add(x, y, -1n);
}

/**
 * The value of one of the names that `may` be solved which makes both sides equal: `n` is 4 where `n * 2 + 1` meets 9.
 * Undefined where no name stands alone as a multiple, or the division leaves a remainder.
 */
export function solveDims(
  a: Dim,
  b: Dim,
  may: (id: number) => boolean,
): { readonly id: number; readonly value: Dim } | undefined {
  const difference = differenceOf(a, b);
  if (!difference) return undefined;
  for (const [key, { dim, factor }] of difference.terms) {
    if (typeof dim === 'number' || dim.kind !== 'var' || !may(dim.id)) continue;
    const terms = new Map([...difference.terms].filter(([other]) => other !== key));
    // factor · name + rest = 0
    const rest = scale({ terms, constant: difference.constant }, factor < 0n ? 1n : -1n);
    const by = factor < 0n ? -factor : factor;
    const { quotient, rest: left } = split(rest, by);
    if (left.terms.size > 0 || left.constant !== 0n || [...terms.values()].some((term) => mentions(term.dim, dim.id)))
      continue;
    return { id: dim.id, value: dimOfForm(quotient) };
  }
  return undefined;
}

function mentions(dim: Dim, id: number): boolean {
  if (typeof dim === 'number') return false;
  if (dim.kind === 'var') return dim.id === id;
  return dim.kind === 'expr' && dim.operands.some((operand) => mentions(operand, id));
}

/** `n + 1 - 1` as `n`, `floordiv(n + 4, 2)` as `floordiv(n, 2) + 2`. The same object when nothing is simpler. */
export function simplifyDim(dim: Dim): Dim {
  if (typeof dim === 'number' || dim.kind !== 'expr' || dim.op === 'other') return dim;
  const form = formOf(dim);
  return form ? dimOfForm(form) : dim;
}

/** The type with its symbolic dimensions simplified; the same object when there are none. */
export function simplifyType(type: Type): Type {
  return mapType(type, () => undefined, simplifyDim);
}
