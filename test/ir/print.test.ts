import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as build from '../../compiler/src/ir/build.ts';
import { structurallyEqual } from '../../compiler/src/ir/equal.ts';
import type { Expr, IRModule } from '../../compiler/src/ir/expr.ts';
import { floatLiteral } from '../../compiler/src/ir/numbers.ts';
import { printModule } from '../../compiler/src/ir/print.ts';
import { freeVariables, postOrder, substitute, useCounts } from '../../compiler/src/ir/visit.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { scalarType, tensorType } from '../../compiler/src/types/type.ts';

const call = (name: string, ...args: Expr[]): Expr => build.callOperator(operatorRegistry, name, args);
const moduleOf = (f: ReturnType<typeof build.func>): IRModule => ({
  functions: new Map([['main', f]]),
  types: new Map(),
});
const print = (f: ReturnType<typeof build.func>): string =>
  printModule(moduleOf(f), { operators: operatorRegistry }).text;

describe('printing the graph IR', () => {
  it('numbers nodes in the order of their first use, as TVM does', () => {
    const x = build.variable('x', tensorType([2, 3], 'float32'));
    const a = call('exp', call('negative', x));
    const b = call('tanh', call('abs', x));
    assert.equal(
      print(build.func([x], call('add', call('add', a, b), a))),
      `#[version = "0.0.5"]
def @main(%x: Tensor[(2, 3), float32]) -> Tensor[(2, 3), float32] {
  %0 = negative(%x);
  %1 = abs(%x);
  %2 = exp(%0);
  %3 = tanh(%1);
  %4 = add(%2, %3);
  add(%4, %2)
}
`,
    );
  });

  it('prints scopes, lets and branches', () => {
    const x = build.variable('x', scalarType('int32'));
    const y = build.variable('x', scalarType('int32'));
    const shared = call('multiply', x, x);
    const body: Expr = {
      kind: 'if',
      condition: call('less', x, build.scalar(3, 'int32')),
      then: build.letIn(y, call('add', shared, x), call('add', y, y)),
      otherwise: shared,
      type: scalarType('int32'),
      origin: [],
    };
    assert.equal(
      print(build.func([x], body)),
      `#[version = "0.0.5"]
def @main(%x: int32) -> int32 {
  %0 = less(%x, 3);
  if (%0) {
    %1 = multiply(%x, %x);
    let %x1: int32 = add(%1, %x);
    add(%x1, %x1)
  } else {
    %1
  }
}
`,
    );
  });

  it('prints floats so that they read back as the same value', () => {
    for (const [x, text] of [
      [1.23456789, '1.2345679f'],
      [1e-7, '1e-07f'],
      [1e8, '1e+08f'],
      [3, '3f'],
      [-0, '-0f'],
      [0.1, '0.1f'],
      [16777216, '16777216f'],
      [Infinity, 'inff'],
    ] as const)
      assert.equal(floatLiteral(Math.fround(x)), text);
    assert.equal(floatLiteral(0.1, 'float64'), '0.1f64');
    for (let i = 0; i < 500; i++) {
      const x = Math.fround(Math.tan(i * 1.7) * 10 ** ((i % 60) - 30));
      assert.equal(Math.fround(Number(floatLiteral(x).slice(0, -1))), x);
    }
  });

  it('holds chains of 90,000 nodes', () => {
    const x = build.variable('x', scalarType('int32'));
    let e: Expr = x;
    for (let i = 0; i < 90_000; i++) e = call('add', e, x);
    assert.equal(postOrder(e).filter((n) => n.kind === 'call').length, 90_000);
    assert.equal(useCounts(e).get(x), 90_001);
    assert.equal(printModule(moduleOf(build.func([x], e)), { operators: operatorRegistry }).lines.length, 90_003);
    const y = build.variable('y', scalarType('int32'));
    const other = substitute(e, new Map([[x, y]]));
    assert.deepEqual(freeVariables(other), [y]);
    assert.ok(structurallyEqual(build.func([x], e), build.func([y], other)));
  });

  it('tells a shared node from two equal ones', () => {
    const x = build.variable('x', scalarType('int32'));
    const a = call('multiply', x, x);
    const once = build.func([x], call('add', a, a));
    const twice = build.func([x], call('add', call('multiply', x, x), call('multiply', x, x)));
    assert.ok(!structurallyEqual(once, twice));
    assert.ok(structurallyEqual(once, once));
  });
});
