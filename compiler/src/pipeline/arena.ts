/** From scheduled kernels to the planning problem, and from the plan back to tensors. */
import type { Origin } from '../ir/expr.ts';
import type { CancellationToken } from '../base/cancellation.ts';
import type { Buffer } from '../loops/kernel.ts';
import { planMemory } from '../memory/plan.ts';
import type { MemoryPlan } from '../memory/plan.ts';
import type { PlanBuffer, PlanOverlap } from '../memory/problem.ts';
import { storageOf } from '../passes/program.ts';
import type { FusedProgram, ProgramValue } from '../passes/program.ts';
import { elementBytes } from '../tensor/dtype.ts';
import { elementCount } from '../tensor/ndarray.ts';
import type { ScheduledKernel } from './context.ts';

export interface ArenaBuffer extends PlanBuffer {
  readonly offset: number;
  readonly kind: 'input' | 'output' | 'activation' | 'scratch';
  /** The tensor it holds; undefined for scratch. */
  readonly value: ProgramValue | undefined;
  /** The source of the tensor, or of the kernel whose scratch it is. */
  readonly origin: Origin;
}

export interface ArenaPlan {
  readonly plan: MemoryPlan;
  readonly buffers: readonly ArenaBuffer[];
  /** Offset of a tensor of the program, in bytes. */
  offsetOf(value: ProgramValue): number;
  /** Offset of scratch buffer `index` of kernel `kernel`. */
  scratchOffset(kernel: number, index: number): number;
}

/** Bytes of a tensor. */
export function bytesOf(value: ProgramValue): number {
  return elementCount(value.shape) * elementBytes(value.dtype);
}

function bytesOfBuffer(buffer: Buffer): number {
  return buffer.length * elementBytes(buffer.dtype);
}

/** Plans one arena for inputs, activations, outputs and scratch. */
export function planArena(
  program: FusedProgram,
  kernels: readonly ScheduledKernel[],
  token: CancellationToken,
): ArenaPlan {
  const end = kernels.length;
  const lifetimes = new Map<ProgramValue, { first: number; last: number; align: number; bytes: number }>();
  const touch = (value: ProgramValue, step: number, buffer?: Buffer): void => {
    const storage = storageOf(value);
    const known = lifetimes.get(storage);
    const align = Math.max(elementBytes(value.dtype), buffer?.align ?? 1);
    const bytes = Math.max(bytesOf(value), buffer === undefined ? 0 : bytesOfBuffer(buffer));
    if (known === undefined) lifetimes.set(storage, { first: step, last: step, align, bytes });
    else {
      known.last = Math.max(known.last, step);
      known.align = Math.max(known.align, align);
      known.bytes = Math.max(known.bytes, bytes);
    }
  };
  for (const input of program.inputs) touch(input, 0);
  kernels.forEach(({ step, lowered }, k) => {
    step.args.forEach((value, i) => touch(value, k, lowered.inputs[i]));
    step.results.forEach((value, i) => touch(value, k, lowered.outputs[i]));
  });
  for (const output of program.outputs) touch(output, end);

  const storages = [...lifetimes.keys()];
  const index = new Map(storages.map((s, i) => [s, i]));
  const inputs = new Set(program.inputs.map(storageOf));
  const outputs = new Set(program.outputs.map(storageOf));
  const buffers: PlanBuffer[] = [];
  const kinds: Pick<ArenaBuffer, 'kind' | 'value' | 'origin'>[] = [];
  for (const [value, life] of lifetimes) {
    buffers.push({ name: value.name, ...life });
    const kind = outputs.has(value) ? 'output' : inputs.has(value) ? 'input' : 'activation';
    kinds.push({ kind, value, origin: value.origin });
  }
  const scratch = kernels.map(({ lowered }, k) =>
    lowered.scratch.map((b) => {
      const name = `${lowered.name}.${b.name}`;
      buffers.push({
        name,
        bytes: bytesOfBuffer(b),
        align: Math.max(b.align, elementBytes(b.dtype)),
        first: k,
        last: k,
      });
      kinds.push({ kind: 'scratch', value: undefined, origin: lowered.origin });
      return buffers.length - 1;
    }),
  );
  const overlaps = kernels.flatMap((kernel) => overlapsOf(kernel, index));
  const plan = planMemory({ buffers, overlaps }, { token });
  const offset = (i: number | undefined): number => {
    const at = i === undefined ? undefined : plan.offsets[i];
    if (at === undefined) throw new Error('a buffer was not planned');
    return at;
  };
  return {
    plan,
    buffers: buffers.map((b, i) => {
      const { kind, value, origin } = kinds[i] ?? { kind: 'scratch', value: undefined, origin: [] };
      return { ...b, offset: offset(i), kind, value, origin };
    }),
    offsetOf: (value) => offset(index.get(storageOf(value))),
    scratchOffset: (kernel, i) => offset(scratch[kernel]?.[i]),
  };
}

/** Overlaps a kernel allows, for storage that all its uses in the kernel allow. */
function overlapsOf(
  { step, lowered }: ScheduledKernel,
  index: ReadonlyMap<ProgramValue, number>,
): readonly PlanOverlap[] {
  const found: PlanOverlap[] = [];
  step.results.forEach((result, output) => {
    const to = index.get(storageOf(result));
    for (const storage of new Set(step.args.map(storageOf))) {
      const from = index.get(storage);
      const uses = step.args.flatMap((arg, i) => (storageOf(arg) === storage ? [i] : []));
      const allowed = uses.map((i) => lowered.overlaps.find((o) => o.input === i && o.output === output));
      if (from === undefined || to === undefined || from === to) continue;
      const leads = allowed.flatMap((o) => (o === undefined ? [] : [o.leadBytes]));
      if (leads.length < uses.length) continue;
      const leadBytes = Math.max(...leads);
      const exact = allowed.filter((o) => o?.exact === true);
      if (exact.some((o) => o?.leadBytes !== leadBytes)) continue;
      found.push({ input: from, output: to, leadBytes, ...(exact.length > 0 ? { exact: true } : {}) });
    }
  });
  return found;
}
