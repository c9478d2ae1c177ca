import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Diagnostic } from '../../compiler/src/base/diagnostic.ts';
import { checkText, importsFrom, under } from './support.ts';

function findings(body: string, files: Readonly<Record<string, string>>): readonly Diagnostic[] {
  return checkText(body, { imports: importsFrom(files) }).diagnostics.filter((d) => d.code !== 'extension-syntax');
}
const messages = (body: string, files: Readonly<Record<string, string>>): string[] =>
  findings(body, files).map((d) => `${d.code}: ${d.message}`);

describe('imports of imports', () => {
  it('are relative to the file that they stand in', () => {
    const files = {
      'lib/a.relay': 'import "inner/b.relay"\ndef @a() -> float32 { @b() }',
      'lib/inner/b.relay': 'import "../c.relay"\ndef @b() -> float32 { @c() }',
      'lib/c.relay': 'def @c() -> float32 { 1f }',
      'c.relay': 'def @wrong() { 1 }',
    };
    assert.deepEqual(messages('import "lib/a.relay"\ndef @main() { @a() + 1f }', files), []);
  });
  it('that cannot be read name the files on the way', () => {
    const files = { 'a.relay': 'import "b.relay"', 'b.relay': 'import "gone.relay"' };
    const [found] = findings('import "a.relay"\ndef @main() { 1 }', files);
    assert.equal(
      found?.message,
      '"a.relay" imports "b.relay", which imports "gone.relay", and that file cannot be read.',
    );
    assert.equal(found.remedy, 'Correct the path in "b.relay"; it is relative to that file.');
  });
  it('that go round in a circle name it', () => {
    const files = { 'a.relay': 'import "b.relay"', 'b.relay': 'import "a.relay"' };
    assert.deepEqual(messages('import "a.relay"\ndef @main() { 1 }', files), [
      'import-cycle: Imports go round in a circle: "a.relay" imports "b.relay", which imports "a.relay" again.',
    ]);
  });
  it('end when every reading gives another tree', () => {
    const endless = (): ReturnType<NonNullable<ReturnType<typeof importsFrom>>> =>
      importsFrom({ 'a.relay': 'import "a.relay"' })('a.relay', checkText('').result.tree);
    const codes = checkText('import "a.relay"\ndef @main() { 1 }', { imports: endless }).diagnostics.map((d) => d.code);
    assert.ok(codes.includes('import-cycle'));
  });
  it('of one file over two others clash with nothing and are checked once', () => {
    let readings = 0;
    const read = importsFrom({
      'a.relay': 'import "shared.relay"\ndef @a(%x: Box) { %x }',
      'b.relay': 'import "shared.relay"\ndef @b(%x: Box) { %x }',
      'shared.relay': 'type Box { MkBox(float32) }',
    });
    const { diagnostics } = checkText('import "a.relay"\nimport "b.relay"\ndef @main() { @b(@a(MkBox(1f))) }', {
      imports: (path, from) => {
        readings++;
        return read(path, from);
      },
    });
    assert.deepEqual([...new Set(diagnostics.map((d) => d.code))], ['extension-syntax']);
    assert.equal(readings, 4);
  });
});

describe('names that several files define', () => {
  const box = 'type Box { MkBox(float32) }';
  it('are errors where the second comes in, with the first beside', () => {
    const files = { 'a.relay': box, 'b.relay': 'import "c.relay"', 'c.relay': 'type Box { MkBox(int32) }' };
    const checked = checkText('import "a.relay"\nimport "b.relay"\ndef @main() { 1 }', { imports: importsFrom(files) });
    const [found] = checked.diagnostics.filter((d) => d.code === 'import-clash');
    assert.ok(found);
    assert.equal(
      found.message,
      'The type `Box` is defined both by "a.relay" and by "c.relay" (imported by "b.relay"); the latter counts.',
    );
    assert.equal(under(checked, found), '"b.relay"');
    assert.equal(found.related?.map((r) => under(checked, { ...found, span: r.span })).join(), '"a.relay"');
  });
  it('are hidden by those of the file itself, with a warning', () => {
    const [found, ...more] = findings(`import "a.relay"\n${box}\ndef @main() { MkBox(1f) }`, {
      'a.relay': 'type Box { MkBox(int32) }',
    });
    assert.equal(
      `${found?.severity} ${found?.message}`,
      'warning This type `Box` hides the one that "a.relay" defines.',
    );
    assert.deepEqual(more, []);
  });
});

describe('a file with errors', () => {
  const files = { 'a.relay': 'def @a(%x: float32) { nn.nope(%x) }\ndef @b(%x: int32) -> int32 { %x }' };
  const broken = 'broken-import: The file "a.relay" has an error: There is no operator or constructor `nn.nope`.';
  it('is named where it is imported', () => {
    assert.deepEqual(messages('import "a.relay"\ndef @main() { @b(1) + 2 }', files), [broken]);
  });
  it('raises no second error where its functions are used', () => {
    assert.deepEqual(messages('import "a.relay"\ndef @main() { @a(1f) + 2f }', files), [broken]);
  });
  it('is named with the files on the way', () => {
    const [found] = findings('import "c.relay"\ndef @main() { 1 }', { ...files, 'c.relay': 'import "a.relay"' });
    assert.match(found?.message ?? '', /^"c\.relay" imports "a\.relay", and that file has an error: /);
  });
});
