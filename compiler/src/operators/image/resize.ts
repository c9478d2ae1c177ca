/** `image.resize1d`, `image.resize2d`, `image.resize3d` and `image.crop_and_resize`. */
import type { TEExpr } from '../../tensor/te.ts';
import { add, binary, cast, compute, constant, int, load, mul, sub } from '../../tensor/te.ts';
import type { Dim, TensorType } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import { attr, writtenDim } from '../attributes.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import type { Region, Sampling } from '../compute/interpolate.ts';
import { coordinateModes, expressions, interpolate, methods, roundings } from '../compute/interpolate.ts';
import type { DimOrigin, Operator } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { convertShape, loadIn, logicalIndices, parseLayout } from '../nn/layout.ts';
import type { Layout } from '../nn/layout.ts';
import { shapeInLayout } from '../nn/conv-layouts.ts';
import type { Failure } from '../nn/relate.ts';
import { badAttribute, ok, onInput, fail, tensorInput } from '../nn/relate.ts';
import { readLayout } from '../nn/shapes.ts';
import { copyOf, fromAttribute } from '../relations/explain.ts';
import { bounded } from '../transform/gather.ts';
import { canonicalLayout, resample } from './resample.ts';

const tolerance = { relative: 1e-4, absolute: 1e-5 };
const axisNames: Readonly<Record<string, string>> = { D: 'depth', H: 'height', W: 'width' };
const namesOf = (spatial: string): string => [...spatial].map((axis) => axisNames[axis]).join(', ');

/** The attributes of resizing but size and region, shared with the form whose size is an argument. */
export const resizeAttributes = {
  method: attr.string('Interpolation.', { default: 'linear', values: methods }),
  coordinate_transformation_mode: attr.string('How positions of the result map to positions of the data.', {
    default: 'half_pixel',
    values: coordinateModes,
  }),
  rounding_method: attr.string('Which element counts as nearest; empty follows the coordinates.', {
    default: 'round',
    values: roundings,
  }),
  cubic_alpha: attr.float('Parameter of the cubic kernel.', { default: -0.5 }),
  cubic_exclude: attr.int('When not 0, elements outside of the data count nothing in the cubic kernel.', {
    default: 0,
  }),
  extrapolation_value: attr.float('Value outside of the data when a region is cropped.', { default: 0 }),
  out_dtype: attr.dtype('Element type of the result; that of the data when empty.', { default: null }),
};

export function samplingOf(attrs: {
  readonly method: string;
  readonly coordinate_transformation_mode: string;
  readonly rounding_method: string;
  readonly cubic_alpha: number;
  readonly cubic_exclude: number;
  readonly extrapolation_value: number;
}): Sampling {
  return {
    method: attrs.method,
    mode: attrs.coordinate_transformation_mode,
    rounding: attrs.rounding_method,
    alpha: attrs.cubic_alpha,
    exclude: attrs.cubic_exclude !== 0,
    extrapolation: attrs.extrapolation_value,
  };
}

/** The region by spatial axis. In three dimensions it is written width first. */
export function regionsOf(roi: readonly number[], rank: number): readonly Region[] {
  return Array.from({ length: rank }, (_, d) => {
    const at = rank === 3 ? rank - 1 - d : d;
    return { start: roi[at] ?? 0, end: roi[at + rank] ?? 0 };
  });
}

/** The data's shape with new extents along the spatial axes, in the data's layout. */
function resizedShape(
  data: TensorType,
  text: string,
  spatial: string,
  sizes: readonly Dim[],
  batch?: Dim,
): readonly Dim[] | Failure {
  const canonical = canonicalLayout(spatial);
  const layout = readLayout('layout', text, canonical.text);
  if ('kind' in layout) return layout;
  const shape = shapeInLayout(data, 0, 'data', layout, 'layout', canonical);
  if ('kind' in shape) return shape;
  return convertShape(
    canonical,
    shape.map((dim, d) => (d === 0 ? (batch ?? dim) : d === 1 ? dim : (sizes[d - 2] ?? dim))),
    layout,
  );
}

/** Demands a size a spatial axis. */
function checkSizes(name: string, sizes: readonly Dim[] | null, spatial: string): readonly Dim[] | Failure {
  if (sizes?.length === spatial.length) return sizes;
  const wanted = `${spatial.length} number${spatial.length === 1 ? '' : 's'} (${namesOf(spatial)})`;
  return badAttribute(
    name,
    sizes ? `\`${name}\` must have ${wanted}, but it has ${sizes.length}.` : `\`${name}\` must have ${wanted}.`,
    { remedy: `Write \`${name}=[${[...spatial].map(() => 8).join(', ')}]\` with the sizes you want.` },
  );
}

function explainResized(text: string, spatial: string, name: string, dim: number): DimOrigin | undefined {
  const layout = parseLayout(text);
  if (typeof layout === 'string') return undefined;
  const { axis, block } = layout.axes[dim] ?? { axis: '' };
  const at = spatial.indexOf(axis);
  return at >= 0 && block === undefined ? fromAttribute(name, at) : copyOf(0, dim);
}

const knownLayout = (text: string): Layout => {
  const layout = parseLayout(text);
  if (typeof layout === 'string') throw new Error('resize: the layout was not checked');
  return layout;
};

function resize(spatial: string): Operator {
  const rank = spatial.length;
  const region = Array<number>(2 * rank).fill(0);
  return defineOperator({
    name: `image.resize${rank}d`,
    summary: `Resizes ${namesOf(spatial)} by interpolation.`,
    details:
      'The middle of an element is its position under `half_pixel`; `align_corners` maps the outermost elements onto ' +
      'each other; `asymmetric` maps the first ones. Integer data are interpolated as float32 and truncated.',
    inputs: [{ name: 'data', summary: 'The tensor.' }],
    attributes: {
      size: attr.maybeDims(`The new ${namesOf(spatial)}.`, { default: null }),
      roi: attr.floats(
        rank === 3
          ? 'The region that is cropped, in fractions: starts, then ends, each as width, height, depth.'
          : 'The region that is cropped, in fractions of the extents: starts, then ends.',
        { default: [], strict: true },
      ),
      layout: attr.string("Order of the data's dimensions.", { default: `NC${spatial}` }),
      ...resizeAttributes,
    },
    attrsType: `relay.attrs.Resize${rank}DAttrs`,
    relate(context) {
      const { attrs } = context;
      const data = tensorInput(context, 0, 'data');
      if (data.kind !== 'tensor') return data;
      const sizes = checkSizes('size', attrs.size?.map(writtenDim) ?? null, spatial);
      if ('kind' in sizes) return sizes;
      if (attrs.roi.length !== 2 * rank)
        return badAttribute('roi', `\`roi\` must have ${2 * rank} numbers, but it has ${attrs.roi.length}.`, {
          remedy: `Write \`roi=[${region.map(() => '0f').join(', ')}]\`; it matters only under "tf_crop_and_resize".`,
        });
      const shape = resizedShape(data, attrs.layout, spatial, sizes);
      return 'kind' in shape ? shape : ok(tensorType(shape, attrs.out_dtype ?? data.dtype));
    },
    explain: (context, _result, at) => explainResized(context.attrs.layout, spatial, 'size', at.dim),
    compute: (context) => [
      resample(
        tensorAt(context, 0),
        outputOf(context),
        knownLayout(context.attrs.layout),
        spatial,
        samplingOf(context.attrs),
        regionsOf(context.attrs.roi, rank),
      ),
    ],
    fusion: 'injective',
    tolerance,
    ...(rank === 2
      ? {
          examples: [
            {
              title: 'Double height and width',
              source: `def @main(%x: Tensor[(1, 3, 16, 16), float32]) {
  image.resize2d(%x, size=[32, 32], roi=[0f, 0f, 0f, 0f])
}`,
            },
          ],
        }
      : {}),
  });
}

const cropAndResize = defineOperator({
  name: 'image.crop_and_resize',
  summary: 'Cuts boxes out of images and resizes them to one size.',
  details:
    'A box is given by `y1, x1, y2, x2` in fractions of the extents. Positions outside take one value; the index of an ' +
    'image that does not exist means the first or last.',
  inputs: [
    { name: 'data', summary: 'The images.' },
    { name: 'boxes', summary: 'A row for each box: `y1, x1, y2, x2`.' },
    { name: 'box_indices', summary: 'The image of each box.' },
  ],
  attributes: {
    crop_size: attr.maybeDims('Height and width of the results.', { default: null }),
    layout: attr.string("Order of the data's dimensions.", { default: 'NCHW' }),
    method: attr.string('Interpolation.', { default: 'bilinear', values: ['bilinear', 'nearest_neighbor'] }),
    extrapolation_value: attr.float('Value outside of the data.', { default: 0 }),
    out_dtype: attr.dtype('Element type of the result; that of the data when empty.', { default: null }),
  },
  attrsType: 'relay.attrs.CropAndResizeAttrs',
  relate(context) {
    const { attrs } = context;
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const boxes = tensorInput(context, 1, 'boxes');
    if (boxes.kind !== 'tensor') return boxes;
    const indices = tensorInput(context, 2, 'box_indices');
    if (indices.kind !== 'tensor') return indices;
    const sizes = checkSizes('crop_size', attrs.crop_size?.slice(0, 2).map(writtenDim) ?? null, 'HW');
    if ('kind' in sizes) return sizes;
    const [count] = boxes.shape;
    if (count === undefined)
      return fail('rank-mismatch', '`boxes` must have a row for each box, found a scalar.', onInput(1));
    const shape = resizedShape(data, attrs.layout, 'HW', sizes, count);
    return 'kind' in shape ? shape : ok(tensorType(shape, attrs.out_dtype ?? data.dtype));
  },
  explain(context, _result, at) {
    const origin = explainResized(context.attrs.layout, 'HW', 'crop_size', at.dim);
    const layout = parseLayout(context.attrs.layout);
    const isBatch = typeof layout !== 'string' && layout.axes[at.dim]?.axis === 'N';
    return isBatch ? copyOf(1, 0) : origin;
  },
  compute(context) {
    const data = tensorAt(context, 0);
    const boxes = tensorAt(context, 1);
    const images = tensorAt(context, 2);
    const output = outputOf(context);
    const layout = knownLayout(context.attrs.layout);
    const canonical = canonicalLayout('HW');
    const sizes = convertShape(layout, data.shape, canonical).map(Number);
    const counts = convertShape(layout, output.shape, canonical).map(Number);
    const sampling: Sampling = {
      method: context.attrs.method === 'bilinear' ? 'linear' : context.attrs.method,
      mode: 'tf_crop_and_resize',
      rounding: 'round',
      alpha: -0.5,
      exclude: false,
      extrapolation: context.attrs.extrapolation_value,
    };
    const real = (value: number): TEExpr => constant(Math.fround(value), 'float32');
    return [
      compute('crop_and_resize', output.shape, (...i) => {
        const logical = logicalIndices(layout, i);
        const box = logical.get('N') ?? int(0);
        const edge = (k: number): TEExpr => cast('float32', load(boxes, box, int(k)));
        const positions = ['H', 'W'].map((axis, d) => {
          const size = sizes[d + 2] ?? 1;
          const last = real(size - 1);
          const extent = mul(last, sub(edge(d + 2), edge(d)));
          // One position a box has no step; it lies at the box's start.
          const count = Math.max((counts[d + 2] ?? 1) - 1, 1);
          const step = binary('div', extent, real(count));
          const o = cast('float32', logical.get(axis) ?? int(0));
          return { size, at: add(mul(edge(d), last), mul(step, o)) };
        });
        // An image that does not exist would be read from other memory.
        const image = bounded(load(images, box), sizes[0] ?? 1, 'clip');
        const value = interpolate(expressions, positions, sampling, (indices) => {
          const [h = int(0), w = int(0)] = indices;
          const source = new Map(logical).set('N', image).set('H', h).set('W', w);
          return cast('float32', loadIn(data, layout, source));
        });
        return cast(output.dtype, value);
      }),
    ];
  },
  fusion: 'injective',
  tolerance,
});

export const resizeOperators: readonly Operator[] = [resize('W'), resize('HW'), resize('DHW'), cropAndResize];
