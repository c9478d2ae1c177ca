/** Calls of operators that are imperative nests, with inputs that reach their edges. */
import { func, variable } from '../../compiler/src/ir/build.ts';
import type { Expr, Func } from '../../compiler/src/ir/expr.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { tensorType } from '../../compiler/src/types/type.ts';
import { array, call, random } from '../schedule/functions.ts';

export interface NestCase {
  readonly name: string;
  readonly func: Func;
  readonly inputs: readonly NDArray[];
  /** Error of floats, of 1 and of the value; exact unless given. */
  readonly relative?: number;
}

type Values = (next: (limit: number) => number, i: number) => number;
/** A parameter with what it holds. */
export interface Param {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly values: Values;
}

/** Few different values, so that many are equal; a float is now and then NaN, infinite or a negative zero. */
export const equalOnes: Values = (next) => next(5) - 2;
const special = [NaN, Infinity, -Infinity, -0, 0];
export const specialFloats: Values = (next) => (next(4) === 0 ? (special[next(5)] ?? 0) : (next(9) - 4) / 2);
/** Numbers from `low` to below `high`. */
export const between =
  (low: number, high: number): Values =>
  (next) =>
    low + next(high - low);
export const given =
  (values: readonly number[]): Values =>
  (_next, i) =>
    values[i] ?? 0;

function arrayOf({ shape, dtype, values }: Param, next: (limit: number) => number): NDArray {
  const wide = dtype === 'uint64';
  const clean = (v: number): number => (dtype === 'bool' ? Math.abs(v) % 2 : dtype.startsWith('u') ? Math.abs(v) : v);
  const made = array(wide ? 'int64' : dtype, shape, (i) => clean(values(next, i)));
  return wide ? { dtype, shape, data: new BigUint64Array((made.data as BigInt64Array).buffer as ArrayBuffer) } : made;
}

let seed = 1;
/** One call on parameters; `body` may put more around it. */
export function nestCase(
  name: string,
  params: readonly Param[],
  body: (...params: readonly Expr[]) => Expr,
  relative?: number,
): NestCase {
  const next = random(seed++);
  const variables = params.map((p, i) => variable(`p${i}`, tensorType(p.shape, p.dtype)));
  const inputs = params.map((p) => arrayOf(p, next));
  return { name, func: func(variables, body(...variables)), inputs, ...(relative === undefined ? {} : { relative }) };
}

const integers = ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'bool'];
const all = [...integers, 'float32', 'float64'];
const values = (dtype: string): Values => (dtype.startsWith('float') ? specialFloats : equalOnes);

const sorting: NestCase[] = [
  ...all.flatMap((dtype) => [
    nestCase(`argsort of ${dtype}`, [{ shape: [2, 13, 3], dtype, values: values(dtype) }], (x) => call('argsort', [x], { axis: 1, dtype: 'int32' })),
    nestCase(`sort of ${dtype}, greatest first`, [{ shape: [3, 37], dtype, values: values(dtype) }], (x) => call('sort', [x], { axis: -1, is_ascend: false })),
    nestCase(`a few of ${dtype}`, [{ shape: [40, 2], dtype, values: values(dtype) }], (x) => call('topk', [x], { k: 5, axis: 0, dtype: 'int64', is_ascend: dtype === 'int8' })),
    nestCase(`different elements of ${dtype}`, [{ shape: [23], dtype, values: values(dtype) }], (x) => call('unique', [x], { sorted: true, return_counts: true })),
    nestCase(`different elements of ${dtype} as they appear`, [{ shape: [9], dtype, values: values(dtype) }], (x) => call('unique', [x], { sorted: false, return_counts: dtype !== 'bool' })),
    nestCase(`places among ${dtype}`, [{ shape: [11], dtype, values: (_n, i) => (dtype === 'bool' ? Number(i > 6) : Math.floor(i / 2)) }, { shape: [3, 5], dtype, values: between(0, 8) }], (s, v) => call('searchsorted', [s, v], { right: dtype.startsWith('u'), dtype: 'int32' })),
  ]),
  ...[1, 2, 3, 16, 17, 31, 32, 33, 100].map((n) =>
    nestCase(`sort of ${n}`, [{ shape: [n], dtype: 'float32', values: specialFloats }], (x) => call('sort', [x], { axis: 0 })),
  ),
  ...[0, 1, 8, 9, 20].map((k) =>
    nestCase(`topk ${k} of 20`, [{ shape: [2, 20], dtype: 'float32', values: specialFloats }], (x) => call('topk', [x], { k, axis: 1, ret_type: k === 8 ? 'indices' : k === 9 ? 'values' : 'both', dtype: 'int32' })),
  ),
  nestCase('positions as floats', [{ shape: [6], dtype: 'int16', values: equalOnes }], (x) => call('argsort', [x], { dtype: 'float32' })),
  nestCase('places in rows', [{ shape: [2, 3, 4], dtype: 'float32', values: (_n, i) => i % 4 }, { shape: [2, 3, 6], dtype: 'float32', values: specialFloats }], (s, v) => call('searchsorted', [s, v], { dtype: 'int64' })),
  nestCase('an inverse of a permutation, between other operators', [{ shape: [6], dtype: 'int32', values: given([5, 2, 0, 1, 4, 3]) }], (x) => call('multiply', [call('invert_permutation', [call('add', [x, call('subtract', [x, x])])]), x])),
  ...['int8', 'int64', 'uint16'].map((dtype) =>
    nestCase(`an inverse of ${dtype} that is no permutation`, [{ shape: [5], dtype, values: given([7, -1, 2, 2, 100]) }], (x) => call('invert_permutation', [x])),
  ),
]; // prettier-ignore

const scans: NestCase[] = ['cumsum', 'cumprod'].flatMap((name) => [
  ...integers.map((dtype) => nestCase(`${name} of ${dtype}`, [{ shape: [2, 9, 3], dtype, values: between(-9, 12) }], (x) => call(name, [x], { axis: -2, exclusive: dtype === 'int16' }))),
  nestCase(`${name} of floats`, [{ shape: [4, 5], dtype: 'float32', values: (n) => n(1000) / 700 }], (x) => call(name, [x], { axis: 1 })),
  nestCase(`${name} of all, leaving itself out`, [{ shape: [4, 5], dtype: 'float32', values: (n) => n(1000) / 700 }], (x) => call(name, [x], { exclusive: true })),
  nestCase(`${name} of integers as floats`, [{ shape: [7], dtype: 'int32', values: between(-50000, 90000) }], (x) => call(name, [x], { axis: 0, dtype: 'float32' }), 1e-6),
  nestCase(`${name} of floats as integers`, [{ shape: [7], dtype: 'float32', values: (n) => n(100) / 7 - 5 }], (x) => call(name, [x], { axis: 0, dtype: 'int16' })),
  nestCase(`${name} of bytes as integers`, [{ shape: [7], dtype: 'int8', values: between(-128, 128) }], (x) => call(name, [x], { axis: 0, dtype: 'int32' })),
]); // prettier-ignore

const modes = ['update', 'add', 'mul', 'mean', 'min', 'max'];
const scatters: NestCase[] = [
  ...all.flatMap((dtype) =>
    modes.flatMap((mode) => [
      nestCase(`${mode} elements of ${dtype}`, [{ shape: [4, 3], dtype, values: (n) => n(200) - 100 }, { shape: [3, 3], dtype: 'int32', values: between(-6, 6) }, { shape: [3, 3], dtype, values: (n) => n(200) - 100 }], (x, i, u) => call('scatter_elements', [x, i, u], { axis: 0, reduction: mode })),
      ...(mode === 'mean' ? [] : [nestCase(`${mode} slices of ${dtype}`, [{ shape: [4, 3, 2], dtype, values: (n) => n(200) - 100 }, { shape: [2, 5], dtype: 'int64', values: between(-1, 5) }, { shape: [5, 2], dtype, values: (n) => n(200) - 100 }], (x, i, u) => call('scatter_nd', [x, i, u], { mode }))]),
    ]),
  ),
  ...['int8', 'uint8', 'int16', 'uint32', 'int64', 'uint64'].map((dtype) =>
    nestCase(`places of ${dtype}`, [{ shape: [2, 300], dtype: 'int8', values: equalOnes }, { shape: [3, 8], dtype, values: given([0, 127, -128, 1, -1, 299, 300, 2 ** 31, 5]) }, { shape: [3, 8], dtype: 'int8', values: equalOnes }], (x, i, u) => call('scatter_elements', [x, i, u], { axis: -1 })),
  ),
  nestCase('whole slices by one subscript', [{ shape: [5, 2, 3], dtype: 'float32', values: equalOnes }, { shape: [1, 3], dtype: 'uint8', values: given([4, 0, 9]) }, { shape: [3, 2, 3], dtype: 'float32', values: equalOnes }], (x, i, u) => call('scatter_nd', [x, i, u], { mode: 'add' })),
  nestCase('a scatter between other operators', [{ shape: [5], dtype: 'float32', values: equalOnes }, { shape: [2], dtype: 'int32', values: given([1, 4]) }, { shape: [2], dtype: 'float32', values: equalOnes }], (x, i, u) => call('exp', [call('scatter_elements', [call('nn.relu', [x]), i, call('negative', [u])], { axis: 0 })]), 1e-5),
  nestCase('a dense matrix', [{ shape: [5, 2], dtype: 'int32', values: between(-1, 5) }, { shape: [5], dtype: 'float32', values: equalOnes }, { shape: [], dtype: 'float32', values: given([7]) }], (i, v, d) => call('sparse_to_dense', [i, v, d], { output_shape: [4, 3] })),
  nestCase('a dense vector of one value', [{ shape: [3], dtype: 'int64', values: given([2, 0, 9]) }, { shape: [], dtype: 'int8', values: given([3]) }, { shape: [], dtype: 'int8', values: given([-1]) }], (i, v, d) => call('sparse_to_dense', [i, v, d], { output_shape: [4] })),
]; // prettier-ignore

const sets: NestCase[] = [
  ...[
    { begin: [1, 0], end: [3, 4], strides: [1, 1], v: [2, 4] },
    { begin: [-1, 3], end: [-4, 0], strides: [-1, -2], v: [3, 2] },
    { begin: [0], end: [9], strides: [2], v: [1, 4] },
    { begin: [2, 2], end: [-9, 9], strides: [-1, 1], v: [1] },
    { begin: [3, 0], end: [1, 4], strides: [1, 1], v: [4] },
    { begin: [0, 0], end: [4, 4], strides: [0, 1], v: [4] },
    { begin: [1], end: [3], strides: [1], v: [2, 2] },
  ].flatMap(({ begin, end, strides, v }, n) =>
    ['int32', 'int64'].map((dtype) => {
      const places = [begin, end, strides].map((list): Param => ({ shape: [list.length], dtype, values: given(list) }));
      const element = n % 2 === 0 ? 'int8' : 'float32';
      return nestCase(`a slice set (${n + 1}), ${dtype}`, [{ shape: [4, 4], dtype: element, values: equalOnes }, { shape: v, dtype: element, values: between(10, 90) }, ...places], (x, y, b, e, s) => call('strided_set', [x, y, b, e, s] as Expr[]));
    }),
  ),
]; // prettier-ignore

/** A sparse matrix: 4 rows; row starts, columns and elements or blocks. */
const sparseParams = (dtype: string, starts: readonly number[], columns: readonly number[], blocks: readonly number[] = []): Param[] => [
  { shape: [columns.length, ...blocks], dtype, values: between(-9, 9) },
  { shape: [columns.length], dtype: 'int32', values: given(columns) },
  { shape: [starts.length], dtype: 'int32', values: given(starts) },
]; // prettier-ignore

const sparse: NestCase[] = [
  ...['float32', 'int32', 'int8', 'float64'].flatMap((dtype) => [
    nestCase(`a sparse product of ${dtype}`, [{ shape: [3, 5], dtype, values: equalOnes }, ...sparseParams(dtype, [0, 2, 2, 5, 6], [0, 4, 1, 2, 3, 4])], (d, v, i, s) => call('nn.sparse_dense', [d, v, i, s] as Expr[])),
    nestCase(`a sparse product of blocks of ${dtype}`, [{ shape: [3, 6], dtype, values: equalOnes }, ...sparseParams(dtype, [0, 2, 3], [0, 1, 2], [2, 2])], (d, v, i, s) => call('nn.sparse_dense', [d, v, i, s] as Expr[], { sparse_lhs: true })),
    nestCase(`a sparse sum of ${dtype}`, [{ shape: [4, 5], dtype, values: equalOnes }, ...sparseParams(dtype, [0, 2, 2, 5, 6], [0, 4, 1, 2, 3, 4])], (d, v, i, s) => call('nn.sparse_add', [d, v, i, s] as Expr[])),
    nestCase(`a sparse transpose of ${dtype}`, sparseParams(dtype, [0, 2, 2, 5, 6], [0, 3, 1, 0, 3, 2]), (v, i, s) => call('nn.sparse_transpose', [v, i, s] as Expr[])),
  ]),
  ...[[0, 3, 1, 9, 9], [-5, 2, 100, 2, 6]].flatMap((starts, n) => [
    nestCase(`a sparse product that is damaged (${n})`, [{ shape: [3, 5], dtype: 'float32', values: equalOnes }, ...sparseParams('float32', starts, [0, -1, 7, 2, 2 ** 30, 4])], (d, v, i, s) => call('nn.relu', [call('nn.sparse_dense', [d, v, i, s] as Expr[])])),
    nestCase(`a product of blocks that are damaged (${n})`, [{ shape: [3, 5], dtype: 'float32', values: equalOnes }, ...sparseParams('float32', starts, [0, -1, 2, 3, 2 ** 30, 1], [1, 2])], (d, v, i, s) => call('nn.sparse_dense', [d, v, i, s] as Expr[])),
    nestCase(`a sparse sum that is damaged (${n})`, [{ shape: [2, 5], dtype: 'int16', values: equalOnes }, ...sparseParams('int16', starts, [0, -1, 7, 2, 2 ** 30, 4])], (d, v, i, s) => call('nn.sparse_add', [d, v, i, s] as Expr[])),
    nestCase(`a sparse transpose that is damaged (${n})`, sparseParams('int32', starts, [0, -1, 3, 2, 2 ** 30, 1]), (v, i, s) => call('nn.sparse_transpose', [v, i, s] as Expr[])),
  ]),
]; // prettier-ignore

/** Boxes on a coarse grid, so that many overlap and scores are equal; now and then a number is NaN or infinite. */
const boxNumbers =
  (length: number, damaged: boolean): Values =>
  (next, i) => {
    if (damaged && next(12) === 0) return special[next(5)] ?? 0;
    return i % length === 0 ? next(4) - 1 : i % length === 1 ? (next(9) - 1) / 8 : next(8) / 4;
  };
const scalar = (value: number, dtype: string): Param => ({ shape: [], dtype, values: given([value]) });
const detections = (damaged: boolean, most: number, threshold: number): Param[] => [
  { shape: [2, 14, 6], dtype: 'float32', values: boxNumbers(6, damaged) },
  { shape: [2], dtype: 'int32', values: damaged ? given([20, -3]) : given([14, 9]) },
  { shape: [2, 14], dtype: 'int32', values: damaged ? between(-30, 30) : (_n, i) => 13 - (i % 14) },
  scalar(most, 'int32'),
  scalar(threshold, 'float32'),
];
const suppressions = [
  {},
  { return_indices: false },
  { return_indices: false, invalid_to_bottom: true, force_suppress: true },
  { top_k: 5, id_index: -1 },
  { return_indices: false, top_k: 3, force_suppress: true, score_index: 5 },
  { coord_start: 3, id_index: 9 },
];

const vision: NestCase[] = [
  ...suppressions.flatMap((attrs, n) =>
    [false, true].flatMap((damaged) =>
      [[-1, 0.5], [3, 0.25], [0, 0.5], [-1, 0], [-1, NaN]].map(([most, threshold]) =>
        nestCase(`boxes that remain (${n}), ${damaged ? 'damaged, ' : ''}${most} above ${threshold}`, detections(damaged, most as number, threshold as number), (...p) => call('vision.non_max_suppression', p, attrs)),
      ),
    ),
  ),
  ...['float32', 'float64', 'int8', 'uint8', 'int64'].flatMap((dtype) =>
    [0, -1].map((id) =>
      nestCase(`valid boxes of ${dtype}, class ${id}`, [{ shape: [2, 7, 3], dtype, values: dtype.startsWith('float') ? specialFloats : equalOnes }, scalar(0.5, 'float32')], (x, t) => call('vision.get_valid_counts', [x, t], { score_threshold: id === 0 ? null : 0, id_index: id, score_index: 1 })),
    ),
  ),
  ...['onnx', 'tensorflow'].flatMap((format) =>
    [false, true].flatMap((damaged) =>
      [[2, 0.5, 0], [0, 0.25, 0.3], [-1, 0, 0], [9, 0.1, -2]].map(([most, overlap, score]) =>
        nestCase(`boxes of all classes as ${format}${damaged ? ', damaged' : ''}, ${most} above ${overlap}, ${score}`, [{ shape: [2, 11, 4], dtype: 'float32', values: damaged ? specialFloats : (next) => next(8) / 4 }, { shape: [2, 3, 11], dtype: 'float32', values: damaged ? specialFloats : (next) => (next(9) - 1) / 8 }, scalar(most as number, 'int64'), scalar(overlap as number, 'float32'), scalar(score as number, 'float32')], (...p) => call('vision.all_class_non_max_suppression', p, { output_format: format })),
      ),
    ),
  ),
  ...['NCHW', 'NHWC'].flatMap((layout) => {
    const maps = layout === 'NCHW' ? [2, 3, 6, 7] : [2, 6, 7, 3];
    const rois = (next: (limit: number) => number, i: number): number => (i % 5 === 0 ? next(4) - 1 : next(90) / 3 - 5);
    const regions: Param = { shape: [6, 5], dtype: 'float32', values: rois };
    return [
      ...['avg', 'max'].flatMap((mode) =>
        [-1, 2].map((ratio) => nestCase(`${mode} of regions in ${layout}, ${ratio}`, [{ shape: maps, dtype: 'float32', values: (next) => next(100) / 10 }, regions], (x, r) => call('vision.roi_align', [x, r], { pooled_size: [2, 3], spatial_scale: 0.3, sample_ratio: ratio, mode, layout }), 1e-4)),
      ),
      ...['float32', 'int8', 'uint8', 'int64'].map((dtype) => nestCase(`greatest of regions of ${dtype} in ${layout}`, [{ shape: maps, dtype, values: values(dtype) }, regions], (x, r) => call('vision.roi_pool', [x, r], { pooled_size: [2, 3], spatial_scale: 0.3, layout }))),
    ];
  }),
  nestCase('regions, then an activation', [{ shape: [1, 2, 5, 5], dtype: 'float32', values: (next) => next(90) / 10 - 4 }, { shape: [2, 5], dtype: 'float32', values: given([0, 0, 0, 4, 4, 0, 1, 1, 3, 5]) }], (x, r) => call('nn.relu', [call('vision.roi_align', [x, r], { pooled_size: [2, 2], spatial_scale: 1 })]), 1e-4),
  ...[true, false].map((clip) =>
    nestCase(`detections from anchors${clip ? ', clipped' : ''}`, [{ shape: [2, 3, 8], dtype: 'float32', values: (next) => next(10) / 10 }, { shape: [2, 32], dtype: 'float32', values: (next) => next(20) / 10 - 1 }, { shape: [1, 8, 4], dtype: 'float32', values: (next) => next(10) / 10 }], (s, o, a) => call('vision.multibox_transform_loc', [s, o, a], { clip, threshold: 0.35 }), 1e-4),
  ),
]; // prettier-ignore

export const nestCases: readonly NestCase[] = [...sorting, ...scans, ...scatters, ...sets, ...sparse, ...vision];
