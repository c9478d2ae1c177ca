/** From attributes as written in a program to the values an operator's schema promises. */
import { nearest, nearestKey } from '../base/nearest.ts';
import { canonicalDType, dtypeMeant } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import type { Dim } from '../types/type.ts';
import type { AttributeKind, AttributeSpec, AttributeValueData, OpaqueAttribute } from './attributes.ts';
import type { StoredObject } from './index-map.ts';
import { readIndexMap } from './index-map.ts';
import type { Operator } from './operator.ts';

/** An attribute's value as written: literals, lists of them, and everything else (a metadata object, a name). */
export type WrittenAttribute =
  /** `wide` when the number is written as an int64: `3i64`. */
  | { readonly kind: 'int'; readonly value: bigint; readonly wide?: boolean }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'null' }
  | { readonly kind: 'list'; readonly elements: readonly WrittenAttribute[] }
  /**
   * `text` names what stands there; `value` is given where it is a constant tensor, `object` where it is another
   * object of the metadata section, `dim` where that object is a dimension.
   */
  | {
      readonly kind: 'opaque';
      readonly text: string;
      readonly value?: NDArray;
      readonly object?: StoredObject;
      readonly dim?: Dim;
    };

export type AttributeProblemCode = 'unknown-attribute' | 'missing-attribute' | 'bad-attribute';

export interface AttributeProblem {
  readonly code: AttributeProblemCode;
  /** The attribute that is unknown, missing or badly written. */
  readonly name: string;
  /** Where it is written; undefined when it is missing. An index path into nested lists. */
  readonly element?: readonly number[];
  readonly message: string;
  readonly remedy?: string;
  /** What was meant, where that is clear: the nearest key of the schema, or the value as it has to be written. */
  readonly suggestion?: string;
}

export type NormalizedAttributes =
  | { readonly ok: true; readonly value: Readonly<Record<string, AttributeValueData>> }
  | { readonly ok: false; readonly problems: readonly AttributeProblem[] };

/**
 * Checks `written` against the operator's schema and fills in defaults. Reports every problem, not only the first.
 * Kinds convert as in TVM: an integer field takes a boolean, a boolean an integer, a float both (unless `strict`).
 */
export function normalizeAttributes(
  operator: Pick<Operator, 'name' | 'attributes'>,
  written: ReadonlyMap<string, WrittenAttribute>,
): NormalizedAttributes {
  const problems: AttributeProblem[] = [];
  const values: Record<string, AttributeValueData> = {};
  const schema = operator.attributes as Readonly<Record<string, AttributeSpec>>;
  for (const name of written.keys())
    if (!Object.hasOwn(schema, name)) problems.push(unknownAttribute(operator.name, schema, name, written));
  for (const [name, spec] of Object.entries(schema)) {
    const value = written.get(name);
    if (value !== undefined) {
      const result = convert(spec, value, []);
      if ('problem' in result) problems.push({ code: 'bad-attribute', name, ...result.problem(name) });
      else values[name] = result.value;
    } else if (spec.default !== undefined) values[name] = spec.default;
    else
      problems.push({
        code: 'missing-attribute',
        name,
        message: `\`${operator.name}\` needs the attribute \`${name}\` (${kindText(spec)}).`,
        remedy: `Add \`${name}=${spec.nullable === true && spec.kind !== 'dtype' ? 'None' : placeholderText(spec)}\` to the call.`,
      });
  }
  return problems.length === 0 ? { ok: true, value: values } : { ok: false, problems };
}

/** The values of a schema of which nothing is written; required attributes are absent. */
export function defaultAttributes(
  operator: Pick<Operator, 'attributes'>,
): Readonly<Record<string, AttributeValueData>> {
  const values: Record<string, AttributeValueData> = {};
  for (const [name, spec] of Object.entries(operator.attributes as Readonly<Record<string, AttributeSpec>>))
    if (spec.default !== undefined) values[name] = spec.default;
  return values;
}

type Converted =
  | { readonly value: AttributeValueData }
  | { readonly problem: (name: string) => Omit<AttributeProblem, 'code' | 'name'> };

function convert(spec: AttributeSpec, written: WrittenAttribute, path: readonly number[]): Converted {
  if (written.kind === 'null') {
    if (spec.nullable) return { value: null };
    return wrong(spec, written, path);
  }
  switch (spec.kind) {
    case 'int': {
      const n = asInt(written);
      return n === undefined ? wrong(spec, written, path) : bounded(spec, n, path);
    }
    case 'float': {
      const n = written.kind === 'float' ? written.value : spec.strict ? undefined : asInt(written);
      return n === undefined ? wrong(spec, written, path) : bounded(spec, n, path);
    }
    case 'bool': {
      if (written.kind === 'bool') return { value: written.value };
      if (written.kind === 'int') return { value: written.value !== 0n };
      return wrong(spec, written, path);
    }
    case 'string':
      return written.kind === 'string' ? allowed(spec, written.value, path) : wrong(spec, written, path);
    case 'dtype':
      return written.kind === 'string' ? dtypeValue(written.value) : wrong(spec, written, path);
    case 'int[]':
      return list(spec, 'int', written, path);
    case 'float[]':
      return list(spec, 'float', written, path);
    case 'string[]':
      return list(spec, 'string', written, path);
    case 'int[][]':
      return list(spec, 'int[]', written, path);
    case 'dim[]':
      return dimensions(spec, written, path);
    case 'int|int[]': {
      if (written.kind === 'list') return list(spec, 'int', written, path);
      const n = asInt(written);
      return n === undefined ? wrong(spec, written, path) : bounded(spec, n, path);
    }
    case 'object':
      return written.kind === 'opaque' ? { value: plain(written) } : wrong(spec, written, path);
    case 'any':
      return { value: plain(written) };
  }
}

function asInt(written: WrittenAttribute): number | undefined {
  if (written.kind === 'int') return Number(written.value);
  if (written.kind === 'bool') return written.value ? 1 : 0;
  return undefined;
}

function list(spec: AttributeSpec, kind: AttributeKind, written: WrittenAttribute, path: readonly number[]): Converted {
  if (written.kind !== 'list') return wrong(spec, written, path);
  const { default: _default, nullable: _nullable, ...rest } = spec;
  const elementSpec: AttributeSpec = { ...rest, kind };
  const values: AttributeValueData[] = [];
  for (const [i, element] of written.elements.entries()) {
    const converted = convert(elementSpec, element, [...path, i]);
    if ('problem' in converted) return converted;
    values.push(converted.value);
  }
  return { value: values };
}

/** A list of dimensions, each as written: int64 stays int64. */
function dimensions(spec: AttributeSpec, written: WrittenAttribute, path: readonly number[]): Converted {
  if (written.kind !== 'list') return wrong(spec, written, path);
  const values: AttributeValueData[] = [];
  for (const [i, element] of written.elements.entries()) {
    const n = asInt(element);
    if (element.kind === 'int' && element.wide)
      values.push({ opaque: `${element.value}i64`, dim: { kind: 'int64', value: element.value } });
    else if (element.kind === 'opaque' && element.dim !== undefined) values.push(opaque(element));
    else if (n !== undefined) values.push(n);
    else return wrong({ kind: 'int' } as AttributeSpec, element, [...path, i]);
  }
  return { value: values };
}

function bounded(spec: AttributeSpec, n: number, path: readonly number[]): Converted {
  const low = spec.min !== undefined && n < spec.min;
  const high = spec.max !== undefined && n > spec.max;
  if (!low && !high) return { value: n };
  const range =
    spec.min !== undefined && spec.max !== undefined
      ? `from ${spec.min} to ${spec.max}`
      : spec.min !== undefined
        ? `at least ${spec.min}`
        : `at most ${spec.max}`;
  return {
    problem: (name) => ({
      message: `${place(name, path)} must be ${range}, found ${n}.`,
      remedy: `Write a value ${range}.`,
      element: path,
    }),
  };
}

function allowed(spec: AttributeSpec, text: string, path: readonly number[]): Converted {
  if (spec.values === undefined || spec.values.includes(text)) return { value: text };
  const values = spec.values;
  return {
    problem: (name) => {
      const near = nearest(text, values);
      return {
        message: `${place(name, path)} must be one of ${values.map((v) => `"${v}"`).join(', ')}, found "${text}".`,
        remedy: 'Write one of the allowed values.',
        element: path,
        ...(near === undefined ? {} : { suggestion: `"${near}"` }),
      };
    },
  };
}

function dtypeValue(text: string): Converted {
  if (text === '' || text === 'void') return { value: null };
  const dtype = canonicalDType(text);
  if (dtype !== undefined) return { value: dtype };
  return {
    problem: (name) => {
      const near = dtypeMeant(text);
      return {
        message: `\`${name}\` must be an element type such as "float32" or "int8", found "${text}".`,
        remedy: near === undefined ? 'Write a name such as "float32", "int8" or "bool".' : `Write "${near}".`,
        ...(near === undefined ? {} : { suggestion: `"${near}"` }),
      };
    },
  };
}

function plain(written: WrittenAttribute): AttributeValueData {
  switch (written.kind) {
    case 'int':
      return Number(written.value);
    case 'float':
    case 'bool':
    case 'string':
      return written.value;
    case 'null':
      return null;
    case 'list':
      return written.elements.map(plain);
    case 'opaque':
      return opaque(written);
  }
}

function opaque(written: Extract<WrittenAttribute, { kind: 'opaque' }>): OpaqueAttribute {
  const indexMap = written.object && readIndexMap(written.object);
  return {
    opaque: written.text,
    ...(written.value ? { value: written.value } : {}),
    ...(indexMap ? { indexMap } : {}),
    ...(written.dim === undefined ? {} : { dim: written.dim }),
  };
}

function wrong(spec: AttributeSpec, written: WrittenAttribute, path: readonly number[]): Converted {
  const meant = valueMeant(spec, written);
  return {
    problem: (name) => ({
      message: `${place(name, path)} must be ${kindText(spec)}, found ${writtenText(written)}.`,
      remedy: `Write it as \`${name}=${(path.length === 0 ? meant : undefined) ?? placeholderText(spec)}\`.`,
      ...(path.length > 0 ? { element: path } : {}),
      ...(meant === undefined ? {} : { suggestion: meant }),
    }),
  };
}

/** The values of other languages that stand for one of the language's own. */
const otherValues: ReadonlyMap<string, string> = new Map([
  ['true', 'True'],
  ['false', 'False'],
  ['null', 'None'],
  ['none', 'None'],
  ['nil', 'None'],
]);

/** The value in the spelling that the schema asks for: a number without its quotation marks, a word with them. */
function valueMeant(spec: AttributeSpec, written: WrittenAttribute): string | undefined {
  if (written.kind === 'string') {
    const form =
      spec.kind === 'int'
        ? /^-?\d+$/
        : spec.kind === 'float'
          ? /^-?\d+(\.\d+)?$/
          : spec.kind === 'bool'
            ? /^(True|False)$/
            : undefined;
    if (form?.test(written.value) === true) return written.value;
  }
  if (written.kind !== 'opaque' && written.kind !== 'string') return undefined;
  const text = written.kind === 'opaque' ? written.text : written.value;
  const value = otherValues.get(text.toLowerCase());
  if (value === 'None' ? spec.nullable === true : value !== undefined && spec.kind === 'bool') return value;
  if (written.kind !== 'opaque') return undefined;
  if (spec.kind === 'dtype') {
    const dtype = canonicalDType(text) ?? dtypeMeant(text);
    return dtype === undefined ? undefined : `"${dtype}"`;
  }
  if (spec.kind === 'string' && /^[A-Za-z]\w*$/.test(text) && (spec.values?.includes(text) ?? true)) return `"${text}"`;
  return undefined;
}

function place(name: string, path: readonly number[]): string {
  return `\`${name}${path.map((i) => `[${i}]`).join('')}\``;
}

function unknownAttribute(
  operator: string,
  schema: Readonly<Record<string, AttributeSpec>>,
  name: string,
  written: ReadonlyMap<string, WrittenAttribute>,
): AttributeProblem {
  const names = Object.keys(schema);
  const value = written.get(name);
  const fitting = names.filter((key) => {
    const spec = schema[key];
    return spec && value && !written.has(key) && !('problem' in convert(spec, value, []));
  });
  const suggestion = nearest(name, names) ?? nearestKey(name, fitting) ?? (names.length === 1 ? fitting[0] : undefined);
  const has =
    names.length === 0
      ? 'it takes none'
      : names.length === 1
        ? `its only attribute is \`${names[0]}\``
        : `its attributes are ${names.map((known) => `\`${known}\``).join(', ')}`;
  return {
    code: 'unknown-attribute',
    name,
    message: `\`${operator}\` has no attribute \`${name}\`; ${has}.`,
    remedy: suggestion === undefined ? `Remove \`${name}\`.` : `Write \`${suggestion}\` instead.`,
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}

/** A schema entry's kind in words: `a list of integers`. */
function kindText(spec: Pick<AttributeSpec, 'kind' | 'nullable' | 'values'>): string {
  const words: Record<AttributeKind, string> = {
    int: 'an integer',
    float: 'a number',
    bool: '`True` or `False`',
    string: 'a string',
    dtype: 'an element type in quotes',
    'int[]': 'a list of integers',
    'float[]': 'a list of numbers',
    'string[]': 'a list of strings',
    'int[][]': 'a list of lists of integers',
    'dim[]': 'a list of integers',
    'int|int[]': 'an integer or a list of integers',
    object: 'an object of the metadata section or an expression',
    any: 'a value',
  };
  const nullable = spec.nullable === true && spec.kind !== 'any' && spec.kind !== 'dtype';
  return words[spec.kind] + (nullable ? ' or `None`' : '');
}

function placeholderText(spec: AttributeSpec): string {
  if (spec.values?.[0] !== undefined && spec.kind === 'string') return `"${spec.values[0]}"`;
  const texts: Record<AttributeKind, string> = {
    int: '1',
    float: '1.0',
    bool: 'True',
    string: '"…"',
    dtype: '"float32"',
    'int[]': '[1, 1]',
    'float[]': '[1.0, 1.0]',
    'string[]': '["…"]',
    'int[][]': '[[0, 0], [1, 1]]',
    'dim[]': '[1, 1]',
    'int|int[]': '1',
    object: 'meta[…][0]',
    any: '…',
  };
  return texts[spec.kind];
}

function writtenText(written: WrittenAttribute): string {
  switch (written.kind) {
    case 'int':
      return `the integer ${written.value}`;
    case 'float':
      return `the number ${written.value}`;
    case 'bool':
      return written.value ? '`True`' : '`False`';
    case 'string':
      return `the string "${written.value}"`;
    case 'null':
      return '`None`';
    case 'list':
      return `a list of ${written.elements.length}`;
    case 'opaque':
      return `\`${written.text}\``;
  }
}
