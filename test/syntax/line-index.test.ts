import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { LineIndex } from '../../compiler/src/base/span.ts';

describe('line index', () => {
  it('after an edit is that of the new text, wherever line breaks are joined or parted', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', '\n', '\r', '\r\n', '😀'), { maxLength: 12 })
      .map((x) => x.join(''));
    fc.assert(
      fc.property(text, text, fc.nat(20), fc.nat(20), (before, inserted, from, count) => {
        const start = Math.min(from, before.length);
        const end = Math.min(start + count, before.length);
        const after = before.slice(0, start) + inserted + before.slice(end);
        const edited = new LineIndex(before).edited(after, start, end, inserted.length);
        const fresh = new LineIndex(after);
        assert.equal(edited.lineCount, fresh.lineCount);
        for (let i = 0; i <= after.length; i++) assert.deepEqual(edited.position(i), fresh.position(i));
      }),
      { numRuns: 2000 },
    );
  });
});
