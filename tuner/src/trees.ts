/**
 * Gradient-boosted regression trees: the cost model of the guided search. Squared loss; exact splits over sorted
 * columns; rows drawn anew for each tree, from a seeded generator.
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
  const weightOf = (i: number): number => weights?.[i] ?? 1;
  let total = 0;
  let sum = 0;
  targets.forEach((target, i) => {
    total += weightOf(i);
    sum += weightOf(i) * target;
  });
  const base = total > 0 ? sum / total : 0;
  const residuals = targets.map((target) => target - base);
  const features = usefulFeatures(rows);
  const trees: Tree[] = [];
  for (let t = 0; t < count && rows.length > 1; t++) {
    const drawn: number[] = [];
    for (let i = 0; i < rows.length; i++) if (random.next() < sample) drawn.push(i);
    if (drawn.length < 2) continue;
    const tree = grow({ rows, residuals, weightOf, features, leaf }, drawn, depth);
    trees.push(tree);
    rows.forEach((row, i) => {
      residuals[i] = (residuals[i] ?? 0) - rate * evaluate(tree, row);
    });
  }
  return { predict: (row) => trees.reduce((value, tree) => value + rate * evaluate(tree, row), base) };
}

interface Data {
  readonly rows: readonly (readonly number[])[];
  readonly residuals: readonly number[];
  readonly weightOf: (i: number) => number;
  readonly features: readonly number[];
  readonly leaf: number;
}

/** Columns that vary; the others can never split. */
function usefulFeatures(rows: readonly (readonly number[])[]): number[] {
  const first = rows[0] ?? [];
  return first.flatMap((value, feature) => (rows.some((row) => row[feature] !== value) ? [feature] : []));
}

function grow(data: Data, drawn: readonly number[], depth: number): Tree {
  let sum = 0;
  let weight = 0;
  for (const i of drawn) {
    sum += data.weightOf(i) * (data.residuals[i] ?? 0);
    weight += data.weightOf(i);
  }
  const stop: Tree = { value: weight > 0 ? sum / weight : 0 };
  if (depth === 0 || drawn.length < 2 * data.leaf) return stop;
  const best = bestSplit(data, drawn, sum, weight);
  if (!best) return stop;
  const low = drawn.filter((i) => (data.rows[i]?.[best.feature] ?? 0) <= best.at);
  const high = drawn.filter((i) => (data.rows[i]?.[best.feature] ?? 0) > best.at);
  return { feature: best.feature, at: best.at, low: grow(data, low, depth - 1), high: grow(data, high, depth - 1) };
}

/** The split that lowers the squared error most; undefined when none does. */
function bestSplit(
  data: Data,
  drawn: readonly number[],
  sum: number,
  weight: number,
): { readonly feature: number; readonly at: number } | undefined {
  let best: { feature: number; at: number } | undefined;
  let bestGain = 1e-9;
  const whole = (sum * sum) / weight;
  for (const feature of data.features) {
    const order = [...drawn].sort((a, b) => (data.rows[a]?.[feature] ?? 0) - (data.rows[b]?.[feature] ?? 0));
    let lowSum = 0;
    let lowWeight = 0;
    for (let k = 0; k + 1 < order.length; k++) {
      const i = order[k] ?? 0;
      lowSum += data.weightOf(i) * (data.residuals[i] ?? 0);
      lowWeight += data.weightOf(i);
      const here = data.rows[i]?.[feature] ?? 0;
      const next = data.rows[order[k + 1] ?? 0]?.[feature] ?? 0;
      if (here === next || k + 1 < data.leaf || order.length - k - 1 < data.leaf) continue;
      const highSum = sum - lowSum;
      const gain = (lowSum * lowSum) / lowWeight + (highSum * highSum) / (weight - lowWeight) - whole;
      if (gain > bestGain) {
        bestGain = gain;
        best = { feature, at: (here + next) / 2 };
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
