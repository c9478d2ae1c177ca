/** Operator relations that wait for types: run when enough is known, reported with the place of their cause. */
import type { RelatedLocation } from '../base/diagnostic.ts';
import type { Span } from '../base/span.ts';
import type { Blame, RelateContext, RelateError, RelateResult } from '../operators/operator.ts';
import type { Expr, InfixExpr } from '../syntax/tree.ts';
import { simplifyType } from '../types/dims.ts';
import { containsError } from '../types/substitute.ts';
import { printType } from '../types/print.ts';
import { errorType, type Type } from '../types/type.ts';
import { constantOf } from './constants.ts';
import type { Context, OperatorWork, Relation } from './context.ts';
import { generalAdvice } from './general-advice.ts';
import { declarationOf, literalAs, mismatchText } from './messages.ts';

/** Starts a relation and returns the type of its result: the type itself when it is known at once. */
export function startRelation(cx: Context, relation: Relation): Type {
  const outcome = attempt(cx, relation, undefined);
  if (outcome) {
    solve(cx);
    return outcome;
  }
  const result = cx.solver.fresh();
  relation.result = result;
  cx.pending.add(relation);
  watch(cx, relation);
  solve(cx);
  return cx.find(result);
}

/** Runs what was woken, until nothing is left to do. */
export function solve(cx: Context): void {
  if (cx.solving || cx.queue.length === 0) return;
  cx.solving = true;
  for (let relation = cx.queue.shift(); relation; relation = cx.queue.shift()) {
    if (!cx.pending.has(relation) || !relation.result) continue;
    const known = cx.find(relation.result);
    const outcome = attempt(cx, relation, known.kind === 'incomplete' ? undefined : known);
    if (!outcome) {
      watch(cx, relation);
      continue;
    }
    cx.pending.delete(relation);
    const previous = cx.chunk;
    cx.chunk = relation.chunk;
    const unified = cx.unify(relation.result, outcome);
    if (!unified.ok)
      cx.report('type-mismatch', relation.span, mismatchText(cx, relation.result, outcome, unified.mismatch), {
        remedy: `Change the annotation to \`${printType(cx.resolve(outcome))}\` or the value to fit.`,
      });
    cx.chunk = previous;
  }
  cx.solving = false;
}

/** Wakes the relation when one of the placeholders in its inputs is bound. */
function watch(cx: Context, relation: Relation): void {
  const seen = new Set<number>();
  const visit = (type: Type): void => {
    const t = cx.find(type);
    if (t.kind === 'incomplete') {
      if (seen.has(t.id)) return;
      seen.add(t.id);
      const list = cx.watchers.get(t.id);
      if (list) list.push(relation);
      else cx.watchers.set(t.id, [relation]);
    } else if (t.kind === 'tuple') t.fields.forEach(visit);
    else if (t.kind === 'adt') t.args.forEach(visit);
  };
  relation.inputs.forEach(visit);
  if (relation.result) visit(relation.result);
}

function contextOf(
  cx: Context,
  relation: Relation,
  work: OperatorWork,
  inputs: readonly Type[],
  expected: Type | undefined,
): RelateContext<never> {
  // Attributes were normalised by the operator's own schema.
  return {
    inputs,
    attrs: work.attrs as never,
    expected,
    constant: (index) => constantOf(cx, relation.args[index]),
  };
}

/** The result's type, or undefined when too little is known. Errors are reported and give the error type. */
function attempt(cx: Context, relation: Relation, expected: Type | undefined): Type | undefined {
  const inputs = relation.inputs.map((type) => cx.resolve(type));
  if (inputs.some(containsError)) {
    cx.spoil(inputs);
    return errorType;
  }
  const previous = cx.chunk;
  cx.chunk = relation.chunk;
  try {
    const work = relation.work;
    if (work.kind === 'project') return project(cx, relation, inputs[0] as Type, work.index, work.indexSpan);
    const context = contextOf(cx, relation, work, inputs, expected);
    return conclude(cx, relation, inputs, work.operator.relate(context));
  } finally {
    cx.chunk = previous;
  }
}

function conclude(cx: Context, relation: Relation, inputs: readonly Type[], result: RelateResult): Type | undefined {
  if (result.kind === 'error') {
    reportRelateError(cx, relation, inputs, result.error);
    cx.spoil(inputs);
    return result.error.result ?? errorType;
  }
  let failed = false;
  for (const { index, type } of result.assign ?? []) {
    const input = relation.inputs[index];
    if (!input) continue;
    const unified = cx.unify(input, type);
    if (unified.ok) continue;
    failed = true;
    cx.spoil(inputs);
    const arg = relation.args[index];
    const name = relation.work.kind === 'operator' ? relation.work.operator.inputs[index]?.name : undefined;
    const found = cx.resolve(input);
    cx.report(
      unified.mismatch.reason === 'dtype' ? 'dtype-mismatch' : 'shape-mismatch',
      arg?.span ?? relation.span,
      `\`${name ?? 'the argument'}\` must be \`${printType(cx.resolve(type))}\` to fit the other arguments and the attributes, but it is \`${printType(found)}\`.`,
      {
        remedy: 'Change this argument, or the data and attributes it must fit.',
        related: arg ? declarationOf(cx, arg) : [],
      },
    );
  }
  if (result.kind === 'wait') return failed ? errorType : undefined;
  const type = simplifyType(result.result);
  if (!failed && relation.work.kind === 'operator') advise(cx, relation, relation.work, inputs, type);
  return type;
}

/** Warnings about a call that is typed, and fails later or computes nonsense. */
function advise(cx: Context, relation: Relation, work: OperatorWork, inputs: readonly Type[], result: Type): void {
  const context = contextOf(cx, relation, work, inputs, undefined);
  const advice = [...(work.operator.advise?.(context, result) ?? [])];
  if (advice.length === 0) advice.push(...generalAdvice(work.operator, inputs, result));
  for (const { code, message, remedy, blame, related } of advice) {
    const places = (related ?? []).map((other) => ({ span: blameSpan(relation, other.blame), message: other.message }));
    const arg = blame.kind === 'input' ? relation.args[blame.index] : undefined;
    cx.report(code, blameSpan(relation, blame), message, {
      severity: 'warning',
      ...(remedy === undefined ? {} : { remedy }),
      related: arg ? [...places, ...declarationOf(cx, arg)] : places,
    });
  }
}

function project(cx: Context, relation: Relation, tuple: Type, index: number, indexSpan: Span): Type | undefined {
  if (tuple.kind === 'incomplete') return undefined;
  const related = relation.args[0] ? declarationOf(cx, relation.args[0]) : [];
  if (tuple.kind !== 'tuple') {
    cx.report('not-a-tuple', relation.span, `Only a tuple has fields, but this is \`${printType(tuple)}\`.`, {
      remedy: `Remove \`.${index}\`, or project from a tuple.`,
      related,
    });
    return errorType;
  }
  const field = tuple.fields[index];
  if (field) return field;
  const count = tuple.fields.length;
  cx.report(
    'index-out-of-range',
    indexSpan,
    `The tuple has ${count === 1 ? '1 field' : `${count} fields`}, so there is no field ${index}: it is \`${printType(tuple)}\`.`,
    { remedy: count === 0 ? 'Project from a tuple with fields.' : `Write an index from 0 to ${count - 1}.`, related },
  );
  return errorType;
}

/** The span that a relation blames. */
function blameSpan(relation: Relation, blame: Blame): Span {
  const work = relation.work;
  if (blame.kind === 'attribute' && work.kind === 'operator') {
    const written = work.written.find((attribute) => attribute.key.text === blame.name);
    return written ? written.value.span : work.calleeSpan;
  }
  if (blame.kind === 'input') {
    const arg = relation.args[blame.index];
    const inner = unwrapTuple(arg, blame.field);
    if (inner) return inner.span;
  }
  return relation.span;
}

function unwrapTuple(arg: Expr | undefined, field: number | undefined): Expr | undefined {
  let current = arg;
  while (current?.kind === 'paren') current = current.inner;
  if (field !== undefined && current?.kind === 'tuple') return current.fields[field] ?? arg;
  return arg;
}

/** A literal operand as it would be of the other operand's element type. */
function otherLiteral(relation: Relation, inputs: readonly Type[]): ReturnType<typeof literalAs> {
  if (inputs.length !== 2) return undefined;
  for (const [literal, other] of [inputs[1], inputs[0]].map((type, i) => [relation.args[i], type] as const)) {
    const found = other?.kind === 'tensor' ? literalAs(literal, other.dtype) : undefined;
    if (found) return found;
  }
  return undefined;
}

/** What can be said where the relation has no better advice. */
function remedyFor(relation: Relation, blame: Blame): string {
  if (blame.kind === 'attribute') return `Write another value for \`${blame.name}\`.`;
  const input =
    blame.kind === 'input' && relation.work.kind === 'operator' && relation.work.operator.inputs[blame.index];
  return input ? `Pass another \`${input.name}\`, or change what it must fit.` : 'Change the arguments or attributes.';
}

const comparisons = new Set(['<', '<=', '>', '>=', '==', '!=']);

/** The comparison of a comparison, without parentheses: `1 < %x < 3`. */
function chainedComparison(node: object): (InfixExpr & { readonly left: InfixExpr }) | undefined {
  const outer = node as Expr;
  if (outer.kind !== 'infix' || outer.left.kind !== 'infix') return undefined;
  return comparisons.has(outer.operator) && comparisons.has(outer.left.operator)
    ? { ...outer, left: outer.left }
    : undefined;
}

function reportRelateError(cx: Context, relation: Relation, inputs: readonly Type[], error: RelateError): void {
  const related: RelatedLocation[] = (error.related ?? []).map((other) => ({
    span: blameSpan(relation, other.blame),
    message: other.message,
  }));
  const shown = new Set<Expr>();
  for (const blame of [error.blame, ...(error.related ?? []).map((other) => other.blame)]) {
    if (blame.kind !== 'input') continue;
    const arg = unwrapTuple(relation.args[blame.index], blame.field);
    if (!arg || shown.has(arg)) continue;
    shown.add(arg);
    related.push(...declarationOf(cx, arg));
  }
  const chain = chainedComparison(relation.node);
  if (error.code === 'dtype-mismatch' && chain) {
    const { left, right, span } = chain;
    const operand = left.right;
    cx.report(error.code, span, 'Comparisons form no chain: the first one gives a `bool`, which the second compares.', {
      remedy: 'Write both comparisons and join them: `logical_and(… < …, … < …)`.',
      related: [
        { span: left.span, message: 'This is a `bool`.' },
        ...declarationOf(cx, operand),
        ...declarationOf(cx, right),
      ],
    });
    return;
  }
  const literal = error.code === 'dtype-mismatch' ? otherLiteral(relation, inputs) : undefined;
  cx.report(error.code, blameSpan(relation, error.blame), error.message, {
    remedy: literal ? `Write \`${literal.text}\`.` : (error.remedy ?? remedyFor(relation, error.blame)),
    related,
    ...(literal ? { fixes: [literal.fix] } : {}),
  });
}
