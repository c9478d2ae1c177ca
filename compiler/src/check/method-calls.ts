/** `%x.relu()` and `%x.shape`, as other languages write what belongs to a value. */
import type { Operator } from '../operators/operator.ts';
import type { CallExpr, LocalRef, NameRef } from '../syntax/tree.ts';
import { lookupLocal } from './bindings.ts';
import { namelessValues } from './call-values.ts';
import type { Context } from './context.ts';

/** The variable before the last point of a name, where there is one in scope, and what stands behind the point. */
function partsOf(
  cx: Context,
  node: LocalRef | NameRef,
): { readonly value: string; readonly member: string } | undefined {
  const point = node.name.lastIndexOf('.');
  if (point < 1) return undefined;
  const value = node.name.slice(0, point);
  if (node.kind === 'local' && lookupLocal(cx, node, node.name)) return undefined;
  if (!lookupLocal(cx, node, value)) return undefined;
  return { value, member: node.name.slice(point + 1) };
}

/** Reports a call of something that a variable is said to have; false for any other call. */
export function reportMethod(cx: Context, call: CallExpr): boolean {
  const { callee } = call;
  if (callee.kind !== 'local' && callee.kind !== 'name') return false;
  const parts = partsOf(cx, callee);
  if (!parts) return false;
  const { value, member } = parts;
  const operator = cx.module.operators.get(member) ?? cx.module.operators.get(`nn.${member}`);
  const name = operator?.name ?? member;
  const more = call.args.length + call.attrs.length > 0;
  const { anchor, start } = callee.span;
  const newText = `${name}(%${value}${more ? ', ' : ''}`;
  const edits = [{ span: { anchor, start, end: call.argsSpan.start + 1 }, newText }];
  const code = callee.kind === 'local' ? 'unknown-local' : 'unknown-operator';
  cx.report(code, callee.span, `Values have no methods: found \`${sign(callee)}${callee.name}(…)\`.`, {
    remedy: `Write the value as the first argument: \`${name}(%${value}${more ? ', …' : ''})\`.`,
    ...(operator && fits(operator, call)
      ? { fixes: [{ title: `Write ${name}(%${value}${more ? ', …' : ''})`, edits, preferred: true }] }
      : {}),
  });
  return true;
}

function fits(operator: Operator, call: CallExpr): boolean {
  return operator.inputs.length === call.args.length + 1 && namelessValues(operator, call).length === 0;
}

/** Reports a name with a point behind a variable; false for any other name. */
export function reportMember(cx: Context, node: LocalRef): boolean {
  if (!partsOf(cx, node)) return false;
  cx.report('unknown-local', node.span, `Values have no named fields: found \`%${node.name}\`.`, {
    remedy: 'The fields of a tuple have numbers, such as `%t.0`; what is computed of a tensor is a call.',
  });
  return true;
}

function sign(node: LocalRef | NameRef): string {
  return node.kind === 'local' ? '%' : '';
}
