import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { neverCancelled } from '../../compiler/src/base/cancellation.ts';
import { check } from '../../compiler/src/check/check.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import type { IRModule } from '../../compiler/src/ir/expr.ts';
import { printModule } from '../../compiler/src/ir/print.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { bindParams, parameterNamed } from '../../compiler/src/passes/bind-params.ts';
import type { Pass } from '../../compiler/src/passes/pass.ts';
import { commonSubexpressions } from '../../compiler/src/passes/common-subexpressions.ts';
import { deadCode } from '../../compiler/src/passes/dead-code.ts';
import { foldConstants } from '../../compiler/src/passes/fold-constants.ts';
import { inline } from '../../compiler/src/passes/inline.ts';
import { simplify } from '../../compiler/src/passes/simplify.ts';
import { passContext, passes } from '../../compiler/src/pipeline/simplification.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';

function moduleOf(text: string): IRModule {
  const tree = parseSource(`#[version = "0.0.5"]\n${text}`);
  const checked = check(tree);
  assert.deepEqual(
    [...tree.errors, ...checked.diagnostics].filter((d) => d.severity === 'error').map((d) => d.message),
    [],
  );
  const module = elaborate(checked);
  assert.ok(module.ok, module.ok ? '' : module.error.message);
  return module.value;
}

function print(module: IRModule): string {
  return printModule(module, { operators: operatorRegistry }).text.replace('#[version = "0.0.5"]\n', '');
}

/** A pass turns the first program into the second; both are checked. */
function turns(pass: Pass, before: string, after: string): void {
  const result = pass.run(moduleOf(before), passContext(neverCancelled));
  assert.equal(print(result.module), print(moduleOf(after)));
  // What a pass leaves is a program that checks, with the same types.
  assert.equal(print(moduleOf(print(result.module))), print(result.module));
}

describe('passes', () => {
  it('have names and summaries of their own', () => {
    assert.equal(new Set(passes.map((p) => p.name)).size, passes.length);
    for (const p of passes) assert.match(p.summary, /^[A-Z].*\.$/);
  });

  for (const pass of passes)
    it(`${pass.name} does to its example what its page says`, () => {
      const { before, after, folded } = pass.example;
      const context = passContext(neverCancelled);
      const written = moduleOf(before);
      const result = pass.run(folded === true ? foldConstants.run(written, context).module : written, context);
      const text = printModule(result.module, { operators: operatorRegistry, metadata: false }).text;
      assert.equal(text.replace('#[version = "0.0.5"]\n', '').trimEnd(), after);
      assert.ok(Object.values(result.statistics).some((count) => count > 0));
    });

  it('fold constants', () =>
    turns(
      foldConstants,
      'def @main(%x: Tensor[(2), float32]) { %0 = add(1f, 2f); %1 = (%x, %0); %2 = %1.1; if (True) { add(%x, %2) } else { %x } }',
      'def @main(%x: Tensor[(2), float32]) { add(%x, 3f) }',
    ));

  it('leave a huge constant to the run', () =>
    turns(
      foldConstants,
      'def @main() { zeros(shape=[1000, 1000], dtype="float32") }',
      'def @main() { zeros(shape=[1000, 1000], dtype="float32") }',
    ));

  it('remove operators that do nothing', () => {
    turns(
      simplify,
      `def @main(%x: Tensor[(1, 4), int8]) {
        %0 = clip(%x, a_min=-128f, a_max=127f); %1 = cast(%0, dtype="int8"); reshape(%1, newshape=[-1, 4]) }`,
      'def @main(%x: Tensor[(1, 4), int8]) { %x }',
    );
    turns(
      simplify,
      'def @main(%x: Tensor[(2, 3), float32]) { %0 = nn.dropout(%x); %1 = transpose(%0.0, axes=[1, 0]); transpose(%1, axes=[1, 0]) }',
      'def @main(%x: Tensor[(2, 3), float32]) { %x }',
    );
    turns(
      simplify,
      'def @main(%x: Tensor[(2, 3), float32]) { %0 = add(%x, 0f); %1 = multiply(1f, %0); %2 = clip(%1, a_min=0f, a_max=6f); clip(%2, a_min=-1f, a_max=5f) }',
      'def @main(%x: Tensor[(2, 3), float32]) { clip(%x, a_min=0f, a_max=5f) }',
    );
  });

  it('keep a clip that cuts', () => {
    const text = 'def @main(%x: Tensor[(4), int8]) { clip(%x, a_min=-127f, a_max=127f) }';
    turns(simplify, text, text);
  });

  it('join reshapes', () =>
    turns(
      simplify,
      'def @main(%x: Tensor[(2, 6), int8]) { %0 = reshape(%x, newshape=[3, 4]); reshape(%0, newshape=[12]) }',
      'def @main(%x: Tensor[(2, 6), int8]) { reshape(%x, newshape=[12]) }',
    ));

  it('share equal expressions', () =>
    turns(
      commonSubexpressions,
      'def @main(%x: Tensor[(2), float32]) { add(exp(add(%x, 1f)), exp(add(%x, 1f))) }',
      'def @main(%x: Tensor[(2), float32]) { %0 = exp(add(%x, 1f)); add(%0, %0) }',
    ));

  it('drop what nothing depends on, but not writes', () => {
    turns(
      deadCode,
      `def @unused(%x: int32) { %x }
       def @main(%x: int32) { let %a = add(%x, 1); let %b = multiply(%a, 2); %x }`,
      'def @main(%x: int32) { %x }',
    );
    const text = 'def @main(%x: int32) { let %r = ref(%x); let %u = ref_write(%r, 3); ref_read(%r) }';
    assert.match(print(deadCode.run(moduleOf(text), passContext(neverCancelled)).module), /ref_write/);
  });

  it('inline functions and bindings', () =>
    turns(
      inline,
      `def @twice(%a: int32) { let %b = add(%a, %a); %b }
       def @main(%x: int32) { let %f = fn (%y: int32) { multiply(%y, %y) }; let %z = @twice(%x); add(@twice(%z), %z) }`,
      `def @main(%x: int32) { %0 = add(%x, %x); add(add(%0, %0), %0) }
       def @twice(%a: int32) { add(%a, %a) }`,
    ));

  it('leave recursion alone', () => {
    const text = 'def @main(%x: int32) -> int32 { if (less(%x, 1)) { 0 } else { @main(subtract(%x, 1)) } }';
    turns(inline, text, text);
  });
});

describe('binding parameters', () => {
  const module = moduleOf('def @main(%x: Tensor[(2), float32], %v_w: Tensor[(2), float32]) { add(%x, %v_w) }');
  const w = { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) };

  it('finds a name under TVM’s printed spelling', () => {
    assert.equal(parameterNamed([{ name: 'v_w' }], '_w')?.name, 'v_w');
    assert.equal(parameterNamed([{ name: 'v1' }], '1')?.name, 'v1');
    const bound = bindParams(module, new Map([['_w', w]]));
    assert.ok(bound.ok);
    assert.deepEqual(
      bound.value.functions.get('main')?.params.map((p) => p.name),
      ['x'],
    );
  });

  it('refuses the file of another model, naming the strangers', () => {
    const bound = bindParams(module, new Map([['conv1', w]]));
    assert.ok(!bound.ok);
    assert.match(bound.error.message, /`conv1`.*0 of 1/);
  });

  it('refuses a tensor of another type, naming both sides', () => {
    const bound = bindParams(module, new Map([['_w', { ...w, shape: [1, 2] }]]));
    assert.ok(!bound.ok);
    assert.match(bound.error.message, /Tensor\[\(1, 2\), float32\].*%v_w as Tensor\[\(2\), float32\]/);
  });
});
