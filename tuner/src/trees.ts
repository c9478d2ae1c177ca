/**
 * Gradient-boosted regression trees: the cost model of the guided search. Squared loss; splits between
 * binned values; rows drawn anew for each tree, from a seeded generator.
 */
import type { Random } from './prng.ts';

export interface BoostOptions {
  readonly trees?: number;
  readonly depth?: number;
  /** Shrinkage of each tree's contribution. */
  readonly rate?: number;
  /** Fewest rows in a leaf. */
  readonly leaf?: number;
  /** Share of rows that each tree sees. */
  readonly sample?: number;
}

type Tree =
  | { readonly value: number }
  | { readonly feature: number; readonly at: number; readonly low: Tree; readonly high: Tree };

/** A fitted model: predicts a number from a row of features. */
export interface BoostedTrees {
  predict(row: readonly number[]): number;
}

/** Fits `targets` from `rows`; rows have equal lengths. `weights` scale each row's influence. */
export function fitTrees(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  random: Random,
  options: BoostOptions = {},
  weights?: readonly number[],
): BoostedTrees {
  const { trees: count = 50, depth = 4, rate = 0.2, leaf = 2, sample = 0.85 } = options;
  const weight = Float64Array.from(targets, (_, i) => weights?.[i] ?? 1);
  let total = 0;
  let sum = 0;
  targets.forEach((target, i) => {
    total += weight[i] ?? 0;
    sum += (weight[i] ?? 0) * target;
  });
  const base = total > 0 ? sum / total : 0;
  const residual = Float64Array.from(targets, (target) => target - base);
  const data: Data = { columns: binColumns(rows), residual, weight, leaf };
  const trees: Tree[] = [];
  for (let t = 0; t < count && rows.length > 1; t++) {
    const drawn: number[] = [];
    for (let i = 0; i < rows.length; i++) if (random.next() < sample) drawn.push(i);
    if (drawn.length < 2) continue;
    const tree = grow(data, drawn, depth);
    trees.push(tree);
    rows.forEach((row, i) => {
      residual[i] = (residual[i] ?? 0) - rate * evaluate(tree, row);
    });
  }
  return { predict: (row) => trees.reduce((value, tree) => value + rate * evaluate(tree, row), base) };
}

/** Most bins of a column. */
const BINS = 64;

/** A feature that varies: the bin of each row, and the value that separates a bin from the next. */
interface Column {
  readonly feature: number;
  readonly bins: Uint8Array;
  readonly edges: readonly number[];
}

interface Data {
  readonly columns: readonly Column[];
  readonly residual: Float64Array;
  readonly weight: Float64Array;
  readonly leaf: number;
}

/** Sorts every feature's values into bins, so that a split costs one pass over the rows. */
function binColumns(rows: readonly (readonly number[])[]): Column[] {
  return (rows[0] ?? []).flatMap((_, feature) => {
    const values = [...new Set(rows.map((row) => row[feature] ?? 0))].sort((a, b) => a - b);
    if (values.length < 2) return [];
    const step = Math.max(1, values.length / BINS);
    const edges: number[] = [];
    for (let k = step; k < values.length; k += step) {
      const at = Math.floor(k);
      edges.push(((values[at - 1] ?? 0) + (values[at] ?? 0)) / 2);
    }
    const bins = Uint8Array.from(rows, (row) => {
      let low = 0;
      let high = edges.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((row[feature] ?? 0) <= (edges[middle] ?? 0)) high = middle;
        else low = middle + 1;
      }
      return low;
    });
    return [{ feature, bins, edges }];
  });
}

function grow(data: Data, drawn: readonly number[], depth: number): Tree {
  let sum = 0;
  let weight = 0;
  for (const i of drawn) {
    sum += (data.weight[i] ?? 0) * (data.residual[i] ?? 0);
    weight += data.weight[i] ?? 0;
  }
  const stop: Tree = { value: weight > 0 ? sum / weight : 0 };
  if (depth === 0 || drawn.length < 2 * data.leaf) return stop;
  const best = bestSplit(data, drawn, sum, weight);
  if (!best) return stop;
  const { column, bin } = best;
  const low = drawn.filter((i) => (column.bins[i] ?? 0) <= bin);
  const high = drawn.filter((i) => (column.bins[i] ?? 0) > bin);
  return {
    feature: column.feature,
    at: column.edges[bin] ?? 0,
    low: grow(data, low, depth - 1),
    high: grow(data, high, depth - 1),
  };
}

/** The split that lowers the squared error most; undefined when none does. */
function bestSplit(
  data: Data,
  drawn: readonly number[],
  sum: number,
  weight: number,
): { readonly column: Column; readonly bin: number } | undefined {
  let best: { column: Column; bin: number } | undefined;
  let bestGain = 1e-9;
  const whole = (sum * sum) / weight;
  const sums = new Float64Array(BINS + 1);
  const weights = new Float64Array(BINS + 1);
  const counts = new Uint32Array(BINS + 1);
  for (const column of data.columns) {
    sums.fill(0);
    weights.fill(0);
    counts.fill(0);
    for (const i of drawn) {
      const bin = column.bins[i] ?? 0;
      sums[bin] = (sums[bin] ?? 0) + (data.weight[i] ?? 0) * (data.residual[i] ?? 0);
      weights[bin] = (weights[bin] ?? 0) + (data.weight[i] ?? 0);
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    let [lowSum, lowWeight, lowCount] = [0, 0, 0];
    for (let bin = 0; bin < column.edges.length; bin++) {
      lowSum += sums[bin] ?? 0;
      lowWeight += weights[bin] ?? 0;
      lowCount += counts[bin] ?? 0;
      if (lowCount < data.leaf || drawn.length - lowCount < data.leaf) continue;
      const highSum = sum - lowSum;
      const gain = (lowSum * lowSum) / lowWeight + (highSum * highSum) / (weight - lowWeight) - whole;
      if (gain > bestGain) {
        bestGain = gain;
        best = { column, bin };
      }
    }
  }
  return best;
}

function evaluate(tree: Tree, row: readonly number[]): number {
  let node = tree;
  while (!('value' in node)) node = (row[node.feature] ?? 0) <= node.at ? node.low : node.high;
  return node.value;
}
