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

/** A set of kernels that have run, and the best way found to it. */
interface State {
  /** Stands for the set: the sum, bit by bit, of the marks of its kernels. */
  readonly key: number;
  readonly peak: number;
  /** Bytes that live after the last kernel. */
  readonly live: number;
  /** Kernels that still read each storage; the caller reads outputs. */
  readonly readers: Int32Array;
  /** Kernels that each kernel still waits for. */
  readonly missing: Int32Array;
  /** Kernels that may come next, ascending. */
  readonly ready: readonly number[];
  readonly path: Path | undefined;
}

/** The kernels that led to a state, the last one first. */
interface Path {
  readonly last: number;
  readonly before: Path | undefined;
}

/** What follows a state with one kernel more. */
interface Move extends Pick<State, 'key' | 'peak' | 'live'> {
  readonly from: State;
  readonly kernel: number;
}

/** Two words of 26 bits that hardly any two sets of kernels share: one a kernel, mixed as in MurmurHash3's last steps. */
function markOf(kernel: number): readonly [number, number] {
  const mixed = (seed: number): number => {
    let h = Math.imul(kernel + 1, 0x9e3779b1) ^ seed;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) & (2 ** 26 - 1);
  };
  return [mixed(0x51ed270b), mixed(0x2545f491)];
}

const wordSize = 2 ** 26;

function marked(key: number, [high, low]: readonly [number, number]): number {
  return (Math.floor(key / wordSize) ^ high) * wordSize + ((key % wordSize) ^ low);
}

class OrderSearch {
  private readonly nodes: readonly Node[];
  private readonly bytes: readonly number[];
  private readonly start: State;
  /** Kernels that write what each kernel reads, and those that read what each writes. */
  private readonly needs: readonly ReadonlySet<number>[];
  private readonly users: readonly (readonly number[])[];
  private readonly marks: readonly (readonly [number, number])[];

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
    this.needs = this.nodes.map(
      ({ reads }) => new Set(reads.map((r) => writer.get(r)).filter((by) => by !== undefined)),
    );
    const users = this.nodes.map((): number[] => []);
    this.needs.forEach((needs, k) => {
      for (const need of needs) users[need]?.push(k);
    });
    this.users = users;
    this.marks = this.nodes.map((_, k) => markOf(k));
    const live = inputs.reduce((sum, i) => sum + (bytes[i] ?? 0), 0);
    const missing = Int32Array.from(this.needs, (needs) => needs.size);
    const ready = this.nodes.flatMap((_, k) => (missing[k] === 0 ? [k] : []));
    this.start = { key: 0, peak: live, live, readers, missing, ready, path: undefined };
  }

  /** Whether every kernel needs the one before it. */
  isForced(): boolean {
    return this.needs.every((needs, k) => k === 0 || needs.has(k - 1));
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
    return order.reduce((state, k) => this.after(this.move(state, k)), this.start).peak;
  }

  run(token: CancellationToken): { readonly order: readonly number[]; readonly peak: number } | undefined {
    const width = beamWidth(this.nodes.length);
    let states: State[] = [this.start];
    for (let i = 0; i < this.nodes.length; i++) {
      checkCancelled(token);
      const next = new Map<number, Move>();
      for (const state of states) {
        for (const k of state.ready) {
          const move = this.move(state, k);
          const known = next.get(move.key);
          if (known === undefined || move.peak < known.peak) next.set(move.key, move);
        }
      }
      // Stable: of equals, those come first that keep to the order given.
      const best = [...next.values()].sort((a, b) => a.peak - b.peak || a.live - b.live).slice(0, width);
      states = best.map((move) => this.after(move));
    }
    const [best] = states;
    if (best === undefined) return undefined;
    const order: number[] = [];
    for (let at = best.path; at !== undefined; at = at.before) order.push(at.last);
    return { order: order.reverse(), peak: best.peak };
  }

  /** What the kernel would need next; only a move that is followed is carried out, because that copies the state. */
  private move(from: State, kernel: number): Move {
    const { reads = [], writes = [], savings = [], scratch = 0 } = this.nodes[kernel] ?? {};
    const size = (i: number): number => this.bytes[i] ?? 0;
    const left = (i: number): number => (from.readers[i] ?? 0) - (reads.includes(i) ? 1 : 0);
    const written = writes.reduce((sum, w) => sum + size(w), 0);
    const saved = savings.reduce((sum, s) => sum + (left(s.input) === 0 ? s.bytes : 0), 0);
    const during = from.live + Math.max(0, written - saved) + scratch;
    let live = from.live + written;
    for (const r of reads) if (left(r) === 0) live -= size(r);
    for (const w of writes) if (left(w) === 0) live -= size(w);
    const key = marked(from.key, this.marks[kernel] ?? [0, 0]);
    return { from, kernel, key, peak: Math.max(from.peak, during), live };
  }

  private after({ from, kernel, key, peak, live }: Move): State {
    const readers = from.readers.slice();
    for (const r of this.nodes[kernel]?.reads ?? []) readers[r] = (readers[r] ?? 0) - 1;
    const missing = from.missing.slice();
    const freed = (this.users[kernel] ?? []).filter((user) => (missing[user] = (missing[user] ?? 0) - 1) === 0);
    const ready = [...from.ready.filter((k) => k !== kernel), ...freed];
    if (freed.length > 0) ready.sort((a, b) => a - b);
    return { key, peak, live, readers, missing, ready, path: { last: kernel, before: from.path } };
  }
}
