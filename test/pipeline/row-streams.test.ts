import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { neverCancelled } from '../../compiler/src/base/cancellation.ts';
import { emitJs } from '../../compiler/src/emit/js.ts';
import type { Buffer, LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import { verifyKernel } from '../../compiler/src/loops/verify.ts';
import type { FusedProgram, KernelStep, ProgramValue } from '../../compiler/src/passes/program.ts';
import { planArena } from '../../compiler/src/pipeline/arena.ts';
import { backend } from '../../compiler/src/pipeline/backend.ts';
import type { ScheduledKernel } from '../../compiler/src/pipeline/context.ts';
import { rowStream } from '../../compiler/src/pipeline/row-stream.ts';
import { planStreamed } from '../../compiler/src/pipeline/streams.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import type { FusedFunction, RowAccess, ScheduleConfig } from '../../compiler/src/schedule/task.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { staticShape } from '../../compiler/src/types/type.ts';
import { arenaMemory, runArena } from '../run-arena.ts';
import { convFunction, cortexM4, evaluated, inputsFor, random, type ConvCase } from '../schedule/functions.ts';

const lowerRows = (fused: FusedFunction, config: ScheduleConfig, most: number): LoweredKernel => {
  const lowered = scheduler.lowerRows?.(fused, cortexM4, config, most);
  assert.ok(lowered?.ok === true);
  assert.deepEqual(verifyKernel(lowered.value), []);
  return lowered.value;
};

const asBytes = ({ data }: NDArray): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Runs a kernel for a few rows a call, each buffer cut off before the first row that the call may look at. */
function runByRows(
  kernel: LoweredKernel,
  access: RowAccess,
  inputs: readonly NDArray[],
  counts: readonly number[],
): Uint8Array {
  const output = new Uint8Array(access.rows * access.rowBytes);
  let first = 0;
  for (const rows of counts) {
    const pieces = new Map<Buffer, Uint8Array>();
    let [top, height] = [0, 0];
    kernel.inputs.forEach((b, i) => {
      const input = access.inputs[i]!;
      const wanted = first * input.stride - input.top;
      const row = Math.min(Math.max(0, wanted), input.rows - 1);
      const last = Math.min(
        input.rows,
        Math.max(row + 1, (first + rows - 1) * input.stride - input.top + input.window),
      );
      if (i === access.main) [top, height] = [row - wanted, input.rows - row];
      // What lies beyond the rows of this call is garbage.
      const piece = new Uint8Array(Math.max(b.length, (last - row) * input.rowBytes) + 8).fill(0x5a);
      piece.set(asBytes(inputs[i]!).subarray(row * input.rowBytes, last * input.rowBytes));
      pieces.set(b, piece);
    });
    for (const { buffer, value } of kernel.constants)
      pieces.set(buffer, asBytes({ ...value, data: value.data.slice() }));
    for (const b of kernel.scratch) pieces.set(b, new Uint8Array(8 * b.length + 8).fill(0xa5));
    const result = new Uint8Array(kernel.outputs[0]!.length);
    pieces.set(kernel.outputs[0]!, result);
    emitJs(kernel)(pieces, [rows, top, height]);
    output.set(result.subarray(0, rows * access.rowBytes), first * access.rowBytes);
    first += rows;
  }
  return output;
}

function splitOf(rows: number, next: (limit: number) => number): number[] {
  const counts: number[] = [];
  for (let left = rows; left > 0;) {
    const count = 1 + next(Math.min(left, 5));
    counts.push(count);
    left -= count;
  }
  return counts;
}

/** A convolution of several rows of whole words. */
function randomCase(seed: number): ConvCase {
  const next = random(seed * 7919 + 11);
  for (let i = 0; i < 20; i++) next(2);
  const depthwise = next(3) === 0;
  const inC = 4 * (1 + next(3));
  const kernel = [1 + next(4), 1 + next(4)] as const;
  const dilation = next(3) === 0 ? ([1 + next(2), 1 + next(2)] as const) : ([1, 1] as const);
  const span = [(kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1] as const;
  return {
    name: `seed ${seed}`,
    input: [1, span[0] + 2 + next(9), span[1] + next(9), inC],
    outC: depthwise ? inC : 4 * (1 + next(3)),
    kernel,
    dilation,
    strides: [1 + next(3), 1 + next(3)],
    padding: [next(span[0]), next(span[1]), next(3), next(3)],
    groups: depthwise ? inC : 1,
    inputZero: next(256) - 128,
    ...(next(3) === 0 ? { residual: 'other' as const } : {}),
    seed: seed + 1,
  };
}

describe('kernels that compute some rows a call', () => {
  it('give together what the operators say, whatever the rows and schedules', () => {
    let tried = 0;
    for (let seed = 0; seed < 80; seed++) {
      const fused = convFunction(randomCase(seed));
      const access = scheduler.rowsOf?.(fused, cortexM4);
      if (access === undefined) continue;
      const next = random(seed);
      const space = scheduler.spaceOf(extractTask(fused), cortexM4);
      const point = Object.fromEntries(space.knobs.map((k) => [k.name, k.values[next(k.values.length)] ?? 0]));
      const config = space.isValid(point) ? point : space.default;
      const inputs = inputsFor(fused.func, seed + 5);
      const counts = splitOf(access.rows, next);
      const found = runByRows(lowerRows(fused, config, Math.max(...counts)), access, inputs, counts);
      const wanted = evaluated(fused.func, inputs)[0]!;
      assert.deepEqual(found, asBytes(wanted), `seed ${seed}: ${counts.join(' ')} rows, ${JSON.stringify(config)}`);
      tried++;
    }
    assert.ok(tried > 40, `${tried} cases`);
  });
});

/** A chain of convolutions, some with a residual from before, as a program. */
function chain(seed: number): { readonly program: FusedProgram; readonly kernels: readonly ScheduledKernel[] } {
  const next = random(seed * 104_729 + 7);
  for (let i = 0; i < 20; i++) next(2);
  let shape: readonly number[] = [1, 8 + next(9), 4 + 4 * next(2), 4 * (1 + next(2))];
  const start: ProgramValue = { name: 'x', shape, dtype: 'int8', origin: [] };
  const values: ProgramValue[] = [start];
  const steps: KernelStep[] = [];
  let at = start;
  let early = start;
  const length = 3 + next(4);
  for (let k = 0; k < length; k++) {
    const fits = early !== at && early.shape.join() === at.shape.join();
    const depthwise = !fits && next(3) === 0;
    const inC = shape[3]!;
    const size = [1, 3][next(2)]!;
    const wide = fits || next(3) > 0;
    const fused = convFunction({
      name: `k${k}`,
      input: shape as never,
      outC: fits || depthwise ? inC : 4 * (1 + next(3)),
      kernel: [size, size],
      strides: wide ? [1, 1] : [2, 2],
      padding: size === 3 ? [1, 1, 1, 1] : [0, 0, 0, 0],
      groups: depthwise ? inC : 1,
      inputZero: next(256) - 128,
      ...(fits ? { residual: 'other' as const } : {}),
      seed: seed + k,
    });
    const type = fused.func.body.type;
    assert.ok(type.kind === 'tensor');
    shape = staticShape(type)!;
    const result: ProgramValue = { name: `t${k}`, shape, dtype: 'int8', origin: [] };
    values.push(result);
    steps.push({ fused: { ...fused, name: `k${k}` }, args: fits ? [at, early] : [at], results: [result] });
    if (next(2) === 0) early = at;
    at = result;
  }
  const program = { name: 'chain', inputs: [start], outputs: [at], kernels: steps, values, barriers: [] };
  const kernels = steps.map((step): ScheduledKernel => {
    const task = extractTask(step.fused);
    const space = scheduler.spaceOf(task, cortexM4);
    const lowered = scheduler.lower(step.fused, cortexM4, space.default);
    assert.ok(lowered.ok);
    const { template, default: config } = space;
    return { step, task, template, config, choice: 'default', lowered: lowered.value };
  });
  return { program, kernels };
}

function meaning({ kernels, inputs, outputs }: FusedProgram, input: NDArray): NDArray {
  const values = new Map([[inputs[0]!, input]]);
  for (const { fused, args, results } of kernels)
    values.set(
      results[0]!,
      evaluated(
        fused.func,
        args.map((a) => values.get(a)!),
      )[0]!,
    );
  return values.get(outputs[0]!)!;
}

describe('kernels that run in turns', () => {
  it('give what they give one behind the other, in an arena that is never larger', () => {
    let [streams, overlaps, residuals] = [0, 0, 0];
    for (let seed = 0; seed < 60; seed++) {
      const { program, kernels } = chain(seed);
      const next = random(seed);
      const first = next(kernels.length - 1);
      const last = first + 1 + next(kernels.length - 1 - first);
      const accessOf = (k: number): RowAccess | undefined => scheduler.rowsOf?.(kernels[k]!.step.fused, cortexM4);
      const stream = rowStream(program, accessOf, first, last, 1 + next(5));
      if (stream === undefined) continue;
      const byRows = kernels.map((kernel, k) =>
        k < first || k > last
          ? kernel
          : { ...kernel, lowered: lowerRows(kernel.step.fused, kernel.config, stream.most[k - first]!) },
      );
      const arena = planArena(program, byRows, neverCancelled, [stream]);
      const input = inputsFor(kernels[0]!.step.fused.func, seed)[0]!;
      const memory = arenaMemory(arena);
      memory.set(asBytes(input), arena.offsetOf(program.inputs[0]!));
      const title = `seed ${seed}, kernels ${first} to ${last} of ${kernels.length}, ${stream.turnRows} rows a turn`;
      assert.equal(runArena(arena, memory), undefined, title);
      const wanted = asBytes(meaning(program, input));
      const at = arena.offsetOf(program.outputs[0]!);
      assert.deepEqual(memory.slice(at, at + wanted.length), wanted, title);
      streams++;
      overlaps += stream.overlaps.length;
      residuals += program.kernels.slice(first, last + 1).filter((k) => k.args.length > 1).length;
    }
    assert.ok(streams > 30 && overlaps > 10 && residuals > 5, `${streams} streams, ${overlaps}, ${residuals}`);
  });

  it('are found where memory is tightest, and make the arena smaller', () => {
    let gained = 0;
    for (let seed = 0; seed < 20; seed++) {
      const { program, kernels } = chain(seed);
      const plain = planArena(program, kernels, neverCancelled);
      const arena = planStreamed(program, kernels, { backend, target: cortexM4, token: neverCancelled, inTurns: true });
      if (arena.streams.length === 0) continue;
      assert.ok(arena.plan.arenaBytes < plain.plan.arenaBytes, `seed ${seed}`);
      gained++;
    }
    assert.ok(gained > 5, `${gained} of 20`);
  });
});
