/** Whether a parameter file fits the parameters of `@main`. */
import type { Failure } from '../../compiler/src/base/result.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import { parameterNamed } from '../../compiler/src/passes/bind-params.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { printType } from '../../compiler/src/types/print.ts';
import { constantDim, tensorType } from '../../compiler/src/types/type.ts';

/** Every tensor of the file that `@main` does not take as it is. */
export function checkParameters(check: CheckResult, params: ReadonlyMap<string, NDArray>): Failure[] {
  const main = check.tree.definitions.find((d) => d.kind === 'def' && d.name.text === 'main');
  if (main?.kind !== 'def')
    return [
      {
        code: 'no-main',
        message: 'The file has no @main to take parameters.',
        remedy: 'Name the entry function @main.',
      },
    ];
  const declared = main.fn.params.map((param) => ({ name: param.name.text, param }));
  const problems: Failure[] = [];
  for (const [name, value] of params) {
    const param = parameterNamed(declared, name)?.param;
    if (!param) {
      problems.push({
        code: 'unknown-parameter',
        message: `The parameter file holds '${name}', which @main does not take.`,
        remedy: 'Use the parameter file that was saved with this model.',
      });
      continue;
    }
    const type = check.typeOf(param);
    if (type?.kind !== 'tensor') continue;
    const fits =
      type.dtype === value.dtype &&
      type.shape.length === value.shape.length &&
      type.shape.every((d, i) => (constantDim(d) ?? value.shape[i]) === value.shape[i]);
    if (!fits)
      problems.push({
        code: 'parameter-mismatch',
        message: `'${name}' is ${printType(tensorType(value.shape, value.dtype))} in the parameter file, but %${param.name.text} is ${printType(type)}.`,
        remedy: 'Use the parameter file that was saved with this model.',
      });
  }
  return problems;
}
