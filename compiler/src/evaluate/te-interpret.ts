/**
 * Tensor expressions evaluated by closures: the same results as the generated code, for hosts whose security policy
 * forbids to make functions of text.
 */
import { elementCount } from '../tensor/ndarray.ts';
import type { ElementArray } from '../tensor/ndarray.ts';
import { dtypeOf } from '../tensor/te.ts';
import type { AxisVar, TEExpr, TETensor } from '../tensor/te.ts';
import {
  binaryFunction,
  bitcast,
  caster,
  compareFunction,
  isWide,
  qmulshift,
  unaryFunction,
  wrapper,
} from './scalar.ts';
import type { Scalar } from './scalar.ts';
import { extremeOf } from './te-codegen.ts';

type Thunk = () => Scalar;

/** Fills `out` with the elements of a computed tensor. */
export function interpretStage(
  tensor: TETensor,
  elementsOf: (tensor: TETensor) => ElementArray,
  out: ElementArray,
): void {
  if (tensor.compute === undefined) throw new Error(`${tensor.name} is an input`);
  const values = new Map<AxisVar, number>();
  const element = build(tensor.compute.body, values, elementsOf, new Map());
  const axes = tensor.compute.axes;
  const count = elementCount(tensor.shape);
  for (const axis of axes) values.set(axis, 0);
  for (let p = 0; p < count; p++) {
    out[p] = element() as never;
    advance(axes, values);
  }
}

/** Next point in row-major order; false when it wrapped around to the first. */
function advance(axes: readonly AxisVar[], values: Map<AxisVar, number>): boolean {
  for (let i = axes.length - 1; i >= 0; i--) {
    const axis = axes[i];
    if (axis === undefined) continue;
    const next = (values.get(axis) ?? 0) + 1;
    if (next < axis.extent) {
      values.set(axis, next);
      return true;
    }
    values.set(axis, 0);
  }
  return false;
}

function build(
  e: TEExpr,
  values: Map<AxisVar, number>,
  elementsOf: (tensor: TETensor) => ElementArray,
  memo: Map<TEExpr, Thunk>,
): Thunk {
  const known = memo.get(e);
  if (known !== undefined) return known;
  const thunk = make(e, values, elementsOf, memo);
  memo.set(e, thunk);
  return thunk;
}

function make(
  e: TEExpr,
  values: Map<AxisVar, number>,
  elementsOf: (tensor: TETensor) => ElementArray,
  memo: Map<TEExpr, Thunk>,
): Thunk {
  const sub = (operand: TEExpr): Thunk => build(operand, values, elementsOf, memo);
  switch (e.kind) {
    case 'axis':
      return () => values.get(e) ?? 0;
    case 'const': {
      const value = isWide(e.dtype) ? BigInt(e.value) : wrapper(e.dtype)(Number(e.value));
      return () => value;
    }
    case 'binary': {
      const f = binaryFunction(e.op, e.dtype);
      const [a, b] = [sub(e.left), sub(e.right)];
      return () => f(a(), b());
    }
    case 'compare': {
      const f = compareFunction(e.op);
      const [a, b] = [sub(e.left), sub(e.right)];
      return () => f(a(), b());
    }
    case 'unary': {
      const f = unaryFunction(e.op, dtypeOf(e.operand), e.dtype);
      const x = sub(e.operand);
      return () => f(x());
    }
    case 'cast': {
      const f = caster(dtypeOf(e.operand), e.dtype);
      const x = sub(e.operand);
      return () => f(x());
    }
    case 'bitcast': {
      const x = sub(e.operand);
      return () => bitcast(dtypeOf(e.operand), e.dtype, x());
    }
    case 'select': {
      const [c, a, b] = [sub(e.condition), sub(e.then), sub(e.otherwise)];
      return () => (c() ? a() : b());
    }
    case 'load': {
      const indices = e.indices.map(sub);
      const shape = e.tensor.shape;
      return () => {
        let offset = 0;
        indices.forEach((index, d) => {
          offset = offset * (shape[d] ?? 1) + Number(index());
        });
        return elementsOf(e.tensor)[offset] ?? 0;
      };
    }
    case 'reduce':
      return reduction(e, values, sub);
    case 'qmulshift': {
      const [x, m, s] = [sub(e.value), sub(e.multiplier), sub(e.shift)];
      return () => qmulshift(Number(x()), Number(m()), Number(s()));
    }
  }
}

function reduction(
  e: Extract<TEExpr, { kind: 'reduce' }>,
  values: Map<AxisVar, number>,
  sub: (operand: TEExpr) => Thunk,
): Thunk {
  const body = sub(e.body);
  const start = e.init === undefined ? undefined : sub(e.init);
  const step = binaryFunction(e.op === 'sum' ? 'add' : e.op === 'prod' ? 'mul' : e.op, e.dtype);
  const neutral = e.op === 'sum' ? 0 : e.op === 'prod' ? 1 : extremeOf(e.op, e.dtype);
  const identity = isWide(e.dtype) ? BigInt(neutral) : Number(neutral);
  const empty = e.axes.some((axis) => axis.extent === 0);
  return () => {
    let acc = start === undefined ? identity : start();
    if (empty) return acc;
    for (const axis of e.axes) values.set(axis, 0);
    do acc = step(acc, body());
    while (advance(e.axes, values));
    return acc;
  };
}
