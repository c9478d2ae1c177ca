import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { neverCancelled } from '../../compiler/src/base/cancellation.ts';
import { check } from '../../compiler/src/check/check.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { smallValues } from '../../compiler/src/evaluate/seeded.ts';
import { tensorValue, tensorsOf } from '../../compiler/src/evaluate/value.ts';
import { operatorName } from '../../compiler/src/ir/build.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import type { Call, IRModule } from '../../compiler/src/ir/expr.ts';
import { postOrder } from '../../compiler/src/ir/visit.ts';
import { bindParams } from '../../compiler/src/passes/bind-params.ts';
import { passContext, runPasses } from '../../compiler/src/pipeline/simplification.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { staticShape } from '../../compiler/src/types/type.ts';

/** The program with seeded weights, before and after all passes, and its calls afterwards. */
function compiled(text: string): { before: IRModule; after: IRModule; calls: readonly Call[] } {
  const module = elaborate(check(parseSource(`#[version = "0.0.5"]\n${text}`)));
  assert.ok(module.ok, module.ok ? '' : module.error.message);
  const weights = new Map<string, NDArray>();
  for (const [i, p] of module.value.functions.get('main')!.params.entries())
    if (p.name !== 'x' && p.type.kind === 'tensor')
      weights.set(p.name, smallValues(p.type.dtype, staticShape(p.type)!, i)!);
  const before = bindParams(module.value, weights);
  assert.ok(before.ok);
  const after = runPasses(before.value, passContext(neverCancelled)).module;
  const calls = postOrder(after.functions.get('main')!.body).filter((e): e is Call => e.kind === 'call');
  return { before: before.value, after, calls };
}

function outputs(module: IRModule): number[] {
  const [x] = module.functions.get('main')!.params;
  assert.ok(x?.type.kind === 'tensor');
  const input = smallValues(x.type.dtype, staticShape(x.type)!, 99)!;
  const result = evaluateFunction(module, 'main', new Map([['x', tensorValue(input)]]));
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return tensorsOf(result.value)!.flatMap((t) => Array.from(t.data as Int8Array, Number));
}

const names = (calls: readonly Call[]): string[] => calls.map((c) => operatorName(c) ?? '');
const count = (calls: readonly Call[], name: string): number => names(calls).filter((n) => n === name).length;

const conv = (data: string, weight: string, channels: number, k: number, more = ''): string =>
  `qnn.conv2d(${data}, ${weight}, 3, 0, 0.5f, 0.01f, padding=[${k >> 1}, ${k >> 1}, ${k >> 1}, ${k >> 1}], channels=${channels}, kernel_size=[${k}, ${k}], out_dtype="int32"${more})`;
const scaled = (sums: string): string => `qnn.requantize(${sums}, 0.05f, 0, 0.2f, 3, axis=1, out_dtype="int8")`;

describe('channels-first networks of integers', () => {
  it('turn images around at their ends alone, and give the same numbers', () => {
    const { before, after, calls } = compiled(`
def @main(%x: Tensor[(1, 3, 8, 8), int8], %w1: Tensor[(6, 3, 3, 3), int8], %b1: Tensor[(6), int32],
    %w2: Tensor[(6, 1, 3, 3), int8], %w3: Tensor[(6, 6, 1, 1), int8], %b3: Tensor[(6, 1, 1), int32], %w4: Tensor[(4, 3, 3, 3), int8]) {
  %0 = nn.bias_add(${conv('%x', '%w1', 6, 3)}, %b1);
  %1 = ${scaled('%0')};
  %2 = ${scaled(conv('%1', '%w2', 6, 3, ', groups=6'))};
  %3 = ${scaled(`add(${conv('%2', '%w3', 6, 1)}, %b3)`)};
  %4 = qnn.add(%3, %1, 0.2f, 3, 0.2f, 3, 0.3f, -1);
  %5 = nn.max_pool2d(nn.pad(%4, 3f, pad_width=[[0, 0], [0, 0], [1, 1], [0, 0]]), pool_size=[2, 2], strides=[2, 2]);
  %6 = concatenate((%5, clip(%5, a_min=-9f, a_max=30f)), axis=1);
  %7 = ${conv('%6', '%w4', 4, 3, ', groups=4').replace('%w4', 'zeros(shape=[4, 3, 3, 3], dtype="int8")')};
  %8 = cast(${scaled('%7')}, dtype="int32");
  (%6, mean(%8, axis=[2, 3]), nn.batch_flatten(cast(nn.global_avg_pool2d(%8), dtype="int8")))
}`);
    assert.deepEqual(outputs(after), outputs(before));
    assert.ok(calls.every((c) => c.attrs['data_layout'] === undefined || c.attrs['data_layout'] === 'NHWC'));
    // The image comes in, and one of the results leaves with its places.
    assert.equal(count(calls, 'transpose'), 2);
  });

  it('keep weights for the templates: pruned channels go as they do in channels-last networks', () => {
    const { calls } = compiled(`
def @main(%x: Tensor[(1, 4, 5, 5), int8], %w: Tensor[(4, 4, 1, 1), int8]) {
  %0 = qnn.conv2d(%x, concatenate((%w, zeros(shape=[4, 4, 1, 1], dtype="int8")), axis=0), 0, 0, 0.5f, 0.5f, padding=[0, 0, 0, 0], channels=8, kernel_size=[1, 1], out_dtype="int32");
  %1 = qnn.requantize(nn.bias_add(%0, ones(shape=[8], dtype="int32")), 0.25f, 0, 1f, 0, axis=1, out_dtype="int8");
  %2 = qnn.conv2d(%1, ones(shape=[2, 8, 1, 1], dtype="int8"), 0, 0, 1f, 0.5f, padding=[0, 0, 0, 0], channels=2, kernel_size=[1, 1], out_dtype="int32");
  qnn.requantize(nn.bias_add(%2, ones(shape=[2], dtype="int32")), 0.5f, 0, 2f, 0, axis=1, out_dtype="int8")
}`);
    const channels = calls.filter((c) => operatorName(c) === 'qnn.conv2d').map((c) => c.attrs['channels']);
    assert.deepEqual(channels, [4, 2]);
  });

  it('leave images of one channel and of one place where they are', () => {
    const { before, after, calls } = compiled(`
def @main(%x: Tensor[(1, 1, 6, 4), int8], %w: Tensor[(5, 1, 6, 4), int8]) {
  ${scaled('qnn.conv2d(%x, %w, 3, 0, 0.5f, 0.01f, padding=[0, 0, 0, 0], channels=5, kernel_size=[6, 4], out_dtype="int32")')}
}`);
    assert.deepEqual(outputs(after), outputs(before));
    assert.equal(count(calls, 'transpose'), 0);
  });

  it('turn sequences as well, and leave floats alone', () => {
    const { before, after, calls } = compiled(`
def @main(%x: Tensor[(1, 6, 9), int8], %w: Tensor[(4, 6, 3), int8]) {
  nn.relu(nn.conv1d(%x, %w, padding=[1, 1], channels=4, kernel_size=[3], out_dtype="int32"))
}`);
    assert.deepEqual(outputs(after), outputs(before));
    assert.equal(calls.find((c) => operatorName(c) === 'nn.conv1d')?.attrs['data_layout'], 'NWC');
    const float = compiled(`
def @main(%x: Tensor[(1, 6, 9, 9), float32], %w: Tensor[(4, 6, 3, 3), float32]) {
  nn.relu(nn.conv2d(%x, %w, padding=[1, 1, 1, 1], channels=4, kernel_size=[3, 3]))
}`);
    assert.deepEqual(names(float.calls), ['nn.conv2d', 'nn.relu']);
  });
});
