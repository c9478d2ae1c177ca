/** Functions: parameters, body, result (relay-language reference, section 4.3). */
import type { FunctionNode } from '../syntax/tree.ts';
import { printType } from '../types/print.ts';
import { funcType, type FuncType, type Type, type TypeVar } from '../types/type.ts';
import { bindLocal } from './bindings.ts';
import type { Context } from './context.ts';
import { inferExpr } from './infer-expr.ts';
import { declarationOf, mismatchCode, mismatchText } from './messages.ts';
import type { Binding } from './scope.ts';
import { annotation, declareTypeParams } from './type-nodes.ts';

/** A function literal. */
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
      const first = node.params.find((other) => other.name.text === name);
      cx.report('duplicate-binder', param.name.span, `Two parameters are named \`%${name}\`.`, {
        severity: 'warning',
        remedy: 'Rename one of them; the first is meant wherever the name is used.',
        related: first ? [{ span: first.name.span, message: `The parameter that \`%${name}\` means.` }] : [],
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
