import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { fixedPointMultiplier } from '../../compiler/src/operators/qnn/fixed-point.ts';
import { printType } from '../../compiler/src/types/print.ts';
import { filled, relate, run, t } from './nn-support.ts';

const scalar = (dtype: string) => t(dtype);

describe('fixed-point multipliers', () => {
  for (const [scale, multiplier, shift] of [
    [1, 2 ** 30, 1],
    [0.5, 2 ** 30, 0],
    [0.75, 0.75 * 2 ** 31, 0],
    [3, 0.75 * 2 ** 31, 2],
    [0, 0, 0],
    [1 - 2 ** -40, 2 ** 30, 1],
  ] as const)
    it(`${scale} is ${multiplier} · 2^(${shift} − 31)`, () =>
      assert.deepEqual(fixedPointMultiplier(scale), { multiplier, shift }));

  it('lie within half a unit of 31 bits of every positive scale', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 1e6, noNaN: true }), (scale) => {
        const { multiplier, shift } = fixedPointMultiplier(scale);
        assert.ok(multiplier >= 2 ** 30 && multiplier < 2 ** 31);
        assert.ok(Math.abs(multiplier * 2 ** (shift - 31) - scale) <= 2 ** (shift - 32));
      }),
    );
  });
});

describe('requantisation', () => {
  const x = filled('int32', [6], (i) => [-3, -1, 1, 3, 200, -400][i] ?? 0);
  it('rounds halves up and limits to the result type', () => {
    const call = 'qnn.requantize(%x, 1f, 0, 2f, 1, out_dtype="int8")';
    assert.deepEqual(run(call, { x }), [0, 1, 2, 3, 101, -128]);
  });
  it('rounds halves away from zero on request', () => {
    const call = 'qnn.requantize(%x, 1f, 0, 2f, 1, rounding="TONEAREST", out_dtype="int8")';
    assert.deepEqual(run(call, { x }), [-1, 0, 2, 3, 101, -128]);
  });
  it('takes a scale for each channel', () => {
    const data = filled('int32', [2, 2], () => 8);
    const scales = filled('float32', [2], (i) => [0.5, 0.25][i] ?? 0);
    assert.deepEqual(
      run('qnn.requantize(%x, %s, 0, 1f, 0, axis=1, out_dtype="int8")', { x: data, s: scales }),
      [4, 2, 4, 2],
    );
  });
  it('says how many scales the axis needs', () => {
    const result = relate(
      'qnn.requantize',
      [t('int32', 2, 3), t('float32', 4), scalar('int32'), scalar('float32'), scalar('int32')],
      { out_dtype: 'int8' },
    );
    assert.equal(result.kind, 'error');
    assert.match(result.kind === 'error' ? result.error.message : '', /shape \(3\).*\(4\)/);
  });
  it('asks for an integer result type', () => {
    const inputs = [t('int32', 2), scalar('float32'), scalar('int32'), scalar('float32'), scalar('int32')];
    const result = relate('qnn.requantize', inputs, { out_dtype: 'float32' });
    assert.deepEqual(result.kind === 'error' && result.error.blame, { kind: 'attribute', name: 'out_dtype' });
  });
});

describe('quantised arithmetic', () => {
  it('a convolution subtracts zero points and pads with them', () => {
    const x = filled('int8', [1, 2, 2, 1], () => 5);
    const w = filled('int8', [3, 3, 1, 1], () => 2);
    const call =
      'qnn.conv2d(%x, %w, 3, 1, 1f, 1f, padding=[1, 1, 1, 1], channels=1, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="HWIO", out_dtype="int32")';
    assert.deepEqual(run(call, { x, w }), [8, 8, 8, 8]);
  });
  it('the type of a convolution takes zero points before scales', () => {
    const inputs = [
      t('int8', 1, 4, 4, 2),
      t('int8', 1, 1, 2, 3),
      scalar('int32'),
      scalar('int32'),
      scalar('float32'),
      t('float32', 3),
    ];
    const attrs = { data_layout: 'NHWC', kernel_layout: 'HWIO', channels: 3, kernel_size: [1, 1], out_dtype: 'int32' };
    const result = relate('qnn.conv2d', inputs, attrs);
    assert.equal(result.kind === 'ok' ? printType(result.result) : result.kind, 'Tensor[(1, 4, 4, 3), int32]');
  });
  it('a dense layer sums products less zero points', () => {
    const x = filled('int8', [1, 3], (i) => i + 1);
    const w = filled('int8', [2, 3], (i) => i);
    assert.deepEqual(run('qnn.dense(%x, %w, 1, 2, 1f, 1f, units=2, out_dtype="int32")', { x, w }), [-1, 8]);
  });
  it('a sum rescales both sides to the scale of the result', () => {
    const a = filled('int8', [2], (i) => [10, -10][i] ?? 0);
    const b = filled('int8', [2], (i) => [4, 100][i] ?? 0);
    assert.deepEqual(run('qnn.add(%a, %b, 0.5f, 0, 1f, 0, 1f, 2)', { a, b }), [11, 97]);
  });
  it('a product is rescaled by both scales', () => {
    const a = filled('uint8', [3], (i) => [12, 2, 255][i] ?? 0);
    assert.deepEqual(run('qnn.mul(%a, %a, 0.5f, 2, 0.5f, 2, 1f, 0)', { a }), [25, 0, 255]);
  });
  it('quantising rounds halves away from zero, dequantising undoes the scale', () => {
    const x = filled('float32', [4], (i) => [0.25, -0.25, 0.3, 1000][i] ?? 0);
    assert.deepEqual(run('qnn.quantize(%x, 0.5f, 1, out_dtype="int8")', { x }), [2, 0, 2, 127]);
    const q = filled('int8', [2], (i) => [3, -128][i] ?? 0);
    assert.deepEqual(run('qnn.dequantize(%q, 0.5f, 1)', { q }), [1, -64.5]);
  });
  it('functions work on real values', () => {
    const q = filled('int8', [3], (i) => [-64, 0, 64][i] ?? 0);
    assert.deepEqual(run('qnn.abs(%q, 0.5f, 0, 1f, 0)', { q }), [32, 0, 32]);
  });
});
