/** What random calls are made with. */
import type { GraphBuilder } from './graph.ts';
import type { Random } from './random.ts';

export interface Maker {
  readonly b: GraphBuilder;
  readonly r: Random;
}

/** A fresh tensor: an input of the program, or (a quarter) a parameter. */
export function input({ b, r }: Maker, shape: readonly number[], dtype = 'float32', low = -2, high = 2): number {
  const range = dtype === 'float32' || low !== -2 ? { range: { low, high } } : {};
  return r.chance(0.75)
    ? b.add({ kind: 'input', shape, dtype, ...range })
    : b.add({ kind: 'param', shape, dtype, ...range, seed: r.int(1, 1e9) });
}
