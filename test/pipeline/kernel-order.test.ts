import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { neverCancelled } from '../../compiler/src/base/cancellation.ts';
import type { FusedProgram, KernelStep, ProgramValue } from '../../compiler/src/passes/program.ts';
import { planArena } from '../../compiler/src/pipeline/arena.ts';
import { compileModel } from '../../compiler/src/pipeline/compile.ts';
import type { ScheduledKernel } from '../../compiler/src/pipeline/context.ts';
import { orderKernels } from '../../compiler/src/pipeline/kernel-order.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { arenaMemory, runArena } from '../run-arena.ts';
import { convFunction, cortexM4, evaluated, inputsFor, random } from '../schedule/functions.ts';

interface Graph {
  readonly program: FusedProgram;
  readonly kernels: readonly ScheduledKernel[];
}

/** Pointwise convolutions that read any tensor before them; some add a second one. */
function graph(seed: number, count: number): Graph {
  const next = random(seed * 7_919 + 3);
  for (let i = 0; i < 20; i++) next(2);
  const [height, width] = [2 + next(4), 2 + next(4)];
  const value = (name: string, channels: number): ProgramValue => ({
    name,
    shape: [1, height, width, channels],
    dtype: 'int8',
    origin: [],
  });
  const x = value('x', 4 * (1 + next(3)));
  const values = [x];
  const steps: KernelStep[] = [];
  for (let k = 0; k < count; k++) {
    const from = values[next(values.length)]!;
    const others = values.filter((v) => v !== from && v !== x);
    const other = next(2) === 0 ? others[next(Math.max(1, others.length))] : undefined;
    const result = value(`t${k}`, other?.shape[3] ?? 4 * (1 + next(8)));
    const fused = convFunction({
      name: `k${k}`,
      input: from.shape as never,
      outC: result.shape[3]!,
      kernel: [1, 1],
      ...(other === undefined ? {} : { residual: 'other' as const }),
      seed: seed + k,
    });
    steps.push({
      fused: { ...fused, name: `k${k}` },
      args: other === undefined ? [from] : [from, other],
      results: [result],
    });
    values.push(result);
  }
  const read = new Set(steps.flatMap((s) => s.args));
  const outputs = values.filter((v) => !read.has(v));
  const program = { name: 'graph', inputs: [x], outputs, kernels: steps, values, barriers: [] };
  const kernels = steps.map((step): ScheduledKernel => {
    const task = extractTask(step.fused);
    const { template, default: config } = scheduler.spaceOf(task, cortexM4);
    const lowered = scheduler.lower(step.fused, cortexM4, config);
    assert.ok(lowered.ok);
    return { step, task, template, config, choice: 'default', lowered: lowered.value };
  });
  return { program, kernels };
}

/** All orders in which every kernel comes after those it reads from. */
function allOrders({ program }: Graph): number[][] {
  const found: number[][] = [];
  const visit = (order: number[]): void => {
    if (order.length === program.kernels.length) found.push(order);
    const known = new Set([...program.inputs, ...order.flatMap((k) => program.kernels[k]!.results)]);
    program.kernels.forEach((step, k) => {
      if (!order.includes(k) && step.args.every((a) => known.has(a))) visit([...order, k]);
    });
  };
  visit([]);
  return found;
}

function inOrder({ program, kernels }: Graph, order: readonly number[]): Graph {
  return {
    program: { ...program, kernels: order.map((k) => program.kernels[k]!) },
    kernels: order.map((k) => kernels[k]!),
  };
}

const boundOf = ({ program, kernels }: Graph): number => planArena(program, kernels, neverCancelled).plan.lowerBound;

function meaning({ program }: Graph, input: NDArray): ReadonlyMap<ProgramValue, NDArray> {
  const values = new Map([[program.inputs[0]!, input]]);
  for (const { fused, args, results } of program.kernels)
    values.set(
      results[0]!,
      evaluated(
        fused.func,
        args.map((a) => values.get(a)!),
      )[0]!,
    );
  return values;
}

describe('the order of kernels', () => {
  it('is the one of the smallest peak, compared with all orders of small programs', () => {
    let better = 0;
    for (let seed = 0; seed < 40; seed++) {
      const given = graph(seed, 4 + (seed % 3));
      const least = Math.min(...allOrders(given).map((order) => boundOf(inOrder(given, order))));
      const ordered = orderKernels(given.program, given.kernels, neverCancelled);
      assert.equal(boundOf(ordered), least, `seed ${seed}`);
      if (least < boundOf(given)) better++;
    }
    assert.ok(better > 5, `${better} of 40 were improved`);
  });

  it('does not change results, is the same every time, and stays as given where that is as good', () => {
    for (let seed = 100; seed < 120; seed++) {
      const given = graph(seed, 12);
      const ordered = orderKernels(given.program, given.kernels, neverCancelled);
      const again = orderKernels(given.program, given.kernels, neverCancelled);
      const names = (g: Graph): string => g.kernels.map((k) => k.lowered.name).join(' ');
      assert.equal(names(again), names(ordered));
      if (ordered.after === ordered.before) assert.equal(names(ordered), names(given));
      const twice = orderKernels(ordered.program, ordered.kernels, neverCancelled);
      assert.equal(twice.after, ordered.after);
      const arena = planArena(ordered.program, ordered.kernels, neverCancelled);
      const memory = arenaMemory(arena);
      const input = inputsFor(given.kernels[0]!.step.fused.func, seed)[0]!;
      const x: NDArray = { ...input, shape: given.program.inputs[0]!.shape };
      if (given.program.kernels[0]!.args[0] !== given.program.inputs[0]) continue;
      memory.set(new Uint8Array(x.data.buffer), arena.offsetOf(given.program.inputs[0]!));
      assert.equal(runArena(arena, memory), undefined);
      const wanted = meaning(given, x);
      for (const output of given.program.outputs) {
        const expected = new Uint8Array(wanted.get(output)!.data.buffer);
        const at = arena.offsetOf(output);
        assert.deepEqual(memory.slice(at, at + expected.length), expected, `seed ${seed}: ${output.name}`);
      }
    }
  });

  it('computes what is kept for long after the branches that need most memory', () => {
    const text = [
      '#[version = "0.0.5"]',
      'def @main(%x: Tensor[(1, 8, 12, 12), float32]) {',
      '  let %kept = nn.conv2d(%x, ones(shape=[32, 8, 1, 1], dtype="float32"), channels=32, kernel_size=[1, 1]);',
      '  let %wide = nn.conv2d(%x, ones(shape=[64, 8, 1, 1], dtype="float32"), channels=64, kernel_size=[1, 1]);',
      '  let %narrow = nn.conv2d(%wide, ones(shape=[4, 64, 1, 1], dtype="float32"), channels=4, kernel_size=[1, 1]);',
      '  concatenate((%kept, %narrow), axis=1)',
      '}',
      '',
    ].join('\n');
    const result = compileModel({ text, target: cortexM4, inTurns: false });
    assert.ok(result.ok, result.ok ? '' : result.error.message);
    const plane = 12 * 12 * 4;
    const { bytes } = result.value.report.arena;
    assert.ok(bytes >= 72 * plane && bytes < 96 * plane, `${bytes} bytes, in the order given ${104 * plane}`);
  });
});
