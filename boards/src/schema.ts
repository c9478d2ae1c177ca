/** The part of JSON Schema that the project's schemas use, checked with messages for people. */
import { nearest } from '../../compiler/src/base/nearest.ts';

export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  /** Alternatives told apart by the constant of their `kind`. */
  readonly oneOf?: readonly Schema[];
}

/** What is wrong with `value`, each with the path of the field; empty when it is valid. */
export function violations(schema: Schema, value: unknown, path = ''): string[] {
  const here = path === '' ? 'the file' : `\`${path}\``;
  if (schema.oneOf) return alternatives(schema.oneOf, value, path, here);
  if (schema.const !== undefined && value !== schema.const) return [`${here} must be ${JSON.stringify(schema.const)}`];
  if (schema.enum && !schema.enum.includes(value)) {
    return [
      `${here} must be one of ${schema.enum.map((one) => JSON.stringify(one)).join(', ')}, found ${shown(value)}`,
    ];
  }
  if (schema.type && !hasType(schema.type, value))
    return [`${here} must be ${typeName(schema.type)}, found ${shown(value)}`];
  if (typeof value === 'string' && schema.pattern && !new RegExp(schema.pattern).test(value)) {
    return [`${here} must match ${schema.pattern}, found ${shown(value)}`];
  }
  if (typeof value === 'number') {
    if (schema.minimum !== undefined && value < schema.minimum)
      return [`${here} must be at least ${schema.minimum}, found ${value}`];
    if (schema.maximum !== undefined && value > schema.maximum)
      return [`${here} must be at most ${schema.maximum}, found ${value}`];
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.flatMap((item, index) => violations(items, item, `${path}[${index}]`)) : [];
  }
  return typeof value === 'object' && value !== null
    ? fields(schema, value as Record<string, unknown>, path, here)
    : [];
}

function fields(schema: Schema, value: Record<string, unknown>, path: string, here: string): string[] {
  const found: string[] = [];
  const prefix = path === '' ? '' : `${path}.`;
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(value, name)) found.push(`${here} lacks \`${name}\``);
  }
  for (const [name, item] of Object.entries(value)) {
    const property = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (property) found.push(...violations(property, item, prefix + name));
    else if (schema.additionalProperties === false) {
      const close = nearest(name, Object.keys(schema.properties ?? {}));
      found.push(
        `${here} has an unknown field \`${name}\`${close === undefined ? '' : ` (did you mean \`${close}\`?)`}`,
      );
    }
  }
  return found;
}

function alternatives(options: readonly Schema[], value: unknown, path: string, here: string): string[] {
  const kind = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)['kind'] : undefined;
  const kinds = options.map((option) => option.properties?.['kind']?.const);
  const chosen = options[kinds.indexOf(kind)];
  if (chosen) return violations(chosen, value, path);
  return [
    `${here} must have a \`kind\` out of ${kinds.map((one) => JSON.stringify(one)).join(', ')}, found ${shown(kind)}`,
  ];
}

function hasType(type: string, value: unknown): boolean {
  switch (type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function typeName(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
