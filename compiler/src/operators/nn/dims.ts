/** Arithmetic over dimensions that may be unknown: constants fold, `?` absorbs, the rest stays a term. */
import { anyDim, constantDim } from '../../types/type.ts';
import type { Dim, DimExpr } from '../../types/type.ts';

type Op = '+' | '-' | '*' | 'floordiv' | 'max';

function fold(op: Op, a: bigint, b: bigint): bigint | undefined {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case 'max':
      return a > b ? a : b;
    case 'floordiv': {
      if (b === 0n) return undefined;
      const q = a / b;
      return a % b !== 0n && a < 0n !== b < 0n ? q - 1n : q;
    }
  }
}

function foldNumbers(op: Op, a: number, b: number): number | undefined {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case 'max':
      return Math.max(a, b);
    case 'floordiv':
      return b === 0 ? undefined : Math.floor(a / b);
  }
}

function combine(op: Op, a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') {
    const value = foldNumbers(op, a, b);
    if (value !== undefined && Number.isSafeInteger(value)) return value;
    return anyDim;
  }
  const x = constantDim(a);
  const y = constantDim(b);
  if (x !== undefined && y !== undefined) {
    const value = fold(op, BigInt(x), BigInt(y));
    return value === undefined ? anyDim : { kind: 'int64', value };
  }
  if ((op === '+' || op === '-') && y === 0) return a;
  if (op === '+' && x === 0) return b;
  if ((op === '*' || op === 'floordiv') && y === 1) return a;
  if (op === '*' && x === 1) return b;
  if (isAny(a) || isAny(b)) return anyDim;
  const term: DimExpr = { kind: 'expr', op, operands: [a, b] };
  return term;
}

export const plus = (a: Dim, b: Dim): Dim => combine('+', a, b);
export const minus = (a: Dim, b: Dim): Dim => combine('-', a, b);
export const multiply = (a: Dim, b: Dim): Dim => combine('*', a, b);
/** Rounds toward minus infinity; the divisor must not be zero. */
export const floorDivide = (a: Dim, b: Dim): Dim => combine('floordiv', a, b);
export const larger = (a: Dim, b: Dim): Dim => combine('max', a, b);

/** Rounds up. */
export function ceilDivide(a: Dim, b: number): Dim {
  return b === 1 ? a : floorDivide(plus(a, b - 1), b);
}

/** Rounds toward zero, as integer division does in C. */
export function truncDivide(a: Dim, b: number): Dim {
  const value = constantDim(a);
  if (typeof value === 'number' && value < 0) return minus(0, floorDivide(-value, b));
  return floorDivide(a, b);
}

/** Whether a dimension is `?`. */
export function isAny(dim: Dim): boolean {
  return typeof dim === 'object' && dim.kind === 'any';
}

/** False only when both are constants and differ. */
export function mayEqual(a: Dim, b: Dim): boolean {
  const x = constantDim(a);
  const y = constantDim(b);
  return x === undefined || y === undefined || BigInt(x) === BigInt(y);
}
