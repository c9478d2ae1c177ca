import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { undefinedReads } from './undefined-reads.ts';
import { judge, valueCases } from './values.ts';

describe('programs with recorded outputs', () => {
  const cases = valueCases();
  if (cases === undefined) {
    it('are absent beside the project', function () {
      console.log('      skipped: the corpus of values is not beside the project');
      this.skip();
    });
    return;
  }
  it('evaluate to what was recorded', function () {
    this.timeout(120_000);
    const failures: string[] = [];
    let passed = 0;
    for (const c of cases) {
      const verdict = judge(c);
      if (verdict.kind === 'pass') passed++;
      else if (!undefinedReads.has(c.id)) failures.push(`${c.id} ${c.ops.join('+')}: ${verdict.message}`);
    }
    assert.deepEqual(failures, []);
    assert.equal(passed, cases.length - undefinedReads.size, `${passed} of ${cases.length} pass`);
  });

  it('are excused only where they exist and differ', () => {
    const byId = new Map(cases.map((c) => [c.id, c]));
    for (const [id, reason] of undefinedReads) {
      const c = byId.get(id);
      assert.ok(c, `${id} (${reason}) is not in the corpus`);
      assert.notEqual(judge(c).kind, 'pass', `${id} (${reason}) agrees and needs no excuse`);
    }
  });
});
