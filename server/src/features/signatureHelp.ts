/** Signature help: inputs and attributes of the call around the cursor, the active one marked. */
import type { FuncType } from '../../../compiler/src/types/type.ts';
import { printType } from '../../../compiler/src/types/print.ts';
import type { Operator } from '../../../compiler/src/operators/operator.ts';
import type { CallExpr } from '../../../compiler/src/syntax/tree.ts';
import { pathAt } from '../locate.ts';
import { rangeOf, textOf, touches, type CheckedSnapshot } from '../snapshot.ts';
import { attributeKind, attributesOf, writeAttribute } from './describe.ts';

export interface SignatureParameter {
  readonly label: string;
  readonly documentation: string;
}
export interface Signature {
  readonly label: string;
  readonly documentation: string;
  readonly parameters: readonly SignatureParameter[];
  readonly active: number | undefined;
}

/** The signature of the innermost call whose parentheses hold `offset`. */
export function signatureHelp(snapshot: CheckedSnapshot, offset: number): Signature | undefined {
  const path = pathAt(snapshot, offset);
  for (let i = path.length - 1; i >= 0; i--) {
    const node = path[i];
    if (node?.kind === 'fn') return undefined;
    if (node?.kind !== 'call') continue;
    const inside = rangeOf(snapshot, node.argsSpan);
    const closed = snapshot.text[inside.end - 1] === ')';
    if (offset <= inside.start || (closed && offset >= inside.end)) continue;
    const symbol = node.callee.kind === 'name' ? snapshot.check.symbolOf(node.callee) : undefined;
    if (symbol?.kind === 'operator') return operatorHelp(snapshot, symbol.operator, node, offset);
    const type = snapshot.check.typeOf(node.callee);
    return type?.kind === 'func' ? functionHelp(snapshot, type, node, offset) : undefined;
  }
  return undefined;
}

function operatorHelp(snapshot: CheckedSnapshot, operator: Operator, call: CallExpr, offset: number): Signature {
  const inputs = operator.inputs.map((input): SignatureParameter => {
    return { label: input.name, documentation: input.summary };
  });
  const attributes = attributesOf(operator).map(([name, spec]): SignatureParameter => {
    const label = spec.default === undefined ? name : `${name}=${writeAttribute(spec.default)}`;
    return { label, documentation: `${spec.summary} (${attributeKind(spec)})` };
  });
  const parameters = [...inputs, ...attributes];
  const key = activeAttribute(snapshot, call, offset);
  const named = key === undefined ? -1 : attributesOf(operator).findIndex(([name]) => name === key);
  const place = argumentIndex(snapshot, call, offset);
  const active = key === undefined ? Math.min(place, parameters.length - 1) : named < 0 ? -1 : inputs.length + named;
  return {
    label: `${operator.name}(${parameters.map((p) => p.label).join(', ')})`,
    documentation: operator.summary,
    parameters,
    active: active < 0 ? undefined : active,
  };
}

function functionHelp(snapshot: CheckedSnapshot, type: FuncType, call: CallExpr, offset: number): Signature {
  const names = parameterNames(snapshot, call);
  const parameters = type.params.map((param, i) => ({
    label: `${names[i] === undefined || names[i] === '' ? '' : `%${names[i]}: `}${printType(param)}`,
    documentation: '',
  }));
  return {
    label: `${textOf(snapshot, call.callee.span)}(${parameters.map((p) => p.label).join(', ')}) -> ${printType(type.ret)}`,
    documentation: '',
    parameters,
    active:
      parameters.length === 0 ? undefined : Math.min(argumentIndex(snapshot, call, offset), parameters.length - 1),
  };
}

/** Names of the parameters of the function that is called, where it is known. */
function parameterNames(snapshot: CheckedSnapshot, call: CallExpr): readonly string[] {
  const symbol = snapshot.check.symbolOf(call.callee);
  if (symbol?.kind === 'global') return (symbol.definition?.fn.params ?? []).map(({ name }) => name.text);
  const bound = symbol?.kind === 'local' && symbol.definition.kind === 'let' ? symbol.definition.value : undefined;
  return bound?.kind === 'fn' ? bound.params.map(({ name }) => name.text) : [];
}

/** The key of the attribute at `offset`, also while its value is still missing. */
function activeAttribute(snapshot: CheckedSnapshot, call: CallExpr, offset: number): string | undefined {
  const written = call.attrs.find((attribute) => touches(rangeOf(snapshot, attribute.span), offset));
  if (written) return written.key.text;
  const start = rangeOf(snapshot, call.argsSpan).start;
  return /(?:^|[(,])\s*([A-Za-z_][\w.]*)\s*=[^,]*$/.exec(snapshot.text.slice(start, offset))?.[1];
}

/** How many commas stand between the opening parenthesis and the offset, nested ones aside. */
export function argumentIndex(snapshot: CheckedSnapshot, call: CallExpr, offset: number): number {
  const { start } = rangeOf(snapshot, call.argsSpan);
  let depth = 0;
  let index = 0;
  let quoted = false;
  for (let i = start + 1; i < offset; i++) {
    const c = snapshot.text[i];
    if (c === '"') quoted = !quoted;
    if (quoted) continue;
    if (c === '(' || c === '[' || c === '{') depth++;
    else if (c === ')' || c === ']' || c === '}') depth--;
    else if (c === ',' && depth === 0) index++;
  }
  return index;
}
