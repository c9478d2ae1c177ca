/** Programs run on seeded inputs, to compare them before and after an edit. */
import assert from 'node:assert/strict';
import { check } from '../../compiler/src/check/check.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { congruential, smallValues } from '../../compiler/src/evaluate/seeded.ts';
import { tensorValue, type Value } from '../../compiler/src/evaluate/value.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { integerRange } from '../../compiler/src/tensor/dtype.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { staticShape } from '../../compiler/src/types/type.ts';

/** `small` values, or integers of the whole range of their type. */
export type Inputs = 'small' | 'full';

/** The arrays that `@main` gives, tuples and data types flattened; fails where the program cannot be run. */
export function run(program: string, seed: number, inputs: Inputs = 'small'): readonly NDArray[] {
  const text = program.startsWith('#[') ? program : `#[version = "0.0.5"]\n${program}`;
  const checked = check(parseSource(text));
  const errors = [...checked.tree.errors, ...checked.diagnostics].filter((d) => d.severity === 'error');
  assert.deepEqual(
    errors.map((d) => d.message),
    [],
    text,
  );
  const module = elaborate(checked);
  assert.ok(module.ok, module.ok ? '' : module.error.message);
  const values = new Map<string, Value>();
  for (const [i, param] of (module.value.functions.get('main')?.params ?? []).entries()) {
    assert.ok(param.type?.kind === 'tensor', `%${param.name} is no tensor`);
    const shape = staticShape(param.type);
    assert.ok(shape, `%${param.name} has no fixed shape`);
    const array = smallValues(param.type.dtype, shape, seed * 31 + i);
    assert.ok(array);
    values.set(param.name, tensorValue(inputs === 'full' ? spread(array, seed + i) : array));
  }
  const result = evaluateFunction(module.value, 'main', values);
  assert.ok(result.ok, result.ok ? '' : `${result.error.message}\n${text}`);
  return flat(result.value);
}

/** Integers over their whole range, its ends among them. */
function spread(array: NDArray, seed: number): NDArray {
  const range = integerRange(array.dtype);
  if (!range || array.data instanceof BigInt64Array || array.data instanceof BigUint64Array) return array;
  const { min, max } = { min: Number(range.min), max: Number(range.max) };
  const next = congruential(seed);
  const data = array.data.map((_, i) => {
    const share = next() / 2 ** 32;
    return i % 5 === 0 ? min : i % 5 === 1 ? max : Math.floor(min + share * (max - min + 1));
  });
  return { ...array, data };
}

function flat(value: Value): readonly NDArray[] {
  switch (value.kind) {
    case 'tensor':
      return [value.array];
    case 'tuple':
    case 'adt':
      return value.fields.flatMap(flat);
    default:
      return [];
  }
}

/** True when both programs give the same; floats up to rounding. */
export function sameResults(a: readonly NDArray[], b: readonly NDArray[]): boolean {
  return (
    a.length === b.length &&
    a.every((left, i) => {
      const right = b[i];
      if (!right || left.dtype !== right.dtype || left.shape.join() !== right.shape.join()) return false;
      return Array.from(left.data, Number).every((x, k) => {
        const y = Number(right.data[k]);
        return Object.is(x, y) || Math.abs(x - y) <= 1e-4 * Math.max(1, Math.abs(x), Math.abs(y));
      });
    })
  );
}
