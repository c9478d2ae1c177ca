/** What the C emitter is told: calls, places in the arena, inputs and outputs. */
import { counted } from '../base/text.ts';
import type { KernelCall, ModuleSpec, ModuleTensor, Place } from '../emit/module.ts';
import type { FusedProgram, ProgramValue } from '../passes/program.ts';
import type { ArenaCall, ArenaPlan } from './arena.ts';
import type { ScheduledKernel } from './context.ts';
import { macsOf } from './report.ts';

/** What the C says about where it comes from. */
export interface ModuleSource {
  readonly lineOf?: ModuleSpec['lineOf'];
  /** The statements of the source that a kernel computes, as its comment shows them. */
  readonly statementsOf?: (kernel: ScheduledKernel) => readonly string[];
  /** Name of the processor that it was scheduled for. */
  readonly target?: string;
}

export function moduleSpec(
  name: string,
  program: FusedProgram,
  kernels: readonly ScheduledKernel[],
  arena: ArenaPlan,
  source: ModuleSource = {},
): ModuleSpec {
  const { lineOf, statementsOf = () => [], target } = source;
  const tensor = (value: ProgramValue): ModuleTensor => ({
    name: value.name,
    dtype: value.dtype,
    shape: value.shape,
    offset: arena.offsetOf(value),
  });
  return {
    name,
    ...(lineOf === undefined ? {} : { lineOf }),
    calls: arena.calls.map((call): KernelCall => {
      const { kernel, lowered, inputs, outputs, scratch, scalars, moves, turn } = call;
      const place = (offset: number): Place => ({ kind: 'arena', offset });
      return {
        kernel: lowered,
        inputs: inputs.map(place),
        outputs: outputs.map(place),
        scratch: scratch.map(place),
        scalars,
        moves,
        ...(turn === undefined ? {} : { turn }),
        comment: commentOf(kernels[kernel], call, statementsOf),
      };
    }),
    arenaBytes: arena.plan.arenaBytes,
    arenaPieces: arena.pieces,
    inputs: program.inputs.map(tensor),
    outputs: program.outputs.map(tensor),
    comment: [
      `${name}: ${counted(kernels.length, 'kernel')}, ${kernels.reduce((sum, k) => sum + macsOf(k), 0)} multiply-accumulates, ${arena.plan.arenaBytes} bytes of arena.`,
      `Made from a Relay program${target === undefined ? '' : ` for ${target}`}; what is changed here is lost when it is compiled again.`,
    ],
  };
}

function commentOf(
  kernel: ScheduledKernel | undefined,
  { turn }: ArenaCall,
  statementsOf: NonNullable<ModuleSource['statementsOf']>,
): readonly string[] {
  if (kernel === undefined) return [];
  const lines = [kernel.task.description, ...statementsOf(kernel), describeSchedule(kernel)];
  if (turn === undefined) return lines;
  const { turns, first, last } = turn.stream;
  return [...lines, `Computes some rows a call, in ${turns.length} turns with ${last - first} other kernel(s).`];
}

/** `template knob=value …`, for comments. */
export function describeSchedule(kernel: ScheduledKernel): string {
  const knobs = Object.entries(kernel.config).map(([key, value]) => `${key}=${value}`);
  return [`${kernel.choice} schedule ${kernel.template}`, ...knobs].join(' ');
}
