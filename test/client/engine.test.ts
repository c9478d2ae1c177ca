import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'mocha';
import { createBackoff } from '../../client/src/engine/backoff.ts';
import { readBoards } from '../../client/src/engine/boards.ts';
import { deployArguments, engineEnvironment, tuneArguments } from '../../client/src/engine/command.ts';
import { defaultTuneOptions, readTuneArgument, tuneOptionsFrom } from '../../client/src/engine/tuneOptions.ts';
import { paramsBeside } from '../../client/src/engine/params.ts';
import { runEngine, type EngineOutcome } from '../../client/src/engine/process.ts';
import {
  LineSplitter,
  parseProgress,
  progressIncrement,
  progressText,
  short,
  type Progress,
} from '../../client/src/engine/progress.ts';

describe('arguments of the engine', () => {
  const request = {
    model: '/w/-rf.relay',
    params: '/w/a b.params',
    board: 'mps2-an386',
    options: { ...defaultTuneOptions, trials: 8 },
  };

  it('a file whose name begins with a dash stays a file', () => {
    const args = tuneArguments(request);
    assert.equal(args.at(-1), '/w/-rf.relay');
    assert.equal(args.at(-2), '--');
  });
  it('a limit in seconds is given only when there is one', () => {
    assert.ok(!tuneArguments(request).includes('--seconds'));
    const args = tuneArguments({ ...request, options: { ...request.options, seconds: 30 } });
    assert.equal(args[args.indexOf('--seconds') + 1], '30');
  });
  it('a model without parameters is deployed without --params', () => {
    assert.ok(!deployArguments({ ...request, params: undefined }).includes('--params'));
  });
  it('limits and prices reach both the search and the build after it, as the command line has them', () => {
    const options = {
      ...request.options,
      cost: 'cycles',
      codePrice: 0,
      flash: 65536,
      arena: 4096,
      size: true,
    } as const;
    for (const args of [tuneArguments({ ...request, options }), deployArguments({ ...request, options })]) {
      const told = '--cost cycles --code-price 0 --arena 4096 --flash 65536 --size';
      assert.ok(args.join(' ').includes(told), args.join(' '));
    }
    const plain = deployArguments(request).join(' ');
    for (const name of ['--cost', '--code-price', '--arena', '--flash', '--size'])
      assert.ok(!plain.includes(name), name);
  });
  it('settings of a wrong kind take their default', () => {
    const settings: Record<string, unknown> = { trials: 'many', seconds: 9, codePrice: null, cost: 'joules', size: 1 };
    assert.deepEqual(
      tuneOptionsFrom((name) => settings[name]),
      { ...defaultTuneOptions, seconds: 9 },
    );
  });
  it('a key binding may name the options, and is told what is wrong with them', () => {
    assert.deepEqual(readTuneArgument({ board: 'host', size: true, trials: undefined }), { board: 'host', size: true });
    for (const [wrong, said] of [
      [{ trials: 0 }, /`trials` is a whole number from 1/],
      [{ cost: 'joules' }, /`cost` is "timer" or "cycles"/],
      [{ trails: 8 }, /no option `trails`; there are board, trials/],
      [{ board: 7 }, /`board` is the name/],
    ] as const) {
      const read = readTuneArgument(wrong);
      assert.match('problem' in read ? read.problem : '', said);
    }
  });
  it("the tools' folders are searched first", () => {
    const env = engineEnvironment(
      { PATH: '/usr/bin' },
      { toolchain: '/opt/arm/bin', qemu: '', boards: ['/b1', '/b2'] },
    );
    assert.equal(env['PATH'], `/opt/arm/bin${path.delimiter}/usr/bin`);
    assert.equal(env['RELAY_BOARDS'], `/b1${path.delimiter}/b2`);
  });
  it('the parameter file is expected beside the model under its name', () => {
    assert.equal(paramsBeside(path.join('/w', 'kws.v2.relay')), path.join('/w', 'kws.v2.params'));
  });
});

describe('progress of the engine', () => {
  const line =
    '{"event":"trial","trial":12,"trials":64,"task":"conv2d","best":{"value":5830000,"unit":"instructions"},"secondsLeft":65}';

  it('a trial is told with the best so far and the time left', () => {
    const progress = parseProgress(line);
    assert.ok(progress);
    assert.equal(progressText(progress), '12 of 64 trials · best 5.83 M instructions · 1 min 5 s left');
    assert.equal(progressIncrement(progress, 4), 12.5);
  });
  it('what is no progress line is not taken for one', () => {
    for (const text of ['', 'hello', '{"event":"other"}', '[1]', '{"event":', 'null'])
      assert.equal(parseProgress(text), undefined, text);
  });
  it('numbers of a wrong kind are left out, not shown', () => {
    const progress = parseProgress('{"event":"trial","trial":"7","best":{"value":null},"secondsLeft":1e999}');
    assert.ok(progress);
    assert.equal(progressText(progress), '');
  });
  it('lines are found however the stream is cut', () => {
    const text = 'one\r\ntwo\n\nthree';
    for (let cut = 0; cut <= text.length; cut++) {
      const lines: string[] = [];
      const splitter = new LineSplitter((l) => lines.push(l));
      splitter.push(text.slice(0, cut));
      splitter.push(text.slice(cut));
      splitter.end();
      assert.deepEqual(lines, ['one', 'two', '', 'three']);
    }
  });
  it('large numbers are shortened', () => {
    assert.deepEqual([7, 9999, 12345, 412_000, 5_830_000, 1.5e9].map(short), [
      '7',
      '9999',
      '12.3 k',
      '412 k',
      '5.83 M',
      '1.50 G',
    ]);
  });
});

describe('running the engine', () => {
  async function runScript(script: string, options: { abortOn?: string } = {}) {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'relay-engine-'));
    try {
      const file = path.join(folder, 'engine.mjs');
      await writeFile(file, script);
      const seen: Progress[] = [];
      const logged: string[] = [];
      const abort = new AbortController();
      const outcome: EngineOutcome = await runEngine({
        program: process.execPath,
        prefix: [file],
        args: ['tune', '--json'],
        env: process.env,
        onProgress: (progress) => {
          seen.push(progress);
          if (progress.message === options.abortOn) abort.abort();
        },
        onLog: (line) => logged.push(line),
        signal: abort.signal,
      });
      return { outcome, seen, logged };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  it('progress comes as it is made, and the summary at the end', async () => {
    const { outcome, seen, logged } = await runScript(`
      console.error('{"event":"phase","message":"compiling"}');
      console.error('a warning');
      console.log(JSON.stringify({ args: process.argv.slice(2) }, null, 2));
    `);
    assert.deepEqual(outcome, { kind: 'done', exitCode: 0, json: { args: ['tune', '--json'] } });
    assert.deepEqual(
      seen.map((p) => p.message),
      ['compiling'],
    );
    assert.deepEqual(logged, ['a warning']);
  });
  it("the engine's failure is told with its remedy", async () => {
    const { outcome } = await runScript(`
      console.log('{"error":{"code":"missing-tool","message":"No compiler.","remedy":"Install gcc-arm-none-eabi."}}');
      process.exitCode = 2;
    `);
    assert.deepEqual(outcome, { kind: 'failed', message: 'No compiler.', remedy: 'Install gcc-arm-none-eabi.' });
  });
  it('an engine that dies without a word is told by its exit code or its last lines', async () => {
    const silent = await runScript('process.exit(3)');
    assert.deepEqual(silent.outcome, {
      kind: 'failed',
      message: 'The engine ended with exit code 3.',
      remedy: undefined,
    });
    const loud = await runScript("console.error('error[x]: no board'); process.exit(1)");
    assert.equal(loud.outcome.kind === 'failed' && loud.outcome.message, 'error[x]: no board');
  });
  it('an engine that cannot be started is a failure, not a crash', async () => {
    const outcome = await runEngine({ program: '/nonexistent/node', prefix: [], args: [], env: {} });
    assert.equal(outcome.kind, 'failed');
  });
  it('cancelling interrupts the engine and keeps what it says at the end', async () => {
    const { outcome } = await runScript(
      `
      process.on('SIGINT', () => { console.log('{"stopped":true}'); process.exit(0); });
      setInterval(() => {}, 1000);
      console.error('{"event":"phase","message":"running"}');
    `,
      { abortOn: 'running' },
    );
    assert.deepEqual(outcome, { kind: 'cancelled', json: { stopped: true } });
  });
});

describe('restarts of the language server', () => {
  it('waits double after each crash and gives up when it crashes again and again', () => {
    const backoff = createBackoff({ first: 100, most: 500, limit: 4, window: 1000 });
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((t) => backoff.next(t)),
      [100, 200, 400, 500, undefined],
    );
  });
  it('old crashes are forgotten', () => {
    const backoff = createBackoff({ first: 100, limit: 1, window: 1000 });
    assert.equal(backoff.next(0), 100);
    assert.equal(backoff.next(2000), 100);
    assert.equal(backoff.next(2001), undefined);
    backoff.reset();
    assert.equal(backoff.next(2002), 100);
  });
});

describe('the list of boards', () => {
  it('a board that misses a tool says which package to install', () => {
    const json = {
      boards: [
        {
          name: 'mps2-an386',
          description: 'Cortex-M4',
          provenance: 'emulated',
          missing: [{ package: 'qemu-system-arm' }],
        },
        { description: 'nameless' },
        'nonsense',
      ],
    };
    assert.deepEqual(readBoards(json), [
      {
        name: 'mps2-an386',
        description: 'Cortex-M4',
        provenance: 'emulated',
        compiler: undefined,
        problem: 'needs qemu-system-arm',
      },
    ]);
  });
});
