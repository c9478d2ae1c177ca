/** Constants in C: literals, and tables as static arrays. */
import type { ScalarType } from '../loops/ir.ts';
import type { Buffer } from '../loops/kernel.ts';
import { isFloat } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { cType } from './helpers.ts';
import { comment, lineWidth } from './text.ts';

/** A constant array. Its values may stand far from its declaration, so that tables do not part the code. */
export interface ConstantText {
  /** Name, type and size, with a comment above; a tentative definition that ends with a semicolon. */
  readonly declaration: string;
  /** The same array with its values. */
  readonly definition: string;
  readonly bytes: number;
}

/** A constant array; `owner` says what it belongs to. */
export function emitConstant(symbol: string, buffer: Buffer, value: NDArray, owner?: string): ConstantText {
  const elements = Array.from(value.data as ArrayLike<number | bigint>, (v) => literal(v, buffer.dtype));
  if (elements.length === 0) elements.push('0');
  const align = buffer.align > 1 ? ` __attribute__((aligned(${buffer.align})))` : '';
  const head = `static const ${cType(buffer.dtype)} ${symbol}[${elements.length}]${align}`;
  const about = `${buffer.name}${owner === undefined ? '' : ` of ${owner}`}`;
  return {
    declaration: `${comment([about])}\n${head};`,
    definition: `${head} = ${table(elements, `${head} = {};`.length)};`,
    bytes: value.data.byteLength,
  };
}

/** Initialisers on one line if they fit behind `before` columns; else rows of equal counts, a power of two. */
function table(elements: readonly string[], before: number): string {
  const line = elements.join(', ');
  if (before + line.length <= lineWidth) return `{${line}}`;
  for (let count = 32; ; count /= 2) {
    const rows: string[] = [];
    for (let i = 0; i < elements.length; i += count) rows.push(`  ${elements.slice(i, i + count).join(', ')},`);
    if (count === 1 || rows.every((row) => row.length <= lineWidth)) return `{\n${rows.join('\n')}\n}`;
  }
}

/** A C literal of a value in a type. */
export function literal(value: number | bigint, dtype: ScalarType): string {
  if (dtype === 'bool') return Number(value) !== 0 ? 'true' : 'false';
  if (dtype !== 'index' && isFloat(dtype)) {
    const v = Number(value);
    const suffix = dtype === 'float64' ? '' : 'f';
    if (Number.isNaN(v)) return '(NAN)';
    if (!Number.isFinite(v)) return v > 0 ? '(INFINITY)' : '(-INFINITY)';
    const text = suffix === '' ? String(v) : shortestFloat(v);
    return (Object.is(v, -0) ? '-0.0' : /[.e]/.test(text) ? text : `${text}.0`) + suffix;
  }
  const v = BigInt(value);
  if (v === -(2n ** 31n)) return 'INT32_MIN';
  if (v === -(2n ** 63n)) return 'INT64_MIN';
  if (dtype === 'uint64') return `${v}u`.replace('u', v > 0xffffffffn ? 'ull' : 'u');
  if (dtype === 'uint32') return `${v}u`;
  if (v > 0x7fffffffn || v < -0x80000000n) return `${v}ll`;
  return String(v);
}

/** A literal that is computed with: of 64 bits where its type is, though a shorter one held the value. */
export function operandLiteral(value: number | bigint, dtype: ScalarType): string {
  if (dtype === 'uint64') return `${value}ull`;
  return dtype === 'int64' && BigInt(value) !== -(2n ** 63n) ? `${value}ll` : literal(value, dtype);
}

/** The shortest decimal that reads back as the same float32. */
function shortestFloat(v: number): string {
  const target = Math.fround(v);
  for (let digits = 6; digits <= 9; digits++) {
    const text = String(Number(target.toPrecision(digits)));
    if (Math.fround(Number(text)) === target) return text;
  }
  return String(target);
}
