import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { constant, func, scalar, variable } from '../../compiler/src/ir/build.ts';
import type { Call, Expr, Var } from '../../compiler/src/ir/expr.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import type { FusedFunction } from '../../compiler/src/schedule/task.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import type { DType } from '../../compiler/src/tensor/dtype.ts';
import { staticShape, tensorType } from '../../compiler/src/types/type.ts';
import { array, call, cortexM4, random } from './functions.ts';
import { checkSchedules } from './support.ts';

const next = random(29);
const f32 = (v: number): Expr => scalar(v, 'float32');
const i32 = (v: number): Expr => scalar(v, 'int32');
const integers = (dtype: DType, shape: readonly number[], size: number): Expr =>
  constant(array(dtype, shape, () => next(2 * size + 1) - size));
const scales = (count: number): Expr => constant(array('float32', [count], () => (1 + next(100)) / 90_000));

interface Layer {
  readonly input: readonly [number, number, number, number];
  readonly outC: number;
  readonly k?: readonly [number, number];
  readonly groups?: number;
  readonly dtype?: DType;
  readonly weights?: DType;
  readonly operator?: 'nn.conv2d' | 'qnn.conv2d';
  readonly weightZero?: Expr;
  readonly strides?: readonly [number, number];
}

/** A function of a layer and what is done behind it; a second parameter has the result's shape. */
function layer(l: Layer, behind: (sums: Expr, other: Var) => Call): FusedFunction {
  const groups = l.groups ?? 1;
  const depthwise = groups > 1 && groups === l.input[3];
  const [kH, kW] = l.k ?? [3, 3];
  const kernel = depthwise ? [kH, kW, groups, l.outC / groups] : [kH, kW, l.input[3] / groups, l.outC];
  const x = variable('x', tensorType(l.input, l.dtype ?? 'int8'));
  const operator = l.operator ?? 'qnn.conv2d';
  const parameters =
    operator === 'qnn.conv2d'
      ? [i32(l.dtype === 'uint8' ? 117 : -9), l.weightZero ?? i32(0), f32(0.05), f32(0.01)]
      : [];
  const anchor = call(operator, [x, integers(l.weights ?? 'int8', kernel, 100), ...parameters], {
    channels: l.outC,
    kernel_size: [kH, kW],
    padding: [kH >> 1, kW >> 1, kH >> 1, kW >> 1],
    strides: l.strides ?? [1, 1],
    groups,
    data_layout: 'NHWC',
    kernel_layout: depthwise ? 'HWOI' : 'HWIO',
    out_dtype: 'int32',
  });
  const shape = anchor.type.kind === 'tensor' ? (staticShape(anchor.type) ?? []) : [];
  const other = variable('r', tensorType(shape, 'int8'));
  const body = behind(anchor, other);
  const reads = (e: Expr): boolean => e === other || (e.kind === 'call' && e.args.some(reads));
  return { name: 'layer', func: func(reads(body) ? [other, x] : [x], body), anchor };
}

const biased = (sums: Expr, channels: number): Call =>
  call('nn.bias_add', [sums, integers('int32', [channels], 2000)], { axis: 3 });
const scaled = (sums: Expr, channels: number, out_dtype: DType = 'int8'): Call =>
  call('qnn.requantize', [biased(sums, channels), scales(channels), i32(0), f32(0.09), i32(4)], { axis: 3, out_dtype });
const clipped = (e: Expr): Call => call('cast', [call('clip', [e], { a_min: -100, a_max: 90 })], { dtype: 'int8' });

const plain: Layer = { input: [1, 6, 7, 8], outC: 6 };
const odd: Layer = { input: [2, 5, 6, 5], outC: 7, k: [2, 3], strides: [2, 1] };
const pointwise: Layer = { input: [1, 4, 5, 12], outC: 5, k: [1, 1] };
const depthwise: Layer = { input: [1, 7, 6, 5], outC: 5, groups: 5 };
const multiplied: Layer = { input: [1, 5, 6, 3], outC: 6, groups: 3, k: [3, 2] };
const grouped: Layer = { input: [1, 5, 6, 12], outC: 8, groups: 4 };
const column: Layer = { input: [1, 8, 1, 6], outC: 5, k: [3, 1] };
const single: Layer = { input: [2, 5, 1, 3], outC: 1, k: [2, 1] };
const signal: Layer = { input: [1, 1, 9, 3], outC: 3, k: [1, 3], groups: 3 };
const layers = { plain, odd, pointwise, depthwise, multiplied, grouped, column, single, signal };

const template = (l: Layer): string => (l.groups === l.input[3] ? 'depthwise_plane_smlad' : 'conv2d_rows_smlad');

const tails: Readonly<Record<string, (l: Layer) => (sums: Expr, other: Var) => Call>> = {
  'sums in int32': () => (s) => s as Call,
  'biased sums': (l) => (s) => biased(s, l.outC),
  'results in int16': (l) => (s) => scaled(s, l.outC, 'int16'),
  'results in int32 that are clipped and cast': (l) => (s) => clipped(scaled(s, l.outC, 'int32')),
  'fixed-point factors': (l) => (s) =>
    clipped(call('fixed_point_multiply', [biased(s, l.outC)], { multiplier: 1395864371, shift: -9 })),
  'an activation': (l) => (s) => call('nn.relu', [scaled(s, l.outC)]),
  'floats': (l) => (s) => call('qnn.dequantize', [scaled(s, l.outC), f32(0.09), i32(4)]),
  'a tensor added before scaling': (l) => (s, other) => call('add', [biased(s, l.outC), call('cast', [other], { dtype: 'int32' })]),
  'one number for all': (l) => (s) => call('subtract', [scaled(s, l.outC), integers('int8', [1, 1, 1, 1], 90)]),
  'a tensor subtracted from the result': (l) => (s, other) => call('subtract', [scaled(s, l.outC), other]),
}; // prettier-ignore

describe('a filter of integers gives what the operators say, whatever follows', () => {
  for (const [what, tail] of Object.entries(tails))
    it(what, () => {
      for (const l of Object.values(layers)) checkSchedules(layer(l, tail(l)), template(l), { count: 4 });
    });

  it('bytes in nn.conv2d, weights with a zero point a channel, and halves', () => {
    const forms: readonly Partial<Layer>[] = [
      { operator: 'nn.conv2d' },
      { operator: 'nn.conv2d', dtype: 'uint8', weights: 'uint8' },
      { operator: 'nn.conv2d', dtype: 'int16', weights: 'int16' },
      { dtype: 'int16' },
      { weightZero: integers('int32', [6], 60) },
    ];
    for (const form of forms)
      for (const l of [plain, depthwise, multiplied, { ...pointwise, outC: 6 }, { ...odd, outC: 6 }]) {
        if (form.weightZero && l.outC !== 6) continue;
        const made = { ...l, ...form };
        checkSchedules(
          layer(made, (s) => scaled(s, made.outC)),
          template(made),
          { count: 4 },
        );
        checkSchedules(
          layer(made, (s) => biased(s, made.outC)),
          template(made),
          { count: 3 },
        );
      }
  });

  it('dense layers of several rows, and one-dimensional convolution', () => {
    const x = variable('x', tensorType([3, 4, 10], 'int8'));
    const rows = call('nn.dense', [x, integers('int8', [7, 10], 100)], { units: 7, out_dtype: 'int32' });
    const line = variable('x', tensorType([2, 11, 6], 'int8'));
    const sequence = call('nn.conv1d', [line, integers('int8', [3, 6, 5], 100)], {
      channels: 5,
      kernel_size: [3],
      padding: [2, 1],
      strides: [2],
      data_layout: 'NWC',
      kernel_layout: 'WIO',
      out_dtype: 'int32',
    });
    for (const [v, anchor] of [
      [x, rows],
      [line, sequence],
    ] as const)
      // prettier-ignore
      checkSchedules({ name: 'layer', func: func([v], call('nn.relu', [anchor])), anchor }, 'conv2d_rows_smlad');
  });

  it('also without the DSP extension', () => {
    const target = { ...cortexM4, name: 'cortex-m3', features: { ...cortexM4.features, dsp: false } };
    for (const l of [plain, odd, depthwise, grouped]) {
      checkSchedules(layer(l, (s) => biased(s, l.outC)), template(l), { count: 2, target }); // prettier-ignore
      checkSchedules(
        layer({ ...l, dtype: 'int16' }, (s) => scaled(s, l.outC)),
        template(l),
        { count: 2, target },
      );
    }
  });

  it('tensors that lie across the pixels are none of the template’s', () => {
    const across = layer(plain, (s) => call('add', [s, integers('int32', [1, 6, 1, 1], 50)]));
    assert.equal(scheduler.spaceOf(extractTask(across), cortexM4).template, 'generic');
  });
});
