import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'mocha';
import { verbs } from '../../cli/src/main.ts';
import { missingTools, relay } from './relay.ts';

const root = path.resolve(import.meta.dirname, '../..');
const example = path.join(root, 'examples/keyword_spotting/keyword_spotting');
const scratch = mkdtempSync(path.join(os.tmpdir(), 'relay-cli-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const full = path.join(scratch, name);
  writeFileSync(full, content);
  return full;
}

const broken = `#[version = "0.0.5"]
def @main(%x: Tensor[(2, 3), float32], %y: Tensor[(4), float32]) {
  add(%x, %y)
}
`;

describe('the command line', () => {
  it('helps with every verb', async () => {
    const { out } = await relay('--help');
    for (const verb of verbs) {
      assert.match(out, new RegExp(`^  ${verb.name} `, 'm'));
      assert.match((await relay(verb.name, '--help')).out, new RegExp(`usage: relay ${verb.name}`));
    }
  });

  it('ends in 2 for wrong usage and says what would be right', async () => {
    for (const argv of [
      ['nope'],
      ['check'],
      ['check', '--nope'],
      ['lower', `${example}.relay`],
      ['tune', `${example}.relay`, '--trials', 'many'],
    ]) {
      const { code, err } = await relay(...argv);
      assert.equal(code, 2, argv.join(' '));
      assert.match(err, /error\[usage\]/, argv.join(' '));
    }
  });

  it('answers scripts with one JSON object whatever is wrong', async () => {
    const program = file('plain.relay', '#[version = "0.0.5"]\ndef @main(%x: int8) { %x }\n');
    for (const argv of [
      ['deploy', program, '--trails'],
      ['check'],
      ['check', '--explain', 'nope'],
      ['lower', program, '--stage', 'nope'],
      ['grad', program, '--function', '@nope'],
      ['boards', '--check', 'nope.json'],
      ['run', program, '--input', 'x=nope.npy'],
      ['run', program, '--params', 'nope.params'],
    ]) {
      const { code, out } = await relay(...argv, '--json');
      const answer = JSON.parse(out) as { ok: boolean; error: { code: string; message: string } };
      assert.deepEqual([code, answer.ok, typeof answer.error.message], [2, false, 'string'], argv.join(' '));
    }
  });

  it('suggests the verb that was meant', async () => {
    assert.match((await relay('chekc')).err, /Did you mean 'relay check'\?/);
    assert.equal((await relay('help', 'fmt')).out, (await relay('fmt', '--help')).out);
  });

  it('checks and formats every program of a folder', async () => {
    mkdirSync(path.join(scratch, 'many/deeper'), { recursive: true });
    mkdirSync(path.join(scratch, 'many/none'));
    file('many/b.relay', '#[version = "0.0.5"]\ndef @main() { 1 }\n');
    file('many/deeper/a.relay', broken);
    file('many/notes.txt', 'nothing');
    const checked = await relay('check', path.join(scratch, 'many'));
    assert.equal(checked.code, 1);
    assert.match(checked.out, /2 files checked: 1 error/);
    assert.equal((await relay('fmt', '--check', path.join(scratch, 'many'))).out.split('\n').length, 1);
    const none = await relay('check', path.join(scratch, 'many/none'));
    assert.equal(none.code, 2);
    assert.match(none.err, /holds no \.relay file/);
  });

  it('runs on random values when asked, and names a few of the values that are missing', async () => {
    const inputs = ['a', 'b', 'c', 'd', 'e'].map((name) => `%${name}: Tensor[(2), int8]`).join(', ');
    const program = file('five.relay', `#[version = "0.0.5"]\ndef @main(${inputs}) { (%a, %b, %c, %d, %e) }\n`);
    const missing = await relay('run', program);
    assert.equal(missing.code, 1);
    assert.match(missing.err, /%a, %b, %c and 2 more/);
    assert.match(missing.err, /--seed/);
    const [first, again, other] = [
      await relay('run', program, '--seed', '1'),
      await relay('run', program, '--seed', '1'),
      await relay('run', program, '--seed', '2'),
    ];
    assert.deepEqual([first.code, first.out], [0, again.out]);
    assert.notEqual(first.out, other.out);
  });

  it('tells of weights that lie beside the program and are not used', async () => {
    const program = file('beside.relay', '#[version = "0.0.5"]\ndef @main() { 1 }\n');
    assert.equal((await relay('run', program)).err, '');
    file('beside.params', '');
    assert.match((await relay('run', program)).err, /beside\.params is not used.*--params/);
  });

  it('points at the argument that does not fit, with both sides', async () => {
    const { code, out } = await relay('check', file('broken.relay', broken));
    assert.equal(code, 1);
    assert.match(out, /broken\.relay:3:\d+: error\[shape-mismatch\]/);
    assert.match(out, /\^\^/);
    assert.match(out, /1 error/);
  });

  it('gives scripts zero-based positions and printed types', async () => {
    const { out } = await relay('check', '--json', file('broken.relay', broken));
    const json = JSON.parse(out) as { ok: boolean; diagnostics: { code: string; start: { line: number } }[] };
    assert.equal(json.ok, false);
    assert.equal(json.diagnostics[0]?.start.line, 2);
    const good = JSON.parse((await relay('check', '--json', `${example}.relay`)).out) as {
      ok: boolean;
      globals: Record<string, string>;
      calls: string[][];
    };
    assert.equal(good.ok, true);
    assert.match(
      good.globals['main'] ?? '',
      /^fn \(Tensor\[\(1, 25, 10, 1\), int8\], .*\) -> Tensor\[\(1, 8\), int8\]$/,
    );
    assert.ok(good.calls.some(([callee]) => callee === 'qnn.conv2d'));
  });

  it('explains how a dimension came to be', async () => {
    const source = file(
      'explain.relay',
      '#[version = "0.0.5"]\ndef @main(%x: Tensor[(1, 3, 32, 32), float32], %w: Tensor[(8, 3, 3, 3), float32]) {\n  nn.conv2d(%x, %w, strides=[2, 2], padding=[1, 1])\n}\n',
    );
    const { code, out } = await relay('check', '--explain', '3:5', source);
    assert.equal(code, 0);
    assert.match(out, /16 = floor\(\(32 \+ 2·1 − 3\)\/2\) \+ 1/);
    assert.match(out, /strides\[0\]/);
  });

  it('says what is wrong with files that are not what they should be', async () => {
    const cases: readonly (readonly [string[], RegExp, number])[] = [
      [['check', path.join(scratch, 'absent.relay')], /does not exist/, 2],
      [['check', file('binary.relay', Uint8Array.of(0xff, 0xfe, 0, 1))], /not UTF-8/, 2],
      [['run', `${example}.relay`, '--params', file('no.params', 'hello')], /parameter file/i, 1],
      [
        ['run', `${example}.relay`, '--params', file('cut.params', readFileSync(`${example}.params`).subarray(0, 999))],
        /cut|expected/,
        1,
      ],
      [
        [
          'run',
          file('other.relay', '#[version = "0.0.5"]\ndef @main(%x: Tensor[(2), float32]) { %x }\n'),
          '--params',
          `${example}.params`,
        ],
        /do(es)? not (fit|take)/,
        1,
      ],
      [
        ['run', `${example}.relay`, '--params', `${example}.params`, '--input', 'nothing=x.bin'],
        /takes no input 'nothing'/,
        1,
      ],
      [
        [
          'run',
          `${example}.relay`,
          '--params',
          `${example}.params`,
          '--input',
          `features=${file('short.bin', new Uint8Array(7))}`,
        ],
        /7 bytes/,
        1,
      ],
      [['deploy', `${example}.relay`, '--board', 'mars-rover'], /mars-rover/, 2],
      [['deploy', `${example}.relay`, '--board', file('bad.json', '{"name": 3}')], /not a valid board profile/, 2],
    ];
    for (const [argv, message, code] of cases) {
      const outcome = await relay(...argv);
      assert.equal(outcome.code, code, argv.join(' '));
      assert.match(outcome.err, message, argv.join(' '));
      assert.doesNotMatch(outcome.err, /\n\s+at /, 'a stack trace');
    }
  });

  it('recognises a word of the example', async () => {
    const args = ['run', `${example}.relay`, '--params', `${example}.params`, '--json'];
    const words = ['rising', 'falling', 'low', 'high', 'arch', 'valley', 'early', 'late'];
    for (const [index, word] of words.entries()) {
      const sample = path.join(root, 'examples/keyword_spotting/samples', `${word}.npy`);
      const { out, code } = await relay(...args, '--input', `features=${sample}`);
      assert.equal(code, 0);
      const [output] = (JSON.parse(out) as { outputs: { base64: string }[] }).outputs;
      const scores = [...new Int8Array(Buffer.from(output?.base64 ?? '', 'base64'))];
      assert.equal(scores.indexOf(Math.max(...scores)), index, word);
    }
  });

  it('prints every stage that it lists', async () => {
    const { stages } = JSON.parse((await relay('stages', '--json')).out) as { stages: { name: string }[] };
    const compiler = !(await missingTools('mps2-an386')).includes('arm-none-eabi-gcc');
    for (const { name } of stages) {
      if (name === 'asm' && !compiler) continue;
      const { code, out } = await relay('lower', `${example}.relay`, '--params', `${example}.params`, '--stage', name);
      assert.equal(code, 0, name);
      assert.ok(out.length > 100, name);
    }
  });

  it('lists boards, and checks a profile of the user', async () => {
    const { boards } = JSON.parse((await relay('boards', '--json')).out) as {
      boards: { name: string; provenance: string }[];
    };
    assert.deepEqual(
      boards.slice(0, 2).map((b) => [b.name, b.provenance]),
      [
        ['mps2-an386', 'emulated'],
        ['host', 'measured'],
      ],
    );
    assert.equal((await relay('boards', '--check', path.join(root, 'boards/profiles/host.json'))).code, 0);
    assert.equal((await relay('boards', '--check', file('bad.json', '[]'))).code, 1);
  });

  for (const board of ['host', 'mps2-an386'])
    it(`deploys the example to ${board}, where it equals the reference`, async function () {
      const missing = await missingTools(board);
      if (missing.length > 0) {
        console.log(`      skipped: ${missing.join(', ')} not installed`);
        return this.skip();
      }
      const { code, out } = await relay(
        'deploy',
        `${example}.relay`,
        '--params',
        `${example}.params`,
        '--board',
        board,
        '--cycles',
        '--json',
        '--progress',
        'none',
        '--records',
        file(`${board}.jsonl`, ''),
      );
      const json = JSON.parse(out) as {
        matches: boolean;
        provenance: string;
        instructions: number | null;
        outputs: { dtype: string; shape: number[]; base64: string }[];
        layers: { cycles?: { value: number } }[];
        cycles: number | null;
        cycleModel?: { value: number; least: number; most: number; provenance: string; stalls: object };
        notices?: string[];
      };
      assert.equal(code, 0);
      assert.equal(json.matches, true);
      assert.deepEqual([json.outputs[0]?.dtype, json.outputs[0]?.shape], ['int8', [1, 8]]);
      assert.equal(json.provenance, board === 'host' ? 'measured' : 'emulated');
      assert.equal(typeof json.instructions === 'number', board !== 'host');
      assert.ok(json.layers.length > 5);
      if (json.cycleModel === undefined) {
        // No model of this machine's processor, nor without its C compiler: said, and no figure.
        assert.deepEqual([json.cycles, json.notices?.length], [null, 1]);
        return undefined;
      }
      const { value, least, most, provenance } = json.cycleModel;
      assert.equal(json.cycles, value);
      assert.ok(least < value && value < most && value > (json.instructions ?? 0));
      assert.equal(provenance, 'emulated');
      assert.equal(
        json.layers.reduce((n, layer) => n + (layer.cycles?.value ?? 0), 0),
        value,
      );
      return undefined;
    });

  it('tunes on the emulated board, and a build uses what was found', async function () {
    const missing = await missingTools('mps2-an386');
    if (missing.length > 0) {
      console.log(`      skipped: ${missing.join(', ')} not installed`);
      return this.skip();
    }
    const common = [
      `${example}.relay`,
      '--params',
      `${example}.params`,
      '--records',
      path.join(scratch, 'records', 'tuned.jsonl'),
      '--json',
    ];
    // What was measured on another board is told of, as a build tells it.
    const elsewhere = {
      ...{ version: 1, task: 'other-1', template: 'none', config: {}, board: 'elsewhere', compiler: 'cc 1', flags: [] },
      ...{ clock: 1, cost: { value: 1, unit: 'instructions', provenance: 'measured' }, verdict: 'ok' },
      ...{ kernel: 'k', seed: 0, time: '2026-01-01T00:00:00.000Z' },
    };
    mkdirSync(path.join(scratch, 'records'), { recursive: true });
    writeFileSync(path.join(scratch, 'records', 'tuned.jsonl'), `${JSON.stringify(elsewhere)}\n`);
    const tuned = await relay('tune', ...common, '--trials', '24', '--progress', 'none');
    assert.match(tuned.err, /tuned\.jsonl: 1 record of the board elsewhere is not used: .*They are measured now\./);
    const json = JSON.parse(tuned.out) as {
      matches: boolean;
      trials: number;
      total: Record<'before' | 'after', { value: number; provenance: string }>;
    };
    assert.equal(tuned.code, 0);
    assert.deepEqual([json.matches, json.trials], [true, 24]);
    assert.ok(json.total.after.value <= json.total.before.value);
    assert.equal(json.total.after.provenance, 'emulated');
    const built = await relay('build', ...common, '-o', path.join(scratch, 'out'));
    const report = JSON.parse(readFileSync(path.join(scratch, 'out', 'report.json'), 'utf8')) as {
      layers: { choice: string }[];
    };
    assert.equal(built.code, 0);
    assert.ok(report.layers.some((layer) => layer.choice === 'tuned'));
    const flash = async (...limit: string[]): Promise<{ flash?: { used: number }; error?: { code: string } }> =>
      JSON.parse((await relay('build', ...common, ...limit, '-o', path.join(scratch, 'limited'))).out) as object;
    const free = (await flash()).flash?.used ?? 0;
    const limited = (await flash('--flash', String(free - 200))).flash?.used ?? Infinity;
    assert.ok(limited <= free - 200, `${limited} of ${free}`);
    assert.equal((await flash('--flash', '1000')).error?.code, 'flash-too-large');
    return undefined;
  });
});
