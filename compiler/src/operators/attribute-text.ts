/** Attribute values compared as text. */
import { printDim } from '../types/print.ts';
import type { Dim } from '../types/type.ts';

/**
 * JSON with sorted keys; `-0`, NaN, infinities and big integers told apart: equal text means equal attributes. A value
 * that is known counts without the text that named it, because a reference is numbered anew whenever it is printed.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'undefined';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if ('opaque' in value && 'dim' in value) return `{"dim":"${printDim(value.dim as Dim)}"}`;
  const known = 'opaque' in value && ('value' in value || 'indexMap' in value);
  const entries = Object.entries(value)
    .filter(([key]) => !(known && key === 'opaque'))
    .sort(([x], [y]) => (x < y ? -1 : 1));
  return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`;
}
