/** Types exactly as TVM 0.12 prints them on their own, symbolic dimensions included. */
import { printDim, printType } from './print.ts';
import { mapType } from './substitute.ts';
import type { Dim, Type } from './type.ts';

const termNames: Readonly<Record<string, string>> = {
  '+': 'tir.Add',
  '-': 'tir.Sub',
  '*': 'tir.Mul',
  floordiv: 'tir.FloorDiv',
  floormod: 'tir.FloorMod',
  min: 'tir.Min',
  max: 'tir.Max',
};

/**
 * TVM prints a symbolic dimension as a reference into a metadata section that it does not show, numbered by key in
 * order of first appearance, and then ends the line. `void` prints as nothing.
 */
export function printTvmType(type: Type): string {
  const numbers = new Map<string, number>();
  const counts = new Map<string, number>();
  const dim = (d: Dim): Dim => {
    if (typeof d === 'number' || d.kind === 'any' || d.kind === 'int64') return d;
    const key =
      d.kind === 'var'
        ? (d.key ?? 'tir.Var')
        : d.op === 'other'
          ? keyOf(d.text ?? '')
          : (termNames[d.op] ?? 'tir.Call');
    const identity = `${key} ${d.kind === 'var' ? d.id : printDim(d)}`;
    let number = numbers.get(identity);
    if (number === undefined) {
      number = counts.get(key) ?? 0;
      counts.set(key, number + 1);
      numbers.set(identity, number);
    }
    return { kind: 'expr', op: 'other', operands: [], text: `meta[${key}][${number}]` };
  };
  const leaf = (t: Type): Type | undefined =>
    t.kind === 'tensor' && t.dtype === 'void' ? { ...t, shape: t.shape.map(dim), dtype: '' } : undefined;
  const text = printType(mapType(type, leaf, dim));
  return counts.size > 0 ? `${text}\n` : text;
}

function keyOf(text: string): string {
  return /^meta\[([^\]]*)\]/.exec(text)?.[1] ?? 'tir.Var';
}
