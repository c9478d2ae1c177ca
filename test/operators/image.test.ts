import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { coordinateModes, methods, roundings } from '../../compiler/src/operators/compute/interpolate.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { anyDim } from '../../compiler/src/types/type.ts';
import { explain, filled, messageOf, run, t, typeOf, type relate } from './nn-support.ts';

const close = (a: readonly number[], b: readonly number[], tolerance = 1e-4): void => {
  assert.equal(a.length, b.length);
  a.forEach((x, i) => assert.ok(Math.abs(x - (b[i] ?? NaN)) <= tolerance, `element ${i} is ${x}, expected ${b[i]}`));
};
const wave = (...shape: number[]): NDArray => filled('float32', shape, (i) => Math.fround(Math.sin(i * 1.7) * 3));

describe('result types of image operators', () => {
  const roi = [0, 0, 0, 0];
  const cases: readonly [string, Parameters<typeof relate>, string][] = [
    [
      'resizing NHWC',
      ['image.resize2d', [t('uint8', 1, 8, 8, 3)], { size: [4, 6], roi, layout: 'NHWC', out_dtype: 'float32' }],
      'Tensor[(1, 4, 6, 3), float32]',
    ],
    [
      'a size written as int64',
      [
        'image.resize1d',
        [t('int8', 1, 3, 8)],
        { size: [{ opaque: '4i64', dim: { kind: 'int64', value: 4n } }], roi: [0, 0] },
      ],
      'Tensor[(1, 3, 4i64), int8]',
    ],
    [
      'cropping boxes',
      ['image.crop_and_resize', [t('float32', 2, 3, 16, 16), t('float32', 5, 4), t('int32', 5)], { crop_size: [7, 9] }],
      'Tensor[(5, 3, 7, 9), float32]',
    ],
    [
      'a grid of unknown batch',
      ['image.affine_grid', [t('float32', anyDim, 2, 3)], { target_shape: [4, 5] }],
      'Tensor[(?, 2, 4, 5), float32]',
    ],
    [
      'sampling a volume',
      ['image.grid_sample', [t('float32', 1, 2, 4, 4, 4), t('float32', 1, 3, 5, 6, 7)], { layout: 'NCDHW' }],
      'Tensor[(1, 2, 5, 6, 7), float32]',
    ],
    [
      'dilation',
      [
        'image.dilation2d',
        [t('float32', 1, 8, 8, 2), t('float32', 3, 3, 2)],
        { strides: [2, 2], padding: [1, 1], dilations: [1, 1], data_layout: 'NHWC', kernel_layout: 'HWI' },
      ],
      'Tensor[(1, 4, 4, 2), float32]',
    ],
  ];
  for (const [title, call, expected] of cases)
    it(`${title} gives ${expected}`, () => assert.equal(typeOf(...call), expected));

  it('a missing region says what to write', () => {
    assert.match(
      messageOf('image.resize2d', [t('float32', 1, 3, 8, 8)], { size: [4, 4] }),
      /`roi` must have 4 numbers/,
    );
  });
  it('a size of the wrong length names the dimensions', () => {
    assert.match(
      messageOf('image.resize2d', [t('float32', 1, 3, 8, 8)], { size: [4], roi: [0, 0, 0, 0] }),
      /2 numbers \(height, width\), but it has 1/,
    );
  });
  it('a resized height comes from the size, a dilated one from its formula', () => {
    assert.deepEqual(
      explain('image.resize2d', [t('float32', 1, 3, 8, 8)], { size: [4, 6], roi: [0, 0, 0, 0] }, 3)?.sources,
      [{ kind: 'attribute', name: 'size', element: 1 }],
    );
    assert.equal(
      explain('image.dilation2d', [t('float32', 1, 2, 8, 8), t('float32', 2, 3, 3)], { padding: [1, 1] }, 2)?.formula,
      '8 + 2·1 − 3 + 1',
    );
  });
});

describe('values of image operators', () => {
  const ramp = filled('float32', [1, 1, 3], (i) => i);

  it('a ramp resized between its corners stays a ramp', () => {
    close(
      run('image.resize1d(%x, size=[5], roi=[0f, 0f], coordinate_transformation_mode="align_corners")', { x: ramp }),
      [0, 0.5, 1, 1.5, 2],
    );
  });
  it('the nearest element repeats evenly', () => {
    const expression = (rounding: string): string =>
      `image.resize1d(%x, size=[6], roi=[0f, 0f], method="nearest_neighbor", coordinate_transformation_mode="asymmetric", rounding_method="${rounding}")`;
    assert.deepEqual(run(expression(''), { x: ramp }), [0, 0, 1, 1, 2, 2]);
    assert.deepEqual(run(expression('ceil'), { x: ramp }), [0, 1, 1, 2, 2, 2]);
  });
  it('integers are truncated', () => {
    const x = filled('uint8', [1, 1, 2], (i) => i);
    const wide = run('image.resize1d(%x, size=[4], roi=[0f, 0f], out_dtype="float32")', { x });
    close(wide, [0, 0.25, 0.75, 1]);
    assert.deepEqual(run('image.resize1d(%x, size=[4], roi=[0f, 0f])', { x }), [0, 0, 0, 1]);
  });
  it('a cubic kernel that leaves out the outside keeps a constant image', () => {
    const x = filled('float32', [1, 1, 4, 4], () => 2);
    const result = run('image.resize2d(%x, size=[7, 5], roi=[0f, 0f, 0f, 0f], method="cubic", cubic_exclude=1)', { x });
    close(result, Array<number>(35).fill(2));
  });
  it('sizes as arguments give what sizes as attributes give', () => {
    const x = wave(1, 5, 4, 2);
    const size: NDArray = { dtype: 'int64', shape: [2], data: BigInt64Array.from([10n, 3n]) };
    const roi = filled('float32', [4], (i) => [0.1, -0.2, 0.8, 1.1][i] ?? 0);
    for (const method of methods)
      for (const mode of coordinateModes)
        for (const rounding of method === 'nearest_neighbor' ? roundings : ['round']) {
          const rest = `layout="NHWC", method="${method}", coordinate_transformation_mode="${mode}", rounding_method="${rounding}", extrapolation_value=9f`;
          const fixed = run(`image.resize2d(%x, size=[10, 3], roi=[0.1f, -0.2f, 0.8f, 1.1f], ${rest})`, { x });
          const dynamic = run(`dyn.image.resize2d(%x, %s, %r, size=None, roi=None, ${rest})`, { x, s: size, r: roi });
          close(dynamic, fixed, 1e-5);
        }
  });
  it('factors as arguments give what factors as attributes give', () => {
    const x = wave(1, 2, 3, 4);
    const factor = (value: number): NDArray => filled('float32', [], () => value);
    for (const method of ['nearest_neighbor', 'bilinear', 'bicubic']) {
      const attributes = `scale_h=2f, scale_w=1.5f, method="${method}"`;
      const fixed = run(`nn.upsampling(%x, ${attributes})`, { x });
      close(run(`dyn.nn.upsampling(%x, %h, %w, ${attributes})`, { x, h: factor(2), w: factor(1.5) }), fixed, 1e-5);
    }
  });
  it('the whole image as a box is the image', () => {
    const x = wave(2, 1, 3, 3);
    const boxes = filled('float32', [1, 4], (i) => (i < 2 ? 0 : 1));
    const which = filled('int32', [1], () => 1);
    close(
      run('image.crop_and_resize(%x, %b, %i, crop_size=[3, 3])', { x, b: boxes, i: which }),
      Array.from(x.data as Float32Array).slice(9),
    );
  });
  it('a box of an image that does not exist takes the first or last', () => {
    const x = wave(2, 1, 3, 3);
    const boxes = filled('float32', [3, 4], (i) => (i % 4 < 2 ? 0 : 1));
    const which = filled('int32', [3], (i) => [-1, 2, 1000][i] ?? 0);
    const all = Array.from(x.data as Float32Array);
    close(run('image.crop_and_resize(%x, %b, %i, crop_size=[3, 3])', { x, b: boxes, i: which }), [
      ...all.slice(0, 9),
      ...all.slice(9),
      ...all.slice(9),
    ]);
  });
  it('the identity samples the image itself, by every method and padding', () => {
    const x = wave(1, 2, 3, 4);
    const m = filled('float32', [1, 2, 3], (i) => (i === 0 || i === 4 ? 1 : 0));
    for (const method of ['bilinear', 'nearest', 'bicubic'])
      for (const padding of ['zeros', 'border', 'reflection']) {
        const result = run(
          `image.grid_sample(%x, image.affine_grid(%m, target_shape=[3, 4]), method="${method}", padding_mode="${padding}")`,
          { x, m },
        );
        close(result, Array.from(x.data as Float32Array), 1e-5);
      }
  });
  it('positions outside give zeros, the border, or the image reflected', () => {
    const x = filled('float32', [1, 1, 1, 3], (i) => i + 1);
    const grid = filled('float32', [1, 2, 1, 1], (i) => (i === 0 ? 2 : 0));
    const sample = (padding: string): number[] =>
      run(`image.grid_sample(%x, %g, padding_mode="${padding}")`, { x, g: grid });
    assert.deepEqual(
      ['zeros', 'border', 'reflection'].map((padding) => sample(padding)[0]),
      [0, 3, 2],
    );
  });
  it('dilation takes the greatest sum in each window', () => {
    const x = wave(1, 1, 4, 4);
    const w = wave(1, 2, 2);
    const at = (a: NDArray, i: number): number => Number(a.data[i]);
    const expected: number[] = [];
    for (let y = 0; y < 3; y++)
      for (let c = 0; c < 3; c++)
        expected.push(Math.max(...[0, 1, 2, 3].map((k) => at(x, (y + (k >> 1)) * 4 + c + (k & 1)) + at(w, k))));
    close(run('image.dilation2d(%x, %w)', { x, w }), expected);
  });
});
