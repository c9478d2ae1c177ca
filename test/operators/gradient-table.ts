/**
 * A call of each operator that has a gradient. Parameters are float64 unless they name another element type; integers
 * come with their values. `%a`, `%b`, … are the parameters in order.
 */
export interface GradientCase {
  readonly call: string;
  /** Shapes, or integer parameters with their values. */
  readonly inputs: readonly (readonly number[] | IntegerInput)[];
  /** Added to the sample values, which lie between 0.15 and 0.95. */
  readonly shift?: number;
  /** Set for operators that compute in float32 whatever their operands are: the step, and the tolerance. */
  readonly coarse?: readonly [step: number, tolerance: number];
}
export interface IntegerInput {
  readonly dtype: 'int32' | 'int64' | 'bool';
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const int = (shape: readonly number[], ...values: readonly number[]): IntegerInput => ({
  dtype: 'int32',
  shape,
  values,
});
const row = (call: string, ...inputs: GradientCase['inputs']): GradientCase => ({ call, inputs });

const elementwise = [
  ...['abs', 'negative', 'exp', 'log', 'log2', 'log10', 'sqrt', 'rsqrt', 'sigmoid', 'tanh', 'erf', 'sin', 'cos', 'tan'],
  ...['asin', 'acos', 'atan', 'sinh', 'cosh', 'asinh', 'atanh', 'fast_exp', 'fast_tanh', 'fast_erf', 'copy'],
  ...['sign', 'floor', 'ceil', 'trunc', 'round', 'zeros_like', 'ones_like'],
];
const binary = [
  ...['add', 'subtract', 'multiply', 'divide', 'power', 'maximum', 'minimum'],
  ...['floor_divide', 'trunc_divide', 'floor_mod', 'trunc_mod', 'mod'],
];
const key = (name: string): string => `attrs_type_key="relay.attrs.${name}"`;

export const gradientCases: readonly GradientCase[] = [
  ...elementwise.map((name) => row(`${name}(%a)`, [2, 3])),
  { call: 'acosh(%a)', inputs: [[2, 3]], shift: 1 },
  ...binary.map((name) => row(`${name}(%a, %b)`, [2, 3], [3])),
  row('clip(%a, a_min=0.3f, a_max=0.7f)', [7]),
  row('cast(%a, dtype="float64")', [3]),
  row('cast_like(%a, %b)', [3], [2]),
  row('where(%a, %b, %c)', { dtype: 'bool', shape: [2, 1], values: [1, 0] }, [3], [2, 3]),
  // reductions
  row('sum(%a, axis=[0, -1])', [2, 3, 2]),
  row('sum(%a, axis=[1], exclude=True)', [2, 3, 2]),
  row('mean(%a, axis=[1], keepdims=True)', [2, 3, 2]),
  row('max(%a, axis=[1])', [2, 3, 2]),
  row('min(%a)', [2, 3]),
  row('prod(%a, axis=[1])', [2, 3]),
  row('variance(%a, %b, axis=[1], unbiased=True)', [2, 3], [2, 1]),
  row(`cumsum(%a, axis=1, exclusive=True, ${key('ScanopAttrs')})`, [2, 4]),
  row(`cumsum(%a, ${key('ScanopAttrs')})`, [2, 3]),
  // shapes and places
  row('reshape(%a, newshape=[3, -1])', [2, 3]),
  row('reshape_like(%a, %b)', [2, 3], [3, 2]),
  row('contrib_reverse_reshape(%a, newshape=[-1, 2])', [2, 3]),
  row('squeeze(%a, axis=[0])', [1, 3]),
  row('expand_dims(%a, axis=1, num_newaxis=2)', [3]),
  row('transpose(%a, axes=[2, 0, 1])', [2, 3, 2]),
  row('reverse(%a, axis=1)', [2, 3]),
  row('reverse_sequence(%a, %b, seq_axis=0, batch_axis=1)', [3, 2], int([2], 2, 3)),
  row('broadcast_to(%a, shape=[2, 3])', [1, 3]),
  row('broadcast_to_like(%a, %b)', [3], [2, 3]),
  row('collapse_sum_like(%a, %b)', [2, 3], [3]),
  row(`collapse_sum_to(%a, %b, shape=[1, 3], ${key('InitOpAttrs')})`, [2, 3], int([2], 1, 3)),
  row('concatenate((%a, %b), axis=1)', [2, 2], [2, 1]),
  row('split(%a, indices_or_sections=[1, 3], axis=-1)', [2, 4]),
  row('stack((%a, %b), axis=-1)', [2, 3], [2, 3]),
  row('tile(%a, reps=[2, 1, 3])', [2, 3]),
  row('repeat(%a, repeats=3, axis=-1)', [2, 3]),
  row('full(%a, shape=[2, 3])', []),
  row('full_like(%a, %b)', [2, 3], []),
  row('strided_slice(%a, begin=[3, 1], end=[0, 6], strides=[-1, 2], axes=None)', [4, 7]),
  row('strided_slice(%a, begin=[1], end=[2], strides=[1], slice_mode="size", axes=[1])', [2, 5]),
  row('slice_like(%a, %b, axes=None)', [3, 4], [2, 3]),
  row('take(%a, %b, axis=1)', [2, 3, 2], int([2, 2], 2, 0, 2, 1)),
  row('take(%a, %b, axis=0, mode="wrap")', [3, 2], int([3], -1, 4, 0)),
  row('take(%a, %b)', [2, 3], int([2], 5, 5)),
  row('gather(%a, %b, axis=1)', [2, 3], int([2, 2], 0, 0, 2, 1)),
  row('gather_nd(%a, %b)', [2, 3], int([2, 3], 0, 1, 1, 2, 0, 0)),
  row(
    `scatter_elements(%a, %b, %c, axis=1, reduction="add", ${key('ScatterElementsAttrs')})`,
    [2, 3],
    int([2, 2], 0, 0, 2, 1),
    [2, 2],
  ),
  row(`scatter_elements(%a, %b, %c, axis=1, ${key('ScatterElementsAttrs')})`, [2, 3], int([2, 2], 0, 1, 2, 1), [2, 2]),
  row(`scatter_nd(%a, %b, %c, mode="add", ${key('ScatterNDAttrs')})`, [3, 2], int([1, 3], 0, 2, 2), [3, 2]),
  row(`scatter_nd(%a, %b, %c, ${key('ScatterNDAttrs')})`, [3, 2], int([1, 2], 0, 2), [2, 2]),
  row('sequence_mask(%a, %b, mask_value=7f, axis=1)', [2, 3], int([2], 1, 2)),
  row(`trilu(%a, %b, upper=False, ${key('TriluAttrs')})`, [3, 3], int([], 0)),
  row('layout_transform(%a, src_layout="NCHW", dst_layout="NHWC2c")', [1, 4, 2, 2]),
  // products
  row('nn.dense(%a, %b, units=None)', [2, 2, 3], [4, 3]),
  ...[false, true].flatMap((ta) =>
    [false, true].flatMap((tb) => {
      const flags = `transpose_a=${ta ? 'True' : 'False'}, transpose_b=${tb ? 'True' : 'False'}`;
      const [a, b] = [ta ? [3, 2] : [2, 3], tb ? [4, 3] : [3, 4]];
      return [
        row(`nn.matmul(%a, %b, units=None, ${flags})`, a, b),
        row(`nn.batch_matmul(%a, %b, ${flags})`, [2, ...a], [1, ...b]),
      ];
    }),
  ),
  row('nn.bias_add(%a, %b)', [2, 3, 2], [3]),
  // activations, normalisations, losses
  { call: 'nn.relu(%a)', inputs: [[2, 3]], shift: -0.5 },
  { call: 'nn.leaky_relu(%a, alpha=0.2f)', inputs: [[2, 3]], shift: -0.5 },
  { call: 'nn.prelu(%a, %b)', inputs: [[2, 3, 2], [3]], shift: -0.5 },
  row('nn.softmax(%a, axis=1)', [2, 3, 2]),
  row('nn.fast_softmax(%a)', [2, 3]),
  row('nn.log_softmax(%a, axis=0)', [3, 2]),
  row('nn.batch_norm(%a, %b, %c, %d, %e)', [2, 3, 2], [3], [3], [3], [3]),
  row('nn.layer_norm(%a, %b, %c, axis=1)', [2, 3, 2], [3], [3]),
  row('nn.instance_norm(%a, %b, %c, scale=False)', [2, 3, 4], [3], [3]),
  row('nn.group_norm(%a, %b, %c, num_groups=2)', [2, 4, 3], [4], [4]),
  row('nn.l2_normalize(%a, eps=0.01f, axis=[1])', [2, 3]),
  row('nn.dropout(%a)', [2, 3]),
  row('nn.batch_flatten(%a)', [2, 3, 2]),
  row('nn.cross_entropy(%a, %b)', [2, 3], [2, 3]),
  row('nn.cross_entropy_with_logits(%a, %b)', [2, 3], [2, 3]),
  ...['mean', 'sum', 'none'].map((reduction) =>
    row(
      `nn.nll_loss(%a, %b, %c, reduction="${reduction}", ignore_index=1)`,
      [3, 2, 2],
      int([3, 2], 0, 1, 1, 0, 0, 1),
      [2],
    ),
  ),
  // windows
  row('nn.conv1d(%a, %b, strides=[2], padding=[1, 0], dilation=[2])', [1, 2, 7], [3, 2, 2]),
  row('nn.conv2d(%a, %b, strides=[2, 1], padding=[1, 0, 0, 1], groups=2)', [1, 4, 5, 4], [2, 2, 2, 3]),
  row(
    'nn.conv2d(%a, %b, dilation=[1, 2], data_layout="NHWC", kernel_layout="HWIO", channels=2, kernel_size=[2, 2])',
    [1, 4, 4, 3],
    [2, 2, 3, 2],
  ),
  row('nn.conv2d(%a, %b, groups=3, channels=3, kernel_size=[2, 2])', [1, 3, 3, 3], [3, 1, 2, 2]),
  row('nn.conv3d(%a, %b, strides=[1, 2, 1], padding=[0, 1, 0])', [1, 2, 2, 4, 3], [2, 2, 2, 2, 2]),
  row('nn.conv1d_transpose(%a, %b, strides=[2], output_padding=[1])', [1, 2, 3], [2, 3, 2]),
  row('nn.conv2d_transpose(%a, %b, strides=[2, 1], padding=[1, 0])', [1, 2, 3, 3], [2, 2, 3, 2]),
  row('nn.max_pool1d(%a, pool_size=[2], strides=[2], padding=[1])', [1, 2, 5]),
  row('nn.avg_pool1d(%a, pool_size=[2], padding=[1, 0], count_include_pad=True)', [1, 2, 5]),
  row('nn.max_pool2d(%a, pool_size=[2, 3], strides=[2, 1], padding=[1, 0])', [1, 2, 4, 4]),
  row('nn.avg_pool2d(%a, pool_size=[3, 2], strides=[2, 2], padding=[1, 1], layout="NHWC")', [1, 4, 4, 2]),
  row('nn.global_max_pool2d(%a)', [1, 2, 3, 2]),
  row('nn.global_avg_pool2d(%a, layout="NHWC")', [1, 2, 3, 2]),
  row('nn.adaptive_max_pool1d(%a, output_size=[2])', [1, 2, 6]),
  row('nn.adaptive_max_pool2d(%a, output_size=[2, 1])', [1, 2, 4, 3]),
  row('nn.adaptive_max_pool3d(%a, output_size=[1])', [1, 2, 2, 2, 2]),
  row('nn.adaptive_avg_pool1d(%a, output_size=[3])', [1, 2, 6]),
  row('nn.adaptive_avg_pool2d(%a, output_size=[2])', [1, 2, 4, 6]),
  row('nn.adaptive_avg_pool3d(%a)', [1, 2, 2, 2, 2]),
  row('nn.pad(%a, %b, pad_width=[[1, 0], [0, 2]])', [2, 3], []),
  { call: 'nn.upsampling(%a, scale_h=2f, scale_w=3f)', inputs: [[1, 2, 2, 2]], coarse: [0.0625, 1e-4] },
  row('nn.space_to_depth(%a, block_size=2)', [1, 2, 4, 2]),
  row('nn.depth_to_space(%a, block_size=2)', [1, 8, 1, 2]),
  row(`nn.dilate(%a, strides=[2, 3], ${key('DilateAttrs')})`, [3, 2]),
  row(
    'nn.avg_pool2d(%a, pool_size=[2, 2], strides=[2, 1], padding=[1, 0, 0, 1], ceil_mode=True, count_include_pad=True)',
    [1, 2, 4, 4],
  ),
  row('nn.max_pool3d(%a, pool_size=[2, 1, 2], strides=[1, 2, 1], padding=[1, 0, 0])', [1, 1, 3, 3, 3]),
  row('nn.avg_pool3d(%a, pool_size=[2, 2, 2], strides=[2, 2, 2], padding=[1, 0, 0], ceil_mode=True)', [1, 1, 3, 3, 4]),
  row('nn.avg_pool3d(%a, pool_size=[2, 1, 2], padding=[1, 0, 1], count_include_pad=True)', [1, 2, 2, 2, 2]),
  row('nn.lrn(%a, size=3, axis=1, bias=1.5f, alpha=0.4f, beta=0.7f)', [1, 4, 2]),
  row('nn.mirror_pad(%a, mode="REFLECT", pad_width=[[0, 0], [2, 1]])', [2, 4]),
  row('nn.mirror_pad(%a, pad_width=[[1, 0], [0, 3]])', [2, 3]),
  row('nn.space_to_batch_nd(%a, block_shape=[2, 3], paddings=[[1, 0], [0, 1]], pad_value=2f)', [2, 3, 5, 2]),
  row('nn.batch_to_space_nd(%a, block_shape=[2, 1], crops=[[1, 0], [0, 1]])', [4, 2, 3, 2]),
  // orders and sums over indices
  row('sort(%a, axis=0, is_ascend=False)', [3, 2]),
  row('topk(%a, k=2, axis=1, ret_type="values")', [2, 4]),
  row('meshgrid((%a, %b, %c), indexing="xy")', [2], [3], [2]),
  row('einsum((%a, %b), equation="ij,jk->ki")', [2, 3], [3, 2]),
  row('einsum((%a, %b, %c), equation="bij,b,bjk")', [2, 2, 3], [2], [2, 3, 2]),
  row('einsum((%a,), equation="ij->j")', [2, 3]),
  // markers
  ...[
    ...['annotation.stop_fusion', 'annotation.checkpoint', 'annotation.bitpack_start', 'annotation.bitpack_end'],
    ...['annotation.cast_hint', 'annotation.compiler_begin', 'annotation.compiler_end', 'on_device'],
  ].map((name) => row(`${name}(%a)`, [2])),
];

/** Markers that cannot be evaluated, or need an object of the metadata section. */
export const unevaluated: readonly string[] = ['annotation.with_funcid', 'debug', 'device_copy'];
