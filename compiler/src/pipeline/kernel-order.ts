/**
 * The order of kernels that needs least memory. Of all kernels whose arguments are there, any may come next; what lives
 * then depends on the set of those that have run, so the search goes over sets and keeps the best way to each.
 */
import { checkCancelled } from '../base/cancellation.ts';
import type { CancellationToken } from '../base/cancellation.ts';
import { storageOf } from '../passes/program.ts';
import type { FusedProgram, ProgramValue } from '../passes/program.ts';
import { elementBytes } from '../tensor/dtype.ts';
import { bytesOf } from './arena.ts';
import type { ScheduledKernel } from './context.ts';

/** Sets of kernels that are followed at one time, at most. Where there are no more, the order is the best there is. */
const widestBeam = 256;

/** Fewer are followed in long programs, so that the search takes a part of a second. */
function beamWidth(kernels: number): number {
  return Math.max(6, Math.min(widestBeam, Math.floor(300_000 / kernels ** 2)));
}

export interface OrderedProgram {
  readonly program: FusedProgram;
  readonly kernels: readonly ScheduledKernel[];
  /** Largest live set, in bytes, in the order that was given and in this one. */
  readonly before: number;
  readonly after: number;
}

/** The program with its kernels in the order of the smallest peak; unchanged when its own is as good. Deterministic. */
export function orderKernels(
  program: FusedProgram,
  kernels: readonly ScheduledKernel[],
  token: CancellationToken,
): OrderedProgram {
  const search = new OrderSearch(program, kernels);
  const own = search.peakOf(kernels.map((_, k) => k));
  const unchanged = { program, kernels, before: own, after: own };
  if (search.isForced() || own <= search.leastPeak()) return unchanged;
  const found = search.run(token);
  if (found === undefined || found.peak >= own) return unchanged;
  const pick = <T>(list: readonly T[]): readonly T[] =>
    found.order.flatMap((k) => {
      const item = list[k];
      return item === undefined ? [] : [item];
    });
  const ordered = { ...program, kernels: pick(program.kernels) };
  return { program: ordered, kernels: pick(kernels), before: own, after: found.peak };
}

/** What a kernel reads, writes and needs, by numbers of storages. */
interface Node {
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  readonly scratch: number;
  /** Bytes that an output saves by taking the place of an input that nothing reads later. */
  readonly savings: readonly { readonly input: number; readonly output: number; readonly bytes: number }[];
}

interface State {
  readonly done: bigint;
  readonly peak: number;
  /** Bytes that live after the last kernel. */
  readonly live: number;
  /** Kernels that still read each storage; the caller reads outputs. */
  readonly readers: Int32Array;
  readonly last: number;
  readonly before: State | undefined;
}

class OrderSearch {
  private readonly nodes: readonly Node[];
  private readonly bytes: readonly number[];
  private readonly start: State;
  /** Kernels that write what each kernel reads. */
  private readonly needs: readonly bigint[];

  constructor(program: FusedProgram, kernels: readonly ScheduledKernel[]) {
    const index = new Map<ProgramValue, number>();
    const bytes: number[] = [];
    const numberOf = (value: ProgramValue): number => {
      const storage = storageOf(value);
      let at = index.get(storage);
      if (at === undefined) index.set(storage, (at = bytes.push(bytesOf(storage)) - 1));
      return at;
    };
    const inputs = [...new Set(program.inputs.map(numberOf))];
    this.nodes = kernels.map(({ step, lowered }): Node => {
      const reads = step.args.map(numberOf);
      const writes = step.results.map(numberOf);
      return {
        reads: [...new Set(reads)],
        writes: [...new Set(writes)],
        scratch: lowered.scratch.reduce((sum, b) => sum + b.length * elementBytes(b.dtype), 0),
        savings: lowered.overlaps.flatMap(({ input, output, leadBytes }) => {
          const [from, to] = [reads[input], writes[output]];
          if (from === undefined || to === undefined || reads.filter((r) => r === from).length > 1) return [];
          const shared = Math.min(bytes[from] ?? 0, (bytes[to] ?? 0) - Math.max(0, leadBytes));
          return shared > 0 ? [{ input: from, output: to, bytes: shared }] : [];
        }),
      };
    });
    const outputs = program.outputs.map(numberOf);
    this.bytes = bytes;
    const readers = new Int32Array(bytes.length);
    for (const { reads } of this.nodes) for (const r of reads) readers[r] = (readers[r] ?? 0) + 1;
    for (const o of outputs) readers[o] = (readers[o] ?? 0) + 1;
    const writer = new Map(this.nodes.flatMap(({ writes }, k) => writes.map((w) => [w, k] as const)));
    this.needs = this.nodes.map(({ reads }) =>
      reads.reduce((set, r) => {
        const by = writer.get(r);
        return by === undefined ? set : set | (1n << BigInt(by));
      }, 0n),
    );
    const live = inputs.reduce((sum, i) => sum + (bytes[i] ?? 0), 0);
    this.start = { done: 0n, peak: live, live, readers, last: -1, before: undefined };
  }

  /** Whether every kernel needs the one before it. */
  isForced(): boolean {
    return this.needs.every((need, k) => k === 0 || ((need >> BigInt(k - 1)) & 1n) === 1n);
  }

  /** What some kernel needs in every order. */
  leastPeak(): number {
    const sum = (list: readonly number[]): number => list.reduce((bytes, i) => bytes + (this.bytes[i] ?? 0), 0);
    return Math.max(
      this.start.live,
      ...this.nodes.map(({ reads, writes, scratch, savings }) => {
        const saved = savings.reduce((bytes, s) => bytes + s.bytes, 0);
        return sum(reads) + Math.max(0, sum(writes) - saved) + scratch;
      }),
    );
  }

  peakOf(order: readonly number[]): number {
    return order.reduce((state, k) => this.after(state, k), this.start).peak;
  }

  run(token: CancellationToken): { readonly order: readonly number[]; readonly peak: number } | undefined {
    const width = beamWidth(this.nodes.length);
    let states: State[] = [this.start];
    for (let i = 0; i < this.nodes.length; i++) {
      checkCancelled(token);
      const next = new Map<bigint, State>();
      for (const state of states) {
        for (let k = 0; k < this.nodes.length; k++) {
          const need = this.needs[k] ?? 0n;
          if (((state.done >> BigInt(k)) & 1n) === 1n || (state.done & need) !== need) continue;
          const after = this.after(state, k);
          const known = next.get(after.done);
          if (known === undefined || after.peak < known.peak) next.set(after.done, after);
        }
      }
      // Stable: of equals, those come first that keep to the order given.
      states = [...next.values()].sort((a, b) => a.peak - b.peak || a.live - b.live).slice(0, width);
    }
    const [best] = states;
    if (best === undefined) return undefined;
    const order: number[] = [];
    for (let at: State | undefined = best; at !== undefined && at.last >= 0; at = at.before) order.push(at.last);
    return { order: order.reverse(), peak: best.peak };
  }

  private after(state: State, k: number): State {
    const node = this.nodes[k];
    if (node === undefined) return state;
    const readers = state.readers.slice();
    const size = (i: number): number => this.bytes[i] ?? 0;
    const written = node.writes.reduce((sum, w) => sum + size(w), 0);
    const dying = new Set<number>();
    for (const r of node.reads) {
      readers[r] = (readers[r] ?? 0) - 1;
      if (readers[r] === 0) dying.add(r);
    }
    const saved = node.savings.reduce((sum, s) => sum + (dying.has(s.input) ? s.bytes : 0), 0);
    const during = state.live + Math.max(0, written - saved) + node.scratch;
    let live = state.live + written;
    for (const d of dying) live -= size(d);
    for (const w of node.writes) if ((readers[w] ?? 0) === 0) live -= size(w);
    return {
      done: state.done | (1n << BigInt(k)),
      peak: Math.max(state.peak, during),
      live,
      readers,
      last: k,
      before: state,
    };
  }
}
