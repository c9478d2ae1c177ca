/**
 * The largest of values that grow with small integers, such as dequantised ones: the largest integer is found, and made
 * into a value once. Rounding is monotonous, so that is the same value.
 */
import { assign, bin, block, cast, declare, i32, local } from '../loops/build.ts';
import type { LExpr, Local, Stmt } from '../loops/ir.ts';
import { typeOfExpr } from '../loops/ir.ts';

type Loop = Extract<Stmt, { kind: 'for' }>;

const small = new Set(['int8', 'uint8', 'int16', 'uint16']);

/** A loop over `acc = max(acc, f(x[…]))` with the function outside; undefined when it is another. */
export function largestInteger(loop: Loop): Stmt | undefined {
  const body = loop.body.kind === 'block' ? loop.body.body : [loop.body];
  const last = body.at(-1);
  if (last?.kind !== 'assign' || body.length > 2 || loop.extent.kind !== 'const' || Number(loop.extent.value) < 1)
    return undefined;
  const { value: result, local: acc } = last;
  if (result.kind !== 'binary' || result.op !== 'max' || result.dtype !== 'float32' || result.left !== acc)
    return undefined;
  const [named] = body.length === 2 ? body : [];
  if (named && (named.kind !== 'declare' || named.local !== result.right)) return undefined;
  const value = named?.kind === 'declare' ? named.value : result.right;
  const read = growing(value);
  if (!read) return undefined;
  const largest: Local = local('largest');
  const step = assign(largest, bin('max', largest, cast('int32', read)));
  const whole = withElement(value, read, cast(typeOfExpr(read), largest));
  return block(declare(largest, i32(-65536)), { ...loop, body: step }, assign(acc, { ...result, right: whole }));
}

/** The element that the value grows with, or stays; undefined when it is made in another way. */
function growing(e: LExpr): LExpr | undefined {
  if (e.kind === 'load') return small.has(e.buffer.dtype) ? e : undefined;
  if (e.kind === 'cast') {
    const exact = e.dtype === 'float32' || e.dtype === 'int32';
    const from = typeOfExpr(e.operand);
    return exact && (from === 'int32' || small.has(from)) ? growing(e.operand) : undefined;
  }
  if (e.kind !== 'binary' || e.right.kind !== 'const') return undefined;
  const by = Number(e.right.value);
  // Sums of small integers do not wrap.
  const sum = (e.op === 'add' || e.op === 'sub') && (e.dtype === 'float32' || (e.dtype === 'int32' && Math.abs(by) < 2 ** 30 && isElement(e.left))); // prettier-ignore
  const product = (e.op === 'mul' || e.op === 'div') && e.dtype === 'float32' && by > 0;
  return Number.isFinite(by) && (sum || product) ? growing(e.left) : undefined;
}

const isElement = (e: LExpr): boolean => e.kind === 'load' || (e.kind === 'cast' && isElement(e.operand));

/** The value with another element. */
function withElement(e: LExpr, old: LExpr, replacement: LExpr): LExpr {
  if (e === old) return replacement;
  if (e.kind === 'cast') return { ...e, operand: withElement(e.operand, old, replacement) };
  return e.kind === 'binary' ? { ...e, left: withElement(e.left, old, replacement) } : e;
}
