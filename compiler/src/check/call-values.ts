/**
 * Habits of libraries where arguments and attributes are one list: an attribute's value written without its name
 * (`cast(%x, "int8")`, `nn.softmax(%x, 1)`), an argument written with its name (`sum(data=%x)`).
 */
import type { AttributeSpec } from '../operators/attributes.ts';
import { normalizeAttributes } from '../operators/normalize.ts';
import type { WrittenAttribute } from '../operators/normalize.ts';
import type { Operator } from '../operators/operator.ts';
import type { Attribute, AttributeValue, CallExpr, Expr } from '../syntax/tree.ts';
import { canonicalDType } from '../tensor/dtype.ts';
import { writtenAttribute } from './attributes.ts';
import type { Context } from './context.ts';

/** The values without names behind all operands that the operator takes. */
export function namelessValues(operator: Operator, call: CallExpr): readonly Expr[] {
  if (operator.variadic === true) return [];
  const all = call.args.slice(operator.inputs.length);
  const { length } = Object.keys(operator.attributes);
  return all.length > 0 && all.length <= length && all.every((arg) => valueText(arg) !== undefined) ? all : [];
}

/** Reports the first of the values, with the attributes that take them as the repair of all. */
export function reportNameless(cx: Context, operator: Operator, values: readonly Expr[], call: CallExpr): void {
  const [first] = values;
  if (!first) return;
  const taken = new Set(call.attrs.map((attribute) => attribute.key.text));
  const edits = values.flatMap((value) => {
    for (const [key, spec] of Object.entries(operator.attributes)) {
      const text = taken.has(key) ? undefined : textFor(operator, key, spec, value);
      if (text === undefined) continue;
      taken.add(key);
      return [{ span: value.span, newText: `${key}=${text}` }];
    }
    return [];
  });
  const all = edits.length === values.length;
  const written = edits.map(({ newText }) => newText).join(', ');
  const names = Object.keys(operator.attributes).map((name) => `\`${name}\``);
  cx.report(
    'argument-count',
    first.span,
    `Expected an attribute with its name behind the arguments of \`${operator.name}\`.`,
    {
      remedy: all ? `Write \`${written}\`.` : `Write name=value; its attributes are ${names.join(', ')}.`,
      ...(all ? { fixes: [{ title: `Write ${written}`, edits, preferred: true }] } : {}),
    },
  );
}

/** The value as an attribute takes it, a single number as a list where one is wanted; undefined where it does not fit. */
function textFor(
  operator: Operator,
  name: string,
  spec: AttributeSpec<never> | AttributeSpec<unknown>,
  value: Expr,
): string | undefined {
  const text = valueText(value);
  const written = valueOf(value);
  if (text === undefined || (spec.kind === 'bool') !== (written.kind === 'bool')) return undefined;
  const takes = (attribute: WrittenAttribute): boolean =>
    normalizeAttributes({ name: operator.name, attributes: { [name]: spec } }, new Map([[name, attribute]])).ok;
  if (takes(written)) return text;
  return takes({ kind: 'list', elements: [written] }) ? `[${text}]` : undefined;
}

function valueOf(expr: Expr): WrittenAttribute {
  if (expr.kind === 'missing' && expr.value) return writtenAttribute(expr.value);
  if (expr.kind === 'paren') return valueOf(expr.inner);
  if (expr.kind === 'tuple') return { kind: 'list', elements: expr.fields.map(valueOf) };
  if (expr.kind === 'name') return { kind: 'string', value: expr.name };
  return writtenAttribute({ kind: 'expr', span: expr.span, value: expr });
}

/** The value as an attribute's value is written; undefined for what is an operand. */
function valueText(expr: Expr): string | undefined {
  switch (expr.kind) {
    case 'missing':
      return expr.value && attributeText(expr.value);
    case 'int':
    case 'float':
      return expr.text;
    case 'bool':
      return expr.value ? 'True' : 'False';
    case 'paren':
      return valueText(expr.inner);
    case 'name':
      return canonicalDType(expr.name) === undefined ? undefined : `"${expr.name}"`;
    case 'tuple': {
      const fields = expr.fields.map(valueText);
      return fields.length > 0 && fields.every((field) => field !== undefined) ? `[${fields.join(', ')}]` : undefined;
    }
    default:
      return undefined;
  }
}

function attributeText(value: AttributeValue): string | undefined {
  switch (value.kind) {
    case 'string':
      return `"${value.value}"`;
    case 'none':
      return 'None';
    case 'list': {
      const items = value.items.map(attributeText);
      return items.every((item) => item !== undefined) ? `[${items.join(', ')}]` : undefined;
    }
    case 'expr':
      return valueText(value.value);
  }
}

/** Reports operands that are written with the operator's name for them; whether there are any. */
export function reportNamed(cx: Context, operator: Operator, attrs: readonly Attribute[]): boolean {
  const named = attrs.filter(
    ({ key, value }) =>
      value.kind === 'expr' &&
      !Object.hasOwn(operator.attributes, key.text) &&
      operator.inputs.some(({ name }) => name === key.text),
  );
  const [first] = named;
  if (!first) return false;
  // Operands come first, in their order.
  const inOrder = named.every(
    (attribute, i) => attribute === attrs[i] && operator.inputs[i]?.name === attribute.key.text,
  );
  const edits = named.map(({ key, value }) => ({ span: { ...key.span, end: value.span.start }, newText: '' }));
  cx.report(
    'unexpected-attributes',
    first.key.span,
    `\`${first.key.text}\` of \`${operator.name}\` is an argument, and arguments are written without names.`,
    {
      remedy: `Remove \`${first.key.text}=\`; arguments stand before all attributes.`,
      ...(inOrder ? { fixes: [{ title: 'Remove the names of arguments', edits, preferred: true }] } : {}),
    },
  );
  return true;
}

/** What is said of a string or a list where only an expression can stand. */
export function reportMisplaced(cx: Context, value: AttributeValue): void {
  const what = value.kind === 'string' ? 'a string' : 'a list in square brackets';
  cx.report('expected-expression', value.span, `Expected an expression, found ${what}.`, {
    remedy:
      value.kind === 'string'
        ? 'Strings are values of attributes only: write name="…" in a call.'
        : 'Lists are values of attributes only: write name=[…] in a call, or a tuple ( … ).',
  });
}
