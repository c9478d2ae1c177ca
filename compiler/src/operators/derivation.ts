/** A vocabulary in which records write the gradients of their operators. */
import type { DType } from '../tensor/dtype.ts';
import { constantDim } from '../types/type.ts';
import type { Type } from '../types/type.ts';
import type { Adjoints, GradientBuilder, GradientCall, GradientRule, NoGradient, Operator } from './operator.ts';

type Written = Readonly<Record<string, unknown>>;

/** Terms around one call. Shapes are static. */
export class Derivation<E> {
  private readonly b: GradientBuilder<E>;
  private readonly args: readonly E[];

  constructor(b: GradientBuilder<E>, args: readonly E[]) {
    this.b = b;
    this.args = args;
  }

  /** Argument `index`; the call was checked to have it. */
  arg(index: number): E {
    const e = this.args[index];
    if (e === undefined) throw new Error(`a gradient asks for argument ${index} of ${this.args.length}`);
    return e;
  }
  count(): number {
    return this.args.length;
  }
  call(operator: string, args: readonly E[], attrs?: Written): E {
    return this.b.call(operator, args, attrs);
  }
  tuple(fields: readonly E[]): E {
    return this.b.tuple(fields);
  }
  field(tuple: E, index: number): E {
    return this.b.project(tuple, index);
  }
  fields(e: E): number {
    const type = this.b.typeOf(e);
    return type.kind === 'tuple' ? type.fields.length : 0;
  }
  shape(e: E): readonly number[] {
    return shapeOf(this.b.typeOf(e)) ?? [];
  }
  dtype(e: E): DType {
    const type = this.b.typeOf(e);
    return type.kind === 'tensor' ? type.dtype : 'float32';
  }
  /** A scalar of the element type of `like`. */
  number(value: number, like: E): E {
    return this.b.scalar(value, this.dtype(like));
  }
  add(x: E, y: E): E {
    return this.call('add', [x, y]);
  }
  sub(x: E, y: E): E {
    return this.call('subtract', [x, y]);
  }
  mul(x: E, y: E): E {
    return this.call('multiply', [x, y]);
  }
  div(x: E, y: E): E {
    return this.call('divide', [x, y]);
  }
  /** `value · x`. */
  scale(x: E, value: number): E {
    return value === 1 ? x : this.mul(x, this.number(value, x));
  }
  zeros(like: E): E {
    return this.call('zeros_like', [like]);
  }
  reshape(x: E, newshape: readonly number[]): E {
    const old = this.shape(x);
    const same = old.length === newshape.length && old.every((n, d) => n === newshape[d]);
    return same ? x : this.call('reshape', [x], { newshape });
  }
  transpose(x: E, axes: readonly number[]): E {
    return axes.every((a, i) => a === i) ? x : this.call('transpose', [x], { axes });
  }
  sum(x: E, axis: readonly number[], keepdims = false): E {
    return axis.length === 0 ? x : this.call('sum', [x], { axis, keepdims });
  }
  /** `x`, a vector along `axis`, with as many dimensions as follow it in a tensor of rank `rank`. */
  along(x: E, axis: number, rank: number): E {
    return axis + 1 === rank ? x : this.call('expand_dims', [x], { axis: 1, num_newaxis: rank - axis - 1 });
  }
  /** `x` summed back to the shape it had before broadcasting. */
  collapse(x: E, like: E): E {
    return this.call('collapse_sum_like', [x, like]);
  }
}

function shapeOf(type: Type): readonly number[] | undefined {
  if (type.kind !== 'tensor') return undefined;
  const shape = type.shape.map((dim) => constantDim(dim));
  return shape.includes(undefined) ? undefined : (shape as number[]);
}

function isStatic(type: Type): boolean {
  return type.kind === 'tuple' ? type.fields.every(isStatic) : shapeOf(type) !== undefined;
}

const unknownShape: NoGradient = { none: 'the sizes of its operands are known only at run time' };

/** A rule over static shapes. */
export function adjoints<A>(
  rule: <E>(d: Derivation<E>, call: GradientCall<E, A>) => Adjoints<E> | NoGradient,
): GradientRule<A> {
  return (b, call) => {
    const known = [...call.args, call.output].every((e) => isStatic(b.typeOf(e)));
    return known ? rule(new Derivation(b, call.args), call) : unknownShape;
  };
}

/** A definition over static shapes. */
export function definition<A>(
  define: <E>(d: Derivation<E>, attrs: A) => { readonly value: E } | NoGradient,
): GradientRule<A> {
  return {
    definition: (b, call) =>
      call.args.every((e) => isStatic(b.typeOf(e))) ? define(new Derivation(b, call.args), call.attrs) : unknownShape,
  };
}

/** Markers pass the adjoint on. */
const passThrough: GradientRule<never> = (_, { adjoint }) => [adjoint];

/**
 * Records with their gradients: their own, else the rule of their name, else `none` and its reason. A rule is checked
 * against the attributes it reads where it is written; records erase them.
 */
export function withGradients(
  records: readonly Operator[],
  rules: Readonly<Record<string, GradientRule<never>>>,
  none: string,
): readonly Operator[] {
  return records.map((record) => {
    if (record.gradient) return record;
    const rule: GradientRule<never> = record.transparent ? passThrough : (rules[record.name] ?? { none });
    return { ...record, gradient: rule as Required<Operator>['gradient'] };
  });
}

/** As `withGradients`, for a family without any. */
export function withoutGradients(records: readonly Operator[], none: string): readonly Operator[] {
  return withGradients(records, {}, none);
}
