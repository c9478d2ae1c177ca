/** Texts about operators and values that several features show. Markdown, in the language's own spelling. */
import type { AttributeSpec, AttributeValueData } from '../../../compiler/src/operators/attributes.ts';
import type { Operator } from '../../../compiler/src/operators/operator.ts';
import { printType } from '../../../compiler/src/types/print.ts';
import type { Type } from '../../../compiler/src/types/type.ts';

/** An attribute's value as it is written: `[1, 1]`, `"NCHW"`, `None`, `True`. */
export function writeAttribute(value: AttributeValueData): string {
  if (value === null) return 'None';
  switch (typeof value) {
    case 'string':
      return `"${value}"`;
    case 'boolean':
      return value ? 'True' : 'False';
    case 'number':
      return String(value);
    default:
      return isList(value) ? `[${value.map(writeAttribute).join(', ')}]` : value.opaque;
  }
}

function isList(value: AttributeValueData): value is readonly AttributeValueData[] {
  return Array.isArray(value);
}

/** A type as it is shown in one line: tuples of hundreds of fields are cut. */
export function shortType(type: Type, most: number): string {
  const text = printType(type);
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** The attribute schema's rows, typed for reading. */
export function attributesOf(operator: Operator): readonly (readonly [string, AttributeSpec])[] {
  return Object.entries(operator.attributes) as unknown as readonly (readonly [string, AttributeSpec])[];
}

/** What an attribute takes, as a person reads it: `int`, `list of int or None`, `"NCHW" or "NHWC"`. */
export function attributeKind(spec: AttributeSpec): string {
  const words: Record<AttributeSpec['kind'], string> = {
    int: 'int',
    float: 'float',
    bool: 'True or False',
    string: 'string',
    dtype: 'dtype',
    'int[]': 'list of int',
    'dim[]': 'list of int',
    'float[]': 'list of float',
    'string[]': 'list of string',
    'int[][]': 'list of lists of int',
    'int|int[]': 'int or list of int',
    object: 'object of the metadata section',
    any: 'any value',
  };
  const base = spec.values && spec.values.length > 0 ? spec.values.map((v) => `"${v}"`).join(', ') : words[spec.kind];
  return spec.nullable === true ? `${base} or None` : base;
}

/** `nn.conv2d(data, weight, *, strides=[1, 1], …)`: inputs, then how many attributes. */
export function operatorSignature(operator: Operator): string {
  const inputs = operator.inputs.map((input) => input.name);
  if (operator.variadic) inputs.push('…');
  const attributes = attributesOf(operator).map(([name, spec]) =>
    spec.default === undefined ? name : `${name}=${writeAttribute(spec.default)}`,
  );
  return `${operator.name}(${[...inputs, ...attributes].join(', ')})`;
}

/** A Markdown table of the attributes: value at this call when given, default, what it does. */
export function attributeTable(
  operator: Operator,
  values: Readonly<Record<string, AttributeValueData>> | undefined,
): string {
  const rows = attributesOf(operator);
  if (rows.length === 0) return '';
  const head = values
    ? '| attribute | here | default | |\n|---|---|---|---|'
    : '| attribute | default | |\n|---|---|---|';
  const body = rows.map(([name, spec]) => {
    const fallback = spec.default === undefined ? '*required*' : code(writeAttribute(spec.default));
    const value = values?.[name];
    const isDefault = value !== undefined && spec.default !== undefined && same(value, spec.default);
    const here = value === undefined ? '' : isDefault ? '·' : `**${code(writeAttribute(value))}**`;
    const cells = values ? [code(name), here, fallback] : [code(name), fallback];
    return `| ${[...cells, cell(spec.summary)].join(' | ')} |`;
  });
  return [head, ...body].join('\n');
}

function same(a: AttributeValueData, b: AttributeValueData): boolean {
  return writeAttribute(a) === writeAttribute(b);
}

/** Text inside a table cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** Inline code; a text with backticks in it is fenced by more of them. */
export function code(text: string): string {
  const fence = text.includes('`') ? '``' : '`';
  return `${fence}${cell(text)}${fence}`;
}

/** A fenced block in Relay. */
export function fenced(text: string): string {
  return `\`\`\`relay\n${text}\n\`\`\``;
}
