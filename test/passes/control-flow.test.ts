import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { neverCancelled } from '../../compiler/src/base/cancellation.ts';
import { check } from '../../compiler/src/check/check.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { smallValues } from '../../compiler/src/evaluate/seeded.ts';
import { tensorsOf, tensorValue } from '../../compiler/src/evaluate/value.ts';
import type { Value } from '../../compiler/src/evaluate/value.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import type { IRModule } from '../../compiler/src/ir/expr.ts';
import { printModule } from '../../compiler/src/ir/print.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { hasControl, partialEvaluation } from '../../compiler/src/passes/partial-evaluation.ts';
import type { Pass } from '../../compiler/src/passes/pass.ts';
import { selectBranches } from '../../compiler/src/passes/select-branches.ts';
import { compileModel } from '../../compiler/src/pipeline/compile.ts';
import { passContext, runPasses } from '../../compiler/src/pipeline/simplification.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import { staticShape } from '../../compiler/src/types/type.ts';
import { corpora, readCorpus } from '../conformance/corpus.ts';

const version = '#[version = "0.0.5"]\n';

function elaborated(text: string): IRModule | undefined {
  const tree = parseSource(text);
  const checked = check(tree);
  if ([...tree.errors, ...checked.diagnostics].some((d) => d.severity === 'error')) return undefined;
  const module = elaborate(checked);
  return module.ok ? module.value : undefined;
}

function print(module: IRModule): string {
  const main = module.functions.get('main');
  assert.ok(main);
  return printModule({ functions: new Map([['main', main]]), types: new Map() }, { operators: operatorRegistry }).text;
}

/** A pass turns `@main` of the first program into the second. */
function turns(pass: Pass, before: string, after: string): void {
  const [from, to] = [elaborated(version + before), elaborated(version + after)];
  assert.ok(from && to, 'both programs check');
  assert.equal(print(pass.run(from, passContext(neverCancelled)).module), print(to));
}

describe('partial evaluation', () => {
  it('carries out calls of closures, matches and projections', () =>
    turns(
      partialEvaluation,
      `type Shape { Square(Tensor[(2), float32]), Line((Tensor[(2), float32], float32)) }
       def @size(%s: Shape) { match (%s) { Square(%a) => { multiply(%a, %a) }, Line((%a, %b)) => { add(%a, %b) } } }
       def @main(%x: Tensor[(2), float32]) {
         let %make = fn (%y: Tensor[(2), float32]) { fn (%b: float32) { Line((%y, %b)) } };
         add(@size(Square(%x)), @size(%make(%x)(2f))) }`,
      'def @main(%x: Tensor[(2), float32]) { %0 = multiply(%x, %x); %1 = add(%x, 2f); add(%0, %1) }',
    ));

  it('unrolls a loop that a constant counts, whatever shape it was declared with', () =>
    turns(
      partialEvaluation,
      `def @main(%x: Tensor[(2), float32]) {
         let %loop = fn (%i: int32, %s: Tensor[(?), float32]) -> Tensor[(?), float32] {
           if (less(%i, 3)) { %loop(add(%i, 1), add(%s, %x)) } else { %s } };
         %loop(0, %x) }`,
      'def @main(%x: Tensor[(2), float32]) { %0 = add(%x, %x); %1 = add(%0, %x); add(%1, %x) }',
    ));

  it('unrolls the prelude’s functions over a list of known length', () =>
    turns(
      partialEvaluation,
      `def @main(%x: Tensor[(2), float32], %y: Tensor[(2), float32]) {
         let %f = fn (%a: Tensor[(2), float32], %b: Tensor[(2), float32]) -> Tensor[(2), float32] { subtract(%a, %b) };
         @foldl(%f, %x, @map(fn (%z: Tensor[(2), float32]) -> Tensor[(2), float32] { exp(%z) }, Cons(%x, Cons(%y, Nil)))) }`,
      'def @main(%x: Tensor[(2), float32], %y: Tensor[(2), float32]) { %0 = exp(%x); %1 = exp(%y); %2 = subtract(%x, %0); subtract(%2, %1) }',
    ));

  it('carries out references that no run-time condition touches', () =>
    turns(
      partialEvaluation,
      `def @main(%x: Tensor[(2), float32]) {
         let %r = ref(%x); let %a = ref_write(%r, add(ref_read(%r), 1f)); let %b = ref_write(%r, exp(ref_read(%r))); ref_read(%r) }`,
      'def @main(%x: Tensor[(2), float32]) { exp(add(%x, 1f)) }',
    ));

  it('pushes a run-time choice between functions or cases to where tensors come out', () =>
    turns(
      partialEvaluation,
      `type E { A(Tensor[(2), float32]), B }
       def @main(%c: bool, %x: Tensor[(2), float32]) {
         let %f = if (%c) { fn (%y: Tensor[(2), float32]) { exp(%y) } } else { fn (%y: Tensor[(2), float32]) { tanh(%y) } };
         let %e = if (%c) { A(%x) } else { B };
         match (%e) { A(%y) => { %y }, B => { %f(%x) } } }`,
      `def @main(%c: bool, %x: Tensor[(2), float32]) {
         if (%c) { %x } else { if (%c) { exp(%x) } else { tanh(%x) } } }`,
    ));

  it('leaves a straight line as it is', () => {
    const module = elaborated(`${version}def @main(%x: Tensor[(2), float32]) { %0 = (%x, %x); add(%0.0, %0.1) }`);
    assert.ok(module);
    assert.equal(partialEvaluation.run(module, passContext(neverCancelled)).module, module);
  });

  it('takes ten thousand bindings and calls without running out of stack', () => {
    const lines = Array.from({ length: 10_000 }, (_, i) => `let %v${i + 1} = %f(%v${i});`);
    const text = `${version}def @main(%v0: Tensor[(2), float32]) {
      let %f = fn (%y: Tensor[(2), float32]) { tanh(%y) }; ${lines.join('\n')} %v10000 }`;
    const module = elaborated(text);
    assert.ok(module);
    const main = partialEvaluation.run(module, passContext(neverCancelled)).module.functions.get('main');
    assert.ok(main && !hasControl(main));
  });
});

describe('selecting branches', () => {
  it('computes both and selects', () =>
    turns(
      selectBranches,
      'def @main(%c: bool, %x: Tensor[(2), float32]) { if (%c) { exp(%x) } else { if (%c) { %x } else { tanh(%x) } } }',
      'def @main(%c: bool, %x: Tensor[(2), float32]) { where(%c, exp(%x), where(%c, %x, tanh(%x))) }',
    ));

  it('reads at positions in branches that are not wanted: they are brought back into the tensor', () =>
    turns(
      selectBranches,
      'def @main(%c: bool, %x: Tensor[(2), float32], %i: Tensor[(1), int32]) { if (%c) { gather(%x, %i, axis=0) } else { take(%x, %i, mode="fast") } }',
      'def @main(%c: bool, %x: Tensor[(2), float32], %i: Tensor[(1), int32]) { where(%c, gather(%x, %i, axis=0), take(%x, %i, mode="fast")) }',
    ));

  it('computes what writes at positions given by data: those outside are left out', () =>
    turns(
      selectBranches,
      'def @main(%c: bool, %x: Tensor[(2), float32], %i: Tensor[(1), int64], %u: Tensor[(1), float32]) { if (%c) { scatter_elements(%x, %i, %u) } else { %x } }',
      'def @main(%c: bool, %x: Tensor[(2), float32], %i: Tensor[(1), int64], %u: Tensor[(1), float32]) { where(%c, scatter_elements(%x, %i, %u), %x) }',
    ));
});

describe('what cannot go on a board', () => {
  const cases: readonly (readonly [string, string, RegExp, string])[] = [
    [
      'a recursion that a run-time value decides',
      'def @f(%n: int32) -> int32 { if (less(%n, 1)) { 0 } else { @f(subtract(%n, 1)) } }\ndef @main(%n: int32) { @f(%n) }',
      /decides a recursion.*fixed number of steps/,
      'if (less',
    ],
    [
      'a recursion that never ends',
      'def @f(%n: int32) -> int32 { @f(%n) }\ndef @main(%n: int32) { @f(%n) }',
      /not over after/,
      '@f(%n)',
    ],
    ['a data type as result', 'def @main(%x: int32) { Cons(%x, Nil) }', /`Cons`.*passes tensors only/, 'Cons'],
    ['a data type as input', 'def @main(%l: List[int32]) { 1 }', /%l.*takes tensors/, '%l'],
    ['a function as result', 'def @main(%x: int32) { fn (%y: int32) { add(%x, %y) } }', /function reaches/, 'fn ('],
    [
      'a reference under a run-time condition',
      'def @main(%c: bool, %x: int32) { let %r = ref(%x); let %u = if (%c) { ref_write(%r, 1) } else { () }; ref_read(%r) }',
      /reference is made, read or written under a condition/,
      'ref_write',
    ],
    [
      'a shape that a run-time value decides',
      'def @main(%c: bool, %x: Tensor[(2), float32]) -> Tensor[(?), float32] { let %f = fn (%y: Tensor[(?), float32]) { %y }; if (%c) { %f(%x) } else { %f(concatenate((%x, %x))) } }',
      /shape depends on a value/,
      'if (%c)',
    ],
  ];
  const target = targetNamed('cortex-m4f');
  for (const [name, program, message, place] of cases)
    it(`is refused by name, with its place and what to do: ${name}`, () => {
      assert.ok(target.ok);
      const text = version + program;
      const result = compileModel({ text, target: target.value });
      assert.ok(!result.ok, 'the program compiles');
      assert.match(result.error.message, message);
      assert.ok(result.error.remedy);
      const at = result.error.range?.start ?? -1;
      assert.ok(text.slice(at).startsWith(place), `it points at “${text.slice(at, at + 20)}”`);
    });
});

function inputsOf(module: IRModule): Map<string, Value> | undefined {
  const inputs = new Map<string, Value>();
  for (const [i, p] of (module.functions.get('main')?.params ?? []).entries()) {
    const shape = p.type.kind === 'tensor' ? staticShape(p.type) : undefined;
    if (p.type.kind !== 'tensor' || shape === undefined || shape.reduce((n, d) => n * d, 1) > 5000) return undefined;
    const value = smallValues(p.type.dtype, shape, i + 1);
    if (value === undefined) return undefined;
    inputs.set(p.name, tensorValue(value));
  }
  return inputs;
}

describe('control flow of the corpora', function () {
  this.timeout(120_000);
  for (const corpus of corpora)
    it(`${corpus}: every program that becomes a straight line gives the same values as before`, function () {
      const cases = readCorpus(corpus);
      if (cases === undefined) {
        console.log('      skipped: ../shared is not there');
        return this.skip();
      }
      const counts = { compared: 0, resolved: 0, refused: 0 };
      for (const c of cases) {
        if (!c.ok || !c.text.includes('@main') || c.text.length > 4000) continue;
        if (!/\b(if|match|fn|ref)\b|let %/.test(c.text)) continue;
        const module = elaborated(c.text);
        const main = module?.functions.get('main');
        if (module === undefined || main === undefined || !hasControl(main)) continue;
        const inputs = inputsOf(module);
        if (inputs === undefined) continue;
        const after = runPasses(module, passContext(neverCancelled), [partialEvaluation, selectBranches]).module;
        const resolved = after.functions.get('main');
        if (resolved === undefined || hasControl(resolved)) {
          counts.refused++;
          continue;
        }
        counts.resolved++;
        const options = { maxSteps: 200_000, maxDepth: 5000 };
        const expected = evaluateFunction(module, 'main', inputs, options);
        if (!expected.ok || tensorsOf(expected.value) === undefined) continue;
        const found = evaluateFunction(after, 'main', inputs, options);
        assert.ok(found.ok, `${c.id}: ${found.ok ? '' : found.error.message}\n${c.text}`);
        assert.deepEqual(found.value, expected.value, `${c.id}\n${c.text}`);
        counts.compared++;
      }
      console.log(`      ${JSON.stringify(counts)}`);
      assert.ok(counts.compared > (corpus === 'generated' ? 20 : 10), JSON.stringify(counts));
    });
});
