/** All templates behind one `Scheduler`: the first that fits a function, else the operators' own meaning. */
import { fail, ok, type Result } from '../base/result.ts';
import type { Func } from '../ir/expr.ts';
import type { LoweredKernel } from '../loops/kernel.ts';
import { lowerGeneric } from '../loops/lower.ts';
import type { Target } from '../targets/target.ts';
import { fitConv, fitTailed } from './conv-space.ts';
import { parseAdd, parseConv } from './parse.ts';
import { fitFilter, fitTransposed, parseFilter } from './float/space.ts';
import { parseTransposed } from './float/transposed.ts';
import { parseMatmul } from './matmul-problem.ts';
import { fitMatmul } from './matmul-space.ts';
import { fitPointwise, parsePointwise } from './pointwise-space.ts';
import { fitPool, parsePool } from './pool-space.ts';
import { genericSpace, scheduleGeneric } from './primitives/generic.ts';
import { inParameterOrder, log, ownAddresses, spaceOver, type Fitted } from './space.ts';
import type { FusedFunction, Knob, ScheduleConfig, ScheduleSpace, Scheduler } from './task.ts';
import { parseTailed } from './tailed.ts';
import { lowerAdd } from './templates/add.ts';
import { sumTables } from './templates/epilogue.ts';
import { rowRange } from './templates/parts.ts';
import { fitQuantisedTransposed, parseQuantisedTransposed } from './transposed-space.ts';

/** By whether the processor has the DSP instructions, and floating point. */
const caches = new Map<string, WeakMap<Func, Fitted | 'none'>>();

/** A host takes the DSP schedules too, in portable C: what runs there is what a board runs. */
function hasDsp(target: Target): boolean {
  return target.features.dsp || target.features.bits === 64;
}

/** The template that fits; parsed once a function. */
function fit(func: Func, target: Target): Fitted | undefined {
  if (!target.littleEndian) return undefined;
  const dsp = hasDsp(target);
  const { fpu } = target.features;
  const kind = `${dsp} ${fpu}`;
  const cache = caches.get(kind) ?? new WeakMap<Func, Fitted | 'none'>();
  caches.set(kind, cache);
  const known = cache.get(func);
  if (known) return known === 'none' ? undefined : known;
  const fitted = findTemplate(func, dsp, fpu);
  cache.set(func, fitted ?? 'none');
  return fitted;
}

function findTemplate(func: Func, dsp: boolean, fpu: boolean): Fitted | undefined {
  const conv = parseConv(func);
  if (conv) return fitConv(conv, func, dsp);
  const upsampling = parseQuantisedTransposed(func);
  if (upsampling) return fitQuantisedTransposed(upsampling, func, dsp);
  const pool = parsePool(func);
  if (pool) return fitPool(pool, dsp);
  const tailed = parseTailed(func);
  if (tailed) return fitTailed(tailed, dsp);
  const filter = fpu ? parseFilter(func) : undefined;
  if (filter) return fitFilter(filter);
  const transposed = fpu ? parseTransposed(func) : undefined;
  if (transposed) return fitTransposed(transposed);
  const product = parseMatmul(func);
  if (product) return fitMatmul(product, dsp, fpu);
  const sum = parseAdd(func);
  if (!sum) {
    const pointwise = parsePointwise(func);
    return pointwise ? fitPointwise(func, pointwise) : undefined;
  }
  const same = sum.own === sum.other;
  const variables = same ? [sum.own] : [sum.own, sum.other];
  if (func.params.length !== variables.length) return undefined;
  const hasTables = sumTables(sum.residual) !== undefined;
  const knobs: Knob[] = [
    { name: 'unroll', summary: 'Elements in a turn of the loop.', values: [1, 2, 4, 8] },
    { name: 'words', summary: 'Four elements are read as one word.', values: [true, false] },
    {
      name: 'tables',
      summary: 'Both sides are looked up in tables of 512 bytes, or computed.',
      values: hasTables ? [true, false] : [false],
    },
    {
      name: 'flags',
      summary: 'Compiler flags of the kernel’s file.',
      values: [`-O2 ${ownAddresses}`, '-O2', '-O3', '-Os'],
    },
  ];
  const chosen = { unroll: hasTables ? 8 : 4, words: !hasTables, tables: hasTables, flags: `-O2 ${ownAddresses}` };
  const valid = (c: ScheduleConfig): boolean => c['words'] !== true || Number(c['unroll']) % 4 === 0;
  const features = (c: ScheduleConfig): readonly number[] => [
    log(sum.length),
    Number(c['unroll']),
    c['words'] ? 1 : 0,
    c['tables'] ? 1 : 0,
    c['flags'] === '-O2' ? 1 : 0,
  ];
  return {
    space: spaceOver('qnn_add', knobs, chosen, valid, features),
    lower: (c) => {
      const parts = lowerAdd(
        sum.residual,
        sum.length,
        { unroll: Number(c['unroll']), words: c['words'] === true, tables: c['tables'] === true },
        same,
      );
      return inParameterOrder(parts, func, variables) ?? parts;
    },
  };
}

function flagsOf(config: ScheduleConfig): readonly string[] {
  return String(config['flags'] ?? '-O2').split(' ');
}

/** Schedules every fused function whose operators have a loop form. */
export const scheduler: Scheduler = {
  spaceOf: (task, target) => fit(task.fused.func, target)?.space ?? genericSpace,
  lower: (fused, target, config) => lowerFused(fused, target, config),
  rowsOf: (fused, target) => fit(fused.func, target)?.rows?.access,
  lowerRows(fused, target, config, most) {
    const fitted = fit(fused.func, target);
    if (fitted?.rows === undefined || !fitted.space.isValid(config))
      return misfit(fused, config, fitted?.space ?? genericSpace);
    const parts = fitted.rows.lower(config, rowRange(most));
    return ok({ ...parts, name: fused.name, flags: flagsOf(config), origin: originOf(fused.func) });
  },
};

function lowerFused(fused: FusedFunction, target: Target, config: ScheduleConfig): Result<LoweredKernel> {
  const fitted = fit(fused.func, target);
  if (!fitted) {
    if (!genericSpace.isValid(config)) return misfit(fused, config, genericSpace);
    const lowered = lowerGeneric(fused.name, fused.func, flagsOf(config));
    return lowered.ok ? ok(scheduleGeneric(lowered.value, config, hasDsp(target)).kernel) : lowered;
  }
  if (!fitted.space.isValid(config)) return misfit(fused, config, fitted.space);
  const parts = fitted.lower(config);
  return ok({ ...parts, name: fused.name, flags: flagsOf(config), origin: originOf(fused.func) });
}

function misfit(fused: FusedFunction, config: ScheduleConfig, space: ScheduleSpace): Result<never> {
  return fail(
    'schedule-misfit',
    `The schedule ${JSON.stringify(config)} is no valid point of ${space.template} for ${fused.name}.`,
    'Tune the function again, or leave its record out to use the default schedule.',
  );
}

function originOf(func: Func): LoweredKernel['origin'] {
  return func.origin.length > 0 ? func.origin : func.body.origin;
}
