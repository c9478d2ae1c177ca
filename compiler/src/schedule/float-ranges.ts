/**
 * Ranges of the values in a kernel, floats above all: its statements are followed with intervals in the place of
 * values, loops for as many turns as it takes until nothing changes. What has no interval may be anything, also no
 * number. Rounding is monotonous, so ends that are rounded like values bound them.
 */
import type { LExpr, Local, ScalarType, Stmt } from '../loops/ir.ts';
import { typeOfExpr } from '../loops/ir.ts';
import type { Buffer, LoweredKernel } from '../loops/kernel.ts';
import { operands } from '../loops/visit.ts';
import { integerRange, isFloat } from '../tensor/dtype.ts';

export interface Interval {
  readonly min: number;
  readonly max: number;
}

type Known = Interval | undefined;

/** What is known of locals, and of buffers by all that was stored in them so far. */
type State = Map<Local | Buffer, Known>;

/** Turns that are followed one by one; what still changes then may be anything. */
const mostTurns = 1024;

/** Statements that are followed in all. */
const mostSteps = 50_000;

/** The interval of each expression of a kernel over all turns. */
export function rangesIn(kernel: LoweredKernel): (e: LExpr) => Known {
  const found = new Map<LExpr, Known>();
  const owned = new Set<Buffer>(kernel.scratch);
  const walk = new Walk(found, owned);
  walk.statement(kernel.body, new Map());
  return (e) => (walk.steps > mostSteps ? undefined : found.get(e));
}

class Walk {
  steps = 0;
  private readonly found: Map<LExpr, Known>;
  private readonly owned: ReadonlySet<Buffer>;
  constructor(found: Map<LExpr, Known>, owned: ReadonlySet<Buffer>) {
    this.found = found;
    this.owned = owned;
  }

  statement(s: Stmt, state: State): void {
    if (++this.steps > mostSteps) return;
    switch (s.kind) {
      case 'block':
        return s.body.forEach((b) => this.statement(b, state));
      case 'for':
        return this.loop(s, state);
      case 'if': {
        this.value(s.condition, state);
        const otherwise: State = new Map(state);
        this.statement(s.then, state);
        if (s.otherwise) this.statement(s.otherwise, otherwise);
        for (const key of new Set([...state.keys(), ...otherwise.keys()]))
          state.set(key, joined(state, otherwise, key));
        return;
      }
      case 'declare':
      case 'assign':
        state.set(s.local, this.value(s.value, state));
        return;
      case 'store': {
        const value = this.value(s.value, state);
        state.set(s.buffer, state.has(s.buffer) ? hull(state.get(s.buffer), value) : value);
        return;
      }
      case 'point':
        // Its elements may be written as others.
        state.set(s.pointer.buffer, undefined);
        return;
      case 'store_via':
        this.value(s.value, state);
        state.set(s.pointer.buffer, undefined);
        return;
      case 'perform':
        s.results.forEach((r) => state.set(r, undefined));
        if (s.at) state.set(s.at.pointer.buffer, undefined);
        return;
      default:
    }
  }

  private loop(s: Extract<Stmt, { kind: 'for' }>, state: State): void {
    const turns = s.extent.kind === 'const' ? Number(s.extent.value) : Infinity;
    for (let turn = 0; turn < turns; turn++) {
      const before = new Map(state);
      if (turn === mostTurns || turns === Infinity) for (const key of writtenIn(s.body)) state.set(key, undefined);
      this.statement(s.body, state);
      if (turn >= mostTurns || turns === Infinity) {
        // Whatever came before may still stand, after no turn at all.
        for (const key of writtenIn(s.body)) state.set(key, undefined);
        return;
      }
      if ([...state].every(([key, value]) => before.has(key) && same(before.get(key), value))) return;
    }
  }

  private value(e: LExpr, state: State): Known {
    const own = rangeOfType(typeOfExpr(e));
    const computed = this.computed(e, state);
    const value = computed && own && (computed.min < own.min || computed.max > own.max) ? own : (computed ?? own);
    this.found.set(e, this.found.has(e) ? hull(this.found.get(e), value) : value);
    return value;
  }

  private computed(e: LExpr, state: State): Known {
    switch (e.kind) {
      case 'const':
        return interval(Number(e.value), Number(e.value));
      case 'local':
        return state.get(e);
      case 'load':
        this.value(e.index, state);
        return this.owned.has(e.buffer) ? state.get(e.buffer) : undefined;
      case 'binary': {
        const [a, b] = [this.value(e.left, state), this.value(e.right, state)];
        const result = a && b && isFollowed(e.op, e.dtype) ? combined(e.op, a, b) : undefined;
        return result && rounded(result, e.dtype);
      }
      case 'unary': {
        const x = this.value(e.operand, state);
        return e.op === 'exp' && e.dtype === 'float32' && x ? exponential(x) : undefined;
      }
      case 'cast': {
        const x = this.value(e.operand, state);
        // Wrapped or cut values are left to the type.
        return x && !isFloatType(typeOfExpr(e.operand)) ? rounded(x, e.dtype) : undefined;
      }
      case 'select': {
        this.value(e.condition, state);
        return hull(this.value(e.then, state), this.value(e.otherwise, state));
      }
      default:
        operands(e).forEach((o) => this.value(o, state));
        return undefined;
    }
  }
}

const isFloatType = (type: ScalarType): boolean => type !== 'index' && isFloat(type);

/** Integers divide by rules of their own, and those of 64 bits have more digits than ends here. */
const isFollowed = (op: string, type: ScalarType): boolean =>
  type === 'index' || isFloat(type) || (op !== 'div' && !type.endsWith('64'));

function interval(min: number, max: number): Known {
  return Number.isFinite(min) && Number.isFinite(max) ? { min, max } : undefined;
}

function rangeOfType(type: ScalarType): Known {
  if (type === 'bool') return { min: 0, max: 1 };
  const range = isFloatType(type) ? undefined : integerRange(type === 'index' ? 'int32' : type);
  return range && { min: Number(range.min), max: Number(range.max) };
}

function rounded(x: Interval, type: ScalarType): Known {
  if (type === 'float32') return interval(Math.fround(x.min), Math.fround(x.max));
  return type === 'float16' || type === 'bfloat16' ? undefined : x;
}

function combined(op: string, a: Interval, b: Interval): Known {
  const over = (f: (x: number, y: number) => number): Known => {
    const ends = [f(a.min, b.min), f(a.min, b.max), f(a.max, b.min), f(a.max, b.max)];
    return interval(Math.min(...ends), Math.max(...ends));
  };
  switch (op) {
    case 'add':
      return interval(a.min + b.min, a.max + b.max);
    case 'sub':
      return interval(a.min - b.max, a.max - b.min);
    case 'mul':
      return over((x, y) => x * y);
    case 'div':
      return b.min > 0 || b.max < 0 ? over((x, y) => x / y) : undefined;
    case 'min':
      return interval(Math.min(a.min, b.min), Math.min(a.max, b.max));
    case 'max':
      return interval(Math.max(a.min, b.min), Math.max(a.max, b.max));
    default:
      return undefined;
  }
}

/** Relative error that exponentials are allowed here; those of `emit/float-functions.ts` have less. */
const error = 1e-6;

function exponential(x: Interval): Known {
  const least = x.min < -86 ? 0 : Math.exp(x.min) * (1 - error);
  return interval(Math.fround(least), Math.fround(Math.exp(x.max) * (1 + error)));
}

function hull(a: Known, b: Known): Known {
  return a && b && { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

/** What holds after either of two ways; what only one of them set is never read where it was not. */
function joined(a: State, b: State, key: Local | Buffer): Known {
  if (!a.has(key)) return b.get(key);
  return b.has(key) ? hull(a.get(key), b.get(key)) : a.get(key);
}

function same(a: Known, b: Known): boolean {
  return a?.min === b?.min && a?.max === b?.max;
}

/** Locals and buffers that code changes. */
function writtenIn(root: Stmt): Set<Local | Buffer> {
  const found = new Set<Local | Buffer>();
  const visit = (s: Stmt): void => {
    if (s.kind === 'declare' || s.kind === 'assign') found.add(s.local);
    else if (s.kind === 'store') found.add(s.buffer);
    else if (s.kind === 'point' || s.kind === 'store_via') found.add(s.pointer.buffer);
    else if (s.kind === 'perform') {
      s.results.forEach((r) => found.add(r));
      if (s.at) found.add(s.at.pointer.buffer);
    } else if (s.kind === 'block') s.body.forEach(visit);
    else if (s.kind === 'for') visit(s.body);
    else if (s.kind === 'if') [s.then, ...(s.otherwise ? [s.otherwise] : [])].forEach(visit);
  };
  visit(root);
  return found;
}
