/** Builders of typed expressions: the type of an operator call comes from the operator's own relation. */
import type { AttributeValueData } from '../operators/attributes.ts';
import { defaultAttributes } from '../operators/normalize.ts';
import type { OperatorRegistry } from '../operators/registry.ts';
import type { DType } from '../tensor/dtype.ts';
import { allocateElements, elementCount } from '../tensor/ndarray.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { funcType, tensorType, tupleType } from '../types/type.ts';
import type { Type } from '../types/type.ts';
import type { Attrs, Call, Constant, Expr, Func, Let, Origin, Tuple, TupleGetItem, Var } from './expr.ts';

export function variable(name: string, type: Type, origin: Origin = []): Var {
  return { kind: 'var', name, type, origin };
}

export function constant(value: NDArray, origin: Origin = [], name?: string): Constant {
  const type = tensorType(value.shape, value.dtype);
  return name === undefined
    ? { kind: 'constant', value, type, origin }
    : { kind: 'constant', value, type, origin, name };
}

/** A rank-0 constant. */
export function scalar(value: number | bigint, dtype: DType, origin: Origin = []): Constant {
  return constant(filled([], dtype, value), origin);
}

/** A tensor whose elements are all `value`. */
export function filled(shape: readonly number[], dtype: DType, value: number | bigint): NDArray {
  const data = allocateElements(dtype, elementCount(shape));
  if (data === undefined) throw new Error(`tensors of ${dtype} have no storage`);
  const element = data instanceof BigInt64Array || data instanceof BigUint64Array ? BigInt(value) : Number(value);
  data.fill(element as never);
  return { dtype, shape, data };
}

export function tuple(fields: readonly Expr[], origin: Origin = []): Tuple {
  return { kind: 'tuple', fields, type: tupleType(fields.map((f) => f.type)), origin };
}

/** Field `index` of a tuple-typed expression. */
export function project(e: Expr, index: number, origin: Origin = e.origin): TupleGetItem {
  const type = e.type.kind === 'tuple' ? e.type.fields[index] : undefined;
  if (type === undefined) throw new Error(`no field ${index} in a ${e.type.kind} type`);
  return { kind: 'get', tuple: e, index, type, origin };
}

export function func(params: readonly Var[], body: Expr, attrs: Attrs = {}, origin: Origin = []): Func {
  const type = funcType(
    params.map((p) => p.type),
    body.type,
  );
  return { kind: 'func', params, typeParams: [], body, attrs, type, origin };
}

export function letIn(v: Var, value: Expr, body: Expr, origin: Origin = []): Let {
  return { kind: 'let', variable: v, value, body, type: body.type, origin };
}

/**
 * A call of the operator `name`. Attributes that are not given take their defaults. Throws when the operator is
 * unknown or its relation refuses the arguments: passes build only what they know to be well-typed.
 */
export function callOperator(
  registry: Pick<OperatorRegistry, 'get'>,
  name: string,
  args: readonly Expr[],
  attrs: Readonly<Record<string, AttributeValueData>> = {},
  origin: Origin = [],
): Call {
  const call = relateCall(registry, name, args, attrs, origin);
  if (typeof call === 'string') throw new Error(call);
  return call;
}

/** As `callOperator`, for arguments that may not fit: the relation's objection instead of a call. */
export function relateCall(
  registry: Pick<OperatorRegistry, 'get'>,
  name: string,
  args: readonly Expr[],
  attrs: Readonly<Record<string, AttributeValueData>> = {},
  origin: Origin = [],
): Call | string {
  const operator = registry.get(name);
  if (operator === undefined) return `no operator ${name}`;
  const values = { ...defaultAttributes(operator), ...attrs };
  const related = operator.relate({
    inputs: args.map((a) => a.type),
    attrs: values as never,
    expected: undefined,
    constant: (index) => {
      const arg = args[index];
      return arg?.kind === 'constant' ? arg.value : undefined;
    },
  });
  if (related.kind !== 'ok')
    return related.kind === 'error' ? related.error.message : `the type of ${name} is not determined`;
  const callee: Expr = {
    kind: 'op',
    name,
    origin,
    type: funcType(
      args.map((a) => a.type),
      related.result,
    ),
  };
  return { kind: 'call', callee, args, attrs: values, type: related.result, origin };
}

/** The operator call with the type that its arguments give it; the call as it is where they give none. */
export function retyped(registry: Pick<OperatorRegistry, 'get'>, call: Call): Call {
  const related = relateCall(registry, operatorName(call) ?? '', call.args, call.attrs, call.origin);
  return typeof related === 'string' ? call : { ...call, callee: related.callee, type: related.type };
}

/** The name of the operator that `e` calls; undefined when it is no operator call. */
export function operatorName(e: Expr): string | undefined {
  return e.kind === 'call' && e.callee.kind === 'op' ? e.callee.name : undefined;
}

/** The origins of several expressions, each span once, in order. */
export function joinOrigins(...origins: readonly Origin[]): Origin {
  return [...new Set(origins.flat())];
}
