/** Calls: of operators through their relations, of everything else by unification (reference, section 4.4). */
import type { RelatedLocation } from '../base/diagnostic.ts';
import { nearest } from '../base/nearest.ts';
import type { Span } from '../base/span.ts';
import type { Operator } from '../operators/operator.ts';
import type { Attribute, CallExpr, Expr, InfixExpr, InfixOperator, NameRef, Param } from '../syntax/tree.ts';
import { printType } from '../types/print.ts';
import { dimVarsOf, freshTypeVar } from '../types/substitute.ts';
import { errorType, funcType, type FuncType, type Type } from '../types/type.ts';
import { operatorAttributes } from './attributes.ts';
import { namelessValues, reportNamed, reportNameless } from './call-values.ts';
import type { Context } from './context.ts';
import { inferExpr } from './infer-expr.ts';
import { useConstructor } from './infer-pattern.ts';
import { counted } from '../base/text.ts';
import { reportMethod } from './method-calls.ts';
import { bindingOf, declarationOf, literalFix, mismatchCode, mismatchText } from './messages.ts';
import { startRelation } from './relations.ts';
import { nearestOperator, replaceFix } from './suggest.ts';

const infixNames: Readonly<Record<InfixOperator, string>> = {
  '*': 'multiply',
  '/': 'divide',
  '+': 'add',
  '-': 'subtract',
  '<': 'less',
  '<=': 'less_equal',
  '>': 'greater',
  '>=': 'greater_equal',
  '==': 'equal',
  '!=': 'not_equal',
};

/** The operator that an infix sign calls. */
export function infixOperatorName(operator: InfixOperator): string {
  return infixNames[operator];
}

/** Infix chains lean left and may be long: the spine is walked, not recursed into. */
export function inferInfix(cx: Context, expr: InfixExpr): Type {
  const spine: InfixExpr[] = [];
  let current: Expr = expr;
  while (current.kind === 'infix') {
    spine.push(current);
    current = current.left;
  }
  let left = inferExpr(cx, current);
  for (let node = spine.pop(); node; node = spine.pop()) {
    const right = inferExpr(cx, node.right);
    const operator = cx.module.operators.get(infixNames[node.operator]);
    left = operator
      ? callOperator(cx, node, operator, [left, right], [node.left, node.right], [], node.operatorSpan)
      : errorType;
    cx.setType(node, left);
  }
  return left;
}

/** What stands behind parentheses and graph numbers in callee position. */
function calleeNode(cx: Context, callee: Expr): Expr {
  let current = callee;
  for (let hops = 0; hops < 100; hops++) {
    if (current.kind === 'paren') current = current.inner;
    else if (current.kind === 'graphref') {
      const value: Expr | undefined = bindingOf(cx, current)?.value;
      if (!value || (value.kind !== 'name' && value.kind !== 'graphref' && value.kind !== 'paren')) return current;
      current = value;
    } else return current;
  }
  return current;
}

/** The type of a call; `error` after a report. A call of an operator whose types are not known yet starts a relation. */
export function inferCall(cx: Context, call: CallExpr): Type {
  // Chains of calls lean left as well: `f(1)(2)(3)`.
  const chain: CallExpr[] = [];
  let callee: Expr = call;
  while (callee.kind === 'call') {
    chain.push(callee);
    callee = callee.callee;
  }
  let type: Type = errorType;
  for (let node = chain.pop(); node; node = chain.pop()) type = cx.setType(node, inferOneCall(cx, node));
  return type;
}

/** `meta[relay.attrs.X][i]` as the last argument stands for all attributes. */
function isAttributeObject(arg: Expr): boolean {
  return arg.kind === 'meta' && arg.key.startsWith('relay.attrs.');
}

function inferOneCall(cx: Context, call: CallExpr): Type {
  const target = calleeNode(cx, call.callee);
  if (target.kind === 'name' && !cx.module.constructors.has(target.name)) {
    const operator = cx.module.operators.get(target.name);
    if (operator) {
      if (call.callee.kind === 'graphref' || call.callee.kind === 'paren') inferExpr(cx, call.callee);
      cx.chunk.symbols.set(target, { kind: 'operator', operator });
      const nameless = namelessValues(operator, call);
      const args = call.args.map((arg) =>
        isAttributeObject(arg) || nameless.includes(arg) ? errorType : inferExpr(cx, arg),
      );
      if (nameless.length > 0 || reportNamed(cx, operator, call.attrs)) {
        reportNameless(cx, operator, nameless, call);
        cx.spoil(args);
        return errorType;
      }
      const type = callOperator(cx, call, operator, args, call.args, call.attrs, target.span);
      if (call.callee === target) cx.setType(target, funcType(args, type));
      return type;
    }
  }
  if (target.kind === 'name' && call.callee === target) {
    const info = cx.module.constructors.get(target.name);
    if (info && info.fields.length === 0) {
      useConstructor(cx, target, info, target.span);
      const args = call.args.map((arg) => inferExpr(cx, arg));
      if (args.length > 0) {
        cx.report(
          'argument-count',
          call.argsSpan,
          `\`${info.name}\` has no fields, but ${counted(args.length, 'argument')} are given.`,
          {
            remedy: `Write \`${info.name}\` alone.`,
            fixes: [replaceFix(call.span, info.name)],
          },
        );
        return errorType;
      }
      const fresh = cx.solver.instantiate(funcType([], info.type, info.typeParams));
      return cx.setType(target, fresh.ret);
    }
  }
  if (call.callee === target && reportMethod(cx, call)) {
    cx.spoil(call.args.map((arg) => inferExpr(cx, arg)));
    return errorType;
  }
  const calleeType =
    call.callee.kind === 'call' ? (cx.chunk.types.get(call.callee) ?? errorType) : inferExpr(cx, call.callee);
  // Attributes beside a name that means nothing are most likely those of the operator that was meant.
  const unknown = cx.find(calleeType).kind === 'error';
  const args = call.args.map((arg) => (unknown && isAttributeObject(arg) ? errorType : inferExpr(cx, arg)));
  if (!unknown) rejectAttributes(cx, call.attrs);
  return callFunction(cx, call, calleeType, args);
}

/** A function is called without attributes; `attrs_type_key` names their record when TVM printed some. */
function rejectAttributes(cx: Context, attrs: readonly Attribute[]): void {
  const first = attrs[0];
  if (!first || attrs.some((attribute) => attribute.key.text === 'attrs_type_key')) return;
  cx.report('unexpected-attributes', first.span, 'Only an operator takes attributes.', {
    remedy: `Remove \`${first.key.text}\`, or pass it as an argument.`,
  });
}

/** A call of an operator: attributes by its schema, types by its relation. */
function callOperator(
  cx: Context,
  node: CallExpr | InfixExpr,
  operator: Operator,
  inputs: readonly Type[],
  args: readonly Expr[],
  written: readonly Attribute[],
  calleeSpan: Span,
): Type {
  const span = node.span;
  let wholeAttributes: Expr | undefined;
  let argExprs = args;
  let argTypes = inputs;
  const last = args[args.length - 1];
  if (last && isAttributeObject(last)) {
    wholeAttributes = last;
    argExprs = args.slice(0, -1);
    argTypes = inputs.slice(0, -1);
  }
  const call = node.kind === 'call' ? node : undefined;
  const attrs = operatorAttributes(cx, operator, written, calleeSpan, wholeAttributes, call);
  const wanted = operator.inputs.length;
  if (operator.variadic !== true && argTypes.length !== wanted) {
    if (!argExprs.some(isMissing)) reportCount(cx, operator, node, argExprs);
    cx.spoil(argTypes);
    return errorType;
  }
  if (!attrs) {
    cx.spoil(argTypes);
    return errorType;
  }
  if (node.kind === 'call') cx.chunk.attrs.set(node, attrs);
  return startRelation(cx, {
    span,
    node,
    inputs: argTypes,
    args: argExprs,
    chunk: cx.chunk,
    result: undefined,
    work: { kind: 'operator', operator, attrs, written, calleeSpan },
  });
}

/** An argument that could not be read; that was said already. */
function isMissing(arg: Expr): boolean {
  return arg.kind === 'missing';
}

function reportCount(cx: Context, operator: Operator, node: CallExpr | InfixExpr, args: readonly Expr[]): void {
  const names = operator.inputs.map((input) => `\`${input.name}\``);
  const listed =
    names.length === 0 ? 'takes no arguments' : `takes ${counted(names.length, 'argument')} (${names.join(', ')})`;
  const given = args.length === 0 ? 'none is given' : args.length === 1 ? '1 is given' : `${args.length} are given`;
  const missing = operator.inputs.slice(args.length).map((input) => `\`${input.name}\``);
  const extra = args[operator.inputs.length];
  const tuple = operator.inputs.length === 1 && operator.inputs[0]?.tuple === true && args.length > 1;
  cx.report(
    'argument-count',
    extra?.span ?? (node.kind === 'call' ? node.argsSpan : node.span),
    `\`${operator.name}\` ${listed}, but ${given}.`,
    {
      remedy: tuple
        ? `Put the tensors into a tuple: \`${operator.name}((…, …))\`.`
        : extra
          ? 'Remove what is too much.'
          : `Add ${missing.join(' and ')}.`,
    },
  );
}

/** A call of a function value (reference, section 4.4). */
function callFunction(cx: Context, call: CallExpr, calleeType: Type, args: readonly Type[]): Type {
  const callee = cx.find(calleeType);
  if (callee.kind === 'error') {
    cx.spoil(args);
    return errorType;
  }
  if (callee.kind === 'incomplete') {
    const ret = cx.solver.fresh();
    const unified = cx.unify(callee, funcType(args, ret));
    if (unified.ok) return ret;
    cx.report('infinite-type', call.span, 'The function is applied to itself: its type would contain itself.', {
      remedy: 'Annotate the parameter, or pass another value.',
    });
    cx.poison(ret);
    cx.poison(callee);
    return errorType;
  }
  if (callee.kind !== 'func') {
    cx.report(
      'not-a-function',
      call.callee.span,
      `Only a function can be called, but this is \`${printType(cx.resolve(callee))}\`.`,
      {
        remedy: 'Remove the argument list, or call a function.',
        related: declarationOf(cx, call.callee),
      },
    );
    return errorType;
  }
  const operator = cx.operatorTypes.get(callee);
  if (operator) return callOperator(cx, call, operator, args, call.args, call.attrs, call.callee.span);
  const declared = call.callee.kind === 'global' ? cx.solver.instantiateDims(callee) : callee;
  const fn = declared.typeParams.length > 0 ? cx.solver.instantiate(declared) : declared;
  if (fn.params.length !== args.length) {
    const extra = call.args[fn.params.length];
    const missing = extra ? undefined : parameterNode(cx, call.callee, args.length);
    cx.report(
      'argument-count',
      extra?.span ?? call.argsSpan,
      `${calleeName(call.callee)} takes ${counted(fn.params.length, 'argument')}, but ${args.length === 1 ? '1 is' : `${args.length} are`} given.`,
      {
        remedy: extra
          ? 'Remove what is too much.'
          : `Pass ${counted(fn.params.length - args.length, 'more argument')}${missing ? ` (\`%${missing.name.text}\` is \`${printType(cx.resolve(fn.params[args.length] ?? errorType))}\`)` : ''}.`,
        related: missing
          ? [{ span: missing.span, message: 'This parameter gets no argument.' }]
          : calleeDeclaration(cx, call.callee),
      },
    );
    cx.spoil([fn, ...args]);
    return cx.poison(fn.ret);
  }
  let failed = false;
  fn.params.forEach((param, i) => {
    const arg = call.args[i];
    const type = args[i];
    if (!arg || !type) return;
    const unified = cx.unifyInto(param, type);
    if (unified.ok) return;
    failed = true;
    reportArgument(cx, call, arg, i, { param, declared: callee.params[i] ?? param }, type, unified.mismatch);
  });
  if (!failed) return fn.ret;
  cx.spoil([fn, ...args]);
  return cx.poison(fn.ret);
}

function reportArgument(
  cx: Context,
  call: CallExpr,
  arg: Expr,
  index: number,
  { param, declared }: { readonly param: Type; readonly declared: Type },
  type: Type,
  mismatch: Parameters<typeof mismatchText>[3],
): void {
  const related: RelatedLocation[] = [...declarationOf(cx, arg)];
  const span = parameterSpan(cx, call.callee, index);
  if (span) {
    const written = printType(cx.resolve(declared));
    const here = printType(cx.resolve(param));
    const inCall = dimVarsOf(declared).size > 0 && written !== here ? `, which is \`${here}\` in this call` : '';
    related.push({ span, message: `The parameter is declared as \`${written}\`${inCall}.` });
  }
  const code = mismatchCode(mismatch);
  const operator = code === 'operator-as-value' && arg.kind === 'name' ? cx.module.operators.get(arg.name) : undefined;
  if (operator) {
    const names = operator.inputs.map(({ name }) => `%${name}`).join(', ');
    const wrapped = `fn (${names}) { ${operator.name}(${names}) }`;
    cx.report(code, arg.span, `\`${operator.name}\` is an operator: it can be called, but it is no function value.`, {
      remedy: `Wrap it in a function: \`${wrapped}\`.`,
      fixes: [replaceFix(arg.span, wrapped)],
      related,
    });
    return;
  }
  cx.report(code, arg.span, mismatchText(cx, param, type, mismatch), {
    ...literalFix(arg, cx.resolve(param)),
    remedy:
      code === 'operator-as-value'
        ? 'Wrap the operator in a function.'
        : code === 'infinite-type'
          ? 'Annotate the parameter, or pass another value.'
          : `Pass a value of type \`${printType(cx.resolve(param))}\`.`,
    related,
  });
}

function calleeName(callee: Expr): string {
  if (callee.kind === 'global') return `\`@${callee.name}\``;
  if (callee.kind === 'local') return `\`%${callee.name}\``;
  if (callee.kind === 'name') return `\`${callee.name}\``;
  return 'The function';
}

function calleeDeclaration(cx: Context, callee: Expr): readonly RelatedLocation[] {
  if (callee.kind === 'global') {
    const definition = cx.module.globals.get(callee.name)?.definition;
    return definition ? [{ span: definition.name.span, message: `\`@${callee.name}\` is defined here.` }] : [];
  }
  if (callee.kind === 'name') {
    const definition = cx.module.constructors.get(callee.name)?.definition;
    return definition ? [{ span: definition.span, message: `\`${callee.name}\` is defined here.` }] : [];
  }
  return declarationOf(cx, callee);
}

/** Where the parameter of a called function is written. */
function parameterSpan(cx: Context, callee: Expr, index: number): Span | undefined {
  if (callee.kind === 'name') return cx.module.constructors.get(callee.name)?.definition?.fields[index]?.span;
  return parameterNode(cx, callee, index)?.span;
}

function parameterNode(cx: Context, callee: Expr, index: number): Param | undefined {
  if (callee.kind === 'global') return cx.module.globals.get(callee.name)?.definition?.fn.params[index];
  let value = callee.kind === 'fn' ? callee : bindingOf(cx, callee)?.value;
  while (value?.kind === 'paren') value = value.inner;
  return value?.kind === 'fn' ? value.params[index] : undefined;
}

/** Booleans as other languages spell them. */
const booleans: ReadonlyMap<string, string> = new Map([
  ['true', 'True'],
  ['false', 'False'],
]);

/** A name outside a call: a constructor, or an operator used as a value. */
export function inferName(cx: Context, node: NameRef): Type {
  const info = cx.module.constructors.get(node.name);
  if (info) {
    useConstructor(cx, node, info, node.span);
    if (info.fields.length > 0) return info.type;
    return cx.solver.instantiate(funcType([], info.type, info.typeParams)).ret;
  }
  const operator = cx.module.operators.get(node.name);
  if (operator) {
    cx.chunk.symbols.set(node, { kind: 'operator', operator });
    return operatorType(cx, operator);
  }
  if (node.name === '') return errorType;
  const constructor = nearest(node.name, cx.module.constructors.keys());
  const suggestion = constructor ?? nearestOperator(node.name, cx.module.operators.names());
  const local = cx.locals.get(node.name)
    ? `%${node.name}`
    : cx.module.globals.has(node.name)
      ? `@${node.name}`
      : undefined;
  const found = local ?? booleans.get(node.name) ?? suggestion;
  cx.report('unknown-operator', node.span, `There is no operator or constructor \`${node.name}\`.`, {
    remedy: found ? `Write \`${found}\`.` : 'Use an operator of the language, or define a function.',
    ...(found ? { fixes: [replaceFix(node.span, found)] } : {}),
  });
  return errorType;
}

/** fn [in0, …, out](in0, …) -> out, known to the context as this operator's. */
function operatorType(cx: Context, operator: Operator): FuncType {
  const inputs = operator.inputs.map((_, i) => freshTypeVar(`in${i}`));
  const out = freshTypeVar('out');
  const type = funcType(inputs, out, [...inputs, out]);
  cx.operatorTypes.set(type, operator);
  return type;
}
