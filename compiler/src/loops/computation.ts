/** What a fused function computes: tensor expressions, and calls that are imperative loop nests. */
import { caught, ok, Raised, type Result } from '../base/result.ts';
import type { Call, Expr, Func } from '../ir/expr.ts';
import { defaultAttributes } from '../operators/normalize.ts';
import type { Operator } from '../operators/operator.ts';
import { operatorRegistry } from '../operators/registry.ts';
import { allocateElements, elementCount, type NDArray } from '../tensor/ndarray.ts';
import { placeholder, type TETensor } from '../tensor/te.ts';
import { printType } from '../types/print.ts';
import { staticShape, type Type } from '../types/type.ts';
import { nestOf } from './imperative/index.ts';
import type { Nest } from './imperative/nest.ts';

interface Shaped {
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** Subscripts are 32-bit integers. */
const mostElements = 2 ** 31 - 1;

/** The tensors a type is made of, tuples flattened; undefined where a shape is open or a dtype has no C. */
function tensorsOfType(type: Type): readonly Shaped[] | undefined {
  if (type.kind === 'tensor') {
    const shape = staticShape(type);
    if (!shape || elementCount(shape) > mostElements || allocateElements(type.dtype, 0) === undefined) return undefined;
    return [{ shape, dtype: type.dtype }];
  }
  if (type.kind !== 'tuple') return undefined;
  const fields = type.fields.map(tensorsOfType);
  return fields.every((f) => f !== undefined) ? fields.flat() : undefined;
}

type Value = readonly TETensor[];

interface Translation {
  readonly values: Map<Expr, Value>;
  readonly constants: Map<TETensor, NDArray>;
  /** Where calls of imperative nests go; they are refused where there is none. */
  readonly nests: NestCall[] | undefined;
}

/** What a function computes, as tensor expressions. */
export interface Computation {
  readonly inputs: readonly TETensor[];
  readonly outputs: readonly TETensor[];
  readonly constants: ReadonlyMap<TETensor, NDArray>;
}

/** A call whose results are written by statements; to tensor expressions they are given tensors. */
export interface NestCall {
  readonly nest: Nest;
  readonly operator: string;
  readonly inputs: readonly (TETensor | readonly TETensor[])[];
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly results: readonly TETensor[];
  /** Types of the arguments, for people. */
  readonly types: string;
}

/**
 * The tensor expressions of a function of operator calls, tuples and constants. `given`: parts of it whose tensors are
 * known already, which stand in their place. Fails where an operator is no tensor expression.
 */
export function computationOf(func: Func, given: ReadonlyMap<Expr, TETensor> = new Map()): Result<Computation> {
  return translate(func, given, undefined);
}

/** As `computationOf`, with the calls that are imperative nests, in an order in which they can run. */
export function computationWithNests(func: Func): Result<Computation & { readonly nests: readonly NestCall[] }> {
  const nests: NestCall[] = [];
  const made = translate(func, new Map(), nests);
  return made.ok ? ok({ ...made.value, nests }) : made;
}

function translate(func: Func, given: ReadonlyMap<Expr, TETensor>, nests: NestCall[] | undefined): Result<Computation> {
  const constants = new Map<TETensor, NDArray>();
  const values = new Map<Expr, Value>([...given].map(([e, tensor]) => [e, [tensor]]));
  const inputs: TETensor[] = [];
  return caught(() => {
    for (const p of func.params) {
      const tensors = typed(p).map((t, i) => placeholder(i === 0 ? p.name : `${p.name}_${i}`, t.shape, t.dtype));
      inputs.push(...tensors);
      values.set(p, tensors);
    }
    const outputs = valueOf(func.body, { values, constants, nests });
    return { inputs, outputs, constants };
  });
}

function typed(e: Expr): readonly Shaped[] {
  const tensors = tensorsOfType(e.type);
  if (tensors) return tensors;
  const remedy = 'Give every dimension a constant size, and use element types of 8 to 64 bits.';
  throw new Raised('no-static-shape', 'A value has a shape or element type that is not known before the run.', remedy);
}

/** The value of an expression; its operands first, without recursion. */
function valueOf(root: Expr, state: Translation): Value {
  const { values } = state;
  const stack: Expr[] = [root];
  for (let e = stack.at(-1); e; e = stack.at(-1)) {
    if (values.has(e)) {
      stack.pop();
      continue;
    }
    const waiting = operandsOf(e).filter((o) => !values.has(o));
    if (waiting.length > 0) {
      stack.push(...waiting);
      continue;
    }
    stack.pop();
    values.set(e, combine(e, state));
  }
  return values.get(root) ?? [];
}

function operandsOf(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'call':
      return e.args;
    case 'tuple':
      return e.fields;
    case 'get':
      return [e.tuple];
    case 'let':
      return [e.value];
    default:
      return [];
  }
}

function combine(e: Expr, state: Translation): Value {
  const { values, constants } = state;
  const get = (x: Expr): Value => values.get(x) ?? [];
  switch (e.kind) {
    case 'constant': {
      const tensor = placeholder(e.name ?? 'constant', e.value.shape, e.value.dtype);
      constants.set(tensor, e.value);
      return [tensor];
    }
    case 'tuple':
      return e.fields.flatMap(get);
    case 'get': {
      const fields = e.tuple.type.kind === 'tuple' ? e.tuple.type.fields : [];
      const counts = fields.map((f) => tensorsOfType(f)?.length ?? 1);
      const start = counts.slice(0, e.index).reduce((a, b) => a + b, 0);
      return get(e.tuple).slice(start, start + (counts[e.index] ?? 1));
    }
    case 'let': {
      values.set(e.variable, get(e.value));
      return valueOf(e.body, state);
    }
    case 'call':
      return callOf(e, get, state.nests);
    default:
      throw new Raised('no-loops', `A ${e.kind} expression cannot be lowered to loops.`);
  }
}

function callOf(e: Call, get: (x: Expr) => Value, nests: NestCall[] | undefined): Value {
  const name = e.callee.kind === 'op' ? e.callee.name : undefined;
  const operator = name === undefined ? undefined : operatorRegistry.get(name);
  if (!operator) throw new Raised('no-loops', 'A call of something that is no operator cannot be lowered to loops.');
  const nest = operator.compute ? undefined : nestOf(operator.name);
  if (nest && nests) return nestResults(e, operator, nest, get, nests);
  if (!operator.compute) {
    const why = operator.noMeaning ? `: ${operator.noMeaning}` : ', because no loop nest says what it does';
    const remedy = 'Compute it outside of the compiled program, or say it with other operators.';
    throw new Raised('no-loops', `\`${operator.name}\` cannot run on a board${why}.`, remedy);
  }
  const inputs = e.args.map((a) => (a.type.kind === 'tuple' ? get(a) : get(a)[0]));
  const context = {
    inputs: inputs.map((i) => i ?? []),
    attrs: { ...defaultAttributes(operator), ...e.attrs } as never,
    outputs: typed(e),
    constant: (i: number, field?: number) => {
      const whole = e.args[i];
      const arg = whole?.kind === 'tuple' && field !== undefined ? whole.fields[field] : whole;
      return arg?.kind === 'constant' ? arg.value : undefined;
    },
  };
  try {
    return operator.compute(context);
  } catch (error) {
    // Types admit more than the operators mean: tuples in the place of tensors, scalars in the place of vectors.
    if (!(error instanceof TypeError) && error instanceof Error && !(error instanceof Raised))
      throw new Raised('no-loops', meaningless(operator.name, typesOf(e)));
    throw error;
  }
}

/** What is said of a call that the types admit and the operator has no meaning for. */
export function meaningless(operator: string, types: string): string {
  return `\`${operator}\` has no meaning for operands of the types ${types}.`;
}

function typesOf(e: Call): string {
  return e.args.map((a) => printType(a.type)).join(', ');
}

function nestResults(e: Call, operator: Operator, nest: Nest, get: (x: Expr) => Value, nests: NestCall[]): Value {
  const results = typed(e).map((t, i) => placeholder(`result${i}`, t.shape, t.dtype));
  const inputs = e.args.map((a) => (a.type.kind === 'tuple' ? get(a) : (get(a)[0] ?? [])));
  const attrs = { ...defaultAttributes(operator), ...e.attrs };
  nests.push({ nest, operator: operator.name, inputs, attrs, results, types: typesOf(e) });
  return results;
}
