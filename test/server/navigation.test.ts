import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { definition, references } from '../../server/src/features/navigation.ts';
import { prepareRename, rename } from '../../server/src/features/rename.ts';
import { preludeText } from '../../compiler/src/ir/prelude.ts';
import { preludeUri } from '../../server/src/protocol.ts';
import { virtualDocument } from '../../server/src/virtualDocuments.ts';
import { marked, places, prelude } from './fixture.ts';

function checkDefinition(program: string, expected: string | undefined): void {
  const { snapshot, offset } = marked(program);
  const target = definition(snapshot, offset);
  assert.equal(target && places(snapshot, [target.name])[0], expected);
}

function checkReferences(program: string, ...expected: readonly string[]): void {
  const { snapshot, offset } = marked(program);
  const found = references(snapshot, offset);
  assert.deepEqual(
    places(
      snapshot,
      found.map((r) => r.range),
    ),
    expected,
  );
}

/** The program after renaming the name at the marker. */
function checkRename(program: string, newName: string, expected: string): void {
  const { snapshot, offset } = marked(program);
  const edits = rename(snapshot, offset, newName);
  assert.ok(edits.ok, edits.ok ? '' : edits.error.message);
  let text = snapshot.text;
  for (const { range, newText } of edits.value.toReversed())
    text = text.slice(0, range.start) + newText + text.slice(range.end);
  assert.equal(text.slice(text.indexOf('\n') + 1), expected);
}

describe('definition', () => {
  it('of a parameter, a let, a graph binding and a global', () => {
    checkDefinition('def @main(%x: int32) { add(%$0x, 1) }', '1:11 %x');
    checkDefinition('def @main() { let %a = 1; add(%a$0, 2) }', '1:19 %a');
    checkDefinition('def @main() {\n  %0 = add(1, 2);\n  add(%0$0, 3)\n}', '2:3 %0');
    checkDefinition('def @f() { 1 }\ndef @main() { @$0f() }', '1:5 @f');
  });
  it('of a shadowed name is the inner one', () => {
    checkDefinition('def @main() { let %a = 1; let %a = 2f; %$0a }', '1:31 %a');
  });
  it('of a constructor and of a type', () => {
    const types = 'type Box { Full(int32), Empty }\n';
    checkDefinition(`${types}def @main() { Fu$0ll(1) }`, '1:12 Full');
    checkDefinition(`${types}def @main(%b: Bo$0x[]) { %b }`, '1:6 Box');
  });
  it('of an operator is the page about it', () => {
    const { snapshot, offset } = marked('def @main() { nn.re$0lu(1f) }');
    const uri = definition(snapshot, offset)?.file?.uri ?? '';
    assert.match(virtualDocument(uri) ?? '', /^# nn.relu\n/);
    assert.equal(virtualDocument('relay-docs:/operators/../x.md'), undefined);
  });
  it('of a named dimension is its first mention in the signature, in each function', () => {
    const f = (name: string): string => `def @${name}(%a: Tensor[(n), float32], %b: Tensor[(n, 2), float32]) { %b }`;
    checkDefinition(`${f('f')}\n${f('g').replace('(n, 2)', '($0n, 2)')}`, '2:20 n');
  });
  it('of a name of the prelude is there', () => {
    const { snapshot, offset } = marked('def @main(%xs: List[int32]) { @ma$0p(@id, %xs) }');
    const target = definition(snapshot, offset, prelude);
    assert.ok(target?.file);
    assert.equal(target.file.uri, preludeUri);
    assert.equal(preludeText.slice(target.name.start, target.name.end), '@map');
  });
  it('of a reference to the metadata section is the data of its entry', () => {
    checkDefinition(`def @main() { meta[relay.Const$0ant][1] }\n${metadata}`, '4:141 "second"');
  });
});

const metadata =
  '#[metadata]\n{"root": 1, "nodes": [{"type_key": ""}, {"type_key": "Map", "keys": ["relay.Constant"], "data": [2]},' +
  ' {"type_key": "Array", "data": [3, 4]},\n{"type_key": "relay.Constant", "attrs": {"data": "0"}}, {"type_key": "relay.Constant", "attrs": {"data": "1"}}], "b64ndarrays": ["a\\\\\\"b]", "second"]}';

describe('references', () => {
  it('of a named dimension stay in its function', () => {
    const f = (name: string): string => `def @${name}(%a: Tensor[(n), float32]) -> Tensor[(n), float32] { %a }`;
    checkReferences(`${f('f')}\n${f('g').replace('(n)', '($0n)')}`, '2:20 n', '2:45 n');
  });
  it('of a reference to the metadata section are all references to the same entry', () => {
    checkReferences(
      `def @main() { add(meta[relay.Constant][$00], meta[relay.Constant][0]) + meta[relay.Constant][1] }\n${metadata}`,
      '1:19 meta[relay.Constant][0]',
      '1:44 meta[relay.Constant][0]',
    );
  });
  it('are the uses and the declaration, from wherever one asks', () => {
    const expected = ['1:11 %x', '1:28 %x', '1:32 %x'];
    checkReferences('def @main(%$0x: int32) { add(%x, %x) }', ...expected);
    checkReferences('def @main(%x: int32) { add(%x, %x$0) }', ...expected);
  });
  it('of a graph binding', () => {
    checkReferences(
      'def @main() {\n  %$00 = add(1, 2);\n  add(%0, %0)\n}'.replace('%$00', '%0$0'),
      '2:3 %0',
      '3:7 %0',
      '3:11 %0',
    );
  });
});

describe('rename', () => {
  it('changes a local everywhere, the sigil given or not', () => {
    checkRename('def @main(%$0x: int32) { add(%x, %x) }', 'data', 'def @main(%data: int32) { add(%data, %data) }');
    checkRename('def @main(%$0x: int32) { %x }', '%data', 'def @main(%data: int32) { %data }');
  });
  it('changes a function with its calls', () => {
    checkRename('def @f() { 1 }\ndef @main() { @$0f() }', 'g', 'def @g() { 1 }\ndef @main() { @g() }');
  });
  it('changes a constructor in expressions and patterns', () => {
    checkRename(
      'type Box { Full(int32), Empty }\ndef @main(%b: Box[]) { match (%b) { Fu$0ll(%v) => %v, Empty => 0 } }',
      'Some',
      'type Box { Some(int32), Empty }\ndef @main(%b: Box[]) { match (%b) { Some(%v) => %v, Empty => 0 } }',
    );
  });
  it('refuses only what would change a meaning', () => {
    checkRename(
      'def @main(%$0x: int32) { let %f = fn (%y: int32) { %y }; %f(%x) }',
      'y',
      'def @main(%y: int32) { let %f = fn (%y: int32) { %y }; %f(%y) }',
    );
    const refused = (program: string, name: string): boolean => {
      const { snapshot, offset } = marked(program);
      return !rename(snapshot, offset, name).ok;
    };
    assert.ok(refused('def @main(%$0x: int32) { let %f = fn (%y: int32) { add(%x, %y) }; %f(%x) }', 'y'));
    assert.ok(refused('def @main(%x: int32) { let %y = 1; let %$0z = 2; add(%y, %z) }', 'y'));
    assert.ok(refused('def @main(%x: int32) { %0 = add(%x, 1); %$01 = add(%0, 2); %1 }', '0'));
  });
  it('refuses names that are taken or no names, and operators', () => {
    const refused = (program: string, name: string): string => {
      const { snapshot, offset } = marked(program);
      const result = rename(snapshot, offset, name);
      assert.ok(!result.ok);
      return result.error.code;
    };
    assert.equal(refused('def @main(%$0x: int32, %y: int32) { %x }', 'y'), 'name-taken');
    assert.equal(refused('def @main(%$0x: int32) { %x }', 'let'), 'bad-name');
    assert.equal(refused('def @main(%$0x: int32) { %x }', 'a b'), 'bad-name');
    const { snapshot, offset } = marked('def @main() { ad$0d(1, 2) }');
    assert.ok(!prepareRename(snapshot, offset).ok);
  });
});
