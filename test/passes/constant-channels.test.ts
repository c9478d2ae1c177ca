import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { neverCancelled } from '../../compiler/src/base/cancellation.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { int8Values } from '../../compiler/src/evaluate/seeded.ts';
import { tensorValue } from '../../compiler/src/evaluate/value.ts';
import * as build from '../../compiler/src/ir/build.ts';
import type { Expr, Func, IRModule } from '../../compiler/src/ir/expr.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { constantChannels } from '../../compiler/src/passes/constant-channels.ts';
import { passContext } from '../../compiler/src/pipeline/simplification.ts';
import { tensorType } from '../../compiler/src/types/type.ts';
import type { AttributeValueData } from '../../compiler/src/operators/attributes.ts';

const op = (name: string, args: readonly Expr[], attrs: Readonly<Record<string, AttributeValueData>>): Expr =>
  build.callOperator(operatorRegistry, name, args, attrs);

interface Layer {
  readonly depthwise: boolean;
  readonly kernel: number;
  readonly pad: number;
  readonly channels: number;
  readonly seed: number;
  /** Channels whose weights are zero, and channels pushed to saturation by their bias, by remainder. */
  readonly dead: number;
  readonly saturated: number;
  readonly zero: number;
  readonly clip: boolean;
}

/** A quantised block of small weights; its output's zero point is `layer.zero`. */
function block(x: Expr, inChannels: number, inZero: number, layer: Layer): Expr {
  const out = layer.depthwise ? inChannels : layer.channels;
  const shape = layer.depthwise ? [layer.kernel, layer.kernel, out, 1] : [layer.kernel, layer.kernel, inChannels, out];
  const weight = int8Values(shape, layer.seed, 'full');
  for (let i = 0; i < weight.data.length; i++) if ((i % out) % 3 === layer.dead) weight.data[i] = 0;
  const bias = new Int32Array(out).map((_, i) =>
    i % 4 === layer.saturated ? (i % 8 < 4 ? 2 ** 24 : -(2 ** 24)) : i * 37,
  );
  const scales = new Float32Array(out).map((_, i) => 0.001 + i * 0.0001);
  const conv = op(
    'qnn.conv2d',
    [
      x,
      build.constant(weight),
      build.scalar(inZero, 'int32'),
      build.scalar(0, 'int32'),
      build.scalar(0.5, 'float32'),
      build.constant({ dtype: 'float32', shape: [out], data: scales }),
    ],
    {
      padding: [layer.pad, layer.pad, layer.pad, layer.pad],
      channels: out,
      kernel_size: [layer.kernel, layer.kernel],
      groups: layer.depthwise ? out : 1,
      data_layout: 'NHWC',
      kernel_layout: layer.depthwise ? 'HWOI' : 'HWIO',
      out_dtype: 'int32',
    },
  );
  const sum = op('nn.bias_add', [conv, build.constant({ dtype: 'int32', shape: [out], data: bias })], { axis: 3 });
  const result = op(
    'qnn.requantize',
    [
      sum,
      build.constant({ dtype: 'float32', shape: [out], data: scales }),
      build.scalar(0, 'int32'),
      build.scalar(0.2, 'float32'),
      build.scalar(layer.zero, 'int32'),
    ],
    { axis: 3, out_dtype: 'int8' },
  );
  return layer.clip ? op('clip', [result], { a_min: layer.zero, a_max: 100 }) : result;
}

function network(layers: readonly Layer[]): { func: Func; size: number } {
  const x = build.variable('x', tensorType([1, 6, 6, 4], 'int8'));
  let e: Expr = x;
  let [channels, zero] = [4, 3];
  for (const layer of layers) {
    e = block(e, channels, zero, layer);
    channels = layer.depthwise ? channels : layer.channels;
    zero = layer.zero;
  }
  return { func: build.func([x], e), size: channels };
}

const layer = fc
  .record({
    depthwise: fc.boolean(),
    kernel: fc.constantFrom(1, 3),
    pad: fc.constantFrom(0, 1),
    channels: fc.constantFrom(4, 8, 12),
    seed: fc.nat(1000),
    dead: fc.nat(3),
    saturated: fc.nat(4),
    zero: fc.constantFrom(-128, -5, 0),
    clip: fc.boolean(),
  })
  .map((l): Layer => ({ ...l, pad: l.kernel === 3 ? 1 : l.pad }));

/** Pooling over all pixels and a dense layer behind it. */
function withTail(x: Expr, channels: number, zero: number, pool: string, seed: number): Expr {
  const wide = op('cast', [x], { dtype: 'int32' });
  const size = x.type.kind === 'tensor' ? Number(x.type.shape[1]) : 1;
  const pooled = op(
    pool,
    [wide],
    pool.includes('global') ? { layout: 'NHWC' } : { pool_size: [size, size], strides: [size, size], layout: 'NHWC' },
  );
  const flat = op('reshape', [op('cast', [pooled], { dtype: 'int8' })], { newshape: [-1, channels] });
  const weight = int8Values([3, channels], seed, 'full');
  for (let i = 0; i < weight.data.length; i += 3) weight.data[i] = 0;
  const dense = op(
    'qnn.dense',
    [
      flat,
      build.constant(weight),
      build.scalar(zero, 'int32'),
      build.scalar(0, 'int32'),
      build.scalar(0.5, 'float32'),
      build.scalar(0.5, 'float32'),
    ],
    { units: 3, out_dtype: 'int32' },
  );
  const bias = Int32Array.from([5, -7, 900]);
  return op('nn.bias_add', [dense, build.constant({ dtype: 'int32', shape: [3], data: bias })], {});
}

const moduleOf = (func: Func): IRModule => ({ functions: new Map([['main', func]]), types: new Map() });

describe('removing constant channels', () => {
  it('never changes a byte of the result', () => {
    let removed = 0;
    fc.assert(
      fc.property(fc.array(layer, { minLength: 2, maxLength: 5 }), fc.nat(100), (layers, seed) => {
        const before = moduleOf(network(layers).func);
        const { module: after, statistics } = constantChannels.run(before, passContext(neverCancelled));
        removed += statistics['channels removed'] ?? 0;
        const inputs = new Map([['x', tensorValue(int8Values([1, 6, 6, 4], seed, 'full'))]]);
        assert.deepEqual(evaluateFunction(after, 'main', inputs), evaluateFunction(before, 'main', inputs));
      }),
      { numRuns: 80, seed: 7 },
    );
    assert.ok(removed > 20, `${removed} channels were removed`);
  });

  it('never changes a result behind pooling and a dense layer', () => {
    let removed = 0;
    const pools = ['nn.avg_pool2d', 'nn.max_pool2d', 'nn.global_max_pool2d'];
    fc.assert(
      fc.property(layer, fc.constantFrom(...pools), fc.nat(100), (first, pool, seed) => {
        const x = build.variable('x', tensorType([1, 6, 6, 4], 'int8'));
        const body = block(x, 4, 3, { ...first, depthwise: false });
        const before = moduleOf(build.func([x], withTail(body, first.channels, first.zero, pool, seed)));
        const { module: after, statistics } = constantChannels.run(before, passContext(neverCancelled));
        removed += statistics['channels removed'] ?? 0;
        const inputs = new Map([['x', tensorValue(int8Values([1, 6, 6, 4], seed, 'full'))]]);
        assert.deepEqual(evaluateFunction(after, 'main', inputs), evaluateFunction(before, 'main', inputs));
      }),
      { numRuns: 40, seed: 9 },
    );
    assert.ok(removed > 20, `${removed} channels were removed`);
  });

  it('keeps the channels of a result', () => {
    const only: Layer = {
      depthwise: false,
      kernel: 1,
      pad: 0,
      channels: 8,
      seed: 1,
      dead: 0,
      saturated: 1,
      zero: 0,
      clip: false,
    };
    const before = moduleOf(network([only]).func);
    assert.equal(
      constantChannels.run(before, passContext(neverCancelled)).module.functions.get('main'),
      before.functions.get('main'),
    );
  });
});
