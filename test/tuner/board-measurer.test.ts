import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { runningChildren } from '../../boards/src/child.ts';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import {
  add,
  block,
  buffer,
  declare,
  assign,
  cast,
  i32,
  load,
  local,
  loop,
  mul,
  repeat,
  store,
  ix,
} from '../../compiler/src/loops/build.ts';
import type { Stmt } from '../../compiler/src/loops/ir.ts';
import type { LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import type { Scheduler, ScheduleSpace } from '../../compiler/src/schedule/task.ts';
import type { TuningRecord } from '../../compiler/src/records/record.ts';
import type { Reference } from '../../tuner/src/reference.ts';
import { tune } from '../../tuner/src/tune.ts';
import { emulatorIds, must, needTools, profileOf } from '../boards/support.ts';
import { makeTask, target } from './support.ts';

/** Adds one to 256 bytes, in good and bad ways. */
function kernelOf(way: string): Result<LoweredKernel> {
  const input = buffer('x', 'int8', 256);
  const output = buffer('y', 'int8', 256);
  const table = buffer('table', 'int8', 71_680);
  const ones = { dtype: 'int8', shape: [71_680], data: new Int8Array(71_680).fill(1) };
  const large = buffer('large', 'int8', way === 'too large' ? 5_000_000 : 64);
  const put = (at: Parameters<typeof store>[1], by: number): Stmt =>
    store(output, at, cast('int8', add(cast('int32', load(input, at)), i32(by))));
  const plain = loop('i', 256, (i) => put(i, 1));
  const sum = local('sum');
  const bodies: Record<string, Stmt> = {
    plain,
    'by four': loop('i', 64, (i) => block(repeat(4, (k) => put(add(mul(i, 4), k), 1)))),
    'the same as plain': plain,
    'large table': loop('i', 256, (i) =>
      store(output, i, cast('int8', add(cast('int32', load(input, i)), cast('int32', load(table, mul(i, 280)))))),
    ),
    'wrong answer': loop('i', 256, (i) => put(i, 2)),
    'forgets the last': loop('i', 255, (i) => put(i, 1)),
    'writes beyond': block(plain, store(output, 256, cast('int8', i32(7)))),
    'writes beyond scratch': block(plain, store(large, 64, cast('int8', i32(7)))),
    hangs: block(
      declare(sum, i32(1)),
      loop('i', 1 << 30, () => loop('j', 1 << 30, () => assign(sum, add(mul(sum, i32(3)), i32(1))))),
      store(output, 0, cast('int8', sum)),
    ),
    faults: store(output, ix(0x50000000), cast('int8', i32(1))),
    'too large': block(plain, store(large, 0, cast('int8', i32(1)))),
  };
  if (way === 'cannot lower') return fail('cannot-lower', 'no such schedule');
  return ok({
    name: 'add_one',
    inputs: [input],
    outputs: [output],
    constants: way === 'large table' ? [{ buffer: table, value: ones }] : [],
    scratch: way === 'too large' || way === 'writes beyond scratch' ? [large] : [],
    body: bodies[way] ?? plain,
    overlaps: [],
    flags: way === 'does not compile' ? ['-fno-such-flag'] : [],
    macs: 256,
    origin: [],
  });
}

const expected = {
  plain: 'ok',
  'wrong answer': 'wrong-answer',
  'forgets the last': 'wrong-answer',
  'writes beyond': 'wrong-answer',
  'writes beyond scratch': 'wrong-answer',
  hangs: 'timeout',
  faults: 'fault',
  'does not compile': 'compile-error',
  'cannot lower': 'cannot-lower',
  'too large': 'does-not-fit',
  'by four': 'ok',
  'large table': 'ok',
  'the same as plain': 'ok',
} as const;

const ways: ScheduleSpace = {
  template: 'ways',
  knobs: [{ name: 'way', summary: '', values: Object.keys(expected) }],
  default: { way: 'plain' },
  isValid: () => true,
  features: (config) => [Object.keys(expected).indexOf(String(config['way']))],
};
const scheduler: Scheduler = {
  spaceOf: () => ways,
  lower: (_fused, _target, config) => kernelOf(String(config['way'])),
};
const reference: Reference = (_task, [x]) => {
  const data = Int8Array.from({ length: 256 }, (_, i) => Number(x?.data[i] ?? 0) + 1);
  return ok([{ dtype: 'int8', shape: [256], data }]);
};

class Memory {
  readonly records: TuningRecord[] = [];
}

for (const name of ['mps2-an386', 'host']) {
  describe(`measuring candidates on ${name}`, function () {
    this.timeout(120_000);
    const board = profileOf(name);
    const options = { tasks: [{ task: makeTask('add-one', 256), weight: 1 }], board, target, scheduler, reference };

    it('compares every output, classifies every failure and goes on behind each', async function () {
      needTools(this, board);
      const memory = new Memory();
      const verdicts = new Map<string, string>();
      const seen = must(
        await tune({
          ...options,
          strategy: 'grid',
          trials: 13,
          batch: 13,
          firstLimitMs: 3000,
          records: {
            records: memory.records,
            append: (added: readonly TuningRecord[]) => {
              memory.records.push(...added);
              return ok(undefined);
            },
          },
        }),
      );
      assert.equal(seen.failure, undefined);
      assert.equal(seen.trials, 13);
      for (const record of memory.records) verdicts.set(String(record.config['way']), record.verdict);
      const want: Record<string, string> = { ...expected };
      // A native process has memory enough.
      if (name === 'host') want['too large'] = 'ok';
      assert.deepEqual(Object.fromEntries([...verdicts].sort()), Object.fromEntries(Object.entries(want).sort()));
      const [task] = seen.tasks;
      assert.ok(task?.bestCost && task.defaultCost && task.bestCost.value <= task.defaultCost.value);
      assert.equal(task.bestCost.provenance, board.provenance);
      const hashes = memory.records.filter((r) => /plain/.test(String(r.config['way']))).map((r) => [r.kernel, r.cost]);
      assert.deepEqual(hashes[0], hashes[1], 'equal kernels were measured apart');
      assert.equal(runningChildren().length, 0);
    });
  });
}

describe('a tuning session on the emulator', function () {
  this.timeout(120_000);
  const board = profileOf('mps2-an386');
  const options = { tasks: [{ task: makeTask('add-one', 256), weight: 1 }], board, target, scheduler, reference };

  it('goes on when the emulator is killed in the middle', async function () {
    needTools(this, board);
    if (process.platform !== 'linux') this.skip();
    let kills = 0;
    const summary = must(
      await tune({
        ...options,
        strategy: 'grid',
        trials: 12,
        batch: 4,
        onProgress: ({ trials }) => {
          if (trials !== 2 && trials !== 7) return;
          for (const id of emulatorIds()) {
            process.kill(id, 'SIGKILL');
            kills++;
          }
        },
      }),
    );
    assert.ok(kills > 0);
    assert.equal(summary.trials, 12);
    assert.equal(summary.failures['board-lost'], undefined);
    assert.equal(summary.failures['fault'], 1);
  });

  it('models cycles beside the same instructions, and tells the bytes of each kernel', async function () {
    needTools(this, board);
    const costs = new Map<string, TuningRecord[]>();
    for (const cost of ['timer', 'cycles'] as const) {
      const records: TuningRecord[] = [];
      const append = (added: readonly TuningRecord[]) => ok(void records.push(...added));
      const objective = { cost, bytePrice: 0 };
      const seen = must(
        await tune({ ...options, strategy: 'grid', trials: 1, objective, records: { records: [], append } }),
      );
      assert.equal(seen.tasks[0]?.bestCost?.unit, cost === 'timer' ? 'instructions' : 'cycles');
      costs.set(cost, records);
    }
    const [timer, cycles] = [costs.get('timer')?.[0], costs.get('cycles')?.[0]];
    assert.deepEqual(timer?.cost, cycles?.cost);
    assert.equal(timer?.cycles, undefined);
    assert.ok(cycles?.cycles && cycles.cost && cycles.cycles.value > cycles.cost.value);
    assert.ok(cycles.bytes && cycles.bytes.code > 8 && cycles.bytes.code < 1000);
  });

  it('stops at once when the user cancels, and leaves no process', async function () {
    needTools(this, board);
    const token = { isCancellationRequested: false };
    const summary = must(
      await tune({
        ...options,
        strategy: 'grid',
        trials: 12,
        token,
        onProgress: () => (token.isCancellationRequested = true),
      }),
    );
    assert.equal(summary.stopped, 'cancelled');
    assert.equal(runningChildren().length, 0);
  });

  it('names the package when the compiler or the emulator is missing', async () => {
    const gcc = await tune({ ...options, compilerPath: '/no/such/gcc' });
    assert.ok(!gcc.ok && gcc.error.remedy?.includes('gcc-arm-none-eabi'));
    const qemu = await tune({ ...options, emulatorPath: '/no/such/qemu' });
    assert.ok(!qemu.ok && qemu.error.remedy?.includes('qemu-system-arm'));
  });
});
