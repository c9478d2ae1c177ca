/**
 * Exhaustiveness of `match` by usefulness of pattern rows (Maranget): a case is missing when a row of wildcards would
 * still be useful. Work is bounded by the patterns written, not by the number of combinations of constructors.
 */
import type { RelatedLocation } from '../base/diagnostic.ts';
import type { MatchExpr, Pattern } from '../syntax/tree.ts';
import type { Type } from '../types/type.ts';
import type { Context } from './context.ts';
import type { ConstructorInfo } from './scope.ts';

/** A pattern reduced to what it accepts. */
type Shape =
  | { readonly kind: 'any' }
  | { readonly kind: 'constructor'; readonly info: ConstructorInfo; readonly fields: readonly Shape[] }
  | { readonly kind: 'tuple'; readonly fields: readonly Shape[] };

const wildcard: Shape = { kind: 'any' };
/** Missing cases shown before «and more». */
const shownCases = 4;
/** Steps before the search gives up and stays silent. */
const stepLimit = 20000;

function shapeOf(cx: Context, pattern: Pattern): Shape {
  switch (pattern.kind) {
    case 'wildcard':
    case 'varpattern':
      return wildcard;
    case 'tuplepattern':
      return { kind: 'tuple', fields: pattern.fields.map((field) => shapeOf(cx, field)) };
    case 'ctorpattern': {
      const info = cx.module.constructors.get(pattern.name.text);
      if (!info) return wildcard;
      return {
        kind: 'constructor',
        info,
        fields: info.fields.map((_, i) => (pattern.fields[i] ? shapeOf(cx, pattern.fields[i]) : wildcard)),
      };
    }
  }
}

/** Reports cases that no arm handles, and hints at arms that handle nothing new. */
export function checkExhaustive(cx: Context, node: MatchExpr, scrutinee: Type): void {
  const rows: Shape[][] = [];
  const budget = { steps: stepLimit };
  for (const arm of node.arms) {
    const row = [shapeOf(cx, arm.pattern)];
    if (rows.length > 0 && witness(cx, rows, row, budget) === undefined && budget.steps > 0)
      cx.report('unreachable-arm', arm.pattern.span, 'The arms above handle every value that this one matches.', {
        severity: 'hint',
        tags: ['unnecessary'],
        remedy: 'Remove this arm, or move it up.',
      });
    rows.push(row);
  }
  if (!node.complete) return;
  const missing: string[] = [];
  const open = [...rows];
  while (missing.length <= shownCases) {
    const found =
      open.length === 0 && scrutinee.kind !== 'adt' ? [wildcard] : witness(cx, open, [wildcard], budget, scrutinee);
    if (!found || budget.steps <= 0) break;
    const [first] = found;
    if (!first) break;
    missing.push(showShape(first, false));
    open.push([first]);
  }
  if (missing.length === 0) return;
  const more = missing.length > shownCases;
  const shown = missing.slice(0, shownCases).map((text) => `\`${text}\``);
  cx.report('non-exhaustive-match', node.keywordSpan, `No arm handles ${shown.join(', ')}${more ? ' and more' : ''}.`, {
    remedy: `Add ${more ? 'arms for these' : missing.map((text) => `\`${text} => …\``).join(' and ')}, end with \`_ => …\`, or write \`match?\`.`,
    related: definitionOf(cx, scrutinee),
  });
}

/** Where the type whose cases are missing is defined in this file. */
function definitionOf(cx: Context, scrutinee: Type): readonly RelatedLocation[] {
  const type = cx.find(scrutinee);
  const name = type.kind === 'adt' && typeof type.head === 'string' ? type.head : undefined;
  const definition = name === undefined ? undefined : cx.module.adts.get(name)?.definition;
  return definition ? [{ span: definition.name.span, message: `\`${name}\` is defined here.` }] : [];
}

/** Values that `row` accepts and no row of `rows` does, or undefined when there are none. */
function witness(
  cx: Context,
  rows: readonly (readonly Shape[])[],
  row: readonly Shape[],
  budget: { steps: number },
  type?: Type,
): Shape[] | undefined {
  if (--budget.steps <= 0) return undefined;
  if (rows.length === 0) {
    const first = row[0];
    if (first?.kind === 'any' && type?.kind === 'adt') return undefinedOr(cx, type, row);
    return [...row];
  }
  const head = row[0];
  if (head === undefined) return undefined;
  if (head.kind !== 'any') {
    const rest = witness(cx, specialize(rows, head), [...head.fields, ...row.slice(1)], budget);
    return rest && rebuild(head, rest);
  }
  const heads = headsOf(rows);
  const tuple = heads.find((shape) => shape.kind === 'tuple');
  if (tuple) {
    const rest = witness(cx, specialize(rows, tuple), [...tuple.fields.map(() => wildcard), ...row.slice(1)], budget);
    return rest && rebuild(tuple, rest);
  }
  const used = new Map<string, Extract<Shape, { kind: 'constructor' }>>();
  for (const shape of heads) if (shape.kind === 'constructor') used.set(shape.info.name, shape);
  const sample = used.values().next().value;
  const all = sample ? (cx.module.adts.get(sample.info.adt)?.constructors ?? []) : [];
  const absent = all.find((info) => !used.has(info.name));
  if (used.size === 0 || absent) {
    const others = rows.filter((r) => r[0]?.kind === 'any').map((r) => r.slice(1));
    const rest = witness(cx, others, row.slice(1), budget);
    if (!rest) return undefined;
    const shown: Shape = absent
      ? { kind: 'constructor', info: absent, fields: absent.fields.map(() => wildcard) }
      : wildcard;
    return [shown, ...rest];
  }
  for (const info of all) {
    const shape: Shape = { kind: 'constructor', info, fields: info.fields.map(() => wildcard) };
    const rest = witness(cx, specialize(rows, shape), [...shape.fields, ...row.slice(1)], budget);
    if (rest) return rebuild(shape, rest);
  }
  return undefined;
}

/** With no arms at all, the first constructor is the case to show; a type without constructors has no cases. */
function undefinedOr(cx: Context, type: Extract<Type, { kind: 'adt' }>, row: readonly Shape[]): Shape[] | undefined {
  const info = typeof type.head === 'string' ? cx.module.adts.get(type.head)?.constructors[0] : undefined;
  return info ? [{ kind: 'constructor', info, fields: info.fields.map(() => wildcard) }, ...row.slice(1)] : [...row];
}

function headsOf(rows: readonly (readonly Shape[])[]): Shape[] {
  return rows.map((row) => row[0] ?? wildcard).filter((shape) => shape.kind !== 'any');
}

/** The rows that accept `head`, with its fields in place of the first column. */
function specialize(rows: readonly (readonly Shape[])[], head: Exclude<Shape, { kind: 'any' }>): Shape[][] {
  const result: Shape[][] = [];
  for (const row of rows) {
    const first = row[0] ?? wildcard;
    if (first.kind === 'any') result.push([...head.fields.map(() => wildcard), ...row.slice(1)]);
    else if (first.kind === 'tuple' && head.kind === 'tuple') result.push([...first.fields, ...row.slice(1)]);
    else if (first.kind === 'constructor' && head.kind === 'constructor' && first.info.name === head.info.name)
      result.push([...first.fields, ...row.slice(1)]);
  }
  return result;
}

function rebuild(head: Exclude<Shape, { kind: 'any' }>, values: readonly Shape[]): Shape[] {
  const count = head.fields.length;
  return [{ ...head, fields: values.slice(0, count) }, ...values.slice(count)];
}

function showShape(shape: Shape, inner: boolean): string {
  void inner;
  switch (shape.kind) {
    case 'any':
      return '_';
    case 'tuple':
      return `(${shape.fields.map((field) => showShape(field, true)).join(', ')})`;
    case 'constructor':
      return shape.fields.length === 0
        ? shape.info.name
        : `${shape.info.name}(${shape.fields.map((field) => showShape(field, true)).join(', ')})`;
  }
}
