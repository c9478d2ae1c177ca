/** What a build costs: flash, RAM and work, in total and by layer. All figures are computed from the program. */
import { elementBytes } from '../tensor/dtype.ts';
import type { Origin } from '../ir/expr.ts';
import { operatorName } from '../ir/build.ts';
import { operatorRegistry } from '../operators/registry.ts';
import type { FusedProgram } from '../passes/program.ts';
import type { PlanProof } from '../memory/plan.ts';
import type { EmittedModule } from '../emit/module.ts';
import { bytesOf } from './arena.ts';
import type { ArenaPlan } from './arena.ts';
import type { ScheduledKernel } from './context.ts';

export interface LayerReport {
  readonly name: string;
  readonly description: string;
  readonly task: string;
  readonly template: string;
  readonly choice: 'tuned' | 'default';
  readonly config: Readonly<Record<string, number | string | boolean>>;
  readonly macs: number;
  readonly constantBytes: number;
  readonly scratchBytes: number;
  readonly inputs: readonly TensorReport[];
  readonly outputs: readonly TensorReport[];
  readonly origin: Origin;
}

export interface StreamReport {
  readonly kernels: readonly string[];
  readonly turns: number;
  /** Rows of the last kernel's output that a turn computes. */
  readonly rows: number;
  readonly windows: readonly { readonly name: string; readonly bytes: number; readonly wholeBytes: number }[];
}

export interface TensorReport {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
}

export interface BuildReport {
  readonly name: string;
  readonly target: string;
  readonly macs: number;
  /** Bytes of constants in flash; code is known after the C compiler ran. */
  readonly constantBytes: number;
  readonly arena: {
    readonly bytes: number;
    /** Bytes in each memory region that holds a part of it. */
    readonly regions: readonly number[];
    /** No arena of these kernels in this order can be smaller. */
    readonly lowerBound: number;
    readonly optimal: boolean;
    /** How the bound is proved to be met; absent where a gap is left. */
    readonly proof?: PlanProof;
    /** The kernel at which memory is tightest, and what lives then. */
    readonly peak: {
      readonly kernel: string;
      /** What lives there, less what may share memory: no arena can be smaller. */
      readonly bytes: number;
      readonly buffers: readonly { readonly name: string; readonly bytes: number }[];
    };
    readonly scratchBytes: number;
    /** Groups of kernels that run in turns, some rows each, with the windows they hold in place of tensors. */
    readonly streams: readonly StreamReport[];
  };
  readonly inputs: readonly TensorReport[];
  readonly outputs: readonly TensorReport[];
  readonly layers: readonly LayerReport[];
}

/** Gathers the report of a finished build. */
export function reportOf(
  name: string,
  target: string,
  program: FusedProgram,
  kernels: readonly ScheduledKernel[],
  arena: ArenaPlan,
  emitted: EmittedModule,
): BuildReport {
  const called = new Map(arena.calls.map((c) => [c.kernel, c.lowered]));
  const layers = kernels.map((kernel, k) => layerOf({ ...kernel, lowered: called.get(k) ?? kernel.lowered }));
  const { plan } = arena;
  return {
    name,
    target,
    macs: layers.reduce((sum, l) => sum + l.macs, 0),
    constantBytes: emitted.constantBytes,
    arena: {
      bytes: arena.pieces.reduce((sum, p) => sum + p.bytes, 0),
      regions: arena.pieces.map((p) => p.bytes),
      lowerBound: plan.lowerBound,
      optimal: plan.optimal,
      ...(plan.proof === undefined ? {} : { proof: plan.proof }),
      peak: {
        kernel: kernels[Math.min(plan.peak.step, kernels.length - 1)]?.lowered.name ?? '',
        bytes: plan.peak.bytes,
        buffers: plan.peak.buffers.map((i) => ({
          name: arena.buffers[i]?.name ?? '',
          bytes: arena.buffers[i]?.bytes ?? 0,
        })),
      },
      scratchBytes: Math.max(0, ...layers.map((l) => l.scratchBytes)),
      streams: arena.streams.map(({ first, last, turns, turnRows, windows }) => ({
        kernels: layers.slice(first, last + 1).map((l) => l.name),
        turns: turns.length,
        rows: turnRows,
        windows: [...windows].map(([v, bytes]) => ({ name: v.name, bytes, wholeBytes: bytesOf(v) })),
      })),
    },
    inputs: program.inputs.map(tensorOf),
    outputs: program.outputs.map(tensorOf),
    layers,
  };
}

function tensorOf(value: FusedProgram['inputs'][number]): TensorReport {
  return { name: value.name, dtype: value.dtype, shape: value.shape, bytes: bytesOf(value) };
}

function layerOf({ step, task, template, choice, config, lowered }: ScheduledKernel): LayerReport {
  const size = (b: { readonly length: number; readonly dtype: string }): number => b.length * elementBytes(b.dtype);
  return {
    name: lowered.name,
    description: task.description,
    task: task.key,
    template,
    choice,
    config,
    macs: macsOf({ step, task, lowered }),
    constantBytes: lowered.constants.reduce((sum, c) => sum + size(c.buffer), 0),
    scratchBytes: lowered.scratch.reduce((sum, b) => sum + size(b), 0),
    inputs: step.args.map(tensorOf),
    outputs: step.results.map(tensorOf),
    origin: lowered.origin,
  };
}

/**
 * Multiply–accumulates of a kernel: the schedule's count; without one, the reductions of a product of data and weights.
 * Other sums are no MACs.
 */
export function macsOf({ step, task, lowered }: Pick<ScheduledKernel, 'step' | 'task' | 'lowered'>): number {
  const { anchor } = step.fused;
  if (lowered.macs > 0 || anchor === undefined) return lowered.macs;
  const operator = operatorRegistry.get(operatorName(anchor) ?? '');
  const product = operator?.fusion === 'out-elementwise-fusable' && operator.inputs.length > 1;
  return product ? task.macs : 0;
}
