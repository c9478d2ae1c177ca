/** Attributes of a call: from the tree to what the operator's schema promises, with each problem at its place. */
import type { Fix } from '../base/diagnostic.ts';
import type { Span } from '../base/span.ts';
import type { AttributeSpec, AttributeValueData } from '../operators/attributes.ts';
import { normalizeAttributes } from '../operators/normalize.ts';
import type { AttributeProblem, WrittenAttribute } from '../operators/normalize.ts';
import type { Operator } from '../operators/operator.ts';
import { decodeMetadata, type MetadataNode } from '../syntax/metadata.ts';
import { metadataConstant, metadataDim, reportDamage } from './metadata.ts';
import type { Attribute, AttributeValue, CallExpr, Expr, MetadataSection, MetaRef } from '../syntax/tree.ts';
import type { Dim, DimExpr } from '../types/type.ts';
import type { Context } from './context.ts';
import { replaceFix } from './suggest.ts';

/** The attribute object of the metadata section as if it were written out. */
function storedAttributes(
  cx: Context,
  operator: Operator,
  node: MetaRef,
): ReadonlyMap<string, WrittenAttribute> | undefined {
  const found = cx.metadata ? decodeMetadata(cx.metadata).lookup(node.key, node.index) : undefined;
  if (!found?.ok) {
    if (reportDamage(cx, node)) return undefined;
    cx.report('unknown-metadata', node.span, `The file has no \`meta[${node.key}][${node.index}]\` in its metadata.`, {
      remedy: 'Append the metadata section that belongs to this text, or write the attributes out.',
    });
    return undefined;
  }
  const written = new Map<string, WrittenAttribute>();
  for (const name of found.value.attributeNames) {
    const spec = (operator.attributes as Readonly<Record<string, AttributeSpec>>)[name];
    if (spec) written.set(name, storedValue(found.value, name, spec));
  }
  return written;
}

/** Values in the section are text; the schema says which are numbers and which refer to other objects. */
function storedValue(node: MetadataNode, name: string, spec: AttributeSpec): WrittenAttribute {
  const text = node.text(name) ?? '';
  switch (spec.kind) {
    case 'bool': {
      // Some flags are plain fields, some refer to an integer object; those two numbers refer to none.
      const inner = text === '0' || text === '1' ? undefined : node.node(name);
      return inner ? plainAttribute(inner) : { kind: 'bool', value: text !== '0' };
    }
    case 'float':
      if (spec.nullable === true) return plainOrNull(node.node(name));
      return { kind: 'float', value: node.number(name) ?? NaN };
    case 'dtype':
      return { kind: 'string', value: text };
    case 'int': {
      const inner = spec.nullable === true ? node.node(name) : undefined;
      if (inner) return plainAttribute(inner);
      if (spec.nullable === true && text === '0') return { kind: 'null' };
      return { kind: 'int', value: node.integer(name) ?? 0n };
    }
    default: {
      const inner = node.node(name);
      if (inner) return plainAttribute(inner);
      return spec.kind === 'string' && text !== '0' ? { kind: 'string', value: text } : { kind: 'null' };
    }
  }
}

function plainOrNull(node: MetadataNode | undefined): WrittenAttribute {
  return node && node.typeKey !== '' ? plainAttribute(node) : { kind: 'null' };
}

function plainAttribute(node: MetadataNode): WrittenAttribute {
  switch (node.typeKey) {
    case 'IntImm':
      return { kind: 'int', value: node.integer('value') ?? 0n };
    case 'FloatImm':
      return { kind: 'float', value: node.number('value') ?? NaN };
    case 'runtime.String':
      return { kind: 'string', value: node.repr ?? '' };
    case 'Array':
      return {
        kind: 'list',
        elements: node.items.map((item): WrittenAttribute => (item ? plainAttribute(item) : { kind: 'null' })),
      };
    default:
      return { kind: 'opaque', text: node.typeKey };
  }
}

const nothing: ReadonlyMap<string, WrittenAttribute> = new Map();

/** The normalised attributes, or undefined after a report. */
export function operatorAttributes(
  cx: Context,
  operator: Operator,
  attrs: readonly Attribute[],
  calleeSpan: Span,
  whole: Expr | undefined,
  call?: CallExpr,
): Readonly<Record<string, AttributeValueData>> | undefined {
  let written = nothing;
  if (whole?.kind === 'meta') {
    const stored = storedAttributes(cx, operator, whole);
    if (!stored) return undefined;
    written = stored;
  }
  const key = attrs.find((attribute) => attribute.key.text === 'attrs_type_key');
  if (attrs.length > 0) {
    const map = new Map<string, WrittenAttribute>();
    for (const attribute of attrs)
      if (attribute !== key && attribute.key.text !== '')
        map.set(
          attribute.key.text,
          writtenAttribute(attribute.value, cx.metadata, (name) => namedDim(cx, name)),
        );
    written = map;
    const first = attrs[0] as Attribute;
    if (operator.attrsType === undefined && !key) {
      cx.report('unexpected-attributes', first.span, `\`${operator.name}\` takes no attributes.`, {
        remedy: `Remove \`${first.key.text}\`.`,
      });
      return undefined;
    }
  }
  if (attrs.length > 0 && operator.attrsTypeKey && operator.attrsType !== undefined)
    checkTypeKey(cx, operator.name, operator.attrsType, attrs, key);
  const result = normalizeAttributes(operator, written);
  if (result.ok) return result.value;
  for (const problem of rootProblems(result.problems)) {
    const attribute = attrs.find((candidate) => candidate.key.text === problem.name);
    let span = calleeSpan;
    if (attribute)
      span =
        problem.code === 'unknown-attribute' ? attribute.key.span : valueSpan(attribute.value, problem.element ?? []);
    // What is broken was reported already.
    if (attribute?.value.kind === 'expr' && attribute.value.value.kind === 'missing') continue;
    const { suggestion } = problem;
    const remedy = suggestion === undefined ? problem.remedy : `Write \`${suggestion}\`.`;
    const fix = suggestion === undefined ? withoutValue(operator, problem, call) : replaceFix(span, suggestion);
    cx.report(problem.code, span, problem.message, {
      ...(remedy === undefined ? {} : { remedy }),
      ...(fix ? { fixes: [fix] } : {}),
    });
  }
  return undefined;
}

function namedDim(cx: Context, name: string): Dim | undefined {
  const id = cx.typeNames.get(name)?.id ?? cx.dimNames.get(name);
  return id === undefined ? undefined : { kind: 'var', name, id };
}

/** A key that is unknown most likely stands for one that is missing; the two are one slip. */
function rootProblems(problems: readonly AttributeProblem[]): readonly AttributeProblem[] {
  const missing = problems.filter(({ code }) => code === 'missing-attribute');
  const unknown = problems.filter(({ code }) => code === 'unknown-attribute');
  if (unknown.length === 0 || missing.length === 0) return problems;
  const [only] = missing;
  const kept = problems.filter((problem) => !missing.slice(0, unknown.length).includes(problem));
  if (missing.length > 1 || unknown.length > 1 || !only) return kept;
  return kept.map((problem) => (problem === unknown[0] ? { ...problem, suggestion: only.name } : problem));
}

/** A required attribute that may be `None` is added as such. */
function withoutValue(operator: Operator, problem: AttributeProblem, call: CallExpr | undefined): Fix | undefined {
  const { code, name } = problem;
  const spec = operator.attributes[name];
  if (!call || code !== 'missing-attribute' || spec?.nullable !== true || spec.kind === 'dtype') return undefined;
  const { anchor, end } = call.argsSpan;
  const comma = call.args.length + call.attrs.length > 0 ? ', ' : '';
  const edit = { span: { anchor, start: end - 1, end: end - 1 }, newText: `${comma}${name}=None` };
  return { title: `Add ${name}=None`, edits: [edit] };
}

/** Attributes of some operators are read only beside the name of their record. */
function checkTypeKey(
  cx: Context,
  name: string,
  type: string,
  attrs: readonly Attribute[],
  key: Attribute | undefined,
): void {
  const wanted = `attrs_type_key="${type}"`;
  const last = attrs[attrs.length - 1];
  if (key === undefined && last)
    cx.report('missing-attribute', last.key.span, `\`${name}\` needs \`attrs_type_key\` beside its attributes.`, {
      remedy: `Add \`${wanted}\`.`,
    });
  else if (key && !(key.value.kind === 'string' && key.value.value === type))
    cx.report('bad-attribute', key.value.span, `\`attrs_type_key\` of \`${name}\` must be "${type}".`, {
      remedy: `Write \`${wanted}\`.`,
      fixes: [replaceFix(key.value.span, `"${type}"`)],
    });
}

function valueSpan(value: AttributeValue, path: readonly number[]): Span {
  let current = value;
  for (const index of path) {
    const inner = current.kind === 'list' ? current.items[index] : undefined;
    if (!inner) break;
    current = inner;
  }
  return current.span;
}

/** An attribute's value as the schema reads it. */
export function writtenAttribute(
  value: AttributeValue,
  metadata?: MetadataSection,
  named: (name: string) => Dim | undefined = () => undefined,
): WrittenAttribute {
  switch (value.kind) {
    case 'string':
      return { kind: 'string', value: value.value };
    case 'none':
      return { kind: 'null' };
    case 'list':
      return { kind: 'list', elements: value.items.map((item) => writtenAttribute(item, metadata, named)) };
    case 'expr': {
      let expr = value.value;
      while (expr.kind === 'paren') expr = expr.inner;
      if (expr.kind === 'int' && expr.value !== undefined)
        return { kind: 'int', value: expr.value, wide: expr.dtype === 'int64' && expr.text.endsWith('64') };
      if (expr.kind === 'float' && expr.value !== undefined) return { kind: 'float', value: expr.value };
      if (expr.kind === 'bool') return { kind: 'bool', value: expr.value };
      if (expr.kind !== 'meta' || !metadata) {
        const dim = dimOfExpr(expr, named);
        return { kind: 'opaque', text: opaqueText(expr), ...(dim === undefined ? {} : { dim }) };
      }
      if (expr.key === 'relay.Constant') {
        const constant = metadataConstant(metadata, expr.index);
        return { kind: 'opaque', text: opaqueText(expr), ...(constant ? { value: constant } : {}) };
      }
      const stored = decodeMetadata(metadata).lookup(expr.key, expr.index);
      const dim = expr.key.startsWith('tir.') ? metadataDim(metadata, expr.key, expr.index) : undefined;
      return {
        kind: 'opaque',
        text: opaqueText(expr),
        ...(stored.ok ? { object: stored.value } : {}),
        ...(dim === undefined ? {} : { dim }),
      };
    }
  }
}

/** A dimension that is written in an attribute: `n`, `n * 2`, `floordiv(n, 2)`. */
function dimOfExpr(expr: Expr, named: (name: string) => Dim | undefined): Dim | undefined {
  const join = (op: DimExpr['op'], left: Expr | undefined, right: Expr | undefined): Dim | undefined => {
    const a = left && dimOfExpr(left, named);
    const b = right && dimOfExpr(right, named);
    return a === undefined || b === undefined ? undefined : { kind: 'expr', op, operands: [a, b] };
  };
  switch (expr.kind) {
    case 'paren':
      return dimOfExpr(expr.inner, named);
    case 'name':
      return named(expr.name);
    case 'int':
      return expr.value === undefined ? undefined : Number(expr.value);
    case 'infix':
      if (expr.operator === '/') return join('floordiv', expr.left, expr.right);
      return expr.operator === '+' || expr.operator === '-' || expr.operator === '*'
        ? join(expr.operator, expr.left, expr.right)
        : undefined;
    case 'call': {
      const op = expr.callee.kind === 'name' ? expr.callee.name : '';
      if (op !== 'floordiv' && op !== 'floormod' && op !== 'min' && op !== 'max') return undefined;
      return expr.args.length === 2 ? join(op, expr.args[0], expr.args[1]) : undefined;
    }
    default:
      return undefined;
  }
}

function opaqueText(expr: Expr): string {
  switch (expr.kind) {
    case 'meta':
      return `meta[${expr.key}][${expr.index}]`;
    case 'name':
      return expr.name;
    case 'global':
      return `@${expr.name}`;
    case 'local':
      return `%${expr.name}`;
    case 'graphref':
      return `%${expr.index}`;
    case 'int':
    case 'float':
      return expr.text;
    default:
      return 'an expression';
  }
}
