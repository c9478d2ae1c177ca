/** Where an element of a reshaped tensor lies in the original. */
import type { TEExpr } from '../../tensor/te.ts';
import { int } from '../../tensor/te.ts';
import { flatten, unflatten } from './tensors.ts';

/**
 * Indices into `from` of the element that stands at `indices` of `to`, both of one element count and row-major.
 * Runs of dimensions that correspond are reindexed by themselves, so that copied dimensions cost no division.
 */
export function reindex(indices: readonly TEExpr[], to: readonly number[], from: readonly number[]): readonly TEExpr[] {
  if (to.includes(0) || from.includes(0)) return from.map(() => int(0));
  const result: TEExpr[] = from.map(() => int(0));
  const targets = positionsOfWideDims(to);
  const sources = positionsOfWideDims(from);
  let t = 0;
  let s = 0;
  while (t < targets.length && s < sources.length) {
    const run = { to: [targets[t++] ?? 0], from: [sources[s++] ?? 0] };
    let left = to[run.to[0] ?? 0] ?? 1;
    let right = from[run.from[0] ?? 0] ?? 1;
    while (left !== right) {
      if (left < right) {
        const next = targets[t++] ?? 0;
        run.to.push(next);
        left *= to[next] ?? 1;
      } else {
        const next = sources[s++] ?? 0;
        run.from.push(next);
        right *= from[next] ?? 1;
      }
    }
    const flat = flatten(
      run.to.map((i) => indices[i] ?? int(0)),
      run.to.map((i) => to[i] ?? 1),
    );
    const found = unflatten(
      flat,
      run.from.map((i) => from[i] ?? 1),
    );
    for (const [k, i] of run.from.entries()) result[i] = found[k] ?? int(0);
  }
  return result;
}

function positionsOfWideDims(shape: readonly number[]): readonly number[] {
  return shape.flatMap((n, i) => (n === 1 ? [] : [i]));
}
