/**
 * The arena planner. Buffers are placed one after another at the lowest offset that fits; some order gives an optimal
 * plan, so the search is over orders: a few good ones, a deterministic hill climb, and for small problems all of them.
 * A proved lower bound says how far the result can be from the best.
 */
import { checkCancelled, neverCancelled } from '../base/cancellation.ts';
import type { CancellationToken } from '../base/cancellation.ts';
import { integerProgram, isPlan, offsetsOf } from './integer-program.ts';
import type { IntegerSolver } from './integer-program.ts';
import { liveBound, separationsOf } from './problem.ts';
import type { MemoryProblem, PlanBuffer, Separations } from './problem.ts';

export interface MemoryPlan {
  /** Byte offset of each buffer of the problem. */
  readonly offsets: readonly number[];
  readonly arenaBytes: number;
  /** No plan can be smaller. */
  readonly lowerBound: number;
  /** True when the plan is proved to be the smallest: it meets the bound, or every order was tried. */
  readonly optimal: boolean;
  /** How it is proved; undefined where a gap is left. */
  readonly proof: PlanProof | undefined;
  /** Where memory is tightest, and what lives there. */
  readonly peak: { readonly step: number; readonly bytes: number; readonly buffers: readonly number[] };
}

/** The plan meets what lives at one step; or every order of placing was tried; or an integer program was solved. */
export type PlanProof = 'live-set' | 'all-orders' | 'integer-program';

export interface PlanOptions {
  /** Moves of the hill climb. Default 4000. */
  readonly effort?: number;
  /** Placements that the exhaustive search may try. Default 50,000. */
  readonly exhaustiveLimit?: number;
  /** Solves the problem exactly where the search does not meet the bound. */
  readonly solver?: IntegerSolver | undefined;
  readonly token?: CancellationToken;
}

/** Neighbours that a search may look at in all, so that plans of hundreds of buffers take a second and not a minute. */
const affordableVisits = 20_000_000;

/** With more neighbours in all, a solver takes seconds: it is not asked where it could save this part of the arena at most. */
const quickToSolve = 1000;
const notableGap = 512;

/** Part of all pairs that live together from which on a walk over what lies already, by offsets, is quicker than one over neighbours. */
const manyNeighbours = 1 / 4;

/** Offsets strictly between `from` and `to` are taken, but for `exact`. */
interface Taken {
  readonly from: number;
  readonly to: number;
  readonly exact: number;
}

interface Placement {
  readonly offsets: readonly number[];
  readonly bytes: number;
}

/** Plans the arena. Deterministic. */
export function planMemory(problem: MemoryProblem, options: PlanOptions = {}): MemoryPlan {
  const bound = liveBound(problem);
  const search = new Search(problem, bound.bytes, options);
  const { placement: found, exhaustive } = search.run();
  const open = !exhaustive && search.isWorthSolving(found.bytes) && problem.borders === undefined;
  const solved = open && options.solver ? solve(problem, bound.bytes, found, options.solver) : undefined;
  const placement = solved?.placement ?? found;
  const meets = placement.bytes <= bound.bytes;
  const proof = meets
    ? 'live-set'
    : exhaustive
      ? 'all-orders'
      : solved?.optimal === true
        ? 'integer-program'
        : undefined;
  return {
    offsets: placement.offsets,
    arenaBytes: placement.bytes,
    lowerBound: proof === undefined ? bound.bytes : placement.bytes,
    optimal: proof !== undefined,
    proof,
    peak: { step: bound.step, bytes: bound.bytes, buffers: bound.live },
  };
}

/** A plan from the integer program that is no larger than the one known, and whether it is proved. */
function solve(
  problem: MemoryProblem,
  least: number,
  known: Placement,
  solver: IntegerSolver,
): { readonly placement: Placement; readonly optimal: boolean } | undefined {
  const program = integerProgram(problem, least, known.bytes);
  const solution = program === undefined ? undefined : solver(program);
  if (solution === undefined) return undefined;
  const offsets = offsetsOf(problem, solution.values);
  const bytes = Math.max(0, ...problem.buffers.map((b, i) => (offsets[i] ?? 0) + b.bytes));
  // Rounding in the solver must neither break a plan nor pass for a proof.
  if (!isPlan(problem, offsets) || bytes > known.bytes) return undefined;
  return { placement: { offsets, bytes }, optimal: solution.optimal };
}

class Search {
  private readonly buffers: readonly PlanBuffer[];
  private readonly separations: Separations;
  /** Neighbours that placing all buffers once looks at. */
  private readonly visits: number;
  /** Buffers that live together and share nothing: of each buffer, and, where those are many, as a matrix row by row. */
  private readonly apart: readonly Int32Array[];
  private readonly matrix: Uint8Array | undefined;
  /** Who has an exact distance. */
  private readonly exact: ReadonlySet<number>;
  private readonly borders: readonly number[];
  private readonly bound: number;
  private readonly options: PlanOptions;
  private readonly token: CancellationToken;
  private best: Placement = { offsets: [], bytes: Infinity };

  constructor(problem: MemoryProblem, bound: number, options: PlanOptions) {
    this.buffers = problem.buffers;
    this.separations = separationsOf(problem);
    const { together, sharing } = this.separations;
    this.visits = together.reduce((sum, list) => sum + list.length, 0);
    const n = this.buffers.length;
    this.apart = together.map((list, i) => Int32Array.from(list.filter((j) => sharing[i]?.has(j) !== true)));
    this.matrix = this.visits < manyNeighbours * n * n ? undefined : new Uint8Array(n * n);
    this.apart.forEach((list, i) => {
      for (const j of list) if (this.matrix) this.matrix[i * n + j] = 1;
    });
    this.exact = new Set(
      sharing.flatMap((map, i) => ([...map.values()].some((need) => need.exactly !== undefined) ? [i] : [])),
    );
    this.borders = problem.borders ?? [];
    this.bound = bound;
    this.options = options;
    this.token = options.token ?? neverCancelled;
  }

  run(): { placement: Placement; exhaustive: boolean } {
    const orders = this.startOrders();
    let order = orders[0] ?? [];
    for (const candidate of orders) if (this.tryOrder(candidate)) order = candidate;
    this.climb(order);
    // Buffers at an exact distance must move together, which placing one after another does not try.
    const complete = this.borders.length === 0 && this.exact.size === 0;
    const exhaustive = this.best.bytes > this.bound && this.exhaust() && complete;
    return { placement: this.best, exhaustive };
  }

  /** Whether a gap is left that a solver should look at. */
  isWorthSolving(bytes: number): boolean {
    const gap = bytes - this.bound;
    return gap > 0 && (this.visits < quickToSolve || gap > bytes / notableGap);
  }

  private startOrders(): number[][] {
    const indices = this.buffers.map((_, i) => i);
    const by = (key: (b: PlanBuffer, i: number) => number): number[] => {
      const keys = this.buffers.map(key);
      return [...indices].sort((x, y) => (keys[y] ?? 0) - (keys[x] ?? 0) || x - y);
    };
    const { together } = this.separations;
    return [
      by((b) => b.bytes),
      by((b) => b.bytes * (b.last - b.first + 1)),
      by((b) => b.last - b.first),
      by((_, i) => (together[i] ?? []).reduce((sum, j) => sum + (this.buffers[j]?.bytes ?? 0), 0)),
      indices,
      [...indices].reverse(),
    ];
  }

  /** Lowest offset, at or above `floor`, at which `i` fits beside what is placed (offset ≥ 0 in `offsets`). */
  private lowest(i: number, offsets: readonly number[], floor = 0): number {
    const align = Math.max(1, this.buffers[i]?.align ?? 1);
    const up = (x: number): number => Math.ceil(x / align) * align;
    const placed: Taken[] = [];
    const sharing = this.separations.sharing[i];
    const bytes = this.buffers[i]?.bytes ?? 0;
    for (const j of this.separations.together[i] ?? []) {
      const at = offsets[j] ?? -1;
      if (at < 0) continue;
      const need = sharing?.get(j);
      const exact = need?.exactly === undefined ? -1 : at - need.exactly;
      placed.push({ from: at - (need?.above ?? bytes), to: at + (need?.below ?? this.buffers[j]?.bytes ?? 0), exact });
    }
    placed.sort((p, q) => p.from - q.from);
    let found = up(floor);
    for (const { from, to } of placed) {
      if (found <= from) break;
      if (found < to) found = up(to);
    }
    const beyond = this.beyondBorder(found, bytes, align);
    if (beyond > found) return this.lowest(i, offsets, beyond);
    // An exact distance may lie where another would be too near.
    for (const { exact: x } of placed)
      if (x >= floor && x < found && x % align === 0 && this.beyondBorder(x, bytes, align) === x)
        if (placed.every((p) => x <= p.from || x >= p.to || x === p.exact)) found = x;
    return found;
  }

  /** The place itself, or behind the border across which the buffer would lie there. */
  private beyondBorder(at: number, bytes: number, align: number): number {
    for (const border of this.borders) if (at < border && at + bytes > border) return Math.ceil(border / align) * align;
    return at;
  }

  /** The same for a buffer without exact distances; `placed`: those that lie already, by their offsets. */
  private lowestPlain(i: number, offsets: readonly number[], placed: readonly number[]): number {
    const { matrix, buffers } = this;
    const row = i * buffers.length;
    const bytes = buffers[i]?.bytes ?? 0;
    const align = Math.max(1, buffers[i]?.align ?? 1);
    const sharing = this.separations.sharing[i] ?? [];
    let found = 0;
    for (let before = -1; found !== before;) {
      before = found;
      for (const j of matrix === undefined ? (this.apart[i] ?? []) : placed) {
        const at = offsets[j] ?? -1;
        if (at < 0 || matrix?.[row + j] === 0) continue;
        // Those that lie already are sorted: all others lie above.
        if (found + bytes <= at && matrix !== undefined) break;
        if (found + bytes <= at) continue;
        const end = at + (buffers[j]?.bytes ?? 0);
        if (found < end) found = Math.ceil(end / align) * align;
      }
      found = this.beyondBorder(found, bytes, align);
      for (const [j, need] of sharing) {
        const at = offsets[j] ?? -1;
        if (at >= 0 && found > at - need.above && found < at + need.below)
          found = Math.ceil((at + need.below) / align) * align;
      }
    }
    return found;
  }

  /** Places in order; from the first offset that ends above `limit` on, the rest is left out. */
  private place(order: readonly number[], limit = Infinity): Placement {
    const offsets = new Array<number>(this.buffers.length).fill(-1);
    let bytes = 0;
    const placed: number[] = [];
    for (const i of order) {
      const offset = this.exact.has(i) ? this.lowest(i, offsets) : this.lowestPlain(i, offsets, placed);
      offsets[i] = offset;
      bytes = Math.max(bytes, offset + (this.buffers[i]?.bytes ?? 0));
      if (bytes > limit) break;
      if (this.matrix === undefined) continue;
      let [low, high] = [0, placed.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((offsets[placed[middle] ?? 0] ?? 0) <= offset) low = middle + 1;
        else high = middle;
      }
      placed.splice(low, 0, i);
    }
    return { offsets, bytes };
  }

  /** Of `wanted` rounds over all buffers, those that can be paid for. */
  private affordable(wanted: number): number {
    return Math.min(wanted, Math.ceil(affordableVisits / Math.max(1, this.visits)));
  }

  private tryOrder(order: readonly number[]): boolean {
    const placement = this.place(order);
    if (placement.bytes >= this.best.bytes) return false;
    this.best = placement;
    return true;
  }

  /** Swaps and moves in the order, worse ones accepted now and then; a fixed seed keeps it repeatable. */
  private climb(start: readonly number[]): void {
    const n = start.length;
    if (n < 2) return;
    let order = [...start];
    let current = this.best.bytes;
    let seed = 0x2545f491;
    const random = (limit: number): number => {
      seed ^= seed << 13;
      seed ^= seed >>> 17;
      seed ^= seed << 5;
      return (seed >>> 0) % limit;
    };
    const effort = this.affordable(this.options.effort ?? 4000);
    for (let move = 0; move < effort && this.best.bytes > this.bound; move++) {
      if (move % 256 === 0) checkCancelled(this.token);
      const next = [...order];
      const [from, to] = [random(n), random(n)];
      if (move % 2 === 0) {
        const moved = next.splice(from, 1);
        next.splice(to, 0, ...moved);
      } else {
        const [a, b] = [next[from], next[to]];
        if (a === undefined || b === undefined) continue;
        next[from] = b;
        next[to] = a;
      }
      const slack = Math.floor((this.bound * (effort - move)) / effort / 64);
      const limit = current + random(slack + 1);
      const placement = this.place(next, limit);
      if (placement.bytes <= limit) {
        order = next;
        current = placement.bytes;
      }
      if (placement.bytes < this.best.bytes) this.best = placement;
    }
  }

  /** Tries every order that places at non-decreasing offsets; false when the limit ended the search before that. */
  private exhaust(): boolean {
    const n = this.buffers.length;
    let budget = this.affordable(this.options.exhaustiveLimit ?? 50_000);
    const offsets = new Array<number>(n).fill(-1);
    const visit = (placed: number, floor: number, bytes: number): boolean => {
      if (placed === n) {
        if (bytes < this.best.bytes) this.best = { offsets: [...offsets], bytes };
        return true;
      }
      const candidates: [number, number][] = [];
      for (let i = 0; i < n; i++) {
        if ((offsets[i] ?? 0) >= 0) continue;
        const at = this.lowest(i, offsets, floor);
        if (at + (this.buffers[i]?.bytes ?? 0) >= this.best.bytes) return true;
        candidates.push([at, i]);
      }
      candidates.sort((x, y) => x[0] - y[0]);
      for (const [at, i] of candidates) {
        if (budget-- <= 0) return false;
        if (budget % 1024 === 0) checkCancelled(this.token);
        const end = Math.max(bytes, at + (this.buffers[i]?.bytes ?? 0));
        if (end >= this.best.bytes) continue;
        offsets[i] = at;
        const complete = visit(placed + 1, at, end);
        offsets[i] = -1;
        if (!complete) return false;
        if (this.best.bytes <= this.bound) return true;
      }
      return true;
    };
    return visit(0, 0, 0);
  }
}
