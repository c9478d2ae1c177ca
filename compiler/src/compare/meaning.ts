/**
 * The meaning of a whole function as terms over its inputs: operators' tensor expressions, put into each other. Two
 * functions with the same terms compute the same, however they are put together from operators.
 */
import { equalArrays } from '../ir/equal.ts';
import type { Func } from '../ir/expr.ts';
import { stagesOf } from '../tensor/te-walk.ts';
import { extremeOf } from '../evaluate/te-codegen.ts';
import { computationOf } from '../loops/computation.ts';
import { isFloat } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import type { AxisVar, TEExpr, TETensor } from '../tensor/te.ts';
import type { Term } from './term.ts';
import { Terms, TooLarge } from './terms.ts';

/** What a tensor is to those that load from it. */
type Meaning =
  /** Computed elementwise: its body, over axes of level 0. */
  | { readonly kind: 'body'; readonly body: Term }
  /** Loaded as a whole by name. */
  | { readonly kind: 'named'; readonly name: string }
  /** One value everywhere. */
  | { readonly kind: 'constant'; readonly value: number | bigint };

/** Bodies that are nested deeper than this are named, so that walks over terms stay shallow. */
const deepest = 300;

/**
 * Proves or fails to prove that two functions of tensors compute the same; `whole` puts reductions into each other
 * too, which sees through layouts but grows faster. False says nothing about the functions.
 */
export function sameMeaning(
  a: Func,
  b: Func,
  options: { readonly real: boolean; readonly whole: boolean; readonly limit?: number },
): boolean {
  const terms = new Terms({ real: options.real, limit: options.limit ?? 200_000 });
  const constants: NDArray[] = [];
  try {
    const x = new Reader(terms, constants, options.whole).outputs(a);
    const y = x && new Reader(terms, constants, options.whole).outputs(b);
    return x !== undefined && y !== undefined && x.length === y.length && x.every((t, i) => t === y[i]);
  } catch (error) {
    if (error instanceof TooLarge) return false;
    throw error;
  }
}

class Reader {
  private readonly meanings = new Map<TETensor, Meaning>();
  private readonly terms: Terms;
  private readonly constants: NDArray[];
  private readonly whole: boolean;
  /** Level of the axes of the next reduction while its body is built, before its height is known. */
  private building = -1;

  constructor(terms: Terms, constants: NDArray[], whole: boolean) {
    this.terms = terms;
    this.constants = constants;
    this.whole = whole;
  }

  /** One term an output, over the output's axes; undefined where the function is not made of tensor expressions. */
  outputs(func: Func): readonly Term[] | undefined {
    const computation = computationOf(func);
    if (!computation.ok) return undefined;
    const { inputs, outputs, constants } = computation.value;
    inputs.forEach((t, i) => this.meanings.set(t, { kind: 'named', name: `input ${i}` }));
    for (const [t, value] of constants) this.meanings.set(t, this.constant(value));
    for (const tensor of stagesOf(outputs)) {
      if (this.meanings.has(tensor)) continue;
      if (tensor.value !== undefined) this.meanings.set(tensor, this.constant(tensor.value));
      else if (tensor.compute !== undefined) this.meanings.set(tensor, this.stage(tensor, tensor.compute));
    }
    return outputs.map((t) =>
      this.loaded(
        t,
        t.shape.map((extent, i) => this.terms.axis(0, i, extent)),
      ),
    );
  }

  private constant(value: NDArray): Meaning {
    const first = value.data[0];
    if (first !== undefined && Array.prototype.every.call(value.data, (x) => Object.is(x, first)))
      return { kind: 'constant', value: first };
    let index = this.constants.findIndex((c) => equalArrays(c, value));
    if (index < 0) index = this.constants.push(value) - 1;
    return { kind: 'named', name: `constant ${index}` };
  }

  private stage(tensor: TETensor, compute: { readonly axes: readonly AxisVar[]; readonly body: TEExpr }): Meaning {
    const axes = new Map(compute.axes.map((axis, i) => [axis, this.terms.axis(0, i, axis.extent)] as const));
    const body = this.term(compute.body, axes);
    if ((body.height === 0 || this.whole) && body.depth < deepest) return { kind: 'body', body };
    return { kind: 'named', name: `stage ${tensor.shape.join('x')} ${body.number}` };
  }

  private loaded(tensor: TETensor, indices: readonly Term[]): Term {
    const meaning = this.meanings.get(tensor);
    if (meaning === undefined) throw new TooLarge();
    if (meaning.kind === 'constant') return this.terms.constant(meaning.value, tensor.dtype);
    if (meaning.kind === 'named') return this.terms.load(meaning.name, tensor.dtype, indices);
    return this.terms.substitute(meaning.body, 0, indices);
  }

  /** The term of an expression of a stage. */
  private term(root: TEExpr, axes: ReadonlyMap<AxisVar, Term>): Term {
    const done = new Map<TEExpr, Term>();
    const visit = (e: TEExpr): Term => {
      const known = done.get(e);
      if (known !== undefined) return known;
      const result = this.build(e, axes, visit);
      done.set(e, result);
      return result;
    };
    return visit(root);
  }

  private build(e: TEExpr, axes: ReadonlyMap<AxisVar, Term>, visit: (e: TEExpr) => Term): Term {
    const { terms } = this;
    switch (e.kind) {
      case 'axis':
        return axes.get(e) ?? unbound(e);
      case 'const':
        return terms.constant(e.value, e.dtype);
      case 'binary':
        return terms.apply(e.op, e.dtype, [visit(e.left), visit(e.right)]);
      case 'compare':
        return terms.apply(e.op, 'bool', [visit(e.left), visit(e.right)]);
      case 'unary':
        return terms.apply(e.op, e.dtype, [visit(e.operand)]);
      case 'select':
        return terms.apply('select', e.dtype, [visit(e.condition), visit(e.then), visit(e.otherwise)]);
      case 'cast':
        return terms.apply('cast', e.dtype, [visit(e.operand)]);
      case 'bitcast':
        return terms.apply('bitcast', e.dtype, [visit(e.operand)]);
      case 'qmulshift':
        return terms.apply('qmulshift', e.dtype, [visit(e.value), visit(e.multiplier), visit(e.shift)]);
      case 'load':
        return this.loaded(e.tensor, e.indices.map(visit));
      case 'reduce':
        return this.reduction(e, axes);
    }
  }

  private reduction(e: TEExpr & { readonly kind: 'reduce' }, axes: ReadonlyMap<AxisVar, Term>): Term {
    const { terms } = this;
    // Integers, and reals, may be summed in any order: the axes are named in order of extent.
    const free = !isFloat(e.dtype) || terms.real || e.op === 'max' || e.op === 'min';
    const order = free ? [...e.axes].sort((p, q) => q.extent - p.extent) : e.axes;
    const long = order.filter((axis) => axis.extent !== 1);
    const outer = this.building;
    const inner = new Map(axes);
    order.forEach((axis, i) => inner.set(axis, terms.axis(outer - i, 0, axis.extent)));
    this.building = outer - order.length;
    let body = this.term(e.body, inner);
    this.building = outer;
    const level = body.height + 1;
    long.forEach((axis, i) => {
      body = terms.substitute(body, outer - order.indexOf(axis), [terms.axis(level, i, axis.extent)]);
    });
    // The start that the operation implies is left out, also where it is written.
    const start = e.init === undefined ? undefined : this.term(e.init, axes);
    const init = start?.kind === 'const' && Number(start.value) === impliedStart(e) ? undefined : start;
    return terms.reduce(
      e.op,
      e.dtype,
      long.map((axis) => axis.extent),
      body,
      init,
    );
  }
}

function impliedStart(e: TEExpr & { readonly kind: 'reduce' }): number {
  if (e.op === 'sum') return 0;
  return e.op === 'prod' ? 1 : Number(extremeOf(e.op, e.dtype));
}

function unbound(axis: AxisVar): never {
  throw new Error(`axis ${axis.name} is bound nowhere`);
}
