import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { func, scalar, variable } from '../../compiler/src/ir/build.ts';
import type { Call, Expr, Var } from '../../compiler/src/ir/expr.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import type { FusedFunction } from '../../compiler/src/schedule/task.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import { tensorType } from '../../compiler/src/types/type.ts';
import { call, cortexM4 } from './functions.ts';
import { checkSchedules } from './support.ts';

interface Case {
  readonly name: string;
  readonly operator: 'qnn.batch_matmul' | 'nn.batch_matmul' | 'qnn.dense' | 'nn.dense' | 'nn.matmul';
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly attrs?: Readonly<Record<string, unknown>>;
  readonly zeros?: readonly [number, number];
  readonly dtypes?: readonly [string, string];
  /** What is done to the sums: requantised to bytes, an addition of another tensor or of the second operand itself. */
  readonly then?: 'requantize' | 'bias' | 'second' | 'none';
  /** Both operands are one tensor. */
  readonly self?: boolean;
}

const f32 = (v: number): Expr => scalar(v, 'float32');
const i32 = (v: number): Expr => scalar(v, 'int32');

function product(c: Case, float = false): FusedFunction {
  const [xType, yType] = float ? ['float32', 'float32'] : (c.dtypes ?? ['int8', 'int8']);
  const x = variable('x', tensorType(c.x, xType));
  const y = c.self === true ? x : variable('y', tensorType(c.y, yType));
  const [zx, zy] = c.zeros ?? [3, -7];
  const parameters = c.operator.startsWith('qnn.') ? [i32(zx), i32(zy), f32(0.05), f32(0.03)] : [];
  const layer = call(c.operator, [x, y, ...parameters], { out_dtype: float ? 'float32' : 'int32', ...c.attrs });
  const params: Var[] = c.self === true ? [x] : [x, y];
  let body: Call = layer;
  if (c.then === 'second') body = call('add', [layer, call('cast', [y], { dtype: float ? 'float32' : 'int32' })]);
  if (c.then === 'bias') {
    const other = variable('r', layer.type);
    params.unshift(other);
    body = call('add', [other, layer]);
  }
  if (!float && (c.then ?? 'requantize') === 'requantize')
    body = call('qnn.requantize', [layer, f32(0.0015), i32(0), f32(0.4), i32(-4)], { out_dtype: 'int8' });
  return { name: 'product', func: func(params, body), anchor: layer };
}

const cases: readonly Case[] = [
  { name: 'rows by rows', operator: 'qnn.batch_matmul', x: [3, 8, 16], y: [3, 6, 16], attrs: { transpose_b: true } },
  { name: 'rows by columns', operator: 'qnn.batch_matmul', x: [2, 7, 12], y: [2, 12, 9] },
  { name: 'odd sizes', operator: 'qnn.batch_matmul', x: [2, 5, 11], y: [2, 7, 11], attrs: { transpose_b: true } },
  { name: 'columns by columns', operator: 'qnn.batch_matmul', x: [2, 9, 5], y: [2, 9, 4], attrs: { transpose_a: true } },
  { name: 'columns by rows, one matrix for all', operator: 'qnn.batch_matmul', x: [3, 10, 5], y: [1, 6, 10], attrs: { transpose_a: true, transpose_b: true } },
  { name: 'one matrix for all, on the left', operator: 'qnn.batch_matmul', x: [1, 4, 6], y: [3, 6, 5] },
  { name: 'without zero points', operator: 'qnn.batch_matmul', x: [2, 4, 8], y: [2, 8, 8], zeros: [0, 0] },
  { name: 'the first alone with a zero point', operator: 'qnn.batch_matmul', x: [2, 4, 8], y: [1, 8, 8], zeros: [-128, 0] },
  { name: 'the second alone with a zero point', operator: 'qnn.batch_matmul', x: [2, 4, 8], y: [2, 8, 8], zeros: [0, 127] },
  { name: 'unsigned bytes', operator: 'qnn.batch_matmul', x: [2, 4, 8], y: [2, 3, 8], zeros: [130, 255], dtypes: ['uint8', 'uint8'], attrs: { transpose_b: true } },
  { name: 'signed and unsigned bytes', operator: 'qnn.batch_matmul', x: [1, 5, 8], y: [1, 8, 5], zeros: [-3, 120], dtypes: ['int8', 'uint8'] },
  { name: 'long sums', operator: 'qnn.batch_matmul', x: [1, 2, 300], y: [1, 3, 300], attrs: { transpose_b: true } },
  { name: 'rows that lie far apart', operator: 'qnn.batch_matmul', x: [1, 3, 4100], y: [1, 3, 4100], attrs: { transpose_b: true } },
  { name: 'a matrix by itself', operator: 'qnn.batch_matmul', x: [2, 5, 8], y: [2, 5, 8], attrs: { transpose_b: true }, self: true },
  { name: 'a dense layer whose weights are computed', operator: 'qnn.dense', x: [5, 20], y: [9, 20], attrs: { units: 9 } },
  { name: 'a dense layer of one row', operator: 'qnn.dense', x: [1, 36], y: [13, 36], attrs: { units: 13 } },
  { name: 'sums as they are', operator: 'nn.batch_matmul', x: [2, 4, 8], y: [2, 6, 8], attrs: { transpose_b: true }, then: 'none' },
  { name: 'another tensor added', operator: 'nn.batch_matmul', x: [2, 4, 8], y: [2, 8, 6], then: 'bias' },
  { name: 'the second operand added', operator: 'nn.batch_matmul', x: [2, 8, 8], y: [2, 8, 8], then: 'second' },
  { name: 'both orders of `nn.matmul`', operator: 'nn.matmul', x: [8, 5], y: [7, 8], attrs: { units: 7, transpose_a: true, transpose_b: true }, then: 'none' },
]; // prettier-ignore

describe('products of two tensors give what the operators say', () => {
  for (const c of cases) it(`${c.name}, bytes`, () => checkSchedules(product(c), 'matmul_smlad', { count: 5 }));

  for (const c of cases.filter((c) => c.operator.startsWith('nn.'))) {
    it(`${c.name}, float32`, () => checkSchedules(product(c, true), 'matmul_float_fma', { count: 5 }));
  }

  for (const [x, y, attrs] of [
    [[2, 5, 11], [2, 7, 11], { transpose_b: true }],
    [[1, 9, 6], [3, 6, 5], { transpose_b: false }],
    [[2, 300, 3], [2, 300, 4], { transpose_a: true, transpose_b: false }],
    [[1, 3, 600], [1, 5, 600], { transpose_b: true }],
  ] as const)
    it(`float32 ${x.join('×')} by ${y.join('×')}`, () => {
      const c: Case = { name: '', operator: 'nn.batch_matmul', x, y, attrs };
      checkSchedules(product(c, true), 'matmul_float_fma', { count: 5 });
    });

  it('which never lie upon a matrix that is still read', () => {
    for (const then of ['none', 'second', 'bias'] as const) {
      const c: Case = { name: '', operator: 'nn.batch_matmul', x: [2, 8, 8], y: [2, 8, 8], then };
      const fused = product(c, true);
      const { default: config } = scheduler.spaceOf(extractTask(fused), cortexM4);
      const kernel = scheduler.lower(fused, cortexM4, config);
      assert.ok(kernel.ok);
      const upon = kernel.value.overlaps.map((o) => fused.func.params[o.input]?.name);
      assert.deepEqual(upon, then === 'bias' ? ['r'] : []);
    }
  });

  it('also without the DSP extension', () => {
    const target = { ...cortexM4, name: 'cortex-m3', features: { ...cortexM4.features, dsp: false } };
    for (const c of cases) checkSchedules(product(c), 'matmul_smlad', { count: 2, target });
  });

  it('also without a floating-point unit, by the operators’ own loops', () => {
    const target = { ...cortexM4, name: 'cortex-m3', features: { dsp: false, fpu: false, bits: 32 as const } };
    const c: Case = { name: '', operator: 'nn.batch_matmul', x: [2, 4, 8], y: [2, 8, 6] };
    checkSchedules(product(c, true), 'generic', { count: 1, target });
  });
});
