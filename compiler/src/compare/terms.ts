/**
 * Scalar terms in a canonical form, one object each: what a program computes for one element of its result. Index
 * arithmetic is kept as linear forms, so that two ways to reach an element become one term; all rules are exact
 * unless `real` allows those that hold over the real numbers only.
 */
import { isFloat } from '../tensor/dtype.ts';
import type { DType } from '../tensor/dtype.ts';
import { addLinear, divideLinear, fromLinear, linearOf, rangeOf, scaleLinear } from './linear.ts';
import type { Linear } from './linear.ts';
import type { Term } from './term.ts';

type Draft = Term extends infer T ? (T extends Term ? Omit<T, 'number' | 'height' | 'depth'> : never) : never;

/** Raised when a proof grows beyond its budget; caught by whoever asked for it. */
export class TooLarge extends Error {}

const commuting: ReadonlySet<string> = new Set(['add', 'mul', 'and', 'or', 'xor', 'eq', 'ne']);
const associating: ReadonlySet<string> = new Set(['add', 'mul', 'and', 'or', 'xor']);
/** Commute and associate on integers; NaN makes them care for order on floats. */
const lattice: ReadonlySet<string> = new Set(['min', 'max']);
const mirrored: Readonly<Record<string, string>> = { gt: 'lt', ge: 'le' };

/** The table of terms; equal terms are one object. */
export class Terms {
  private readonly table = new Map<string, Term>();
  readonly real: boolean;
  private readonly limit: number;

  constructor(options: { readonly real: boolean; readonly limit: number }) {
    this.real = options.real;
    this.limit = options.limit;
  }

  axis(level: number, place: number, extent: number): Term {
    return extent === 1 ? this.integer(0) : this.node({ kind: 'axis', dtype: 'int32', level, place, extent });
  }

  constant(value: number | bigint, dtype: DType): Term {
    return this.node({ kind: 'const', dtype, value });
  }

  integer(value: number): Term {
    return this.constant(value, 'int32');
  }

  load(tensor: string, dtype: DType, indices: readonly Term[]): Term {
    return this.node({ kind: 'load', dtype, tensor, indices });
  }

  /** A reduction whose axes stand in `body` as axes of level `height` of `body` plus one. */
  reduce(op: string, dtype: DType, extents: readonly number[], body: Term, init?: Term): Term {
    return this.node({ kind: 'reduce', dtype, op, extents, body, ...(init && { init }) });
  }

  /** Whether sums and multiples of this dtype are kept as linear forms. */
  isLinear(dtype: DType): boolean {
    return dtype === 'int32' || (this.real && isFloat(dtype));
  }

  /** An operator of tensor expressions on terms, in the dtype of the result. */
  apply(op: string, dtype: DType, args: readonly Term[]): Term {
    const [a, b] = args;
    if (a === undefined) return this.plain(op, dtype, args);
    if (op in mirrored && b !== undefined) return this.apply(mirrored[op] ?? op, dtype, [b, a]);
    if (op === 'cast' && a.kind === 'const' && isSmall(a.value, dtype)) return this.constant(Number(a.value), dtype);
    if (args.length === 1 && a.kind === 'apply' && a.op === 'select') return this.distribute(op, dtype, a.args);
    if (op === 'select') return this.select(dtype, a, b ?? a, args[2] ?? a);
    if (b !== undefined) {
      const folded = this.fold(op, dtype, a, b);
      if (folded !== undefined) return folded;
    }
    if (op === 'neg' && this.isLinear(dtype)) return this.linear(dtype, scaleLinear(linearOf(a), -1, dtype));
    if (this.real && op === 'sigmoid') return this.logistic(dtype, a);
    if (this.real && op === 'rsqrt') return this.apply('recip', dtype, [this.apply('sqrt', dtype, [a])]);
    const exact = !isFloat(dtype) || this.real;
    if ((associating.has(op) || lattice.has(op)) && exact) return this.chain(op, dtype, args);
    const sorted = commuting.has(op) ? [...args].sort(byNumber) : args;
    return this.plain(op, dtype, sorted);
  }

  /** An operator on a choice is the choice of two results. */
  private distribute(op: string, dtype: DType, choice: readonly Term[]): Term {
    const [condition, ...branches] = choice;
    const [then, otherwise] = branches.map((branch) => this.apply(op, dtype, [branch]));
    if (condition === undefined || then === undefined || otherwise === undefined) throw new Error('a select has three');
    return this.select(dtype, condition, then, otherwise);
  }

  private plain(op: string, dtype: DType, args: readonly Term[]): Term {
    return this.node({ kind: 'apply', dtype, op, args });
  }

  /** A linear form as a term: a constant, an atom, or the form itself. */
  linear(dtype: DType, form: Linear): Term {
    return fromLinear(form, dtype, {
      constant: (value) => this.constant(value, dtype),
      node: (constant, parts) => this.node({ kind: 'linear', dtype, constant, parts }),
    });
  }

  floordiv(dividend: Term, divisor: number): Term {
    const { quotient, rest } = divideLinear(linearOf(dividend), divisor);
    const remaining = this.linear('int32', rest);
    const range = rangeOf(remaining);
    if (range.low >= 0 && range.high < divisor) return this.linear('int32', quotient);
    const [inner, by] =
      remaining.kind === 'floordiv' && remaining.divisor * divisor < 2 ** 31
        ? [remaining.dividend, remaining.divisor * divisor]
        : [remaining, divisor];
    const floor = this.node({ kind: 'floordiv', dtype: 'int32', dividend: inner, divisor: by });
    return this.linear('int32', addLinear(quotient, linearOf(floor)));
  }

  /** The term with other terms for its axes of one level. */
  substitute(root: Term, level: number, replacements: readonly Term[]): Term {
    const done = new Map<Term, Term>();
    const mentioned = new Map<Term, boolean>();
    const tallest = Math.max(0, ...replacements.map((r) => r.height));
    const mentions = (t: Term): boolean => {
      const known = mentioned.get(t);
      if (known !== undefined) return known;
      const result = t.kind === 'axis' ? t.level === level : operandsOf(t).some(mentions);
      mentioned.set(t, result);
      return result;
    };
    const visit = (t: Term): Term => {
      if (!mentions(t)) return t;
      const known = done.get(t);
      if (known !== undefined) return known;
      // An index that itself reduces would mix up its axes with those of a reduction around it.
      if (t.kind === 'reduce' && tallest > 0) throw new TooLarge();
      const result = t.kind === 'axis' ? (replacements[t.place] ?? t) : this.rebuild(t, operandsOf(t).map(visit));
      done.set(t, result);
      return result;
    };
    return visit(root);
  }

  private rebuild(t: Term, operands: readonly Term[]): Term {
    const first = operands[0] ?? t;
    switch (t.kind) {
      case 'linear': {
        let form: Linear = { constant: t.constant, parts: [] };
        t.parts.forEach((p, i) => {
          const part = scaleLinear(linearOf(operands[i] ?? p.atom), p.factor, t.dtype);
          form = addLinear(form, part, t.dtype);
        });
        return this.linear(t.dtype, form);
      }
      case 'floordiv':
        return this.floordiv(first, t.divisor);
      case 'load':
        return this.load(t.tensor, t.dtype, operands);
      case 'apply':
        return this.apply(t.op, t.dtype, operands);
      case 'reduce':
        return this.reduce(t.op, t.dtype, t.extents, first, operands[1]);
      default:
        return t;
    }
  }

  private select(dtype: DType, condition: Term, then: Term, otherwise: Term): Term {
    if (condition.kind === 'const') return Number(condition.value) !== 0 ? then : otherwise;
    if (then === otherwise) return then;
    return this.node({ kind: 'apply', dtype, op: 'select', args: [condition, then, otherwise] });
  }

  /** 1 / (1 + exp(−x)). */
  private logistic(dtype: DType, x: Term): Term {
    const power = this.apply('exp', dtype, [this.apply('neg', dtype, [x])]);
    return this.apply('recip', dtype, [this.apply('add', dtype, [this.constant(1, dtype), power])]);
  }

  private fold(op: string, dtype: DType, a: Term, b: Term): Term | undefined {
    if (this.isLinear(dtype)) {
      if (op === 'add') return this.linear(dtype, addLinear(linearOf(a), linearOf(b), dtype));
      if (op === 'sub') return this.linear(dtype, addLinear(linearOf(a), scaleLinear(linearOf(b), -1, dtype), dtype));
      if (op === 'mul' && b.kind === 'const')
        return this.linear(dtype, scaleLinear(linearOf(a), Number(b.value), dtype));
      if (op === 'mul' && a.kind === 'const')
        return this.linear(dtype, scaleLinear(linearOf(b), Number(a.value), dtype));
    }
    // Both round the same real number where the reciprocal is exact.
    if (op === 'div' && isFloat(dtype) && b.kind === 'const' && isPowerOfTwo(Number(b.value)))
      return this.apply('mul', dtype, [a, this.constant(1 / Number(b.value), dtype)]);
    if (this.real && op === 'div' && isFloat(dtype))
      return b.kind === 'const'
        ? this.apply('mul', dtype, [a, this.constant(1 / Number(b.value), dtype)])
        : this.apply('mul', dtype, [a, this.apply('recip', dtype, [b])]);
    if (dtype === 'int32' && b.kind === 'const' && Number(b.value) > 0) {
      const divisor = Number(b.value);
      const whole = op === 'floordiv' || (op === 'truncdiv' && rangeOf(a).low >= 0);
      if (whole) return this.floordiv(a, divisor);
      const remainder = op === 'floormod' || (op === 'truncmod' && rangeOf(a).low >= 0);
      if (remainder) {
        const multiple = scaleLinear(linearOf(this.floordiv(a, divisor)), -divisor);
        return this.linear('int32', addLinear(linearOf(a), multiple));
      }
    }
    if ((op === 'and' || op === 'or') && dtype === 'bool') {
      const known = a.kind === 'const' ? a : b.kind === 'const' ? b : undefined;
      if (known !== undefined) return (Number(known.value) !== 0) === (op === 'and') ? (known === a ? b : a) : known;
    }
    const neutral = op === 'mul' || op === 'div' ? 1 : op === 'add' || op === 'sub' ? 0 : undefined;
    if (neutral !== undefined && b.kind === 'const' && Number(b.value) === neutral) return a;
    if ((op === 'add' || op === 'mul') && a.kind === 'const' && Number(a.value) === neutral) return b;
    return a.dtype === 'int32' ? this.foldComparison(op, a, b) : undefined;
  }

  private foldComparison(op: string, a: Term, b: Term): Term | undefined {
    if (op !== 'lt' && op !== 'le' && op !== 'eq' && op !== 'ne') return undefined;
    const [x, y] = [rangeOf(a), rangeOf(b)];
    const truth = (value: boolean): Term => this.constant(value ? 1 : 0, 'bool');
    if (op === 'lt' || op === 'le') {
      const strict = op === 'lt' ? 0 : 1;
      if (x.high < y.low + strict) return truth(true);
      if (x.low >= y.high + strict) return truth(false);
      // With small enough ranges, a < b is a + 1 ≤ b, and both sides may be moved.
      const safe = [x.low, x.high, y.low, y.high].every((n) => Math.abs(n) < 2 ** 29);
      if (!safe) return undefined;
      const gap = addLinear(linearOf(b), scaleLinear(linearOf(a), -1));
      const moved = this.linear('int32', { ...gap, constant: gap.constant - (1 - strict) });
      return this.node({ kind: 'apply', dtype: 'bool', op: 'nonnegative', args: [moved] });
    }
    if (x.high < y.low || y.high < x.low) return truth(op === 'ne');
    return a === b ? truth(op === 'eq') : undefined;
  }

  /** Nested calls of one associative operator as one, operands sorted. */
  private chain(op: string, dtype: DType, args: readonly Term[]): Term {
    const flat = args.flatMap((a) => (a.kind === 'apply' && a.op === op && a.dtype === dtype ? a.args : [a]));
    if (flat.length > 4096) throw new TooLarge();
    const once = op === 'and' || op === 'or' || lattice.has(op) ? [...new Set(flat)] : flat;
    if (once.length === 1 && once[0] !== undefined) return once[0];
    return this.node({ kind: 'apply', dtype, op, args: once.sort(byNumber) });
  }

  private node(draft: Draft): Term {
    const key = keyOf(draft);
    const known = this.table.get(key);
    if (known !== undefined) return known;
    if (this.table.size >= this.limit) throw new TooLarge();
    const operands = operandsOf(draft as Term);
    let height = draft.kind === 'reduce' ? 1 : 0;
    let depth = 0;
    for (const o of operands) {
      height = Math.max(height, o.height + (draft.kind === 'reduce' ? 1 : 0));
      depth = Math.max(depth, o.depth + 1);
    }
    // Terms are walked by recursion.
    if (depth > 1200) throw new TooLarge();
    const term = { ...draft, number: this.table.size, height, depth } as Term;
    this.table.set(key, term);
    return term;
  }
}

/** An integer that every number type of at least 8 bits holds. */
function isSmall(value: number | bigint, dtype: DType): boolean {
  const n = Number(value);
  return Number.isInteger(n) && n >= 0 && n < 128 && typeof value === 'number' && !/64|bool/.test(dtype);
}

function isPowerOfTwo(x: number): boolean {
  const exponent = Math.log2(Math.abs(x));
  return Number.isInteger(exponent) && Math.abs(exponent) < 100;
}

function byNumber(a: Term, b: Term): number {
  return a.number - b.number;
}

/** The terms that a term is made of. */
function operandsOf(t: Term): readonly Term[] {
  switch (t.kind) {
    case 'axis':
    case 'const':
      return [];
    case 'linear':
      return t.parts.map((p) => p.atom);
    case 'floordiv':
      return [t.dividend];
    case 'load':
      return t.indices;
    case 'apply':
      return t.args;
    case 'reduce':
      return t.init === undefined ? [t.body] : [t.body, t.init];
  }
}

function keyOf(d: Draft): string {
  const list = (terms: readonly Term[]): string => terms.map((t) => t.number).join(' ');
  switch (d.kind) {
    case 'axis':
      return `axis ${d.level} ${d.place} ${d.extent}`;
    case 'const':
      // NaN is one value; 0 and −0 count as one.
      return `const ${d.dtype} ${String(d.value)}`;
    case 'linear':
      return `linear ${d.dtype} ${d.constant} ${d.parts.map((p) => `${p.factor}*${p.atom.number}`).join(' ')}`;
    case 'floordiv':
      return `floordiv ${d.dividend.number} ${d.divisor}`;
    case 'load':
      return `load ${d.tensor} ${list(d.indices)}`;
    case 'apply':
      return `${d.op} ${d.dtype} ${list(d.args)}`;
    case 'reduce':
      return `reduce ${d.op} ${d.dtype} ${d.extents.join('x')} ${d.body.number} ${d.init?.number ?? ''}`;
  }
}
