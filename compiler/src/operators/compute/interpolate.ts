/**
 * Interpolation between elements of a tensor, once for tensor expressions and for numbers: sizes that are known give
 * expressions, sizes that are arguments are resampled by a kernel.
 */
import type { TEExpr } from '../../tensor/te.ts';
import {
  add,
  binary,
  cast,
  compare,
  constant,
  dtypeOf,
  int,
  maximum,
  minimum,
  mul,
  select,
  sub,
  unary,
} from '../../tensor/te.ts';

/** Arithmetic of float32 positions and of int32 indices. */
export interface Arithmetic<E> {
  real(value: number): E;
  index(value: number): E;
  /** An index as a position. */
  toReal(index: E): E;
  /** A position as an index, truncated. */
  toIndex(position: E): E;
  add(a: E, b: E): E;
  sub(a: E, b: E): E;
  mul(a: E, b: E): E;
  div(a: E, b: E): E;
  floor(position: E): E;
  ceil(position: E): E;
  /** Half away from zero. */
  round(position: E): E;
  /** The index kept within `low` … `high`. */
  clamp(index: E, low: number, high: number): E;
  /** The quotient of a non-negative index, truncated. */
  quotient(index: E, by: number): E;
  /** `then` where `value` leaves `low` … `high`. */
  outside(value: E, low: number, high: number, then: E, otherwise: E): E;
}

const like = (value: number, e: TEExpr): TEExpr => constant(value, dtypeOf(e));

/** Builds tensor expressions. */
export const expressions: Arithmetic<TEExpr> = {
  real: (value) => constant(Math.fround(value), 'float32'),
  index: int,
  toReal: (e) => cast('float32', e),
  toIndex: (e) => cast('int32', e),
  add,
  sub,
  mul,
  div: (a, b) => binary('div', a, b),
  floor: (e) => unary('floor', e),
  ceil: (e) => unary('ceil', e),
  round: (e) => unary('round', e),
  clamp: (e, low, high) => maximum(minimum(e, int(high)), int(low)),
  quotient: (e, by) => binary('truncdiv', e, int(by)),
  outside: (e, low, high, then, otherwise) =>
    select(compare('lt', e, like(low, e)), then, select(compare('gt', e, like(high, e)), then, otherwise)),
};

const { fround } = Math;

/** Works on numbers, rounding each step to float32. */
export const numbers: Arithmetic<number> = {
  real: fround,
  index: (value) => value,
  toReal: fround,
  toIndex: (x) => Math.min(Math.max(Math.trunc(x), -0x80000000), 0x7fffffff),
  add: (a, b) => fround(a + b),
  sub: (a, b) => fround(a - b),
  mul: (a, b) => fround(a * b),
  div: (a, b) => fround(a / b),
  floor: Math.floor,
  ceil: Math.ceil,
  round: (x) => Math.sign(x) * Math.round(Math.abs(x)),
  clamp: (x, low, high) => Math.max(Math.min(x, high), low),
  quotient: (x, by) => Math.trunc(x / by),
  outside: (x, low, high, then, otherwise) => (x < low || x > high ? then : otherwise),
};

export const methods = ['nearest_neighbor', 'linear', 'cubic'] as const;
export const coordinateModes = [
  'half_pixel',
  'align_corners',
  'asymmetric',
  'pytorch_half_pixel',
  'tf_half_pixel_for_nn',
  'tf_crop_and_resize',
] as const;
export const roundings = ['', 'round', 'round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;

/** How elements are chosen and weighed. */
export interface Sampling {
  /** One of `methods`. */
  readonly method: string;
  /** One of `coordinateModes`. */
  readonly mode: string;
  /** One of `roundings`: the nearest element's choice. Empty follows the mode. */
  readonly rounding: string;
  /** Parameter of the cubic kernel. */
  readonly alpha: number;
  /** Elements outside count nothing in the cubic kernel, instead of repeating the border. */
  readonly exclude: boolean;
  /** Value of positions outside, where the mode crops. */
  readonly extrapolation: number;
}

/** One dimension at one element of the result. */
export interface Position<E> {
  /** Extent of the data. */
  readonly size: number;
  readonly at: E;
  /** The element, where it follows from integers alone. */
  readonly exact?: E;
}

/** The region that is resized, as fractions of the data's extent; for the mode that crops. */
export interface Region {
  readonly start: number;
  readonly end: number;
}

/** Where element `o` of `count` along a dimension lies in data of extent `size`. */
export function positionOf<E>(
  math: Arithmetic<E>,
  o: E,
  size: number,
  count: number,
  mode: string,
  region: Region = { start: 0, end: 0 },
): E {
  const { real, add: plus, sub: minus, mul: times } = math;
  const x = math.toReal(o);
  const scale = real(size / count);
  const half = (): E => times(plus(x, real(0.5)), scale);
  switch (mode) {
    case 'align_corners':
      return times(x, real(count > 1 ? (size - 1) / (count - 1) : 0));
    case 'asymmetric':
      return times(x, scale);
    case 'pytorch_half_pixel':
      return count > 1 ? minus(half(), real(0.5)) : real(0);
    case 'tf_half_pixel_for_nn':
      return half();
    case 'tf_crop_and_resize': {
      const { start, end } = region;
      if (count <= 1) return real(0.5 * (start + end) * (size - 1));
      const step = math.div(times(times(x, real(end - start)), real(size - 1)), real(count - 1));
      return plus(real(start * (size - 1)), step);
    }
    default:
      return minus(half(), real(0.5));
  }
}

/** The element nearest to a position. The floor and the ceiling forgive an error of the position's rounding. */
function nearest<E>(math: Arithmetic<E>, at: E, sampling: Sampling): E {
  const rounding = sampling.rounding || (sampling.mode === 'align_corners' ? 'round' : 'floor');
  const choose = (): E => {
    switch (rounding) {
      case 'round_prefer_floor':
        return math.ceil(math.sub(at, math.real(0.5)));
      case 'round_prefer_ceil':
        return math.floor(math.add(at, math.real(0.5)));
      case 'floor':
        return math.floor(math.add(at, math.real(1e-5)));
      case 'ceil':
        return math.ceil(math.sub(at, math.real(1e-5)));
      default:
        return math.round(at);
    }
  };
  return math.toIndex(choose());
}

interface Taps<E> {
  readonly indices: readonly E[];
  /** Value between the values at `indices`. */
  readonly blend: (values: readonly E[]) => E;
}

function taps<E>(math: Arithmetic<E>, { at, size, exact }: Position<E>, sampling: Sampling): Taps<E> {
  const { real, add: plus, sub: minus, mul: times } = math;
  const inside = (index: E): E => math.clamp(index, 0, size - 1);
  const first = (values: readonly E[]): E => values[0] ?? real(0);
  if (sampling.method === 'nearest_neighbor')
    return { indices: [inside(exact ?? nearest(math, at, sampling))], blend: first };
  const floor = math.floor(at);
  const base = math.toIndex(floor);
  const neighbour = (offset: number): E => plus(base, math.index(offset));
  const t = minus(at, floor);
  if (sampling.method !== 'cubic')
    return {
      indices: [inside(base), inside(neighbour(1))],
      blend: ([a = real(0), b = real(0)]) => plus(times(a, minus(real(1), t)), times(b, t)),
    };
  const { alpha } = sampling;
  const t2 = times(t, t);
  const t3 = times(t2, t);
  const polynomial = (c3: number, c2: number, c1: number, c0: number): E =>
    plus(plus(plus(times(t3, real(c3)), times(t2, real(c2))), times(t, real(c1))), real(c0));
  const indices = [neighbour(-1), base, neighbour(1), neighbour(2)];
  let weights = [
    polynomial(alpha, -2 * alpha, alpha, 0),
    polynomial(alpha + 2, -(alpha + 3), 0, 1),
    polynomial(-(alpha + 2), 2 * alpha + 3, -alpha, 0),
    polynomial(-alpha, alpha, 0, 0),
  ];
  if (sampling.exclude) {
    const kept = weights.map((weight, i) => math.outside(indices[i] ?? base, 0, size - 1, real(0), weight));
    const sum = kept.reduce(plus);
    weights = kept.map((weight) => math.div(weight, sum));
  }
  return {
    indices: indices.map(inside),
    blend: (values) => values.map((value, i) => times(value, weights[i] ?? real(0))).reduce(plus),
  };
}

/** The value at a position in several dimensions; `pixel` gives the float32 element at indices within the data. */
export function interpolate<E>(
  math: Arithmetic<E>,
  positions: readonly Position<E>[],
  sampling: Sampling,
  pixel: (indices: readonly E[]) => E,
): E {
  const all = positions.map((position) => taps(math, position, sampling));
  const along = (indices: readonly E[]): E => {
    const here = all[indices.length];
    return here ? here.blend(here.indices.map((index) => along([...indices, index]))) : pixel(indices);
  };
  let value = along([]);
  if (sampling.mode === 'tf_crop_and_resize')
    for (const { at, size } of positions)
      value = math.outside(at, 0, size - 1, math.real(sampling.extrapolation), value);
  return value;
}

/** Whether the nearest element is found by an exact division: growth by a whole factor that rounding cannot blur. */
export function growsExactly(size: number, count: number): boolean {
  const factor = count / size;
  return Number.isInteger(factor) && factor <= 1 / (1e-5 * size + 1e-5);
}
