/** From scheduled kernels to the planning problem, and from the plan back to tensors. */
import type { Origin } from '../ir/expr.ts';
import type { CancellationToken } from '../base/cancellation.ts';
import type { Buffer, LoweredKernel } from '../loops/kernel.ts';
import type { IntegerSolver } from '../memory/integer-program.ts';
import { planMemory } from '../memory/plan.ts';
import type { MemoryPlan } from '../memory/plan.ts';
import type { MemoryProblem, PlanBuffer, PlanOverlap } from '../memory/problem.ts';
import { storageOf } from '../passes/program.ts';
import type { FusedProgram, ProgramValue } from '../passes/program.ts';
import { elementBytes } from '../tensor/dtype.ts';
import { elementCount } from '../tensor/ndarray.ts';
import type { ScheduledKernel } from './context.ts';
import type { RowStream } from './row-stream.ts';

export interface ArenaBuffer extends PlanBuffer {
  readonly offset: number;
  /** A window holds some rows of a tensor, between kernels that run in turns. */
  readonly kind: 'input' | 'output' | 'activation' | 'window' | 'scratch';
  /** The tensor it holds; undefined for scratch. */
  readonly value: ProgramValue | undefined;
  /** The source of the tensor, or of the kernel whose scratch it is. */
  readonly origin: Origin;
}

/** One call of a kernel, with the offsets of its buffers in the arena. */
export interface ArenaCall {
  readonly kernel: number;
  /** The kernel in the form that is called: whole, or some rows a call. */
  readonly lowered: LoweredKernel;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly scratch: readonly number[];
  readonly scalars: readonly number[];
  /** Bytes that this call writes of each output. */
  readonly written: readonly number[];
  /** Rows that move to the start of their window before the call. */
  readonly moves: readonly { readonly from: number; readonly to: number; readonly bytes: number }[];
  readonly turn?: { readonly stream: RowStream; readonly index: number };
}

export interface ArenaOptions {
  readonly solver?: IntegerSolver | undefined;
  /** Bytes that each memory region has for the arena, the first choice first; none: one region without end. */
  readonly regions?: readonly number[] | undefined;
}

export interface ArenaPlan {
  readonly plan: MemoryPlan;
  /** What lies in each memory region; a single piece where everything fits the first. */
  readonly pieces: readonly { readonly start: number; readonly bytes: number }[];
  readonly buffers: readonly ArenaBuffer[];
  /** Groups of kernels that run in turns. */
  readonly streams: readonly RowStream[];
  /** All calls of a run, in order. */
  readonly calls: readonly ArenaCall[];
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

/** The planning problem of a program, and whose memory each of its buffers is. */
export interface ArenaProblem extends MemoryProblem {
  readonly kinds: readonly Pick<ArenaBuffer, 'kind' | 'value' | 'origin'>[];
  /** Places in `buffers` of the memory of tensors, and of each kernel's scratch. */
  readonly index: ReadonlyMap<ProgramValue, number>;
  readonly scratch: readonly (readonly number[])[];
}

/** Kernels that run in turns hold all their tensors from the first to the last of them; each its scratch alone. */
export function arenaProblem(
  program: FusedProgram,
  kernels: readonly ScheduledKernel[],
  streams: readonly RowStream[] = [],
): ArenaProblem {
  const end = kernels.length;
  const streamOf = (k: number): RowStream | undefined => streams.find((s) => s.first <= k && k <= s.last);
  const lifetimes = new Map<ProgramValue, { first: number; last: number; align: number; bytes: number }>();
  const touch = (value: ProgramValue, from: number, to: number, buffer?: Buffer): void => {
    const storage = storageOf(value);
    const known = lifetimes.get(storage);
    const align = Math.max(elementBytes(value.dtype), buffer?.align ?? 1);
    const bytes = Math.max(bytesOf(value), buffer === undefined ? 0 : bytesOfBuffer(buffer));
    if (known === undefined) lifetimes.set(storage, { first: from, last: to, align, bytes });
    else {
      known.last = Math.max(known.last, to);
      known.align = Math.max(known.align, align);
      known.bytes = Math.max(known.bytes, bytes);
    }
  };
  for (const input of program.inputs) touch(input, 0, 0);
  kernels.forEach(({ step, lowered }, k) => {
    const { first, last } = streamOf(k) ?? { first: k, last: k };
    step.args.forEach((value, i) => touch(value, first, last, lowered.inputs[i]));
    step.results.forEach((value, i) => touch(value, first, last, lowered.outputs[i]));
  });
  for (const output of program.outputs) touch(output, end, end);
  for (const { windows } of streams) {
    for (const [value, bytes] of windows) {
      const life = lifetimes.get(value);
      if (life !== undefined) life.bytes = bytes;
    }
  }

  const index = new Map([...lifetimes.keys()].map((s, i) => [s, i]));
  const inputs = new Set(program.inputs.map(storageOf));
  const outputs = new Set(program.outputs.map(storageOf));
  const buffers: PlanBuffer[] = [];
  const kinds: Pick<ArenaBuffer, 'kind' | 'value' | 'origin'>[] = [];
  const windows = new Set(streams.flatMap((s) => [...s.windows.keys()]));
  // A tensor stems from all operators of the kernel that computes it.
  const makers = new Map(
    kernels.flatMap(({ step, lowered }) => step.results.map((r) => [storageOf(r), lowered.origin] as const)),
  );
  for (const [value, life] of lifetimes) {
    buffers.push({ name: value.name, ...life });
    const inner = windows.has(value) ? 'window' : 'activation';
    const kind = outputs.has(value) ? 'output' : inputs.has(value) ? 'input' : inner;
    kinds.push({ kind, value, origin: [...new Set([...value.origin, ...(makers.get(value) ?? [])])] });
  }
  const scratch = kernels.map(({ lowered }, k) =>
    lowered.scratch.map((b) => {
      const name = `${lowered.name}.${b.name}`;
      const align = Math.max(b.align, elementBytes(b.dtype));
      buffers.push({ name, bytes: bytesOfBuffer(b), align, first: k, last: k });
      kinds.push({ kind: 'scratch', value: undefined, origin: lowered.origin });
      return buffers.length - 1;
    }),
  );
  const overlaps = [
    ...kernels.flatMap((kernel, k) => (streamOf(k) === undefined ? overlapsOf(kernel, index) : [])),
    ...streams.flatMap(({ first, last, overlaps: allowed }) =>
      allowed.flatMap(({ input, output, leadBytes, exact }): PlanOverlap[] => {
        const [from, to] = [index.get(input), index.get(output)];
        if (from === undefined || to === undefined) return [];
        return [{ input: from, output: to, leadBytes, ...(exact ? { exact } : {}), steps: { first, last } }];
      }),
    ),
  ];
  return { buffers, overlaps, kinds, index, scratch };
}

/**
 * Plans one arena for inputs, activations, outputs and scratch. Kernels of streams are given in the form that computes
 * some rows a call.
 */
export function planArena(
  program: FusedProgram,
  kernels: readonly ScheduledKernel[],
  token: CancellationToken,
  streams: readonly RowStream[] = [],
  { solver, regions = [] }: ArenaOptions = {},
): ArenaPlan {
  const { buffers, overlaps, kinds, index, scratch } = arenaProblem(program, kernels, streams);
  let plan = planMemory({ buffers, overlaps }, { token, solver });
  const [first = Infinity] = regions;
  const borders = regions.slice(0, -1).map((_, i) => regions.slice(0, i + 1).reduce((sum, bytes) => sum + bytes, 0));
  const isSplit = plan.arenaBytes > first && borders.length > 0;
  if (isSplit) plan = planMemory({ buffers, overlaps, borders }, { token });
  const offset = (i: number | undefined): number => {
    const at = i === undefined ? undefined : plan.offsets[i];
    if (at === undefined) throw new Error('a buffer was not planned');
    return at;
  };
  const offsetOf = (value: ProgramValue): number => offset(index.get(storageOf(value)));
  const scratchOf = (k: number): readonly number[] => (scratch[k] ?? []).map(offset);
  return {
    plan,
    pieces: piecesOf(plan, buffers, isSplit ? borders : []),
    streams,
    calls: callsOf(kernels, streams, offsetOf, scratchOf),
    buffers: buffers.map((b, i) => {
      const { kind, value, origin } = kinds[i] ?? { kind: 'scratch', value: undefined, origin: [] };
      return { ...b, offset: offset(i), kind, value, origin };
    }),
    offsetOf,
    scratchOffset: (kernel, i) => offset(scratch[kernel]?.[i]),
  };
}

/** Bytes that are used of each region. */
function piecesOf(plan: MemoryPlan, buffers: readonly PlanBuffer[], borders: readonly number[]): ArenaPlan['pieces'] {
  const starts = [0, ...borders];
  const pieces = starts.map((start, i) => {
    const end = starts[i + 1] ?? Infinity;
    const ends = buffers.map((b, k) => {
      const at = plan.offsets[k] ?? 0;
      return at >= start && at < end ? at + b.bytes - start : 0;
    });
    return { start, bytes: Math.max(0, ...ends) };
  });
  return pieces.slice(0, pieces.findLastIndex((p) => p.bytes > 0) + 1);
}

function callsOf(
  kernels: readonly ScheduledKernel[],
  streams: readonly RowStream[],
  offsetOf: (value: ProgramValue) => number,
  scratchOf: (kernel: number) => readonly number[],
): readonly ArenaCall[] {
  return kernels.flatMap(({ step, lowered }, k): readonly ArenaCall[] => {
    const stream = streams.find((s) => s.first <= k && k <= s.last);
    if (stream === undefined)
      return [
        {
          kernel: k,
          lowered,
          inputs: step.args.map(offsetOf),
          outputs: step.results.map(offsetOf),
          scratch: scratchOf(k),
          scalars: [],
          written: lowered.outputs.map(bytesOfBuffer),
          moves: [],
        },
      ];
    return k === stream.first ? streamCalls(stream, kernels, offsetOf, scratchOf) : [];
  });
}

/** The calls of a stream, turn by turn; a turn's moves stand before its first call. */
function streamCalls(
  stream: RowStream,
  kernels: readonly ScheduledKernel[],
  offsetOf: (value: ProgramValue) => number,
  scratchOf: (kernel: number) => readonly number[],
): readonly ArenaCall[] {
  return stream.turns.flatMap(({ moves, calls }, index) =>
    calls.flatMap((call, i): readonly ArenaCall[] => {
      const kernel = kernels[call.kernel];
      if (kernel === undefined) return [];
      const { step, lowered } = kernel;
      const moved = moves.map(({ value, from, to, bytes }) => {
        const start = offsetOf(value);
        return { from: start + from, to: start + to, bytes };
      });
      return [
        {
          kernel: call.kernel,
          lowered,
          inputs: step.args.map((value, a) => offsetOf(value) + (call.inputs[a] ?? 0)),
          outputs: step.results.map((value) => offsetOf(value) + call.output),
          scratch: scratchOf(call.kernel),
          scalars: [call.rows, call.top, call.height],
          written: [call.outputBytes],
          moves: i > 0 ? [] : moved,
          turn: { stream, index },
        },
      ];
    }),
  );
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
