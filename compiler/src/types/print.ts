/** Types as TVM 0.12 prints them (relay-language reference, section 3.5). */
import type { Dim, DimExpr, Type } from './type.ts';
import { unreachable } from '../base/result.ts';

/** A dimension with as few parentheses as it takes. */
export function printDim(dim: Dim): string {
  return printOperand(dim, undefined);
}

/** What a dimension stands under: right of a sign, or left of a product. */
type Within = '+' | '-' | '*' | 'left' | undefined;

function printOperand(dim: Dim, within: Within): string {
  if (typeof dim === 'number') return String(dim);
  switch (dim.kind) {
    case 'any':
      return '?';
    case 'var':
      return dim.name;
    case 'int64':
      return `${dim.value}i64`;
    case 'expr':
      if (dim.op === 'other') return dim.text ?? '?';
      if (dim.op === 'floordiv' || dim.op === 'floormod' || dim.op === 'min' || dim.op === 'max')
        return `${dim.op}(${dim.operands.map(printDim).join(', ')})`;
      return printTerm(dim, dim.op, within);
    default:
      return unreachable(dim);
  }
}

/** Sums and products lean left: only a right operand of the same rank, or a sum in a product, needs parentheses. */
function printTerm(dim: DimExpr, op: '+' | '-' | '*', within: Within): string {
  const [left, right] = dim.operands;
  const text = [
    left === undefined ? '?' : printOperand(left, op === '*' ? 'left' : undefined),
    op,
    right === undefined ? '?' : printOperand(right, op),
  ].join(' ');
  return within === undefined || (op === '*' && within !== '*') ? text : `(${text})`;
}

/** `(2, 3)`, `(2,)` for one dimension would be TVM's tuple form; a shape of one prints as `(2)`. */
export function printShape(shape: readonly Dim[]): string {
  return `(${shape.map(printDim).join(', ')})`;
}

/**
 * Prints a type: `Tensor[(1, ?), float32]`, `int32`, `(A, B)`, `(A,)`, `()`, `fn [A](A) -> B`, `ref(T)`, `List[int32]`,
 * `nat[]`. An unsolved placeholder prints as `_`.
 */
export function printType(type: Type): string {
  switch (type.kind) {
    case 'tensor':
      return type.shape.length === 0 ? type.dtype : `Tensor[${printShape(type.shape)}, ${type.dtype}]`;
    case 'tuple':
      if (type.fields.length === 1 && type.fields[0]) return `(${printType(type.fields[0])},)`;
      return `(${type.fields.map(printType).join(', ')})`;
    case 'func': {
      const generics = type.typeParams.length > 0 ? `[${type.typeParams.map((v) => v.name).join(', ')}]` : '';
      return `fn ${generics}(${type.params.map(printType).join(', ')}) -> ${printType(type.ret)}`;
    }
    case 'ref':
      return `ref(${printType(type.content)})`;
    case 'adt':
      return `${typeof type.head === 'string' ? type.head : type.head.name}[${type.args.map(printType).join(', ')}]`;
    case 'typevar':
      return type.name;
    case 'incomplete':
    case 'error':
      return '_';
    default:
      return unreachable(type);
  }
}
