/**
 * Programs of operators beside convolutions, to measure: each is compiled as a whole, and every kernel that comes of it
 * is held against the evaluator on the board.
 */
export interface ProgramRow {
  readonly name: string;
  /** Relay text. Weights are parameters of `@main` after `%x`, `%y`; they are bound to seeded values. */
  readonly text: string;
  /** What the figure is divided by: elements of the result, or multiply–accumulates. */
  readonly count: number;
  readonly unit: 'element' | 'MAC';
  /** Instructions for each to stay under. */
  readonly goal: number;
}

const main = (parameters: string, body: string): string =>
  `#[version = "0.0.5"]\ndef @main(${parameters}) {\n  ${body}\n}`;
const t = (name: string, shape: readonly number[], dtype: string): string =>
  `%${name}: Tensor[(${shape.join(', ')}), ${dtype}]`;
const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function element(name: string, goal: number, parameters: string, result: readonly number[], body: string): ProgramRow {
  return { name, goal, text: main(parameters, body), count: size(result), unit: 'element' };
}

function products(name: string, goal: number, parameters: string, count: number, body: string): ProgramRow {
  return { name, goal, text: main(parameters, body), count, unit: 'MAC' };
}

interface Transposed {
  readonly name: string;
  readonly goal: number;
  readonly input: readonly [number, number, number];
  readonly outC: number;
  readonly k: number;
  readonly stride: number;
  readonly padding: number;
  readonly outputPadding?: number;
  readonly groups?: number;
}

/** With bias and requantisation; products with inserted zeros are not counted. */
function transposed(r: Transposed): ProgramRow {
  const [h, w, c] = r.input;
  const groups = r.groups ?? 1;
  const attrs =
    `channels=${r.outC}, kernel_size=[${r.k}, ${r.k}], strides=[${r.stride}, ${r.stride}], ` +
    `padding=[${r.padding}, ${r.padding}, ${r.padding}, ${r.padding}], ` +
    `output_padding=[${r.outputPadding ?? 0}, ${r.outputPadding ?? 0}], groups=${groups}, ` +
    'data_layout="NHWC", kernel_layout="HWIO", out_dtype="int32"';
  const text = main(
    [t('x', [1, h, w, c], 'int8'), t('w', [r.k, r.k, c, r.outC / groups], 'int8'), t('b', [r.outC], 'int32')].join(
      ', ',
    ),
    `%0 = qnn.conv2d_transpose(%x, %w, -3, 0, 0.05f, 0.01f, ${attrs});
  %1 = nn.bias_add(%0, %b, axis=3);
  qnn.requantize(%1, 0.0005f, 0, 0.07f, 4, axis=3, out_dtype="int8")`,
  );
  return { name: r.name, goal: r.goal, text, count: (h * w * c * r.outC * r.k * r.k) / groups, unit: 'MAC' };
}

const image = [1, 24, 24, 16] as const;
const int8 = (shape: readonly number[] = image, name = 'x'): string => t(name, shape, 'int8');
const float = (shape: readonly number[] = image, name = 'x'): string => t(name, shape, 'float32');
const heads = [4, 32, 32] as const;
const around = (body: string): string =>
  `%0 = qnn.dequantize(%x, 0.05f, 3);\n  %1 = ${body};\n  qnn.quantize(%1, 0.04f, -2, out_dtype="int8")`;

export const programRows: readonly ProgramRow[] = [
  transposed({ name: 'transposed 3×3 stride 2 32→16, 8×8', goal: 1.6, input: [8, 8, 32], outC: 16, k: 3, stride: 2, padding: 1, outputPadding: 1 }),
  transposed({ name: 'transposed 2×2 stride 2 32→16, 12×12', goal: 1.6, input: [12, 12, 32], outC: 16, k: 2, stride: 2, padding: 0 }),
  transposed({ name: 'transposed 4×4 stride 2 16→8, 12×12', goal: 1.7, input: [12, 12, 16], outC: 8, k: 4, stride: 2, padding: 1 }),
  transposed({ name: 'transposed 5×5 stride 3 7→9, 6×6', goal: 2.2, input: [6, 6, 7], outC: 9, k: 5, stride: 3, padding: 1 }),
  products('batch_matmul 4×(32×32 · 32×32ᵀ)', 1.6, `${int8(heads)}, ${int8(heads, 'y')}`, 4 * 32 ** 3,
    `%0 = qnn.batch_matmul(%x, %y, 3, -5, 0.05f, 0.04f, out_dtype="int32", transpose_b=True);
  qnn.requantize(%0, 0.002f, 0, 0.3f, 4, out_dtype="int8")`),
  products('batch_matmul 4×(32×32 · 32×32)', 1.8, `${int8(heads)}, ${int8(heads, 'y')}`, 4 * 32 ** 3,
    `%0 = qnn.batch_matmul(%x, %y, 3, -5, 0.05f, 0.04f, out_dtype="int32");
  qnn.requantize(%0, 0.002f, 0, 0.3f, 4, out_dtype="int8")`),
  products('batch_matmul odd 3×(9×21 · 21×11)', 3, `${int8([3, 9, 21])}, ${int8([3, 21, 11], 'y')}`, 3 * 9 * 21 * 11,
    `%0 = qnn.batch_matmul(%x, %y, 3, -5, 0.05f, 0.04f, out_dtype="int32");
  qnn.requantize(%0, 0.002f, 0, 0.3f, 4, out_dtype="int8")`),
  products('dense of two inputs 16×64 · 32×64ᵀ', 1.7, `${int8([16, 64])}, ${int8([32, 64], 'y')}`, 16 * 64 * 32,
    `%0 = qnn.dense(%x, %y, 3, -5, 0.05f, 0.04f, units=32, out_dtype="int32");
  qnn.requantize(%0, 0.002f, 0, 0.3f, 4, out_dtype="int8")`),
  products('float batch_matmul 4×(32×32 · 32×32ᵀ)', 1.8, `${float(heads)}, ${float(heads, 'y')}`, 4 * 32 ** 3, 'nn.batch_matmul(%x, %y, transpose_b=True)'),
  products('float batch_matmul 4×(32×32 · 32×32)', 1.8, `${float(heads)}, ${float(heads, 'y')}`, 4 * 32 ** 3, 'nn.batch_matmul(%x, %y, transpose_b=False)'),
  products('float dense of two inputs 16×64 · 32×64ᵀ', 1.8, `${float([16, 64])}, ${float([32, 64], 'y')}`, 16 * 64 * 32, 'nn.dense(%x, %y, units=32)'),
  element('softmax 64×32 float', 80, float([64, 32]), [64, 32], 'nn.softmax(%x)'),
  element('softmax 1×10 float', 100, float([1, 10]), [1, 10], 'nn.softmax(%x)'),
  element('softmax 64×32 int8', 60, int8([64, 32]), [64, 32],
    '%0 = qnn.dequantize(%x, 0.05f, 3);\n  %1 = nn.softmax(%0);\n  qnn.quantize(%1, 0.00390625f, -128, out_dtype="int8")'),
  element('softmax 1×10 int8', 80, int8([1, 10]), [1, 10],
    '%0 = qnn.dequantize(%x, 0.05f, 3);\n  %1 = nn.softmax(%0);\n  qnn.quantize(%1, 0.00390625f, -128, out_dtype="int8")'),
  element('log_softmax 64×32 float', 80, float([64, 32]), [64, 32], 'nn.log_softmax(%x)'),
  element('layer_norm 32×64 float', 14, `${float([32, 64])}, ${float([64], 'g')}, ${float([64], 'b')}`, [32, 64], 'nn.layer_norm(%x, %g, %b)'),
  element('mean of columns and rows, int8', 4, int8(), image, '%0 = cast(%x, dtype="int32");\n  %1 = mean(%0, axis=[1, 2]);\n  cast(%1, dtype="int8")'),
  element('mean of columns and rows, float', 4, float(), image, 'mean(%x, axis=[1, 2])'),
  element('sum over the last axis, float', 4, float(), image, 'sum(%x, axis=[-1])'),
  element('max over the last axis, int8', 4, int8(), image, 'max(%x, axis=[-1])'),
  element('argmax 64×32 int8', 6, int8([64, 32]), [64, 32], 'argmax(%x, axis=[-1])'),
  element('argmax 64×32 float', 6, float([64, 32]), [64, 32], 'argmax(%x, axis=[-1])'),
  element('concatenate channels 16+16, int8', 2, `${int8()}, ${int8(image, 'y')}`, [1, 24, 24, 32], 'concatenate((%x, %y), axis=3)'),
  element('concatenate rows, int8', 1, `${int8()}, ${int8(image, 'y')}`, [1, 48, 24, 16], 'concatenate((%x, %y), axis=1)'),
  element('concatenate channels 5+7, int8', 4, `${int8([1, 16, 16, 5])}, ${int8([1, 16, 16, 7], 'y')}`, [1, 16, 16, 12], 'concatenate((%x, %y), axis=3)'),
  element('qnn.concatenate of other scales', 12, `${int8()}, ${int8(image, 'y')}`, [1, 24, 24, 32],
    'qnn.concatenate((%x, %y), (0.05f, 0.03f), (3, -4), 0.06f, 1, axis=3)'),
  element('strided_slice of a window, int8', 2, int8(), [1, 16, 16, 16], 'strided_slice(%x, begin=[0, 4, 4, 0], end=[1, 20, 20, 16], strides=[1, 1, 1, 1], axes=None)'),
  element('strided_slice by 2, int8', 4, int8(), [1, 12, 12, 16], 'strided_slice(%x, begin=[0, 0, 0, 0], end=[1, 24, 24, 16], strides=[1, 2, 2, 1], axes=None)'),
  element('pad 1, int8', 2, int8(), [1, 26, 26, 16], 'nn.pad(%x, -3, pad_width=[[0, 0], [1, 1], [1, 1], [0, 0]])'),
  element('pad 1, 3 channels, int8', 4, int8([1, 32, 32, 3]), [1, 34, 34, 3], 'nn.pad(%x, -3, pad_width=[[0, 0], [1, 1], [1, 1], [0, 0]])'),
  element('transpose NHWC→NCHW, int8', 4, int8(), image, 'transpose(%x, axes=[0, 3, 1, 2])'),
  element('transpose NHWC→NCHW, float', 4, float(), image, 'transpose(%x, axes=[0, 3, 1, 2])'),
  element('transpose of heads 32×4×16, int8', 2, int8([32, 4, 16]), [32, 4, 16], 'transpose(%x, axes=[1, 0, 2])'),
  element('resize nearest ×2, int8', 2, int8([1, 12, 12, 16]), image,
    'image.resize2d(%x, size=[24, 24], roi=[0f, 0f, 0f, 0f], layout="NHWC", method="nearest_neighbor", coordinate_transformation_mode="asymmetric", rounding_method="floor")'),
  element('upsampling ×2, int8', 2, int8([1, 12, 12, 16]), image, 'nn.upsampling(%x, scale_h=2f, scale_w=2f, layout="NHWC")'),
  element('resize linear ×2, float', 20, float([1, 12, 12, 16]), image,
    'image.resize2d(%x, size=[24, 24], roi=[0f, 0f, 0f, 0f], layout="NHWC", method="linear", coordinate_transformation_mode="half_pixel")'),
  element('sigmoid, int8', 4, int8(), image, around('sigmoid(%0)')),
  element('hard swish, int8', 4, int8(), image, 'qnn.hardswish(%x, 0.05f, 3, 0.04f, -2)'),
  element('leaky_relu, int8', 4, int8(), image, 'qnn.leaky_relu(%x, 0.05f, 3, 0.04f, -2, alpha=0.1f)'),
  element('prelu, int8', 24, `${int8()}, ${float([16], 'w')}`, image, around('nn.prelu(%0, %w, axis=3)')),
  element('quantize, float to int8', 20, float(), image, 'qnn.quantize(%x, 0.05f, 3, out_dtype="int8")'),
  element('dequantize, int8 to float', 8, int8(), image, 'qnn.dequantize(%x, 0.05f, 3)'),
  element('sigmoid, float', 90, float(), image, 'sigmoid(%x)'),
  element('tanh, float', 90, float(), image, 'tanh(%x)'),
  element('qnn.mul of two tensors', 16, `${int8()}, ${int8(image, 'y')}`, image, 'qnn.mul(%x, %y, 0.05f, 3, 0.04f, -2, 0.1f, 1)'),
  element('qnn.mul by channels (squeeze and excite)', 16, `${int8()}, ${int8([1, 1, 1, 16], 'y')}`, image, 'qnn.mul(%x, %y, 0.05f, 3, 0.04f, -2, 0.1f, 1)'),
  element('bias and relu, float', 5, `${float()}, ${float([16], 'b')}`, image, 'nn.relu(nn.bias_add(%x, %b, axis=3))'),
  element('requantize by channels, int32', 10, `${t('x', image, 'int32')}, ${float([16], 's')}`, image, 'qnn.requantize(%x, %s, 0, 4000000f, 4, axis=3, out_dtype="int8")'),
]; // prettier-ignore
