import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL, fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { builtinProfiles } from '../../boards/src/profile.ts';
import type { Failure } from '../../compiler/src/base/result.ts';
import { bestConfigs, digestRecords, unusedNotice } from '../../compiler/src/records/best.ts';
import { parseRecords, type TuningRecord } from '../../compiler/src/records/record.ts';
import { RecordStore } from '../../tuner/src/records.ts';
import { tune } from '../../tuner/src/tune.ts';
import { must } from '../boards/support.ts';
import { FakeMeasurer, makeTask, scheduler, target } from './support.ts';

const record: TuningRecord = {
  version: 1,
  task: 'conv-1',
  template: 'made_up',
  config: { a: 1 },
  board: 'mps2-an386',
  compiler: 'cc 1.0',
  flags: ['-O3'],
  clock: 25_000_000,
  cost: { value: 100, unit: 'instructions', provenance: 'emulated' },
  verdict: 'ok',
  kernel: 'abc',
  seed: 0,
  time: '2026-01-01T00:00:00.000Z',
};
const line = (change: Partial<TuningRecord> = {}): string => `${JSON.stringify({ ...record, ...change })}\n`;

describe('tuning records', () => {
  let folder = '';
  let file = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'relay-records-'));
    file = path.join(folder, 'tuning.jsonl');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('skip a cut last line with a notice, and go on behind it', () => {
    writeFileSync(file, line() + line().slice(0, 40));
    const store = must(RecordStore.open(file));
    assert.equal(store.records.length, 1);
    assert.deepEqual(store.notices, [{ line: 2, message: 'the last line is cut off and is skipped' }]);
    must(store.append([{ ...record, kernel: 'new' }]));
    store.close();
    const again = parseRecords(readFileSync(file, 'utf8'));
    assert.deepEqual(
      again.records.map((one) => one.kernel),
      ['abc', 'new'],
    );
    assert.equal(again.notices.length, 1);
  });

  it('keep lines of a newer version without using them', () => {
    const newer = `${JSON.stringify({ version: 2, whatever: true })}\n`;
    writeFileSync(file, line() + newer + newer + line({ kernel: 'x' }));
    const store = must(RecordStore.open(file));
    assert.equal(store.records.length, 2);
    assert.deepEqual(store.notices, [
      { line: 2, message: '2 records of a newer version (from this line on) are kept but not used' },
    ]);
    must(store.append([record]));
    store.close();
    assert.equal(readFileSync(file, 'utf8').split(newer).length, 3);
  });

  it('report foreign lines by number', () => {
    const { notices, records } = parseRecords(
      `hello\n${line()}[1]\n{"version":1}\n${line({ verdict: 'ok', cost: null })}\n`,
    );
    assert.equal(records.length, 1);
    assert.deepEqual(
      notices.map((notice) => notice.line),
      [1, 3],
    );
    assert.match(notices[1]?.message ?? '', /^this line and 2 more are no tuning record/);
  });

  it('are left out when a hand has given them what no trial gives', () => {
    const cost = record.cost;
    const wrong: object[] = [
      { config: { a: null } },
      { config: { a: [1] } },
      { cost: { ...cost, value: '9' } },
      { cost: { ...cost, unit: 'joules' } },
      { cost: { ...cost, provenance: 'guessed' } },
      { bytes: { code: 'small', constants: 0 } },
      { cycles: 9 },
    ];
    for (const change of wrong) assert.equal(parseRecords(line(change)).records.length, 0, JSON.stringify(change));
    assert.equal(parseRecords(line()).records.length, 1);
  });

  it('tell a page of another kind in one line', () => {
    const { notices } = parseRecords('<html>\n'.repeat(5000));
    assert.deepEqual(notices, [{ line: 1, message: 'this line and 4999 more are no JSON and are skipped' }]);
  });

  it('stay readable at any cut', () => {
    const text = line() + line({ kernel: 'ü' }) + line();
    for (let cut = 0; cut <= text.length; cut++) {
      const { records } = parseRecords(text.slice(0, cut));
      assert.ok(records.length >= text.slice(0, cut).split('\n').length - 1);
    }
  });

  it('give the best compared config of a board and compiler', () => {
    const cost = (value: number) => ({ value, unit: 'instructions', provenance: 'emulated' }) as const;
    const records: TuningRecord[] = [
      record,
      { ...record, config: { a: 2 }, cost: cost(50) },
      { ...record, config: { a: 3 }, cost: null, verdict: 'wrong-answer' },
      { ...record, config: { a: 4 }, cost: cost(10), board: 'host' },
      { ...record, config: { a: 5 }, cost: cost(20), compiler: 'cc 2.0' },
    ];
    const filter = { board: 'mps2-an386', compiler: 'cc 1.0' };
    assert.deepEqual(bestConfigs(records, filter).get('conv-1')?.config, { a: 2 });
    assert.deepEqual(bestConfigs(records, { board: 'mps2-an386' }).get('conv-1')?.config, { a: 5 });
    assert.equal(bestConfigs(records, { board: 'nowhere' }).size, 0);
  });

  it('are ranked by modelled cycles where those are asked for, among the ones that have them', () => {
    const cost = (value: number, unit: 'instructions' | 'cycles') => ({ value, unit, provenance: 'emulated' }) as const;
    const records: TuningRecord[] = [
      { ...record, config: { a: 1 }, cost: cost(100, 'instructions'), cycles: cost(160, 'cycles') },
      { ...record, config: { a: 2 }, cost: cost(110, 'instructions'), cycles: cost(130, 'cycles') },
      { ...record, config: { a: 3 }, cost: cost(90, 'instructions'), bytes: { code: 200, constants: 56 } },
    ];
    const best = bestConfigs(records, { board: 'mps2-an386', cost: 'cycles' }).get('conv-1');
    assert.deepEqual(best?.config, { a: 2 });
    assert.equal(best.choices.length, 2);
    const timer = bestConfigs(records, { board: 'mps2-an386' }).get('conv-1');
    assert.deepEqual(timer?.choices[0], {
      config: { a: 3 },
      template: 'made_up',
      cost: 90,
      bytes: { code: 200, constants: 56 },
    });
  });

  describe('that do not apply', () => {
    const filter = { board: 'mps2-an386', compiler: 'cc 1.0' };
    const notice = (
      records: readonly TuningRecord[],
      tasks: readonly string[],
      wanted: object = {},
    ): string | undefined => {
      const digest = digestRecords(records, { ...filter, ...wanted });
      const usable = (task: string): number => digest.best[task]?.choices.length ?? 0;
      return unusedNotice(
        digest,
        tasks.map((task) => ({ task, usable: usable(task) })),
      );
    };
    const other = { ...record, compiler: 'cc 0.9' };

    it('are told with their number, the reason and the remedy', () => {
      assert.equal(
        notice([other, { ...other, config: { a: 2 } }, { ...record, board: 'host' }], ['conv-1', 'dense-1']),
        '2 records of another compiler (cc 0.9), 1 record of the board host are not used: 2 of 2 kernels have no record ' +
          'that applies. Tune the program on mps2-an386 to measure them.',
      );
      assert.match(notice([record], ['conv-1'], { cost: 'cycles' }) ?? '', /^1 record without modelled cycles is not/);
      assert.match(notice([record], ['conv-9']) ?? '', /^1 record of other programs is not used/);
      const told = unusedNotice(
        digestRecords([other], filter),
        [{ task: 'conv-1', usable: 0 }],
        'They are measured now.',
      );
      assert.match(told ?? '', /no record that applies\. They are measured now\.$/);
    });
    it('are no news where every kernel has a record, where only others have some, and where nothing was measured', () => {
      assert.equal(notice([other, record], ['conv-1']), undefined);
      assert.equal(notice([record, { ...other, task: 'dense-9' }], ['conv-1', 'dense-1']), undefined);
      assert.equal(notice([], ['conv-1']), undefined);
      assert.equal(notice([{ ...other, cost: null, verdict: 'timeout' }], ['conv-1']), undefined);
    });
    it('are told when their schedules are gone', () => {
      const digest = digestRecords([record], filter);
      assert.match(
        unusedNotice(digest, [{ task: 'conv-1', usable: 0 }]) ?? '',
        /^1 record of schedules that this version/,
      );
    });
    it('are those of another compiler than the last that measured, where the compiler is not known', () => {
      const { best, unused } = digestRecords([record, other], { board: 'mps2-an386' });
      assert.equal(best['conv-1']?.choices.length, 1);
      assert.deepEqual(unused, [
        { reason: 'compiler', name: 'cc 1.0', tasks: Object.assign(Object.create(null), { 'conv-1': 1 }) },
      ]);
    });
  });

  it('cannot be opened in a read-only folder, and say so', function () {
    if (process.getuid?.() === 0) {
      const opened = RecordStore.open(path.join(folder, 'no', 'such', 'folder.jsonl'));
      assert.ok(!opened.ok && opened.error.code === 'cannot-write');
      return;
    }
    const opened = RecordStore.open('/tuning.jsonl');
    assert.ok(!opened.ok && opened.error.code === 'cannot-write');
  });

  it('are no folder, and say so', () => {
    const opened = RecordStore.open(folder);
    assert.equal(opened.ok ? '' : opened.error.message, `The records file ${folder} cannot be opened: it is a folder.`);
  });

  it('of two writers at the same time are all whole', function () {
    this.timeout(60_000);
    const module = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../tuner/src/records.ts');
    const script = `import(${JSON.stringify(pathToFileURL(module).href)}).then(({ RecordStore }) => {
      const store = RecordStore.open(${JSON.stringify(file)}).value;
      for (let i = 0; i < 50; i++) store.append([${JSON.stringify(record)}]);
    })`;
    const shell = [`--import`, 'tsx', '--input-type=module', '-e', script];
    const both = `"$0" "$@" & "$0" "$@"; wait`;
    spawnSync('sh', ['-c', both, process.execPath, ...shell], { stdio: 'ignore' });
    const { records, notices } = parseRecords(readFileSync(file, 'utf8'));
    assert.equal(records.length, 100);
    assert.deepEqual(notices, []);
  });

  it('that no longer fit on the disk are kept in memory, and the place is named', function () {
    this.timeout(60_000);
    const module = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../tuner/src/records.ts');
    const script = `import(${JSON.stringify(pathToFileURL(module).href)}).then(({ RecordStore }) => {
      const store = RecordStore.open(${JSON.stringify(file)}).value;
      for (let i = 0; i < 10; i++) {
        const done = store.append([{ ...${JSON.stringify(record)}, seed: i }]);
        if (done.ok) continue;
        const kept = store.records.at(-1).seed === i && store.unwritten.length === 1 && store.unwritten[0].seed === i;
        process.stdout.write(JSON.stringify({ i, kept, error: done.error }));
        break;
      }
    })`;
    // What goes over the limit fails as it does on a full disk: a part is written, the rest is refused.
    const limited = `trap '' XFSZ; ulimit -f 4; exec "$0" "$@"`;
    const shell = [`--import`, 'tsx', '--input-type=module', '-e', script];
    const env = { ...process.env, TSX_DISABLE_CACHE: '1' };
    const { stdout } = spawnSync('sh', ['-c', limited, process.execPath, ...shell], { encoding: 'utf8', env });
    const { i, kept, error } = JSON.parse(stdout) as { i: number; kept: boolean; error: Failure };
    assert.equal(kept, true);
    assert.equal(error.code, 'cannot-write');
    assert.match(error.message, /there is no space left for it\.$/);
    const { records, notices } = parseRecords(readFileSync(file, 'utf8'));
    assert.equal(records.length, i);
    assert.equal(notices.length, 1);
  });

  it('resume a session: nothing is measured twice, and the end is as good', async () => {
    const tasks = [{ task: makeTask('only', 1000), weight: 1 }];
    const options = { tasks, board: builtinProfiles[0]!, target, scheduler, strategy: 'random', seed: 2 };
    const store = must(RecordStore.open(file));
    const first = new FakeMeasurer();
    must(await tune({ ...options, trials: 40, measurer: first, records: store }));
    store.close();
    // A kill in the middle of the last write.
    const length = readFileSync(file).length;
    truncateSync(file, length - 30);
    appendFileSync(file, '');
    const again = must(RecordStore.open(file));
    assert.equal(again.records.length, 39);
    const second = new FakeMeasurer();
    const summary = must(await tune({ ...options, trials: 20, measurer: second, records: again }));
    again.close();
    const keys = (configs: FakeMeasurer['measured']): string[] => configs.map((config) => JSON.stringify(config));
    const repeated = keys(second.measured).filter((key) => keys(first.measured).slice(0, 39).includes(key));
    assert.deepEqual(repeated, []);
    assert.equal(summary.tasks[0]?.resumed, 39);
    assert.ok(summary.tasks[0]?.defaultCost);
    assert.equal(parseRecords(readFileSync(file, 'utf8')).records.length, 59);
  });
});
