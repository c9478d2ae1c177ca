/** What the C emitter is told: calls, places in the arena, inputs and outputs. */
import type { ModuleSpec, ModuleTensor, Place } from '../emit/module.ts';
import type { FusedProgram, ProgramValue } from '../passes/program.ts';
import type { ArenaPlan } from './arena.ts';
import type { ScheduledKernel } from './context.ts';

export function moduleSpec(
  name: string,
  program: FusedProgram,
  kernels: readonly ScheduledKernel[],
  arena: ArenaPlan,
  lineOf?: ModuleSpec['lineOf'],
): ModuleSpec {
  const place = (value: ProgramValue): Place => ({ kind: 'arena', offset: arena.offsetOf(value) });
  const tensor = (value: ProgramValue): ModuleTensor => ({
    name: value.name,
    dtype: value.dtype,
    shape: value.shape,
    offset: arena.offsetOf(value),
  });
  return {
    name,
    ...(lineOf === undefined ? {} : { lineOf }),
    calls: kernels.map((kernel, k) => ({
      kernel: kernel.lowered,
      inputs: kernel.step.args.map(place),
      outputs: kernel.step.results.map(place),
      scratch: kernel.lowered.scratch.map((_, i): Place => ({ kind: 'arena', offset: arena.scratchOffset(k, i) })),
      comment: [kernel.task.description, describeSchedule(kernel)],
    })),
    arenaBytes: arena.plan.arenaBytes,
    inputs: program.inputs.map(tensor),
    outputs: program.outputs.map(tensor),
    comment: [
      `${name}: ${kernels.length} kernels, ${kernels.reduce((sum, k) => sum + k.lowered.macs, 0)} multiply-accumulates, ${arena.plan.arenaBytes} bytes of arena.`,
    ],
  };
}

/** `template knob=value …`, for comments. */
export function describeSchedule(kernel: ScheduledKernel): string {
  const knobs = Object.entries(kernel.config).map(([key, value]) => `${key}=${value}`);
  return [`${kernel.choice} schedule ${kernel.template}`, ...knobs].join(' ');
}
