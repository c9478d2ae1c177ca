/** Fused functions for tests, built by hand, and what they mean. */
import { ok as assertOk } from 'node:assert/strict';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import type { Value } from '../../compiler/src/evaluate/value.ts';
import { callOperator, constant, func, scalar, variable } from '../../compiler/src/ir/build.ts';
import type { Call, Expr, Func } from '../../compiler/src/ir/expr.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import type { FusedFunction } from '../../compiler/src/schedule/task.ts';
import type { Target } from '../../compiler/src/targets/target.ts';
import { allocateElements, elementCount, type ElementArray, type NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { staticShape, tensorType } from '../../compiler/src/types/type.ts';

export const cortexM4: Target = {
  name: 'cortex-m4f',
  features: { dsp: true, fpu: true, bits: 32 },
  littleEndian: true,
};

export function random(seed: number): (limit: number) => number {
  let s = seed >>> 0;
  return (limit) => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return Math.floor(((s >>> 8) / 2 ** 24) * limit);
  };
}

export const call = (name: string, args: readonly Expr[], attrs: Readonly<Record<string, unknown>> = {}): Call =>
  callOperator(operatorRegistry, name, args, attrs as never);

export function array(dtype: string, shape: readonly number[], value: (i: number) => number): NDArray {
  const data = allocateElements(dtype, elementCount(shape));
  if (!data) throw new Error(dtype);
  for (let i = 0; i < data.length; i++)
    data[i] = (data instanceof BigInt64Array ? BigInt(value(i)) : value(i)) as never;
  return { dtype, shape, data };
}

export interface ConvCase {
  readonly name: string;
  readonly input: readonly [number, number, number, number];
  readonly outC: number;
  readonly kernel: readonly [number, number];
  readonly strides?: readonly [number, number];
  readonly dilation?: readonly [number, number];
  readonly padding?: readonly [number, number, number, number];
  readonly groups?: number;
  readonly inputZero?: number;
  readonly weightZero?: number;
  readonly inputDtype?: 'int8' | 'uint8';
  readonly weightDtype?: 'int8' | 'uint8';
  readonly outputDtype?: 'int8' | 'uint8';
  readonly perTensor?: boolean;
  readonly outputScale?: number;
  readonly clip?: readonly [number, number];
  readonly residual?: 'other' | 'self';
  readonly kernelLayout?: 'HWIO' | 'HWOI';
  readonly seed?: number;
}

/** clip(qnn.requantize(nn.bias_add(qnn.conv2d(x, w)))) and, if asked for, a residual addition. */
export function convFunction(c: ConvCase): FusedFunction {
  const next = random(c.seed ?? 3);
  const inputDtype = c.inputDtype ?? 'int8';
  const weightDtype = c.weightDtype ?? 'int8';
  const groups = c.groups ?? 1;
  const inC = c.input[3];
  const perGroup = inC / groups;
  const [kH, kW] = c.kernel;
  const depthwise = groups > 1 && perGroup === 1;
  const layout = c.kernelLayout ?? (depthwise ? 'HWOI' : 'HWIO');
  const shape = layout === 'HWOI'
    ? [kH, kW, depthwise ? inC : c.outC, depthwise ? c.outC / inC : perGroup]
    : [kH, kW, perGroup, c.outC]; // prettier-ignore
  const x = variable('x', tensorType(c.input, inputDtype));
  const low = weightDtype === 'int8' ? -127 : 0;
  const w = constant(array(weightDtype, shape, () => low + next(255)));
  const scales = array('float32', c.perTensor ? [] : [c.outC], () => 0.001 + next(1000) / 400000);
  // The scale does not change the sums; one for all is admitted everywhere.
  const weightScale = groups > 1 ? scalar(0.002, 'float32') : constant(scales);
  const inputScale = 0.05;
  const conv = call(
    'qnn.conv2d',
    [x, w, scalar(c.inputZero ?? -128, 'int32'), scalar(c.weightZero ?? 0, 'int32'), scalar(inputScale, 'float32'), weightScale],
    {
      strides: c.strides ?? [1, 1], dilation: c.dilation ?? [1, 1], padding: c.padding ?? [0, 0, 0, 0], groups,
      channels: c.outC, kernel_size: [kH, kW], data_layout: 'NHWC', kernel_layout: layout, out_dtype: 'int32',
    },
  ); // prettier-ignore
  const bias = constant(array('int32', [c.outC], () => next(4000) - 2000));
  const outputDtype = c.outputDtype ?? 'int8';
  const taps = kH * kW * perGroup;
  const outputScale = c.outputScale ?? 0.002 * Math.sqrt(taps);
  const sumScales = constant({
    dtype: 'float32', shape: scales.shape, data: Float32Array.from(scales.data as Float32Array, (s) => s * inputScale),
  }); // prettier-ignore
  let body = call(
    'qnn.requantize',
    [call('nn.bias_add', [conv, bias], { axis: 3 }), sumScales, scalar(0, 'int32'), scalar(outputScale, 'float32'), scalar(outputDtype === 'int8' ? -7 : 100, 'int32')],
    { axis: 3, out_dtype: outputDtype },
  ); // prettier-ignore
  const range = outputDtype === 'int8' ? [-128, 127] : [0, 255];
  body = call('clip', [body], { a_min: c.clip?.[0] ?? range[0], a_max: c.clip?.[1] ?? range[1] });
  const params = [x];
  if (c.residual) {
    let other = x;
    if (c.residual === 'other') {
      if (body.type.kind !== 'tensor') throw new Error('tensor expected');
      other = variable('r', tensorType(staticShape(body.type) ?? [], outputDtype));
      params.push(other);
    }
    const f32 = (v: number): Expr => scalar(v, 'float32');
    const i32 = (v: number): Expr => scalar(v, 'int32');
    body = call(
      'clip',
      [call('qnn.add', [other, body, f32(0.04), i32(-128), f32(0.11), i32(4), f32(0.053), i32(-20)])],
      {
        a_min: range[0],
        a_max: range[1],
      },
    );
  }
  return { name: 'fused', func: func(params, body), anchor: conv };
}

/** cast(clip(requantize(bias_add(dense)))). */
export function denseFunction(rows: number, inC: number, outC: number, inputZero = -128, seed = 5): FusedFunction {
  const next = random(seed);
  const x = variable('x', tensorType([rows, inC], 'int8'));
  const w = constant(array('int8', [outC, inC], () => next(255) - 127));
  const f32 = (v: number): Expr => scalar(v, 'float32');
  const i32 = (v: number): Expr => scalar(v, 'int32');
  const dense = call('qnn.dense', [x, w, i32(inputZero), i32(0), f32(0.05), f32(0.002)], {
    units: outC,
    out_dtype: 'int32',
  });
  const bias = constant(array('int32', [outC], () => next(3000) - 1500));
  const body = call(
    'qnn.requantize',
    [call('nn.bias_add', [dense, bias]), f32(0.0001), i32(0), f32(0.0015 * Math.sqrt(inC)), i32(3)],
    { out_dtype: 'int8' },
  );
  return { name: 'fused_dense', func: func([x], body), anchor: dense };
}

/** clip(qnn.add(a, b)), or of one tensor with itself. */
export function addFunction(length: number, scales: readonly [number, number, number], self = false): FusedFunction {
  const a = variable('a', tensorType([1, length], 'int8'));
  const b = self ? a : variable('b', tensorType([1, length], 'int8'));
  const f32 = (v: number): Expr => scalar(v, 'float32');
  const i32 = (v: number): Expr => scalar(v, 'int32');
  const [sa, sb, so] = scales;
  const sum = call('qnn.add', [a, b, f32(sa), i32(-17), f32(sb), i32(4), f32(so), i32(-100)]);
  return {
    name: 'fused_add',
    func: func(self ? [a] : [a, b], call('clip', [sum], { a_min: -100, a_max: 127 })),
    anchor: sum,
  };
}

/** Random inputs for a function's parameters; float values of moderate size. */
export function inputsFor(f: Func, seed: number): NDArray[] {
  const next = random(seed);
  return f.params.map((p) => {
    if (p.type.kind !== 'tensor') throw new Error('tensor expected');
    const dtype = p.type.dtype;
    const shape = staticShape(p.type) ?? [];
    if (dtype.startsWith('float')) return array(dtype, shape, () => Math.fround((next(20001) - 10000) / 3000));
    if (dtype === 'bool') return array(dtype, shape, () => next(2));
    const low = dtype.startsWith('u') ? 0 : -128;
    return array(dtype, shape, () => low + next(256));
  });
}

/** What the evaluator says the function gives. */
export function evaluated(f: Func, inputs: readonly NDArray[]): NDArray[] {
  const values = new Map<string, Value>(
    f.params.map((p, i) => [p.name, { kind: 'tensor', array: inputs[i] as NDArray }]),
  );
  const result = evaluateFunction({ functions: new Map([['main', f]]), types: new Map() }, 'main', values);
  assertOk(result.ok, result.ok ? '' : result.error.message);
  const flat = (v: Value): NDArray[] =>
    v.kind === 'tensor' ? [v.array] : v.kind === 'tuple' ? v.fields.flatMap(flat) : [];
  return flat(result.value);
}

export function bytesOf(a: ElementArray): Uint8Array {
  return new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
}

/** Problems that appear in no model, beside ordinary ones. */
export const convCases: readonly ConvCase[] = [
  { name: '3×3 on 16 channels', input: [1, 6, 7, 16], outC: 16, kernel: [3, 3], padding: [1, 1, 1, 1] },
  { name: 'pointwise', input: [1, 5, 5, 12], outC: 10, kernel: [1, 1] },
  { name: 'pointwise, odd channels', input: [1, 3, 5, 7], outC: 5, kernel: [1, 1], inputZero: 11 },
  { name: 'pointwise, stride 2', input: [1, 7, 6, 9], outC: 4, kernel: [1, 1], strides: [2, 2] },
  { name: '5×5, three channels, asymmetric padding', input: [1, 9, 8, 3], outC: 7, kernel: [5, 5], padding: [1, 2, 3, 0], inputZero: 5 },
  { name: 'stride 3', input: [1, 11, 10, 5], outC: 6, kernel: [3, 3], strides: [3, 3], padding: [0, 1, 1, 0] },
  { name: 'stride longer than the kernel', input: [1, 11, 10, 4], outC: 3, kernel: [2, 2], strides: [3, 4], padding: [1, 1, 0, 0] },
  { name: 'dilation', input: [1, 9, 9, 6], outC: 3, kernel: [3, 2], dilation: [2, 3], padding: [2, 2, 2, 2] },
  { name: 'groups', input: [1, 6, 5, 12], outC: 8, kernel: [3, 3], groups: 4, padding: [1, 1, 1, 1] },
  { name: 'pointwise groups, odd', input: [1, 4, 5, 6], outC: 4, kernel: [1, 1], groups: 2 },
  { name: 'one input channel, 10×4', input: [1, 13, 10, 1], outC: 9, kernel: [10, 4], strides: [2, 2], padding: [4, 1, 5, 1], inputZero: 83 },
  { name: 'one output channel', input: [1, 4, 4, 5], outC: 1, kernel: [2, 3], perTensor: true },
  { name: 'uint8', input: [1, 5, 5, 4], outC: 5, kernel: [3, 3], inputDtype: 'uint8', weightDtype: 'uint8', outputDtype: 'uint8', inputZero: 117, weightZero: 128, padding: [1, 1, 1, 1] },
  { name: 'weights beyond bytes', input: [1, 5, 6, 6], outC: 5, kernel: [3, 3], inputDtype: 'uint8', weightDtype: 'uint8', outputDtype: 'uint8', inputZero: 9, weightZero: 31, padding: [1, 1, 1, 1] },
  { name: 'weights beyond bytes, pointwise', input: [1, 3, 4, 8], outC: 6, kernel: [1, 1], inputDtype: 'uint8', weightDtype: 'uint8', inputZero: 200, weightZero: 240 },
  { name: 'weights beyond bytes, depthwise', input: [1, 6, 7, 5], outC: 5, kernel: [3, 3], groups: 5, inputDtype: 'uint8', weightDtype: 'uint8', inputZero: 120, weightZero: 60, padding: [1, 1, 1, 1] },
  { name: 'weights below bytes', input: [1, 5, 5, 4], outC: 4, kernel: [3, 3], weightZero: 20, padding: [1, 1, 1, 1] },
  { name: 'two images', input: [2, 4, 5, 4], outC: 6, kernel: [3, 3], padding: [1, 0, 0, 1] },
  { name: 'scale near one', input: [1, 3, 4, 2], outC: 4, kernel: [1, 1], perTensor: true, outputScale: 0.00006, inputZero: 0 },
  { name: 'tight bounds', input: [1, 4, 4, 8], outC: 4, kernel: [3, 3], clip: [-7, 30] },
  { name: 'depthwise, tight bounds', input: [1, 5, 6, 3], outC: 3, groups: 3, kernel: [2, 3], clip: [-7, 30] },
  { name: 'a bound above', input: [1, 5, 6, 3], outC: 3, groups: 3, kernel: [2, 2], clip: [-128, 30] },
  { name: 'bounds from zero', input: [1, 4, 5, 6], outC: 5, kernel: [2, 2], clip: [0, 30] },
  { name: 'a bound of zero alone', input: [1, 4, 5, 6], outC: 5, kernel: [2, 2], clip: [0, 127] },
  { name: 'a bound below alone', input: [1, 4, 5, 6], outC: 5, kernel: [2, 2], clip: [-19, 127] },
  { name: 'residual addition', input: [1, 5, 6, 8], outC: 8, kernel: [3, 3], padding: [1, 1, 1, 1], residual: 'other' },
  { name: 'residual addition of the input', input: [1, 5, 6, 8], outC: 8, kernel: [3, 3], padding: [1, 1, 1, 1], residual: 'self' },
  { name: 'wide rows, in strips', input: [1, 5, 26, 16], outC: 6, kernel: [3, 3], padding: [1, 1, 1, 1], inputZero: 3 },
  { name: 'wide rows in strips, stride 2, dilation', input: [2, 9, 31, 12], outC: 4, kernel: [3, 4], strides: [1, 2], dilation: [2, 3], padding: [2, 5, 1, 4] },
  { name: 'wide rows in strips, residual', input: [1, 4, 29, 16], outC: 16, kernel: [3, 3], padding: [1, 1, 1, 1], residual: 'other' },
  { name: 'depthwise 3×3', input: [1, 6, 5, 8], outC: 8, kernel: [3, 3], groups: 8, padding: [1, 1, 1, 1] },
  { name: 'depthwise stride 2, asymmetric padding', input: [1, 8, 9, 5], outC: 5, kernel: [3, 3], groups: 5, strides: [2, 2], padding: [0, 0, 1, 1] },
  { name: 'depthwise along a long signal', input: [1, 1, 700, 2], outC: 2, kernel: [1, 3], groups: 2, padding: [0, 1, 0, 1] },
  { name: 'depthwise 1×1 of a large image', input: [1, 23, 47, 2], outC: 2, kernel: [1, 1], groups: 2 },
  { name: 'depthwise 5×5', input: [1, 7, 8, 3], outC: 3, kernel: [5, 5], groups: 3, padding: [2, 2, 2, 2] },
  { name: 'depthwise stride 3, dilation 2', input: [1, 9, 13, 4], outC: 4, kernel: [2, 3], groups: 4, strides: [1, 3], dilation: [2, 2] },
  { name: 'depthwise stride 2, dilation 2', input: [1, 13, 14, 3], outC: 3, kernel: [3, 2], groups: 3, strides: [2, 2], dilation: [2, 2], padding: [1, 3, 2, 2], inputZero: 9 },
  { name: 'depthwise stride 2, dilation 4, one row of outputs', input: [1, 9, 17, 3], outC: 6, kernel: [3, 3], groups: 3, strides: [3, 2], dilation: [4, 4], padding: [0, 2, 0, 3], inputZero: 9 },
  { name: 'depthwise column of taps, stride 3', input: [2, 11, 10, 4], outC: 4, kernel: [3, 1], groups: 4, strides: [2, 3], padding: [1, 1, 1, 0] },
  { name: 'depthwise stride 3', input: [1, 4, 14, 3], outC: 3, kernel: [2, 4], groups: 3, strides: [3, 3], padding: [1, 1, 1, 1], inputZero: 9 },
  { name: 'depthwise on large planes, part by part', input: [1, 31, 33, 2], outC: 2, kernel: [3, 3], groups: 2, padding: [1, 1, 1, 1], inputZero: 4 },
  { name: 'depthwise on large planes, stride 2', input: [1, 37, 50, 2], outC: 2, kernel: [5, 3], groups: 2, strides: [2, 2], padding: [0, 0, 3, 1] },
  { name: 'depthwise multiplier 2', input: [1, 5, 5, 3], outC: 6, kernel: [3, 3], groups: 3, padding: [1, 1, 1, 1] },
  { name: 'depthwise one-dimensional, long', input: [1, 20, 1, 6], outC: 6, kernel: [15, 1], groups: 6 },
  { name: 'depthwise with residual', input: [1, 5, 4, 6], outC: 6, kernel: [3, 3], groups: 6, padding: [1, 1, 1, 1], residual: 'other' },
]; // prettier-ignore
