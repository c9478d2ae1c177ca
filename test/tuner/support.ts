/** A made-up task and scheduler, and a measurer that answers from a formula. */
import type { Candidate, Measurer, Parts, Prepared } from '../../tuner/src/measurer.ts';
import { ok, type Result } from '../../compiler/src/base/result.ts';
import type { LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import type { ScheduleConfig, Scheduler, ScheduleSpace, TuningTask } from '../../compiler/src/schedule/task.ts';
import type { Target } from '../../compiler/src/targets/target.ts';
import { funcType, tensorType } from '../../compiler/src/types/type.ts';

export const target: Target = {
  name: 'cortex-m4f',
  features: { dsp: true, fpu: true, bits: 32 },
  littleEndian: true,
};

export function makeTask(key: string, macs: number): TuningTask {
  const type = tensorType([256], 'int8');
  const x = { kind: 'var', name: 'x', type, origin: [] } as const;
  const func = {
    kind: 'func',
    type: funcType([type], type),
    params: [x],
    typeParams: [],
    body: x,
    attrs: {},
    origin: [],
  } as const;
  return { key, description: key, macs, fused: { name: key.replaceAll('-', '_'), func, anchor: undefined } };
}

const powers = [1, 2, 4, 8, 16, 32];

/** Six knobs, 6 · 6 · 6 · 4 · 2 · 2 points, some of them invalid. */
export const space: ScheduleSpace = {
  template: 'made_up',
  knobs: [
    { name: 'a', summary: '', values: powers },
    { name: 'b', summary: '', values: powers },
    { name: 'c', summary: '', values: powers },
    { name: 'd', summary: '', values: ['p', 'q', 'r', 's'] },
    { name: 'e', summary: '', values: [false, true] },
    { name: 'f', summary: '', values: [false, true] },
  ],
  default: { a: 1, b: 1, c: 1, d: 'p', e: false, f: false },
  isValid: (config) => Number(config['a']) * Number(config['b']) <= 256,
  features: (config) => [
    ...['a', 'b', 'c'].map((name) => Math.log2(Number(config[name]))),
    Math.log2(Number(config['a']) * Number(config['b'])),
    ...['p', 'q', 'r', 's'].map((value) => (config['d'] === value ? 1 : 0)),
    config['e'] === true ? 1 : 0,
    config['f'] === true ? 1 : 0,
  ],
};

/** A landscape with interactions; its least value is 1000 at a=8, b=4, c=16, d=r, e, not f. */
export function landscape(config: ScheduleConfig): number {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => Math.log2(Number(config[name]))) as [number, number, number];
  let cost = 1000 * (1 + 0.15 * (a - 3) ** 2 + 0.1 * (b - 2) ** 2 + 0.05 * (c - 4) ** 2 + 0.08 * Math.abs(a + b - 5));
  cost *= { p: 1.6, q: 1.3, r: 1, s: 1.15 }[String(config['d'])] ?? 1;
  if (config['e'] !== true) cost *= 1.25;
  if (config['f'] === true) cost *= config['e'] === true ? 1.1 : 0.95;
  return Math.round(cost);
}

const kernel: LoweredKernel = {
  name: 'k',
  inputs: [],
  outputs: [],
  constants: [],
  scratch: [],
  body: { kind: 'block', body: [] },
  overlaps: [],
  flags: [],
  macs: 1,
  origin: [],
};

export const scheduler: Scheduler = {
  spaceOf: () => space,
  lower: () => ok(kernel),
};

/** Measures by the landscape; points with a=32 and c=32 give wrong answers. */
export class FakeMeasurer implements Measurer {
  readonly board = 'mps2-an386';
  readonly compiler = 'cc 1.0';
  readonly clock = 25_000_000;
  readonly seed = 0;
  readonly measured: ScheduleConfig[] = [];
  /** Called before each run; may fail it. */
  before: () => Result<void> = () => ok(undefined);

  async prepare(task: TuningTask, candidates: readonly Candidate[], _parts: Parts): Promise<Result<Prepared>> {
    const scale = task.macs / 1000;
    const run: Prepared['run'] = async (_token, onTrial) => {
      const allowed = this.before();
      if (!allowed.ok) return allowed;
      await Promise.resolve();
      for (const { config } of candidates) {
        this.measured.push(config);
        const wrong = config['a'] === 32 && config['c'] === 32;
        const cost = { value: landscape(config) * scale, unit: 'instructions', provenance: 'emulated' } as const;
        // Blocks are unrolled: a point's code grows with them.
        const bytes = { code: 100 * Number(config['a']) * Number(config['b']), constants: 0 };
        const base = { config, kernel: 'h', flags: [], bytes };
        onTrial(wrong ? { ...base, verdict: 'wrong-answer', cost: null } : { ...base, verdict: 'ok', cost });
      }
      return ok(undefined);
    };
    return Promise.resolve(ok({ run }));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
