import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { missingTools, relay } from './relay.ts';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'relay-rounding-'));
const records = path.join(scratch, 'none.jsonl');
writeFileSync(records, '');
after(() => rmSync(scratch, { recursive: true, force: true }));

function file(name: string, params: string, body: string): string {
  const full = path.join(scratch, `${name}.relay`);
  writeFileSync(full, `#[version = "0.0.5"]\ndef @main(${params}) {\n${body}\n}\n`);
  return full;
}

/** A recurrent network of random weights, none of which is trained to forget. */
function recurrent(steps: number): string {
  const step = (i: number): string => `  %${i} = tanh(nn.dense(${i === 0 ? '%x' : `%${i - 1}`}, %w, units=32));`;
  const body = [...Array.from({ length: steps }, (_, i) => step(i)), `  %${steps - 1}`].join('\n');
  return file(`steps${steps}`, '%x: Tensor[(1, 32), float32], %w: Tensor[(32, 32), float32]', body);
}

async function deployed(program: string): Promise<{ code: number; out: string }> {
  return relay('deploy', program, '--board', 'host', '--progress', 'none', '--records', records);
}

describe('floats of a deployed program', () => {
  before(async function () {
    if ((await missingTools('host')).length > 0) this.skip();
  });

  it('may differ by the rounding of what they are a small difference of', async () => {
    const params = '%x: Tensor[(16, 64), float32], %w: Tensor[(64, 64), float32]';
    const body =
      '  %0 = nn.dense(%x, %w, units=64) * 1000f;\n  subtract(add(%x, %0), nn.dense(%x, %w, units=64) * 999.99f)';
    const { code, out } = await deployed(file('residual', params, body));
    assert.match(out, /The output matches the reference/);
    assert.equal(code, 0);
  });

  it('may differ by what rounding grows to from step to step', async () => {
    assert.match((await deployed(recurrent(22))).out, /The output matches the reference/);
  });

  it('say so where rounding grows beyond comparison', async () => {
    const { code, out } = await deployed(recurrent(60));
    assert.match(out, /DIFFERS .* Rounding errors grow in this program: .* its results by \d+\.\d %/);
    assert.equal(code, 1);
  });
});
