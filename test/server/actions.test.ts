import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { noWorse, tryEdits } from '../../compiler/src/check/repairs/verify.ts';
import { expectedDiagnostics, placeDiagnostics } from '../../compiler/src/check/expected.ts';
import { complete } from '../../compiler/src/base/steps.ts';
import { analyseRanges } from '../../compiler/src/check/ranges/analyse.ts';
import { diagnostics } from '../../server/src/features/diagnostics.ts';
import { codeActions, type OfferedAction } from '../../server/src/features/codeActions.ts';
import { contextAt } from '../../server/src/features/actions/action.ts';
import { codeActionRecords } from '../../server/src/features/actions/index.ts';
import type { CheckedSnapshot } from '../../server/src/snapshot.ts';
import { header, snapshotOf } from './fixture.ts';

/** A program with `$0`, or with a selection between `«` and `»`. */
function selection(program: string): {
  readonly snapshot: CheckedSnapshot;
  readonly range: { readonly start: number; readonly end: number };
} {
  const full = header + program;
  const start = Math.max(full.indexOf('$0'), full.indexOf('«'));
  assert.ok(start >= 0, 'the program has a marker');
  const end = full.includes('»') ? full.indexOf('»') - 1 : start;
  return { snapshot: snapshotOf(program.replaceAll(/\$0|[«»]/g, '')), range: { start, end } };
}

/** The program after an action. Whatever an action does, the program parses and checks no worse than before. */
function applied(snapshot: CheckedSnapshot, offer: Pick<OfferedAction, 'edits' | 'title'>): string {
  const after = tryEdits(snapshot, offer.edits);
  const fresh = snapshotOf(after.text).check;
  for (const check of [after.check, fresh]) assert.ok(noWorse(snapshot.check, check), `${offer.title}:\n${after.text}`);
  return after.text.slice(header.length);
}

/** Titles of what is offered; every offer is applied on the way. */
function titles(program: string, only?: readonly string[]): readonly string[] {
  const { snapshot, range } = selection(program);
  const offers = codeActions(snapshot, range, only);
  for (const offer of offers) applied(snapshot, offer);
  return offers.map((offer) => offer.title);
}

function result(program: string, title: string): string {
  const { snapshot, range } = selection(program);
  const offers = codeActions(snapshot, range);
  const offer = offers.find((o) => o.title.startsWith(title));
  assert.ok(offer, `offered: ${offers.map((o) => o.title).join('; ')}`);
  return applied(snapshot, offer);
}

describe('code actions do what their documentation shows', () => {
  for (const record of codeActionRecords)
    it(record.name, () => {
      const { before, after, title = '' } = record.example;
      const { snapshot, range } = selection(before);
      const offers = record.offers(contextAt(snapshot, range));
      const offer = offers.find((o) => o.title.startsWith(title));
      assert.ok(offer, `offered: ${offers.map((o) => o.title).join('; ')}`);
      assert.equal(applied(snapshot, offer), after);
    });
});

describe('code actions', () => {
  const type = 'Tensor[(3), float32]';
  it('write the type of a result', () => {
    assert.equal(
      result(`def @ma$0in(%x: ${type}) {\n  nn.relu(%x)\n}`, 'Add the result type'),
      `def @main(%x: ${type}) -> ${type} {\n  nn.relu(%x)\n}`,
    );
  });
  it('do not inline what has an effect', () => {
    const offered = titles(`def @f(%x: ${type}) { %x }\ndef @main(%x: ${type}) { let %$0y = @f(%x); add(%y, %y) }`);
    assert.ok(!offered.some((title) => title.startsWith('Inline')), offered.join('; '));
  });
  it('do not inline under a binder that would capture a name', () => {
    const offered = titles(
      `def @main(%x: ${type}) {\n  let %$0y = nn.relu(%x);\n  let %f = fn (%x: ${type}) { add(%x, %y) };\n  %f(%x)\n}`,
    );
    assert.ok(!offered.some((title) => title.startsWith('Inline')), offered.join('; '));
  });
  it('extract to a let as well', () => {
    assert.equal(
      result(`def @main(%value: ${type}) { nn.relu(«add(%value, 1f)») }`, 'Extract to let'),
      `def @main(%value: ${type}) { let %value_1 = add(%value, 1f); nn.relu(%value_1) }`,
    );
  });
  it('give a split-off function several results and names for numbers', () => {
    assert.equal(
      result(
        `def @main(%x: ${type}) {\n  %0 = abs(%x);\n  «%1 = nn.relu(%0);\n  let %a = add(%1, %0);»\n  add(%1, %a)\n}`,
        'Split off',
      ),
      `def @part(%v0: ${type}) -> (${type}, ${type}) {\n  %1 = nn.relu(%v0);\n  let %a = add(%1, %v0);\n  (%1, %a)\n}\n\ndef @main(%x: ${type}) {\n  %0 = abs(%x);\n  %2 = @part(%0);\n  %1 = %2.0;\n  let %a = %2.1;\n  add(%1, %a)\n}`,
    );
  });
  it('bring a convolution back to NCHW, depthwise ones too', () => {
    const program =
      'def @main(%x: Tensor[(1, 8, 8, 32), float32], %w: Tensor[(3, 3, 32, 1), float32]) {\n  nn.con$0v2d(%x, %w, groups=32, channels=32, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="HWOI")\n}';
    assert.match(
      result(program, 'Convert to NCHW'),
      /data_layout="NCHW", kernel_layout="OIHW"\), axes=\[0, 2, 3, 1\]\)/,
    );
  });
  it('fill arms on one line', () => {
    assert.match(
      result('type T { A, B(int32) }\ndef @main(%t: T) -> int32 { ma$0tch (%t) { A => 1 } }', 'Add an arm for B'),
      /\{ A => 1, B\(_\) => 0 \}/,
    );
  });
  it('come by kind when an editor asks for one', () => {
    assert.deepEqual(titles(`def @main(%x: ${type}) {\n  %$00 = abs(%x);\n  add(%0, %0)\n}`, ['refactor.inline']), [
      'Inline %0',
    ]);
  });
  it('expect the diagnostics of a line, of lines and of the file, and what is expected is found', () => {
    const program = `def @main(%x: ${type}) {\n  %0 = nn.rel$0ru(%x);\n  let %a = add(%x, nn.foo(%x));\n  %0\n}`;
    const { snapshot, range } = selection(program);
    const offers = codeActions(snapshot, range).filter(({ title }) => title.startsWith('Expect'));
    assert.deepEqual(
      offers.map(({ title }) => title),
      ['Expect the diagnostics of this line', 'Expect the diagnostics of the file'],
    );
    const texts = offers.map((offer) => applied(snapshot, offer));
    assert.equal(texts[0]?.split('expected-').length, 2);
    const after = snapshotOf(texts[1] ?? '');
    const placed = placeDiagnostics(after.tree.anchors, diagnostics(after));
    const { missing, unexpected } = expectedDiagnostics(after.text, placed);
    assert.deepEqual({ missing, unexpected }, { missing: [], unexpected: [] });
    // What is expected already is not offered again.
    const again = codeActions(after, { start: after.text.indexOf('%0'), end: after.text.indexOf('%0') });
    assert.ok(!again.some(({ title }) => title.startsWith('Expect')));
  });
  it('remove a clip that changes nothing, and keep what it stood in', () => {
    const program = 'def @main(%x: Tensor[(3), uint8]) {\n  multiply(cl$0ip(%x, a_min=0f, a_max=255f), %x)\n}';
    const { snapshot, range } = selection(program);
    const ranges = complete(analyseRanges(snapshot.check));
    const [offer] = codeActions(snapshot, range, ['quickfix'], ranges);
    assert.ok(offer);
    assert.equal(applied(snapshot, offer), 'def @main(%x: Tensor[(3), uint8]) {\n  multiply(%x, %x)\n}');
  });
  it('leave every place of a program well', () => {
    const program = `type T { A, B(int32) }\ndef @f(%x: ${type}, %t: T) {\n  %0 = nn.relu(%x);\n  let %y: ${type} = add(%0, 1f);\n  %1 = fn (%z: ${type}) { add(%z, %y) };\n  let %dead = abs(%y);\n  if (True) { match (%t) { A => %1(%y), B(_) => multiply(%0, %0) } } else { %0 + %y * %x }\n}`;
    const snapshot = snapshotOf(program);
    for (let offset = header.length; offset < snapshot.text.length; offset += 3)
      for (const length of [0, 9, 40])
        for (const offer of codeActions(snapshot, {
          start: offset,
          end: Math.min(offset + length, snapshot.text.length),
        }))
          applied(snapshot, offer);
  });
});
