/** `nn.upsampling` and `nn.upsampling3d`. */
import type { TETensor } from '../../tensor/te.ts';
import type { Dim } from '../../types/type.ts';
import { anyDim, tensorType } from '../../types/type.ts';
import { printDim } from '../../types/print.ts';
import { attr } from '../attributes.ts';
import type { Sampling } from '../compute/interpolate.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import { canonicalLayout, resample } from '../image/resample.ts';
import type { ComputeContext, DimOrigin, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { dimOf, dimValue, isNamedDim, mulDims } from '../relations/dims.ts';
import { copyOf } from '../relations/explain.ts';
import { shapeInLayout } from './conv-layouts.ts';
import { convertShape, parseLayout } from './layout.ts';
import { ok, tensorInput } from './relate.ts';
import { readLayout } from './shapes.ts';

/** `size` times a factor, rounded half to even; the factor counts as float32. */
export function scaledSize(size: number, factor: number): number {
  const exact = size * Math.fround(factor);
  const floor = Math.floor(exact);
  const rest = exact - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

function scaled(dim: Dim, scale: number): Dim {
  const value = dimValue(dim);
  if (isNamedDim(dim) && Number.isInteger(scale)) return mulDims(dim, scale);
  return value === undefined ? anyDim : dimOf(BigInt(scaledSize(Number(value), scale)), typeof dim !== 'number');
}

function relateScaled(
  context: Pick<RelateContext<{ readonly layout: string }>, 'inputs' | 'attrs'>,
  spatial: string,
  scales: readonly number[],
): RelateResult {
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const canonical = canonicalLayout(spatial);
  const layout = readLayout('layout', context.attrs.layout, canonical.text);
  if ('kind' in layout) return layout;
  const shape = shapeInLayout(data, 0, 'data', layout, 'layout', canonical);
  if ('kind' in shape) return shape;
  const result = shape.map((dim, d) => (d < 2 ? dim : scaled(dim, scales[d - 2] ?? 1)));
  return ok(tensorType(convertShape(canonical, result, layout), data.dtype));
}

function explainScaled(
  context: Pick<RelateContext<{ readonly layout: string }>, 'inputs' | 'attrs'>,
  spatial: string,
  scales: readonly number[],
  dim: number,
): DimOrigin | undefined {
  const layout = parseLayout(context.attrs.layout);
  const [data] = context.inputs;
  if (typeof layout === 'string' || data?.kind !== 'tensor') return undefined;
  const axis = layout.axes[dim]?.axis ?? '';
  const i = spatial.indexOf(axis);
  if (i < 0) return copyOf(0, dim);
  return {
    formula: `round(${printDim(data.shape[dim] ?? 1)} · ${scales[i] ?? 1})`,
    sources: [
      { kind: 'input', index: 0, dim },
      { kind: 'attribute', name: `scale_${axis.toLowerCase()}` },
    ],
  };
}

type Attributes = { readonly layout: string };

/** How `nn.upsampling` and its forms with factors as arguments sample. */
export function upsamplingOf(method: string, mode: string): Sampling {
  const linear = method === 'bilinear' || method === 'trilinear' || method === 'linear';
  return {
    method: linear ? 'linear' : method === 'bicubic' || method === 'cubic' ? 'cubic' : 'nearest_neighbor',
    mode,
    rounding: '',
    alpha: -0.5,
    exclude: false,
    extrapolation: 0,
  };
}

/** The coordinates that `align_corners` chooses. */
export const cornerMode = (alignCorners: boolean): string => (alignCorners ? 'align_corners' : 'asymmetric');

function computeScaled(
  context: Pick<ComputeContext<Attributes>, 'inputs' | 'attrs' | 'outputs'>,
  spatial: string,
  sampling: Sampling,
): TETensor[] {
  const layout = parseLayout(context.attrs.layout);
  if (typeof layout === 'string') throw new Error('upsampling: the layout was not checked');
  return [resample(tensorAt(context, 0), outputOf(context), layout, spatial, sampling)];
}

const data = [{ name: 'data', summary: 'The tensor.' }];
const factor = (what: string) => attr.float(`Factor of the ${what}.`);
const tolerance = { relative: 1e-4, absolute: 1e-5 };

const upsampling = defineOperator({
  name: 'nn.upsampling',
  summary: 'Enlarges height and width by factors.',
  inputs: data,
  attributes: {
    scale_h: factor('height'),
    scale_w: factor('width'),
    layout: attr.string("Order of the data's dimensions.", { default: 'NCHW' }),
    method: attr.string('Interpolation.', {
      default: 'nearest_neighbor',
      values: ['nearest_neighbor', 'bilinear', 'bicubic'],
    }),
    align_corners: attr.bool('Maps the corner elements onto each other.', { default: false }),
  },
  attrsType: 'relay.attrs.UpSamplingAttrs',
  relate: (context) => relateScaled(context, 'HW', [context.attrs.scale_h, context.attrs.scale_w]),
  explain: (context, _result, at) =>
    explainScaled(context, 'HW', [context.attrs.scale_h, context.attrs.scale_w], at.dim),
  compute: (context) =>
    computeScaled(context, 'HW', upsamplingOf(context.attrs.method, cornerMode(context.attrs.align_corners))),
  fusion: 'injective',
  tolerance,
});

const upsampling3d = defineOperator({
  name: 'nn.upsampling3d',
  summary: 'Enlarges depth, height and width by factors.',
  inputs: data,
  attributes: {
    scale_d: factor('depth'),
    scale_h: factor('height'),
    scale_w: factor('width'),
    layout: attr.string("Order of the data's dimensions.", { default: 'NCDHW' }),
    method: attr.string('Interpolation.', { default: 'nearest_neighbor', values: ['nearest_neighbor', 'trilinear'] }),
    coordinate_transformation_mode: attr.string('How positions of the result map to the data.', {
      default: 'half_pixel',
      values: ['half_pixel', 'align_corners', 'asymmetric'],
    }),
  },
  attrsType: 'relay.attrs.UpSampling3DAttrs',
  relate: (context) =>
    relateScaled(context, 'DHW', [context.attrs.scale_d, context.attrs.scale_h, context.attrs.scale_w]),
  explain: (context, _result, at) =>
    explainScaled(context, 'DHW', [context.attrs.scale_d, context.attrs.scale_h, context.attrs.scale_w], at.dim),
  compute: (context) =>
    computeScaled(context, 'DHW', upsamplingOf(context.attrs.method, context.attrs.coordinate_transformation_mode)),
  fusion: 'injective',
  tolerance,
});

export const upsamplingOperators = [upsampling, upsampling3d];
