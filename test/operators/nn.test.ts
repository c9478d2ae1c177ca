import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { printType } from '../../compiler/src/types/print.ts';
import { anyDim } from '../../compiler/src/types/type.ts';
import { explain, filled, relate, run, t } from './nn-support.ts';

const image = t('float32', 1, 3, 112, 112);

function typeOf(...call: Parameters<typeof relate>): string {
  const result = relate(...call);
  return result.kind === 'ok' ? printType(result.result) : result.kind;
}
function errorOf(...call: Parameters<typeof relate>) {
  const result = relate(...call);
  assert.equal(result.kind, 'error');
  if (result.kind !== 'error') throw new Error('unreachable');
  return result.error;
}

describe('result types of neural-network operators', () => {
  const cases: readonly [string, Parameters<typeof relate>, string][] = [
    [
      'a strided convolution',
      ['nn.conv2d', [image, t('float32', 8, 3, 3, 3)], { strides: [2, 2], padding: [1, 1] }],
      'Tensor[(1, 8, 56, 56), float32]',
    ],
    [
      'a depthwise convolution in NHWC',
      [
        'nn.conv2d',
        [t('int8', 1, 9, 9, 4), t('int8', 3, 3, 4, 1)],
        { groups: 4, channels: 4, kernel_size: [3, 3], data_layout: 'NHWC', kernel_layout: 'HWOI', out_dtype: 'int32' },
      ],
      'Tensor[(1, 7, 7, 4), int32]',
    ],
    [
      'blocked channels',
      [
        'nn.conv2d',
        [t('float32', 1, 2, 8, 8, 4), t('float32', 16, 8, 1, 1)],
        { data_layout: 'NCHW4c', out_layout: 'NCHW8c' },
      ],
      'Tensor[(1, 2, 8, 8, 8), float32]',
    ],
    [
      'unknown height',
      ['nn.conv2d', [t('float32', 1, 3, anyDim, 8), t('float32', 4, 3, 3, 3)]],
      'Tensor[(1, 4, ?, 6), float32]',
    ],
    [
      'a transposed convolution',
      ['nn.conv2d_transpose', [t('float32', 1, 8, 16, 16), t('float32', 8, 4, 2, 2)], { strides: [2, 2] }],
      'Tensor[(1, 4, 32, 32), float32]',
    ],
    [
      'pooling rounded up',
      ['nn.max_pool2d', [image], { pool_size: [3, 3], strides: [2, 2], ceil_mode: true }],
      'Tensor[(1, 3, 56, 56), float32]',
    ],
    ['pooling to a size', ['nn.adaptive_avg_pool2d', [image], { output_size: [7] }], 'Tensor[(1, 3, 7, 7), float32]'],
    [
      'a dense layer',
      ['nn.dense', [t('float32', 5, 64), t('float32', 10, 64)], { units: null }],
      'Tensor[(5, 10), float32]',
    ],
    ['flattening around ?', ['nn.batch_flatten', [t('float32', 2, anyDim, 3)]], 'Tensor[(2, ?), float32]'],
    [
      'batch normalisation',
      ['nn.batch_norm', [image, ...Array(4).fill(t('float32', 3))]],
      '(Tensor[(1, 3, 112, 112), float32], Tensor[(3), float32], Tensor[(3), float32])',
    ],
    [
      'padding',
      [
        'nn.pad',
        [t('int8', 1, 4), t('int32')],
        {
          pad_width: [
            [0, 0],
            [1, 2],
          ],
        },
      ],
      'Tensor[(1, 7), int8]',
    ],
    [
      'enlarging',
      ['nn.upsampling', [t('float32', 1, 2, 4, 5)], { scale_h: 2, scale_w: 1.5 }],
      'Tensor[(1, 2, 8, 8), float32]',
    ],
  ];
  for (const [title, call, expected] of cases)
    it(`${title} gives ${expected}`, () => assert.equal(typeOf(...call), expected));

  it('determines the weight from data and attributes', () => {
    const result = relate('nn.conv2d', [image, { kind: 'incomplete', id: 1 }], { channels: 8, kernel_size: [3, 3] });
    assert.equal(result.kind, 'ok');
    assert.deepEqual(result.kind === 'ok' && result.assign?.map((a) => [a.index, printType(a.type)]), [
      [1, 'Tensor[(8, 3, 3, 3), float32]'],
    ]);
  });
});

describe('messages of neural-network operators', () => {
  it('names both channel counts when data and weight disagree, and blames the weight', () => {
    const error = errorOf('nn.conv2d', [image, t('float32', 8, 64, 3, 3)]);
    assert.equal(error.code, 'shape-mismatch');
    assert.match(error.message, /The data has 3 channels.*must have 3 input channels, but it has 64/);
    assert.deepEqual(error.blame, { kind: 'input', index: 1, dim: 1 });
    assert.deepEqual(error.related?.[0]?.blame, { kind: 'input', index: 0, dim: 1 });
  });
  it('proposes groups for a weight with one input channel', () => {
    assert.match(errorOf('nn.conv2d', [image, t('float32', 3, 1, 3, 3)]).remedy ?? '', /groups=3/);
  });
  it('lists usual layouts when one is misspelt', () => {
    const error = errorOf('nn.conv2d', [image, t('float32', 8, 3, 3, 3)], { data_layout: 'NCWW' });
    assert.deepEqual(error.blame, { kind: 'attribute', name: 'data_layout' });
    assert.match(error.remedy ?? '', /"NHWC"/);
  });
  it('says which padding lengths are possible', () => {
    assert.match(
      errorOf('nn.max_pool2d', [image], { pool_size: [2, 2], padding: [1, 1, 1] }).message,
      /1, 2 or 4 elements/,
    );
  });
  it('asks for both paddings of a one-dimensional convolution', () => {
    const call = ['nn.conv1d', [t('float32', 1, 4, 9), t('float32', 2, 4, 3)], { padding: [1] }] as const;
    assert.match(errorOf(...call).remedy ?? '', /padding=\[1, 1\]/);
  });
  it('points at the features of dense data and weight', () => {
    const error = errorOf('nn.dense', [t('float32', 1, 64), t('float32', 10, 32)], { units: 10 });
    assert.deepEqual(error.blame, { kind: 'input', index: 1, dim: 1 });
  });
  it('refuses a stride of zero instead of dividing by it', () => {
    assert.match(
      errorOf('nn.avg_pool2d', [image], { pool_size: [2, 2], strides: [0, 1] }).message,
      /`strides\[0\]` is 0/,
    );
  });
  it('names the valid axes of softmax', () => {
    assert.match(errorOf('nn.softmax', [t('float32', 2, 3)], { axis: 2 }).message, /-2 … 1/);
  });
});

describe('origins of dimensions', () => {
  it('shows the formula of a strided, padded convolution with its sources', () => {
    const attrs = { strides: [2, 2], padding: [1, 1], kernel_size: [3, 3], channels: 8 };
    const origin = explain('nn.conv2d', [image, t('float32', 8, 3, 3, 3)], attrs, 2);
    assert.equal(origin?.formula, 'floor((112 + 2·1 − 3)/2) + 1');
    assert.deepEqual(origin.sources, [
      { kind: 'input', index: 0, dim: 2 },
      { kind: 'attribute', name: 'kernel_size', element: 0 },
      { kind: 'attribute', name: 'padding', element: 0 },
      { kind: 'attribute', name: 'strides', element: 0 },
    ]);
  });
  it('traces output channels to the weight when no attribute gives them', () => {
    const origin = explain('nn.conv2d', [image, t('float32', 8, 3, 3, 3)], {}, 1);
    assert.deepEqual(origin, { formula: '', sources: [{ kind: 'input', index: 1, dim: 0 }] });
  });
});

describe('values of neural-network operators', () => {
  const x = filled('float32', [1, 4, 5, 6], (i) => ((i * 7) % 11) - 5);
  const w = filled('float32', [6, 2, 3, 2], (i) => ((i * 5) % 7) - 3);

  /** Grouped convolution by its definition. */
  function convolve(): number[] {
    const out: number[] = [];
    const [groups, stride, pad, dilation] = [2, 2, 1, 2];
    for (let o = 0; o < 6; o++)
      for (let y = 0; y < Math.floor((5 + 2 * pad - 5) / stride) + 1; y++)
        for (let c = 0; c < Math.floor((6 + 2 * pad - 3) / stride) + 1; c++) {
          let sum = 0;
          for (let k = 0; k < 2; k++)
            for (let ry = 0; ry < 3; ry++)
              for (let rx = 0; rx < 2; rx++) {
                const [iy, ix] = [y * stride + ry * dilation - pad, c * stride + rx * dilation - pad];
                if (iy < 0 || iy >= 5 || ix < 0 || ix >= 6) continue;
                const channel = Math.floor(o / (6 / groups)) * 2 + k;
                sum += Number(x.data[(channel * 5 + iy) * 6 + ix]) * Number(w.data[((o * 2 + k) * 3 + ry) * 2 + rx]);
              }
          out.push(sum);
        }
    return out;
  }

  it('a grouped, strided, dilated convolution equals its definition', () => {
    const call = 'nn.conv2d(%x, %w, groups=2, strides=[2, 2], padding=[1, 1], dilation=[2, 2])';
    assert.deepEqual(run(call, { x, w }), convolve());
  });
  it('a convolution gives the same numbers in NHWC and HWIO', () => {
    const plain = run('nn.conv2d(%x, %w, groups=2, padding=[1, 0])', { x, w });
    const moved = run(
      'layout_transform(nn.conv2d(layout_transform(%x, src_layout="NCHW", dst_layout="NHWC"), transpose(%w, axes=[2, 3, 1, 0]), groups=2, padding=[1, 0], data_layout="NHWC", kernel_layout="HWIO"), src_layout="NHWC", dst_layout="NCHW")',
      { x, w },
    );
    assert.deepEqual(moved, plain);
  });
  it('a transposed convolution spreads a single element into its window', () => {
    const one = filled('float32', [1, 1, 1, 1], () => 2);
    const window = filled('float32', [1, 1, 2, 2], (i) => i + 1);
    assert.deepEqual(run('nn.conv2d_transpose(%x, %w, strides=[2, 2])', { x: one, w: window }), [2, 4, 6, 8]);
  });
  it('averages of integers are divided toward zero', () => {
    const data = filled('int32', [1, 1, 1, 4], (i) => [-3, -4, 3, 4][i] ?? 0);
    assert.deepEqual(run('nn.avg_pool2d(%x, pool_size=[1, 2], strides=[1, 2])', { x: data }), [-3, 3]);
  });
  it('padding counts in an average only when asked for', () => {
    const data = filled('float32', [1, 1, 1, 2], () => 6);
    const call = (count: string): string => `nn.avg_pool2d(%x, pool_size=[1, 2], padding=[0, 1]${count})`;
    assert.deepEqual(run(call(''), { x: data }), [6, 6, 6]);
    assert.deepEqual(run(call(', count_include_pad=True'), { x: data }), [3, 6, 3]);
  });
  it('pooling to a size that does not divide the data overlaps its windows', () => {
    const data = filled('float32', [1, 1, 5], (i) => i);
    assert.deepEqual(run('nn.adaptive_max_pool1d(%x, output_size=[2])', { x: data }), [2, 4]);
  });
  it('softmax along the first axis sums to one', () => {
    const data = filled('float32', [3, 2], (i) => i * 100);
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = run('nn.softmax(%x, axis=0)', { x: data });
    assert.ok(Math.abs(a + c + e - 1) < 1e-6 && Math.abs(b + d + f - 1) < 1e-6);
  });
  it('depth_to_space and space_to_depth undo each other', () => {
    const data = filled('float32', [1, 8, 2, 3], (i) => i);
    assert.deepEqual(
      run('nn.space_to_depth(nn.depth_to_space(%x, block_size=2), block_size=2)', { x: data }),
      Array.from(data.data as Float32Array),
    );
  });
  it('batch_to_space_nd undoes space_to_batch_nd', () => {
    const data = filled('float32', [2, 4, 6, 1], (i) => i);
    const call =
      'nn.batch_to_space_nd(nn.space_to_batch_nd(%x, block_shape=[2, 3], paddings=[[1, 1], [0, 0]]), block_shape=[2, 3], crops=[[1, 1], [0, 0]])';
    assert.deepEqual(run(call, { x: data }), Array.from(data.data as Float32Array));
  });
  it('a maximum passes its gradient to one element of the window', () => {
    const data = filled('float32', [1, 1, 2, 2], (i) => [1, 5, 2, 3][i] ?? 0);
    const grad = filled('float32', [1, 1, 1, 1], () => 7);
    assert.deepEqual(
      run('nn.max_pool2d_grad(%g, %x, pool_size=[2, 2], strides=[2, 2])', { g: grad, x: data }),
      [0, 7, 0, 0],
    );
  });
  it('a sparse dense layer equals the dense one', () => {
    const dense = filled('float32', [2, 3], (i) => i + 1);
    const values = filled('float32', [3], (i) => i + 1);
    const indices = filled('int32', [3], (i) => [0, 2, 1][i] ?? 0);
    const starts = filled('int32', [3], (i) => [0, 2, 3][i] ?? 0);
    assert.deepEqual(
      run('nn.sparse_dense(%x, %v, %i, %s)', { x: dense, v: values, i: indices, s: starts }),
      [7, 6, 16, 15],
    );
  });
});
