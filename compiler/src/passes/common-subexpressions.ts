/** Shares equal computations. */
import { equalArrays } from '../ir/equal.ts';
import { canonicalJson } from '../operators/attribute-text.ts';
import type { Constant, Expr } from '../ir/expr.ts';
import { rewriteAll } from '../ir/visit.ts';
import { printType } from '../types/print.ts';
import type { Func, IRModule } from '../ir/expr.ts';
import type { Pass, PassResult } from './pass.ts';

/** `add(exp(%x), exp(%x))` becomes `%0 = exp(%x); add(%0, %0)`. Equal constants become one. */
export const commonSubexpressions: Pass = {
  name: 'common-subexpressions',
  summary: 'Computes equal operator calls, tuples, projections and constants once.',
  example: {
    before: `def @main(%x: Tensor[(2), float32]) {
  add(exp(%x), exp(%x))
}`,
    after: `def @main(%x: Tensor[(2), float32]) -> Tensor[(2), float32] {
  %0 = exp(%x);
  add(%0, %0)
}`,
  },
  run: shareEqual,
};

/** The pass's work, which needs nothing but the module. */
export function shareEqual(module: IRModule): PassResult {
  let shared = 0;
  const functions = new Map<string, Func>();
  for (const [name, func] of module.functions) {
    const ids = new Map<Expr, number>();
    const known = new Map<string, Expr>();
    const constants = new Map<string, Constant[]>();
    const idOf = (e: Expr): number => {
      const id = ids.get(e) ?? ids.size;
      ids.set(e, id);
      return id;
    };
    const once = (key: string, e: Expr): Expr => {
      const before = known.get(key);
      if (before === undefined) {
        known.set(key, e);
        return e;
      }
      if (before !== e) shared++;
      return before;
    };
    const get = rewriteAll(func.body, (e) => {
      if (e.kind === 'constant') {
        const key = `${printType(e.type)} ${e.value.data[0]} ${e.value.data[e.value.data.length - 1]}`;
        const same = constants.get(key)?.find((c) => equalArrays(c.value, e.value));
        if (same !== undefined) {
          if (same !== e) shared++;
          return same;
        }
        constants.set(key, [...(constants.get(key) ?? []), e]);
        return e;
      }
      if (e.kind === 'tuple') return once(`tuple ${e.fields.map(idOf).join(' ')}`, e);
      if (e.kind === 'get') return once(`get ${e.index} ${idOf(e.tuple)}`, e);
      if (e.kind !== 'call' || e.callee.kind !== 'op') return e;
      return once(`${e.callee.name} ${canonicalJson(e.attrs)} ${e.args.map(idOf).join(' ')}`, e);
    });
    const body = get(func.body);
    functions.set(name, body === func.body ? func : { ...func, body });
  }
  return { module: { ...module, functions }, statistics: { 'expressions shared': shared } };
}
