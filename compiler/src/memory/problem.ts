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

/** Demands between all pairs: `separations[a].get(b)` is absent where any offsets do. */
export function separationsOf(problem: MemoryProblem): readonly ReadonlyMap<number, Separation>[] {
  const { buffers, overlaps } = problem;
  const result = buffers.map(() => new Map<number, Separation>());
  buffers.forEach((a, i) => {
    for (let j = i + 1; j < buffers.length; j++) {
      const b = buffers[j];
      if (b === undefined || a.bytes === 0 || b.bytes === 0 || a.first > b.last || b.first > a.last) continue;
      result[i]?.set(j, { above: a.bytes, below: b.bytes });
      result[j]?.set(i, { above: b.bytes, below: a.bytes });
    }
  });
  for (const overlap of overlaps) {
    const { input, output, leadBytes, exact } = overlap;
    const [a, b] = [buffers[input], buffers[output]];
    if (a === undefined || b === undefined || !result[input]?.has(output) || !applies(overlap, a, b)) continue;
    if (exact === true) {
      result[input]?.set(output, { above: a.bytes, below: b.bytes, exactly: -leadBytes });
      result[output]?.set(input, { above: b.bytes, below: a.bytes, exactly: leadBytes });
      continue;
    }
    const below = Math.min(b.bytes, Math.max(-a.bytes, leadBytes));
    result[input]?.set(output, { above: a.bytes, below });
    result[output]?.set(input, { above: below, below: a.bytes });
  }
  return result;
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
  let best: LiveBound = { bytes: 0, step: 0, live: [] };
  for (const at of liveSets(problem)) if (at.bytes > best.bytes) best = at;
  return best;
}

/** What each step needs at least, for steps at which the life of some buffer begins or ends. */
export function liveSets(problem: MemoryProblem): readonly LiveBound[] {
  const { buffers, overlaps } = problem;
  const steps = new Set(buffers.flatMap((b) => [b.first, b.last]));
  const into = new Map<number, (typeof overlaps)[number][]>();
  for (const overlap of overlaps) into.set(overlap.output, [...(into.get(overlap.output) ?? []), overlap]);
  return [...steps]
    .sort((x, y) => x - y)
    .map((step) => {
      const live = buffers.flatMap((b, i) => (b.bytes > 0 && b.first <= step && step <= b.last ? [i] : []));
      const here = new Set(live);
      let bytes = 0;
      for (const i of live) {
        const b = buffers[i];
        if (b === undefined) continue;
        let shared = 0;
        for (const o of into.get(i) ?? []) {
          const input = buffers[o.input];
          if (input === undefined || !here.has(o.input) || !applies(o, input, b)) continue;
          shared += Math.min(input.bytes, Math.max(0, b.bytes - Math.max(0, o.leadBytes)));
        }
        bytes += Math.max(0, b.bytes - shared);
      }
      return { bytes, step, live };
    });
}
