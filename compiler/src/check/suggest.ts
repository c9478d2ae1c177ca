/** «Did you mean …?»: nearest names by edit distance with transpositions. */
import type { Fix } from '../base/diagnostic.ts';
import type { Span } from '../base/span.ts';

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

/** The nearest candidate, or undefined when none is near enough to be a slip of the pen. */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  if (text === '') return undefined;
  const limit = text.length <= 2 ? 1 : text.length <= 5 ? 2 : 3;
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

/** Operators are often written without their namespace: `conv2d` for `nn.conv2d`. */
export function nearestOperator(text: string, names: readonly string[]): string | undefined {
  const tail = text.slice(text.lastIndexOf('.') + 1);
  const sameTails = names.filter((name) => name.slice(name.lastIndexOf('.') + 1) === tail);
  const sameTail = sameTails.find((name) => name === tail || name === `nn.${tail}`) ?? sameTails[0];
  if (sameTail !== undefined && sameTail !== text) return sameTail;
  return nearest(text, names) ?? nearestTail(tail, names);
}

function nearestTail(tail: string, names: readonly string[]): string | undefined {
  const tails = new Map(names.map((name) => [name.slice(name.lastIndexOf('.') + 1), name]));
  const found = nearest(tail, tails.keys());
  return found === undefined ? undefined : tails.get(found);
}

/** A quick fix that replaces `span` by `text`. */
export function replaceFix(span: Span, text: string): Fix {
  return { title: `Replace by ${text}`, edits: [{ span, newText: text }], preferred: true };
}
