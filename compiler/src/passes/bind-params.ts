/** Puts the tensors of a parameter file in the place of `main`'s parameters. */
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { constant, joinOrigins } from '../ir/build.ts';
import type { Expr, Func, IRModule, Var } from '../ir/expr.ts';
import { substitute } from '../ir/visit.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { printType } from '../types/print.ts';
import { constantDim, tensorType } from '../types/type.ts';

/**
 * The parameter of `params` that a name in a parameter file means. TVM prints a variable `_p` as `%v_p` and `1` as
 * `%v1`, while the file keeps the name: both spellings bind.
 */
export function parameterNamed<T extends { readonly name: string }>(params: readonly T[], name: string): T | undefined {
  const printed = /^[A-Za-z]/.test(name) ? name : `v${name}`;
  return params.find((p) => p.name === name) ?? params.find((p) => p.name === printed);
}

/**
 * Binds every tensor of `params` to the parameter of that name of the function `name`. Fails when a tensor has no
 * parameter (a file of another model) or another type than it; parameters without a tensor stay inputs.
 */
export function bindParams(module: IRModule, params: ReadonlyMap<string, NDArray>, name = 'main'): Result<IRModule> {
  const func = module.functions.get(name);
  if (func === undefined) return fail('no-function', `The program has no function @${name}.`);
  const replacements = new Map<Var, Expr>();
  const strangers: string[] = [];
  for (const [key, value] of params) {
    const param = parameterNamed(func.params, key);
    if (param === undefined) {
      strangers.push(key);
      continue;
    }
    const type = param.type;
    const fits =
      type.kind === 'tensor' &&
      type.dtype === value.dtype &&
      type.shape.length === value.shape.length &&
      type.shape.every((d, i) => constantDim(d) === undefined || Number(constantDim(d)) === value.shape[i]);
    if (!fits)
      return fail(
        'parameter-mismatch',
        `The parameter file holds \`${key}\` as ${printType(tensorType(value.shape, value.dtype))}, but the program declares %${param.name} as ${printType(type)}.`,
        'Use the parameter file that was saved with this program.',
      );
    replacements.set(param, constant(value, param.origin, param.name));
  }
  if (strangers.length > 0) {
    const some = strangers
      .slice(0, 3)
      .map((s) => `\`${s}\``)
      .join(', ');
    const more = strangers.length > 3 ? ` and ${strangers.length - 3} more` : '';
    const fitting = params.size - strangers.length;
    return fail(
      'unknown-parameter',
      `The parameter file holds ${some}${more}, of which @${name} has no parameter (${fitting} of ${params.size} names fit).`,
      'Use the parameter file that was saved with this program.',
    );
  }
  const kept = func.params.filter((p) => !replacements.has(p));
  const bound: Func = {
    ...func,
    params: kept,
    body: substitute(func.body, replacements),
    type: { ...func.type, params: kept.map((p) => p.type) },
    origin: joinOrigins(func.origin),
  };
  return ok({ ...module, functions: new Map(module.functions).set(name, bound) });
}
