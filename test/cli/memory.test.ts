import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { builtinProfiles, examineTools } from '../../boards/src/index.ts';
import { int8Values } from '../../compiler/src/evaluate/seeded.ts';
import { encodeParams } from '../../compiler/src/tensor/params.ts';
import { relay } from './relay.ts';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'relay-memory-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const full = path.join(scratch, name);
  writeFileSync(full, content);
  return full;
}

/** Two convolutions; the tensor between is larger than both ends. */
const model = file(
  'wide.relay',
  `#[version = "0.0.5"]
def @main(%x: Tensor[(1, 24, 24, 4), int8], %v: Tensor[(3, 3, 4, 16), int8], %w: Tensor[(3, 3, 16, 4), int8]) {
  %0 = qnn.conv2d(%x, %v, 3, 0, 0.5f, 0.1f, padding=[1, 1, 1, 1], channels=16, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="HWIO", out_dtype="int32");
  %1 = qnn.requantize(%0, 0.05f, 0, 0.9f, 5, out_dtype="int8");
  %2 = qnn.conv2d(%1, %w, 5, 0, 0.9f, 0.1f, padding=[1, 1, 1, 1], channels=4, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="HWIO", out_dtype="int32");
  qnn.requantize(%2, 0.09f, 0, 4f, 5, out_dtype="int8")
}
`,
);
const params = file(
  'wide.params',
  encodeParams(
    new Map([
      ['v', int8Values([3, 3, 4, 16], 3, 'full')],
      ['w', int8Values([3, 3, 16, 4], 4, 'full')],
    ]),
  ),
);
const common = [model, '--params', params] as const;

/** The emulated board with as much RAM as is asked for, in one or several regions. */
function board(name: string, ...ram: readonly number[]): string {
  const profile = builtinProfiles.find((p) => p.name === 'mps2-an386');
  assert.ok(profile);
  const memory = [
    ...profile.memory.filter((m) => m.kind === 'flash'),
    ...ram.map((bytes, i) => ({ name: `SRAM${i + 1}`, kind: 'ram', start: 0x20000000 + 0x100000 * i, bytes })),
  ];
  return file(`${name}.json`, JSON.stringify({ ...profile, name, memory }));
}

interface Point {
  readonly arena: number;
  readonly default: boolean;
  readonly kernelsInTurns: number;
  readonly matches: boolean;
  readonly total: { readonly value: number; readonly provenance: string };
}

describe('memory from the command line', function () {
  this.timeout(60_000);
  let points: readonly Point[] = [];
  before(async function () {
    const tools = await examineTools(builtinProfiles);
    if (tools.some((t) => !t.found && t.boards.includes('mps2-an386'))) this.skip();
    const { code, out, err } = await relay('memory', ...common, '--json', '--progress', 'none');
    assert.equal(code, 0, err);
    points = (JSON.parse(out) as { points: readonly Point[] }).points;
  });

  it('is shown against time, each point run and compared, the default among them', () => {
    assert.ok(points.length >= 2);
    assert.ok(points.every((p, i) => p.matches && (i === 0 || p.arena < points[i - 1]!.arena)));
    assert.equal(points.filter((p) => p.default).length, 1);
    assert.ok(points.every((p) => p.total.provenance === 'emulated'));
    assert.ok(points[0]!.kernelsInTurns === 0 && points.at(-1)!.kernelsInTurns > 0);
    assert.ok(points[0]!.total.value < points.at(-1)!.total.value);
  });

  it('is told by a build: the arena, its bound and the proof, and what lives at the tightest step', async () => {
    const folder = path.join(scratch, 'out');
    const { code, out } = await relay('build', ...common, '-o', folder);
    assert.equal(code, 0);
    assert.match(out, /arena [\d,]+ B, the least for these kernels in this order: /);
    assert.match(out, /tightest at \w+: .*x 2,304/);
    const { ram } = JSON.parse(readFileSync(path.join(folder, 'report.json'), 'utf8')) as {
      ram: { arena: number; arenaLowerBound: number; arenaGap: number; arenaProof: string };
    };
    assert.equal(ram.arena - ram.arenaLowerBound, ram.arenaGap);
    assert.equal(ram.arenaGap === 0, ['live-set', 'all-orders', 'integer-program'].includes(ram.arenaProof));
  });

  it('takes a budget that is met, and names the one that works when it is not', async () => {
    const least = points.at(-1)!.arena;
    const refused = await relay('build', ...common, '--arena', String(least - 1), '-o', path.join(scratch, 'tight'));
    assert.equal(refused.code, 1);
    assert.match(refused.err, /error\[arena-too-large\].*Tightest is \w+: \w+ [\d,]+/);
    const named = /--arena (\d+)/.exec(refused.err)?.[1];
    assert.equal(named, String(least));
    const { code, out } = await relay('deploy', ...common, '--arena', named, '--progress', 'none');
    assert.equal(code, 0);
    assert.match(out, /matches the reference/);
  });

  it('is saved by itself on a board that has less, over one region or several', async () => {
    const [most, least] = [points[0]!.arena, points.at(-1)!.arena];
    // Stack, and what the harness keeps.
    const own = 8192 + 2048;
    for (const profile of [board('small', own + least), board('split', own + 2304, most)]) {
      const { code, out, err } = await relay('deploy', ...common, '--board', profile, '--json', '--progress', 'none');
      assert.equal(code, 0, err);
      assert.equal((JSON.parse(out) as { matches: boolean }).matches, true);
    }
  });

  it('that a board does not have is counted: bytes over, the largest tensors, and how much would do', async () => {
    const { code, err } = await relay(
      'build',
      ...common,
      '--board',
      board('tiny', 10_000),
      '-o',
      path.join(scratch, 'no'),
    );
    assert.equal(code, 1);
    assert.match(err, /SRAM1 of 10,000 bytes is exceeded by [\d,]+ bytes/);
    assert.match(err, /tightest is \w+: .*x 2,304/);
    assert.match(err, /SRAM1 of [\d,]+ bytes would do/);
  });
});
