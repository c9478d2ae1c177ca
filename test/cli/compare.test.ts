import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'mocha';
import { relay, type Outcome } from './relay.ts';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'relay-compare-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const compare = (...argv: readonly string[]): Promise<Outcome> => relay('compare', ...argv);

function file(name: string, body: string): string {
  const full = path.join(scratch, name);
  writeFileSync(full, `#[version = "0.0.5"]\n${body}\n`);
  return full;
}

const head = 'def @main(%x: Tensor[(2, 3), float32])';
const relu = file('relu.relay', `${head} { nn.relu(%x) }`);
const maximum = file('maximum.relay', `${head} { maximum(%x, 0f) }`);
const tanh = file('tanh.relay', `${head} {\n  tanh(%x)\n}`);
const two = file('two.relay', `def @f(%x: Tensor[(2, 3), float32]) { tanh(%x) }\n${head} { nn.relu(%x) }`);
const broken = file('broken.relay', `${head} { nn.relu(%y) }`);

describe('relay compare', () => {
  it('says that programs mean the same, and ends in 0', async () => {
    const { code, out } = await compare(relu, maximum);
    assert.equal(code, 0);
    assert.match(out, /mean the same: equal for every input/);
    assert.match(out, /distance 0\.000/);
  });

  it('shows an input and a place where they differ, and ends in 1', async () => {
    const { code, out } = await compare(relu, tanh);
    assert.equal(code, 1);
    assert.match(out, /They differ: with inputs of seed \d+, output 1 at \[\d, \d\] is /);
    assert.match(out, /only in .*tanh\.relay:\n {2}.*tanh\.relay:3:3 {2}tanh: Tensor\[\(2, 3\), float32\]/);
  });

  it('compares functions by name', async () => {
    assert.equal((await compare(`${two}@f`, tanh)).code, 0);
    const { code, err } = await compare(`${two}@g`, tanh);
    assert.equal(code, 2);
    assert.match(err, /no function @g/);
    assert.match(err, /@f, @main/);
  });

  it('answers in JSON', async () => {
    const { out } = await compare(relu, tanh, '--json');
    const answer = JSON.parse(out) as { verdict: string; distance: number; onlyLeft: { start: unknown }[] };
    assert.equal(answer.verdict, 'differ');
    assert.ok(answer.distance > 0 && answer.distance <= 1);
    assert.deepEqual(answer.onlyLeft[0]?.start, { line: 1, character: 41 });
  });

  it('gives a table of distances for more than two', async () => {
    const { code, out } = await compare(relu, maximum, tanh, '--json');
    assert.equal(code, 0);
    const { distances } = JSON.parse(out) as { distances: number[][] };
    assert.equal(distances.length, 3);
    assert.ok(distances.every((row, i) => row[i] === 0));
    assert.match((await compare(relu, maximum, tanh)).out, /relu\.relay +0\.000/);
  });

  it('refuses programs with errors and files that are not there', async () => {
    const wrong = await compare(relu, broken);
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /broken\.relay has errors/);
    const missing = await compare(relu, path.join(scratch, 'none.relay'));
    assert.equal(missing.code, 2);
    assert.match(missing.err, /does not exist/);
  });
});
