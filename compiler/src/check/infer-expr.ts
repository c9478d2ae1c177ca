/** Types of expressions (relay-language reference, section 4.3). */
import { nearest } from '../base/nearest.ts';
import type { Expr, GlobalRef, GraphRef, IfExpr, LocalRef, MatchExpr, MetaRef, RefExpr } from '../syntax/tree.ts';
import { printType } from '../types/print.ts';
import { errorType, refType, scalarType, tupleType, unitType, type Type } from '../types/type.ts';
import { bindLocal, lookupGraph, lookupLocal } from './bindings.ts';
import type { Context } from './context.ts';
import { checkExhaustive } from './exhaustive.ts';
import { inferBroken } from './infer-broken.ts';
import { reportMember } from './method-calls.ts';
import { inferCall, inferInfix, inferName } from './infer-call.ts';
import { inferFunction } from './infer-function.ts';
import { checkPattern } from './infer-pattern.ts';
import { inferBlock } from './infer-statement.ts';
import { declarationOf, mismatchCode, mismatchText } from './messages.ts';
import { metadataConstantType, reportDamage } from './metadata.ts';
import { solve, startRelation } from './relations.ts';
import type { Binding } from './scope.ts';
import { replaceFix } from './suggest.ts';
import { typeOfComment } from './type-nodes.ts';

const boolType = scalarType('bool');
/** Deeper nests than this are refused; the parser refuses earlier. */
const maximumDepth = 1000;

/** The type of an expression, noted in the current chunk; `error` after a report. */
export function inferExpr(cx: Context, expr: Expr): Type {
  if (cx.depth > maximumDepth) {
    cx.report('nesting-too-deep', expr.span, `Expressions may nest ${maximumDepth} deep; this one is deeper.`, {
      remedy: 'Bind inner expressions to names with `let`.',
    });
    return cx.setType(expr, errorType);
  }
  cx.depth++;
  const type = infer(cx, expr);
  cx.depth--;
  if (cx.queue.length > 0) solve(cx);
  return cx.setType(expr, type);
}

function infer(cx: Context, expr: Expr): Type {
  switch (expr.kind) {
    case 'int':
    case 'float':
      return scalarType(expr.dtype);
    case 'bool':
      return boolType;
    case 'local':
      return inferLocal(cx, expr);
    case 'graphref':
      return inferGraph(cx, expr);
    case 'global':
      return inferGlobal(cx, expr);
    case 'name':
      return inferName(cx, expr);
    case 'meta':
      return inferMeta(cx, expr);
    case 'fn':
      return inferFunction(cx, expr);
    case 'if':
      return inferIf(cx, expr);
    case 'ref':
    case 'ref_read':
    case 'ref_write':
      return inferRef(cx, expr);
    case 'tuple':
      return expr.fields.length === 0 ? unitType : tupleType(expr.fields.map((field) => inferExpr(cx, field)));
    case 'paren':
      return inferExpr(cx, expr.inner);
    case 'projection': {
      const tuple = inferExpr(cx, expr.tuple);
      return startRelation(cx, {
        span: expr.span,
        node: expr,
        inputs: [tuple],
        args: [expr.tuple],
        chunk: cx.chunk,
        result: undefined,
        work: { kind: 'project', index: expr.index, indexSpan: expr.indexSpan },
      });
    }
    case 'call':
      return inferCall(cx, expr);
    case 'infix':
      return inferInfix(cx, expr);
    case 'match':
      return inferMatch(cx, expr);
    case 'block':
      return inferBlock(cx, expr);
    case 'missing':
      return inferBroken(cx, expr);
  }
}

function inferLocal(cx: Context, node: LocalRef): Type {
  const binding = lookupLocal(cx, node, node.name);
  if (binding) return binding.type;
  if (node.name === '' || reportMember(cx, node)) return errorType;
  const suggestion = nearest(node.name, cx.locals.names());
  const global = cx.module.globals.has(node.name) ? `@${node.name}` : undefined;
  const found = global ?? (suggestion === undefined ? undefined : `%${suggestion}`);
  cx.report('unknown-local', node.span, `There is no variable \`%${node.name}\` in scope here.`, {
    remedy: found ? `Write \`${found}\`.` : `Bind it with \`let %${node.name} = …;\`, or add it as a parameter.`,
    ...(found ? { fixes: [replaceFix(node.span, found)] } : {}),
  });
  return errorType;
}

function inferGraph(cx: Context, node: GraphRef): Type {
  const binding = lookupGraph(cx, node);
  if (binding) return binding.type;
  cx.report('unknown-graph-number', node.span, `\`%${node.index}\` is not defined above.`, {
    remedy: `Write \`%${node.index} = …;\` before it is used, or correct the number.`,
  });
  return errorType;
}

function inferGlobal(cx: Context, node: GlobalRef): Type {
  const info = cx.module.globals.get(node.name);
  if (info) {
    const symbol = { kind: 'global', name: node.name, definition: info.definition } as const;
    const dependency = { kind: 'global', name: node.name, symbol, type: info.type } as const;
    cx.chunk.symbols.set(node, cx.chunk.depend(`@${node.name}`, { ...dependency }));
    return info.type;
  }
  if (node.name === '') return errorType;
  cx.chunk.depend(`@${node.name}`, { kind: 'global', name: node.name, symbol: undefined, type: undefined });
  // What the file defines is meant rather than what the prelude does.
  const own = [...cx.module.globals.values()].sort((a, b) => Number(a.imported) - Number(b.imported));
  const suggestion = nearest(
    node.name,
    own.map((global) => global.name),
  );
  const local = cx.locals.get(node.name) ? `%${node.name}` : undefined;
  const found = local ?? (suggestion === undefined ? undefined : `@${suggestion}`);
  cx.report('unknown-global', node.span, `There is no function \`@${node.name}\`.`, {
    remedy: found ? `Write \`${found}\`.` : `Define \`def @${node.name}(…) { … }\`.`,
    ...(found ? { fixes: [replaceFix(node.span, found)] } : {}),
  });
  return errorType;
}

function inferMeta(cx: Context, node: MetaRef): Type {
  const type =
    (node.key === 'relay.Constant' ? metadataConstantType(cx.metadata, node.index) : undefined) ??
    (node.typeComment === undefined ? undefined : typeOfComment(cx, node.typeComment));
  if (type) return type;
  const constant = node.key === 'relay.Constant';
  if (constant && reportDamage(cx, node)) return errorType;
  cx.report(
    'unknown-metadata',
    node.span,
    constant
      ? `The file has no constant number ${node.index} in its metadata.`
      : `\`meta[${node.key}]\` is not an expression.`,
    {
      remedy: constant
        ? 'Append the metadata section that belongs to this text, or note the type: `meta[…][…] /* ty=Tensor[…] */`.'
        : 'Use `meta[relay.Constant][…]` for a constant.',
    },
  );
  return errorType;
}

function inferRef(cx: Context, node: RefExpr): Type {
  const types = node.operands.map((operand) => inferExpr(cx, operand));
  const first = types[0] ?? errorType;
  if (node.kind === 'ref') return refType(first);
  const ref = cx.find(first);
  let content: Type;
  if (ref.kind === 'ref') content = ref.content;
  else if (ref.kind === 'incomplete') {
    content = cx.solver.fresh();
    cx.unify(ref, refType(content));
  } else {
    if (ref.kind !== 'error' && node.operands[0])
      cx.report(
        'not-a-reference',
        node.operands[0].span,
        `Expected a reference, found \`${printType(cx.resolve(ref))}\`.`,
        {
          remedy: 'Make a reference with `ref(…)` and pass that.',
          related: declarationOf(cx, node.operands[0]),
        },
      );
    content = errorType;
  }
  if (node.kind === 'ref_read') return content;
  const value = types[1];
  const valueNode = node.operands[1];
  if (value && valueNode) {
    const unified = cx.unify(content, value);
    if (!unified.ok)
      cx.report(mismatchCode(unified.mismatch), valueNode.span, mismatchText(cx, content, value, unified.mismatch), {
        remedy: `Write a value of type \`${printType(cx.resolve(content))}\`, which the reference holds.`,
        related: node.operands[0] ? declarationOf(cx, node.operands[0]) : [],
      });
  }
  return unitType;
}

function inferIf(cx: Context, node: IfExpr): Type {
  const condition = inferExpr(cx, node.condition);
  const unified = cx.unify(condition, scalarType('bool'));
  if (!unified.ok)
    cx.report(
      'condition-not-bool',
      node.condition.span,
      `A condition is \`bool\`, but this is \`${printType(cx.resolve(condition))}\`.`,
      {
        remedy: 'Compare it, for instance `… != 0`; reduce a tensor with `any` or `all`.',
        related: declarationOf(cx, node.condition),
      },
    );
  const then = inferExpr(cx, node.then);
  const otherwise = inferExpr(cx, node.otherwise);
  const joined = cx.unify(then, otherwise);
  if (joined.ok) return joined.type;
  cx.report(
    mismatchCode(joined.mismatch),
    node.otherwise.result.kind === 'missing' ? node.otherwise.span : node.otherwise.result.span,
    `Both branches must have one type. ${mismatchText(cx, then, otherwise, joined.mismatch)}`,
    {
      remedy: 'Make both branches give the same type.',
      related: [{ span: node.then.result.span, message: `The other branch is \`${printType(cx.resolve(then))}\`.` }],
    },
  );
  return errorType;
}

function inferMatch(cx: Context, node: MatchExpr): Type {
  const scrutinee = inferExpr(cx, node.scrutinee);
  const before = cx.chunk.diagnostics.length;
  const binders: Binding[][] = [];
  cx.level++;
  for (const arm of node.arms) {
    const own: Binding[] = [];
    checkPattern(cx, arm.pattern, scrutinee, (binding) => own.push(binding));
    binders.push(own);
  }
  const sound = cx.chunk.diagnostics.length === before;
  let result: Type | undefined;
  let first: Expr | undefined;
  node.arms.forEach((arm, i) => {
    const mark = cx.locals.mark();
    const seen = new Set<string>();
    for (const binding of binders[i] ?? []) {
      const name = binding.symbol.kind === 'local' ? binding.symbol.name : '';
      if (seen.has(name)) {
        cx.report('duplicate-binder', binding.nameSpan, `The pattern binds \`%${name}\` twice.`, {
          severity: 'warning',
          remedy: 'Rename one of them, or write `_`.',
        });
        cx.own.add(binding);
        continue;
      }
      seen.add(name);
      bindLocal(cx, binding);
    }
    const type = inferExpr(cx, arm.body);
    cx.setType(arm, type);
    cx.locals.restore(mark);
    if (result === undefined) {
      result = type;
      first = arm.body;
      return;
    }
    const joined = cx.unify(result, type);
    if (joined.ok) {
      result = joined.type;
      return;
    }
    cx.report(
      mismatchCode(joined.mismatch),
      arm.body.span,
      `All arms must have one type. ${mismatchText(cx, result, type, joined.mismatch)}`,
      {
        remedy: 'Make all arms give the same type.',
        related: first ? [{ span: first.span, message: `The first arm is \`${printType(cx.resolve(result))}\`.` }] : [],
      },
    );
    result = errorType;
  });
  cx.level--;
  if (sound && cx.find(scrutinee).kind !== 'error') checkExhaustive(cx, node, cx.resolve(scrutinee));
  if (result) return result;
  return node.complete ? errorType : cx.solver.fresh();
}
