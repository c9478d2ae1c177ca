/** Wording that several checks share. */
import type { Fix, RelatedLocation } from '../base/diagnostic.ts';
import { counted } from '../base/text.ts';
import type { Expr } from '../syntax/tree.ts';
import type { DType } from '../tensor/dtype.ts';
import { printDim, printType } from '../types/print.ts';
import type { Type } from '../types/type.ts';
import type { Mismatch } from '../types/unify.ts';
import type { Context } from './context.ts';
import type { Binding } from './scope.ts';
import { replaceFix } from './suggest.ts';

/** «Expected A, found B: …», with the innermost difference spelt out. */
export function mismatchText(cx: Context, expected: Type, found: Type, mismatch: Mismatch): string {
  const head = `Expected \`${printType(cx.resolve(expected))}\`, found \`${printType(cx.resolve(found))}\``;
  const detail = differenceText(cx, mismatch);
  return detail === '' ? `${head}.` : `${head}: ${detail}.`;
}

function differenceText(cx: Context, mismatch: Mismatch): string {
  const { left, right } = mismatch;
  const where = mismatch.path.length > 0 ? `in ${[...mismatch.path].reverse().join(' of ')}, ` : '';
  switch (mismatch.reason) {
    case 'dim': {
      if (left.kind !== 'tensor' || right.kind !== 'tensor') return '';
      const parts = (mismatch.dims ?? []).map(
        (i) =>
          `dimension ${i} is ${printDim(cx.solver.findDim(right.shape[i] ?? 0))} instead of ${printDim(cx.solver.findDim(left.shape[i] ?? 0))}`,
      );
      return where + parts.join(', ');
    }
    case 'rank': {
      if (left.kind !== 'tensor' || right.kind !== 'tensor') return '';
      return `${where}${counted(right.shape.length, 'dimension')} instead of ${left.shape.length}`;
    }
    case 'dtype':
      if (left.kind !== 'tensor' || right.kind !== 'tensor') return '';
      return `${where}the element type is ${right.dtype} instead of ${left.dtype}`;
    case 'infinite':
      return 'the type would contain itself';
    case 'operator':
      return 'an operator cannot be passed as a function';
    case 'rigid':
      return `${where}a type parameter stands for any type, so nothing more may be assumed of it`;
    default:
      return mismatch.path.length > 0
        ? `${where}\`${printType(cx.resolve(left))}\` and \`${printType(cx.resolve(right))}\` differ`
        : '';
  }
}

/** The diagnostic code of a mismatch. */
export function mismatchCode(mismatch: Mismatch): string {
  switch (mismatch.reason) {
    case 'dim':
      return 'shape-mismatch';
    case 'rank':
      return 'rank-mismatch';
    case 'dtype':
      return 'dtype-mismatch';
    case 'infinite':
      return 'infinite-type';
    case 'operator':
      return 'operator-as-value';
    default:
      return 'type-mismatch';
  }
}

/** The binding that a plain reference names. */
export function bindingOf(cx: Context, expr: Expr): Binding | undefined {
  let current = expr;
  while (current.kind === 'paren') current = current.inner;
  if (current.kind === 'projection') return bindingOf(cx, current.tuple);
  if (current.kind === 'local') return cx.locals.get(current.name);
  if (current.kind === 'graphref')
    return cx.graphs.get(String(current.index)) ?? cx.outerGraphs.get(String(current.index));
  return undefined;
}

/** Where the variable that `expr` names was bound, with its type, as a related location. */
export function declarationOf(cx: Context, expr: Expr): readonly RelatedLocation[] {
  const binding = bindingOf(cx, expr);
  if (!binding) return [];
  const sigil = binding.symbol.kind === 'graph' ? `%${binding.symbol.index}` : `%${binding.symbol.name}`;
  return [{ span: binding.nameSpan, message: `\`${sigil}\` is \`${printType(cx.resolve(binding.type))}\`.` }];
}

/** Suffixes of literals, by the element type that they give. */
const suffixes: ReadonlyMap<string, string> = new Map([
  ['float16', 'f16'],
  ['float32', 'f'],
  ['float64', 'f64'],
  ['int16', 'i16'],
  ['int32', ''],
  ['int64', 'i64'],
]);

/** A literal as it has to be written to be of an element type: `1` as `1f`. Undefined where there is no such literal. */
export function literalAs(
  expr: Expr | undefined,
  dtype: DType,
): { readonly text: string; readonly fix: Fix } | undefined {
  let node = expr;
  while (node?.kind === 'paren') node = node.inner;
  if (node?.kind !== 'int' && node?.kind !== 'float') return undefined;
  const suffix = suffixes.get(dtype);
  const [digits] = /^-?[\d.]+(?:e[+-]?\d+)?/i.exec(node.text) ?? [];
  if (suffix === undefined || digits === undefined || (suffix[0] !== 'f' && !/^-?\d+$/.test(digits))) return undefined;
  const text = digits + suffix;
  return { text, fix: replaceFix(node.span, text) };
}

/** The fix that makes a literal fit a scalar type, to be spread into a report. */
export function literalFix(expr: Expr, expected: Type): { readonly fixes?: readonly Fix[] } {
  const literal =
    expected.kind === 'tensor' && expected.shape.length === 0 ? literalAs(expr, expected.dtype) : undefined;
  return literal ? { fixes: [literal.fix] } : {};
}
