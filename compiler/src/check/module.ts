/** The declarations of a file: types with their constructors, and functions in the order in which they can be inferred. */
import type { Context } from './context.ts';
import type { Definition, FunctionDefinition, TypeDefinition } from '../syntax/tree.ts';
import { funcType, type Type, type TypeVar } from '../types/type.ts';
import type { AdtInfo, ConstructorInfo } from './scope.ts';
import { declareTypeParams, typeOfNode } from './type-nodes.ts';

/** Declares the names of types first, so that types may refer to each other in any order. */
export function declareTypes(
  cx: Context,
  definitions: readonly Definition[],
  adts: Map<string, AdtInfo>,
  constructors: Map<string, ConstructorInfo>,
): void {
  const own: { definition: TypeDefinition; order: number; typeParams: readonly TypeVar[]; mark: number }[] = [];
  definitions.forEach((definition, order) => {
    if (definition.kind !== 'type' || definition.name.text === '') return;
    const name = definition.name.text;
    const first = adts.get(name);
    if (first?.definition && first.order >= 0) {
      cx.report('duplicate-type', definition.name.span, `The type \`${name}\` is defined twice.`, {
        remedy: 'Rename one of them or remove it.',
        related: [{ span: first.definition.name.span, message: `\`${name}\` is defined here.` }],
      });
      return;
    }
    const mark = cx.typeNames.mark();
    const typeParams = declareTypeParams(cx, definition.typeParams);
    cx.typeNames.restore(mark);
    adts.set(name, { name, typeParams, constructors: [], definition, order });
    own.push({ definition, order, typeParams, mark });
  });
  for (const { definition, order, typeParams } of own) {
    const list = declareConstructors(cx, definition, order, typeParams, constructors);
    adts.set(definition.name.text, { name: definition.name.text, typeParams, constructors: list, definition, order });
  }
}

function declareConstructors(
  cx: Context,
  definition: TypeDefinition,
  order: number,
  typeParams: readonly TypeVar[],
  constructors: Map<string, ConstructorInfo>,
): readonly ConstructorInfo[] {
  const adt = definition.name.text;
  const list: ConstructorInfo[] = [];
  const mark = cx.typeNames.mark();
  // A repeated name keeps its first meaning.
  for (const variable of [...typeParams].reverse()) cx.typeNames.bind(variable.name, variable);
  const whole: Type = { kind: 'adt', head: adt, args: typeParams };
  for (const node of definition.constructors ?? []) {
    const fields = node.fields.map((field) => typeOfNode(cx, field));
    const name = node.name.text;
    if (name === '') continue;
    const known = constructors.get(name);
    if (known?.definition && known.order >= 0) {
      cx.report('duplicate-constructor', node.name.span, `The constructor \`${name}\` is defined twice.`, {
        remedy: 'Rename one of them: constructors of all types share one space of names.',
        related: [{ span: known.definition.name.span, message: `\`${name}\` is a constructor of \`${known.adt}\`.` }],
      });
      continue;
    }
    const info: ConstructorInfo = {
      name,
      adt,
      index: list.length,
      fields,
      typeParams,
      type: fields.length === 0 ? whole : funcType(fields, whole, typeParams),
      definition: node,
      order,
    };
    constructors.set(name, info);
    list.push(info);
  }
  cx.typeNames.restore(mark);
  return list;
}

/**
 * Groups of mutually recursive functions among those whose types are to be inferred, callees first (Tarjan). Fully
 * annotated functions are no part of it: their declared types are known.
 */
export function inferenceOrder(functions: readonly FunctionDefinition[]): readonly (readonly FunctionDefinition[])[] {
  if (functions.length < 2) return functions.map((definition) => [definition]);
  const byName = new Map(functions.map((definition) => [definition.name.text, definition]));
  const edges = new Map(functions.map((definition) => [definition, callees(definition, byName)]));
  const index = new Map<FunctionDefinition, number>();
  const low = new Map<FunctionDefinition, number>();
  const onStack = new Set<FunctionDefinition>();
  const stack: FunctionDefinition[] = [];
  const groups: FunctionDefinition[][] = [];
  for (const root of functions) {
    if (index.has(root)) continue;
    const work: { node: FunctionDefinition; next: number }[] = [{ node: root, next: 0 }];
    while (work.length > 0) {
      const frame = work[work.length - 1] as (typeof work)[number];
      const { node } = frame;
      if (frame.next === 0) {
        index.set(node, index.size);
        low.set(node, index.get(node) ?? 0);
        stack.push(node);
        onStack.add(node);
      }
      const target = edges.get(node)?.[frame.next++];
      if (target) {
        if (!index.has(target)) work.push({ node: target, next: 0 });
        else if (onStack.has(target)) low.set(node, Math.min(low.get(node) ?? 0, index.get(target) ?? 0));
        continue;
      }
      work.pop();
      const parent = work[work.length - 1]?.node;
      if (parent) low.set(parent, Math.min(low.get(parent) ?? 0, low.get(node) ?? 0));
      if (low.get(node) !== index.get(node)) continue;
      const group: FunctionDefinition[] = [];
      for (let member = stack.pop(); member; member = stack.pop()) {
        onStack.delete(member);
        group.push(member);
        if (member === node) break;
      }
      groups.push(group);
    }
  }
  return groups;
}

/** The functions of `byName` that a body mentions. */
function callees(
  definition: FunctionDefinition,
  byName: ReadonlyMap<string, FunctionDefinition>,
): readonly FunctionDefinition[] {
  const found = new Set<FunctionDefinition>();
  const stack: unknown[] = [definition.fn.body];
  while (stack.length > 0) {
    const node = stack.pop();
    if (Array.isArray(node)) {
      for (const item of node) stack.push(item);
      continue;
    }
    if (typeof node !== 'object' || node === null) continue;
    if ('kind' in node && node.kind === 'global' && 'name' in node) {
      const target = byName.get(String(node.name));
      if (target) found.add(target);
      continue;
    }
    for (const [key, value] of Object.entries(node))
      if (typeof value === 'object' && !/[sS]pan$/.test(key)) stack.push(value);
  }
  return [...found];
}
