/** Walking loop IR. */
import type { LExpr, LoopVar, Stmt } from './ir.ts';
import type { Buffer } from './kernel.ts';

/** The expressions directly below one. */
export function operands(e: LExpr): readonly LExpr[] {
  switch (e.kind) {
    case 'load':
      return [e.index];
    case 'deref':
      return [e.offset];
    case 'binary':
    case 'compare':
      return [e.left, e.right];
    case 'unary':
    case 'cast':
    case 'bitcast':
      return [e.operand];
    case 'select':
      return [e.condition, e.then, e.otherwise];
    case 'intrinsic':
      return e.args;
    default:
      return [];
  }
}

/** The expressions a statement holds itself. */
export function expressionsOf(s: Stmt): readonly LExpr[] {
  switch (s.kind) {
    case 'for':
      return [s.extent];
    case 'if':
      return [s.condition];
    case 'declare':
    case 'assign':
      return [s.value];
    case 'point':
      return [s.index];
    case 'advance':
      return [s.by];
    case 'store':
      return [s.index, s.value];
    case 'store_via':
      return [s.offset, s.value];
    case 'perform':
      return [...s.args, ...(s.at ? [s.at.offset] : [])];
    default:
      return [];
  }
}

/** The statements directly below one. */
export function substatements(s: Stmt): readonly Stmt[] {
  switch (s.kind) {
    case 'block':
      return s.body;
    case 'for':
      return [s.body];
    case 'if':
      return s.otherwise ? [s.then, s.otherwise] : [s.then];
    default:
      return [];
  }
}

/** Whether code reads a loop variable. */
export function usesVariable(root: Stmt, variable: LoopVar): boolean {
  const reads = (e: LExpr): boolean => e === variable || operands(e).some(reads);
  return expressionsOf(root).some(reads) || substatements(root).some((s) => usesVariable(s, variable));
}

/** All buffers that code reads or writes. */
export function buffersOf(root: Stmt): Set<Buffer> {
  const found = new Set<Buffer>();
  const expression = (e: LExpr): void => {
    if (e.kind === 'load') found.add(e.buffer);
    if (e.kind === 'deref') found.add(e.pointer.buffer);
    operands(e).forEach(expression);
  };
  const statement = (s: Stmt): void => {
    if (s.kind === 'store') found.add(s.buffer);
    if (s.kind === 'point') found.add(s.pointer.buffer);
    expressionsOf(s).forEach(expression);
    substatements(s).forEach(statement);
  };
  statement(root);
  return found;
}
