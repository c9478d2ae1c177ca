/** `vision.roi_align` and `vision.roi_pool`. */
import type { NDArray } from '../../tensor/ndarray.ts';
import { tensorType } from '../../types/type.ts';
import { attr, writtenDim } from '../attributes.ts';
import { arrayAt, elementAt, numbersOf, setElement, zeros } from '../compute/arrays.ts';
import type { DimOrigin, KernelContext, Operator, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { checkAtLeast, checkRank, ok, tensorInput } from '../nn/relate.ts';
import { copyOf, fromAttribute } from '../relations/explain.ts';

const { fround } = Math;

interface Attributes {
  readonly pooled_size: readonly number[];
  readonly spatial_scale: number;
  readonly layout: string;
}

const attributes = {
  pooled_size: attr.ints('Height and width of each result.'),
  spatial_scale: attr.float('Size of the feature map divided by that of the image in which regions are given.'),
  layout: attr.string("Order of the data's dimensions.", { default: 'NCHW', values: ['NCHW', 'NHWC'] }),
};

const inputs = [
  { name: 'data', summary: 'The feature maps.' },
  { name: 'rois', summary: 'A row for each region: batch index, left, top, right, bottom.' },
];

function relateRegions(context: Pick<RelateContext<Attributes>, 'inputs' | 'attrs'>): RelateResult {
  const { pooled_size: size, layout } = context.attrs;
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const rois = tensorInput(context, 1, 'rois');
  if (rois.kind !== 'tensor') return rois;
  const problem =
    checkRank(data, 4, 0, 'data', layout) ??
    checkRank(rois, 2, 1, 'rois', 'regions, the five numbers of each') ??
    checkAtLeast('pooled_size', size, 2);
  if (problem) return problem;
  const [height = 1, width = 1] = size.map(writtenDim);
  const count = rois.shape[0] ?? 1;
  const channels = data.shape[layout === 'NCHW' ? 1 : 3] ?? 1;
  const shape = layout === 'NCHW' ? [count, channels, height, width] : [count, height, width, channels];
  return ok(tensorType(shape, data.dtype));
}

function explainRegions(
  context: { readonly attrs: Attributes },
  _result: unknown,
  at: { readonly dim: number },
): DimOrigin {
  const axis = context.attrs.layout[at.dim];
  if (axis === 'N') return copyOf(1, 0);
  return axis === 'C' ? copyOf(0, at.dim) : fromAttribute('pooled_size', axis === 'H' ? 0 : 1);
}

/** The feature maps of a kernel with their sizes and those of a result. */
function mapsOf({ inputs, attrs }: Pick<KernelContext<Attributes>, 'inputs' | 'attrs'>) {
  const { layout, pooled_size: pooledSize } = attrs;
  const data = arrayAt({ inputs }, 0);
  const size = (axis: string): number => data.shape[layout.indexOf(axis)] ?? 1;
  const [height, width, channels] = [size('H'), size('W'), size('C')];
  const [outHeight = 1, outWidth = 1] = pooledSize;
  return {
    height,
    width,
    outHeight,
    outWidth,
    scale: fround(attrs.spatial_scale),
    /** An element by batch, channel, row and column; 0 for a batch index that does not exist. */
    read: (n: number, c: number, y: number, x: number): number =>
      Number(
        elementAt(
          data,
          layout === 'NCHW'
            ? ((n * channels + c) * height + y) * width + x
            : ((n * height + y) * width + x) * channels + c,
        ),
      ),
  };
}

/** One value for each region, channel and place of the result. */
function pooled(
  context: Pick<KernelContext<Attributes>, 'inputs' | 'attrs'>,
  value: (roi: readonly number[], ph: number, pw: number) => (c: number) => number,
): NDArray[] {
  const { layout, pooled_size: size } = context.attrs;
  const data = arrayAt(context, 0);
  const rois = arrayAt(context, 1);
  const [count = 0, columns = 5] = rois.shape;
  const [height = 1, width = 1] = size;
  const channels = data.shape[layout.indexOf('C')] ?? 1;
  const wide = layout === 'NCHW' ? [count, channels, height, width] : [count, height, width, channels];
  const result = zeros(data.dtype, wide);
  const rows = numbersOf(rois);
  for (let n = 0; n < count; n++)
    for (let ph = 0; ph < height; ph++)
      for (let pw = 0; pw < width; pw++) {
        const at = value(rows.slice(n * columns, (n + 1) * columns), ph, pw);
        for (let c = 0; c < channels; c++) {
          const position =
            layout === 'NCHW'
              ? ((n * channels + c) * height + ph) * width + pw
              : ((n * height + ph) * width + pw) * channels + c;
          setElement(result, position, at(c));
        }
      }
  return [result];
}

const roiAlign = defineOperator({
  name: 'vision.roi_align',
  summary: 'Cuts regions out of feature maps and pools each to one size, interpolating between elements.',
  inputs,
  attributes: {
    ...attributes,
    sample_ratio: attr.int('Samples along each side of a place; chosen by the size of the region when not positive.', {
      default: -1,
    }),
    mode: attr.string('How the samples of a place combine.', { default: 'avg', values: ['avg', 'max'] }),
  },
  attrsType: 'relay.attrs.ROIAlignAttrs',
  attrsTypeKey: true,
  relate: relateRegions,
  explain: explainRegions,
  kernel(context) {
    const { attrs } = context;
    const { read, height, width, outHeight, outWidth, scale } = mapsOf(context);
    const bilinear = (n: number, c: number, y: number, x: number): number => {
      if (y < -1 || x < -1 || y > height || x > width) return 0;
      const [row, column] = [Math.min(Math.max(y, 0), height - 1), Math.min(Math.max(x, 0), width - 1)];
      const [y0, x0] = [Math.floor(row), Math.floor(column)];
      const [y1, x1] = [Math.min(y0 + 1, height - 1), Math.min(x0 + 1, width - 1)];
      const [v, u] = [fround(row - y0), fround(column - x0)];
      const top = read(n, c, y0, x0) * (1 - u) + read(n, c, y0, x1) * u;
      return fround(top * (1 - v) + (read(n, c, y1, x0) * (1 - u) + read(n, c, y1, x1) * u) * v);
    };
    return pooled(context, (roi, ph, pw) => {
      const [batch = 0, left = 0, top = 0, right = 0, bottom = 0] = roi;
      const n = Math.trunc(batch);
      const [x0, y0] = [fround(left * scale), fround(top * scale)];
      const binH = fround(Math.max(fround(fround(bottom * scale) - y0), 1) / outHeight);
      const binW = fround(Math.max(fround(fround(right * scale) - x0), 1) / outWidth);
      const given = attrs.sample_ratio > 0 ? attrs.sample_ratio : undefined;
      const [rows, columns] = [given ?? Math.ceil(binH), given ?? Math.ceil(binW)];
      const startY = fround(y0 + fround(ph * binH));
      const startX = fround(x0 + fround(pw * binW));
      return (c) => {
        let [sum, most] = [0, -Infinity];
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < columns; j++) {
            const y = fround(startY + fround(fround((i + 0.5) * binH) / rows));
            const x = fround(startX + fround(fround((j + 0.5) * binW) / columns));
            const value = bilinear(n, c, y, x);
            sum += value / (rows * columns);
            most = Math.max(most, value);
          }
        return attrs.mode === 'max' ? most : sum;
      };
    });
  },
  fusion: 'out-elementwise-fusable',
});

/** Half away from zero. */
const rounded = (x: number): number => Math.sign(x) * Math.round(Math.abs(x));

const roiPool = defineOperator({
  name: 'vision.roi_pool',
  summary: 'Cuts regions out of feature maps and takes the greatest element for each place of one size.',
  inputs,
  attributes,
  attrsType: 'relay.attrs.ROIPoolAttrs',
  attrsTypeKey: true,
  relate: relateRegions,
  explain: explainRegions,
  kernel(context) {
    const { read, height, width, outHeight, outWidth, scale } = mapsOf(context);
    // Borders of places that fall on an element must not move it to the neighbour by rounding.
    const margin = fround(1e-5);
    /** First element and the one after the last, along one side. */
    const span = (start: number, end: number, place: number, places: number, size: number): [number, number] => {
      const first = rounded(fround(start * scale));
      const extent = fround(Math.max(rounded(fround(end * scale)) - first + 1, 1) / places);
      const within = (x: number): number => Math.min(Math.max(x, 0), size);
      return [
        within(Math.floor(fround(fround(place * extent) + margin)) + first),
        within(Math.ceil(fround(fround((place + 1) * extent) - margin)) + first),
      ];
    };
    return pooled(context, (roi, ph, pw) => {
      const [batch = 0, left = 0, top = 0, right = 0, bottom = 0] = roi;
      const [y0, y1] = span(top, bottom, ph, outHeight, height);
      const [x0, x1] = span(left, right, pw, outWidth, width);
      return (c) => {
        if (y0 >= y1 || x0 >= x1) return 0;
        let most = -Infinity;
        for (let y = y0; y < y1; y++)
          for (let x = x0; x < x1; x++) most = Math.max(most, read(Math.trunc(batch), c, y, x));
        return most;
      };
    });
  },
  fusion: 'out-elementwise-fusable',
});

export const regionOperators: readonly Operator[] = [roiAlign, roiPool];
