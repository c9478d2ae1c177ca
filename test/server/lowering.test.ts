import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { lowerDocument, stageList } from '../../server/src/features/lowering.ts';
import { snapshotOf } from './fixture.ts';

const program = `def @main(%x: Tensor[(1, 8), float32], %w: Tensor[(4, 8), float32]) {
  %0 = nn.dense(%x, %w, units=4);
  nn.relu(%0)
}`;

describe('lowering previews', () => {
  it('show every stage of the list as text', () => {
    const snapshot = snapshotOf(program);
    for (const { name, title, summary } of stageList()) {
      const lowered = lowerDocument(snapshot, { stage: name });
      assert.equal(lowered.failure, undefined, `${name}: ${lowered.failure?.message}`);
      assert.notEqual(lowered.text, '', name);
      assert.ok(title !== '' && summary.endsWith('.'), name);
    }
  });
  it('end in C, whose lines lead back to the source', () => {
    const snapshot = snapshotOf(program);
    const { text, language, origins } = lowerDocument(snapshot, { stage: 'c' });
    assert.equal(language, 'c');
    assert.match(text, /#include/);
    assert.ok(origins.some(({ source }) => snapshot.text.slice(source.start, source.end).includes('nn.dense')));
    const lines = text.split('\n').length;
    for (const { line } of origins) assert.ok(line < lines);
  });
  it('of a broken program say what is wrong', () => {
    const { failure, text } = lowerDocument(snapshotOf('def @main() { %x }'), { stage: 'fused' });
    assert.equal(text, '');
    assert.match(failure?.message ?? '', /%x/);
  });
  it('of an unknown stage name the stages there are', () => {
    assert.match(lowerDocument(snapshotOf(program), { stage: 'nonsense' }).failure?.remedy ?? '', /fused/);
  });
  it('take a file name that C would not', () => {
    const snapshot = { ...snapshotOf(program), uri: 'file:///a/3%20b-c.relay' };
    assert.match(lowerDocument(snapshot, { stage: 'c' }).text, /model_3_b_c/);
  });
  it('refuse parameters that are none', () => {
    const { failure } = lowerDocument(snapshotOf(program), { stage: 'typed', params: Uint8Array.of(1, 2, 3) });
    assert.ok(failure);
  });
});
