/**
 * How large the numbers are whose rounding shows in a result. A difference of nearly equal tensors has the rounding
 * errors of its operands, not of its own size, so a bound on the error has to grow with what was added and subtracted.
 */
import { evaluateMain } from './ir.ts';
import { largest } from './rounding.ts';
import { operatorName, tuple } from '../ir/build.ts';
import type { Expr, IRModule } from '../ir/expr.ts';
import { postOrder } from '../ir/visit.ts';
import { operatorRegistry } from '../operators/registry.ts';
import { errorRuleOf } from '../operators/rounding.ts';
import { isFloat } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';

function isFloatTensor(e: Expr): boolean {
  return e.type.kind === 'tensor' && isFloat(e.type.dtype);
}

/**
 * For every tensor of the result of `@main`, a straight line of calls: the largest magnitude among the tensor itself and
 * all that reaches it through additions, products and moves of elements. Undefined where the function has another form.
 */
export function errorScales(module: IRModule, inputs: ReadonlyMap<string, NDArray>): readonly number[] | undefined {
  const main = module.functions.get('main');
  if (!main) return undefined;
  const nodes = postOrder(main.body);
  const plain = nodes.every((e) => ['call', 'op', 'var', 'constant', 'tuple', 'get'].includes(e.kind));
  if (!plain) return undefined;
  const floats = nodes.filter(isFloatTensor);
  const watched = { ...main, body: tuple(floats) };
  const result = evaluateMain({ ...module, functions: new Map([['main', watched]]) }, inputs);
  const arrays = result.ok ? result.value : undefined;
  if (!arrays) return undefined;
  const sizes = new Map(floats.map((e, i) => [e, largest(arrays[i])] as const));
  const scales = new Map<Expr, number>();
  const scaleOf = (e: Expr): number =>
    e.kind === 'tuple' ? Math.max(0, ...e.fields.map(scaleOf)) : (scales.get(e) ?? sizes.get(e) ?? 0);
  for (const e of nodes) {
    let scale = sizes.get(e) ?? 0;
    if (e.kind === 'get' && e.tuple.kind === 'tuple') scale = scaleOf(e.tuple.fields[e.index] ?? e);
    if (e.kind === 'call') {
      const operator = operatorRegistry.get(operatorName(e) ?? '');
      const rule = operator && errorRuleOf(operator);
      const [a, b] = e.args;
      if (rule === 'carried') scale = Math.max(scale, ...e.args.map(scaleOf));
      else if (rule === 'multiplied' && a && b)
        scale = Math.max(scale, scaleOf(a) * (sizes.get(b) ?? 0), scaleOf(b) * (sizes.get(a) ?? 0));
    }
    scales.set(e, scale);
  }
  const results = main.body.kind === 'tuple' ? main.body.fields : [main.body];
  return results.every((e) => e.type.kind === 'tensor') ? results.map(scaleOf) : undefined;
}
