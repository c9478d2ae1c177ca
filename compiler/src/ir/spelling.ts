/** Names and attribute values as they are written, so that they can be read back. */
import type { AttributeSpec, AttributeValueData } from '../operators/attributes.ts';
import { printDim } from '../types/print.ts';
import type { Dim } from '../types/type.ts';
import { floatAttribute } from './numbers.ts';

const keywords: ReadonlySet<string> = new Set([
  'let',
  'fn',
  'def',
  'if',
  'else',
  'match',
  'ref',
  'type',
  'extern',
  'free_var',
  'ref_read',
  'ref_write',
  'import',
]);

/** A name the language can read: TVM's `v` in front where no letter starts it, other characters as `_`. */
export function readable(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9_/]/g, '_');
  const started = /^[A-Za-z]/.test(safe) ? safe : `v${safe}`;
  return keywords.has(started) || started.startsWith('inff') ? `${started}_` : started;
}

/** A list's element is a single term: sums and products stand in parentheses. */
function dimAttribute(dim: Dim): string {
  const text = printDim(dim);
  return typeof dim !== 'number' && dim.kind === 'expr' && /^[-+*]$/.test(dim.op) ? `(${text})` : text;
}

/** An attribute value as text; `kind` says how numbers are meant. */
export function attributeText(value: AttributeValueData, kind?: AttributeSpec['kind']): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return `"${value.replace(/[\\"]/g, (c) => `\\${c}`).replace(/\n/g, '\\n')}"`;
  if (typeof value === 'number') {
    const float = kind === 'float' || kind === 'float[]' || !Number.isInteger(value);
    return float ? floatAttribute(value) : String(value);
  }
  if ('opaque' in value) return value.dim === undefined ? value.opaque : dimAttribute(value.dim);
  return `[${value.map((v) => attributeText(v, kind)).join(', ')}]`;
}
