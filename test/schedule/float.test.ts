import { describe, it } from 'mocha';
import { constant, func, scalar, variable } from '../../compiler/src/ir/build.ts';
import type { Call, Expr } from '../../compiler/src/ir/expr.ts';
import type { FusedFunction } from '../../compiler/src/schedule/task.ts';
import { staticShape, tensorType } from '../../compiler/src/types/type.ts';
import { array, call, random } from './functions.ts';
import { checkSchedules } from './support.ts';

const values = (shape: readonly number[], seed: number): Expr => {
  const next = random(seed);
  return constant(array('float32', shape, () => Math.fround((next(20001) - 10000) / 10000)));
};

interface Case {
  readonly name: string;
  readonly operator?: 'nn.conv2d' | 'nn.conv1d';
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly layouts: readonly [data: string, kernel: string];
  readonly attrs?: Readonly<Record<string, unknown>>;
  /** What follows: a bias along the channels and more. */
  readonly epilogue?: 'none' | 'bias relu' | 'residual' | 'self' | 'swish' | 'flatten' | 'quantize';
}

function convolution(c: Case): FusedFunction {
  const x = variable('x', tensorType(c.input, 'float32'));
  const [data, kernel] = c.layouts;
  const spatial = [...kernel].flatMap((axis, d) => (axis === 'H' || axis === 'W' ? [c.kernel[d] ?? 1] : []));
  const outC =
    (c.kernel[kernel.indexOf('O')] ?? 1) *
    (c.attrs?.['groups'] !== undefined && kernel === 'HWOI' ? (c.kernel[kernel.indexOf('I')] ?? 1) : 1);
  const conv = call(c.operator ?? 'nn.conv2d', [x, values(c.kernel, 3)], {
    kernel_size: spatial,
    channels: outC,
    data_layout: data,
    kernel_layout: kernel,
    ...c.attrs,
  });
  const shape = conv.type.kind === 'tensor' ? (staticShape(conv.type) ?? []) : [];
  const axis = data.indexOf('C');
  const params = [x];
  let body: Call = conv;
  const bias = (): void => {
    body = call('nn.bias_add', [body, values([shape[axis] ?? 1], 9)], { axis });
  };
  switch (c.epilogue ?? 'bias relu') {
    case 'bias relu':
      bias();
      body = call('nn.relu', [body]);
      break;
    case 'residual': {
      const other = variable('r', tensorType(shape, 'float32'));
      params.push(other);
      body = call('nn.relu', [call('add', [other, body])]);
      break;
    }
    case 'self':
      body = call('add', [body, x]);
      break;
    case 'swish':
      bias();
      body = call('multiply', [body, call('sigmoid', [body])]);
      break;
    case 'flatten':
      body = call('nn.batch_flatten', [call('clip', [body], { a_min: -1, a_max: 6 })]);
      break;
    case 'quantize':
      body = call('qnn.quantize', [body, scalar(0.02, 'float32'), scalar(3, 'int32')], { out_dtype: 'int8' });
      break;
    case 'none':
      break;
  }
  return { name: 'conv', func: func(params, body), anchor: conv };
}

function dense(input: readonly number[], units: number): FusedFunction {
  const x = variable('x', tensorType(input, 'float32'));
  const layer = call('nn.dense', [x, values([units, input.at(-1) ?? 1], 4)], { units });
  const body = call('tanh', [call('add', [layer, values([units], 5)])]);
  return { name: 'dense', func: func([x], body), anchor: layer };
}

const templateOf = (c: Case): string =>
  c.layouts[1] === 'HWOI' && c.kernel[3] === 1 ? 'depthwise_float_fma' : 'conv2d_float_fma';

const last = ['NHWC', 'HWIO'] as const;
const first = ['NCHW', 'OIHW'] as const;
const cases: readonly Case[] = [
  { name: '3×3 with padding', input: [1, 7, 9, 8], kernel: [3, 3, 8, 12], layouts: last, attrs: { padding: [1, 1, 1, 1] } },
  { name: 'pointwise', input: [1, 5, 6, 12], kernel: [1, 1, 12, 7], layouts: last },
  { name: 'pointwise, channels first', input: [1, 9, 4, 5], kernel: [6, 9, 1, 1], layouts: first },
  { name: 'three input channels, stride 2, asymmetric padding', input: [1, 11, 12, 3], kernel: [3, 3, 3, 5], layouts: last, attrs: { strides: [2, 2], padding: [0, 0, 1, 1] } },
  { name: '5×5 on an image smaller than the filter', input: [1, 3, 4, 2], kernel: [5, 5, 2, 3], layouts: last, attrs: { padding: [2, 2, 2, 2] } },
  { name: 'dilation and stride 3', input: [2, 13, 12, 4], kernel: [3, 2, 4, 6], layouts: last, attrs: { dilation: [2, 3], strides: [1, 3], padding: [3, 2, 2, 4] } },
  { name: 'groups', input: [1, 6, 5, 12], kernel: [3, 3, 3, 8], layouts: last, attrs: { groups: 4, padding: [1, 1, 1, 1] } },
  { name: 'groups, channels first', input: [1, 8, 6, 7], kernel: [4, 4, 3, 3], layouts: first, attrs: { groups: 2, padding: [1, 0, 0, 1] } },
  { name: 'channels first, 3×3', input: [2, 3, 8, 9], kernel: [10, 3, 3, 3], layouts: first, attrs: { padding: [1, 1, 1, 1] } },
  { name: 'channels first, stride 2, dilation', input: [1, 3, 9, 11], kernel: [4, 3, 3, 3], layouts: first, attrs: { strides: [2, 2], dilation: [1, 2], padding: [1, 2, 1, 2] } },
  { name: 'kernel layout OHWI', input: [1, 5, 6, 4], kernel: [6, 3, 3, 4], layouts: ['NHWC', 'OHWI'], attrs: { padding: [1, 1, 1, 1] } },
  { name: 'depthwise', input: [1, 7, 9, 6], kernel: [3, 3, 6, 1], layouts: ['NHWC', 'HWOI'], attrs: { groups: 6, padding: [1, 1, 1, 1] } },
  { name: 'depthwise of odd channels, stride 2', input: [1, 9, 12, 5], kernel: [5, 3, 5, 1], layouts: ['NHWC', 'HWOI'], attrs: { groups: 5, strides: [2, 2], padding: [2, 1, 2, 1] } },
  { name: 'depthwise with dilation', input: [1, 9, 13, 4], kernel: [3, 3, 4, 1], layouts: ['NHWC', 'HWOI'], attrs: { groups: 4, dilation: [2, 2], padding: [2, 2, 2, 2] } },
  { name: 'depthwise, multiplier 2', input: [1, 5, 6, 3], kernel: [3, 3, 3, 2], layouts: ['NHWC', 'HWOI'], attrs: { groups: 3, padding: [1, 1, 1, 1] } },
  { name: 'depthwise, channels first', input: [1, 4, 9, 11], kernel: [4, 1, 3, 3], layouts: first, attrs: { groups: 4, padding: [1, 1, 1, 1] } },
  { name: 'sequence', operator: 'nn.conv1d', input: [1, 4, 20], kernel: [6, 4, 3], layouts: ['NCW', 'OIW'], attrs: { padding: [1, 1] } },
  { name: 'sequence, channels last', operator: 'nn.conv1d', input: [1, 20, 4], kernel: [3, 4, 6], layouts: ['NWC', 'WIO'], attrs: { padding: [2, 0], strides: [2] } },
  { name: 'with a residual', input: [1, 5, 6, 4], kernel: [3, 3, 4, 4], layouts: last, attrs: { padding: [1, 1, 1, 1] }, epilogue: 'residual' },
  { name: 'with its input added', input: [1, 5, 6, 4], kernel: [3, 3, 4, 4], layouts: last, attrs: { padding: [1, 1, 1, 1] }, epilogue: 'self' },
  { name: 'with an activation that reads its sum twice', input: [1, 5, 6, 4], kernel: [1, 1, 4, 4], layouts: last, epilogue: 'swish' },
  { name: 'with bounds, flattened', input: [1, 5, 6, 4], kernel: [3, 3, 4, 4], layouts: last, epilogue: 'flatten' },
  { name: 'quantised', input: [1, 5, 6, 4], kernel: [3, 3, 4, 4], layouts: last, epilogue: 'quantize' },
]; // prettier-ignore

describe('a convolution in float32 gives what the operators say', () => {
  for (const c of cases)
    it(c.name, () =>
      checkSchedules(convolution(c), templateOf(c), { integerError: c.epilogue === 'quantize' ? 1 : 0 }),
    );
});

interface Transposed {
  readonly name: string;
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly layouts?: readonly [string, string];
  readonly attrs: Readonly<Record<string, unknown>>;
}

const transposed: readonly Transposed[] = [
  { name: 'stride 2', input: [1, 5, 6, 4], kernel: [3, 3, 4, 6], attrs: { strides: [2, 2] } },
  { name: 'stride 2 with padding', input: [1, 5, 7, 4], kernel: [4, 4, 4, 5], attrs: { strides: [2, 2], padding: [1, 1, 1, 1] } },
  { name: 'strides 3 and 1, asymmetric padding, a border of the output', input: [2, 4, 5, 3], kernel: [5, 3, 3, 2], attrs: { strides: [3, 1], padding: [2, 0, 1, 2], output_padding: [1, 0] } },
  { name: 'stride 1', input: [1, 6, 5, 3], kernel: [3, 2, 3, 4], attrs: { strides: [1, 1], padding: [1, 1, 1, 0] } },
  { name: 'channels first', input: [1, 3, 4, 5], kernel: [3, 4, 3, 3], layouts: ['NCHW', 'IOHW'], attrs: { strides: [2, 2], padding: [1, 1, 1, 1] } },
  { name: 'one output', input: [1, 1, 1, 4], kernel: [2, 2, 4, 3], attrs: { strides: [2, 2], padding: [1, 0, 0, 1] } },
]; // prettier-ignore

describe('a transposed convolution in float32 gives what the operators say', () => {
  for (const c of transposed)
    it(c.name, () => {
      const x = variable('x', tensorType(c.input, 'float32'));
      const [data, kernel] = c.layouts ?? ['NHWC', 'HWIO'];
      const size = (axis: string): number => c.kernel[kernel.indexOf(axis)] ?? 1;
      const layer = call('nn.conv2d_transpose', [x, values(c.kernel, 3)], {
        channels: size('O'),
        kernel_size: [size('H'), size('W')],
        data_layout: data,
        kernel_layout: kernel,
        ...c.attrs,
      });
      const bias = call('nn.bias_add', [layer, values([size('O')], 9)], { axis: data.indexOf('C') });
      const fused = { name: 'transposed', func: func([x], call('nn.relu', [bias])), anchor: layer };
      checkSchedules(fused, 'conv2d_transpose_float_fma');
    });
});

describe('a dense layer in float32 gives what the operators say', () => {
  for (const [input, units] of [
    [[1, 40], 13],
    [[1, 7], 3],
    [[5, 9], 6],
    [[1, 64], 8],
  ] as const)
    it(`${input.join('×')} to ${units}`, () => checkSchedules(dense(input, units), 'conv2d_float_fma'));
});
