/** Broken text: what could be read of it has types, so that one can look at it, but raises no findings. */
import type { MissingExpr } from '../syntax/tree.ts';
import { walk } from '../syntax/walk.ts';
import { errorType, type Type } from '../types/type.ts';
import { reportMisplaced } from './call-values.ts';
import type { Context } from './context.ts';
import { inferExpr } from './infer-expr.ts';

/** The type of the part that was probably meant, else the error type. */
export function inferBroken(cx: Context, node: MissingExpr): Type {
  if (node.value) reportMisplaced(cx, node.value);
  if (!node.parts) return errorType;
  const findings = cx.chunk.diagnostics.length;
  const created = cx.solver.created;
  const waiting = new Set(cx.pending);
  for (const part of node.parts) inferExpr(cx, part);
  cx.chunk.diagnostics.length = findings;
  if (cx.solver.created > created) {
    // What is still open here would be reported later as something that cannot be inferred.
    for (const relation of cx.pending) {
      if (waiting.has(relation)) continue;
      cx.pending.delete(relation);
      if (relation.result) cx.poison(relation.result);
    }
    for (const part of node.parts)
      walk(part, (inner) => {
        const type = cx.chunk.types.get(inner);
        if (type && inner.kind !== 'local' && inner.kind !== 'graphref' && inner.kind !== 'global') cx.poison(type);
      });
  }
  return (node.likely && cx.chunk.types.get(node.likely)) ?? errorType;
}
