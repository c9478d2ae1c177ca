/** The multiple-choice knapsack problem: one option of each group, the least value in all, weights within a limit. */

export interface Option {
  /** What is made small. */
  readonly value: number;
  /** Whole units of what is limited. */
  readonly weight: number;
}

/** Cells of a table of weights, at most; larger limits are counted in coarser units, options rounded up. */
const mostCells = 8192;

/**
 * Indices of the options of least value whose weights stay within `limit`, one of each group; of equal ones the first.
 * Exact up to the unit that weights are counted in; undefined when the lightest options are too heavy or a group is empty.
 */
export function cheapestWithin(groups: readonly (readonly Option[])[], limit: number): readonly number[] | undefined {
  const free = groups.map(leastIndex);
  if (free.some((i) => i < 0)) return undefined;
  const weighed = free.reduce((sum, i, g) => sum + (groups[g]?.[i]?.weight ?? 0), 0);
  return weighed <= limit ? free : tabulated(groups, limit);
}

function leastIndex(options: readonly Option[]): number {
  return options.reduce((least, { value }, i) => (value < (options[least]?.value ?? Infinity) ? i : least), -1);
}

/** By dynamic programming over the weight that is used up. */
function tabulated(groups: readonly (readonly Option[])[], limit: number): readonly number[] | undefined {
  const unit = Math.max(1, Math.ceil(limit / mostCells));
  const cells = Math.floor(limit / unit) + 1;
  const taken: Int32Array[] = [];
  let best = new Float64Array(cells);
  for (const options of groups) {
    const next = new Float64Array(cells).fill(Infinity);
    const chosen = new Int32Array(cells).fill(-1);
    for (const [i, { value, weight }] of frontOf(options)) {
      const step = Math.ceil(weight / unit);
      for (let cell = step; cell < cells; cell++) {
        const sum = (best[cell - step] ?? Infinity) + value;
        if (sum < (next[cell] ?? Infinity)) [next[cell], chosen[cell]] = [sum, i];
      }
    }
    taken.push(chosen);
    best = next;
  }
  const indices: number[] = [];
  let cell = cells - 1;
  for (let g = groups.length - 1; g >= 0; g--) {
    const index = taken[g]?.[cell] ?? -1;
    if (index < 0) return undefined;
    indices.unshift(index);
    cell -= Math.ceil((groups[g]?.[index]?.weight ?? 0) / unit);
  }
  return indices;
}

/** Options with their indices that no other is as good as in both. */
function frontOf(options: readonly Option[]): readonly (readonly [number, Option])[] {
  let lightest = Infinity;
  return [...options.entries()]
    .sort(([i, a], [j, b]) => a.value - b.value || a.weight - b.weight || i - j)
    .filter(([, { weight }]) => weight < lightest && ((lightest = weight), true));
}
