import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { runKernel } from '../../compiler/src/emit/js.ts';
import { constant, func, scalar, tuple, variable } from '../../compiler/src/ir/build.ts';
import type { Expr, Func, Var } from '../../compiler/src/ir/expr.ts';
import { freeVariables } from '../../compiler/src/ir/visit.ts';
import { lowerGeneric } from '../../compiler/src/loops/lower.ts';
import { verifyKernel } from '../../compiler/src/loops/verify.ts';
import { tensorType } from '../../compiler/src/types/type.ts';
import { hostCompiler, runOnHost, sanitizers, type HostCase } from '../emit/host.ts';
import { array, bytesOf, call, evaluated, inputsFor } from '../schedule/functions.ts';

const v = (name: string, shape: readonly number[], dtype = 'float32'): Var => variable(name, tensorType(shape, dtype));
const f32 = (x: number): Expr => scalar(x, 'float32');
const i32 = (x: number): Expr => scalar(x, 'int32');

/** Four elements of a vector from one on. */
const part = (e: Expr, start: number): Expr => call('strided_slice', [e], { begin: [start], end: [start + 4], strides: [1], axes: null }); // prettier-ignore

/** Functions of many kinds: each is lowered, verified, run in JavaScript and in C, and compared with the evaluator. */
function functions(): { readonly name: string; readonly func: Func; readonly relative?: number }[] {
  const x = v('x', [2, 3, 4]);
  const y = v('y', [3, 1]);
  const q = v('q', [1, 12], 'int8');
  const q2 = v('q2', [1, 12], 'int8');
  const row = v('row', [9]);
  const computed = call('nn.relu', [row]);
  const image = v('image', [1, 5, 6, 3], 'int8');
  const floats = v('floats', [1, 5, 6, 3]);
  const affine = v('affine', [1, 2, 3]);
  const element = v('element', [2, 2, 3]);
  const ints = v('ints', [3, 5], 'int32');
  const longs = v('longs', [4], 'int64');
  const c = v('c', [4], 'bool');
  const d = v('d', [4], 'bool');
  const wide = array('float32', [4, 6], (i) => Math.sin(i));
  const filter = array('float32', [3, 3, 3, 4], (i) => Math.cos(i));
  const joined = call('concatenate', [tuple([call('equal', [c, d]), call('equal', [d, c])])], { axis: 0 });
  let grown: Expr = v('g', [4]);
  const g = grown as Var;
  for (let i = 0; i < 40; i++) grown = call('add', [call('multiply', [grown, f32(0.5)]), grown]);
  return [
    {
      name: 'differences of neighbours of what is computed',
      func: func([row], call('subtract', [part(computed, 1), part(computed, 3)])),
    },
    { name: 'a sum of bytes that wraps before it is widened', func: func([q, q2], call('cast', [call('add', [q, q2])], { dtype: 'int32' })) },
    { name: 'a product of bytes that wraps before it is compared', func: func([q, q2], call('less', [call('multiply', [q, q2]), q])) },
    ...[call('abs', [call('cast', [v('small', [6], 'uint16')], { dtype: 'int32' })]), call('less', [call('cast', [v('small', [6], 'uint8')], { dtype: 'int32' }), i32(-3)]), call('sign', [call('cast', [v('small', [6], 'uint8')], { dtype: 'int64' })]), call('equal', [call('cast', [v('small', [6], 'int8')], { dtype: 'int32' }), i32(70_000)])].map(
      (body, i) => ({ name: `narrow integers widened, and compared with what they never are (${i + 1})`, func: func(freeVariables(body), body) }),
    ),
    {
      name: 'a difference of conditions and comparisons',
      func: func([c, d], call('subtract', [c, call('equal', [c, d])])),
    },
    {
      name: 'a comparison of a tensor in parts with itself, which reads none of them',
      func: func([c, d], call('less', [joined, joined])),
    },
    { name: 'broadcast arithmetic', func: func([x, y], call('subtract', [call('multiply', [x, y]), f32(1.5)])) },
    { name: 'softmax', func: func([x], call('nn.softmax', [x])), relative: 1e-5 },
    {
      name: 'quantised softmax',
      func: func([q], call('qnn.quantize', [call('nn.softmax', [call('qnn.dequantize', [q, f32(0.14), i32(14)])]), f32(1 / 256), i32(-128)], { out_dtype: 'int8' })),
    },
    {
      name: 'average pooling of integers',
      func: func([image], call('cast', [call('nn.avg_pool2d', [call('cast', [image], { dtype: 'int32' })], { pool_size: [2, 3], strides: [2, 3], layout: 'NHWC' })], { dtype: 'int8' })),
    },
    { name: 'max pooling', func: func([image], call('nn.max_pool2d', [image], { pool_size: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1], layout: 'NHWC' })) },
    {
      name: 'float convolution, bias, relu',
      func: func([floats], call('nn.relu', [call('nn.bias_add', [call('nn.conv2d', [floats, constant(filter)], { channels: 4, kernel_size: [3, 3], padding: [1, 1, 1, 1], data_layout: 'NHWC', kernel_layout: 'HWIO' }), constant(array('float32', [4], (i) => i / 3))], { axis: 3 })])),
    },
    { name: 'dense after reshape', func: func([x], call('nn.dense', [call('reshape', [x], { newshape: [4, 6] }), constant(wide)], { units: 4 })) },
    {
      name: 'padding that is wider than what it mirrors',
      func: func([row], tuple([call('nn.pad', [row, f32(0)], { pad_width: [[11, 30]], pad_mode: 'reflect' }), call('nn.mirror_pad', [row], { pad_width: [[20, 9]], mode: 'SYMMETRIC' })])),
    },
    { name: 'transpose and slice', func: func([x], call('transpose', [x], { axes: [2, 0, 1] })) },
    { name: 'concatenate', func: func([x], call('concatenate', [tuple([x, call('negative', [x])])], { axis: 1 })) },
    { name: 'two results', func: func([x], tuple([call('exp', [x]), call('sum', [x], { axis: [1] })])), relative: 1e-5 },
    { name: 'a sign turned twice', func: func([x], call('negative', [call('negative', [x])])) },
    { name: 'all bits of a wide sign turned', func: func([longs], call('bitwise_not', [call('sign', [longs])])) },
    { name: 'a result that is an input', func: func([x], tuple([x, x])) },
    { name: 'integer division and remainder', func: func([ints], call('floor_divide', [ints, i32(7)])) },
    { name: 'wrapping int64', func: func([longs], call('multiply', [longs, call('multiply', [longs, longs])])) },
    { name: 'a long shared chain', func: func([g], grown) },
    {
      name: 'cubic resizing of a region',
      func: func([floats], call('image.resize2d', [floats], { size: [10, 7], roi: [0.1, -0.2, 0.9, 1.2], layout: 'NHWC', method: 'cubic', coordinate_transformation_mode: 'tf_crop_and_resize', rounding_method: 'round', cubic_alpha: -0.5, cubic_exclude: 1, extrapolation_value: 2, out_dtype: null })),
      relative: 1e-4,
    },
    {
      name: 'sampling a reflected grid',
      func: func([floats, affine], call('image.grid_sample', [floats, call('image.affine_grid', [affine], { target_shape: [4, 4] })], { method: 'bicubic', layout: 'NHWC', padding_mode: 'reflection', align_corners: false })),
      relative: 1e-3,
    },
    { name: 'dilation', func: func([floats, element], call('image.dilation2d', [floats, element], { strides: [1, 1], padding: [1, 1], dilations: [1, 1], data_layout: 'NHWC', kernel_layout: 'HWI', out_dtype: null })) },
    { name: 'comparison and choice', func: func([x], call('where', [call('greater', [x, f32(0)]), x, call('exp', [x])])), relative: 1e-5 },
  ]; // prettier-ignore
}

function close(actual: ArrayLike<number | bigint>, expected: ArrayLike<number | bigint>, relative: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [Number(actual[i]), Number(expected[i])];
    assert.ok(Object.is(a, e) || a === e || Math.abs(a - e) <= relative * Math.abs(e), `element ${i}: ${a}, not ${e}`);
  }
}

describe('plain loops give what the operators say', () => {
  for (const { name, func: f, relative } of functions()) {
    it(name, () => {
      const inputs = inputsFor(f, 5);
      const kernel = lowerGeneric('kernel', f);
      assert.ok(kernel.ok, kernel.ok ? '' : kernel.error.message);
      assert.deepEqual(verifyKernel(kernel.value), []);
      const outputs = runKernel(
        kernel.value,
        inputs.map((i) => i.data),
      );
      evaluated(f, inputs).forEach((e, i) => close(outputs[i] ?? [], e.data, relative ?? 0));
    });
  }

  it('in C, without undefined behaviour', function () {
    this.timeout(60_000);
    const cc = hostCompiler();
    if (!cc) return this.skip();
    const all = functions().map((f) => ({ ...f, inputs: inputsFor(f.func, 5) }));
    const cases = all.map(({ func: f, inputs }): HostCase => {
      const kernel = lowerGeneric('kernel', f);
      assert.ok(kernel.ok);
      return { kernel: kernel.value, inputs: inputs.map((i) => bytesOf(i.data)) };
    });
    const results = runOnHost(cc, cases, sanitizers);
    all.forEach((f, i) => {
      let at = 0;
      for (const e of evaluated(f.func, f.inputs)) {
        const bytes = results[i]!.slice(at, (at += e.data.byteLength));
        const typed = new (e.data.constructor as new (b: ArrayBuffer) => ArrayLike<number>)(bytes.buffer);
        close(typed, e.data as ArrayLike<number>, f.relative ?? 0);
      }
    });
  });
});
