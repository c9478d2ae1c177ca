import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import type { Value } from '../../compiler/src/evaluate/value.ts';
import { tensorsOf, tensorValue } from '../../compiler/src/evaluate/value.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import type { IRModule } from '../../compiler/src/ir/expr.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { gradient } from '../../compiler/src/passes/gradient.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import type { Type } from '../../compiler/src/types/type.ts';
import type { GradientCase, IntegerInput } from './gradient-table.ts';
import { gradientCases, unevaluated } from './gradient-table.ts';

const isInteger = (input: GradientCase['inputs'][number]): input is IntegerInput => 'dtype' in input;

function compile(parameters: readonly string[], body: string): { module: IRModule; type: Type } {
  const tree = parseSource(`#[version = "0.0.5"]\ndef @main(${parameters.join(', ')}) { ${body} }\n`);
  const checked = check(tree);
  const problems = [...tree.errors, ...checked.diagnostics].filter((d) => d.severity === 'error');
  assert.deepEqual(
    problems.map((d) => d.message),
    [],
    body,
  );
  const module = elaborate(checked);
  const type = checked.globals.get('main')?.ret;
  assert.ok(module.ok && type);
  return { module: module.value, type };
}

/** Values in (0.15, 0.95), no two alike. */
function sample(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => 0.15 + 0.8 * (((i + 1) * 0.618034 + seed * 0.377) % 1));
}
const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const float64 = (shape: readonly number[]): string => `Tensor[(${shape.join(', ')}), float64]`;

function arrayOf(input: GradientCase['inputs'][number], seed: number, shift: number): NDArray {
  if (!isInteger(input)) {
    const data = Float64Array.from(sample(size(input), seed), (v) => v + shift);
    return { dtype: 'float64', shape: input, data };
  }
  const { dtype, shape, values } = input;
  const data = dtype === 'bool' ? Uint8Array.from(values) : Int32Array.from(values);
  return { dtype, shape, data };
}

/** The call weighted by values of its own, so that every element of the result counts differently. */
function weighted(
  parameters: readonly string[],
  call: string,
): { body: string; weights: readonly (readonly number[])[] } {
  const { type } = compile(parameters, call);
  const fields = type.kind === 'tuple' ? type.fields : [type];
  const shapes = fields.map((f) => (f.kind === 'tensor' ? f.shape.map(Number) : []));
  const names = [...'wxyz'];
  const terms = fields.map((_, i) => `multiply(${type.kind === 'tuple' ? `%t.${i}` : '%t'}, %${names[i] ?? ''})`);
  return { body: `let %t = ${call}; (${terms.join(', ')},)`, weights: shapes };
}

function agrees({ call, inputs, shift = 0, coarse: [step, tolerance] = [1e-5, 1e-6] }: GradientCase): void {
  const parameters = inputs.map(
    (input, i) =>
      `%${'abcdefghij'[i] ?? ''}: ${isInteger(input) ? `Tensor[(${input.shape.join(', ')}), ${input.dtype}]` : float64(input)}`,
  );
  const { body, weights } = weighted(parameters, call);
  // The weights come last, as parameters too.
  const letters = [...'wxyz'];
  const all = [...parameters, ...weights.map((shape, i) => `%${letters[i] ?? ''}: ${float64(shape)}`)];
  const arrays = [
    ...inputs.map((input, i) => arrayOf(input, i, shift)),
    ...weights.map((shape, i) => arrayOf(shape, i + 5, 0)),
  ];
  const named = (list: readonly NDArray[]): Map<string, Value> =>
    new Map(
      list.map((a, i) => [
        i < inputs.length ? ('abcdefghij'[i] ?? '') : (letters[i - inputs.length] ?? ''),
        tensorValue(a),
      ]),
    );
  const evaluate = (module: IRModule, list: readonly NDArray[]): readonly (readonly number[])[] => {
    const result = evaluateFunction(module, 'main', named(list));
    assert.ok(result.ok, result.ok ? '' : result.error.message);
    return (tensorsOf(result.value) ?? []).map((a) => Array.from(a.data as Float64Array, Number));
  };
  const { module } = compile(all, body);
  const derived = gradient(module, 'main', { operators: operatorRegistry });
  assert.ok(derived.ok, derived.ok ? '' : derived.error.message);
  const found = evaluate(derived.value, arrays).slice(weights.length);
  const objective = (list: readonly NDArray[]): number =>
    evaluate(module, list)
      .flat()
      .reduce((a, b) => a + b, 0);
  inputs.forEach((input, p) => {
    const { data } = arrays[p] as NDArray;
    for (let i = 0; i < data.length; i++) {
      const actual = found[p]?.[i] ?? NaN;
      if (isInteger(input)) {
        assert.equal(actual, 0, `integer input ${p} takes no part`);
        continue;
      }
      const moved = (by: number): NDArray[] =>
        arrays.map((a, q) =>
          q === p ? { ...a, data: Float64Array.from(data as Float64Array, (v, j) => (j === i ? v + by : v)) } : a,
        );
      const expected = (objective(moved(step)) - objective(moved(-step))) / (2 * step);
      assert.ok(
        Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
        `input ${p}, element ${i}: ${actual}, by differences ${expected}`,
      );
    }
  });
}

const nameOf = (c: GradientCase): string => c.call.slice(0, c.call.indexOf('('));

describe('gradients agree with central differences', () => {
  for (const c of gradientCases) it(c.call, () => agrees(c));
});

describe('gradients of records', () => {
  it('are there, or the reason why not', () => {
    assert.deepEqual(
      operatorRegistry.all().filter((o) => o.gradient === undefined),
      [],
    );
  });
  it('are compared with differences, every one', () => {
    const compared = new Set([...gradientCases.map(nameOf), ...unevaluated]);
    const missing = operatorRegistry.all().filter((o) => {
      const rule = o.gradient;
      return rule && (typeof rule === 'function' || 'definition' in rule) && !compared.has(o.name);
    });
    assert.deepEqual(
      missing.map((o) => o.name),
      [],
    );
  });
});
