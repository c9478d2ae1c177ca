import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { applyEdits } from '../../compiler/src/check/repairs/verify.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { walkTree } from '../../compiler/src/syntax/walk.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { codeActions } from '../../server/src/features/codeActions.ts';
import { rangeOf, type CheckedSnapshot } from '../../server/src/snapshot.ts';
import { run, sameResults } from './evaluation.ts';
import { snapshotOf } from './fixture.ts';

const v = 'Tensor[(3), float32]';

/** Programs with every kind of binding, and names that hide others. */
const programs: readonly string[] = [
  `def @main(%x: ${v}) {\n  %0 = nn.relu(%x);\n  %1 = add(%0, 1f);\n  let %y = multiply(%1, %0);\n  let %dead = abs(%y);\n  %2 = subtract(%y, %1);\n  (%2, %y)\n}`,
  `def @main(%x: ${v}) {\n  let %x = add(%x, 1f);\n  let %y = nn.relu(%x);\n  let %x = multiply(%x, %y);\n  let %v0 = negative(%x);\n  %0 = add(%v0, %x);\n  %1 = subtract(%0, %v0);\n  add(%1, %y)\n}`,
  `def @f(%a: ${v}, %b: ${v}) { %0 = add(%a, %b); multiply(%0, %a) }\ndef @main(%x: ${v}) {\n  %0 = @f(%x, %x);\n  %1 = @f(%0, %x);\n  let %z = @f(%1, %0);\n  %2 = @f(%z, %z);\n  %2\n}`,
  `def @main(%x: ${v}) {\n  let %scale = 2f;\n  let %f = fn (%y: ${v}) { %0 = multiply(%y, %scale); add(%0, %x) };\n  %1 = %f(%x);\n  %2 = %f(%1);\n  let %g = fn (%x: ${v}) { %f(%x) };\n  (%g(%2), %1)\n}`,
  `def @main(%x: ${v}, %c: bool) {\n  %0 = nn.relu(%x);\n  %1 = if (%c) { let %a = add(%0, 1f); multiply(%a, %a) } else { %0 };\n  let %t = (%1, %0);\n  %2 = %t.0;\n  add(%2, %t.1)\n}`,
  `type Box { Full(${v}), Empty }\ndef @unbox(%b: Box, %d: ${v}) { match (%b) { Full(%x) => add(%x, %d), Empty => %d } }\ndef @main(%x: ${v}) {\n  let %b = Full(nn.relu(%x));\n  %0 = @unbox(%b, %x);\n  %1 = @unbox(Empty, %0);\n  add(%1, %0) * %x + %0\n}`,
  `def @main(%x: ${v}) {\n  let %r = ref(%x);\n  let %a = ref_read(%r);\n  %0 = ref_read(%r);\n  let %u = ref_write(%r, add(%a, 1f));\n  let %b = ref_read(%r);\n  %1 = multiply(%b, %a);\n  add(%1, %0)\n}`,
  `def @bump(%r: ref(${v})) { let %u = ref_write(%r, add(ref_read(%r), 1f)); ref_read(%r) }\ndef @main(%x: ${v}) {\n  let %r = ref(%x);\n  %0 = @bump(%r);\n  let %a = subtract(@bump(%r), ref_read(%r));\n  let %b = ref_read(%r);\n  multiply(add(%a, %b), add(ref_read(%r), @bump(%r))) + %0\n}`,
  `def @main(%x: ${v}) {\n  %0 = add(%x, multiply(%x, %x));\n  %1 = split(concatenate((%0, %x)), indices_or_sections=2);\n  %2 = %1.0;\n  %3 = %1.1;\n  let %s: ${v} = subtract(%2, %3);\n  nn.relu(%s) + %2 * %3\n}`,
  'def @main(%x: Tensor[(1, 3, 6, 6), float32], %w: Tensor[(4, 3, 3, 3), float32], %k: Tensor[(4, 1, 3, 3), float32]) {\n  %0 = nn.conv2d(%x, %w, padding=[1, 1, 1, 1], strides=[2, 2]);\n  %1 = nn.relu(%0);\n  %2 = nn.conv2d(%1, %k, padding=[1, 1], groups=4, channels=4, kernel_size=[3, 3]);\n  add(%1, %2)\n}',
  'def @main(%x: Tensor[(2, 5, 4, 3), float32], %w: Tensor[(2, 3, 3, 6), float32], %d: Tensor[(3, 3, 6, 1), float32]) {\n  %0 = nn.conv2d(%x, %w, channels=6, kernel_size=[2, 3], dilation=[2, 1], data_layout="NHWC", kernel_layout="HWIO");\n  let %y = nn.conv2d(%0, %d, padding=[1, 1, 1, 1], groups=6, channels=6, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="HWOI");\n  %y\n}',
  'def @main(%x: Tensor[(1, 4, 5, 5), int8], %w: Tensor[(2, 4, 3, 3), int8]) {\n  %0 = nn.conv2d(%x, %w, groups=1, out_dtype="int32", padding=[1, 0, 0, 1]);\n  %0\n}',
  'def @main(%x: Tensor[(1, 8, 4, 4), float32], %w: Tensor[(6, 4, 1, 1), float32]) {\n  nn.conv2d(%x, %w, groups=2, channels=6, kernel_size=[1, 1])\n}',
];

/** Actions that change the text and not what it computes. */
const kept = /^(?:Inline|Extract|Convert|Split off|Remove|Add the)/;

/** Every place that an action may look at: starts of nodes, and runs of statements. */
function selections(snapshot: CheckedSnapshot): readonly { readonly start: number; readonly end: number }[] {
  const found = new Map<string, { readonly start: number; readonly end: number }>();
  const add = (start: number, end: number): void => void found.set(`${start} ${end}`, { start, end });
  walkTree(snapshot.tree, (node) => {
    const { start, end } = rangeOf(snapshot, node.span);
    add(start, start);
    if (node.kind === 'let') {
      const name = rangeOf(snapshot, node.name.span);
      add(name.start, name.start);
    }
    if (node.kind === 'call' || node.kind === 'infix' || node.kind === 'int' || node.kind === 'float') add(start, end);
    if (node.kind === 'block')
      for (const [i, first] of node.statements.entries())
        for (const last of node.statements.slice(i, i + 3))
          add(rangeOf(snapshot, first.span).start, rangeOf(snapshot, last.span).end);
  });
  return [...found.values()];
}

/** Applies what is offered everywhere, and runs each result; `most` limits how many results of one action are run. */
function checkMeaning(program: string, most: number, counts: Map<string, number>): void {
  const snapshot = snapshotOf(program);
  const before = new Map<number, readonly NDArray[]>();
  const tried = new Set<string>();
  const perAction = new Map<string, number>();
  for (const range of selections(snapshot))
    for (const { title, edits } of codeActions(snapshot, range)) {
      if (!kept.test(title)) continue;
      const action = title.split(' ').slice(0, 2).join(' ');
      const { text } = applyEdits(snapshot.text, snapshot.tree, edits);
      if (tried.has(text) || (perAction.get(action) ?? 0) >= most) continue;
      tried.add(text);
      perAction.set(action, (perAction.get(action) ?? 0) + 1);
      counts.set(action, (counts.get(action) ?? 0) + 1);
      for (const seed of [1, 2]) {
        const expected = before.get(seed) ?? run(snapshot.text, seed);
        before.set(seed, expected);
        assert.ok(sameResults(expected, run(text, seed)), `${title}\n${snapshot.text}\nbecame\n${text}`);
      }
    }
}

describe('code actions keep what a program computes', () => {
  const counts = new Map<string, number>();
  programs.forEach((program, i) =>
    it(`in program ${i + 1}, wherever they are offered`, () => checkMeaning(program, 40, counts)),
  );
  it('in the examples of operators', function () {
    this.timeout(60_000);
    let programs = 0;
    for (const operator of operatorRegistry.all())
      for (const { source } of operator.examples ?? []) {
        const snapshot = snapshotOf(source);
        if (snapshot.tree.errors.length > 0 || !/def @main/.test(source) || /reshape_like|random|dropout/.test(source))
          continue;
        try {
          run(source, 1);
        } catch {
          // What cannot be run (shapes that depend on values, operators without a meaning) shows nothing.
          continue;
        }
        checkMeaning(source, 2, counts);
        if (++programs >= 120) return;
      }
  });
  it('in programs of the conformance corpus', function () {
    this.timeout(60_000);
    const file = new URL('../../../shared/conformance/values.jsonl', import.meta.url);
    if (!existsSync(file)) {
      console.log('      skipped: ../shared/conformance is absent');
      return this.skip();
    }
    const lines = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    const texts = lines.map((line) => (JSON.parse(line) as { readonly text: string }).text);
    const larger = texts.filter((text) => text.length < 3000 && (text.match(/;\n/g) ?? []).length >= 2);
    let runs = 0;
    for (const text of larger) {
      try {
        run(text, 1);
      } catch {
        continue;
      }
      checkMeaning(text, 2, counts);
      if (++runs >= 40) break;
    }
    assert.ok(runs >= 10, `${runs} programs`);
  });
  it('were each tried on ten results at least', () => {
    for (const action of ['Inline %0', 'Extract to', 'Convert %0', 'Convert to', 'Split off', 'Add the'])
      assert.ok((counts.get(action) ?? 0) >= 10, `${action}: ${counts.get(action) ?? 0}`);
  });
});
