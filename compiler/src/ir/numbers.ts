/** Numbers as Relay text: the shortest decimal that reads back as the same value. */
import { dtypeInfo } from '../tensor/dtype.ts';
import type { DType } from '../tensor/dtype.ts';

/** Digits of `x` in the style of C++ streams (`1e-05`, `1e+08`), rounded by `round` to the type's values. */
function shortest(x: number, round: (x: number) => number, digits: number): string {
  let p = 1;
  while (p < digits && round(Number(x.toPrecision(p))) !== x) p++;
  const [mantissa = '', exponentText = '0'] = x.toExponential(p - 1).split('e');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= Math.max(6, p)) {
    const magnitude = String(Math.abs(exponent)).padStart(2, '0');
    return `${trim(mantissa)}e${exponent < 0 ? '-' : '+'}${magnitude}`;
  }
  return trim(x.toFixed(Math.max(0, p - 1 - exponent)));
}

function trim(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** A float with its suffix: `0.5f`, `1e-05f`, `3f64`, `inff`. NaN prints as TVM prints it and does not read back. */
export function floatLiteral(x: number, dtype: 'float16' | 'float32' | 'float64' = 'float32'): string {
  const suffix = dtype === 'float32' ? 'f' : dtype === 'float16' ? 'f16' : 'f64';
  if (Number.isNaN(x)) return `nan${suffix}`;
  if (!Number.isFinite(x)) return `${x < 0 ? '-' : ''}inf${suffix}`;
  if (x === 0) return `${Object.is(x, -0) ? '-' : ''}0${suffix}`;
  const digits = dtype === 'float64' ? 17 : 9;
  return `${shortest(x, dtype === 'float64' ? (v) => v : Math.fround, digits)}${suffix}`;
}

/** A float attribute: as float32 when it is one, else with all its digits (the suffix stays, as in TVM). */
export function floatAttribute(x: number): string {
  if (!Number.isFinite(x) || Math.fround(x) === x || x === 0) return floatLiteral(x);
  return `${shortest(x, (v) => v, 17)}f`;
}

/** A rank-0 value as a literal; undefined for dtypes that have none. */
export function scalarLiteral(value: number | bigint, dtype: DType): string | undefined {
  switch (dtype) {
    case 'bool':
      return value === 0 ? 'False' : 'True';
    case 'int32':
      return String(value);
    case 'int16':
    case 'int64':
      return dtype === 'int64' && BigInt(value) === -(2n ** 63n)
        ? undefined
        : `${value}i${dtypeInfo(dtype)?.bits ?? 32}`;
    case 'float16':
    case 'float32':
    case 'float64':
      return Number.isFinite(Number(value)) ? floatLiteral(Number(value), dtype) : undefined;
    default:
      return undefined;
  }
}
