/** Linear forms over terms: constant + Σ factor · atom, in int32 (which wraps) or over the reals. */
import type { DType } from '../tensor/dtype.ts';
import type { Part, Term } from './term.ts';

export interface Linear {
  readonly constant: number;
  readonly parts: readonly Part[];
}

/** The form of a term; an atom is one times itself. */
export function linearOf(t: Term): Linear {
  if (t.kind === 'linear') return t;
  if (t.kind === 'const') return { constant: Number(t.value), parts: [] };
  return { constant: 0, parts: [{ factor: 1, atom: t }] };
}

function wrap(value: number, dtype: DType): number {
  return dtype === 'int32' ? value | 0 : value;
}

export function addLinear(a: Linear, b: Linear, dtype: DType = 'int32'): Linear {
  const parts: Part[] = [];
  let [i, j] = [0, 0];
  while (i < a.parts.length || j < b.parts.length) {
    const [p, q] = [a.parts[i], b.parts[j]];
    if (p !== undefined && (q === undefined || p.atom.number < q.atom.number)) {
      parts.push(p);
      i++;
    } else if (q !== undefined && (p === undefined || q.atom.number < p.atom.number)) {
      parts.push(q);
      j++;
    } else if (p !== undefined && q !== undefined) {
      const factor = wrap(p.factor + q.factor, dtype);
      if (factor !== 0) parts.push({ factor, atom: p.atom });
      i++;
      j++;
    }
  }
  return { constant: wrap(a.constant + b.constant, dtype), parts };
}

export function scaleLinear(a: Linear, by: number, dtype: DType = 'int32'): Linear {
  const times = (n: number): number => (dtype === 'int32' ? Math.imul(n, by) : n * by);
  const parts = a.parts.map((p) => ({ factor: times(p.factor), atom: p.atom })).filter((p) => p.factor !== 0);
  return { constant: times(a.constant), parts };
}

/** The simplest term for a form. */
export function fromLinear(
  form: Linear,
  dtype: DType,
  make: { constant(value: number): Term; node(constant: number, parts: readonly Part[]): Term },
): Term {
  const [only] = form.parts;
  if (only === undefined) return make.constant(form.constant);
  if (form.parts.length === 1 && form.constant === 0 && only.factor === 1 && only.atom.dtype === dtype)
    return only.atom;
  return make.node(form.constant, form.parts);
}

/** form = divisor · quotient + rest, with all that the divisor divides in the quotient. */
export function divideLinear(form: Linear, divisor: number): { readonly quotient: Linear; readonly rest: Linear } {
  const whole = form.parts.filter((p) => p.factor % divisor === 0);
  const rest = form.parts.filter((p) => p.factor % divisor !== 0);
  const carried = Math.floor(form.constant / divisor);
  const split: Linear = {
    constant: carried,
    parts: whole.map((p) => ({ factor: p.factor / divisor, atom: p.atom })),
  };
  return { quotient: split, rest: { constant: form.constant - carried * divisor, parts: rest } };
}

export interface Range {
  readonly low: number;
  readonly high: number;
}

const unknown: Range = { low: -(2 ** 31), high: 2 ** 31 - 1 };

/** Bounds of an int32 term that is used as an index; the whole of int32 where they cannot be told. */
export function rangeOf(t: Term): Range {
  if (t.dtype !== 'int32') return unknown;
  switch (t.kind) {
    case 'axis':
      return { low: 0, high: t.extent - 1 };
    case 'const':
      return { low: Number(t.value), high: Number(t.value) };
    case 'floordiv': {
      const { low, high } = rangeOf(t.dividend);
      return { low: Math.floor(low / t.divisor), high: Math.floor(high / t.divisor) };
    }
    case 'linear':
      return within(linearRange(t, 4));
    default:
      return unknown;
  }
}

/** A sum that may leave int32 may wrap, and then nothing is known. */
function within(range: Range): Range {
  return range.low < unknown.low || range.high > unknown.high ? unknown : range;
}

function linearRange(form: Linear, tries: number): Range {
  let low = form.constant;
  let high = form.constant;
  for (const { factor, atom } of form.parts) {
    const r = rangeOf(atom);
    low += factor > 0 ? factor * r.low : factor * r.high;
    high += factor > 0 ? factor * r.high : factor * r.low;
  }
  if (tries === 0) return { low, high };
  // x − c·⌊x/c⌋ is a remainder: between 0 and c − 1, which bounds taken apart do not show.
  for (const { factor, atom } of form.parts) {
    if (atom.kind !== 'floordiv' || factor >= 0 || factor % atom.divisor !== 0) continue;
    const times = -factor / atom.divisor;
    const remainder = addLinear(linearOf(atom.dividend), { constant: 0, parts: [{ factor: -atom.divisor, atom }] });
    const rest = addLinear(form, scaleLinear(remainder, -times));
    if (rest.parts.length >= form.parts.length) continue;
    const outer = linearRange(rest, tries - 1);
    low = Math.max(low, outer.low);
    high = Math.min(high, outer.high + times * (atom.divisor - 1));
  }
  return { low, high };
}
