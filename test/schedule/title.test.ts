import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compileModel } from '../../compiler/src/pipeline/compile.ts';
import { cortexM4 } from './functions.ts';

/** Titles of the kernels of a program, in their order. */
function titlesOf(params: string, body: string): readonly string[] {
  const text = `#[version = "0.0.5"]\ndef @main(${params}) {\n${body}\n}\n`;
  const compiled = compileModel({ text, target: cortexM4, name: 'm' });
  assert.ok(compiled.ok, compiled.ok ? '' : compiled.error.message);
  return compiled.value.kernels.map((kernel) => kernel.task.description);
}

const cases: readonly (readonly [params: string, body: string, title: string])[] = [
  [
    '%x: Tensor[(1, 3, 9, 9), float32], %w: Tensor[(8, 3, 3, 3), float32]',
    'nn.relu(nn.conv2d(%x, %w, strides=[2, 2], padding=[1, 1, 1, 1], channels=8, kernel_size=[3, 3]))',
    'conv2d 3×3 stride 2, 3→8, 5×5, float32',
  ],
  [
    '%x: Tensor[(1, 4, 9, 9), float32], %w: Tensor[(4, 1, 5, 3), float32]',
    'nn.conv2d(%x, %w, strides=[1, 2], padding=[0, 0, 0, 0], groups=4, channels=4, kernel_size=[5, 3])',
    'depthwise 5×3 stride 1×2, 4→4, 5×4, float32',
  ],
  [
    '%x: Tensor[(1, 4, 12), float32], %w: Tensor[(6, 2, 3), float32]',
    'nn.conv1d(%x, %w, strides=[1], padding=[0, 0], groups=2, channels=6, kernel_size=[3])',
    'conv1d 3, 4→6, 10, 2 groups, float32',
  ],
  ['%x: Tensor[(1, 96), float32], %w: Tensor[(8, 96), float32]', 'nn.dense(%x, %w, units=None)', 'dense 96→8, float32'],
  [
    '%x: Tensor[(5, 96), float32], %w: Tensor[(8, 96), float32]',
    'nn.dense(%x, %w, units=None)',
    'dense 96→8, 5 rows, float32',
  ],
  [
    '%x: Tensor[(1, 8, 6, 6), float32]',
    'nn.max_pool2d(%x, pool_size=[2, 2], strides=[2, 2])',
    'max_pool2d 2×2, 8×3×3, float32',
  ],
  [
    '%x: Tensor[(1, 8, 6, 6), float32]',
    'nn.avg_pool2d(%x, pool_size=[3, 3])',
    'avg_pool2d 3×3 stride 1, 8×4×4, float32',
  ],
  ['%x: Tensor[(1, 1, 8), float32]', 'nn.softmax(%x)', 'softmax 8, float32'],
  ['%x: Tensor[(1, 8, 8), float32]', 'nn.relu(add(multiply(%x, %x), %x))', 'multiply + add + relu, 8×8, float32'],
  ['%x: Tensor[(1), int8]', 'cast(negative(%x), dtype="float32")', 'negative + cast, 1, int8→float32'],
  ['%x: Tensor[(4), float32]', 'tanh(exp(sqrt(negative(abs(%x)))))', 'abs + negative + sqrt + 2 more, 4, float32'],
];

describe('names of kernels in tables', () => {
  for (const [params, body, title] of cases) {
    it(title, () => {
      assert.deepEqual(titlesOf(params, body), [title]);
    });
  }
});
