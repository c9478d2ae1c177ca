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
  (m) => {
    const { b, r } = m;
    const shape = shapeOf(r);
    const dtype = r.pick([...integers, 'float32']);
    const ends = shape.map((n) => [r.int(-n - 1, n), r.int(-n - 2, n + 1), r.pick([1, 1, 2, -1])]);
    const list = (k: number): number => {
      const values = ends.map((e) => e[k] ?? 0);
      const wide = r.chance(0.5) ? 'int64' : 'int32';
      return r.chance(0.8)
        ? b.add({ kind: 'param', shape: [shape.length], dtype: wide, seed: 1, values })
        : input(m, [shape.length], wide, k === 2 ? 1 : -3, 5);
    };
    return one(m, b.attempt('strided_set', [keys(m, shape, dtype), keys(m, [1], dtype), list(0), list(1), list(2)]));
  },
  (m) => {
    const { b, r } = m;
    const dtype = r.pick(['float32', 'int8', 'int32']);
    const [rows, columns, others] = [r.int(1, 5), r.int(1, 7), r.int(1, 4)];
    const blocks = r.chance(0.4) ? [r.int(1, 3), r.int(1, 3)] : [];
    const stored = size(r);
    const starts = Array.from({ length: rows + 1 }, () => r.int(0, stored)).sort((x, y) => x - y);
    const matrix = [
      input(m, [stored, ...blocks], dtype),
      input(m, [stored], 'int32', 0, Math.ceil(columns / (blocks[1] ?? 1)) - (r.chance(0.8) ? 1 : 0)),
      b.add({ kind: 'param', shape: [rows + 1], dtype: 'int32', seed: 1, values: starts }),
    ];
    const dense = input(m, [others, columns], dtype);
    if (blocks.length === 0 && r.chance(0.3)) return one(m, b.attempt('nn.sparse_add', [input(m, [rows, columns], dtype), ...matrix])); // prettier-ignore
    if (blocks.length === 0 && r.chance(0.2)) return fields(m, b.attempt('nn.sparse_transpose', matrix));
    return one(m, b.attempt('nn.sparse_dense', [dense, ...matrix], { sparse_lhs: r.chance(0.5) }));
  },
  (m) => {
    const { b, r } = m;
    const [batch, boxes] = [r.int(1, 2), r.int(1, 20)];
    const scores = b.attempt('floor', [input(m, [batch, boxes, 6], 'float32', -1, 6)]);
    if (scores === undefined) return undefined;
    const valid = b.attempt('vision.get_valid_counts', [scores, b.literal(r.int(0, 2), 'float32')], { score_threshold: null, id_index: r.int(-1, 0), score_index: 1 }); // prettier-ignore
    if (valid === undefined) return undefined;
    const [count, data, origins] = [0, 1, 2].map((index) => b.add({ kind: 'get', tuple: valid, index })) as [number, number, number]; // prettier-ignore
    if (r.chance(0.2)) return [count, data, origins];
    const limits = [b.literal(r.int(-1, 6)), b.literal(r.pick([0.1, 0.25, 0.5]), 'float32')];
    return fields(m, b.attempt('vision.non_max_suppression', [data, count, origins, ...limits], { force_suppress: r.chance(0.5), top_k: r.int(-1, 9), id_index: r.int(-1, 0), return_indices: r.chance(0.5), invalid_to_bottom: r.chance(0.5) })); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const [batch, classes, boxes] = [r.int(1, 2), r.int(1, 3), r.int(1, 12)];
    const corners = b.attempt('floor', [input(m, [batch, boxes, 4], 'float32', 0, 5)]);
    const scores = b.attempt('floor', [input(m, [batch, classes, boxes], 'float32', -2, 5)]);
    if (corners === undefined || scores === undefined) return undefined;
    const limits = [b.literal(r.int(0, 5), 'int64'), b.literal(r.pick([0.1, 0.25, 0.5]), 'float32'), b.literal(r.int(-2, 2), 'float32')]; // prettier-ignore
    return fields(m, b.attempt('vision.all_class_non_max_suppression', [corners, scores, ...limits], { output_format: r.pick(['onnx', 'tensorflow']) })); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const layout = r.pick(['NCHW', 'NHWC']);
    const [h, w, c] = [size(r), size(r), r.int(1, 4)];
    // Corners on whole numbers and scales that are powers of two: which elements a place takes is the same everywhere.
    const rois = b.attempt('floor', [input(m, [r.int(1, 4), 5], 'float32', -1, 14)]);
    if (rois === undefined) return undefined;
    const shape = layout === 'NCHW' ? [2, c, h, w] : [2, h, w, c];
    const attrs = {
      pooled_size: [r.pick([1, 2, 4]), r.pick([1, 2, 4])],
      spatial_scale: r.pick([0.25, 0.5, 1]),
      layout,
    };
    if (r.chance(0.5)) return one(m, b.attempt('vision.roi_pool', [input(m, shape), rois], attrs));
    return one(m, b.attempt('vision.roi_align', [input(m, shape), rois], { ...attrs, sample_ratio: r.pick([-1, 2]), mode: r.pick(['avg', 'max']) })); // prettier-ignore
  },
  (m) => {
    const { b, r } = m;
    const [batch, classes, anchors] = [r.int(1, 2), r.int(1, 4), r.int(1, 9)];
    return fields(m, b.attempt('vision.multibox_transform_loc', [input(m, [batch, classes, anchors], 'float32', 0, 1), input(m, [batch, 4 * anchors], 'float32', -1, 1), input(m, [1, anchors, 4], 'float32', 0, 1)], { clip: r.chance(0.5), threshold: 0.3 })); // prettier-ignore
  },
];
