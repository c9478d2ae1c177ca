/** A fused function as a kernel by the operators' own meaning: right for every operator, not tuned for any. */
import { fail, ok, type Result } from '../base/result.ts';
import type { Func } from '../ir/expr.ts';
import { elementCount, type NDArray } from '../tensor/ndarray.ts';
import { compute, load, type TEExpr, type TETensor } from '../tensor/te.ts';
import { outsideOf } from './bounds.ts';
import { block } from './build.ts';
import { computationWithNests, meaningless, type NestCall } from './computation.ts';
import { constantOf, placeOver, type Place, type Source } from './imperative/nest.ts';
import type { Stmt } from './ir.ts';
import type { Buffer, LoweredKernel } from './kernel.ts';
import { loadsOf } from './te-uses.ts';
import { lowerTensors, type Bindings } from './te-lower.ts';
import { tidy } from './tidy.ts';
import { buffersOf } from './visit.ts';

/** A copy of a tensor, for outputs that are inputs, constants, or named twice. */
function copyOf(tensor: TETensor): TETensor {
  return compute('copy', tensor.shape, (...axes): TEExpr => load(tensor, ...axes));
}

/** The kernel of a fused function; its flags keep floats as the operators define them. */
export function lowerGeneric(name: string, func: Func, flags: readonly string[] = []): Result<LoweredKernel> {
  const computation = computationWithNests(func);
  if (!computation.ok) return computation;
  const { inputs, constants, nests } = computation.value;
  const written = new Set(nests.flatMap((n) => n.results));
  const seen = new Set<TETensor>();
  const outputs = computation.value.outputs.map((t) => {
    const fresh = (t.compute ?? written.has(t)) && !seen.has(t) ? t : copyOf(t);
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
  for (const [tensor, value] of [...constants, ...tablesOf([...outputs, ...nests.flatMap((n) => n.inputs.flat())])]) {
    const only = value.data[0];
    if (value.data.length === 1 && only !== undefined) scalars.set(tensor, only);
    else stored.push({ buffer: made(tensor, 'c', stored.length), value });
  }
  const scratch: Buffer[] = [];
  let parts: readonly Stmt[];
  try {
    parts = new Parts({ buffers, scalars }, scratch).all(nests, outputs);
  } catch (error) {
    if (error instanceof Meaningless) return fail('no-loops', error.message);
    throw error;
  }
  const body = tidy(block(...parts));
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
    scratch,
    body,
    overlaps: [],
    flags,
    ...(nests.length > 0 ? { imperative: true } : {}),
    macs: 0,
    origin: originOf(func),
  });
}

class Meaningless extends Error {}

/** The statements of imperative calls and of tensor expressions, one behind the other. */
class Parts {
  private readonly bindings: Bindings;
  private readonly scratch: Buffer[];
  private readonly statements: Stmt[] = [];
  /** Computed tensors that have their values already. */
  private readonly done = new Set<TETensor>();
  constructor(bindings: Bindings, scratch: Buffer[]) {
    this.bindings = bindings;
    this.scratch = scratch;
  }

  all(nests: readonly NestCall[], outputs: readonly TETensor[]): readonly Stmt[] {
    for (const call of nests) this.nest(call);
    this.compute(outputs.filter((t) => t.compute && !this.done.has(t)));
    return this.statements;
  }

  private compute(tensors: readonly TETensor[]): void {
    if (tensors.length === 0) return;
    const { body, temporaries } = lowerTensors(tensors, this.bindings);
    this.scratch.push(...temporaries);
    this.statements.push(body);
    for (const t of tensors) this.done.add(t);
  }

  private nest(call: NestCall): void {
    const operands = call.inputs.flat().filter((t) => t.compute && !this.done.has(t));
    for (const t of [...operands, ...call.results]) this.placeFor(t);
    this.compute([...new Set(operands)]);
    try {
      const statement = call.nest({
        inputs: call.inputs.map((i) => (isList(i) ? i.map((t) => this.source(t)) : this.source(i))),
        attrs: call.attrs,
        outputs: call.results.map((t) => this.place(t)),
        scratch: (name, dtype, length) => placeOver(this.memory(name, dtype, length), [length]),
      });
      this.statements.push(statement);
    } catch (error) {
      if (error instanceof TypeError || !(error instanceof Error)) throw error;
      throw new Meaningless(meaningless(call.operator, call.types));
    }
  }

  private memory(name: string, dtype: string, length: number): Buffer {
    const buffer: Buffer = { name, dtype, length, align: alignOf(dtype) };
    this.scratch.push(buffer);
    return buffer;
  }

  private placeFor(tensor: TETensor): void {
    if (this.bindings.buffers.has(tensor) || this.bindings.scalars.has(tensor)) return;
    const buffer = this.memory(`s${this.scratch.length}`, tensor.dtype, elementCount(tensor.shape));
    this.bindings.buffers.set(tensor, buffer);
  }

  private source(tensor: TETensor): Source {
    const value = this.bindings.scalars.get(tensor);
    if (value === undefined) return this.place(tensor);
    return { shape: tensor.shape, dtype: tensor.dtype, count: 1, at: () => constantOf(tensor.dtype, value) };
  }

  private place(tensor: TETensor): Place {
    const buffer = this.bindings.buffers.get(tensor);
    if (!buffer) throw new TypeError(`no place for ${tensor.name}`);
    return placeOver(buffer, tensor.shape);
  }
}

function isList(input: TETensor | readonly TETensor[]): input is readonly TETensor[] {
  return Array.isArray(input);
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
