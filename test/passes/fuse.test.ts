import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as build from '../../compiler/src/ir/build.ts';
import type { Expr, IRModule } from '../../compiler/src/ir/expr.ts';
import { operatorName } from '../../compiler/src/ir/build.ts';
import { postOrder } from '../../compiler/src/ir/visit.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { fuse } from '../../compiler/src/passes/fuse.ts';
import { programModule } from '../../compiler/src/passes/program.ts';
import type { FusedProgram } from '../../compiler/src/passes/program.ts';
import { scalarType, tensorType } from '../../compiler/src/types/type.ts';
import type { AttributeValueData } from '../../compiler/src/operators/attributes.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { smallValues } from '../../compiler/src/evaluate/seeded.ts';
import { tensorValue } from '../../compiler/src/evaluate/value.ts';

const op = (name: string, args: readonly Expr[], attrs: Readonly<Record<string, AttributeValueData>> = {}): Expr =>
  build.callOperator(operatorRegistry, name, args, attrs);
const moduleOf = (f: ReturnType<typeof build.func>): IRModule => ({
  functions: new Map([['main', f]]),
  types: new Map(),
});
const weight = (shape: readonly number[], dtype = 'float32'): Expr => build.constant(smallValues(dtype, shape, 5)!);

function fused(f: ReturnType<typeof build.func>): FusedProgram {
  const result = fuse(moduleOf(f), { operators: operatorRegistry });
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value;
}

/** The operators of each kernel, in order of calls. */
function kernelsOf(program: FusedProgram): string[] {
  return program.kernels.map((k) =>
    postOrder(k.fused.func.body)
      .flatMap((e) => operatorName(e) ?? [])
      .join(' '),
  );
}

const data = build.variable('x', tensorType([1, 8, 8, 4], 'float32'));
const conv = (x: Expr, channels = 4): Expr =>
  op('nn.conv2d', [x, weight([3, 3, 4, channels])], {
    padding: [1, 1, 1, 1],
    channels,
    kernel_size: [3, 3],
    data_layout: 'NHWC',
    kernel_layout: 'HWIO',
  });

describe('fusion', () => {
  it('puts bias and activation into the kernel of the convolution', () => {
    const f = build.func([data], op('nn.relu', [op('nn.bias_add', [conv(data), weight([4])], { axis: 3 })]));
    assert.deepEqual(kernelsOf(fused(f)), ['nn.conv2d nn.bias_add nn.relu']);
  });

  it('gives a residual addition to the branch that is computed last', () => {
    const a = op('nn.relu', [conv(data)]);
    const b = conv(a);
    const f = build.func([data], op('nn.relu', [op('add', [conv(data), b])]));
    const program = fused(f);
    assert.deepEqual(kernelsOf(program), ['nn.conv2d', 'nn.conv2d nn.relu', 'nn.conv2d add nn.relu']);
    assert.deepEqual(program.kernels[2]!.args.map((v) => v.name).sort(), ['t0', 't1']);
  });

  it('follows a value that is used twice to where its uses meet', () => {
    const c = conv(data);
    const f = build.func([data], op('multiply', [c, op('sigmoid', [c])]));
    assert.deepEqual(kernelsOf(fused(f)), ['nn.conv2d sigmoid multiply']);
  });

  it('keeps what is used elsewhere out of the kernel and says why', () => {
    const c = conv(data);
    const f = build.func([data], build.tuple([c, op('nn.relu', [c])]));
    const program = fused(f);
    assert.deepEqual(kernelsOf(program), ['nn.conv2d', 'nn.relu']);
    assert.deepEqual(
      program.barriers.map((b) => b.message),
      ['`nn.relu` was not fused with `nn.conv2d`: it is a result of the program.'],
    );
  });

  it('stores a tensor narrow when its consumer can widen it', () => {
    const x = build.variable('x', tensorType([1, 8, 8, 4], 'int8'));
    const c = op(
      'clip',
      [
        op(
          'cast',
          [
            op('nn.conv2d', [x, weight([3, 3, 4, 4], 'int8')], {
              padding: [1, 1, 1, 1],
              channels: 4,
              kernel_size: [3, 3],
              data_layout: 'NHWC',
              kernel_layout: 'HWIO',
              out_dtype: 'int32',
            }),
          ],
          { dtype: 'int8' },
        ),
      ],
      { a_min: 0, a_max: 100 },
    );
    const sum = op('cast', [op('sum', [op('cast', [c], { dtype: 'int32' })], { axis: [1, 2] })], { dtype: 'int8' });
    assert.deepEqual(kernelsOf(fused(build.func([x], sum))), ['nn.conv2d cast clip', 'cast sum cast']);
  });

  it('makes no kernel for a change of shape', () => {
    const f = build.func([data], op('nn.relu', [op('reshape', [op('nn.relu', [data])], { newshape: [4, 64] })]));
    const program = fused(f);
    assert.deepEqual(kernelsOf(program), ['nn.relu', 'nn.relu']);
    assert.equal(program.kernels[1]!.args[0]!.viewOf, program.kernels[0]!.results[0]);
  });

  it('joins pointwise chains, also around tuples', () => {
    const y = build.variable('y', tensorType([1, 8, 8, 4], 'float32'));
    const joined = op('concatenate', [build.tuple([op('exp', [data]), op('tanh', [y])])], { axis: 3 });
    assert.deepEqual(kernelsOf(fused(build.func([data, y], op('negative', [joined])))), [
      'exp tanh concatenate negative',
    ]);
  });

  it('computes the same as the program it came from', () => {
    const c = conv(op('nn.relu', [conv(data)]));
    const body = op('mean', [op('multiply', [op('add', [c, data]), op('sigmoid', [c])])], { axis: [1, 2] });
    const f = build.func([data], body);
    const inputs = new Map([['x', tensorValue(smallValues('float32', [1, 8, 8, 4], 3)!)]]);
    const before = evaluateFunction(moduleOf(f), 'main', inputs);
    const after = evaluateFunction(programModule(fused(f)), 'main', inputs);
    assert.deepEqual(after, before);
  });

  it('says what cannot be compiled', () => {
    const p = build.variable('p', scalarType('bool'));
    const branch: Expr = {
      kind: 'if',
      condition: p,
      then: data,
      otherwise: op('nn.relu', [data]),
      type: data.type,
      origin: [],
    };
    const result = fuse(moduleOf(build.func([p, data], branch)), { operators: operatorRegistry });
    assert.ok(!result.ok);
    assert.match(result.error.message, /branch/);
  });
});
