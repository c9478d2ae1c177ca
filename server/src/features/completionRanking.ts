/** Which completions fit the shapes at hand, as far as the operator's relation can say. */
import { relates } from '../../../compiler/src/check/repairs/slots.ts';
import type { AttributeValueData } from '../../../compiler/src/operators/attributes.ts';
import type { Operator } from '../../../compiler/src/operators/operator.ts';
import type { CallExpr } from '../../../compiler/src/syntax/tree.ts';
import type { Type } from '../../../compiler/src/types/type.ts';
import type { CheckedSnapshot } from '../snapshot.ts';
import { attributesOf } from './describe.ts';

type Attributes = Readonly<Record<string, AttributeValueData>>;

/** Whether an operator takes arguments of these types with its defaults; undefined where that cannot be said. */
export function accepts(
  operator: Operator,
  types: readonly Type[],
  written: Readonly<Record<string, unknown>>,
): boolean | undefined {
  if (operator.variadic !== true && operator.inputs.length !== types.length) return false;
  if (types.some((type) => type.kind === 'error')) return undefined;
  const rows = attributesOf(operator);
  if (Object.keys(written).some((name) => !rows.some(([known]) => known === name))) return false;
  if (rows.some(([name, spec]) => spec.default === undefined || name in written)) return undefined;
  return relates({ operator, attrs: defaults(operator) }, types);
}

/** Says of a type whether it fits as argument `index` of the call beside the others; undefined where nothing can be said. */
export function argumentTest(
  snapshot: CheckedSnapshot,
  call: CallExpr,
  operator: Operator,
  index: number,
): ((type: Type) => boolean) | undefined {
  if (index >= operator.inputs.length || operator.inputs.length < 2) return undefined;
  const attrs = snapshot.check.attrsOf(call) ?? (call.attrs.length === 0 ? defaults(operator) : undefined);
  if (!attrs || attributesOf(operator).some(([name, spec]) => spec.default === undefined && !(name in attrs)))
    return undefined;
  const types = operator.inputs.map((_, i): Type => {
    const type = call.args[i] && snapshot.check.typeOf(call.args[i]);
    return !type || type.kind === 'error' ? { kind: 'incomplete', id: -1 - i } : type;
  });
  return (type) => type.kind === 'error' || relates({ operator, attrs }, types.with(index, type));
}

function defaults(operator: Operator): Attributes {
  const rows = attributesOf(operator).flatMap(([name, spec]) =>
    spec.default === undefined ? [] : [[name, spec.default] as const],
  );
  return Object.fromEntries(rows) as Attributes;
}
