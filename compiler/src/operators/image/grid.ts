/** `image.affine_grid` and `image.grid_sample`. */
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import {
  add,
  all,
  binary,
  cast,
  compare,
  compute,
  floormod,
  int,
  load,
  maximum,
  minimum,
  mul,
  select,
  sub,
  unary,
} from '../../tensor/te.ts';
import { tensorType } from '../../types/type.ts';
import { attr, writtenDim } from '../attributes.ts';
import { number, outputOf, tensorAt } from '../compute/tensors.ts';
import type { ComputeContext } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import type { Layout } from '../nn/layout.ts';
import { convertShape, loadIn, logicalIndices, parseLayout } from '../nn/layout.ts';
import { shapeInLayout } from '../nn/conv-layouts.ts';
import { checkLength, checkShape, fail, ok, onInput, tensorInput } from '../nn/relate.ts';
import { readLayout } from '../nn/shapes.ts';
import { copyOf, fromAttribute, originOf } from '../relations/explain.ts';
import { canonicalLayout } from './resample.ts';

const tolerance = { relative: 1e-4, absolute: 1e-5 };

const affineGrid = defineOperator({
  name: 'image.affine_grid',
  summary: 'Maps a regular grid over [-1, 1] by an affine transformation for each batch element.',
  details: 'The result holds x in channel 0 and y in channel 1, as `image.grid_sample` takes them.',
  inputs: [{ name: 'data', summary: 'The 2×3 matrices of the transformations, (batch, 2, 3).' }],
  attributes: { target_shape: attr.ints('Height and width of the grid.') },
  attrsType: 'relay.attrs.AffineGridAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const batch = data.shape[0] ?? 1;
    const problem =
      checkShape(data, [batch, 2, 3], 0, 'data', 'because each transformation is a 2×3 matrix') ??
      checkLength('target_shape', context.attrs.target_shape, [2]);
    if (problem) return problem;
    return ok(tensorType([batch, 2, ...context.attrs.target_shape.map(writtenDim)], data.dtype));
  },
  explain: (_context, _result, at) =>
    at.dim === 0 ? copyOf(0, 0) : at.dim === 1 ? originOf('x and y') : fromAttribute('target_shape', at.dim - 2),
  compute(context) {
    const data = tensorAt(context, 0);
    const { shape, dtype } = outputOf(context);
    // The end stays just below 1, so that the last element lies within the data.
    const step = (size: number): TEExpr => number(size > 1 ? (2 - 1e-7) / (size - 1) : 0, dtype);
    const along = (index: TEExpr, size: number): TEExpr => add(number(-1, dtype), mul(cast(dtype, index), step(size)));
    return [
      compute('affine_grid', shape, (n, d, i, j) => {
        if (!n || !d || !i || !j) throw new Error('affine_grid: the rank was not checked');
        const coefficient = (k: number): TEExpr => load(data, n, d, int(k));
        const [x, y] = [along(j, shape[3] ?? 1), along(i, shape[2] ?? 1)];
        return add(add(mul(coefficient(0), x), mul(coefficient(1), y)), coefficient(2));
      }),
    ];
  },
  fusion: 'injective',
  tolerance,
});

interface GridAttributes {
  readonly method: string;
  readonly layout: string;
  readonly padding_mode: string;
  readonly align_corners: boolean;
}

/** Elements of the data at positions of the grid, with the padding that the attributes choose. */
class Sampler {
  private readonly dtype: string;
  private readonly sizes: readonly number[];
  private readonly data: TETensor;
  private readonly grid: TETensor;
  private readonly layout: Layout;
  private readonly spatial: string;
  private readonly attrs: GridAttributes;

  constructor(data: TETensor, grid: TETensor, layout: Layout, spatial: string, attrs: GridAttributes) {
    this.data = data;
    this.grid = grid;
    this.layout = layout;
    this.spatial = spatial;
    this.attrs = attrs;
    this.dtype = [data.dtype, grid.dtype].includes('float64') ? 'float64' : 'float32';
    this.sizes = convertShape(layout, data.shape, canonicalLayout(spatial)).map(Number).slice(2);
  }

  private real(value: number): TEExpr {
    return number(value, this.dtype);
  }

  private clipped(x: TEExpr, size: number): TEExpr {
    return minimum(maximum(x, this.real(0)), this.real(size - 1));
  }

  /** A position outside thrown back at the border, as often as it takes. */
  private reflected(x: TEExpr, extent: number): TEExpr {
    const size = this.attrs.align_corners ? extent - 1 : extent;
    const corner = this.real(this.attrs.align_corners ? 0 : -0.5);
    if (size === 0) return corner;
    const distance = unary('abs', sub(corner, x));
    const times = binary('truncdiv', cast('int32', distance), int(size));
    const rest = sub(distance, mul(cast(this.dtype, times), this.real(size)));
    const even = compare('eq', floormod(times, int(2)), int(0));
    const thrown = select(even, add(rest, corner), add(sub(this.real(size), rest), corner));
    const inside = all([compare('ge', x, corner), compare('le', x, add(this.real(size), corner))]);
    return select(inside, x, thrown);
  }

  private padded(x: TEExpr, size: number): TEExpr {
    switch (this.attrs.padding_mode) {
      case 'reflection':
        return this.clipped(this.reflected(x, size), size);
      case 'border':
        return this.clipped(x, size);
      default:
        return x;
    }
  }

  /** The grid's positions along the spatial axes, in elements of the data. */
  private positions(logical: ReadonlyMap<string, TEExpr>): readonly TEExpr[] {
    const place = [...this.spatial].map((axis) => logical.get(axis) ?? int(0));
    const rest = this.grid.shape.slice(2 + place.length).map(() => int(0));
    return [...this.spatial].map((_, d) => {
      const channel = int(this.spatial.length - 1 - d);
      const at = cast(this.dtype, load(this.grid, logical.get('N') ?? int(0), channel, ...place, ...rest));
      const size = this.sizes[d] ?? 1;
      const shifted = add(at, this.real(1));
      return this.attrs.align_corners
        ? binary('div', mul(shifted, this.real(size - 1)), this.real(2))
        : add(this.real(-0.5), binary('div', mul(shifted, this.real(size)), this.real(2)));
    });
  }

  private pixel(logical: ReadonlyMap<string, TEExpr>, indices: readonly TEExpr[]): TEExpr {
    const source = new Map(logical);
    const inside = indices.flatMap((index, d) => {
      source.set(this.spatial[d] ?? '', index);
      return [compare('ge', index, int(0)), compare('lt', index, int(this.sizes[d] ?? 1))];
    });
    return select(all(inside), cast(this.dtype, loadIn(this.data, this.layout, source)), this.real(0));
  }

  /** Weighted sum over all combinations of taps, one list a spatial axis. */
  private blend(
    logical: ReadonlyMap<string, TEExpr>,
    taps: readonly (readonly { readonly index: TEExpr; readonly weight: TEExpr }[])[],
    chosen: readonly TEExpr[] = [],
  ): TEExpr {
    const here = taps[chosen.length];
    if (!here) return this.pixel(logical, chosen);
    return here
      .map(({ index, weight }) => mul(this.blend(logical, taps, [...chosen, index]), weight))
      .reduce((sum, term) => add(sum, term));
  }

  value(logical: ReadonlyMap<string, TEExpr>): TEExpr {
    const raw = this.positions(logical);
    if (this.attrs.method === 'bicubic') return this.cubic(logical, raw);
    const at = raw.map((x, d) => this.padded(x, this.sizes[d] ?? 1));
    if (this.attrs.method === 'nearest')
      return this.pixel(
        logical,
        at.map((x) => cast('int32', unary('nearbyint', x))),
      );
    const taps = at.map((x) => {
      const low = cast('int32', unary('floor', x));
      const t = sub(x, cast(this.dtype, low));
      return [
        { index: low, weight: sub(this.real(1), t) },
        { index: add(low, int(1)), weight: t },
      ];
    });
    return this.blend(logical, taps);
  }

  private cubic(logical: ReadonlyMap<string, TEExpr>, raw: readonly TEExpr[]): TEExpr {
    const a = -0.75;
    const near = (t: TEExpr): TEExpr =>
      add(mul(mul(sub(mul(this.real(a + 2), t), this.real(a + 3)), t), t), this.real(1));
    const far = (t: TEExpr): TEExpr =>
      sub(mul(add(mul(sub(mul(this.real(a), t), this.real(5 * a)), t), this.real(8 * a)), t), this.real(4 * a));
    const taps = raw.map((x, d) => {
      const base = cast('int32', unary('floor', x));
      const t = sub(x, cast(this.dtype, base));
      const weights = [far(add(t, this.real(1))), near(t), near(sub(this.real(1), t)), far(sub(this.real(2), t))];
      return weights.map((weight, i) => {
        const index = add(base, int(i - 1));
        if (this.attrs.padding_mode === 'zeros') return { index, weight };
        return { index: cast('int32', this.padded(cast(this.dtype, index), this.sizes[d] ?? 1)), weight };
      });
    });
    return this.blend(logical, taps);
  }
}

const spatialOf = (rank: number): string | undefined => (rank === 4 ? 'HW' : rank === 5 ? 'DHW' : undefined);

const gridSample = defineOperator({
  name: 'image.grid_sample',
  summary: 'Samples data at the positions of a grid.',
  details:
    'Positions are written as x, y (and z) in [-1, 1]. With `align_corners` -1 and 1 are the middles of the outermost ' +
    'elements, else their edges. `padding_mode` says what lies outside: zeros, the border, or the data reflected.',
  inputs: [
    { name: 'data', summary: 'The tensor, (batch, channels, height, width) or with a depth.' },
    { name: 'grid', summary: 'The positions, (batch, 2, height, width) or (batch, 3, depth, height, width).' },
  ],
  attributes: {
    method: attr.string('Interpolation; `bicubic` only for images.', {
      default: 'bilinear',
      values: ['bilinear', 'nearest', 'bicubic'],
    }),
    layout: attr.string("Order of the data's dimensions.", { default: 'NCHW' }),
    padding_mode: attr.string('What lies outside of the data.', {
      default: 'zeros',
      values: ['zeros', 'border', 'reflection'],
    }),
    align_corners: attr.bool('-1 and 1 are the middles of the outermost elements.', { default: true }),
  },
  attrsType: 'relay.attrs.GridSampleAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const grid = tensorInput(context, 1, 'grid');
    if (grid.kind !== 'tensor') return grid;
    const spatial = spatialOf(data.shape.length);
    if (spatial === undefined)
      return fail(
        'rank-mismatch',
        `\`data\` must have 4 or 5 dimensions, but it has ${data.shape.length}.`,
        onInput(0),
        {
          remedy: 'Pass images (NCHW) or volumes (NCDHW).',
        },
      );
    const canonical = canonicalLayout(spatial);
    const layout = readLayout('layout', context.attrs.layout, canonical.text);
    if ('kind' in layout) return layout;
    const shape = shapeInLayout(data, 0, 'data', layout, 'layout', canonical);
    if ('kind' in shape) return shape;
    if (grid.shape.length < data.shape.length)
      return fail(
        'rank-mismatch',
        `\`grid\` must have ${data.shape.length} dimensions, as many as the data, but it has ${grid.shape.length}.`,
        onInput(1),
      );
    const sampled = [...shape.slice(0, 2), ...grid.shape.slice(2, data.shape.length)];
    return ok(tensorType(convertShape(canonical, sampled, layout), data.dtype));
  },
  explain(context, _result, at) {
    const layout = parseLayout(context.attrs.layout);
    if (typeof layout === 'string') return undefined;
    const spatial = spatialOf(layout.axes.length) ?? '';
    const d = spatial.indexOf(layout.axes[at.dim]?.axis ?? '?');
    return d < 0 ? copyOf(0, at.dim) : copyOf(1, d + 2);
  },
  compute(context: ComputeContext<GridAttributes>) {
    const data = tensorAt(context, 0);
    const output = outputOf(context);
    const layout = parseLayout(context.attrs.layout);
    const spatial = spatialOf(data.shape.length);
    if (typeof layout === 'string' || !spatial) throw new Error('grid_sample: the layout was not checked');
    const sampler = new Sampler(data, tensorAt(context, 1), layout, spatial, context.attrs);
    return [
      compute('grid_sample', output.shape, (...i) => cast(output.dtype, sampler.value(logicalIndices(layout, i)))),
    ];
  },
  fusion: 'injective',
  tolerance,
});

export const gridOperators = [affineGrid, gridSample];
