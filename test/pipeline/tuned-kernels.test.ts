import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { cheapestWithin, type Option } from '../../compiler/src/base/knapsack.ts';
import { compileModel, type CompiledModel, type CompileRequest } from '../../compiler/src/pipeline/compile.ts';
import type { ScheduleChoice } from '../../compiler/src/pipeline/context.ts';
import { defaultCodePrice } from '../../compiler/src/pipeline/light-kernels.ts';
import { defaultCodeLimit } from '../../compiler/src/pipeline/tuned-kernels.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import type { TuningTask } from '../../compiler/src/schedule/task.ts';
import { cortexM4 } from '../schedule/functions.ts';

/** Two products of the same task behind one of another shape. */
const text = `#[version = "0.0.5"]
def @main(%x: Tensor[(4, 32, 32), float32], %w: Tensor[(4, 32, 32), float32], %v: Tensor[(4, 32, 8), float32]) {
  %0 = nn.batch_matmul(%x, %w);
  %1 = nn.batch_matmul(%0, %w);
  nn.batch_matmul(%1, %v)
}
`;

type Recorded = ReadonlyMap<string, readonly ScheduleChoice[]>;

function compiled(records: Recorded = new Map(), more: Partial<CompileRequest> = {}): CompiledModel {
  const choicesFor = ({ key }: TuningTask): readonly ScheduleChoice[] => records.get(key) ?? [];
  const configFor = (task: TuningTask) => choicesFor(task)[0]?.config;
  const request = { text, target: cortexM4, name: 'm', choicesFor, configFor, ...more };
  const result = compileModel(request);
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value;
}

const untuned = compiled();
const twice = untuned.kernels[0]!;
const once = untuned.kernels[2]!;

/** Schedules of a kernel with made-up costs and bytes, the untuned one and others of its space. */
function choices(
  { task, config }: typeof twice,
  own: readonly [cost: number, code: number],
  other: readonly [cost: number, code: number],
): readonly ScheduleChoice[] {
  const flags = scheduler.spaceOf(task, cortexM4).knobs.find((k) => k.name === 'flags')?.values ?? [];
  const changed = { ...config, flags: flags.find((f) => f !== config['flags']) ?? '' };
  return [
    { config, cost: own[0], bytes: { code: own[1], constants: 0 } },
    { config: changed, cost: other[0], bytes: { code: other[1], constants: 0 } },
  ].sort((a, b) => a.cost - b.cost);
}

/** What the chosen schedules cost and take by the records, code of a task counted once. */
function totals({ kernels }: CompiledModel, records: Recorded): { readonly cost: number; readonly code: number } {
  let cost = 0;
  const code = new Map<string, number>();
  for (const { task, config } of kernels) {
    const choice = records.get(task.key)?.find((c) => JSON.stringify(c.config) === JSON.stringify(config));
    cost += choice?.cost ?? NaN;
    code.set(task.key, choice?.bytes?.code ?? NaN);
  }
  return { cost, code: [...code.values()].reduce((a, b) => a + b, 0) };
}

describe('recorded schedules of a program', () => {
  it('count the code that calls of one task share once', () => {
    assert.equal(twice.task.key, untuned.kernels[1]?.task.key);
    const records = new Map([
      [twice.task.key, choices(twice, [101_000, 500], [100_000, 3000])],
      [once.task.key, choices(once, [1000, 500], [1000, 600])],
    ]);
    // 2,500 bytes are worth 1,256 here: more than one call saves, less than two do.
    assert.deepEqual(totals(compiled(records), records), { cost: 201_000, code: 3500 });
  });

  it('stay within the limit of code, unless a price is asked for', () => {
    const records = new Map([
      [twice.task.key, choices(twice, [110_000, 4000], [80_000, 14_000])],
      [once.task.key, choices(once, [100_000, 4000], [60_000, 14_000])],
    ]);
    // Each would pay alone; within the limit, the one that saves more does.
    assert.deepEqual(totals(compiled(records), records), { cost: 2 * 80_000 + 100_000, code: 18_000 });
    const priced = compiled(records, { codePrice: defaultCodePrice });
    assert.equal(totals(priced, records).code, 28_000);
    assert.equal(totals(compiled(records, { codePrice: 0 }), records).code, 28_000);
  });

  it('may take as much code as untuned ones where those are above the limit', () => {
    const records = new Map([
      [twice.task.key, choices(twice, [110_000, defaultCodeLimit], [80_000, defaultCodeLimit + 2000])],
      [once.task.key, choices(once, [100_000, 4000], [90_000, 3000])],
    ]);
    assert.deepEqual(totals(compiled(records), records), { cost: 2 * 110_000 + 90_000, code: defaultCodeLimit + 3000 });
  });

  it('are never slower in all than untuned ones, unless a price is asked for', () => {
    const records = new Map([
      [twice.task.key, choices(twice, [100_000, 6000], [100_500, 600])],
      [once.task.key, choices(once, [50_000, 3000], [49_900, 3000])],
    ]);
    assert.deepEqual(totals(compiled(records), records), { cost: 249_900, code: 9000 });
    assert.equal(totals(compiled(records, { codePrice: defaultCodePrice }), records).code, 3600);
    // What one kernel saves another may give for less code.
    const saving = new Map(records).set(once.task.key, choices(once, [50_000, 3000], [45_000, 3000]));
    assert.deepEqual(totals(compiled(saving), saving), { cost: 246_000, code: 3600 });
  });

  it('are not slower in all than untuned ones for any records', () => {
    const pair = fc.tuple(fc.integer({ min: 1000, max: 200_000 }), fc.integer({ min: 100, max: 30_000 }));
    fc.assert(
      fc.property(pair, pair, pair, pair, (a, b, c, d) => {
        const records = new Map([
          [twice.task.key, choices(twice, a, b)],
          [once.task.key, choices(once, c, d)],
        ]);
        const { cost, code } = totals(compiled(records, { arenaBudget: 'untuned' }), records);
        assert.ok(cost <= 2 * a[0] + c[0]);
        assert.ok(code <= Math.max(defaultCodeLimit, a[1] + c[1]));
      }),
      { numRuns: 25 },
    );
  });
});

describe('a choice within a limit', () => {
  it('is the best there is', () => {
    const option = fc.record({ value: fc.integer({ min: 0, max: 50 }), weight: fc.integer({ min: 0, max: 30 }) });
    const groups = fc.array(fc.array(option, { minLength: 1, maxLength: 4 }), { maxLength: 5 });
    const all = ([first, ...rest]: readonly (readonly Option[])[]): readonly (readonly Option[])[] =>
      first === undefined ? [[]] : first.flatMap((o) => all(rest).map((others) => [o, ...others]));
    const sum = (options: readonly (Option | undefined)[], of: keyof Option): number =>
      options.reduce((total, o) => total + (o?.[of] ?? NaN), 0);
    fc.assert(
      fc.property(groups, fc.integer({ min: 0, max: 120 }), (given, limit) => {
        const fitting = all(given).filter((options) => sum(options, 'weight') <= limit);
        const chosen = cheapestWithin(given, limit)?.map((index, g) => given[g]?.[index]);
        if (fitting.length === 0) return assert.equal(chosen, undefined);
        assert.ok(chosen && sum(chosen, 'weight') <= limit);
        assert.equal(sum(chosen, 'value'), Math.min(...fitting.map((options) => sum(options, 'value'))));
      }),
    );
  });

  it('keeps limits that are counted coarsely', () => {
    const groups = Array.from({ length: 40 }, (_, g) => [
      { value: 100 + g, weight: 1000 },
      { value: 10, weight: 300_001 + g },
    ]);
    const chosen = cheapestWithin(groups, 3_500_000) ?? [];
    assert.ok(chosen.reduce((total, i, g) => total + (groups[g]?.[i]?.weight ?? NaN), 0) <= 3_500_000);
    assert.ok(chosen.filter((i) => i === 1).length >= 11);
  });
});
