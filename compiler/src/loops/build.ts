/** Short forms for writing loop IR by hand, with the neutral cases of subscript arithmetic folded. */
import type { DType } from '../tensor/dtype.ts';
import type { BinaryOp } from '../tensor/te.ts';
import type { LExpr, Local, LoopVar, Pointer, ScalarType, Stmt } from './ir.ts';
import { typeOfExpr } from './ir.ts';
import type { Buffer } from './kernel.ts';

type Value = LExpr | number;

/** A subscript constant from a number. */
export function ix(value: Value): LExpr {
  return typeof value === 'number' ? { kind: 'const', dtype: 'index', value } : value;
}
export function i32(value: number): LExpr {
  return { kind: 'const', dtype: 'int32', value };
}

function foldIndex(op: BinaryOp, l: LExpr, r: LExpr): LExpr | undefined {
  const a = l.kind === 'const' ? Number(l.value) : undefined;
  const b = r.kind === 'const' ? Number(r.value) : undefined;
  if (a !== undefined && b !== undefined) {
    if (op === 'add') return ix(a + b);
    if (op === 'sub') return ix(a - b);
    if (op === 'mul') return ix(a * b);
    if ((op === 'floordiv' || op === 'truncdiv') && b > 0 && a >= 0) return ix(Math.floor(a / b));
    if ((op === 'floormod' || op === 'truncmod') && b > 0 && a >= 0) return ix(a % b);
  }
  if (b === 0 && (op === 'add' || op === 'sub')) return l;
  if (a === 0 && op === 'add') return r;
  if (b === 1 && (op === 'mul' || op === 'floordiv' || op === 'truncdiv')) return l;
  if (a === 1 && op === 'mul') return r;
  if ((a === 0 || b === 0) && op === 'mul') return ix(0);
  if (b === 1 && (op === 'floormod' || op === 'truncmod')) return ix(0);
  return undefined;
}

/** Arithmetic in the type of `left`; a number takes the other side's type. */
export function bin(op: BinaryOp, left: Value, right: Value): LExpr {
  const dtype: ScalarType =
    typeof left !== 'number' ? typeOfExpr(left) : typeof right !== 'number' ? typeOfExpr(right) : 'index';
  const lift = (v: Value): LExpr => (typeof v === 'number' ? { kind: 'const', dtype, value: v } : v);
  const l = lift(left);
  const r = lift(right);
  if (dtype === 'index') {
    const folded = foldIndex(op, l, r);
    if (folded) return folded;
  }
  return { kind: 'binary', op, dtype, left: l, right: r };
}
export const add = (a: Value, b: Value): LExpr => bin('add', a, b);
export const sub = (a: Value, b: Value): LExpr => bin('sub', a, b);
export const mul = (a: Value, b: Value): LExpr => bin('mul', a, b);

export function load(buffer: Buffer, index: Value): LExpr {
  return { kind: 'load', buffer, index: ix(index) };
}
export function deref(pointer: Pointer, offset: Value): LExpr {
  return { kind: 'deref', pointer, offset: ix(offset) };
}
export function cast(dtype: ScalarType, operand: LExpr): LExpr {
  return typeOfExpr(operand) === dtype ? operand : { kind: 'cast', dtype, operand };
}
/** A one-result instruction on int32 values. */
export function intr(name: string, ...args: readonly LExpr[]): LExpr {
  return { kind: 'intrinsic', name, args, dtype: 'int32' };
}
/** a · b + acc in float32, rounded once. */
export function fma(a: LExpr, b: LExpr, acc: LExpr): LExpr {
  return { kind: 'intrinsic', name: 'fma', args: [a, b, acc], dtype: 'float32' };
}

export function local(name: string, dtype: ScalarType = 'int32'): Local {
  return { kind: 'local', name, dtype };
}
export function pointer(name: string, buffer: Buffer, dtype: DType): Pointer {
  return { kind: 'pointer', name, buffer, dtype };
}
export function buffer(name: string, dtype: DType, length: number, align = 4): Buffer {
  return { name, dtype, length, align };
}

export function block(...body: readonly (Stmt | readonly Stmt[])[]): Stmt {
  const flat = body.flat();
  const only = flat[0];
  return flat.length === 1 && only !== undefined ? only : { kind: 'block', body: flat };
}
/** A loop; a single turn is written without one. */
export function loop(name: string, extent: Value, body: (i: LExpr) => Stmt, unroll = false): Stmt {
  if (extent === 1) return { kind: 'block', body: [body(ix(0))] };
  const variable: LoopVar = { kind: 'loopvar', name };
  return { kind: 'for', variable, extent: ix(extent), unroll, body: body(variable) };
}
/** The body written out `count` times. */
export function repeat(count: number, body: (i: number) => Stmt | readonly Stmt[]): Stmt[] {
  const out: Stmt[] = [];
  for (let i = 0; i < count; i++) out.push(...[body(i)].flat());
  return out;
}
export function declare(target: Local, value: Value): Stmt {
  return {
    kind: 'declare',
    local: target,
    value: typeof value === 'number' ? { kind: 'const', dtype: target.dtype, value } : value,
  };
}
export function assign(target: Local, value: LExpr): Stmt {
  return { kind: 'assign', local: target, value };
}
export function point(p: Pointer, index: Value): Stmt {
  return { kind: 'point', pointer: p, index: ix(index) };
}
export function advance(p: Pointer, by: Value): Stmt {
  return { kind: 'advance', pointer: p, by: ix(by) };
}
export function store(target: Buffer, index: Value, value: LExpr): Stmt {
  return { kind: 'store', buffer: target, index: ix(index), value };
}
export function storeVia(p: Pointer, offset: Value, value: LExpr): Stmt {
  return { kind: 'store_via', pointer: p, offset: ix(offset), value };
}
/** Reads two words at `p + offset` into two locals. */
export function ldrd(a: Local, b: Local, p: Pointer, offset: Value): Stmt {
  return { kind: 'perform', name: 'ldrd', results: [a, b], at: { pointer: p, offset: ix(offset) }, args: [] };
}
export function strd(p: Pointer, offset: Value, a: LExpr, b: LExpr): Stmt {
  return { kind: 'perform', name: 'strd', results: [], at: { pointer: p, offset: ix(offset) }, args: [a, b] };
}
/** Reads a group of values by an instruction of that name, which may move the pointer. */
export function readGroup(name: string, results: readonly Local[], p: Pointer, offset: Value = 0): Stmt {
  return { kind: 'perform', name, results, at: { pointer: p, offset: ix(offset) }, args: [] };
}
