/** A fused function as a kernel by the operators' own meaning: right for every operator, not tuned for any. */
import { fail, ok, type Result } from '../base/result.ts';
import type { Call, Expr, Func } from '../ir/expr.ts';
import { defaultAttributes } from '../operators/normalize.ts';
import { operatorRegistry } from '../operators/registry.ts';
import { allocateElements, elementCount, type NDArray } from '../tensor/ndarray.ts';
import { compute, load, placeholder, type TEExpr, type TETensor } from '../tensor/te.ts';
import { printType } from '../types/print.ts';
import { staticShape, type Type } from '../types/type.ts';
import type { Buffer, LoweredKernel } from './kernel.ts';
import { outsideOf } from './bounds.ts';
import { loadsOf } from './te-uses.ts';
import { buffersOf } from './visit.ts';
import { lowerTensors } from './te-lower.ts';
import { tidy } from './tidy.ts';

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

class Failed extends Error {
  readonly code: string;
  readonly remedy: string | undefined;
  constructor(code: string, message: string, remedy?: string) {
    super(message);
    this.code = code;
    this.remedy = remedy;
  }
}

/** What a function computes, as tensor expressions. */
export interface Computation {
  readonly inputs: readonly TETensor[];
  readonly outputs: readonly TETensor[];
  readonly constants: ReadonlyMap<TETensor, NDArray>;
}

/**
 * The tensor expressions of a function of operator calls, tuples and constants. `given`: parts of it whose tensors are
 * known already, which stand in their place.
 */
export function computationOf(func: Func, given: ReadonlyMap<Expr, TETensor> = new Map()): Result<Computation> {
  const constants = new Map<TETensor, NDArray>();
  const values = new Map<Expr, Value>([...given].map(([e, tensor]) => [e, [tensor]]));
  const inputs: TETensor[] = [];
  try {
    for (const p of func.params) {
      const tensors = typed(p).map((t, i) => placeholder(i === 0 ? p.name : `${p.name}_${i}`, t.shape, t.dtype));
      inputs.push(...tensors);
      values.set(p, tensors);
    }
    const outputs = valueOf(func.body, values, constants);
    return ok({ inputs, outputs, constants });
  } catch (e) {
    if (e instanceof Failed) return fail(e.code, e.message, e.remedy);
    throw e;
  }
}

function typed(e: Expr): readonly Shaped[] {
  const tensors = tensorsOfType(e.type);
  if (tensors) return tensors;
  const remedy = 'Give every dimension a constant size, and use element types of 8 to 64 bits.';
  throw new Failed('no-static-shape', 'A value has a shape or element type that is not known before the run.', remedy);
}

/** The value of an expression; its operands first, without recursion. */
function valueOf(root: Expr, values: Map<Expr, Value>, constants: Map<TETensor, NDArray>): Value {
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
    values.set(e, combine(e, values, constants));
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

function combine(e: Expr, values: Map<Expr, Value>, constants: Map<TETensor, NDArray>): Value {
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
      return valueOf(e.body, values, constants);
    }
    case 'call':
      return callOf(e, get);
    default:
      throw new Failed('no-loops', `A ${e.kind} expression cannot be lowered to loops.`);
  }
}

function callOf(e: Call, get: (x: Expr) => Value): Value {
  const name = e.callee.kind === 'op' ? e.callee.name : undefined;
  const operator = name === undefined ? undefined : operatorRegistry.get(name);
  if (!operator) throw new Failed('no-loops', 'A call of something that is no operator cannot be lowered to loops.');
  if (!operator.compute) {
    const why = operator.noMeaning ? `: ${operator.noMeaning}` : ', because no loop nest says what it does';
    const remedy = 'Compute it outside of the compiled program, or say it with other operators.';
    throw new Failed('no-loops', `\`${operator.name}\` cannot run on a board${why}.`, remedy);
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
    if (!(error instanceof TypeError) && error instanceof Error && !(error instanceof Failed)) {
      const types = e.args.map((a) => printType(a.type)).join(', ');
      throw new Failed('no-loops', `\`${operator.name}\` has no meaning for operands of the types ${types}.`);
    }
    throw error;
  }
}

/** A copy of a tensor, for outputs that are inputs, constants, or named twice. */
function copyOf(tensor: TETensor): TETensor {
  return compute('copy', tensor.shape, (...axes): TEExpr => load(tensor, ...axes));
}

/** The kernel of a fused function; its flags keep floats as the operators define them. */
export function lowerGeneric(name: string, func: Func, flags: readonly string[] = []): Result<LoweredKernel> {
  const computation = computationOf(func);
  if (!computation.ok) return computation;
  const { inputs, constants } = computation.value;
  const seen = new Set<TETensor>();
  const outputs = computation.value.outputs.map((t) => {
    const fresh = t.compute && !seen.has(t) ? t : copyOf(t);
    seen.add(fresh);
    return fresh;
  });
  const narrow = [...inputs, ...outputs].find((t) => t.dtype === 'float16' || t.dtype === 'bfloat16');
  if (narrow)
    return fail('no-narrow-float', `Tensors of ${narrow.dtype} cannot run on a board.`, 'Cast to float32 first.');

  const buffers = new Map<TETensor, Buffer>();
  const scalars = new Map<TETensor, number | bigint>();
  const made = (t: TETensor, stem: string, i: number): Buffer => {
    const buffer: Buffer = {
      name: `${stem}${i}`,
      dtype: t.dtype,
      length: elementCount(t.shape),
      align: alignOf(t.dtype),
    };
    buffers.set(t, buffer);
    return buffer;
  };
  const ins = inputs.map((t, i) => made(t, 'in', i));
  const outs = outputs.map((t, i) => made(t, 'out', i));
  const stored: { buffer: Buffer; value: NDArray }[] = [];
  for (const [tensor, value] of [...constants, ...tablesOf(outputs)]) {
    const only = value.data[0];
    if (value.data.length === 1 && only !== undefined) scalars.set(tensor, only);
    else stored.push({ buffer: made(tensor, 'c', stored.length), value });
  }
  const { body: plain, temporaries } = lowerTensors(outputs, { buffers, scalars });
  const body = tidy(plain);
  if (outsideOf(body)) {
    const remedy = 'Correct the attributes: a window, group or axis is larger than the tensor it is applied to.';
    return fail('no-loops', `Some operator of ${name} reads elements that its operands do not have.`, remedy);
  }
  const used = buffersOf(body);
  return ok({
    name,
    inputs: ins,
    outputs: outs,
    constants: stored.filter((c) => used.has(c.buffer)),
    scratch: temporaries,
    body,
    overlaps: [],
    flags,
    macs: 0,
    origin: originOf(func),
  });
}

/** Constant tables that the operators' meaning brought along. */
function tablesOf(outputs: readonly TETensor[]): readonly (readonly [TETensor, NDArray])[] {
  return loadsOf(outputs).order.flatMap((t) => (t.value ? [[t, t.value] as const] : []));
}

function alignOf(dtype: string): number {
  return dtype.endsWith('64') ? 8 : 4;
}

function originOf(func: Func): LoweredKernel['origin'] {
  return func.origin.length > 0 ? func.origin : func.body.origin;
}
