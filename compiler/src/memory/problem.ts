/** The arena planning problem: buffers with lifetimes, and pairs that may share memory while both live. */

export interface PlanBuffer {
  readonly name: string;
  readonly bytes: number;
  /** Offsets are multiples of this power of two. */
  readonly align: number;
  /** First and last step (kernel index) at which the buffer holds data, inclusive. */
  readonly first: number;
  readonly last: number;
}

/**
 * Buffer `output` may share bytes with buffer `input` if it starts `leadBytes` or more below it (above it, where that is
 * negative), or, with `exact`, just that far below it. Has effect only where the input's last step is the output's first; with `steps`, where both live
 * together in those steps alone.
 */
export interface PlanOverlap {
  readonly input: number;
  readonly output: number;
  readonly leadBytes: number;
  readonly exact?: boolean;
  /** First and last step of a group of kernels that run in turns, for which the overlap was shown. */
  readonly steps?: { readonly first: number; readonly last: number };
}

/** Whether the two buffers live together only while the overlap holds. */
function applies({ steps }: PlanOverlap, input: PlanBuffer, output: PlanBuffer): boolean {
  if (steps === undefined) return input.last === output.first;
  const first = Math.max(input.first, output.first);
  return steps.first <= first && Math.min(input.last, output.last) <= steps.last && first <= input.last;
}

export interface MemoryProblem {
  readonly buffers: readonly PlanBuffer[];
  readonly overlaps: readonly PlanOverlap[];
  /** Offsets, ascending, across which no buffer may lie: ends of memory regions. */
  readonly borders?: readonly number[];
}

/**
 * What two buffers that live together demand of `offset(b) − offset(a)`: at least `above`, at most `−below`, or
 * `exactly` that.
 */
export interface Separation {
  readonly above: number;
  readonly below: number;
  readonly exactly?: number;
}

/** Demands between all pairs of buffers that live together. Most must lie apart; only others are kept one by one. */
export interface Separations {
  /** Buffers that live while each buffer lives, ascending. */
  readonly together: readonly (readonly number[])[];
  /** What pairs that may share memory demand; the other pairs lie apart. */
  readonly sharing: readonly ReadonlyMap<number, Separation>[];
}

/** The demands of a problem, in time that grows with the square of its buffers. */
export function separationsOf({ buffers, overlaps }: MemoryProblem): Separations {
  const together = buffers.map((): number[] => []);
  buffers.forEach((a, i) => {
    for (let j = i + 1; j < buffers.length; j++) {
      const b = buffers[j];
      if (b === undefined || a.bytes === 0 || b.bytes === 0 || a.first > b.last || b.first > a.last) continue;
      together[i]?.push(j);
      together[j]?.push(i);
    }
  });
  const sharing = buffers.map(() => new Map<number, Separation>());
  for (const overlap of overlaps) {
    const { input, output, leadBytes, exact } = overlap;
    const [a, b] = [buffers[input], buffers[output]];
    if (a === undefined || b === undefined || input === output || a.bytes === 0 || b.bytes === 0) continue;
    if (a.first > b.last || b.first > a.last || !applies(overlap, a, b)) continue;
    if (exact === true) {
      sharing[input]?.set(output, { above: a.bytes, below: b.bytes, exactly: -leadBytes });
      sharing[output]?.set(input, { above: b.bytes, below: a.bytes, exactly: leadBytes });
      continue;
    }
    const below = Math.min(b.bytes, Math.max(-a.bytes, leadBytes));
    sharing[input]?.set(output, { above: a.bytes, below });
    sharing[output]?.set(input, { above: below, below: a.bytes });
  }
  return { together, sharing };
}

/** Every pair that lives together, once (`i` < `j`), with its demands. */
export function* pairsOf(problem: MemoryProblem): Generator<readonly [number, number, Separation]> {
  const { together, sharing } = separationsOf(problem);
  const bytes = (i: number): number => problem.buffers[i]?.bytes ?? 0;
  for (const [i, list] of together.entries())
    for (const j of list) if (j > i) yield [i, j, sharing[i]?.get(j) ?? { above: bytes(i), below: bytes(j) }];
}

/** The step that needs most, and a size below which no plan can be. */
export interface LiveBound {
  readonly bytes: number;
  readonly step: number;
  /** Buffers that live at that step. */
  readonly live: readonly number[];
}

/**
 * The largest live set over all steps, less what allowed overlaps can save at best. A proved lower bound of any arena
 * (alignment, which can only add, is not counted).
 */
export function liveBound(problem: MemoryProblem): LiveBound {
  let [step, bytes] = [0, 0];
  for (const at of liveBytes(problem)) if (at.bytes > bytes) ({ step, bytes } = at);
  if (bytes === 0) return { bytes, step, live: [] };
  const live = problem.buffers.flatMap((b, i) => (b.bytes > 0 && b.first <= step && step <= b.last ? [i] : []));
  return { bytes, step, live };
}

/** What each step needs at least, for steps at which the life of some buffer begins or ends, in their order. */
export function liveBytes({ buffers, overlaps }: MemoryProblem): readonly Pick<LiveBound, 'step' | 'bytes'>[] {
  const begins = new Map<number, number>();
  const ends = new Map<number, number>();
  for (const { first, last, bytes } of buffers) {
    begins.set(first, (begins.get(first) ?? 0) + bytes);
    ends.set(last, (ends.get(last) ?? 0) + bytes);
  }
  const savings = overlaps
    .flatMap((overlap) => {
      const [input, output] = [buffers[overlap.input], buffers[overlap.output]];
      if (input === undefined || output === undefined || !applies(overlap, input, output)) return [];
      const shared = Math.min(input.bytes, Math.max(0, output.bytes - Math.max(0, overlap.leadBytes)));
      const [first, last] = [Math.max(input.first, output.first), Math.min(input.last, output.last)];
      return [{ first, last, output: overlap.output, most: output.bytes, shared }];
    })
    .sort((a, b) => a.first - b.first);
  let [live, next] = [0, 0];
  let active: typeof savings = [];
  return [...new Set([...begins.keys(), ...ends.keys()])]
    .sort((x, y) => x - y)
    .map((step) => {
      live += begins.get(step) ?? 0;
      active = active.filter((s) => s.last >= step);
      for (let s = savings[next]; s !== undefined && s.first <= step; s = savings[++next])
        if (s.last >= step) active.push(s);
      // No output can save more than it is.
      const saved = new Map<number, number>();
      for (const { output, most, shared } of active)
        saved.set(output, Math.min(most, (saved.get(output) ?? 0) + shared));
      const bytes = live - [...saved.values()].reduce((sum, b) => sum + b, 0);
      live -= ends.get(step) ?? 0;
      return { step, bytes };
    });
}
