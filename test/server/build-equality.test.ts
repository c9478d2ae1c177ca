/** What the editor shows as C is what `relay build` writes: for the same records, settings and board. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { findProfile, Toolchain } from '../../boards/src/index.ts';
import { readProfile } from '../../client/src/engine/profile.ts';
import { compileModel } from '../../compiler/src/pipeline/compile.ts';
import { recordVersion, type TuningRecord } from '../../compiler/src/records/record.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import { lowerDocument } from '../../server/src/features/lowering.ts';
import { buildDocument } from '../../server/src/requests/build.ts';
import { readRecords } from '../../server/src/requests/records.ts';
import type { BuildSettings } from '../../server/src/protocol.ts';
import { missingTools, relay } from '../cli/relay.ts';
import { cortexM4 } from '../schedule/functions.ts';
import { someConfigs } from '../schedule/support.ts';

const board = 'mps2-an386';
const root = path.resolve(import.meta.dirname, '../..');
const scratch = mkdtempSync(path.join(os.tmpdir(), 'relay-equal-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const file = path.join(scratch, 'net.relay');
const text = `#[version = "0.0.5"]
def @main(%x: Tensor[(1, 16, 16, 8), float32], %w: Tensor[(16, 3, 3, 8), float32], %d: Tensor[(10, 4096), float32]) {
  %0 = nn.conv2d(%x, %w, data_layout="NHWC", kernel_layout="OHWI", padding=[1, 1, 1, 1]);
  %1 = nn.batch_flatten(nn.relu(%0));
  nn.softmax(nn.dense(%1, %d, units=10))
}
`;

/** Records in which the fastest schedules are not those of least cost and code together. */
function records(compiler: string): string {
  const untuned = compileModel({ text, target: cortexM4, name: 'net' });
  assert.ok(untuned.ok, untuned.ok ? '' : untuned.error.message);
  const lines = untuned.value.kernels.flatMap(({ task }) => {
    const space = scheduler.spaceOf(task, cortexM4);
    return someConfigs(space, 6, 7).map((config, i): TuningRecord => ({
      version: recordVersion,
      task: task.key,
      template: space.template,
      config,
      board,
      compiler,
      flags: [],
      clock: null,
      cost: { value: 1_000_000 + i, unit: 'instructions', provenance: 'emulated' },
      cycles: { value: 1_000_000 - i, unit: 'cycles', provenance: 'emulated' },
      bytes: { code: 9000 - 1000 * i, constants: 0 },
      verdict: 'ok',
      kernel: String(i),
      seed: 0,
      time: '2026-01-01T00:00:00.000Z',
    }));
  });
  const mistaken = { ...lines[0], cost: { ...lines[0]?.cost, value: 1 }, config: { nothing: 1 } };
  return [mistaken, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** The files of the stage `c`, by name. */
function filesIn(c: string): ReadonlyMap<string, string> {
  const parts = c.split(/^\/\* ---- (\S+?)(?: \(.*\))? ---- \*\/\n/m).slice(1);
  return new Map(parts.flatMap((name, i) => (i % 2 === 0 ? [[name, parts[i + 1] ?? ''] as const] : [])));
}

describe('the C of the preview', function () {
  this.timeout(120_000);
  const recordsFile = path.join(scratch, 'records.jsonl');
  let settings: BuildSettings = {};
  let cycles: BuildSettings = {};
  before(async function () {
    const profile = findProfile(board);
    const missing = await missingTools(board);
    if (missing.length > 0 || !profile.ok) return this.skip();
    const compiler = (await Toolchain.versionOf(profile.value)) ?? '';
    writeFileSync(file, text);
    writeFileSync(recordsFile, records(compiler));
    const known = readProfile(readFileSync(path.join(root, 'boards/profiles', `${board}.json`), 'utf8'));
    assert.ok(known);
    const asked = { text: readFileSync(recordsFile, 'utf8'), board, compiler };
    const common = { target: known.target, memory: known.memory };
    const of = (cost: 'timer' | 'cycles'): BuildSettings => {
      const { records: digest, notices } = readRecords({ ...asked, cost });
      assert.deepEqual(notices, []);
      return digest === undefined ? common : { ...common, records: digest };
    };
    [settings, cycles] = [of('timer'), of('cycles')];
    return undefined;
  });

  const job = { uri: 'file:///w/net.relay', version: 1, text };
  const cases: readonly (readonly [string, readonly string[], () => BuildSettings])[] = [
    ['by default', [], () => settings],
    ['of the fastest kernels', ['--code-price', '0'], () => ({ ...settings, options: { codePrice: 0 } })],
    ['by modelled cycles', ['--cost', 'cycles'], () => cycles],
    ['of least code', ['--size'], () => ({ ...settings, options: { size: true } })],
    ['with a small arena', ['--arena', '204000'], () => ({ ...settings, options: { arena: 204000 } })],
  ];
  const seen = new Set<string>();
  for (const [name, args, of] of cases) {
    it(`is that of the build ${name}`, async () => {
      const folder = path.join(scratch, name.replace(/ /g, '-'));
      mkdirSync(folder);
      const built = await relay(
        'build',
        file,
        '--board',
        board,
        '--records',
        recordsFile,
        ...args,
        '-o',
        folder,
        '--json',
      );
      assert.equal(built.code, 0, built.err);
      const shown = lowerDocument({ ...job, ...of(), stage: 'c' });
      assert.equal(shown.failure, undefined);
      const files = filesIn(shown.text);
      assert.ok(files.size >= 2);
      for (const [file, c] of files)
        assert.equal(c.trimEnd(), readFileSync(path.join(folder, file), 'utf8').trimEnd(), file);
      seen.add(shown.text);
      const lowered = await relay('lower', file, '--stage', 'c', '--records', recordsFile, ...args, '--name', 'net');
      assert.equal(lowered.out.trimEnd(), shown.text.trimEnd());
    });
  }
  it('differs where the settings do', () => {
    assert.ok(seen.size >= 3, `${seen.size} different programs`);
  });
  it('is told to be untuned where the records are of another board', () => {
    const { records: digest } = readRecords({
      text: readFileSync(recordsFile, 'utf8'),
      board: 'mps2-an385',
      cost: 'timer',
    });
    const built = buildDocument({ kind: 'build', ...job, ...settings, records: digest ?? '' });
    assert.ok(built.layers.every((layer) => !layer.tuned));
    assert.match(built.notice ?? '', /records? of the board mps2-an386 are not used/);
    const tuned = buildDocument({ kind: 'build', ...job, ...settings });
    assert.ok(tuned.layers.some((layer) => layer.tuned));
    assert.equal(tuned.notice, undefined);
  });
});
