import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { tensorValue } from '../../compiler/src/evaluate/value.ts';
import type { Value } from '../../compiler/src/evaluate/value.ts';
import * as build from '../../compiler/src/ir/build.ts';
import type { Expr, IRModule, Var } from '../../compiler/src/ir/expr.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { funcType, refType, scalarType, tensorType, tupleType } from '../../compiler/src/types/type.ts';

const i32 = scalarType('int32');
const call = (name: string, ...args: Expr[]): Expr => build.callOperator(operatorRegistry, name, args);
const int = (v: number): Expr => build.scalar(v, 'int32');
const moduleOf = (functions: Readonly<Record<string, ReturnType<typeof build.func>>>): IRModule => ({
  functions: new Map(Object.entries(functions)),
  types: new Map(),
});
const number = (v: number): Value => tensorValue(build.filled([], 'int32', v));
const resultOf = (value: Value): number => (value.kind === 'tensor' ? Number(value.array.data[0]) : NaN);

function run(module: IRModule, inputs: Readonly<Record<string, Value>> = {}, options = {}): Value {
  const result = evaluateFunction(module, 'main', new Map(Object.entries(inputs)), options);
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value;
}

/** `fn (n) { if (n < 1) 0 else n + sum(n - 1) }` */
function sumFunction(): ReturnType<typeof build.func> {
  const n = build.variable('n', i32);
  const self: Expr = { kind: 'global', name: 'sum', type: funcType([i32], i32), origin: [] };
  const rest: Expr = {
    kind: 'call',
    callee: self,
    args: [call('subtract', n, int(1))],
    attrs: {},
    type: i32,
    origin: [],
  };
  const body: Expr = {
    kind: 'if',
    condition: call('less', n, int(1)),
    then: int(0),
    otherwise: call('add', n, rest),
    type: i32,
    origin: [],
  };
  return build.func([n], body);
}

function callGlobal(name: string, args: readonly Expr[]): Expr {
  const callee: Expr = {
    kind: 'global',
    name,
    type: funcType(
      args.map((a) => a.type),
      i32,
    ),
    origin: [],
  };
  return { kind: 'call', callee, args, attrs: {}, type: i32, origin: [] };
}

describe('evaluating a program', () => {
  it('computes a tensor from its inputs', () => {
    const x = build.variable('x', tensorType([3], 'int32'));
    const y = build.variable('y', tensorType([1], 'int32'));
    const module = moduleOf({ main: build.func([x, y], call('add', x, call('multiply', y, y))) });
    const value = run(module, {
      x: tensorValue({ dtype: 'int32', shape: [3], data: Int32Array.of(1, 2, 3) }),
      y: tensorValue({ dtype: 'int32', shape: [1], data: Int32Array.of(5) }),
    });
    assert.deepEqual(value.kind === 'tensor' && [...value.array.data], [26, 27, 28]);
  });

  it('calls functions recursively', () => {
    const n = build.variable('n', i32);
    const module = moduleOf({ sum: sumFunction(), main: build.func([n], callGlobal('sum', [n])) });
    assert.equal(resultOf(run(module, { n: number(1000) })), 500500);
  });

  it('evaluates a chain of 90,000 bindings', () => {
    const x = build.variable('x', i32);
    const vars: Var[] = [x];
    for (let i = 0; i < 45_000; i++) vars.push(build.variable(`v${i}`, i32));
    let body: Expr = vars[vars.length - 1]!;
    for (let i = vars.length - 1; i > 0; i--) body = build.letIn(vars[i]!, call('add', vars[i - 1]!, int(1)), body);
    assert.equal(resultOf(run(moduleOf({ main: build.func([x], body) }), { x: number(0) })), 45_000);
    let chain: Expr = x;
    for (let i = 0; i < 45_000; i++) chain = call('add', chain, int(1));
    assert.equal(resultOf(run(moduleOf({ main: build.func([x], chain) }), { x: number(0) })), 45_000);
  });

  it('stops a recursion that never ends with a clear message', () => {
    const n = build.variable('n', i32);
    const module = moduleOf({ main: build.func([n], callGlobal('main', [n])) });
    const result = evaluateFunction(module, 'main', new Map([['n', number(1)]]), { maxDepth: 1000 });
    assert.ok(!result.ok);
    assert.equal(result.error.code, 'recursion-too-deep');
  });

  it('sees writes to a reference in order', () => {
    const r = build.variable('r', refType(i32));
    const u = build.variable('u', tupleType([]));
    const write: Expr = { kind: 'ref_write', ref: r, value: int(7), type: tupleType([]), origin: [] };
    const read: Expr = { kind: 'ref_read', ref: r, type: i32, origin: [] };
    const made: Expr = { kind: 'ref', value: int(1), type: refType(i32), origin: [] };
    const body = build.letIn(r, made, build.letIn(u, write, read));
    assert.equal(resultOf(run(moduleOf({ main: build.func([], body) }))), 7);
  });

  it('keeps the variables a closure was made with', () => {
    const a = build.variable('a', i32);
    const b = build.variable('b', i32);
    const f = build.variable('f', funcType([i32], i32));
    const inner: Expr = { kind: 'call', callee: f, args: [int(10)], attrs: {}, type: i32, origin: [] };
    const body = build.letIn(f, build.func([b], call('subtract', b, a)), inner);
    assert.equal(resultOf(run(moduleOf({ main: build.func([a], body) }), { a: number(3) })), 7);
  });

  it('names the input that is missing, unknown or of another type', () => {
    const x = build.variable('x', tensorType([2], 'int8'));
    const module = moduleOf({ main: build.func([x], x) });
    const failed = (inputs: Readonly<Record<string, Value>>): string => {
      const result = evaluateFunction(module, 'main', new Map(Object.entries(inputs)));
      return result.ok ? '' : result.error.message;
    };
    assert.match(failed({}), /%x/);
    assert.match(failed({ x: number(1) }), /Tensor\[\(2\), int8\].*int32/);
    assert.match(failed({ x: tensorValue(build.filled([2], 'int8', 0)), y: number(1) }), /%y/);
  });
});
