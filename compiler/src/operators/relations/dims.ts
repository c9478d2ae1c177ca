/**
 * Arithmetic on dimensions. Constants fold exactly; anything computed with `?` is `?`; named dimensions stay symbolic.
 */
import { provablyDifferent, provablyEqual, simplifyDim } from '../../types/dims.ts';
import type { Dim, DimExpr } from '../../types/type.ts';
import { anyDim, constantDim } from '../../types/type.ts';

type Op = DimExpr['op'] & ('+' | '-' | '*' | 'floordiv' | 'floormod' | 'min' | 'max');

/** True for `?`. */
export function isAnyDim(dim: Dim): boolean {
  return typeof dim !== 'number' && dim.kind === 'any';
}

/** The value of a constant dimension as bigint; undefined for `?`, names and symbolic terms. */
export function dimValue(dim: Dim): bigint | undefined {
  const value = constantDim(dim);
  return value === undefined ? undefined : BigInt(value);
}

/** True for a constant dimension of value `n`. */
export function isDim(dim: Dim, n: number): boolean {
  return constantDim(dim) === n;
}

/** A constant as a dimension; int64 if it must be. */
export function dimOf(value: bigint, wide = false): Dim {
  const n = Number(value);
  return wide || !Number.isSafeInteger(n) ? { kind: 'int64', value } : n;
}

function isWide(dim: Dim): boolean {
  return typeof dim !== 'number' && dim.kind === 'int64';
}

function fold(op: Op, a: bigint, b: bigint): bigint | undefined {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case 'floordiv':
    case 'floormod': {
      if (b === 0n) return undefined;
      const remainder = ((a % b) + b) % b;
      return op === 'floormod' ? remainder : (a - remainder) / b;
    }
    case 'min':
      return a < b ? a : b;
    case 'max':
      return a > b ? a : b;
  }
}

/** `a op b` in doubles; by zero a quotient is infinite and a remainder NaN. */
export function arithmetic(op: Op, a: number, b: number): number {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case 'floordiv':
      return Math.floor(a / b);
    case 'floormod':
      return a - Math.floor(a / b) * b;
    case 'min':
      return Math.min(a, b);
    case 'max':
      return Math.max(a, b);
  }
}

/** As `fold`, in doubles: the common case without big integers. NaN where a double does not do. */
function foldNumbers(op: Op, a: number, b: number): number {
  // Up to here a quotient that is no integer never rounds to one.
  return Math.abs(a) > 2 ** 50 || Math.abs(b) > 2 ** 50 ? NaN : arithmetic(op, a, b);
}

/** `left op right`, folded where both are constant, `?` where either is `?` (or a division by zero). */
export function dimOp(op: Op, left: Dim, right: Dim): Dim {
  if (typeof left === 'number' && typeof right === 'number') {
    const quick = foldNumbers(op, left, right);
    if (Number.isSafeInteger(quick)) return quick;
  }
  if (isAnyDim(left) || isAnyDim(right)) return anyDim;
  const a = dimValue(left);
  const b = dimValue(right);
  if (a !== undefined && b !== undefined) {
    const value = fold(op, a, b);
    return value === undefined ? anyDim : dimOf(value, isWide(left) || isWide(right));
  }
  return simplifyDim({ kind: 'expr', op, operands: [left, right] });
}

export const addDims = (a: Dim, b: Dim): Dim => dimOp('+', a, b);
export const subDims = (a: Dim, b: Dim): Dim => dimOp('-', a, b);
export const mulDims = (a: Dim, b: Dim): Dim => dimOp('*', a, b);
export const floorDivDims = (a: Dim, b: Dim): Dim => dimOp('floordiv', a, b);
/** Quotient rounded up. */
export const ceilDivDims = (a: Dim, b: Dim): Dim => floorDivDims(subDims(addDims(a, b), 1), b);

/** A size made of names written in the program. Those of a metadata section stay as unknown to formulas as to TVM's. */
export function isNamedDim(dim: Dim): boolean {
  if (typeof dim === 'number' || dim.kind === 'any' || dim.kind === 'int64') return false;
  if (dim.kind === 'var') return dim.key === undefined;
  return dim.op !== 'other' && dim.operands.every((part) => constantDim(part) !== undefined || isNamedDim(part));
}

/** Product; 1 for none. */
export function productOfDims(dims: readonly Dim[]): Dim {
  return dims.reduce<Dim>(mulDims, 1);
}
/** Sum; 0 for none. */
export function sumOfDims(dims: readonly Dim[]): Dim {
  return dims.reduce<Dim>(addDims, 0);
}

/** True when the dimensions are provably equal. Two `?` are not. */
export function sameDim(left: Dim, right: Dim): boolean {
  if (typeof left === 'number' && typeof right === 'number') return left === right;
  return provablyEqual(left, right);
}

/** True unless both are constants (or the same terms plus constants) that differ: `?` and names may be equal. */
export function mayEqual(left: Dim, right: Dim): boolean {
  if (typeof left === 'number' && typeof right === 'number') return left === right;
  return !provablyDifferent(left, right);
}
