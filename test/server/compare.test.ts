import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compareDocuments, type CompareJob } from '../../server/src/requests/compare.ts';
import { header } from './fixture.ts';

const head = `${header}def @main(%x: Tensor[(2, 3), float32])`;

function job(left: string, right: string): CompareJob {
  const other = { uri: 'file:///b.relay', text: `${head} ${right}` };
  return { kind: 'compare', uri: 'file:///a.relay', version: 7, text: `${head} ${left}`, other };
}

describe('comparing two documents', () => {
  it('proves what means the same and shows both normal forms', () => {
    const found = compareDocuments(job('{ nn.relu(nn.relu(%x)) }', '{ let %y = nn.relu(%x); maximum(%y, 0f) }'));
    assert.equal(found.version, 7);
    assert.equal(found.verdict, 'same');
    assert.match(found.left, /nn\.relu/);
    assert.match(found.right, /maximum/);
    assert.doesNotMatch(found.right, /let/);
  });
  it('says what differs', () => {
    const found = compareDocuments(job('{ nn.relu(%x) }', '{ tanh(%x) }'));
    assert.equal(found.verdict, 'differ');
    assert.match(found.headline, /seed \d+/);
    assert.ok(found.distance > 0);
  });
  it('names the program that has errors', () => {
    assert.match(compareDocuments(job('{ %x }', '{ %y }')).headline, /b\.relay has errors/);
  });
});
