/** Structural equality of types, up to the names of bound type parameters. */
import type { Dim, Type } from './type.ts';

/** Whether two dimensions are written alike; `?` equals `?`. */
export function equalDims(a: Dim, b: Dim): boolean {
  if (a === b) return true;
  if (typeof a === 'number' || typeof b === 'number') return false;
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'any':
      return true;
    case 'var':
      return b.kind === 'var' && a.id === b.id;
    case 'int64':
      return b.kind === 'int64' && a.value === b.value;
    case 'expr':
      return (
        b.kind === 'expr' &&
        a.op === b.op &&
        a.text === b.text &&
        a.operands.length === b.operands.length &&
        a.operands.every((operand, i) => equalDims(operand, b.operands[i] as Dim))
      );
  }
}

function equalShapes(a: readonly Dim[], b: readonly Dim[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && !equalDims(a[i] as Dim, b[i] as Dim)) return false;
  return true;
}

function equalLists(a: readonly Type[], b: readonly Type[], renamed?: Map<number, number>): boolean {
  return a.length === b.length && a.every((type, i) => equalTypes(type, b[i] as Type, renamed));
}

/** Whether two types are the same; unsolved placeholders are the same only by identity. */
export function equalTypes(a: Type, b: Type, renamed?: Map<number, number>): boolean {
  if (a === b && !renamed) return true;
  switch (a.kind) {
    case 'tensor':
      return b.kind === 'tensor' && a.dtype === b.dtype && equalShapes(a.shape, b.shape);
    case 'tuple':
      return b.kind === 'tuple' && equalLists(a.fields, b.fields, renamed);
    case 'func': {
      if (b.kind !== 'func' || a.typeParams.length !== b.typeParams.length) return false;
      let names = renamed;
      if (a.typeParams.length > 0) {
        names = new Map(renamed);
        a.typeParams.forEach((variable, i) => names?.set(variable.id, b.typeParams[i]?.id ?? -1));
      }
      return equalLists(a.params, b.params, names) && equalTypes(a.ret, b.ret, names);
    }
    case 'ref':
      return b.kind === 'ref' && equalTypes(a.content, b.content, renamed);
    case 'adt': {
      if (b.kind !== 'adt' || !equalLists(a.args, b.args, renamed)) return false;
      if (typeof a.head === 'string' || typeof b.head === 'string') return a.head === b.head;
      return equalTypes(a.head, b.head, renamed);
    }
    case 'typevar':
      return b.kind === 'typevar' && (renamed?.get(a.id) ?? a.id) === b.id;
    case 'incomplete':
      return b.kind === 'incomplete' && a.id === b.id;
    case 'error':
      return b.kind === 'error';
  }
}
