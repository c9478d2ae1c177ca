/**
 * Brings lowered loops into a form that C says well: arithmetic of booleans as logic; no integers compared with
 * themselves, no unsigned values compared with what they can never be (compilers warn), no locals that nothing reads.
 */
import { integerRange, isFloat } from '../tensor/dtype.ts';
import type { CompareOp } from '../tensor/te.ts';
import type { LExpr, Local, Stmt } from './ir.ts';
import { typeOfExpr } from './ir.ts';
import { expressionsOf, operands, substatements } from './visit.ts';

/** The same loops without them. Parts in which nothing changes stay the same objects. */
export function tidy(root: Stmt): Stmt {
  const folded = mapStatement(root, fold);
  return folded === root ? root : withoutUnused(folded);
}

function fold(e: LExpr): LExpr {
  if (e.kind === 'select' && e.condition.kind === 'const')
    return Number(e.condition.value) !== 0 ? e.then : e.otherwise;
  if (e.kind === 'binary' && e.dtype === 'bool') return booleans(e);
  if (e.kind === 'unary' && (e.op === 'neg' || e.op === 'abs') && typeOfExpr(e.operand) === 'bool') return e.operand;
  if (e.kind !== 'compare') return e;
  const type = typeOfExpr(e.left);
  if (type !== 'index' && isFloat(type)) return e;
  if (same(e.left, e.right)) return bool(e.op === 'eq' || e.op === 'le' || e.op === 'ge');
  const value = e.right.kind === 'const' ? outOfRange(e.op, type, e.right.value) : undefined;
  return value === undefined ? e : bool(value);
}

/** Arithmetic of one bit: sums and differences wrap, so they are exclusive or; C would make every sum 1. */
function booleans(e: Extract<LExpr, { kind: 'binary' }>): LExpr {
  const { left, right } = e;
  switch (e.op) {
    case 'add':
    case 'sub':
    case 'xor':
      return same(left, right) ? bool(false) : { ...e, op: 'xor' };
    case 'mul':
    case 'min':
    case 'and':
      return { ...e, op: 'and' };
    case 'max':
    case 'or':
      return { ...e, op: 'or' };
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

function bool(value: boolean): LExpr {
  return { kind: 'const', dtype: 'bool', value: value ? 1 : 0 };
}

/** What `x op bound` is for every x of the type, where it is the same for all. */
function outOfRange(op: CompareOp, type: string, bound: number | bigint): boolean | undefined {
  const range = integerRange(type);
  if (!range) return undefined;
  const at = BigInt(bound);
  if (op === 'lt' || op === 'ge') return at <= range.min ? op === 'ge' : at > range.max ? op === 'lt' : undefined;
  if (op === 'gt' || op === 'le') return at >= range.max ? op === 'le' : at < range.min ? op === 'gt' : undefined;
  return at < range.min || at > range.max ? op === 'ne' : undefined;
}

function same(a: LExpr, b: LExpr): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind) return false;
  const [x, y] = [operands(a), operands(b)];
  if (x.length !== y.length || !x.every((e, i) => same(e, y[i] as LExpr))) return false;
  if (typeOfExpr(a) !== typeOfExpr(b)) return false;
  switch (a.kind) {
    case 'const':
      return b.kind === 'const' && a.value === b.value;
    case 'load':
      return b.kind === 'load' && a.buffer === b.buffer;
    case 'deref':
      return b.kind === 'deref' && a.pointer === b.pointer;
    case 'binary':
    case 'compare':
    case 'unary':
      return 'op' in b && a.op === b.op;
    case 'intrinsic':
      return b.kind === 'intrinsic' && a.name === b.name;
    case 'local':
    case 'loopvar':
      return false;
    default:
      return true;
  }
}

type Change = (e: LExpr) => LExpr;

function mapExpression(e: LExpr, change: Change): LExpr {
  const next = (o: LExpr): LExpr => mapExpression(o, change);
  let out: LExpr = e;
  switch (e.kind) {
    case 'load': {
      const index = next(e.index);
      if (index !== e.index) out = { ...e, index };
      break;
    }
    case 'deref': {
      const offset = next(e.offset);
      if (offset !== e.offset) out = { ...e, offset };
      break;
    }
    case 'binary':
    case 'compare': {
      const [left, right] = [next(e.left), next(e.right)];
      if (left !== e.left || right !== e.right) out = { ...e, left, right };
      break;
    }
    case 'unary':
    case 'cast':
    case 'bitcast': {
      const operand = next(e.operand);
      if (operand !== e.operand) out = { ...e, operand };
      break;
    }
    case 'select': {
      const [condition, then, otherwise] = [next(e.condition), next(e.then), next(e.otherwise)];
      if (condition !== e.condition || then !== e.then || otherwise !== e.otherwise)
        out = { ...e, condition, then, otherwise };
      break;
    }
    case 'intrinsic': {
      const args = e.args.map(next);
      if (args.some((a, i) => a !== e.args[i])) out = { ...e, args };
      break;
    }
    default:
  }
  return change(out);
}

function mapStatement(s: Stmt, change: Change): Stmt {
  const ex = (e: LExpr): LExpr => mapExpression(e, change);
  switch (s.kind) {
    case 'block': {
      const body = s.body.map((b) => mapStatement(b, change));
      return body.some((b, i) => b !== s.body[i]) ? { ...s, body } : s;
    }
    case 'for': {
      const [extent, body] = [ex(s.extent), mapStatement(s.body, change)];
      return extent !== s.extent || body !== s.body ? { ...s, extent, body } : s;
    }
    case 'if': {
      const [condition, then] = [ex(s.condition), mapStatement(s.then, change)];
      const otherwise = s.otherwise && mapStatement(s.otherwise, change);
      if (condition === s.condition && then === s.then && otherwise === s.otherwise) return s;
      return { kind: 'if', condition, then, ...(otherwise ? { otherwise } : {}) };
    }
    case 'declare':
    case 'assign': {
      const value = ex(s.value);
      return value === s.value ? s : { ...s, value };
    }
    case 'store': {
      const [index, value] = [ex(s.index), ex(s.value)];
      return index === s.index && value === s.value ? s : { ...s, index, value };
    }
    default:
      return s;
  }
}

/** Drops declarations of locals that no expression reads and no statement assigns. */
function withoutUnused(root: Stmt): Stmt {
  for (let at = root; ;) {
    const read = new Set<Local>();
    const expression = (e: LExpr): void => {
      if (e.kind === 'local') read.add(e);
      operands(e).forEach(expression);
    };
    const statement = (s: Stmt): void => {
      if (s.kind === 'assign') read.add(s.local);
      if (s.kind === 'perform') s.results.forEach((r) => read.add(r));
      expressionsOf(s).forEach(expression);
      substatements(s).forEach(statement);
    };
    statement(at);
    const next = dropDeclarations(at, read);
    if (next === at) return at;
    at = next;
  }
}

function dropDeclarations(s: Stmt, read: ReadonlySet<Local>): Stmt {
  switch (s.kind) {
    case 'block': {
      const kept = s.body.filter((b) => b.kind !== 'declare' || read.has(b.local));
      const body = kept.map((b) => dropDeclarations(b, read));
      return body.length === s.body.length && body.every((b, i) => b === s.body[i]) ? s : { ...s, body };
    }
    case 'for': {
      const body = dropDeclarations(s.body, read);
      return body === s.body ? s : { ...s, body };
    }
    case 'if': {
      const then = dropDeclarations(s.then, read);
      const otherwise = s.otherwise && dropDeclarations(s.otherwise, read);
      if (then === s.then && otherwise === s.otherwise) return s;
      return { kind: 'if', condition: s.condition, then, ...(otherwise ? { otherwise } : {}) };
    }
    default:
      return s;
  }
}
