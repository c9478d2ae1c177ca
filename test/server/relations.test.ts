import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { complete } from '../../compiler/src/base/steps.ts';
import { callsIn, functionAt } from '../../server/src/features/callHierarchy.ts';
import { codeLenses } from '../../server/src/features/codeLenses.ts';
import { linkedRanges } from '../../server/src/features/linkedEditing.ts';
import { implementation, typeDefinition } from '../../server/src/features/relations.ts';
import { numberEdits, tokenData, tokenEdits, tokenParts } from '../../server/src/features/tokenParts.ts';
import { semanticTokens } from '../../server/src/features/semanticTokens.ts';
import { check } from '../../compiler/src/check/check.ts';
import { reparse } from '../../compiler/src/syntax/incremental.ts';
import { toSemanticTokens } from '../../server/src/convert.ts';
import { header, marked, places, snapshotOf } from './fixture.ts';

const none = (): undefined => undefined;
const list = 'type Bag { Empty, Full(int32) }\n';

describe('type definition', () => {
  const found = (program: string): readonly string[] => {
    const { snapshot, offset } = marked(program);
    return places(
      snapshot,
      typeDefinition(snapshot, offset).map((target) => target.name),
    );
  };
  it('leads from a value to its data type', () => {
    assert.deepEqual(found(`${list}def @main(%b: Bag) { %$0b }`), ['1:6 Bag']);
  });
  it('leads from a function to the data type of its result', () => {
    assert.deepEqual(found(`${list}def @f() -> Bag { Empty }\ndef @main() { @$0f() }`), ['1:6 Bag']);
  });
  it('is silent about tensors', () => {
    assert.deepEqual(found('def @main(%x: Tensor[(3), float32]) { %$0x }'), []);
  });
});

describe('implementation', () => {
  const found = (program: string): readonly string[] => {
    const { snapshot, offset } = marked(program);
    return places(
      snapshot,
      implementation(snapshot, offset).map((target) => target.name),
    );
  };
  it('of a type are its constructors', () => {
    assert.deepEqual(found(`${list}def @main(%b: B$0ag) { %b }`), ['1:12 Empty', '1:19 Full']);
  });
  it('of a called local is the function it is bound to', () => {
    assert.deepEqual(found('def @main() { let %f = fn (%x: int32) { %x }; %$0f(1) }'), ['1:24 fn']);
  });
  it('of a called global is its definition', () => {
    assert.deepEqual(found('def @f() { 1 }\ndef @main() { @$0f() }'), ['1:5 @f']);
  });
});

describe('call hierarchy', () => {
  const program = 'def @a() { 1 }\ndef @b() { add(@a(), @a()) }\ndef @main() { @$0b() }';
  it('starts at the function under the cursor, or around it', () => {
    const { snapshot, offset } = marked(program);
    assert.equal(functionAt(snapshot, offset, none)?.name, 'b');
    assert.equal(functionAt(snapshot, snapshot.text.indexOf('add'), none)?.name, 'b');
  });
  it('shows who calls and who is called, with the places', () => {
    const { snapshot } = marked(program);
    assert.deepEqual(
      callsIn(snapshot, none).map((c) => [c.caller.name, c.callee.name, ...places(snapshot, c.places)]),
      [
        ['b', 'a', '2:16 @a', '2:22 @a'],
        ['main', 'b', '3:15 @b'],
      ],
    );
  });
});

describe('code lenses', () => {
  it('count the uses of functions and types and offer what can be done with @main', () => {
    const snapshot = snapshotOf(`${list}def @f(%b: Bag) { 1 }\ndef @main() { add(@f(Empty), @f(Empty)) }`);
    assert.deepEqual(
      complete(codeLenses(snapshot)).map(({ title }) => title),
      ['1 use', '2 uses', 'Tune and deploy', 'Show lowering'],
    );
  });
});

describe('linked editing', () => {
  it('changes a local and its uses together, and no other of that name', () => {
    const { snapshot, offset } = marked('def @main(%$0x: int32) { let %f = fn (%x: int32) { %x }; add(%f(%x), %x) }');
    assert.deepEqual(places(snapshot, linkedRanges(snapshot, offset)), ['1:12 x', '1:64 x', '1:69 x']);
  });
  it('leaves graph numbers and globals alone', () => {
    const { snapshot, offset } = marked('def @main(%x: int32) { %$00 = add(%x, 1); %0 }');
    assert.deepEqual(linkedRanges(snapshot, offset), []);
  });
});

describe('differences of semantic tokens', () => {
  const apply = (before: readonly number[], after: readonly number[]): readonly number[] => {
    const result = [...before];
    for (const { start, deleteCount, data } of numberEdits(before, after)) result.splice(start, deleteCount, ...data);
    return result;
  };
  it('lead from the old tokens to the new, in whole tokens', () => {
    const token = (n: number): number[] => [n, 1, 1, 0, 0];
    const rows = [[], [1], [1, 2], [1, 3, 2], [2, 2, 2], [1, 2, 3, 4, 5], [1, 2, 9, 4, 5]].map((r) => r.flatMap(token));
    for (const before of rows)
      for (const after of rows) {
        assert.deepEqual(apply(before, after), after);
        for (const edit of numberEdits(before, after))
          assert.ok(edit.start % 5 === 0 && edit.deleteCount % 5 === 0 && edit.data.length % 5 === 0);
      }
  });
  it('are small for a small change and absent for none', () => {
    const before = Array.from({ length: 5000 }, (_, i) => i % 7);
    assert.deepEqual(numberEdits(before, before), []);
    const [edit] = numberEdits(before, before.with(2501, 99));
    assert.equal(edit?.data.length, 5);
  });
  it('of documents lead from one to the other after every kind of edit', () => {
    const line = (i: number): string => `  %${i + 1} = add(%${i}, nn.relu(%x));\n`;
    const body = Array.from({ length: 30 }, (_, i) => line(i)).join('');
    const text = `${header}type T { A, B(int32) }\ndef @f(%y: T) { match (%y) { A => 1, B(%n) => %n } }\ndef @main(%x: Tensor[(2), float32]) {\n  %0 = %x;\n${body}  %30\n}\n`;
    const edits: readonly (readonly [string, string])[] = [
      ['%10 = add', '%10 = subtract'],
      ['  %12 =', '  // a comment\n\n  %12 ='],
      ['%15 = add(%14', '%15 = add(\n    %14'],
      ['def @main', '/* 😀 */ def @main'],
      ['%0 = %x', 'let %x = %x; %0 = %x'],
      ['B(%n) => %n', 'B(_) => 2'],
      ['nn.relu(%x)', 'nn.rel(%x)'],
    ];
    for (const [from, to] of edits) {
      const before = snapshotOf(text);
      const tree = reparse(before.tree, text, text.replace(from, to), [
        { start: text.indexOf(from), end: text.indexOf(from) + from.length, newLength: to.length },
      ]);
      const after = snapshotOf(text.replace(from, to));
      const edited = { ...after, tree, check: check(tree, { previous: before.check }) };
      const [old, now] = [complete(tokenParts(before)), complete(tokenParts(edited))];
      const result = tokenData(old);
      for (const edit of tokenEdits(old, now)) result.splice(edit.start, edit.deleteCount, ...edit.data);
      assert.deepEqual(result, toSemanticTokens(after, semanticTokens(after)).data, from);
    }
  });
});
