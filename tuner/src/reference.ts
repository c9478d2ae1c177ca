/** Random inputs of a task and what its outputs must be. */
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import { evaluateExpr } from '../../compiler/src/evaluate/ir.ts';
import { firstUnequal, roundingError } from '../../compiler/src/evaluate/rounding.ts';
import { tensorsOf, tensorValue, type Frame } from '../../compiler/src/evaluate/value.ts';
import type { TuningTask } from '../../compiler/src/schedule/task.ts';
import { dtypeInfo, integerRange, isFloat, type DType } from '../../compiler/src/tensor/dtype.ts';
import { allocateElements, elementCount, type NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { staticShape } from '../../compiler/src/types/type.ts';
import { createRandom, type Random } from './prng.ts';

/** Outputs of a task for given inputs, computed apart from any schedule. Fails with `cancelled`, or as evaluation does. */
export type Reference = (
  task: TuningTask,
  inputs: readonly NDArray[],
  token: CancellationToken,
) => Result<readonly NDArray[]> | Promise<Result<readonly NDArray[]>>;

/** Evaluates the function's own body, operator by operator. */
export const evaluatorReference = (task: TuningTask, inputs: readonly NDArray[]): Result<readonly NDArray[]> => {
  const { func } = task.fused;
  const frame: Frame = { variables: new Map(), values: new Map(), parent: undefined };
  for (const [index, param] of func.params.entries()) {
    const input = inputs[index];
    if (!input) throw new Error(`no input for parameter ${param.name}`);
    frame.variables.set(param, tensorValue(input));
  }
  const value = evaluateExpr({ functions: new Map(), types: new Map() }, func.body, frame);
  if (!value.ok) return value;
  const outputs = tensorsOf(value.value);
  return outputs ? ok(outputs) : fail('no-reference', `${task.description} does not give tensors.`);
};

/** Random inputs of the function's parameter types; the same for a task and seed. */
export function randomInputs(task: TuningTask, seed: number): Result<readonly NDArray[]> {
  const random = createRandom(seed, 'inputs', task.key);
  const inputs: NDArray[] = [];
  for (const param of task.fused.func.params) {
    const { type } = param;
    const shape = type.kind === 'tensor' ? staticShape(type) : undefined;
    if (type.kind !== 'tensor' || !shape) {
      return fail('not-tunable', `${task.description} has a parameter without a fixed tensor type.`);
    }
    const array = randomArray(type.dtype, shape, random);
    if (!array) return fail('not-tunable', `${task.description} has a parameter of type ${type.dtype}.`);
    inputs.push(array);
  }
  return ok(inputs);
}

function randomArray(dtype: DType, shape: readonly number[], random: Random): NDArray | undefined {
  const data = allocateElements(dtype, elementCount(shape));
  const info = dtypeInfo(dtype);
  if (!data || !info) return undefined;
  const range = integerRange(dtype);
  // Wide integers are sums and indices; values near their limits would only test wrapping.
  const narrow = range !== undefined && info.bits <= 8;
  const low = narrow ? Number(range.min) : info.code === 'uint' ? 0 : -1000;
  const high = narrow ? Number(range.max) : 1000;
  for (let i = 0; i < data.length; i++) {
    const value = isFloat(dtype) ? Math.fround(random.next() * 2 - 1) : low + random.integer(high - low + 1);
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(value);
    else data[i] = info.bits === 16 && isFloat(dtype) ? Math.round(value * 128) / 128 : value;
  }
  return { dtype, shape, data };
}

/** Kernels take random inputs, which may cancel; below a magnitude of 1e-6 they have nothing but errors. */
const kernelError = 1e-4;
const leastScale = 1e-6;

/** Where a result differs from the reference; undefined when it is equal (floats: within a rounding error's growth). */
export function difference(expected: NDArray, found: NDArray['data']): string | undefined {
  if (expected.data.length !== found.length) return `${found.length} elements instead of ${expected.data.length}`;
  const error = Math.max(kernelError, roundingError(expected.dtype));
  const i = firstUnequal(expected, found, { error, scale: leastScale });
  return i === undefined ? undefined : `element ${i} is ${found[i]} instead of ${expected.data[i]}`;
}
