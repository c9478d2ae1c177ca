/** Element types. Text is the identity: `int8`, `uint8`, `float32`, `bool`, `bfloat16`, `int8x4`, `void`. */
import { nearest } from '../base/nearest.ts';

/** Canonical spelling of an element type (`uint1` is `bool`; lanes above one as `x4`). */
export type DType = string;

export type DTypeCode = 'int' | 'uint' | 'float' | 'bfloat' | 'handle' | 'void';

export interface DTypeInfo {
  readonly code: DTypeCode;
  readonly bits: number;
  readonly lanes: number;
}

/** Element types that programs use, the commonest first. */
export const commonDTypes: readonly DType[] = [
  'float32',
  'float16',
  'float64',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'bool',
];

/** Element types as other languages and libraries call them. */
const otherNames: ReadonlyMap<string, DType> = new Map([
  ['f16', 'float16'],
  ['f32', 'float32'],
  ['f64', 'float64'],
  ['bf16', 'bfloat16'],
  ['half', 'float16'],
  ['double', 'float64'],
  ['i1', 'bool'],
  ['i8', 'int8'],
  ['i16', 'int16'],
  ['i32', 'int32'],
  ['i64', 'int64'],
  ['u8', 'uint8'],
  ['u16', 'uint16'],
  ['u32', 'uint32'],
  ['u64', 'uint64'],
  ['boolean', 'bool'],
]);

/** The element type of a name, in this language or another; undefined when it is none. */
export function dtypeNamed(text: string): DType | undefined {
  return canonicalDType(text) ?? otherNames.get(text.toLowerCase());
}

/** The element type that a name of another language, or a slip of the pen, stands for; undefined when none is near. */
export function dtypeMeant(text: string): DType | undefined {
  return otherNames.get(text.toLowerCase()) ?? nearest(text, [...commonDTypes, 'bfloat16']);
}

const cache = new Map<string, DTypeInfo | undefined>();

/** Code, bits and lanes of a spelling, TVM's defaults applied (32 bits; `handle` 64); undefined when it is none. */
export function dtypeInfo(text: string): DTypeInfo | undefined {
  if (cache.has(text)) return cache.get(text);
  const info = parse(text);
  if (cache.size < 4096) cache.set(text, info);
  return info;
}

function parse(text: string): DTypeInfo | undefined {
  if (text === 'bool') return { code: 'uint', bits: 1, lanes: 1 };
  if (text === 'void') return { code: 'void', bits: 0, lanes: 0 };
  const match = /^(int|uint|float|bfloat|handle)(\d*)(?:x(\d+))?$/.exec(text);
  if (!match) return undefined;
  const code = match[1] as DTypeCode;
  const written = match[2] === '' ? 0 : Number(BigInt(match[2] ?? '0') % 256n);
  const bits = written === 0 ? (code === 'handle' ? 64 : 32) : written;
  const lanes = match[3] === undefined ? 1 : Number(match[3]);
  if (lanes < 1 || lanes > 65535) return undefined;
  return { code, bits, lanes };
}

/** Canonical text of a dtype spelling; undefined when it is none. */
export function canonicalDType(text: string): DType | undefined {
  const info = dtypeInfo(text);
  if (!info) return undefined;
  if (info.code === 'void') return 'void';
  if (info.code === 'uint' && info.bits === 1) return info.lanes === 1 ? 'bool' : `uint1x${info.lanes}`;
  if (info.code === 'handle' && info.bits === 64 && info.lanes === 1) return 'handle';
  return `${info.code}${info.bits}${info.lanes > 1 ? `x${info.lanes}` : ''}`;
}

/** True for floating-point types, `bfloat16` among them. */
export function isFloat(dtype: DType): boolean {
  const code = dtypeInfo(dtype)?.code;
  return code === 'float' || code === 'bfloat';
}
/** True for integers of more than one bit. */
export function isInteger(dtype: DType): boolean {
  const info = dtypeInfo(dtype);
  return info !== undefined && (info.code === 'int' || info.code === 'uint') && info.bits > 1;
}
/** True for unsigned integers and `bool`. */
export function isUnsigned(dtype: DType): boolean {
  return dtypeInfo(dtype)?.code === 'uint';
}

/** Bytes of one element as stored (bool one byte). */
export function elementBytes(dtype: DType): number {
  const info = dtypeInfo(dtype);
  return info ? Math.ceil(info.bits / 8) * Math.max(1, info.lanes) : 0;
}

/** Inclusive range of an integer dtype. */
export function integerRange(dtype: DType): { readonly min: bigint; readonly max: bigint } | undefined {
  const info = dtypeInfo(dtype);
  if (!info || (info.code !== 'int' && info.code !== 'uint')) return undefined;
  const bits = BigInt(info.bits);
  if (info.code === 'uint') return { min: 0n, max: (1n << bits) - 1n };
  return { min: -(1n << (bits - 1n)), max: (1n << (bits - 1n)) - 1n };
}
