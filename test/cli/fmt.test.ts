import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'mocha';
import { dispatch } from '../../cli/src/main.ts';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'relay-fmt-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const untidy = '#[version = "0.0.5"]\ndef @f(%x:int32) { %x } // c\n';
const tidy = '#[version = "0.0.5"]\ndef @f(%x: int32) {\n  %x\n} // c\n';

async function fmt(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const token = { isCancellationRequested: false };
  const io = { out: (t: string) => void out.push(t), err: (t: string) => void err.push(t), token, colour: false };
  const code = await dispatch(['fmt', ...argv], io);
  return { code, out: out.join('\n'), err: err.join('\n') };
}

function file(name: string, text: string): string {
  const full = path.join(scratch, name);
  writeFileSync(full, text);
  return full;
}

describe('relay fmt', () => {
  it('writes the formatted text, keeps the mode and leaves nothing behind', async () => {
    const path = file('a.relay', untidy);
    chmodSync(path, 0o640);
    const { code, out } = await fmt(path);
    assert.equal(code, 0);
    assert.equal(out, `formatted ${path}`);
    assert.equal(readFileSync(path, 'utf8'), tidy);
    assert.equal(statSync(path).mode & 0o777, 0o640);
    assert.deepEqual(
      readdirSync(scratch).filter((name) => name.includes('tmp')),
      [],
    );
    assert.deepEqual(await fmt(path), { code: 0, out: 'nothing to change', err: '' });
  });

  it('lists files that would change and writes nothing with --check', async () => {
    const first = file('b.relay', untidy);
    const second = file('c.relay', tidy);
    assert.deepEqual(await fmt('--check', first, second), { code: 1, out: first, err: '' });
    assert.equal(readFileSync(first, 'utf8'), untidy);
    assert.equal((await fmt('--check', second)).code, 0);
  });

  it('prints with --stdout', async () => {
    assert.equal((await fmt('--stdout', file('d.relay', untidy))).out, tidy.trimEnd());
  });

  it('leaves a file with syntax errors as it is and says where they are', async () => {
    const text = '#[version = "0.0.5"]\ndef @f( {\n';
    const path = file('e.relay', text);
    const { code, err } = await fmt(path);
    assert.equal(code, 1);
    assert.match(err, /at 2:\d+: /);
    assert.equal(readFileSync(path, 'utf8'), text);
  });
});
