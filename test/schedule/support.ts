/** Holds a scheduled function against the operators: default and random points of its space. */
import assert from 'node:assert/strict';
import { runKernel } from '../../compiler/src/emit/js.ts';
import { verifyKernel } from '../../compiler/src/loops/verify.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import type { FusedFunction, ScheduleConfig, ScheduleSpace } from '../../compiler/src/schedule/task.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import { isFloat } from '../../compiler/src/tensor/dtype.ts';
import { cortexM4, evaluated, inputsFor, random } from './functions.ts';

/** The default and a few random points. */
export function someConfigs(space: ScheduleSpace, count: number, seed: number): ScheduleConfig[] {
  const next = random(seed);
  const configs = [space.default];
  for (let tries = 0; configs.length < count && tries < 200; tries++) {
    const config = Object.fromEntries(space.knobs.map((k) => [k.name, k.values[next(k.values.length)] ?? 0]));
    if (space.isValid(config)) configs.push(config);
  }
  return configs;
}

export interface CheckOptions {
  readonly count?: number;
  readonly target?: typeof cortexM4;
  /** What integers may be off by, where floats were rounded to them. */
  readonly integerError?: number;
}

/** Integers exactly, floats within 1e-5 of the largest magnitude. */
export function checkSchedules(fused: FusedFunction, template: string, options: CheckOptions = {}): void {
  const target = options.target ?? cortexM4;
  const space = scheduler.spaceOf(extractTask(fused), target);
  assert.equal(space.template, template);
  assert.ok(space.isValid(space.default), `default ${JSON.stringify(space.default)} is a valid point`);
  const inputs = inputsFor(fused.func, 17);
  const expected = evaluated(fused.func, inputs)[0];
  assert.ok(expected);
  const wanted = Array.from(expected.data as ArrayLike<number | bigint>, Number);
  const largest = wanted.reduce((m, v) => Math.max(m, Number.isFinite(v) ? Math.abs(v) : 0), 0);
  const error = isFloat(expected.dtype) ? 1e-5 * largest : (options.integerError ?? 0);
  for (const config of someConfigs(space, options.count ?? 6, 99)) {
    const kernel = scheduler.lower(fused, target, config);
    assert.ok(kernel.ok, kernel.ok ? '' : kernel.error.message);
    assert.deepEqual(verifyKernel(kernel.value), []);
    const data = inputs.map((i) => i.data);
    const [actual] = runKernel(kernel.value, data) as unknown as [ArrayLike<number>];
    assert.equal(actual.length, wanted.length);
    wanted.forEach((v, i) => {
      const found = Number(actual[i]);
      const close = Object.is(found, v) || Math.abs(found - v) <= error;
      assert.ok(close, `element ${i} is ${found} in place of ${v}, ${JSON.stringify(config)}`);
    });
    assert.equal(space.features(config).length, space.features(space.default).length);
  }
}
