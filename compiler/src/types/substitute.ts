/** Replacing type parameters and named dimensions, and questions about what occurs in a type. */
import type { Dim, FuncType, IncompleteType, Type, TypeVar } from './type.ts';
import { staticShape } from './type.ts';

let nextId = 1;

/** A fresh rigid type parameter. */
export function freshTypeVar(name: string): TypeVar {
  return { kind: 'typevar', name, id: nextId++ };
}
/** A fresh placeholder. */
export function freshIncomplete(): IncompleteType {
  return { kind: 'incomplete', id: nextId++ };
}
/** A fresh identity for a named dimension. */
export function freshDimId(): number {
  return nextId++;
}

export interface Substitution {
  /** By type parameter identity. */
  readonly types: ReadonlyMap<number, Type>;
  /** By named dimension identity. */
  readonly dims: ReadonlyMap<number, Dim>;
}

/** Maps the parts of a type; returns the same object when nothing changes. */
export function mapType(type: Type, leaf: (type: Type) => Type | undefined, dim?: (dim: Dim) => Dim): Type {
  const replaced = leaf(type);
  if (replaced !== undefined) return replaced;
  switch (type.kind) {
    case 'tensor': {
      if (!dim) return type;
      const shape = mapList(type.shape, dim);
      return shape === type.shape ? type : { ...type, shape };
    }
    case 'tuple': {
      const fields = mapList(type.fields, (field) => mapType(field, leaf, dim));
      return fields === type.fields ? type : { ...type, fields };
    }
    case 'func': {
      const params = mapList(type.params, (param) => mapType(param, leaf, dim));
      const ret = mapType(type.ret, leaf, dim);
      return params === type.params && ret === type.ret ? type : { ...type, params, ret };
    }
    case 'ref': {
      const content = mapType(type.content, leaf, dim);
      return content === type.content ? type : { ...type, content };
    }
    case 'adt': {
      const args = mapList(type.args, (arg) => mapType(arg, leaf, dim));
      return args === type.args ? type : { ...type, args };
    }
    default:
      return type;
  }
}

function mapList<T>(items: readonly T[], map: (item: T) => T): readonly T[] {
  let result: T[] | undefined;
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as T;
    const mapped = map(item);
    if (mapped !== item && !result) result = items.slice(0, i);
    if (result) result.push(mapped);
  }
  return result ?? items;
}

/** `type` with its parameters replaced; binders of inner polymorphic functions are unique, so nothing is captured. */
export function substitute(type: Type, substitution: Substitution): Type {
  const { types, dims } = substitution;
  if (types.size === 0 && dims.size === 0) return type;
  return mapType(
    type,
    (t) => (t.kind === 'typevar' ? types.get(t.id) : undefined),
    dims.size === 0 ? undefined : (d) => substituteDim(d, dims),
  );
}

function substituteDim(dim: Dim, dims: ReadonlyMap<number, Dim>): Dim {
  if (typeof dim === 'number') return dim;
  if (dim.kind === 'var') return dims.get(dim.id) ?? dim;
  if (dim.kind === 'expr') {
    const operands = mapList(dim.operands, (operand) => substituteDim(operand, dims));
    return operands === dim.operands ? dim : { ...dim, operands };
  }
  return dim;
}

/** Whether some part of `type` satisfies `test`. */
export function someType(type: Type, test: (type: Type) => boolean): boolean {
  if (test(type)) return true;
  switch (type.kind) {
    case 'tuple':
      return type.fields.some((field) => someType(field, test));
    case 'func':
      return type.params.some((param) => someType(param, test)) || someType(type.ret, test);
    case 'ref':
      return someType(type.content, test);
    case 'adt':
      return type.args.some((arg) => someType(arg, test));
    default:
      return false;
  }
}

/** Whether a part of the type is poison. */
export function containsError(type: Type): boolean {
  return type.kind === 'tensor' ? false : someType(type, (t) => t.kind === 'error');
}
/** Whether a part of the type is still unknown. */
export function containsIncomplete(type: Type): boolean {
  return type.kind === 'tensor' ? false : someType(type, (t) => t.kind === 'incomplete');
}

/** Whether a type is tensors of fixed shape alone. */
export function isFixed(type: Type): boolean {
  const open = (t: Type): boolean => t.kind === 'typevar' || (t.kind === 'tensor' && staticShape(t) === undefined);
  return !containsIncomplete(type) && !someType(type, open);
}

/** Named dimensions in a type, in order of first appearance. */
export function dimVarsOf(type: Type): ReadonlyMap<number, Dim> {
  const found = new Map<number, Dim>();
  const visit = (dim: Dim): Dim => {
    if (typeof dim !== 'number') {
      if (dim.kind === 'var') found.set(dim.id, dim);
      else if (dim.kind === 'expr') dim.operands.forEach(visit);
    }
    return dim;
  };
  mapType(type, () => undefined, visit);
  return found;
}

/** The function type without its own parameters, each replaced by what `fresh` gives. */
export function instantiate(type: FuncType, fresh: (variable: TypeVar) => Type): FuncType {
  if (type.typeParams.length === 0) return type;
  const types = new Map(type.typeParams.map((variable) => [variable.id, fresh(variable)]));
  const body = substitute({ ...type, typeParams: [] }, { types, dims: new Map() });
  return body as FuncType;
}
