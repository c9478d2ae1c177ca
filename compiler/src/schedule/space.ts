/** Building blocks of schedule spaces. */
import type { Func } from '../ir/expr.ts';
import type { Knob, RowAccess, ScheduleConfig, ScheduleSpace } from './task.ts';
import type { KernelParts, RowRange } from './templates/parts.ts';

/** A template that fits a function: its space and how a point of it becomes a kernel. */
export interface Fitted {
  readonly space: ScheduleSpace;
  lower(config: ScheduleConfig): KernelParts;
  /** Of templates that can compute some rows a call. */
  readonly rows?: FittedRows;
}

export interface FittedRows {
  readonly access: RowAccess;
  lower(config: ScheduleConfig, range: RowRange): KernelParts;
}

/** Compiler flags worth trying; gcc's scheduling before register allocation costs register-blocked code dearly. */
export const flagSets: readonly string[] = [
  '-O2 -fno-schedule-insns',
  '-O2 -fno-schedule-insns -fno-schedule-insns2',
  '-O3 -fno-schedule-insns',
  '-O2 -fno-schedule-insns -fno-ivopts',
  '-O2',
  '-Os -fno-schedule-insns',
];
export const defaultFlags = flagSets[0] ?? '';

/** Several tables are reached by an address each: a common one costs an addition for every look-up. */
export const ownAddresses = '-fno-section-anchors';

export const flagsKnob: Knob = { name: 'flags', summary: 'Compiler flags of the kernel’s file.', values: flagSets };

/** Log of a size, for a cost model. */
export const log = (n: number): number => Math.log2(n + 1);

/** One-hot of a knob's value; `values` are those of all tasks, so that rows of a template have one width. */
export function oneHot({ name, values }: Pick<Knob, 'name' | 'values'>, config: ScheduleConfig): number[] {
  return values.map((v) => (config[name] === v ? 1 : 0));
}

/** What results may be scaled with, in the tasks of all templates that scale. */
export const scalingKnob = { name: 'requantize', values: ['compact', 'high', 'sums'] } as const;

/** A space over knobs; `valid` and `features` see a complete configuration. */
export function spaceOver(
  template: string,
  knobs: readonly Knob[],
  chosen: ScheduleConfig,
  valid: (config: ScheduleConfig) => boolean,
  features: (config: ScheduleConfig) => readonly number[],
): ScheduleSpace {
  return {
    template,
    knobs,
    default: chosen,
    isValid: (config) => knobs.every((k) => k.values.some((v) => v === config[k.name])) && valid(config),
    features,
  };
}

/** Puts a template's inputs into the order of the function's parameters; undefined when some parameter is not read. */
export function inParameterOrder(
  parts: KernelParts,
  func: Func,
  variables: readonly Func['params'][number][],
): KernelParts | undefined {
  const order = func.params.map((p) => variables.indexOf(p));
  if (order.some((i) => i < 0) || order.length !== parts.inputs.length) return undefined;
  const inputs = order.map((i) => parts.inputs[i]).filter((b) => b !== undefined);
  const overlaps = parts.overlaps.map((o) => ({ ...o, input: order.indexOf(o.input) }));
  return { ...parts, inputs, overlaps };
}
