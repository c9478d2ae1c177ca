/** Meaning of plain and transposed convolutions, for any layouts, groups, strides and dilations. */
import type { DType } from '../../tensor/dtype.ts';
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import {
  add,
  all,
  cast,
  compare,
  compute,
  constant,
  floordiv,
  floormod,
  int,
  mul,
  reduce,
  select,
  sub,
} from '../../tensor/te.ts';
import type { ConvAttributes, ConvFamily, ConvLayouts } from './conv-layouts.ts';
import { convLayouts, isDepthwise } from './conv-layouts.ts';
import { convWindow } from './convolution.ts';
import type { Layout } from './layout.ts';
import { convertShape, loadIn, logicalIndices, physicalIndices } from './layout.ts';
import type { Padding } from './shapes.ts';
import type { TransposedAttributes } from './transposed.ts';
import { transposedLayouts, transposedPadding } from './transposed.ts';

export interface ConvOperands {
  readonly data: TETensor;
  readonly weight: TETensor;
  /** Value of a data element in the accumulator's dtype; outside the data the value is zero. */
  readonly dataValue: (element: TEExpr) => TEExpr;
  /** Value of a weight element in the accumulator's dtype, given its output channel. */
  readonly weightValue: (element: TEExpr, channel: TEExpr) => TEExpr;
  readonly accumulator: DType;
}

interface Output {
  readonly shape: readonly number[];
  readonly dtype: DType;
}
type Indices = ReadonlyMap<string, TEExpr>;

/** What a sum of products over input channels and window needs to know of the operands. */
interface Frame {
  readonly dataShape: readonly number[];
  readonly weightShape: readonly number[];
  readonly kernel: readonly number[];
  readonly outPerGroup: number;
  /** Extent of the reduction over input channels. */
  readonly reduced: number;
}

function frameOf(operands: ConvOperands, layouts: ConvLayouts, attrs: ConvAttributes, output: Output): Frame {
  const logical = (shape: readonly number[], layout: Layout, order: Layout): number[] =>
    convertShape(layout, shape, order).map(Number);
  const dataShape = logical(operands.data.shape, layouts.data, layouts.dataOrder);
  const weightShape = logical(operands.weight.shape, layouts.kernel, layouts.kernelOrder);
  const [, channels = 1] = logical(output.shape, layouts.out, layouts.dataOrder);
  return {
    dataShape,
    weightShape,
    kernel: weightShape.slice(layouts.grouped ? 3 : 2),
    outPerGroup: Math.max(1, Math.floor(channels / attrs.groups)),
    reduced: Math.max(1, Math.floor((dataShape[1] ?? 1) / attrs.groups)),
  };
}

/** Indices of one product: of the data, with its channel set, and of the weight's window and group. */
interface Product {
  readonly at: Indices;
  readonly channel: TEExpr;
  readonly group: TEExpr;
  /** Index of the reduction over input channels. */
  readonly input: TEExpr;
  readonly window: readonly TEExpr[];
  readonly source: Map<string, TEExpr>;
  readonly filter: Map<string, TEExpr>;
}

/** Sums `product` over input channels and window for each element of the result. */
function sumOfProducts(
  name: string,
  frame: Frame,
  layouts: ConvLayouts,
  attrs: ConvAttributes,
  spatial: string,
  output: Output,
  product: (p: Product) => TEExpr,
): TETensor {
  const { reduced, kernel, outPerGroup } = frame;
  return compute(name, output.shape, (...axes) => {
    const at = logicalIndices(layouts.out, axes);
    const channel = at.get('C') ?? int(0);
    const group = attrs.groups === 1 ? int(0) : floordiv(channel, int(outPerGroup));
    const sum = reduce('sum', [reduced, ...kernel], (rc, ...window) => {
      const input = rc ?? int(0);
      const source = new Map(at);
      source.set('C', attrs.groups === 1 ? input : add(mul(group, int(reduced)), input));
      const filter = new Map<string, TEExpr>();
      [...spatial].forEach((axis, i) => filter.set(axis, window[i] ?? int(0)));
      if (layouts.grouped) filter.set('G', group);
      return product({ at, channel, group, input, window, source, filter });
    });
    return cast(output.dtype, sum);
  });
}

/** The meaning of a convolution. */
export function computeConv(
  operands: ConvOperands,
  attrs: ConvAttributes,
  family: ConvFamily,
  output: Output,
): TETensor {
  const layouts = convLayouts(attrs, family);
  const padding = convWindow(attrs, family);
  if ('kind' in layouts || 'kind' in padding) throw new Error('convolution: attributes were not checked');
  const { data, weight, accumulator } = operands;
  const frame = frameOf(operands, layouts, attrs, output);
  const { outPerGroup, weightShape } = frame;
  const depthwise = !layouts.grouped && isDepthwise(attrs, family, frame.dataShape, weightShape);
  const reduced = depthwise ? 1 : (weightShape[layouts.grouped ? 2 : 1] ?? 1);
  const padded = paddedReader(data, layouts.data, family, padding, operands.dataValue, accumulator);
  const { spatial } = family;

  return sumOfProducts('conv', { ...frame, reduced }, layouts, attrs, spatial, output, (p) => {
    [...spatial].forEach((axis, i) => {
      const position = mul(p.at.get(axis) ?? int(0), int(attrs.strides[i] ?? 1));
      p.source.set(axis, add(position, mul(p.window[i] ?? int(0), int(attrs.dilation[i] ?? 1))));
    });
    const inGroup = floormod(p.channel, int(outPerGroup));
    p.filter.set('O', depthwise ? p.group : layouts.grouped ? inGroup : p.channel);
    p.filter.set('I', depthwise && outPerGroup > 1 ? inGroup : depthwise ? int(0) : p.input);
    return mul(padded(p.source), operands.weightValue(loadIn(weight, layouts.kernel, p.filter), p.channel));
  });
}

/** A reader of the data with zeros around it; padding becomes a stage of its own. */
function paddedReader(
  data: TETensor,
  layout: Layout,
  family: ConvFamily,
  padding: Padding,
  value: (element: TEExpr) => TEExpr,
  dtype: DType,
): (at: Indices) => TEExpr {
  const before = (axis: string): number => padding.before[family.spatial.indexOf(axis)] ?? 0;
  const after = (axis: string): number => padding.after[family.spatial.indexOf(axis)] ?? 0;
  const needed = [...family.spatial].some((axis) => before(axis) !== 0 || after(axis) !== 0);
  if (!needed) return (at) => value(loadIn(data, layout, at));
  const shape = layout.axes.map((a, i) =>
    a.block === undefined ? (data.shape[i] ?? 0) + before(a.axis) + after(a.axis) : (data.shape[i] ?? 0),
  );
  const stage = compute('pad', shape, (...axes) => {
    const conditions: TEExpr[] = [];
    const indices = axes.map((index, i): TEExpr => {
      const a = layout.axes[i];
      if (!a || a.block !== undefined || !family.spatial.includes(a.axis)) return index;
      const low = before(a.axis);
      if (low > 0) conditions.push(compare('ge', index, int(low)));
      if (after(a.axis) > 0) conditions.push(compare('lt', index, int(low + (data.shape[i] ?? 0))));
      return sub(index, int(low));
    });
    const element = value({ kind: 'load', tensor: data, indices, dtype: data.dtype });
    return conditions.length === 0 ? element : select(all(conditions), element, constant(0, dtype));
  });
  return (at) => ({ kind: 'load', tensor: stage, indices: physicalIndices(layout, at), dtype: stage.dtype });
}

/** The meaning of a transposed convolution: for each result element the data elements whose window covers it. */
export function computeTransposed(
  operands: ConvOperands,
  attrs: TransposedAttributes,
  spatial: string,
  output: Output,
): TETensor {
  const layouts = transposedLayouts(attrs, spatial);
  const padding = transposedPadding(attrs, spatial.length);
  if ('kind' in layouts || 'kind' in padding) throw new Error('transposed convolution: attributes were not checked');
  const { data, weight, accumulator } = operands;
  const frame = frameOf(operands, layouts, attrs, output);

  return sumOfProducts('conv_transpose', frame, layouts, attrs, spatial, output, (p) => {
    const conditions: TEExpr[] = [];
    [...spatial].forEach((axis, i) => {
      const stride = int(attrs.strides[i] ?? 1);
      const position = add(p.at.get(axis) ?? int(0), int(padding.before[i] ?? 0));
      const shifted = sub(position, mul(p.window[i] ?? int(0), int(attrs.dilation[i] ?? 1)));
      if (attrs.strides[i] !== 1) conditions.push(compare('eq', floormod(shifted, stride), int(0)));
      const index = floordiv(shifted, stride);
      conditions.push(compare('ge', shifted, int(0)), compare('lt', index, int(frame.dataShape[i + 2] ?? 1)));
      p.source.set(axis, index);
    });
    p.filter.set('I', layouts.grouped ? p.input : (p.source.get('C') ?? p.input));
    p.filter.set('O', attrs.groups === 1 ? p.channel : floormod(p.channel, int(frame.outPerGroup)));
    const product = mul(
      operands.dataValue(loadIn(data, layouts.data, p.source)),
      operands.weightValue(loadIn(weight, layouts.kernel, p.filter), p.channel),
    );
    return select(all(conditions), product, constant(accumulator === 'int64' ? 0n : 0, accumulator));
  });
}
