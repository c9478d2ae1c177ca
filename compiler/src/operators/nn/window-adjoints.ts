/** Gradients of convolutions, pooling and what changes the extents of images. */
import { adjoints, definition } from '../derivation.ts';
import type { Derivation } from '../derivation.ts';
import type { GradientRule, NoGradient } from '../operator.ts';
import { cut, padded } from '../transform/adjoints.ts';
import type { ConvAttributes } from './conv-layouts.ts';
import { axisIndex, parseLayout } from './layout.ts';
import type { PoolAttributes } from './pooling.ts';
import { readPadding } from './shapes.ts';

/** Sizes along the axes of `order` of a tensor in `layout`; undefined where the layout has others or blocks. */
function sizesIn(shape: readonly number[], layout: string, order: string): readonly number[] | undefined {
  const parsed = parseLayout(layout);
  if (typeof parsed === 'string' || parsed.axes.length !== order.length) return undefined;
  const at = [...order].map((axis) => axisIndex(parsed, axis));
  return at.includes(-1) ? undefined : at.map((i) => shape[i] ?? 1);
}

/** Padding as before… after…, in full. */
function sides(padding: readonly number[], n: number): { before: readonly number[]; after: readonly number[] } {
  const read = readPadding(padding, n);
  return 'kind' in read ? { before: [], after: [] } : read;
}

const swapped = (layout: string): string => layout.replace(/[OI]/g, (axis) => (axis === 'O' ? 'I' : 'O'));

interface Geometry {
  readonly input: readonly number[];
  readonly filter: readonly number[];
  readonly kernel: readonly number[];
  readonly padding: readonly number[];
  /** What the windows leave over at the end of each axis. */
  readonly rest: readonly number[];
}

/** The sizes of a convolution of `x` with `w`, or why it is none of the plain ones. */
function geometry<E>(d: Derivation<E>, x: E, w: E, attrs: ConvAttributes, spatial: string): Geometry | NoGradient {
  const input = sizesIn(d.shape(x), attrs.data_layout, `NC${spatial}`);
  const filter = sizesIn(d.shape(w), attrs.kernel_layout, `OI${spatial}`);
  if (!input || !filter) return { none: 'its layouts cut channels into blocks' };
  if (attrs.out_layout !== '' && attrs.out_layout !== attrs.data_layout)
    return { none: 'its result has another layout than its data' };
  if ((filter[1] ?? 1) * attrs.groups !== input[1])
    return { none: 'its weight stores depthwise filters with a multiplier' };
  const n = spatial.length;
  const { before, after } = sides(attrs.padding, n);
  const kernel = filter.slice(2);
  const rest = kernel.map((k, i) => {
    const room = (input[i + 2] ?? 1) + (before[i] ?? 0) + (after[i] ?? 0) - ((k - 1) * (attrs.dilation[i] ?? 1) + 1);
    return room % (attrs.strides[i] ?? 1);
  });
  return { input, filter, kernel, padding: [...before, ...after], rest };
}

/** The adjoint of the data: the transposed convolution. */
function dataAdjoint<E>(d: Derivation<E>, adjoint: E, w: E, attrs: ConvAttributes, g: Geometry): E {
  return d.call(`nn.conv${g.kernel.length}d_transpose`, [adjoint, w], {
    strides: attrs.strides,
    padding: g.padding,
    dilation: attrs.dilation,
    groups: attrs.groups,
    output_padding: g.rest,
    channels: g.input[1] ?? 1,
    kernel_size: g.kernel,
    data_layout: attrs.data_layout,
    kernel_layout: swapped(attrs.kernel_layout),
  });
}

/** The adjoint of a weight of two dimensions, stored in `kernelLayout`. */
function weightAdjoint<E>(
  d: Derivation<E>,
  grad: E,
  data: E,
  attrs: ConvAttributes,
  g: Geometry,
  kernelLayout: string,
): E {
  return d.call('nn.conv2d_backward_weight', [grad, data], {
    strides: attrs.strides,
    padding: g.padding,
    dilation: attrs.dilation,
    groups: attrs.groups,
    channels: g.filter[0] ?? 1,
    kernel_size: g.kernel,
    data_layout: attrs.data_layout,
    kernel_layout: attrs.data_layout,
    out_layout: kernelLayout,
  });
}

const conv2d = adjoints<ConvAttributes>((d, { adjoint, attrs }) => {
  const [x, w] = [d.arg(0), d.arg(1)];
  const g = geometry(d, x, w, attrs, 'HW');
  if ('none' in g) return g;
  return [dataAdjoint(d, adjoint, w, attrs, g), weightAdjoint(d, adjoint, x, attrs, g, attrs.kernel_layout)];
});

/**
 * The weight's adjoint is itself a convolution: channels are the batch, the adjoint is the weight, strides and dilation
 * change places.
 */
const conv3d = adjoints<ConvAttributes>((d, { adjoint, attrs }) => {
  const [x, w] = [d.arg(0), d.arg(1)];
  const g = geometry(d, x, w, attrs, 'DHW');
  if ('none' in g) return g;
  const forData = dataAdjoint(d, adjoint, w, attrs, g);
  if (attrs.groups !== 1 || attrs.data_layout !== 'NCDHW' || attrs.kernel_layout !== 'OIDHW')
    return [forData, { none: 'no operator sums the weight of a grouped or transposed convolution over volumes' }];
  const turned = [1, 0, 2, 3, 4];
  const [data, grad] = [d.transpose(x, turned), d.transpose(adjoint, turned)];
  const sums = d.call('nn.conv3d', [data, grad], {
    strides: attrs.dilation,
    dilation: attrs.strides,
    padding: g.padding,
    channels: null,
    kernel_size: null,
  });
  const [inputs = 1, outputs = 1] = d.shape(sums);
  return [forData, d.transpose(cut(d, sums, [0, 0, 0, 0, 0], [inputs, outputs, ...g.kernel]), turned)];
});

const convTranspose2d = adjoints<ConvAttributes>((d, { output, adjoint, attrs }) => {
  const [x, w] = [d.arg(0), d.arg(1)];
  const kernelLayout = swapped(attrs.kernel_layout);
  // The convolution that is turned round: from the result to the data.
  const turned = { ...attrs, kernel_layout: kernelLayout };
  const g = geometry(d, output, w, turned, 'HW');
  if ('none' in g) return g;
  const forData = d.call('nn.conv2d', [adjoint, w], {
    strides: attrs.strides,
    padding: g.padding,
    dilation: attrs.dilation,
    groups: attrs.groups,
    data_layout: attrs.data_layout,
    kernel_layout: kernelLayout,
  });
  return [forData, weightAdjoint(d, x, adjoint, turned, g, kernelLayout)];
});

/** Names of a layout with a height of 1 put before the width. */
const withHeight = (layout: string): string => layout.replace('W', 'HW');
const plain = /^[A-Z]*$/;

/** `e`, in a layout over W, with a height of 1. */
function tall<E>(d: Derivation<E>, e: E, layout: string): E {
  return d.call('expand_dims', [e], { axis: layout.indexOf('W') });
}
function flat<E>(d: Derivation<E>, e: E, layout: string): E {
  return d.call('squeeze', [e], { axis: [layout.indexOf('W')] });
}
const inOneRow = (padding: readonly number[]): readonly number[] => {
  const { before, after } = sides(padding, 1);
  return [0, before[0] ?? 0, 0, after[0] ?? 0];
};

/** One dimension as two with a height of 1. */
const conv1d = definition<ConvAttributes>((d, attrs) => {
  const { data_layout: data, kernel_layout: kernel } = attrs;
  if (!plain.test(data) || !plain.test(kernel)) return { none: 'its layouts cut channels into blocks' };
  const result = d.call('nn.conv2d', [tall(d, d.arg(0), data), tall(d, d.arg(1), kernel)], {
    strides: [1, ...attrs.strides],
    dilation: [1, ...attrs.dilation],
    padding: inOneRow(attrs.padding),
    groups: attrs.groups,
    data_layout: withHeight(data),
    kernel_layout: withHeight(kernel),
    out_layout: attrs.out_layout === '' ? '' : withHeight(attrs.out_layout),
  });
  return { value: flat(d, result, attrs.out_layout === '' ? data : attrs.out_layout) };
});

const convTranspose1d = definition<ConvAttributes & { readonly output_padding: readonly number[] }>((d, attrs) => {
  const { data_layout: data, kernel_layout: kernel } = attrs;
  if (!plain.test(data) || !plain.test(kernel)) return { none: 'its layouts cut channels into blocks' };
  const result = d.call('nn.conv2d_transpose', [tall(d, d.arg(0), data), tall(d, d.arg(1), kernel)], {
    strides: [1, ...attrs.strides],
    dilation: [1, ...attrs.dilation],
    padding: inOneRow(attrs.padding),
    output_padding: [0, ...attrs.output_padding],
    groups: attrs.groups,
    data_layout: withHeight(data),
    kernel_layout: withHeight(kernel),
    out_layout: attrs.out_layout === '' ? '' : withHeight(attrs.out_layout),
  });
  return { value: flat(d, result, attrs.out_layout === '' ? data : attrs.out_layout) };
});

interface Pool extends PoolAttributes {
  readonly pool_size: readonly number[];
}

function pool2d(kind: 'max' | 'avg'): GradientRule<never> {
  return adjoints<Pool>((d, { adjoint, attrs }) => {
    if (attrs.dilation.some((n) => n !== 1)) return { none: 'its windows are dilated' };
    const x = d.arg(0);
    const { pool_size, strides, layout, ceil_mode } = attrs;
    const backward = (data: typeof x, padding: readonly number[]) =>
      d.call(`nn.${kind}_pool2d_grad`, [adjoint, data], { pool_size, strides, padding, layout, ceil_mode });
    if (attrs.count_include_pad !== true) return [backward(x, attrs.padding)];
    // Padding that counts is data.
    const { before, after } = sides(attrs.padding, 2);
    const axes = spatialAxes(layout, 'HW');
    const along = (list: readonly number[]): readonly number[] =>
      d.shape(x).map((_, axis) => (axes.includes(axis) ? (list[axes.indexOf(axis)] ?? 0) : 0));
    const data = padded(d, x, along(before), along(after));
    return [cut(d, backward(data, [0, 0]), along(before), d.shape(x))];
  });
}

function pool1d(kind: 'max' | 'avg'): GradientRule<never> {
  return definition<Pool>((d, attrs) => {
    const { layout, ceil_mode, count_include_pad } = attrs;
    if (!plain.test(layout) || d.shape(d.arg(0)).length !== layout.length)
      return { none: 'its layout cuts channels into blocks' };
    const result = d.call(`nn.${kind}_pool2d`, [tall(d, d.arg(0), layout)], {
      pool_size: [1, ...attrs.pool_size],
      strides: [1, ...attrs.strides],
      dilation: [1, ...attrs.dilation],
      padding: inOneRow(attrs.padding),
      layout: withHeight(layout),
      ceil_mode,
      ...(kind === 'avg' ? { count_include_pad } : {}),
    });
    return { value: flat(d, result, layout) };
  });
}

/** Axes of the spatial dimensions in a layout, each whole. */
function spatialAxes(layout: string, spatial: string): readonly number[] {
  const parsed = parseLayout(layout);
  return typeof parsed === 'string' ? [] : [...spatial].map((axis) => axisIndex(parsed, axis));
}

function globalPool(kind: 'max' | 'mean'): GradientRule<never> {
  return definition<{ readonly layout: string }>((d, { layout }) => ({
    value: d.call(kind, [d.arg(0)], { axis: spatialAxes(layout, 'HW'), keepdims: true }),
  }));
}

interface Adaptive {
  readonly layout: string;
  readonly output_size: readonly number[] | null;
}

/** Windows that divide the data evenly: reductions over an axis of its own. */
function adaptivePool(kind: 'max' | 'mean', spatial: string): GradientRule<never> {
  return definition<Adaptive>((d, { layout, output_size: written }) => {
    const x = d.arg(0);
    const shape = d.shape(x);
    const axes = spatialAxes(layout, spatial);
    const wanted = axes.map((axis, i) =>
      !written || written.length === 0 ? (shape[axis] ?? 1) : (written[written.length === 1 ? 0 : i] ?? 1),
    );
    if (axes.some((axis, i) => (shape[axis] ?? 1) % (wanted[i] ?? 1) !== 0))
      return { none: 'its windows do not divide the data evenly' };
    const split: number[] = [];
    const reduced: number[] = [];
    shape.forEach((size, axis) => {
      const i = axes.indexOf(axis);
      if (i < 0) split.push(size);
      else {
        split.push(wanted[i] ?? 1, size / (wanted[i] ?? 1));
        reduced.push(split.length - 1);
      }
    });
    return { value: d.call(kind, [d.reshape(x, split)], { axis: reduced }) };
  });
}

interface Pad {
  readonly pad_width: readonly (readonly number[])[];
  readonly pad_mode: string;
}

/** Nearest upsampling by whole factors: every element appears in a block. */
const upsampling = definition<{
  readonly scale_h: number;
  readonly scale_w: number;
  readonly layout: string;
  readonly method: string;
}>((d, attrs) => {
  if (attrs.method !== 'nearest_neighbor') return { none: 'no operator sums over its overlapping samples' };
  let result = d.arg(0);
  for (const [i, axis] of spatialAxes(attrs.layout, 'HW').entries()) {
    const factor = i === 0 ? attrs.scale_h : attrs.scale_w;
    if (axis < 0 || !Number.isInteger(factor) || factor < 1) return { none: 'its factors are no whole numbers' };
    result = d.call('repeat', [result], { repeats: factor, axis });
  }
  return { value: result };
});

interface SubPixel {
  readonly block_size: number;
  readonly layout: string;
  readonly mode: string;
}

export const windowAdjoints: Readonly<Record<string, GradientRule<never>>> = {
  'nn.conv1d': conv1d,
  'nn.conv2d': conv2d,
  'nn.conv3d': conv3d,
  'nn.conv1d_transpose': convTranspose1d,
  'nn.conv2d_transpose': convTranspose2d,
  'nn.max_pool1d': pool1d('max'),
  'nn.avg_pool1d': pool1d('avg'),
  'nn.max_pool2d': pool2d('max'),
  'nn.avg_pool2d': pool2d('avg'),
  'nn.global_max_pool2d': globalPool('max'),
  'nn.global_avg_pool2d': globalPool('mean'),
  'nn.adaptive_max_pool1d': adaptivePool('max', 'W'),
  'nn.adaptive_max_pool2d': adaptivePool('max', 'HW'),
  'nn.adaptive_max_pool3d': adaptivePool('max', 'DHW'),
  'nn.adaptive_avg_pool1d': adaptivePool('mean', 'W'),
  'nn.adaptive_avg_pool2d': adaptivePool('mean', 'HW'),
  'nn.adaptive_avg_pool3d': adaptivePool('mean', 'DHW'),
  'nn.pad': adjoints<Pad>((d, { adjoint, attrs }) => {
    if (attrs.pad_mode !== 'constant') return { none: `it pads in the mode "${attrs.pad_mode}"` };
    const before = attrs.pad_width.map(([low]) => low ?? 0);
    if (attrs.pad_width.flat().some((n) => n < 0)) return { none: 'it cuts elements off' };
    const inside = cut(d, adjoint, before, d.shape(d.arg(0)));
    const axes = [...before.keys()];
    return [inside, d.reshape(d.sub(d.sum(adjoint, axes), d.sum(inside, axes)), d.shape(d.arg(1)))];
  }),
  'nn.upsampling': upsampling,
  'nn.space_to_depth': adjoints<SubPixel>((d, { adjoint, attrs }) => [
    d.call('nn.depth_to_space', [adjoint], { block_size: attrs.block_size, layout: attrs.layout, mode: 'DCR' }),
  ]),
  'nn.depth_to_space': adjoints<SubPixel>((d, { adjoint, attrs }) => {
    if (attrs.mode !== 'DCR') return { none: `it reads channels in the mode "${attrs.mode}"` };
    return [d.call('nn.space_to_depth', [adjoint], { block_size: attrs.block_size, layout: attrs.layout })];
  }),
  'nn.dilate': adjoints<{ readonly strides: readonly number[] }>((d, { adjoint, attrs }) => [
    d.call('strided_slice', [adjoint], {
      begin: attrs.strides.map(() => 0),
      end: [...d.shape(adjoint)],
      strides: attrs.strides,
      axes: null,
    }),
  ]),
};
