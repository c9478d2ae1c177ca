import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { tensorsOf, tensorValue, type Value } from '../../compiler/src/evaluate/value.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import type { IRModule } from '../../compiler/src/ir/expr.ts';
import { printModule } from '../../compiler/src/ir/print.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import type { CompileResult } from '../../compiler/src/passes/failure.ts';
import { gradient } from '../../compiler/src/passes/gradient.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { printType } from '../../compiler/src/types/print.ts';

function differentiate(text: string, name = 'main'): CompileResult<IRModule> {
  const tree = parseSource(`#[version = "0.0.5"]\n${text}\n`);
  const module = elaborate(check(tree));
  assert.ok(module.ok, module.ok ? '' : module.error.message);
  return gradient(module.value, name, { operators: operatorRegistry });
}

function derived(text: string): IRModule {
  const result = differentiate(text);
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value;
}

function evaluate(module: IRModule, inputs: Readonly<Record<string, NDArray>>): readonly (readonly number[])[] {
  const values = new Map<string, Value>(Object.entries(inputs).map(([name, a]) => [name, tensorValue(a)]));
  const result = evaluateFunction(module, 'main', values);
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return (tensorsOf(result.value) ?? []).map((a) => Array.from(a.data as Float32Array, Number));
}

const vector = (...values: readonly number[]): NDArray => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});

describe('the gradient of a function', () => {
  it('returns the result and an adjoint a parameter', () => {
    const module = derived('def @main(%x: Tensor[(2), float32], %n: Tensor[(2), int32]) { sum(%x * %x) }');
    const type = module.functions.get('main')?.type.ret;
    assert.equal(type && printType(type), '(float32, (Tensor[(2), float32], Tensor[(2), int32]))');
    const n: NDArray = { dtype: 'int32', shape: [2], data: Int32Array.of(7, 7) };
    assert.deepEqual(evaluate(module, { x: vector(2, 3), n }), [[13], [4, 6], [0, 0]]);
  });

  it('adds up every use of a value', () => {
    const module = derived('def @main(%x: Tensor[(2), float32]) { let %y = %x * %x; %y * %y + %y + %x }');
    // 4x³ + 2x + 1
    assert.deepEqual(evaluate(module, { x: vector(1, 2) })[1], [7, 37]);
  });

  it('goes through functions, closures, recursion over data and references that constants decide', () => {
    const module = derived(`
type List[A] { Cons(A, List[A]), Nil }
def @product(%l: List[Tensor[(2), float32]]) -> Tensor[(2), float32] {
  match (%l) { Cons(%x, %rest) => %x * @product(%rest), Nil => ones(shape=[2], dtype="float32") }
}
def @main(%x: Tensor[(2), float32]) {
  let %twice = fn (%y: Tensor[(2), float32]) -> Tensor[(2), float32] { %y + %y };
  let %r = ref(%x);
  let %u = ref_write(%r, %twice(%x));
  @product(Cons(%x, Cons(ref_read(%r), Nil)))
}`);
    // x · 2x
    assert.deepEqual(evaluate(module, { x: vector(1, 3) }), [
      [2, 18],
      [4, 12],
    ]);
  });

  it('takes the branch that the program takes', () => {
    const module = derived(
      'def @main(%c: bool, %x: Tensor[(2), float32], %y: Tensor[(2), float32]) { if (%c) { %x * %y } else { exp(%y) } }',
    );
    const inputs = { x: vector(2, 3), y: vector(0, 0) };
    const run = (value: number): readonly (readonly number[])[] =>
      evaluate(module, { c: { dtype: 'bool', shape: [], data: Uint8Array.of(value) }, ...inputs }).slice(2);
    assert.deepEqual(run(1), [
      [0, 0],
      [2, 3],
    ]);
    assert.deepEqual(run(0), [
      [0, 0],
      [1, 1],
    ]);
  });

  it('takes tuples apart and leaves what is not asked for at zero', () => {
    const module = derived(
      'def @main(%p: (Tensor[(3), float32], Tensor[(2), float32])) { split(%p.0, indices_or_sections=3).1 }',
    );
    const type = module.functions.get('main')?.type.ret;
    assert.equal(type && printType(type), '(Tensor[(1), float32], ((Tensor[(3), float32], Tensor[(2), float32]),))');
  });

  it('differentiates a gradient again', () => {
    const first = derived('def @main(%x: Tensor[(2), float32]) { %x * %x * %x }');
    const second = gradient(first, 'main', { operators: operatorRegistry });
    assert.ok(second.ok);
    // The sum of x³ and 3x²: 3x² + 6x.
    assert.deepEqual(evaluate(second.value, { x: vector(1, 2) }).at(-1), [9, 24]);
  });

  it('prints as text that checks', () => {
    const module = derived(`
def @main(%x: Tensor[(2, 4), float32], %w: Tensor[(3, 4), float32], %y: Tensor[(2, 3), float32]) {
  nn.cross_entropy(nn.softmax(nn.dense(%x, %w, units=3)), %y)
}`);
    const { text } = printModule(module, { operators: operatorRegistry });
    const tree = parseSource(text);
    const checked = check(tree, { strict: true, prelude: false });
    assert.deepEqual([...tree.errors, ...checked.diagnostics], []);
  });

  it('names the binding without a gradient, and why', () => {
    const result = differentiate(
      'def @main(%x: Tensor[(1, 1, 4), float32]) { let %y = nn.relu(%x); image.resize1d(%y, size=[8], roi=[0f, 0f]) }',
    );
    assert.ok(!result.ok);
    assert.equal(result.error.code, 'no-gradient');
    assert.equal(
      result.error.message,
      '`image.resize1d` has no gradient: no operator sums over its overlapping samples.',
    );
    assert.equal(result.error.origin.length, 1);
  });

  it('does not mind operators without a gradient where no gradient flows', () => {
    const module = derived(`
def @main(%x: Tensor[(3), float32]) { take(%x, cast(argmax(%x, axis=[0]), dtype="int32"), axis=0) }`);
    assert.deepEqual(evaluate(module, { x: vector(1, 5, 2) }), [[5], [0, 1, 0]]);
  });

  it('refuses a result without floats', () => {
    const result = differentiate('def @main(%x: Tensor[(2), float32]) { argmax(%x) }');
    assert.ok(!result.ok);
    assert.match(result.error.message, /holds no floats/);
  });

  it('keeps to a depth of thousands', () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `%${i + 1} = tanh(%${i});`).join('\n');
    const module = derived(`def @main(%x: Tensor[(1), float32]) {\n%0 = tanh(%x);\n${lines}\n%3000\n}`);
    assert.ok(module.functions.has('main'));
  });
});
