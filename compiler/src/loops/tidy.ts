/**
 * Brings lowered loops into a form that C says well: arithmetic of booleans as logic; no integers compared with
 * themselves, no unsigned values compared with what they can never be (compilers warn), no locals that nothing reads.
 */
import { integerRange, isFloat } from '../tensor/dtype.ts';
import type { CompareOp } from '../tensor/te.ts';
import type { LExpr, Local, Pointer, Stmt } from './ir.ts';
import { typeOfExpr } from './ir.ts';
import { mapStatement, mapSubstatements, sameExpression } from './map.ts';
import { expressionsOf, operands, substatements } from './visit.ts';

/** The same loops without them. Parts in which nothing changes stay the same objects. */
export function tidy(root: Stmt): Stmt {
  return withoutUnused(mapStatement(root, fold));
}

function fold(e: LExpr): LExpr {
  if (e.kind === 'select' && e.condition.kind === 'const')
    return Number(e.condition.value) !== 0 ? e.then : e.otherwise;
  if (e.kind === 'binary' && e.dtype === 'bool') return booleans(e);
  if (e.kind === 'cast') return withoutDetour(e);
  if (e.kind === 'unary' && (e.op === 'neg' || e.op === 'abs') && typeOfExpr(e.operand) === 'bool') return e.operand;
  if (e.kind === 'unary' && e.op === 'abs' && (rangeOf(e.operand)?.min ?? -1n) >= 0n) return e.operand;
  if (e.kind !== 'compare') return e;
  const type = typeOfExpr(e.left);
  if (type !== 'index' && isFloat(type)) return e;
  if (sameExpression(e.left, e.right)) return bool(e.op === 'eq' || e.op === 'le' || e.op === 'ge');
  const value = e.right.kind === 'const' ? outOfRange(e.op, rangeOf(e.left), e.right.value) : undefined;
  return value === undefined ? e : bool(value);
}

/** A small integer turned into a float and back is itself. */
function withoutDetour(e: Extract<LExpr, { kind: 'cast' }>): LExpr {
  const inner = e.operand;
  if (inner.kind !== 'cast' || (inner.dtype !== 'float32' && inner.dtype !== 'float64')) return e;
  const from = typeOfExpr(inner.operand);
  return from === e.dtype && /^u?int(8|16)$/.test(from) ? inner.operand : e;
}

/** Arithmetic of one bit: sums and differences wrap, so they are exclusive or; C would make every sum 1. */
function booleans(e: Extract<LExpr, { kind: 'binary' }>): LExpr {
  const { left, right } = e;
  switch (e.op) {
    case 'add':
    case 'sub':
    case 'xor':
      return sameExpression(left, right) ? bool(false) : { ...e, op: 'xor' };
    case 'mul':
    case 'min':
    case 'and':
      return settled(left, right, false) ?? { ...e, op: 'and' };
    case 'max':
    case 'or':
      return settled(left, right, true) ?? { ...e, op: 'or' };
    case 'pow':
    case 'atan2':
      return e;
    default: {
      const dtype = 'uint8';
      const wide = (operand: LExpr): LExpr => ({ kind: 'cast', dtype, operand });
      const byte: LExpr = { kind: 'binary', op: e.op, dtype, left: wide(left), right: wide(right) };
      const one: LExpr = { kind: 'const', dtype, value: 1 };
      return { kind: 'cast', dtype: 'bool', operand: { kind: 'binary', op: 'and', dtype, left: byte, right: one } };
    }
  }
}

/** Two conditions of which one is a constant; `decisive`: the value that decides, whatever the other is. */
function settled(left: LExpr, right: LExpr, decisive: boolean): LExpr | undefined {
  for (const [known, other] of [[left, right], [right, left]] as const)
    if (known.kind === 'const') return (Number(known.value) !== 0) === decisive ? bool(decisive) : other;
  return undefined;
} // prettier-ignore

function bool(value: boolean): LExpr {
  return { kind: 'const', dtype: 'bool', value: value ? 1 : 0 };
}

interface Range {
  readonly min: bigint;
  readonly max: bigint;
}

/** All values of an integer expression by its type, or by the narrower type that it was widened from. */
function rangeOf(e: LExpr): Range | undefined {
  const own = integerRange(typeOfExpr(e));
  const from = e.kind === 'cast' ? rangeOf(e.operand) : undefined;
  return own && from && from.min >= own.min && from.max <= own.max ? from : own;
}

/** What `x op bound` is for every x in the range, where it is the same for all. */
function outOfRange(op: CompareOp, range: Range | undefined, bound: number | bigint): boolean | undefined {
  if (!range) return undefined;
  const at = BigInt(bound);
  if (op === 'lt' || op === 'ge') return at <= range.min ? op === 'ge' : at > range.max ? op === 'lt' : undefined;
  if (op === 'gt' || op === 'le') return at >= range.max ? op === 'le' : at < range.min ? op === 'gt' : undefined;
  return at < range.min || at > range.max ? op === 'ne' : undefined;
}

/**
 * Drops locals that nothing reads but their own assignments, pointers at which nothing is read or written, and the loops
 * and branches that are empty then. Locals declared elsewhere stay.
 */
function withoutUnused(root: Stmt): Stmt {
  for (let at = root; ;) {
    const used = new Set<Local | Pointer>();
    const declared = new Set<Local>();
    let assigned: Local | undefined;
    const expression = (e: LExpr): void => {
      if (e.kind === 'local' && e !== assigned) used.add(e);
      if (e.kind === 'deref') used.add(e.pointer);
      operands(e).forEach(expression);
    };
    const statement = (s: Stmt): void => {
      if (s.kind === 'declare') declared.add(s.local);
      assigned = s.kind === 'assign' ? s.local : undefined;
      if (s.kind === 'store_via') used.add(s.pointer);
      if (s.kind === 'perform') {
        s.results.forEach((r) => used.add(r));
        if (s.at) used.add(s.at.pointer);
      }
      expressionsOf(s).forEach(expression);
      substatements(s).forEach(statement);
    };
    statement(at);
    const next = without(at, (s) => {
      if (s.kind === 'declare') return !used.has(s.local);
      if (s.kind === 'assign') return declared.has(s.local) && !used.has(s.local);
      if (s.kind === 'for' || s.kind === 'if') return substatements(s).every(isEmpty);
      return (s.kind === 'point' || s.kind === 'advance') && !used.has(s.pointer);
    });
    if (next === at) return at;
    at = next;
  }
}

/** A statement without some of those in its blocks. */
function without(s: Stmt, drop: (s: Stmt) => boolean): Stmt {
  if (s.kind === 'block' && s.body.some(drop)) return without({ ...s, body: s.body.filter((b) => !drop(b)) }, drop);
  return mapSubstatements(s, (b) => (b.kind !== 'block' && drop(b) ? { kind: 'block', body: [] } : without(b, drop)));
}

function isEmpty(s: Stmt): boolean {
  return s.kind === 'block' && s.body.every(isEmpty);
}
