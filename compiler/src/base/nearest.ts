/** Which of the known names was meant: slips of the pen by edit distance, abbreviations by the words of a name. */

/** Damerau–Levenshtein distance (adjacent transpositions), or `limit + 1` once it is known to exceed the limit. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((row[j - 1] ?? 0) + (same ? 0 : 1), (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      next.push(cost);
      least = Math.min(least, cost);
    }
    if (least > limit) return limit + 1;
    before = row;
    row = next;
  }
  return row[b.length] ?? limit + 1;
}

/**
 * How many edits are a slip of the pen: one in a short name, a third of the letters at most. With more, `foo` would be
 * `floor`.
 */
function slipLimit(length: number): number {
  return Math.min(3, Math.max(1, Math.floor(length / 3)));
}

/** The nearest candidate, or undefined when none is near enough to be a slip of the pen. */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  if (text === '') return undefined;
  const limit = slipLimit(text.length);
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    if (candidate === text || candidate === '') continue;
    const distance =
      candidate.toLowerCase() === text.toLowerCase()
        ? 0.5
        : editDistance(text, candidate, Math.min(limit, bestDistance));
    // Replacing every letter of a short name is no slip.
    if (distance < bestDistance && distance < Math.max(text.length, candidate.length) / 2) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Shorter beginnings and parts of names say too little. */
const shortestPart = 3;

/**
 * The nearest candidate, else the only one that `text` shortens or lengthens: `pad` for `padding`, `kernel` for
 * `kernel_size`, `dtype` for `out_dtype`.
 */
export function nearestKey(text: string, candidates: readonly string[]): string | undefined {
  const slip = nearest(text, candidates);
  if (slip !== undefined || text.length < shortestPart) return slip;
  for (const isPart of [startsWith, endsWith]) {
    const [only, ...others] = candidates.filter((candidate) => isPart(candidate, text) || isPart(text, candidate));
    if (only !== undefined) return others.length === 0 ? only : undefined;
  }
  return undefined;
}

function startsWith(long: string, short: string): boolean {
  return short.length >= shortestPart && long.length > short.length && long.startsWith(short);
}

function endsWith(long: string, short: string): boolean {
  return short.length >= shortestPart && long.length > short.length && long.endsWith(short);
}
