/**
 * Quantisation of floats to bytes, `saturate(round(x / scale) + zero point)` with halves away from zero, by one
 * conversion to an integer instead of rounding, comparing and converting floats.
 *
 * x / (scale / 2) is twice x / scale, exactly, and its whole part counts halves: n. A half is rounded away from zero by
 * (n + 1) >> 1 where n is not negative, and by n >> 1 where it is. Sixteen bits of n are enough for bytes.
 */
import { add, bin, i32, intr } from '../loops/build.ts';
import type { LExpr, Stmt } from '../loops/ir.ts';
import { typeOfExpr } from '../loops/ir.ts';
import { mapStatement } from '../loops/map.ts';
import { integerRange } from '../tensor/dtype.ts';

/** The statements with floats quantised in the short form wherever that is exact. `isNumber`: what is surely one. */
export function quantiseFloats(root: Stmt, isNumber: (e: LExpr) => boolean = () => false): Stmt {
  return mapStatement(root, (e) => shorten(e, isNumber) ?? e);
}

/** Zero points up to which 16 bits of halves lie beyond both ends of a byte. */
const greatestZero = 8192;

/** Halves above all bytes, whatever the zero point. */
const manyHalves = 32768;

const float = (value: number): LExpr => ({ kind: 'const', dtype: 'float32', value });

function shorten(e: LExpr, isNumber: (e: LExpr) => boolean): LExpr | undefined {
  if (e.kind !== 'cast' || (e.dtype !== 'int8' && e.dtype !== 'uint8')) return undefined;
  const range = integerRange(e.dtype);
  const above = boundedBy('max', e.operand, range?.min);
  const sum = above && boundedBy('min', above, range?.max);
  const found = sum && roundedPlus(sum);
  if (!found || Math.abs(found.zero) > greatestZero) return undefined;
  // What is no number is less than no bound: it becomes the greatest byte.
  const doubled = twice(found.value);
  const limited = isNumber(found.value) ? doubled : bin('min', doubled, float(manyHalves));
  const halves = intr('ssat16_away', { kind: 'cast', dtype: 'int32', operand: limited });
  const saturated = intr(e.dtype === 'int8' ? 'ssat8_half' : 'usat8_half', add(halves, i32(2 * found.zero + 1)));
  return { ...e, operand: saturated };
} // prettier-ignore

/** What is limited by `bound`; undefined when nothing is. */
function boundedBy(op: 'min' | 'max', e: LExpr, bound: bigint | undefined): LExpr | undefined {
  if (e.kind !== 'binary' || e.op !== op || e.dtype !== 'float32' || e.right.kind !== 'const') return undefined;
  return bound !== undefined && Number(e.right.value) === Number(bound) ? e.left : undefined;
}

/** `round(value) + zero`. */
function roundedPlus(e: LExpr): { readonly value: LExpr; readonly zero: number } | undefined {
  if (e.kind === 'unary') return e.op === 'round' && e.dtype === 'float32' ? { value: e.operand, zero: 0 } : undefined;
  if (e.kind !== 'binary' || e.op !== 'add' || e.dtype !== 'float32') return undefined;
  const inner = roundedPlus(e.left);
  const zero = numberOf(e.right);
  return inner?.zero === 0 && zero !== undefined && Number.isInteger(zero) ? { value: inner.value, zero } : undefined;
}

function numberOf(e: LExpr): number | undefined {
  if (e.kind === 'cast' && e.dtype === 'float32') return Math.fround(numberOf(e.operand) ?? NaN);
  return e.kind === 'const' ? Number(e.value) : undefined;
}

/** Twice a float; a quotient's divisor is halved instead. */
function twice(e: LExpr): LExpr {
  if (e.kind === 'binary' && e.op === 'div' && e.right.kind === 'const' && typeOfExpr(e) === 'float32') {
    const half = Number(e.right.value) / 2;
    if (Math.abs(half) >= 2 ** -126 && Math.abs(half) < 2 ** 127) return { ...e, right: float(half) };
  }
  return bin('mul', e, float(2));
}
