/**
 * How much results change when inputs change in their last bit. Recurrent networks may let rounding errors grow from step
 * to step: then results of the same program, computed in another order, differ by more than any fixed part of their size.
 */
import type { IRModule } from '../ir/expr.ts';
import { isFloat } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { evaluateMain } from './ir.ts';
import { congruential } from './seeded.ts';

/** The relative distance of neighbouring floats of 32 bits. */
export const lastBit = 2 ** -23;

/** Other ways of rounding than the one that was tried; each takes an evaluation. */
const trials = 2;

/**
 * The largest change of every output of `@main`, 0 for those that are no floats. Undefined where the program fails or
 * gives other values than tensors of fixed size. Deterministic.
 */
export function sensitivityOf(module: IRModule, inputs: ReadonlyMap<string, NDArray>): readonly number[] | undefined {
  const outputsFor = (given: ReadonlyMap<string, NDArray>): readonly NDArray[] | undefined => {
    const result = evaluateMain(module, given);
    return result.ok ? result.value : undefined;
  };
  const expected = outputsFor(inputs);
  if (expected === undefined) return undefined;
  const next = congruential(1);
  const most = expected.map(() => 0);
  for (let trial = 0; trial < trials; trial++) {
    const found = outputsFor(new Map([...inputs].map(([name, array]) => [name, nudged(array, next)])));
    if (found?.length !== expected.length) return undefined;
    for (const [o, wanted] of expected.entries()) {
      if (!isFloat(wanted.dtype)) continue;
      if (found[o]?.data.length !== wanted.data.length) return undefined;
      most[o] = Math.max(most[o] ?? 0, largestChange(wanted, found[o]));
    }
  }
  return most;
}

/** The tensor with every float one step up or down. */
function nudged(array: NDArray, next: () => number): NDArray {
  const { data } = array;
  if (!(data instanceof Float32Array)) return array;
  return { ...array, data: data.map((x) => x * (1 + (next() >>> 31 === 1 ? lastBit : -lastBit))) };
}

function largestChange(a: NDArray, b: NDArray): number {
  let most = 0;
  for (let i = 0; i < a.data.length; i++) {
    const change = Math.abs(Number(a.data[i]) - Number(b.data[i]));
    if (Number.isFinite(change)) most = Math.max(most, change);
  }
  return most;
}
