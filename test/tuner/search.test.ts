import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { builtinProfiles } from '../../boards/src/profile.ts';
import { fail, ok } from '../../compiler/src/base/result.ts';
import { configKey, type ScheduleConfig, type ScheduleSpace } from '../../compiler/src/schedule/task.ts';
import { nextTask } from '../../tuner/src/allocate.ts';
import { createRandom } from '../../tuner/src/prng.ts';
import { configAt, spaceSize, validConfigs } from '../../tuner/src/space.ts';
import { findStrategy, strategies } from '../../tuner/src/strategies/index.ts';
import { fitTrees } from '../../tuner/src/trees.ts';
import { tune, type TuneOptions, type TuneProgress } from '../../tuner/src/tune.ts';
import { must } from '../boards/support.ts';
import { FakeMeasurer, landscape, makeTask, scheduler, space, target } from './support.ts';

const board = builtinProfiles[0]!;

async function session(options: Partial<TuneOptions>, measurer = new FakeMeasurer()) {
  const tasks = [{ task: makeTask('only', 1000), weight: 1 }];
  const summary = must(await tune({ tasks, board, target, scheduler, measurer, trials: 64, ...options }));
  return { summary, measurer };
}

describe('boosted trees', () => {
  it('learn a surface with interactions', () => {
    const random = createRandom(7);
    const rows = Array.from({ length: 300 }, () => [random.next(), random.next(), random.next()]);
    const truth = ([a = 0, b = 0, c = 0]: readonly number[]): number => (a > 0.5 ? 2 * b : -b) + 0.3 * c;
    const model = fitTrees(rows, rows.map(truth), random);
    let error = 0;
    let spread = 0;
    for (let i = 0; i < 200; i++) {
      const row = [random.next(), random.next(), random.next()];
      error += (model.predict(row) - truth(row)) ** 2;
      spread += truth(row) ** 2;
    }
    assert.ok(error < 0.1 * spread, `error ${error} of ${spread}`);
  });

  it('stay finite on any data', () => {
    const row = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(fc.array(fc.tuple(row, fc.double({ noNaN: true, min: -50, max: 50 })), { maxLength: 30 }), (data) => {
        const model = fitTrees(
          data.map(([r]) => r),
          data.map(([, t]) => t),
          createRandom(1),
          { trees: 8 },
        );
        assert.ok(Number.isFinite(model.predict([0, 0])));
      }),
      { numRuns: 50 },
    );
  });
});

describe('search strategies', () => {
  for (const strategy of strategies) {
    it(`${strategy.name} proposes each valid point once and then ends`, () => {
      const small: ScheduleSpace = { ...space, knobs: space.knobs.slice(0, 3), default: { a: 1, b: 1, c: 1 } };
      const context = { task: 't', space: small, seed: 3, experience: [] };
      const searcher = strategy.create(context);
      const seen = new Set<string>();
      for (;;) {
        const proposed = searcher.propose(7);
        if (proposed.length === 0) break;
        for (const config of proposed) {
          assert.ok(small.isValid(config));
          assert.ok(!seen.has(configKey(config)), 'proposed twice');
          seen.add(configKey(config));
        }
        searcher.observe(proposed.map((config) => ({ config, cost: landscape({ ...space.default, ...config }) })));
      }
      assert.equal(seen.size, validConfigs(small, 1e6)?.length);
    });

    it(`${strategy.name} repeats itself with the same seed`, async () => {
      const [first, second] = await Promise.all([
        session({ strategy: strategy.name, seed: 5 }),
        session({ strategy: strategy.name, seed: 5 }),
      ]);
      assert.deepEqual(first.measurer.measured, second.measurer.measured);
    });
  }

  it('the guided search finds better points than random search with the same trials', async () => {
    let [guided, blind] = [0, 0];
    for (let seed = 0; seed < 5; seed++) {
      const [model, random] = await Promise.all([
        session({ strategy: 'model', seed, trials: 128 }),
        session({ strategy: 'random', seed, trials: 128 }),
      ]);
      guided += model.summary.tasks[0]?.bestCost?.value ?? Number.POSITIVE_INFINITY;
      blind += random.summary.tasks[0]?.bestCost?.value ?? Number.POSITIVE_INFINITY;
    }
    assert.ok(guided < 0.97 * blind, `guided ${guided / 5}, random ${blind / 5}`);
    assert.ok(guided / 5 < 1100, `guided ${guided / 5} of 1000`);
  });

  it('spaces too large to list are searched too', async () => {
    const knobs = Array.from({ length: 20 }, (_, i) => ({ name: `k${i}`, summary: '', values: [0, 1, 2, 3] }));
    const large: ScheduleSpace = {
      template: 'large',
      knobs,
      default: Object.fromEntries(knobs.map((knob) => [knob.name, 0])),
      isValid: () => true,
      features: (config) => knobs.map((knob) => Number(config[knob.name])),
    };
    const cost = (config: Readonly<Record<string, unknown>>): number =>
      1000 + knobs.reduce((sum, knob, i) => sum + 20 * Math.abs(Number(config[knob.name]) - (i % 4)), 0);
    const result = new Map<string, number>();
    for (const name of ['model', 'random']) {
      const searcher = must(findStrategy(name)).create({ task: 't', space: large, seed: 1, experience: [] });
      let best = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 10; round++) {
        const proposed = searcher.propose(16);
        assert.equal(proposed.length, 16);
        for (const config of proposed) best = Math.min(best, cost(config));
        searcher.observe(proposed.map((config) => ({ config, cost: cost(config) })));
      }
      result.set(name, best);
    }
    assert.ok((result.get('model') ?? 0) < (result.get('random') ?? 0) - 80, JSON.stringify([...result]));
  });

  it('an unknown name lists the known ones', async () => {
    const result = await tune({ tasks: [], board, target, scheduler, strategy: 'magic' });
    assert.ok(!result.ok && /model, random, grid/.test(result.error.remedy ?? ''));
  });

  it('number every point of a space', () => {
    const keys = new Set(Array.from({ length: spaceSize(space) }, (_, i) => configKey(configAt(space, i))));
    assert.equal(keys.size, spaceSize(space));
  });
});

describe('a tuning session', () => {
  it('measures the default first, counts trials and failures, and reports progress', async () => {
    const events: TuneProgress[] = [];
    const { summary, measurer } = await session({
      trials: 40,
      strategy: 'random',
      onProgress: (event) => events.push(event),
    });
    assert.deepEqual(measurer.measured[0], space.default);
    assert.equal(summary.trials, 40);
    assert.equal(summary.stopped, 'trials');
    assert.deepEqual(
      events.map((event) => event.trials),
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
    const last = events.at(-1);
    assert.ok(last && last.bestTotal < last.defaultTotal && last.secondsLeft === 0);
    assert.equal(summary.tasks[0]?.defaultCost?.value, landscape(space.default));
    assert.ok(measurer.measured.every((config) => space.isValid(config)));
  });

  it('never selects a kernel whose output was wrong', async () => {
    const { summary, measurer } = await session({ strategy: 'grid', trials: 4000 });
    assert.equal(summary.stopped, 'space');
    assert.equal(
      summary.failures['wrong-answer'],
      measurer.measured.filter((c) => c['a'] === 32 && c['c'] === 32).length,
    );
    assert.equal(summary.tasks[0]?.bestCost?.value, 1000);
    assert.deepEqual(summary.tasks[0]?.bestConfig, { a: 8, b: 4, c: 16, d: 'r', e: true, f: false });
  });

  it('prefers a little slower kernel of much less code when bytes have a price', async () => {
    const all = { strategy: 'grid', trials: 4000 } as const;
    const free = await session(all);
    const priced = await session({ ...all, objective: { cost: 'timer', bytePrice: 0.3 } });
    const [fast, small] = [free.summary.tasks[0], priced.summary.tasks[0]];
    const code = (config: ScheduleConfig | null | undefined): number => Number(config?.['a']) * Number(config?.['b']);
    assert.ok(code(small?.bestConfig) < code(fast?.bestConfig));
    assert.ok((small?.bestCost?.value ?? 0) > (fast?.bestCost?.value ?? Infinity));
  });

  it('spends no trial on kernels that need more scratch memory than there is', async () => {
    const lower: typeof scheduler.lower = (fused, processor, config) => {
      const lowered = scheduler.lower(fused, processor, config);
      const scratch = { name: 's', dtype: 'int8', length: 100 * Number(config['b']), align: 1 } as const;
      return lowered.ok ? ok({ ...lowered.value, scratch: [scratch] }) : lowered;
    };
    const tasks = [{ task: makeTask('only', 1000), weight: 1, scratch: 250 }];
    const { summary, measurer } = await session({ tasks, scheduler: { ...scheduler, lower } });
    assert.equal(summary.trials, 64);
    assert.ok(measurer.measured.every((config) => Number(config['b']) <= 2));
  });

  it('starts from what an untuned build takes', async () => {
    const start = { a: 4, b: 4, c: 4, d: 'q', e: false, f: false };
    const { summary, measurer } = await session({ tasks: [{ task: makeTask('only', 1000), weight: 1, start }] });
    assert.deepEqual(measurer.measured[0], start);
    assert.equal(summary.tasks[0]?.defaultCost?.value, landscape(start));
  });

  it('spends trials on the tasks that matter, after each had its default measured', async () => {
    const tasks = [
      { task: makeTask('small', 1000), weight: 1 },
      { task: makeTask('huge', 200_000), weight: 2 },
      { task: makeTask('middle', 20_000), weight: 1 },
    ];
    const { summary } = await session({ tasks, trials: 150 });
    assert.ok(summary.tasks.every((task) => task.defaultCost !== null));
    const trials = new Map(summary.tasks.map((task) => [task.key, task.trials]));
    assert.ok((trials.get('huge') ?? 0) > 2 * (trials.get('small') ?? 0), JSON.stringify([...trials]));
  });

  it('measures every default even with few trials', async () => {
    const tasks = ['a', 'b', 'c', 'd', 'e'].map((key) => ({ task: makeTask(key, 1000), weight: 1 }));
    const { summary } = await session({ tasks, trials: 20 });
    assert.ok(summary.tasks.every((task) => task.defaultCost !== null));
  });

  it('reaches every task of a large program with few trials', async () => {
    const tasks = Array.from({ length: 30 }, (_, i) => ({ task: makeTask(`task-${i}`, 1000 + i), weight: 1 }));
    const { summary } = await session({ tasks, trials: 64 });
    assert.ok(summary.tasks.every((task) => task.defaultCost !== null));
  });

  it('treats tasks with the same key as one', async () => {
    const tasks = [makeTask('same', 1000), makeTask('same', 1000)].map((task) => ({ task, weight: 1 }));
    const { summary } = await session({ tasks });
    assert.deepEqual(
      summary.tasks.map(({ key, weight }) => [key, weight]),
      [['same', 2]],
    );
  });

  it('ends with a summary when the user cancels or the board is gone', async () => {
    const token = { isCancellationRequested: false };
    const cancelled = await session({
      token,
      onProgress: ({ trials }) => (token.isCancellationRequested = trials >= 20),
    });
    assert.equal(cancelled.summary.stopped, 'cancelled');
    assert.ok(cancelled.summary.trials < 64 && cancelled.summary.tasks[0]?.bestCost);
    const measurer = new FakeMeasurer();
    let runs = 0;
    measurer.before = () => (++runs > 2 ? fail('board-lost', 'The board closed the connection.') : ok(undefined));
    const lost = await session({}, measurer);
    assert.equal(lost.summary.stopped, 'failed');
    assert.equal(lost.summary.failure?.code, 'board-lost');
    assert.ok(lost.summary.trials > 0);
  });

  it('gives a task without any success a chance, and then up', () => {
    const base = { template: 'one', weight: 1, work: 1000, sinceBest: 0, exhausted: false };
    assert.equal(
      nextTask([
        { ...base, trials: 0, best: undefined },
        { ...base, trials: 10, best: 100 },
      ]),
      0,
    );
    assert.equal(nextTask([{ ...base, trials: 5, best: 100, exhausted: true }]), undefined);
    assert.equal(nextTask([{ ...base, trials: 5, best: 0 }]), 0, 'a run too short for the clock');
  });
});
