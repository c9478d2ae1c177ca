import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'mocha';
import { relay } from './relay.ts';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'relay-grad-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function file(name: string, body: string): string {
  const full = path.join(scratch, name);
  writeFileSync(full, `#[version = "0.0.5"]\n${body}\n`);
  return full;
}

const program = file(
  'program.relay',
  'def @square(%x: Tensor[(2), float32]) { %x * %x }\ndef @main(%x: Tensor[(1, 1, 2), float32]) {\n  image.resize1d(%x, size=[4], roi=[0f, 0f])\n}',
);

describe('relay grad', () => {
  it('prints the gradient of a function as a program that checks', async () => {
    const { code, out } = await relay('grad', program, '--function', '@square');
    assert.equal(code, 0);
    assert.match(out, /def @square\(%x: Tensor\[\(2\), float32\]\) -> \(Tensor\[\(2\), float32\], \(Tensor/);
    const printed = path.join(scratch, 'printed.relay');
    writeFileSync(printed, out);
    assert.equal((await relay('check', printed)).code, 0);
  });

  it('says which call has none, where it stands and why, and ends in 1', async () => {
    const { code, err } = await relay('grad', program);
    assert.equal(code, 1);
    assert.match(
      err,
      /program\.relay:4:3: `image\.resize1d` has no gradient: no operator sums over its overlapping samples/,
    );
  });

  it('names the functions there are when asked for another, and ends in 2', async () => {
    const { code, err } = await relay('grad', program, '--function', 'nix');
    assert.equal(code, 2);
    assert.match(err, /no function @nix/);
    assert.match(err, /@square, @main|@main, @square/);
  });
});
