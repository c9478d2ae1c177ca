import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { neverCancelled } from '../../compiler/src/base/cancellation.ts';
import { check } from '../../compiler/src/check/check.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { smallValues } from '../../compiler/src/evaluate/seeded.ts';
import { tensorValue, tensorsOf } from '../../compiler/src/evaluate/value.ts';
import type { Value } from '../../compiler/src/evaluate/value.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import type { IRModule } from '../../compiler/src/ir/expr.ts';
import { operatorName } from '../../compiler/src/ir/build.ts';
import { postOrder } from '../../compiler/src/ir/visit.ts';
import { bindParams } from '../../compiler/src/passes/bind-params.ts';
import { foldBatchNorm } from '../../compiler/src/passes/fold-batch-norm.ts';
import { passContext } from '../../compiler/src/pipeline/simplification.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';

function moduleOf(text: string): IRModule {
  const module = elaborate(check(parseSource(`#[version = "0.0.5"]\n${text}`)));
  assert.ok(module.ok);
  return module.value;
}

function statistics(channels: number): Map<string, NDArray> {
  const v = (seed: number): NDArray => smallValues('float32', [channels], seed)!;
  const positive = { ...v(4), data: Float32Array.from(v(4).data as Float32Array, (x) => x + 1.5) };
  return new Map([
    ['g', v(1)],
    ['b', v(2)],
    ['m', v(3)],
    ['v', positive],
  ]);
}

function run(module: IRModule, inputs: Readonly<Record<string, NDArray>>): number[] {
  const values = new Map(Object.entries(inputs).map(([k, v]): [string, Value] => [k, tensorValue(v)]));
  const result = evaluateFunction(module, 'main', values);
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return [...(tensorsOf(result.value)![0]!.data as Float32Array)];
}

const calls = (module: IRModule): string[] =>
  postOrder(module.functions.get('main')!.body).flatMap((e) => operatorName(e) ?? []);

function close(a: readonly number[], b: readonly number[]): void {
  assert.equal(a.length, b.length);
  a.forEach((x, i) => assert.ok(Math.abs(x - b[i]!) < 1e-5 * (1 + Math.abs(b[i]!)), `${x} and ${b[i]}`));
}

const vectors =
  '%g: Tensor[(4), float32], %b: Tensor[(4), float32], %m: Tensor[(4), float32], %v: Tensor[(4), float32]';
const cases = [
  [
    'NHWC and HWIO',
    'Tensor[(1, 5, 5, 3), float32]',
    [3, 3, 3, 4],
    'channels=4, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="HWIO"',
    'axis=3',
  ],
  ['NCHW and OIHW', 'Tensor[(1, 3, 5, 5), float32]', [4, 3, 3, 3], 'channels=4, kernel_size=[3, 3]', 'axis=1'],
  [
    'depthwise HWOI',
    'Tensor[(1, 5, 5, 4), float32]',
    [3, 3, 4, 1],
    'groups=4, channels=4, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="HWOI"',
    'axis=3',
  ],
] as const;

describe('folding batch normalisation', () => {
  for (const [name, type, weight, attrs, axis] of cases)
    it(`into a convolution of ${name} keeps the result`, () => {
      const text = `def @main(%x: ${type}, %w: Tensor[(${weight.join(', ')}), float32], ${vectors}) {
        %0 = nn.conv2d(%x, %w, padding=[0, 0, 0, 0], ${attrs}); %1 = nn.batch_norm(%0, %g, %b, %m, %v, ${axis}); %1.0 }`;
      const params = statistics(4).set('w', smallValues('float32', weight, 8)!);
      const bound = bindParams(moduleOf(text), params);
      assert.ok(bound.ok);
      const { module } = foldBatchNorm.run(bound.value, passContext(neverCancelled));
      assert.deepEqual(calls(module), ['nn.conv2d', 'nn.bias_add']);
      const shape = /\(([^)]*)\)/.exec(type)![1]!.split(',').map(Number);
      const x = smallValues('float32', shape, 6)!;
      close(run(module, { x }), run(bound.value, { x }));
    });

  it('multiplies and adds where there is no convolution, and where the statistics are inputs', () => {
    const text = `def @main(%x: Tensor[(1, 4, 3), float32], ${vectors}) { %0 = nn.batch_norm(%x, %g, %b, %m, %v); %0.0 }`;
    const module = moduleOf(text);
    const x = smallValues('float32', [1, 4, 3], 6)!;
    const inputs = { x, ...Object.fromEntries(statistics(4)) };
    const open = foldBatchNorm.run(module, passContext(neverCancelled)).module;
    close(run(open, inputs), run(module, inputs));
    const bound = bindParams(module, statistics(4));
    assert.ok(bound.ok);
    const closed = foldBatchNorm.run(bound.value, passContext(neverCancelled)).module;
    assert.deepEqual(calls(closed), ['multiply', 'add']);
    close(run(closed, { x }), run(module, inputs));
  });
});
