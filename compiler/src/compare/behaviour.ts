/** Two programs side by side on the same inputs. */
import { checkCancelled } from '../base/cancellation.ts';
import type { CancellationToken } from '../base/cancellation.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { evaluateFunction } from '../evaluate/ir.ts';
import { congruential, int8Values, smallValues } from '../evaluate/seeded.ts';
import { tensorsOf, tensorValue } from '../evaluate/value.ts';
import type { Value } from '../evaluate/value.ts';
import type { Func, IRModule } from '../ir/expr.ts';
import { isFloat } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { printType } from '../types/print.ts';
import { staticShape } from '../types/type.ts';

/** A function of a module. */
export interface Entry {
  readonly module: IRModule;
  readonly name: string;
  readonly func: Func;
}

/** Which parameter of the second function takes the place of each parameter of the first. */
export type Pairing = readonly number[];

/** The element at which outputs differ most. */
export interface Counterexample {
  /** Seed of the inputs. */
  readonly seed: number;
  readonly output: number;
  readonly index: readonly number[];
  readonly left: string;
  readonly right: string;
  readonly differing: number;
  readonly elements: number;
}

export type Behaviour =
  | { readonly kind: 'agree'; readonly samples: number; readonly largest: number }
  | { readonly kind: 'differ'; readonly counterexample: Counterexample };

/** Floats that differ by more count as different: relative to the larger of the two and the output's own size. */
export const tolerance = 1e-4;

/**
 * Evaluates both functions on `samples` seeded inputs: small values first, the full range of the dtype next, and so
 * on in turn. Fails where a parameter has no fixed tensor type or a program cannot be evaluated.
 */
export function compareBehaviour(
  left: Entry,
  right: Entry,
  pairing: Pairing,
  options: { readonly samples: number; readonly seed: number; readonly token: CancellationToken },
): Result<Behaviour> {
  let largest = 0;
  for (let sample = 0; sample < options.samples; sample++) {
    checkCancelled(options.token);
    const seed = options.seed + sample;
    const inputs = inputsOf(left.func, seed, sample % 2 === 1);
    if (!inputs.ok) return inputs;
    const renamed = new Map<string, Value>();
    pairing.forEach((j, i) => {
      const value = inputs.value[i];
      const name = right.func.params[j]?.name;
      if (value !== undefined && name !== undefined) renamed.set(name, value);
    });
    const named = new Map(left.func.params.map((p, i) => [p.name, inputs.value[i] as Value]));
    const a = evaluateFunction(left.module, left.name, named, { token: options.token });
    if (!a.ok) return a;
    const b = evaluateFunction(right.module, right.name, renamed, { token: options.token });
    if (!b.ok) return b;
    const [x, y] = [tensorsOf(a.value), tensorsOf(b.value)];
    if (x === undefined || y === undefined || x.length !== y.length)
      return fail('no-tensors', 'The functions do not return tensors, so their values cannot be compared.');
    for (const [output, array] of x.entries()) {
      const other = y[output];
      if (other === undefined) continue;
      const found = differenceOf(array, other);
      if (found.worst !== undefined) {
        const { index, ...rest } = found.worst;
        const counterexample = { seed, output, index: indexAt(array.shape, index), ...rest };
        return ok({ kind: 'differ', counterexample });
      }
      largest = Math.max(largest, found.largest);
    }
  }
  return ok({ kind: 'agree', samples: options.samples, largest });
}

function inputsOf(func: Func, seed: number, wide: boolean): Result<readonly Value[]> {
  const values: Value[] = [];
  for (const [i, p] of func.params.entries()) {
    const shape = p.type.kind === 'tensor' ? staticShape(p.type) : undefined;
    const array =
      p.type.kind !== 'tensor' || shape === undefined
        ? undefined
        : wide && p.type.dtype === 'int8'
          ? int8Values(shape, seed + 7919 * i, 'full')
          : smallValues(p.type.dtype, shape, seed + 7919 * i);
    if (array === undefined)
      return fail(
        'input-type',
        `%${p.name} is ${printType(p.type)}; values are made for tensors of fixed shape only.`,
        'Give the parameter a fixed shape to compare values.',
      );
    values.push(tensorValue(wide && isFloat(array.dtype) ? spread(array, seed + i) : array));
  }
  return ok(values);
}

/** Floats stretched to [−8, 8). */
function spread(array: NDArray, seed: number): NDArray {
  const next = congruential(seed);
  const data = array.data.slice();
  for (let i = 0; i < data.length; i++) if ((next() & 0x40000000) !== 0) data[i] = (Number(data[i]) * 8) as never;
  return { ...array, data };
}

function differenceOf(
  a: NDArray,
  b: NDArray,
): {
  readonly largest: number;
  readonly worst?: Omit<Counterexample, 'seed' | 'output' | 'index'> & { index: number };
} {
  const float = isFloat(a.dtype);
  let scale = 0;
  if (float) for (const x of a.data as Iterable<number>) if (Number.isFinite(x)) scale = Math.max(scale, Math.abs(x));
  let largest = 0;
  let worst = -1;
  let worstError = 0;
  let differing = 0;
  for (let i = 0; i < a.data.length; i++) {
    const [x, y] = [a.data[i] ?? 0, b.data[i] ?? 0];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    const size = Math.max(Math.abs(Number(x)), Math.abs(Number(y)), scale * 1e-3);
    const gap = Math.abs(Number(x) - Number(y)) / size;
    const error = Number.isNaN(gap) ? Infinity : gap;
    if (!float || error > tolerance) {
      differing++;
      if (error > worstError || worst < 0) [worst, worstError] = [i, error];
    } else largest = Math.max(largest, error);
  }
  if (worst < 0) return { largest };
  const text = (array: NDArray): string => String(array.data[worst]);
  return {
    largest,
    worst: { index: worst, left: text(a), right: text(b), differing, elements: a.data.length },
  };
}

function indexAt(shape: readonly number[], flat: number): readonly number[] {
  const index: number[] = [];
  for (let rest = flat, d = shape.length - 1; d >= 0; d--) {
    const size = shape[d] ?? 1;
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index;
}
