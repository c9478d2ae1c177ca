/** Gives fixed shapes to what was written with shapes as values, where these are known at compile time. */
import { project, relateCall, retyped, tuple } from '../ir/build.ts';
import type { Call, Expr, Func, IRModule } from '../ir/expr.ts';
import { postOrder, rewriteModule } from '../ir/visit.ts';
import type { StaticContext } from '../operators/operator.ts';
import { equalTypes } from '../types/equal.ts';
import { isFixed } from '../types/substitute.ts';
import { staticShape } from '../types/type.ts';
import { foldCall } from './fold-constants.ts';
import type { Pass, PassContext } from './pass.ts';

/**
 * `dyn.reshape(%x, meta[…])` becomes `reshape(%x, newshape=[…])`, the types behind it are inferred anew, and `shape_of`
 * them is a constant, which in its turn makes other calls static. What depends on run-time values stays.
 */
export const dynamicToStatic: Pass = {
  name: 'dynamic-to-static',
  summary: 'Turns operators whose sizes are arguments into their static forms where the sizes are known.',
  example: {
    before: `def @main(%x: Tensor[(2, 6), float32]) {
  %0 = dyn.reshape(%x, reverse(shape_of(%x, dtype="int64"), axis=0), newshape=None);
  exp(%0)
}`,
    after: `def @main(%x: Tensor[(2, 6), float32]) -> Tensor[(6, 2), float32] {
  %0 = reshape(%x, newshape=[6, 2]);
  exp(%0)
}`,
  },
  run(module, context) {
    const count = { calls: 0, types: 0 };
    // Types change where some are open, or where sizes of fixed shapes are asked for.
    if (!mayChange(module, context)) return { module, statistics: { 'calls made static': 0, 'types closed': 0 } };
    const result = rewriteModule(module, (e, original) => {
      if (e.kind === 'get') return e === original ? e : project(e.tuple, e.index, e.origin);
      if (e.kind === 'tuple') return e === original ? e : tuple(e.fields, e.origin);
      if (e.kind === 'if') return equalTypes(e.then.type, e.otherwise.type) ? { ...e, type: e.then.type } : e;
      if (e.kind === 'let') return { ...e, type: e.body.type };
      if (e.kind !== 'call' || e.callee.kind !== 'op') return e;
      const fixed = staticForm(e, context);
      if (fixed) count.calls++;
      const call = fixed ?? reinferred(e, original, context);
      if (call !== e && !fixed) count.types++;
      return (call.callee.kind === 'op' ? foldCall(call, call.callee.name, context) : undefined) ?? call;
    });
    return { module: result, statistics: { 'calls made static': count.calls, 'types closed': count.types } };
  },
};

function mayChange(module: IRModule, { operators }: PassContext): boolean {
  const dynamic = (e: Expr): boolean => {
    if (e.kind !== 'call' || e.callee.kind !== 'op') return false;
    const operator = operators.get(e.callee.name);
    return operator?.asStatic !== undefined || operator?.ofShapes === true || !isFixed(e.type);
  };
  return [...module.functions.values()].some((f: Func) => postOrder(f.body).some(dynamic));
}

/** The static form of a call, with its new type; undefined where it has none or values are not known. */
function staticForm(e: Call, context: PassContext): Call | undefined {
  const operator = e.callee.kind === 'op' ? context.operators.get(e.callee.name) : undefined;
  const form = operator?.asStatic;
  if (!form?.known.every((i) => e.args[i]?.kind === 'constant')) return undefined;
  const shapes = e.args.map((a) => (a.type.kind === 'tensor' ? staticShape(a.type) : undefined));
  if (shapes.includes(undefined)) return undefined;
  const known: StaticContext<never> = {
    attrs: e.attrs as never,
    shape: (i) => shapes[i] ?? [],
    values: (i) => {
      const arg = e.args[i];
      return arg?.kind === 'constant' ? Array.from(arg.value.data as ArrayLike<number | bigint>, Number) : [];
    },
  };
  const found = form.call(known);
  if (found === undefined) return undefined;
  const args = found.args.flatMap((i) => e.args[i] ?? []);
  const call = relateCall(context.operators, found.operator, args, found.attrs, e.origin);
  return typeof call === 'string' || !isFixed(call.type) ? undefined : call;
}

/** The call with the type that its new arguments give it. */
function reinferred(e: Call, original: Expr, context: PassContext): Call {
  return e === original && isFixed(e.type) ? e : retyped(context.operators, e);
}
