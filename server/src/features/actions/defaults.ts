/** A value of a type, written out: what stands in an arm or an attribute until the author says better. */
import { factsOf } from '../../../../compiler/src/check/facts.ts';
import type { CheckResult } from '../../../../compiler/src/check/result.ts';
import type { ConstructorInfo } from '../../../../compiler/src/check/scope.ts';
import type { Type } from '../../../../compiler/src/types/type.ts';
import { staticShape } from '../../../../compiler/src/types/type.ts';

/** The constructors of a data type, those of other files and of the prelude among them. */
export function constructorsOf(check: CheckResult, name: string): readonly ConstructorInfo[] {
  return factsOf(check)?.ownTypes().get(name)?.constructors ?? [];
}

/** Source text of a value of the type: zeros, unit, an empty list; undefined where none is known. */
export function defaultValue(check: CheckResult, type: Type): string | undefined {
  switch (type.kind) {
    case 'tensor': {
      const shape = staticShape(type);
      if (!shape) return undefined;
      if (shape.length === 0 && type.dtype === 'int32') return '0';
      if (shape.length === 0 && type.dtype === 'float32') return '0f';
      if (shape.length === 0 && type.dtype === 'bool') return 'False';
      return `zeros(shape=[${shape.join(', ')}], dtype="${type.dtype}")`;
    }
    case 'tuple': {
      const fields = type.fields.map((field) => defaultValue(check, field));
      if (fields.includes(undefined)) return undefined;
      return fields.length === 1 ? `(${fields.join('')},)` : `(${fields.join(', ')})`;
    }
    case 'adt':
      return typeof type.head === 'string'
        ? constructorsOf(check, type.head).find((constructor) => constructor.fields.length === 0)?.name
        : undefined;
    default:
      return undefined;
  }
}
