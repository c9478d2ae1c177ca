/** Types of expressions (relay-language reference, section 4.3). */
import { checkCancelled } from '../base/cancellation.ts';
import type {
  Block,
  Expr,
  FreeVarStatement,
  FunctionNode,
  GlobalRef,
  GraphRef,
  GraphStatement,
  IfExpr,
  LetStatement,
  LocalRef,
  MatchExpr,
  MetaRef,
  RefExpr,
  Statement,
} from '../syntax/tree.ts';
import { printType } from '../types/print.ts';
import {
  errorType,
  funcType,
  refType,
  scalarType,
  tupleType,
  unitType,
  type FuncType,
  type Type,
  type TypeVar,
} from '../types/type.ts';
import { bindGraph, bindLocal, lookupGraph, lookupLocal } from './bindings.ts';
import type { Context } from './context.ts';
import { checkExhaustive } from './exhaustive.ts';
import { inferCall, inferInfix, inferName } from './infer-call.ts';
import { checkPattern } from './infer-pattern.ts';
import { declarationOf, mismatchCode, mismatchText } from './messages.ts';
import { metadataConstantType, typeOfComment } from './metadata.ts';
import { solve, startRelation } from './relations.ts';
import type { Binding } from './scope.ts';
import { nearest, replaceFix } from './suggest.ts';
import { annotation, declareTypeParams } from './type-nodes.ts';

const boolType = scalarType('bool');
/** Deeper nests than this are refused; the parser refuses earlier. */
const maximumDepth = 1000;

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
      return errorType;
  }
}

function inferLocal(cx: Context, node: LocalRef): Type {
  const binding = lookupLocal(cx, node, node.name);
  if (binding) return binding.type;
  if (node.name === '') return errorType;
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

export function inferBlock(cx: Context, block: Block): Type {
  const mark = cx.locals.mark();
  cx.level++;
  for (const statement of block.statements) inferStatement(cx, statement);
  const type = inferExpr(cx, block.result);
  cx.level--;
  cx.locals.restore(mark);
  return type;
}

/** Checks a statement and brings what it binds into scope. */
export function inferStatement(cx: Context, statement: Statement): void {
  checkCancelled(cx.token);
  switch (statement.kind) {
    case 'let':
      return inferLet(cx, statement);
    case 'graph':
      return inferGraphStatement(cx, statement);
    case 'sequence':
      inferExpr(cx, statement.value);
      return;
    case 'free_var':
      return inferFreeVar(cx, statement);
  }
}

function inferFreeVar(cx: Context, statement: FreeVarStatement): void {
  if (cx.order !== Infinity)
    cx.report(
      'free-variable',
      statement.name.span,
      `A function cannot mention the free variable \`%${statement.name.text}\`.`,
      {
        remedy: `Add \`%${statement.name.text}\` as a parameter.`,
      },
    );
  const type = annotation(cx, statement.type) ?? cx.solver.fresh();
  const symbol = { kind: 'local', name: statement.name.text, definition: statement } as const;
  cx.setType(statement, type);
  bindLocal(cx, { symbol, nameSpan: statement.name.span, type, value: undefined, level: 0 });
}

function isFunctionLiteral(expr: Expr): boolean {
  let current = expr;
  while (current.kind === 'paren') current = current.inner;
  return current.kind === 'fn';
}

function inferLet(cx: Context, statement: LetStatement): void {
  const written = annotation(cx, statement.type);
  const recursive = isFunctionLiteral(statement.value);
  const symbol = { kind: 'local', name: statement.name.text, definition: statement } as const;
  const binding: Binding = {
    symbol,
    nameSpan: statement.name.span,
    type: errorType,
    value: statement.value,
    level: cx.level,
  };
  let placeholder: Type | undefined;
  if (recursive) {
    placeholder = written ?? cx.solver.fresh();
    binding.type = placeholder;
    bindLocal(cx, binding);
  }
  const value = inferExpr(cx, statement.value);
  let type = value;
  if (written) {
    const unified = cx.unify(written, value);
    if (unified.ok) type = unified.type;
    else {
      type = written;
      const annotated = statement.type;
      cx.report(
        mismatchCode(unified.mismatch),
        statement.value.span,
        mismatchText(cx, written, value, unified.mismatch),
        {
          remedy: `Change the annotation to \`${printType(cx.resolve(value))}\`, or the value to fit.`,
          related: annotated
            ? [
                { span: annotated.span, message: `\`%${statement.name.text}\` is declared here.` },
                ...declarationOf(cx, statement.value),
              ]
            : [],
        },
      );
    }
  } else if (placeholder) {
    const unified = cx.unify(placeholder, value);
    if (!unified.ok) {
      cx.poison(placeholder);
      cx.report(
        mismatchCode(unified.mismatch),
        statement.value.span,
        `The function calls itself differently. ${mismatchText(cx, placeholder, value, unified.mismatch)}`,
        {
          remedy: 'Annotate the parameters and the result of the function.',
        },
      );
    }
  }
  binding.type = type;
  cx.setType(statement, type);
  if (!recursive) bindLocal(cx, binding);
}

function inferGraphStatement(cx: Context, statement: GraphStatement): void {
  const outer = cx.mentioned;
  const outerMentions = cx.mentionsLocal;
  cx.mentioned = new Set();
  cx.mentionsLocal = false;
  const type = inferExpr(cx, statement.value);
  // What the expression itself binds has left its scope by now.
  const inner = [...cx.mentioned].filter((binding) => binding.live === true);
  const open = cx.mentionsLocal;
  cx.mentioned = outer;
  cx.mentionsLocal = outerMentions || open;
  for (const binding of inner) outer?.add(binding);
  cx.setType(statement, type);
  bindGraph(cx, statement, type, inner, open);
}

/** A function literal; `signature` is told the type as far as annotations give it, before the body is visited. */
export function inferFunction(cx: Context, node: FunctionNode): Type {
  const typeMark = cx.typeNames.mark();
  const mark = cx.locals.mark();
  cx.level++;
  const typeParams = declareTypeParams(cx, node.typeParams);
  const params = inferParams(cx, node);
  const written = annotation(cx, node.ret);
  const type = finishFunction(cx, node, params, written, inferExpr(cx, node.body), typeParams);
  cx.level--;
  cx.locals.restore(mark);
  cx.typeNames.restore(typeMark);
  return type;
}

/** Binds the parameters; the types are the annotations or placeholders. */
export function inferParams(cx: Context, node: FunctionNode): readonly Type[] {
  const seen = new Set<string>();
  return node.params.map((param) => {
    const type = annotation(cx, param.type) ?? cx.solver.fresh();
    cx.setType(param, type);
    const name = param.name.text;
    const symbol = { kind: 'local', name, definition: param } as const;
    const binding: Binding = { symbol, nameSpan: param.name.span, type, value: undefined, level: cx.level };
    if (seen.has(name) && name !== '') {
      cx.report('duplicate-binder', param.name.span, `Two parameters are named \`%${name}\`.`, {
        severity: 'warning',
        remedy: 'Rename one of them; the first is meant wherever the name is used.',
      });
      cx.own.add(binding);
    } else {
      seen.add(name);
      bindLocal(cx, binding);
    }
    return type;
  });
}

/** The function's type from its parts, the body's type checked against the annotation. */
export function finishFunction(
  cx: Context,
  node: FunctionNode,
  params: readonly Type[],
  written: Type | undefined,
  bodyType: Type,
  typeParams: readonly TypeVar[],
): FuncType {
  let body = cx.find(bodyType);
  if (body.kind === 'func' && body.typeParams.length > 0 && !cx.operatorTypes.has(body))
    body = cx.solver.instantiate(body);
  let ret = body;
  if (written) {
    const unified = cx.unify(written, body);
    if (unified.ok) ret = unified.type;
    else {
      ret = written;
      const value = node.body.result;
      cx.report(mismatchCode(unified.mismatch), value.span, mismatchText(cx, written, body, unified.mismatch), {
        remedy: `Change the result type to \`${printType(cx.resolve(body))}\`, or the value to fit.`,
        related: [
          ...(node.ret ? [{ span: node.ret.span, message: 'The result type is declared here.' }] : []),
          ...declarationOf(cx, value),
        ],
      });
    }
  }
  return funcType(params, ret, typeParams);
}
