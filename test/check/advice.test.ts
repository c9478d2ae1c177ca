import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { checkText, under } from './support.ts';

const image = '%x: Tensor[(1, 6, 8, 8), float32]';
const small = '%x: Tensor[(3, 6), float32]';
const ints = '%x: Tensor[(3, 6), int32]';
const main = (body: string, params = small): string => `def @main(${params}) { ${body} }`;
const conv = (weight: string, attributes: string): string =>
  main(`nn.conv2d(%x, %w, ${attributes})`, `${image}, %w: Tensor[(${weight}), float32]`);

/** Calls that TVM types: what is doubtful, the program, the code, and where it is shown. */
const doubtful: readonly (readonly [string, string, string, string])[] = [
  ['groups that do not divide the input channels', conv('8, 1, 3, 3', 'groups=4'), 'uneven-groups', '4'],
  ['groups that do not divide the output channels', conv('8, 2, 3, 3', 'groups=3'), 'uneven-groups', '3'],
  [
    'groups in NHWC',
    main(
      'nn.conv2d(%x, %w, groups=4, kernel_size=[3, 3], channels=8, data_layout="NHWC", kernel_layout="HWIO")',
      '%x: Tensor[(1, 8, 8, 6), float32], %w: Tensor[(3, 3, 1, 8), float32]',
    ),
    'uneven-groups',
    '4',
  ],
  ['a kernel larger than the data', conv('4, 6, 9, 9', 'kernel_size=[9, 9]'), 'empty-result', '[9, 9]'],
  ['a pool larger than the data', main('nn.avg_pool2d(%x, pool_size=[9, 2])', image), 'empty-result', '[9, 2]'],
  [
    'a size below zero',
    main('full(1f, shape=[-2], dtype="float32")', ''),
    'empty-result',
    'full(1f, shape=[-2], dtype="float32")',
  ],
  ['the greatest of no elements', main('argmax(%x, axis=[1])', '%x: Tensor[(3, 0), float32]'), 'empty-reduction', '%x'],
  ['a scale of zero', main('qnn.quantize(%x, 0f, 0, out_dtype="int8")'), 'bad-quantization', '0f'],
  [
    'a zero point outside of the result',
    main('qnn.requantize(%x, 0.5f, 0, 0.5f, 200, out_dtype="int8")', ints),
    'bad-quantization',
    '200',
  ],
  [
    'a zero point outside of the data',
    main('qnn.dequantize(%x, 0.5f, -1)', '%x: Tensor[(3, 6), uint8]'),
    'bad-quantization',
    '-1',
  ],
  ['a constant that a cast cuts', main('cast(-1, dtype="uint8")'), 'constant-out-of-range', '-1'],
  ['a shift by more bits than there are', main('left_shift(%x, 32)', ints), 'constant-out-of-range', '32'],
  ['a shift of floats', main('left_shift(%x, 1f)'), 'bits-of-floats', '%x'],
  ['bits of floats', main('bitwise_and(%x, %x)'), 'bits-of-floats', '%x'],
  ['inverted bits of floats', main('bitwise_not(%x)'), 'bits-of-floats', '%x'],
  ['a remainder by zero', main('floor_mod(%x, 0)', ints), 'division-by-zero', '0'],
  ['a position outside of the data', main('take(%x, 7, axis=1)'), 'constant-out-of-range', '7'],
  [
    'a transform of no samples',
    main(
      'stft(%x, %w, n_fft=0, hop_length=2, win_length=4, normalized=False, onesided=True, attrs_type_key="relay.attrs.StftAttrs")',
      '%x: Tensor[(1, 16), float32], %w: Tensor[(4), float32]',
    ),
    'doubtful-attribute',
    '0',
  ],
  [
    'a window longer than the transform',
    main(
      'stft(%x, %w, n_fft=2, hop_length=2, win_length=4, normalized=False, onesided=True, attrs_type_key="relay.attrs.StftAttrs")',
      '%x: Tensor[(1, 16), float32], %w: Tensor[(4), float32]',
    ),
    'doubtful-attribute',
    '4',
  ],
  [
    'blocks that leave a rest',
    main('nn.space_to_depth(%x, block_size=4)', '%x: Tensor[(1, 4, 8, 6), float32]'),
    'unchecked-mismatch',
    '4',
  ],
  ['a rate that is no probability', main('nn.dropout(%x, rate=1.5f)'), 'doubtful-attribute', '1.5f'],
  ['a window of even size that is centred', main('nn.lrn(%x, size=4)', image), 'doubtful-attribute', '4'],
];

/** Neighbours of the above that mean something. */
const sensible: readonly (readonly [string, string])[] = [
  ['a depthwise convolution', conv('6, 1, 3, 3', 'groups=6')],
  [
    'groups of symbolic channels',
    main('nn.conv2d(%x, %w, groups=4)', '%x: Tensor[(1, ?, 8, 8), float32], %w: Tensor[(8, 2, 3, 3), float32]'),
  ],
  ['a kernel as large as the data', conv('4, 6, 8, 8', 'kernel_size=[8, 8]')],
  ['a padded kernel larger than the data', conv('4, 6, 9, 9', 'kernel_size=[9, 9], padding=[1, 1]')],
  ['the sum of no elements', main('sum(%x, axis=[1])', '%x: Tensor[(3, 0), float32]')],
  ['the greatest along another dimension', main('max(%x, axis=[0])', '%x: Tensor[(3, 0), float32]')],
  ['a zero point at the end of the range', main('qnn.quantize(%x, 0.5f, -128, out_dtype="int8")')],
  ['a scale that is no constant', main('qnn.quantize(%x, %s, 0, out_dtype="int8")', `${small}, %s: float32`)],
  [
    'a window shorter than the transform',
    main(
      'stft(%x, %w, n_fft=8, hop_length=2, win_length=4, normalized=False, onesided=True, attrs_type_key="relay.attrs.StftAttrs")',
      '%x: Tensor[(1, 16), float32], %w: Tensor[(4), float32]',
    ),
  ],
  ['a position from the end', main('take(%x, -6, axis=1)')],
  ['a position that wraps around', main('take(%x, 7, axis=1, mode="wrap")')],
  ['blocks that divide the image', main('nn.space_to_depth(%x, block_size=2)', image)],
  ['a fraction that is cut off', main('cast(127.9f, dtype="int8")')],
  ['bits of booleans', main('bitwise_and(%x, bitwise_not(%x))', '%x: Tensor[(3, 6), bool]')],
  ['a float divided by zero', main('%x / 0f')],
  ['an empty slice', main('strided_slice(%x, begin=[0], end=[0], strides=[1], axes=None)')],
];

describe('calls that TVM types and then refuses or computes nonsense of', () => {
  for (const [what, program, code, place] of doubtful)
    it(`are warned of: ${what}`, () => {
      const checked = checkText(program);
      const found = checked.diagnostics.filter((d) => d.severity !== 'hint');
      assert.deepEqual(
        found.map((d) => [d.severity, d.code, under(checked, d)]),
        [['warning', code, place]],
      );
      assert.ok(found[0]?.remedy);
      assert.equal(
        checkText(program, { strict: true }).diagnostics.some((d) => d.severity === 'error'),
        false,
      );
    });
  for (const [what, program] of sensible)
    it(`are not taken for ${what}`, () => {
      assert.deepEqual(
        checkText(program).diagnostics.map((d) => d.message),
        [],
      );
    });
  it('are warned of once, not where their results are used', () => {
    const { diagnostics } = checkText(
      main('nn.relu(nn.max_pool2d(nn.max_pool2d(%x, pool_size=[9, 9]), pool_size=[3, 3]))', image),
    );
    assert.deepEqual(
      diagnostics.map((d) => d.code),
      ['empty-result'],
    );
  });
});
