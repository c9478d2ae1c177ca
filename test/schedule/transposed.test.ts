import { describe, it } from 'mocha';
import { constant, func, scalar, variable } from '../../compiler/src/ir/build.ts';
import type { Call, Expr } from '../../compiler/src/ir/expr.ts';
import type { FusedFunction } from '../../compiler/src/schedule/task.ts';
import { staticShape, tensorType } from '../../compiler/src/types/type.ts';
import { array, call, cortexM4, random } from './functions.ts';
import { checkSchedules } from './support.ts';

interface Case {
  readonly name: string;
  readonly input: readonly [number, number, number, number];
  readonly outC: number;
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding?: readonly [number, number, number, number];
  readonly outputPadding?: readonly [number, number];
  readonly groups?: number;
  readonly dtype?: 'int8' | 'uint8';
  readonly weightZero?: number;
  readonly kernelLayout?: 'HWIO' | 'IOHW' | 'HWOI';
  readonly perTensor?: boolean;
  readonly residual?: boolean;
  readonly clip?: readonly [number, number];
}

function transposed(c: Case): FusedFunction {
  const next = random(41);
  const f32 = (v: number): Expr => scalar(v, 'float32');
  const i32 = (v: number): Expr => scalar(v, 'int32');
  const dtype = c.dtype ?? 'int8';
  const layout = c.kernelLayout ?? 'HWIO';
  const groups = c.groups ?? 1;
  const sizes = { H: c.kernel[0], W: c.kernel[1], I: c.input[3], O: c.outC / groups };
  const weights = constant(
    array(
      'int8',
      [...layout].map((axis) => sizes[axis as keyof typeof sizes]),
      () => next(255) - 127,
    ),
  );
  const x = variable('x', tensorType(c.input, dtype));
  const zero = dtype === 'int8' ? -9 : 131;
  const layer = call('qnn.conv2d_transpose', [x, weights, i32(zero), i32(c.weightZero ?? 0), f32(0.05), f32(0.01)], {
    channels: c.outC,
    kernel_size: c.kernel,
    strides: c.strides,
    padding: c.padding ?? [0, 0, 0, 0],
    output_padding: c.outputPadding ?? [0, 0],
    groups,
    data_layout: 'NHWC',
    kernel_layout: layout,
    out_dtype: 'int32',
  });
  const bias = constant(array('int32', [c.outC], () => next(4001) - 2000));
  const scales =
    c.perTensor === true ? f32(0.0007) : constant(array('float32', [c.outC], () => (1 + next(100)) / 90_000));
  let body: Call = call('nn.bias_add', [layer, bias], { axis: 3 });
  body = call('qnn.requantize', [body, scales, i32(0), f32(0.09), i32(dtype === 'int8' ? 4 : 120)], {
    axis: 3,
    out_dtype: dtype,
  });
  if (c.clip) body = call('clip', [body], { a_min: c.clip[0], a_max: c.clip[1] });
  const shape = layer.type.kind === 'tensor' ? (staticShape(layer.type) ?? []) : [];
  const params = [x];
  if (c.residual === true) {
    const other = variable('r', tensorType(shape, dtype));
    params.unshift(other);
    body = call('qnn.add', [body, other, f32(0.09), i32(4), f32(0.06), i32(-3), f32(0.1), i32(1)]);
  }
  return { name: 'transposed', func: func(params, body), anchor: layer };
}

const cases: readonly Case[] = [
  { name: 'stride 2', input: [1, 5, 6, 4], outC: 6, kernel: [3, 3], strides: [2, 2] },
  { name: 'stride 2 with padding on all sides', input: [1, 5, 7, 8], outC: 5, kernel: [4, 4], strides: [2, 2], padding: [1, 1, 1, 1] },
  { name: 'stride 2 with a border of the output', input: [1, 6, 5, 12], outC: 8, kernel: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1], outputPadding: [1, 1] },
  { name: 'filters as large as the stride', input: [1, 6, 7, 16], outC: 8, kernel: [2, 2], strides: [2, 2] },
  { name: 'filters smaller than the stride', input: [1, 4, 3, 5], outC: 3, kernel: [2, 1], strides: [3, 2] },
  { name: 'strides 3 and 1, asymmetric padding, odd channels, two images', input: [2, 4, 5, 3], outC: 7, kernel: [5, 3], strides: [3, 1], padding: [2, 0, 1, 2], outputPadding: [1, 0] },
  { name: 'stride 1', input: [1, 6, 5, 3], outC: 4, kernel: [3, 2], strides: [1, 1], padding: [1, 1, 1, 0] },
  { name: 'groups', input: [1, 5, 4, 12], outC: 8, kernel: [3, 3], strides: [2, 2], groups: 4, padding: [1, 1, 1, 1] },
  { name: 'one channel a group', input: [1, 5, 4, 6], outC: 6, kernel: [4, 4], strides: [2, 2], groups: 6, padding: [1, 1, 1, 1] },
  { name: 'uint8', input: [1, 5, 5, 8], outC: 4, kernel: [3, 3], strides: [2, 2], dtype: 'uint8' },
  { name: 'weights with a zero point that leaves bytes', input: [1, 4, 5, 8], outC: 4, kernel: [3, 3], strides: [2, 2], weightZero: 40 },
  { name: 'kernel layout IOHW, one scale', input: [1, 4, 5, 4], outC: 6, kernel: [3, 4], strides: [2, 2], kernelLayout: 'IOHW', perTensor: true },
  { name: 'kernel layout HWOI', input: [1, 4, 5, 4], outC: 6, kernel: [3, 3], strides: [2, 2], kernelLayout: 'HWOI' },
  { name: 'within bounds', input: [1, 4, 5, 4], outC: 6, kernel: [3, 3], strides: [2, 2], clip: [-40, 90] },
  { name: 'a residual added', input: [1, 4, 5, 4], outC: 6, kernel: [3, 3], strides: [2, 2], residual: true },
  { name: 'one output', input: [1, 1, 1, 4], outC: 3, kernel: [2, 2], strides: [2, 2], padding: [1, 0, 0, 1] },
]; // prettier-ignore

describe('a quantised transposed convolution gives what the operators say', () => {
  for (const c of cases) it(c.name, () => checkSchedules(transposed(c), 'conv2d_transpose_smlad', { count: 4 }));

  it('also without the DSP extension', () => {
    const target = { ...cortexM4, name: 'cortex-m3', features: { ...cortexM4.features, dsp: false } };
    for (const c of cases)
      if (c.weightZero === undefined) checkSchedules(transposed(c), 'conv2d_transpose_smlad', { count: 2, target });
      else checkSchedules(transposed(c), 'generic', { count: 1, target });
  });

  it('also where windows start inside the image, which the template does not take', () => {
    const inside: Case = { name: '', input: [1, 5, 5, 4], outC: 4, kernel: [2, 2], strides: [1, 1], padding: [2, 2, 0, 0] };
    checkSchedules(transposed(inside), 'generic', { count: 1 });
  });
}); // prettier-ignore
