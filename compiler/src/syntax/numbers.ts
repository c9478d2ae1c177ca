/** The meaning of number lexemes. */

export type NumberMeaning =
  | { readonly kind: 'int'; readonly value: bigint; readonly dtype: 'int16' | 'int32' | 'int64' }
  | { readonly kind: 'float'; readonly value: number; readonly dtype: 'float16' | 'float32' | 'float64' }
  | NumberProblem;

/** A lexeme that is no number; `kind` tells as what it still takes part in the tree. */
export interface NumberProblem {
  readonly kind: 'problem';
  readonly as: 'int' | 'float';
  readonly dtype: 'int32' | 'int64' | 'int16' | 'float16' | 'float32' | 'float64';
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  /** Text that repairs the lexeme, if one is obvious. */
  readonly replacement?: string;
}

const floatMaximum = { float16: 65504, float32: 3.4028234663852886e38, float64: Number.MAX_VALUE };
const shape = /^(-*)(?:([0-9]+)|([0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?))(?:([fi])([0-9]*))?$/;
const special = /^(-*)(inf|nan)f(16|32|64)?$/;
const int32Limit = 2147483647n;
const int64Limit = 9223372036854775807n;

function problem(
  as: 'int' | 'float',
  dtype: NumberProblem['dtype'],
  code: string,
  message: string,
  remedy: string,
  replacement?: string,
): NumberProblem {
  const base = { kind: 'problem', as, dtype, code, message, remedy } as const;
  return replacement === undefined ? base : { ...base, replacement };
}

/** What the lexeme `text` means. Signs fold: an even count of minus signs is positive. */
export function readNumber(text: string): NumberMeaning {
  const infinity = special.exec(text);
  if (infinity) {
    const negative = (infinity[1] ?? '').length % 2 === 1;
    const value = infinity[2] === 'nan' ? NaN : negative ? -Infinity : Infinity;
    return { kind: 'float', value, dtype: `float${infinity[3] ?? '32'}` as 'float32' };
  }
  const match = shape.exec(text);
  const unsigned = /^([0-9]+)u[0-9]*$/.exec(text);
  if (unsigned)
    return problem(
      'int',
      'int32',
      'malformed-number',
      `“${text}” is no literal: there are no unsigned ones.`,
      `Write cast(${unsigned[1]}, dtype="uint8").`,
    );
  const plain = /^0x[0-9a-fA-F]+$/.test(text) ? String(BigInt(text)) : text.replace(/_/g, '');
  if (plain !== text && shape.test(plain))
    return problem('int', 'int32', 'malformed-number', `“${text}” is no number.`, `Write ${plain}.`, plain);
  if (!match)
    return problem(
      /[.eEf]/.test(text) ? 'float' : 'int',
      /[.eEf]/.test(text) ? 'float32' : 'int32',
      'malformed-number',
      `“${text}” is no number.`,
      'Write digits with an optional suffix: 42, 42i64, 1.5f, 1e-3f, 1f16, 1f64.',
    );
  const negative = (match[1] ?? '').length % 2 === 1;
  const digits = match[2];
  const decimal = match[3];
  const suffix = match[4];
  const width = match[5] ?? '';
  if (suffix === 'f') return readFloat(text, digits ?? decimal ?? '0', negative, width);
  if (decimal !== undefined && suffix === undefined)
    return problem(
      'float',
      'float32',
      'float-needs-suffix',
      `The float literal “${text}” has no suffix.`,
      `Write ${text}f for float32, ${text}f16 or ${text}f64 for another width.`,
      `${text}f`,
    );
  if (decimal !== undefined)
    return problem(
      'int',
      'int32',
      'malformed-number',
      `“${text}” has an integer suffix but is no integer.`,
      `Write a whole number before “i”, or “f” for a float.`,
    );
  return readInteger(text, digits ?? '0', negative, suffix, width);
}

function readInteger(
  text: string,
  digits: string,
  negative: boolean,
  suffix: string | undefined,
  width: string,
): NumberMeaning {
  const magnitude = BigInt(digits);
  const value = negative ? -magnitude : magnitude;
  if (width !== '' && width !== '16' && width !== '32' && width !== '64')
    return problem(
      'int',
      'int32',
      'unknown-number-width',
      `“i${width}” is no integer width for a literal.`,
      'Use i16, i32 or i64; narrower and unsigned constants are made with cast.',
      text.replace(/i[0-9]*$/, ''),
    );
  const dtype = `int${width === '' ? '32' : width}` as 'int16' | 'int32' | 'int64';
  const widens = width === '';
  const limit = dtype === 'int16' ? 32767n : dtype === 'int32' && !widens ? int32Limit : int64Limit;
  const tooLarge = negative ? magnitude > limit + 1n : magnitude > limit;
  if (tooLarge)
    return problem(
      'int',
      dtype,
      'number-out-of-range',
      `${text} does not fit ${widens ? 'int64' : dtype}.`,
      widens ? 'Use a smaller value.' : 'Use a smaller value or a wider suffix.',
    );
  if (widens && suffix !== 'f' && (negative ? magnitude > int32Limit + 1n : magnitude > int32Limit))
    return { kind: 'int', value, dtype: 'int64' };
  return { kind: 'int', value, dtype };
}

function readFloat(text: string, body: string, negative: boolean, width: string): NumberMeaning {
  if (width !== '' && width !== '16' && width !== '32' && width !== '64')
    return problem(
      'float',
      'float32',
      'unknown-number-width',
      `“f${width}” is no float width.`,
      'Use f (32 bits), f16, f32 or f64.',
      text.replace(/f[0-9]*$/, 'f'),
    );
  const dtype = `float${width === '' ? '32' : width}` as 'float16' | 'float32' | 'float64';
  const magnitude = Number(body);
  const vanished = magnitude < 2.2250738585072014e-308 && /[1-9]/.test(body.replace(/[eE].*$/, ''));
  if (magnitude > floatMaximum[dtype] || vanished)
    return problem(
      'float',
      dtype,
      'number-out-of-range',
      `${text} does not fit ${vanished ? 'float64' : dtype}.`,
      vanished ? 'Write 0f, or a magnitude of at least 2.3e-308.' : 'Use a smaller value or a wider suffix.',
    );
  return { kind: 'float', value: negative ? -magnitude : magnitude, dtype };
}
