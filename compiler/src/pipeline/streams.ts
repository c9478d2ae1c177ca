/**
 * Which kernels run in turns, some rows each: those around the step at which memory is tightest, as long as that makes
 * the arena smaller.
 */
import { checkCancelled } from '../base/cancellation.ts';
import type { CancellationToken } from '../base/cancellation.ts';
import type { LoweredKernel } from '../loops/kernel.ts';
import { liveBound, liveBytes } from '../memory/problem.ts';
import type { FusedProgram } from '../passes/program.ts';
import type { RowAccess } from '../schedule/task.ts';
import type { Target } from '../targets/target.ts';
import { arenaProblem, planArena } from './arena.ts';
import type { ArenaPlan } from './arena.ts';
import type { Backend, CompileContext, ScheduledKernel } from './context.ts';
import { rowStream } from './row-stream.ts';
import type { RowStream } from './row-stream.ts';

/** Most kernels of a stream. */
const longest = 6;

/** Rows a turn that are tried; more are better where memory allows, because turns have a cost. */
const turnSizes: readonly number[] = [16, 8, 6, 4, 3, 2, 1];

/** How much memory is weighed against time. */
interface Thrift {
  /** Least gain for which kernels run in turns: this part of the arena. */
  readonly leastGain: number;
  /** A cheaper stream may take this part more memory than the smallest one. */
  readonly slack: number;
}

const notable: Thrift = { leastGain: 1 / 24, slack: 1 / 12 };
const any: Thrift = { leastGain: 1e-6, slack: 0 };

/** What a call costs, in bytes that could be copied in that time: passing arguments, and its place in flash. */
const callCost = 96;

/** What a kernel more in a stream costs in the same measure: its row form is somewhat longer. */
const memberCost = 1024;

export interface Streamed {
  /** All kernels; those of streams in the form that computes some rows a call. */
  readonly kernels: readonly ScheduledKernel[];
  readonly streams: readonly RowStream[];
}

/**
 * Plans the arena with the streams that make it notably smaller, if there are any. With a budget, kernels run in turns only
 * where it is needed, and for any gain if it is not met otherwise. Deterministic.
 */
export function planStreamed(
  program: FusedProgram,
  kernels: readonly ScheduledKernel[],
  {
    backend,
    target,
    token,
    inTurns,
    arenaSolver,
    arenaRegions: regions,
  }: Pick<CompileContext, 'backend' | 'target' | 'token' | 'inTurns' | 'arenaSolver' | 'arenaRegions'>,
  budget = Infinity,
): ArenaPlan {
  const plain = planArena(program, kernels, token, [], { solver: inTurns ? undefined : arenaSolver, regions });
  if (!inTurns) return plain;
  const exactly = (): ArenaPlan =>
    plain.plan.optimal || arenaSolver === undefined
      ? plain
      : planArena(program, kernels, token, [], { solver: arenaSolver, regions });
  if (plain.plan.arenaBytes <= budget && budget < Infinity) return exactly();
  const search = new StreamSearch(program, kernels, backend, target);
  let best: ArenaPlan | undefined;
  for (const thrift of budget < Infinity ? [notable, any] : [notable]) {
    const found = findStreams(search, { kernels, streams: [] }, thrift, token);
    if (found.streams.length === 0) continue;
    const streamed = planArena(program, found.kernels, token, found.streams, { solver: arenaSolver, regions });
    const { arenaBytes } = streamed.plan;
    if (arenaBytes > plain.plan.arenaBytes * (1 - thrift.leastGain)) continue;
    if (best === undefined || arenaBytes < best.plan.arenaBytes) best = streamed;
    if (arenaBytes <= budget) break;
  }
  return best ?? exactly();
}

/** Finds streams until none lowers the bound of the arena by what is asked. */
function findStreams(search: StreamSearch, none: Streamed, thrift: Thrift, token: CancellationToken): Streamed {
  // Short streams, one peak after another, cost least; where they leave a peak, one long stream may pass below it.
  const [short, long] = (['local', 'whole'] as const).map((aim) => {
    let best = none;
    for (;;) {
      checkCancelled(token);
      const next = search.better(best, aim, thrift);
      if (next === undefined) return { streamed: best, bytes: search.bytesOf(best) };
      best = next;
    }
  });
  const before = search.bytesOf(none);
  if (short === undefined || long === undefined) return none;
  const { streamed, bytes } = long.bytes < short.bytes * (1 - thrift.slack) ? long : short;
  return bytes > before * (1 - thrift.leastGain) ? none : streamed;
}

interface Candidate {
  readonly streamed: Streamed;
  /** Bytes needed at the stream's own steps, or at any. */
  readonly local: number;
  readonly whole: number;
  readonly cost: number;
}

class StreamSearch {
  private readonly program: FusedProgram;
  private readonly kernels: readonly ScheduledKernel[];
  private readonly backend: Backend;
  private readonly target: Target;
  private readonly accesses = new Map<number, RowAccess | undefined>();
  private readonly lowered = new Map<string, LoweredKernel | undefined>();

  constructor(program: FusedProgram, kernels: readonly ScheduledKernel[], backend: Backend, target: Target) {
    this.program = program;
    this.kernels = kernels;
    this.backend = backend;
    this.target = target;
  }

  bytesOf({ kernels, streams }: Streamed): number {
    return liveBound(arenaProblem(this.program, kernels, streams)).bytes;
  }

  /** One stream more around the tightest step, if it pays: at its own steps (`local`), or for the whole arena. */
  better(current: Streamed, aim: 'local' | 'whole', { leastGain, slack }: Thrift): Streamed | undefined {
    const peak = liveBound(arenaProblem(this.program, current.kernels, current.streams));
    const candidates: Candidate[] = [];
    for (let first = Math.max(0, peak.step - longest + 1); first <= peak.step; first++) {
      for (let last = Math.max(first + 1, peak.step); last < Math.min(this.kernels.length, first + longest); last++) {
        if (current.streams.some((s) => s.first <= last && first <= s.last)) continue;
        for (const rows of turnSizes) {
          const candidate = this.with(current, first, last, rows);
          if (candidate !== undefined) candidates.push(candidate);
        }
      }
    }
    const least = Math.min(...candidates.map((c) => c[aim]));
    if (least > peak.bytes * (1 - leastGain)) return undefined;
    const near = candidates.filter((c) => c[aim] <= least * (1 + slack) && c[aim] < peak.bytes * (1 - leastGain));
    near.sort((a, b) => a.cost - b.cost || a[aim] - b[aim]);
    return near[0]?.streamed;
  }

  private with(current: Streamed, first: number, last: number, turnRows: number): Candidate | undefined {
    const stream = rowStream(this.program, (k) => this.accessOf(k), first, last, turnRows);
    if (stream === undefined || stream.turns.length < 2) return undefined;
    const kernels = [...current.kernels];
    for (const [i, most] of stream.most.entries()) {
      const k = first + i;
      const [kernel, lowered] = [this.kernels[k], this.lowerRows(k, most)];
      if (kernel === undefined || lowered === undefined) return undefined;
      kernels[k] = { ...kernel, lowered };
    }
    const streams = [...current.streams, stream].sort((a, b) => a.first - b.first);
    const sets = liveBytes(arenaProblem(this.program, kernels, streams));
    const calls = stream.turns.reduce((sum, t) => sum + t.moves.length + t.calls.length, 0);
    return {
      streamed: { kernels, streams },
      local: Math.max(...sets.map((s) => (first <= s.step && s.step <= last ? s.bytes : 0))),
      whole: Math.max(...sets.map((s) => s.bytes)),
      cost: stream.extraBytes + callCost * calls + memberCost * (last - first + 1),
    };
  }

  private accessOf(k: number): RowAccess | undefined {
    if (!this.accesses.has(k)) {
      const fused = this.kernels[k]?.step.fused;
      this.accesses.set(k, fused && this.backend.rowsOf?.(fused, this.target));
    }
    return this.accesses.get(k);
  }

  private lowerRows(k: number, most: number): LoweredKernel | undefined {
    const key = `${k}:${most}`;
    if (!this.lowered.has(key)) {
      const kernel = this.kernels[k];
      const made = kernel && this.backend.lowerRows?.(kernel.step.fused, this.target, kernel.config, most);
      // Flags may have been chosen after the schedule.
      this.lowered.set(key, made?.ok === true ? { ...made.value, flags: kernel?.lowered.flags ?? [] } : undefined);
    }
    return this.lowered.get(key);
  }
}
