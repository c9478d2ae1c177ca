/** Helpers of the operator tests: a small program in, its result or its errors out. */
import assert from 'node:assert/strict';
import { check } from '../../compiler/src/check/check.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import type { Value } from '../../compiler/src/evaluate/value.ts';
import { tensorValue, tensorsOf } from '../../compiler/src/evaluate/value.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { defaultAttributes } from '../../compiler/src/operators/normalize.ts';
import type { DimOrigin, RelateContext, RelateResult } from '../../compiler/src/operators/operator.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { printType } from '../../compiler/src/types/print.ts';
import type { DType } from '../../compiler/src/tensor/dtype.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { allocateElements, elementCount } from '../../compiler/src/tensor/ndarray.ts';
import type { Dim, Type } from '../../compiler/src/types/type.ts';
import { tensorType } from '../../compiler/src/types/type.ts';

/** A tensor type: `t('float32', 1, 3, 8, 8)`. */
export const t = (dtype: DType, ...shape: Dim[]): Type => tensorType(shape, dtype);

function contextOf(name: string, inputs: readonly Type[], attrs: object): RelateContext<never> {
  const operator = operatorRegistry.get(name);
  assert.ok(operator, name);
  return {
    inputs,
    attrs: { ...defaultAttributes(operator), ...attrs } as never,
    expected: undefined,
    constant: () => undefined,
  };
}

/** The relation's answer for a call. */
export function relate(name: string, inputs: readonly Type[], attrs: object = {}): RelateResult {
  const operator = operatorRegistry.get(name);
  assert.ok(operator, name);
  return operator.relate(contextOf(name, inputs, attrs));
}

/** The origin of one dimension of a call's result. */
export function explain(
  name: string,
  inputs: readonly Type[],
  attrs: object,
  dim: number,
  field?: number,
): DimOrigin | undefined {
  const related = relate(name, inputs, attrs);
  assert.equal(related.kind, 'ok');
  if (related.kind !== 'ok') return undefined;
  const at = field === undefined ? { dim } : { dim, field };
  return operatorRegistry.get(name)?.explain?.(contextOf(name, inputs, attrs), related.result, at);
}

/** The result type of a call, or how its relation ended otherwise. */
export function typeOf(...call: Parameters<typeof relate>): string {
  const result = relate(...call);
  return result.kind === 'ok' ? printType(result.result) : result.kind;
}

/** What a call that is refused is told. */
export function messageOf(...call: Parameters<typeof relate>): string {
  const result = relate(...call);
  assert.equal(result.kind, 'error');
  return result.kind === 'error' ? result.error.message : '';
}

/** An array of counted values: element i is `f(i)`. */
export function filled(dtype: DType, shape: readonly number[], f: (i: number) => number): NDArray {
  const data = allocateElements(dtype, elementCount(shape));
  assert.ok(data);
  for (let i = 0; i < data.length; i++) (data as Float64Array)[i] = f(i);
  return { dtype, shape, data };
}

/** Runs an expression over named inputs and gives the elements of its first result. */
export function run(expression: string, inputs: Readonly<Record<string, NDArray>>): number[] {
  const parameters = Object.entries(inputs).map(([name, a]) =>
    a.shape.length === 0 ? `%${name}: ${a.dtype}` : `%${name}: Tensor[(${a.shape.join(', ')}), ${a.dtype}]`,
  );
  const tree = parseSource(`#[version = "0.0.5"]\ndef @main(${parameters.join(', ')}) {\n  ${expression}\n}\n`);
  const checked = check(tree);
  const problems = [...tree.errors, ...checked.diagnostics].filter((d) => d.severity === 'error');
  assert.deepEqual(
    problems.map((d) => d.message),
    [],
  );
  const module = elaborate(checked);
  assert.ok(module.ok);
  const values = new Map<string, Value>(Object.entries(inputs).map(([name, a]) => [name, tensorValue(a)]));
  const result = evaluateFunction(module.value, 'main', values);
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  const [first] = tensorsOf(result.value) ?? [];
  assert.ok(first);
  return Array.from(first.data as ArrayLike<number | bigint>, Number);
}
