/** `nn.upsampling` and `nn.upsampling3d`. */
import { isFloat } from '../../tensor/dtype.ts';
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import { add, cast, compute, constant, int, maximum, minimum, mul, sub, unary } from '../../tensor/te.ts';
import type { Dim } from '../../types/type.ts';
import { anyDim, tensorType } from '../../types/type.ts';
import { printDim } from '../../types/print.ts';
import { attr } from '../attributes.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import type { ComputeContext, DimOrigin, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { dimOf, dimValue } from '../relations/dims.ts';
import { copyOf } from '../relations/explain.ts';
import { shapeInLayout } from './convolution.ts';
import type { Layout } from './layout.ts';
import { convertShape, loadIn, logicalIndices, parseLayout } from './layout.ts';
import { ok, tensorInput } from './relate.ts';
import { readLayout } from './shapes.ts';

const order = (spatial: string): Layout => ({
  text: `NC${spatial}`,
  axes: [...`NC${spatial}`].map((axis) => ({ axis })),
});

/** The scaled size, rounded half to even; the scale counts as float32. */
function scaled(dim: Dim, scale: number): Dim {
  const value = dimValue(dim);
  if (value === undefined) return anyDim;
  const exact = Number(value) * Math.fround(scale);
  const floor = Math.floor(exact);
  const rest = exact - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  return dimOf(BigInt(up ? floor + 1 : floor), typeof dim !== 'number');
}

function relateScaled(
  context: Pick<RelateContext<{ readonly layout: string }>, 'inputs' | 'attrs'>,
  spatial: string,
  scales: readonly number[],
): RelateResult {
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const canonical = order(spatial);
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

type Coordinates = 'asymmetric' | 'align_corners' | 'half_pixel';
type Method = 'nearest' | 'linear' | 'cubic';
interface Tap {
  readonly index: TEExpr;
  readonly weight?: TEExpr;
}

const real = (value: number): TEExpr => constant(Math.fround(value), 'float32');

/** The input elements along one dimension that make up output `o`, with their weights. */
function taps(o: TEExpr, size: number, count: number, method: Method, mode: Coordinates): readonly Tap[] {
  const scale = mode === 'align_corners' ? (count > 1 ? (size - 1) / (count - 1) : 0) : size / count;
  const position = cast('float32', o);
  const source =
    mode === 'half_pixel' ? sub(mul(add(position, real(0.5)), real(scale)), real(0.5)) : mul(position, real(scale));
  const clamped = (index: TEExpr): TEExpr => minimum(maximum(index, int(0)), int(size - 1));
  if (method === 'nearest') {
    const index = mode === 'align_corners' ? unary('round', source) : unary('floor', add(source, real(1e-5)));
    return [{ index: clamped(cast('int32', index)) }];
  }
  const floor = unary('floor', source);
  const t = sub(source, floor);
  const base = cast('int32', floor);
  const at = (offset: number): TEExpr => clamped(add(base, int(offset)));
  if (method === 'linear')
    return [
      { index: at(0), weight: sub(real(1), t) },
      { index: at(1), weight: t },
    ];
  const a = -0.5;
  const t2 = mul(t, t);
  const t3 = mul(t2, t);
  const polynomial = (c3: number, c2: number, c1: number, c0: number): TEExpr =>
    add(add(add(mul(t3, real(c3)), mul(t2, real(c2))), mul(t, real(c1))), real(c0));
  return [
    { index: at(-1), weight: polynomial(a, -2 * a, a, 0) },
    { index: at(0), weight: polynomial(a + 2, -(a + 3), 0, 1) },
    { index: at(1), weight: polynomial(-(a + 2), 2 * a + 3, -a, 0) },
    { index: at(2), weight: polynomial(-a, a, 0, 0) },
  ];
}

function computeScaled(
  context: Pick<ComputeContext<{ readonly layout: string }>, 'inputs' | 'attrs' | 'outputs'>,
  spatial: string,
  method: Method,
  mode: Coordinates,
): TETensor[] {
  const data = tensorAt(context, 0);
  const output = outputOf(context);
  const layout = parseLayout(context.attrs.layout);
  if (typeof layout === 'string') throw new Error('upsampling: the layout was not checked');
  const sizes = convertShape(layout, data.shape, order(spatial)).map(Number);
  const counts = convertShape(layout, output.shape, order(spatial)).map(Number);
  return [
    compute('upsampling', output.shape, (...i) => {
      const at = logicalIndices(layout, i);
      let terms: { readonly at: Map<string, TEExpr>; readonly weight?: TEExpr }[] = [{ at: new Map(at) }];
      [...spatial].forEach((axis, d) => {
        const list = taps(at.get(axis) ?? int(0), sizes[d + 2] ?? 1, counts[d + 2] ?? 1, method, mode);
        terms = terms.flatMap((term) =>
          list.map((tap) => {
            const source = new Map(term.at).set(axis, tap.index);
            const weight = term.weight && tap.weight ? mul(term.weight, tap.weight) : (term.weight ?? tap.weight);
            return weight ? { at: source, weight } : { at: source };
          }),
        );
      });
      let sum: TEExpr | undefined;
      for (const term of terms) {
        const element = loadIn(data, layout, term.at);
        if (!term.weight) return element;
        const value = mul(cast('float32', element), term.weight);
        sum = sum ? add(sum, value) : value;
      }
      const value = sum ?? constant(0, 'float32');
      return cast(output.dtype, isFloat(output.dtype) ? value : unary('round', value));
    }),
  ];
}

const methodOf = (text: string): Method =>
  text.startsWith('nearest') ? 'nearest' : text === 'bicubic' ? 'cubic' : 'linear';
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
    computeScaled(
      context,
      'HW',
      methodOf(context.attrs.method),
      context.attrs.align_corners ? 'align_corners' : 'asymmetric',
    ),
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
  compute(context) {
    const given = context.attrs.coordinate_transformation_mode;
    const mode: Coordinates = given === 'align_corners' || given === 'asymmetric' ? given : 'half_pixel';
    return computeScaled(context, 'DHW', methodOf(context.attrs.method), mode);
  },
  fusion: 'injective',
  tolerance,
});

export const upsamplingOperators = [upsampling, upsampling3d];
