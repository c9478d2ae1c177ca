/** Calls of operators that move elements to places that values decide, between operators that are exact. */
import { input, type Maker } from './maker.ts';
import type { Built } from './generate-quantised.ts';
import type { GraphBuilder } from './graph.ts';
import type { Random } from './random.ts';

/** One to three of them, each followed by what may be fused with it. */
export function buildImperative(b: GraphBuilder, r: Random): Built {
  const outputs: number[] = [];
  for (let i = r.int(1, 3); i > 0; i--)
    for (let tries = 0; tries < 20; tries++) {
      const made = r.pick(imperativeMakers)({ b, r });
      if (made === undefined) continue;
      outputs.push(...made);
      break;
    }
  if (outputs.length === 0) outputs.push(b.call('copy', [b.add({ kind: 'input', shape: [3], dtype: 'int8' })]));
  return { outputs, approximate: false };
}

const size = (r: Random): number => r.pick([1, 2, 3, 4, 5, 7, 12]);
const shapeOf = (r: Random): number[] => Array.from({ length: r.int(1, 3) }, () => size(r));
const integers = ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'];
const indexTypes = ['int8', 'uint8', 'int16', 'int32', 'uint32', 'int64'];

/** Keys with many that are equal; what is rounded here is the same everywhere. */
function keys(m: Maker, shape: readonly number[], dtype = m.r.pick([...integers, 'bool', 'float32'])): number {
  const { b, r } = m;
  if (dtype === 'float32') {
    const x = input(m, shape, 'float32', -4, 4);
    return r.chance(0.5) ? x : b.call(r.pick(['floor', 'negative', 'nn.relu']), [x]);
  }
  return r.chance(0.5) || dtype === 'bool' ? input(m, shape, dtype) : input(m, shape, dtype, dtype.startsWith('u') ? 0 : -3, 3); // prettier-ignore
}

/** The results of a tuple, some of them. */
function fields({ b, r }: Maker, made: number | undefined): number[] | undefined {
  if (made === undefined) return undefined;
  const type = b.typeOf(made);
  if (type.kind !== 'tuple') return [after({ b, r }, made)];
  const all = type.fields.map((_, index) => b.add({ kind: 'get', tuple: made, index }));
  const kept = all.filter(() => r.chance(0.8));
  return (kept.length > 0 ? kept : all).map((i) => after({ b, r }, i));
}

/** Now and then an exact operator behind it. */
function after({ b, r }: Maker, at: number): number {
  if (r.chance(0.6) || b.dtype(at) === 'bool') return at;
  return b.attempt(r.pick(['negative', 'copy', 'abs']), [at]) ?? at;
}

const one = (m: Maker, made: number | undefined): number[] | undefined =>
  made === undefined ? undefined : [after(m, made)];

const imperativeMakers: readonly ((m: Maker) => readonly number[] | undefined)[] = [
  (m) => {
    const { b, r } = m;
    const shape = shapeOf(r);
    const attrs = { axis: r.int(-shape.length, shape.length - 1), is_ascend: r.chance(0.6) };
    if (r.chance(0.4)) return one(m, b.attempt('sort', [keys(m, shape)], attrs));
    return one(m, b.attempt('argsort', [keys(m, shape)], { ...attrs, dtype: r.pick(['int32', 'int64', 'int16', 'float32']) })); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const shape = shapeOf(r);
    const axis = r.int(-shape.length, shape.length - 1);
    const k = r.int(0, shape.at(axis) ?? 1);
    return fields(m, b.attempt('topk', [keys(m, shape)], { k, axis, ret_type: r.pick(['both', 'both', 'values', 'indices']), is_ascend: r.chance(0.3), dtype: r.pick(['int32', 'int64']) })); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const dtype = r.pick([...integers, 'float32']);
    const row = shapeOf(r);
    const flat = r.chance(0.5);
    const last = size(r);
    const sequence = b.attempt('sort', [keys(m, flat ? [last] : [...row.slice(0, -1), last], dtype)], { axis: -1 });
    if (sequence === undefined) return undefined;
    return one(m, b.attempt('searchsorted', [sequence, keys(m, row, dtype)], { right: r.chance(0.5), dtype: r.pick(['int32', 'int64']) })); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    return fields(m, b.attempt('unique', [keys(m, [r.int(1, 30)])], { sorted: r.chance(0.5), return_counts: r.chance(0.5) })); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const shape = shapeOf(r);
    const axis = r.chance(0.2) ? null : r.int(-shape.length, shape.length - 1);
    const dtype = r.chance(0.3) ? { dtype: r.pick(['int32', 'int64', 'float32']) } : {};
    const whole = input(m, shape, r.pick([...integers, 'bool']));
    if (dtype.dtype !== 'float32') return one(m, b.attempt(r.pick(['cumsum', 'cumprod']), [whole], { axis, exclusive: r.chance(0.3), ...dtype })); // prettier-ignore
    return one(m, b.attempt('cumsum', [input(m, shape)], { axis, exclusive: r.chance(0.3) }));
  },
  (m) => {
    const { b, r } = m;
    const n = r.int(1, 12);
    return one(m, b.attempt('invert_permutation', [input(m, [n], r.pick(['int32', 'int64', 'int8']), -1, n)]));
  },
  (m) => {
    const { b, r } = m;
    const shape = shapeOf(r);
    const dtype = r.pick([...integers, 'bool', 'float32']);
    const axis = r.int(-shape.length, shape.length - 1);
    const along = axis < 0 ? axis + shape.length : axis;
    const places = shape.map((n, d) => (d === along ? size(r) : r.int(1, n)));
    const extent = shape[along] ?? 1;
    const index = r.pick(indexTypes);
    const indices = input(m, places, index, index.startsWith('u') ? 0 : -extent - 1, extent);
    // Sums of floats in one place depend on their order alone, which is given.
    return one(m, b.attempt('scatter_elements', [keys(m, shape, dtype), indices, keys(m, places, dtype)], { axis, reduction: r.pick(['update', 'add', 'mul', 'mean', 'min', 'max']) })); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const shape = shapeOf(r);
    const dtype = r.pick([...integers, 'bool', 'float32']);
    const depth = r.int(1, shape.length);
    const tuples = [size(r)];
    const index = r.pick(indexTypes);
    const most = Math.max(...shape.slice(0, depth));
    const indices = input(
      m,
      [depth, ...tuples],
      index,
      index.startsWith('u') ? 0 : -1,
      r.chance(0.5) ? most : most - 1,
    );
    return one(m, b.attempt('scatter_nd', [keys(m, shape, dtype), indices, keys(m, [...tuples, ...shape.slice(depth)], dtype)], { mode: r.pick(['update', 'add', 'mul', 'min', 'max']) })); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const shape = shapeOf(r);
    const dtype = r.pick([...integers, 'float32']);
    const n = size(r);
    const indices = input(m, [n, shape.length], r.pick(['int8', 'int32', 'int64']), -1, Math.max(...shape));
    return one(m, b.attempt('sparse_to_dense', [indices, keys(m, [n], dtype), keys(m, [], dtype)], { output_shape: shape })); // prettier-ignore
  },
];
