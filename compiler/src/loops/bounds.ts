/** Whether loops surely read or write outside of their buffers, whatever their inputs are. */
import { affineOf, rangeOf } from './affine.ts';
import type { LExpr, LoopVar, Stmt } from './ir.ts';
import type { Buffer } from './kernel.ts';
import { expressionsOf, operands, substatements } from './visit.ts';

/**
 * A buffer with an element that is used although there is no such element. Only what always happens counts: code under
 * conditions, and subscripts that are no sums of loop variables, are left to the operators' own guards.
 */
export function outsideOf(root: Stmt): Buffer | undefined {
  const extents = new Map<LoopVar, number>();
  let found: Buffer | undefined;
  const place = (buffer: Buffer, index: LExpr): void => {
    const affine = affineOf(index);
    const range = affine && rangeOf(affine, extents);
    if (range && (range.low < 0 || range.high >= buffer.length)) found ??= buffer;
  };
  const expression = (e: LExpr): void => {
    if (e.kind === 'load') place(e.buffer, e.index);
    if (e.kind === 'select') expression(e.condition);
    else if (e.kind === 'binary' && e.dtype === 'bool') expression(e.left);
    else operands(e).forEach(expression);
  };
  const statement = (s: Stmt): void => {
    if (found) return;
    if (s.kind === 'for') {
      const turns = s.extent.kind === 'const' ? Number(s.extent.value) : 0;
      if (turns < 1) return;
      extents.set(s.variable, turns);
    }
    if (s.kind === 'store') place(s.buffer, s.index);
    expressionsOf(s).forEach(expression);
    if (s.kind !== 'if') substatements(s).forEach(statement);
  };
  statement(root);
  return found;
}
