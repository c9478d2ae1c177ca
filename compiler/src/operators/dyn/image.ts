/** Padding and resizing with sizes as arguments. */
import { anyDim, tensorType } from '../../types/type.ts';
import type { Dim, TensorType } from '../../types/type.ts';
import type { NDArray } from '../../tensor/ndarray.ts';
import { attr } from '../attributes.ts';
import { arrayAt, elementAt, numbersOf } from '../compute/arrays.ts';
import type { Sampling } from '../compute/interpolate.ts';
import { resampleArray } from '../image/resample.ts';
import { regionsOf, resizeAttributes, samplingOf } from '../image/resize.ts';
import type { DimOrigin, KernelContext, Operator, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import type { Layout } from '../nn/layout.ts';
import { axisIndex, convertible, parseLayout } from '../nn/layout.ts';
import { cornerMode, scaledSize, upsamplingOf } from '../nn/upsampling.ts';
import { copyOf, originOf } from '../relations/explain.ts';
import { badAttribute, done, failed, inputBlame, requireRank, tensorInput } from '../relations/inputs.ts';
import { allTensors, anyDims, moveArray } from './define.ts';

const data = { name: 'data', summary: 'the tensor' };

const pad = defineOperator({
  name: 'dyn.nn.pad',
  summary: 'As `nn.pad`, with the widths as an argument.',
  inputs: [
    data,
    { name: 'pad_width', summary: 'a row for each dimension: elements before and after' },
    { name: 'pad_val', summary: 'the value to pad with, a scalar' },
  ],
  attributes: {
    pad_width: attr.any('not used: the widths are an argument'),
    pad_mode: attr.string('`constant`, `edge` or `reflect`', { default: 'constant' }),
  },
  attrsType: 'relay.attrs.PadAttrs',
  relate: (context) => {
    const inputs = allTensors(context, ['data', 'pad_width', 'pad_val']);
    if (inputs.kind !== 'tensors') return inputs;
    const [x, width] = inputs.types;
    if (!x || !width) return { kind: 'wait' };
    if (x.shape.length === 0)
      return failed('rank-mismatch', '`data` must have at least 1 dimension, found a scalar.', inputBlame(0), {
        remedy: 'Pass a tensor.',
      });
    const problem = requireRank(width, 1, 'pad_width', 2);
    return problem ?? done(tensorType(anyDims(x.shape.length), x.dtype));
  },
  explain: (_context, _result, at) =>
    originOf('known at run time', { kind: 'input', index: 0, dim: at.dim }, { kind: 'input', index: 1, dim: 0 }),
  kernel: (context) => {
    const x = arrayAt(context, 0);
    const width = numbersOf(arrayAt(context, 1));
    const shape = x.shape.map((n, d) => n + (width[2 * d] ?? 0) + (width[2 * d + 1] ?? 0));
    const { pad_mode: mode } = context.attrs;
    const source = (i: readonly number[]): readonly number[] | undefined => {
      const at = i.map((k, d) => k - (width[2 * d] ?? 0));
      if (mode === 'edge') return at.map((k, d) => Math.min(Math.max(k, 0), (x.shape[d] ?? 1) - 1));
      if (mode === 'reflect')
        return at.map((k, d) => {
          const last = (x.shape[d] ?? 1) - 1;
          return k < 0 ? -k : k > last ? 2 * last - k : k;
        });
      return at.every((k, d) => k >= 0 && k < (x.shape[d] ?? 1)) ? at : undefined;
    };
    return [moveArray(x, shape, source, elementAt(arrayAt(context, 2), 0))];
  },
  asStatic: {
    known: [1],
    call: ({ attrs, shape, values }) => ({
      operator: 'nn.pad',
      args: [0, 2],
      attrs: {
        pad_width: shape(0).map((_, d) => [values(1)[2 * d] ?? 0, values(1)[2 * d + 1] ?? 0]),
        pad_mode: attrs.pad_mode,
      },
    }),
  },
  fusion: 'injective',
});

/** The data's shape with `?` for each of the spatial axes, by layout. */
function spatialUnknown(x: TensorType, text: string, axes: string, spatial: string): readonly Dim[] | RelateResult {
  const layout = parseLayout(text);
  const reference = parseLayout(axes);
  if (typeof layout === 'string' || typeof reference === 'string' || !convertible(layout, reference))
    return badAttribute(
      'layout',
      `\`layout\` must be an order of the axes ${axes}, found "${text}".`,
      `Write "${axes}".`,
    );
  const problem = requireRank(x, 0, 'data', layout.axes.length, `in layout "${text}"`);
  return problem ?? x.shape.map((dim, d) => (spatial.includes(layout.axes[d]?.axis ?? '') ? anyDim : dim));
}

function explainSpatial(axes: string) {
  return (
    context: { readonly attrs: { readonly layout: string } },
    _result: unknown,
    at: { readonly dim: number },
  ): DimOrigin => {
    const layout = parseLayout(context.attrs.layout);
    const axis = typeof layout === 'string' ? '' : (layout.axes[at.dim]?.axis ?? '');
    return axes.includes(axis)
      ? originOf('known at run time', { kind: 'input', index: 0, dim: at.dim })
      : copyOf(0, at.dim);
  };
}

const tolerance = { relative: 1e-4, absolute: 1e-5 };

function knownLayout(text: string): Layout {
  const layout = parseLayout(text);
  if (typeof layout === 'string') throw new Error('dyn: the layout was not checked');
  return layout;
}

/** The data enlarged by the factors that follow it among the arguments. */
function upsampled(
  context: Pick<KernelContext<unknown>, 'inputs'>,
  text: string,
  spatial: string,
  sampling: Sampling,
): NDArray {
  const x = arrayAt(context, 0);
  const layout = knownLayout(text);
  const counts = [...spatial].map((axis, d) =>
    scaledSize(x.shape[axisIndex(layout, axis)] ?? 1, Number(elementAt(arrayAt(context, d + 1), 0))),
  );
  return resampleArray(x, x.dtype, counts, layout, spatial, sampling);
}

const upsampling = defineOperator({
  name: 'dyn.nn.upsampling',
  summary: 'As `nn.upsampling`, with the factors as arguments.',
  inputs: [
    data,
    { name: 'scale_h', summary: 'the factor of the height, a scalar' },
    { name: 'scale_w', summary: 'the factor of the width, a scalar' },
  ],
  attributes: {
    scale_h: attr.float('not used: the factors are arguments'),
    scale_w: attr.float('not used'),
    layout: attr.string('the order of the dimensions', { default: 'NCHW' }),
    method: attr.string('`nearest_neighbor`, `bilinear` or `bicubic`', { default: 'nearest_neighbor' }),
    align_corners: attr.bool('the corners keep their values', { default: false }),
  },
  attrsType: 'relay.attrs.UpSamplingAttrs',
  relate: (context) => {
    const inputs = allTensors(context, ['data', 'scale_h', 'scale_w']);
    if (inputs.kind !== 'tensors') return inputs;
    const [x, height, width] = inputs.types;
    if (!x || !height || !width) return { kind: 'wait' };
    const problem = requireRank(height, 1, 'scale_h', 0) ?? requireRank(width, 2, 'scale_w', 0);
    if (problem) return problem;
    const shape = spatialUnknown(x, context.attrs.layout, 'NCHW', 'HW');
    return 'kind' in shape ? shape : done(tensorType(shape, x.dtype));
  },
  explain: explainSpatial('HW'),
  kernel: (context) => {
    const { layout, method, align_corners: corners } = context.attrs;
    return [upsampled(context, layout, 'HW', upsamplingOf(method, cornerMode(corners)))];
  },
  asStatic: {
    known: [1, 2],
    call: ({ attrs, values }) => ({
      operator: 'nn.upsampling',
      args: [0],
      attrs: { ...attrs, scale_h: values(1)[0] ?? 1, scale_w: values(2)[0] ?? 1 },
    }),
  },
  fusion: 'injective',
  tolerance,
});

const upsampling3d = defineOperator({
  name: 'dyn.nn.upsampling3d',
  summary: 'As `nn.upsampling3d`, with the factors as arguments.',
  inputs: [
    data,
    { name: 'scale_d', summary: 'the factor of the depth, a scalar' },
    { name: 'scale_h', summary: 'the factor of the height, a scalar' },
    { name: 'scale_w', summary: 'the factor of the width, a scalar' },
  ],
  attributes: {
    scale_d: attr.float('not used: the factors are arguments'),
    scale_h: attr.float('not used'),
    scale_w: attr.float('not used'),
    layout: attr.string('the order of the dimensions', { default: 'NCDHW' }),
    method: attr.string('`nearest_neighbor` or `trilinear`', { default: 'nearest_neighbor' }),
    coordinate_transformation_mode: attr.string('how positions of the result map to positions of the data', {
      default: 'half_pixel',
    }),
  },
  attrsType: 'relay.attrs.UpSampling3DAttrs',
  relate: (context) => {
    const x = tensorInput(context, 0, 'data');
    if (x.kind !== 'tensor') return x;
    const shape = spatialUnknown(x, context.attrs.layout, 'NCDHW', 'DHW');
    return 'kind' in shape ? shape : done(tensorType(shape, x.dtype));
  },
  explain: explainSpatial('DHW'),
  kernel: (context) => {
    const { layout, method, coordinate_transformation_mode: mode } = context.attrs;
    return [upsampled(context, layout, 'DHW', upsamplingOf(method, mode))];
  },
  asStatic: {
    known: [1, 2, 3],
    call: ({ attrs, values }) => ({
      operator: 'nn.upsampling3d',
      args: [0],
      attrs: { ...attrs, scale_d: values(1)[0] ?? 1, scale_h: values(2)[0] ?? 1, scale_w: values(3)[0] ?? 1 },
    }),
  },
  fusion: 'injective',
  tolerance,
});

const resize2d = defineOperator({
  name: 'dyn.image.resize2d',
  summary: 'As `image.resize2d`, with the size as an argument.',
  inputs: [
    data,
    { name: 'size', summary: 'height and width of the result' },
    { name: 'roi', summary: 'the region that is resized' },
  ],
  attributes: {
    size: attr.maybeInts('not used: the size is an argument', { default: null }),
    roi: attr.any('not used', { default: null }),
    layout: attr.string('the order of the dimensions', { default: 'NCHW' }),
    ...resizeAttributes,
  },
  attrsType: 'relay.attrs.Resize2DAttrs',
  relate: (context) => {
    const x = tensorInput(context, 0, 'data');
    if (x.kind !== 'tensor') return x;
    const shape = spatialUnknown(x, context.attrs.layout, 'NCHW', 'HW');
    return 'kind' in shape ? shape : done(tensorType(shape, context.attrs.out_dtype ?? x.dtype));
  },
  explain: explainSpatial('HW'),
  kernel: (context) => {
    const x = arrayAt(context, 0);
    const [sizes, roi] = [numbersOf(arrayAt(context, 1)), numbersOf(arrayAt(context, 2))];
    const { layout, out_dtype: dtype } = context.attrs;
    const sampling = samplingOf(context.attrs);
    return [resampleArray(x, dtype ?? x.dtype, sizes, knownLayout(layout), 'HW', sampling, regionsOf(roi, 2))];
  },
  asStatic: {
    known: [1, 2],
    call: ({ attrs, values }) => ({
      operator: 'image.resize2d',
      args: [0],
      attrs: { ...attrs, size: values(1), roi: values(2).length === 4 ? values(2) : [0, 0, 0, 0] },
    }),
  },
  fusion: 'injective',
  tolerance,
});

export const dynamicImageOperators: readonly Operator[] = [pad, upsampling, upsampling3d, resize2d];
