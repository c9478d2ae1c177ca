import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { complete } from '../../compiler/src/base/steps.ts';
import type { FormatEdit } from '../../compiler/src/format/format.ts';
import { formatAll, formatRange, formatTyped } from '../../server/src/features/formatting.ts';
import { header, snapshotOf } from './fixture.ts';

function applied(text: string, edits: readonly FormatEdit[]): string {
  let result = '';
  let at = 0;
  for (const { start, end, newText } of edits) {
    result += text.slice(at, start) + newText;
    at = end;
  }
  return (result + text.slice(at)).slice(header.length);
}

const program = 'def @f(%x:int32) {\nlet %a=%x;\nlet %b=%a;\n%b }\n';

describe('formatting in the editor', () => {
  it('formats a document', () => {
    const snapshot = snapshotOf(program);
    const after = 'def @f(%x: int32) {\n  let %a = %x;\n  let %b = %a;\n  %b\n}\n';
    assert.equal(applied(snapshot.text, complete(formatAll(snapshot))), after);
  });

  it('formats the bindings of a selection', () => {
    const snapshot = snapshotOf(program);
    const start = snapshot.text.indexOf('%b=');
    const after = program.replace('let %b=%a', '  let %b = %a');
    assert.equal(applied(snapshot.text, complete(formatRange(snapshot, { start, end: start + 3 }))), after);
  });

  it('formats a binding when its semicolon is typed', () => {
    const snapshot = snapshotOf(program);
    const after = program.replace('let %a=%x', '  let %a = %x');
    assert.equal(applied(snapshot.text, formatTyped(snapshot, snapshot.text.indexOf(';') + 1)), after);
  });

  it('leaves a broken binding alone', () => {
    const snapshot = snapshotOf(program.replace('%x;', 'add(%x,,;'));
    const after = applied(snapshot.text, complete(formatAll(snapshot)));
    assert.match(after, /\nlet %a=add\(%x,,;\n {2}let %b = %a;/);
  });
});
