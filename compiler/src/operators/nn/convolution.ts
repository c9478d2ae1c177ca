/** Relation, origins and meaning of the convolutions over one, two and three spatial dimensions. */
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
import type { Dim, TensorType, Type } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import { printDim, printShape } from '../../types/print.ts';
import type { DimOrigin, RelateContext, RelateResult } from '../operator.ts';
import { floorDivDims, isAnyDim, mayEqual } from '../relations/dims.ts';
import { copyOf, fromAttribute } from '../relations/explain.ts';
import type { Window } from '../relations/windows.ts';
import { windowFormula, windowOutput } from '../relations/windows.ts';
import type { Layout } from './layout.ts';
import { axisIndex, blockFactor, convertShape, isBlocked, loadIn, logicalIndices, physicalIndices } from './layout.ts';
import type { Failure, Related } from './relate.ts';
import {
  badAttribute,
  checkAtLeast,
  checkLength,
  checkNonZero,
  checkRank,
  fail,
  ok,
  onAttribute,
  onInput,
  optionalTensor,
  shapesMayEqual,
  tensorInput,
  wait,
} from './relate.ts';
import type { Padding } from './shapes.ts';
import { readLayout, readPadding, windowSources } from './shapes.ts';

/** The attributes every convolution has. */
export interface ConvAttributes {
  readonly strides: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly channels: number | null;
  readonly kernel_size: readonly number[] | null;
  readonly data_layout: string;
  readonly kernel_layout: string;
  readonly out_layout: string;
  readonly out_dtype: DType | null;
}

/** Which convolution: its spatial axes, for example `HW`. */
export interface ConvFamily {
  readonly spatial: string;
  /** A weight given beside `groups` is not divided by them when its shape decides (one dimension). */
  readonly undividedChannels?: boolean;
  /** A weight of `groups` whole filters is stored by input channel and multiplier (two dimensions). */
  readonly depthwise?: boolean;
}

export const conv1dFamily: ConvFamily = { spatial: 'W', undividedChannels: true };
export const conv2dFamily: ConvFamily = { spatial: 'HW', depthwise: true };
export const conv3dFamily: ConvFamily = { spatial: 'DHW' };

export interface ConvLayouts {
  readonly data: Layout;
  readonly kernel: Layout;
  readonly out: Layout;
  /** `NCHW`, parsed. */
  readonly dataOrder: Layout;
  /** `OIHW`, parsed; with a leading G when the weight has a group axis. */
  readonly kernelOrder: Layout;
  readonly grouped: boolean;
}

function plain(text: string): Layout {
  return { text, axes: [...text].map((axis) => ({ axis })) };
}

/** Reads the three layouts. */
export function convLayouts(attrs: ConvAttributes, family: ConvFamily): ConvLayouts | Failure {
  const grouped = family.depthwise === true && attrs.groups > 1 && attrs.kernel_layout.includes('G');
  const dataOrder = plain(`NC${family.spatial}`);
  const kernelOrder = plain(`${grouped ? 'G' : ''}OI${family.spatial}`);
  const data = readLayout('data_layout', attrs.data_layout, dataOrder.text);
  if ('kind' in data) return data;
  const kernel = readLayout('kernel_layout', attrs.kernel_layout, kernelOrder.text);
  if ('kind' in kernel) return kernel;
  const out = attrs.out_layout === '' ? data : readLayout('out_layout', attrs.out_layout, dataOrder.text);
  if ('kind' in out) return out;
  return { data, kernel, out, dataOrder, kernelOrder, grouped };
}

/** A tensor's shape by whole axes; a failure when rank or block sizes do not fit the layout. */
export function shapeInLayout(
  type: TensorType,
  index: number,
  name: string,
  layout: Layout,
  attribute: string,
  order: Layout,
): readonly Dim[] | Failure {
  const related: Related = [{ blame: onAttribute(attribute), message: `\`${attribute}\` is "${layout.text}"` }];
  const rank = checkRank(type, layout.axes.length, index, name, `layout ${layout.text}`);
  if (rank) return { ...rank, error: { ...rank.error, related } };
  const wrong = layout.axes.findIndex((a, i) => a.block !== undefined && !mayEqual(type.shape[i] ?? 0, a.block));
  if (wrong >= 0)
    return fail(
      'shape-mismatch',
      `Dimension ${wrong} of \`${name}\` must be ${layout.axes[wrong]?.block ?? 0} in layout ${layout.text}, but it is ${printDim(type.shape[wrong] ?? 0)}.`,
      onInput(index, wrong),
      { related },
    );
  return convertShape(layout, type.shape, order);
}

/**
 * Demands one number a spatial dimension of `kernel_size`, and of `dilation` where the attributes decide the weight's
 * shape; elsewhere, and unless `exact`, elements beyond those are not looked at.
 */
export function windowLengths(attrs: ConvAttributes, n: number, exact: boolean): Failure | undefined {
  const decided = attrs.kernel_size !== null && attrs.channels !== null;
  return (
    (exact && decided ? checkLength('dilation', attrs.dilation, [n]) : checkAtLeast('dilation', attrs.dilation, n)) ??
    (attrs.kernel_size === null
      ? undefined
      : exact
        ? checkLength('kernel_size', attrs.kernel_size, [n])
        : checkAtLeast('kernel_size', attrs.kernel_size, n))
  );
}

/** Checks the list attributes and reads the padding. */
export function convWindow(attrs: ConvAttributes, family: ConvFamily): Padding | Failure {
  const n = family.spatial.length;
  const problem =
    checkAtLeast('strides', attrs.strides, n) ??
    windowLengths(attrs, n, n > 1) ??
    checkNonZero('strides', attrs.strides.slice(0, n));
  if (problem) return problem;
  if (attrs.groups === 0) return badAttribute('groups', '`groups` is 0, but it must be at least 1.');
  if (n === 1 && attrs.padding.length === 1)
    return badAttribute('padding', '`padding` must have 2 elements (left and right), but it has 1.', {
      remedy: `Write \`padding=[${attrs.padding[0] ?? 0}, ${attrs.padding[0] ?? 0}]\`.`,
    });
  return readPadding(n === 1 ? attrs.padding.slice(0, 2) : attrs.padding, n);
}

function isDepthwise(attrs: ConvAttributes, family: ConvFamily, dataShape: readonly Dim[], weight: readonly Dim[]) {
  return family.depthwise === true && attrs.groups > 1 && dataShape[1] === attrs.groups && weight[0] === attrs.groups;
}

/**
 * The relation shared by `nn.conv1d/2d/3d` and the quantised convolution. With `kernel_size` and `channels` the
 * weight's shape follows from data and attributes; otherwise the weight decides.
 */
export function relateConv(
  context: Pick<RelateContext<ConvAttributes>, 'inputs' | 'attrs'>,
  family: ConvFamily,
  outDType: DType | null = context.attrs.out_dtype,
): RelateResult {
  const { attrs } = context;
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const weight = optionalTensor(context, 1, 'weight');
  if (weight?.kind === 'error') return weight;
  const layouts = convLayouts(attrs, family);
  if ('kind' in layouts) return layouts;
  const padding = convWindow(attrs, family);
  if ('kind' in padding) return padding;
  const shape = shapeInLayout(data, 0, 'data', layouts.data, 'data_layout', layouts.dataOrder);
  if ('kind' in shape) return shape;

  let weightShape: readonly Dim[] | undefined;
  if (weight) {
    const converted = shapeInLayout(weight, 1, 'weight', layouts.kernel, 'kernel_layout', layouts.kernelOrder);
    if ('kind' in converted) return converted;
    weightShape = converted;
  }
  if (attrs.groups > 1 && !weightShape && family.depthwise) return wait;

  const inputChannels = shape[1] ?? 0;
  const result = (channels: Dim, kernel: readonly Dim[]): TensorType => {
    const spatial = kernel.map((k, i) => windowOutput(shape[i + 2] ?? 0, windowOf(attrs, padding, k, i)));
    const out = [shape[0] ?? 0, channels, ...spatial];
    return tensorType(convertShape(layouts.dataOrder, out, layouts.out), outDType ?? data.dtype);
  };

  const perGroup = floorDivDims(inputChannels, attrs.groups);
  if (attrs.kernel_size && attrs.channels !== null) {
    const kernel = attrs.kernel_size.slice(0, family.spatial.length);
    const leading = layouts.grouped
      ? [attrs.groups, floorDivDims(attrs.channels, attrs.groups), perGroup]
      : weightShape && isDepthwise(attrs, family, shape, weightShape)
        ? [inputChannels, floorDivDims(attrs.channels, inputChannels)]
        : [attrs.channels, perGroup];
    const expected = [...leading, ...kernel];
    const stored = convertShape(layouts.kernelOrder, expected, layouts.kernel);
    if (weight && !shapesMayEqual(weight.shape, stored))
      return weightMismatch(weight, stored, layouts, attrs, inputChannels);
    return ok(result(attrs.channels, kernel), [{ index: 1, type: tensorType(stored, weight?.dtype ?? data.dtype) }]);
  }

  if (!weight || !weightShape) return wait;
  const spatialOffset = layouts.grouped ? 3 : 2;
  const kernel = weightShape.slice(spatialOffset);
  const outChannels = layouts.grouped ? (weightShape[1] ?? 0) : (weightShape[0] ?? 0);
  const position = (axis: string): number => axisIndex(layouts.kernel, axis);
  for (let i = 0; attrs.kernel_size && i < kernel.length; i++)
    if (!mayEqual(attrs.kernel_size[i] ?? 0, kernel[i] ?? 0)) {
      const axis = family.spatial[i] ?? '';
      return fail(
        'shape-mismatch',
        `The weight's kernel is ${printShape(kernel)}, but \`kernel_size\` says (${attrs.kernel_size.join(', ')}).`,
        onInput(1, position(axis)),
        {
          related: [
            { blame: onAttribute('kernel_size'), message: `\`kernel_size[${i}]\` is ${attrs.kernel_size[i] ?? 0}` },
          ],
        },
      );
    }
  if (attrs.channels !== null && !mayEqual(attrs.channels, weightShape[0] ?? 0))
    return fail(
      'shape-mismatch',
      `The weight makes ${printDim(weightShape[0] ?? 0)} channels, but \`channels\` says ${attrs.channels}.`,
      onInput(1, position('O')),
      { related: [{ blame: onAttribute('channels'), message: `\`channels\` is ${attrs.channels}` }] },
    );
  const given = weightShape[layouts.grouped ? 2 : 1] ?? 0;
  const wanted = family.undividedChannels ? inputChannels : perGroup;
  if (!isAnyDim(inputChannels) && !isAnyDim(given) && !mayEqual(wanted, given))
    return channelMismatch(layouts, attrs, inputChannels, wanted, given);
  return ok(result(outChannels, kernel));
}

/** The sliding window along spatial dimension `i`. */
export function windowOf(attrs: ConvAttributes, padding: Padding, kernel: Dim, i: number): Window {
  return {
    kernel,
    stride: attrs.strides[i] ?? 1,
    dilation: attrs.dilation[i] ?? 1,
    padBefore: padding.before[i] ?? 0,
    padAfter: padding.after[i] ?? 0,
  };
}

function channelMismatch(layouts: ConvLayouts, attrs: ConvAttributes, input: Dim, wanted: Dim, given: Dim): Failure {
  const dataDim = axisIndex(layouts.data, 'C');
  const weightDim = axisIndex(layouts.kernel, 'I');
  const share = attrs.groups === 1 ? '' : ` in ${attrs.groups} groups`;
  const related = [
    { blame: onInput(0, dataDim), message: `the data has ${printDim(input)} channels (layout ${layouts.data.text})` },
    ...(attrs.groups === 1 ? [] : [{ blame: onAttribute('groups'), message: `\`groups\` is ${attrs.groups}` }]),
  ];
  return fail(
    'shape-mismatch',
    `The data has ${printDim(input)} channels${share}, so the weight must have ${printDim(wanted)} input channels, but it has ${printDim(given)} (dimension ${weightDim}, layout ${layouts.kernel.text}).`,
    onInput(1, weightDim),
    {
      related,
      remedy:
        attrs.groups === 1 && given === 1 && typeof input === 'number'
          ? `For a depthwise convolution write \`groups=${input}\`; otherwise check \`data_layout\` and \`kernel_layout\`.`
          : 'Check that `data_layout` and `kernel_layout` name the stored order of dimensions.',
    },
  );
}

function weightMismatch(
  weight: TensorType,
  expected: readonly Dim[],
  layouts: ConvLayouts,
  attrs: ConvAttributes,
  inputChannels: Dim,
): Failure {
  const dim = expected.findIndex((d, i) => !mayEqual(d, weight.shape[i] ?? 0));
  const axis = layouts.kernel.axes[dim]?.axis ?? '';
  const wanted = expected[dim] ?? 0;
  const given = weight.shape[dim] ?? 0;
  if (axis === 'I' && attrs.groups === 1) return channelMismatch(layouts, attrs, inputChannels, wanted, given);
  const related: Related[number] =
    axis === 'O' || axis === 'G'
      ? { blame: onAttribute('channels'), message: `\`channels\` is ${attrs.channels ?? 0}` }
      : axis === 'I'
        ? {
            blame: onInput(0, axisIndex(layouts.data, 'C')),
            message: `the data has ${printDim(inputChannels)} channels and \`groups\` is ${attrs.groups}`,
          }
        : {
            blame: onAttribute('kernel_size'),
            message: `\`kernel_size\` is [${(attrs.kernel_size ?? []).join(', ')}]`,
          };
  return fail(
    'shape-mismatch',
    `The weight must have the shape ${printShape(expected)} (layout ${layouts.kernel.text}), but it has ${printShape(weight.shape)}: dimension ${dim} is ${printDim(given)} instead of ${printDim(wanted)}.`,
    onInput(1, dim),
    { related: [related], remedy: 'Change the attribute, the weight, or `kernel_layout` so that they agree.' },
  );
}

/** Origin of dimension `dim` of a convolution's result. */
export function explainConv(
  context: Pick<RelateContext<ConvAttributes>, 'inputs' | 'attrs'>,
  family: ConvFamily,
  dim: number,
): DimOrigin | undefined {
  const { attrs } = context;
  const layouts = convLayouts(attrs, family);
  const padding = convWindow(attrs, family);
  const [data, weight] = context.inputs;
  if ('kind' in layouts || 'kind' in padding || data?.kind !== 'tensor') return undefined;
  const target = layouts.out.axes[dim];
  if (!target) return undefined;
  if (target.block !== undefined) return fromAttribute(attrs.out_layout === '' ? 'data_layout' : 'out_layout');
  if (target.axis === 'N') return copyOf(0, axisIndex(layouts.data, 'N'));
  if (target.axis === 'C') {
    const weightDim = axisIndex(layouts.kernel, 'O');
    const whole = attrs.channels !== null ? fromAttribute('channels') : copyOf(1, weightDim);
    const block = blockFactor(layouts.out, 'C');
    if (block === 1 && (attrs.channels !== null || !isBlocked(layouts.kernel, 'O'))) return whole;
    const stored = weight?.kind === 'tensor' ? printDim(weight.shape[weightDim] ?? 1) : '';
    const inner = blockFactor(layouts.kernel, 'O');
    const channels = attrs.channels ?? (inner === 1 ? stored : `${stored} · ${inner}`);
    return { formula: block === 1 ? String(channels) : `ceil(${channels} / ${block})`, sources: whole.sources };
  }
  const i = family.spatial.indexOf(target.axis);
  const dataDim = axisIndex(layouts.data, target.axis);
  const weightDim = axisIndex(layouts.kernel, target.axis);
  const size = data.shape[dataDim];
  const kernel = attrs.kernel_size?.[i] ?? (weight?.kind === 'tensor' ? weight.shape[weightDim] : undefined);
  if (i < 0 || size === undefined || kernel === undefined) return undefined;
  const window = windowOf(attrs, padding, kernel, i);
  return {
    formula: windowFormula(size, window),
    sources: [
      { kind: 'input', index: 0, dim: dataDim },
      attrs.kernel_size
        ? { kind: 'attribute', name: 'kernel_size', element: i }
        : { kind: 'input', index: 1, dim: weightDim },
      ...windowSources(padding, i, window),
    ],
  };
}

/** `explain` for a record whose result is that of `relateConv`. */
export function convExplainer(family: ConvFamily) {
  return (context: RelateContext<ConvAttributes>, _result: Type, at: { readonly dim: number }): DimOrigin | undefined =>
    explainConv(context, family, at.dim);
}

export interface ConvOperands {
  readonly data: TETensor;
  readonly weight: TETensor;
  /** Value of a data element in the accumulator's dtype; outside the data the value is zero. */
  readonly dataValue: (element: TEExpr) => TEExpr;
  /** Value of a weight element in the accumulator's dtype, given its output channel. */
  readonly weightValue: (element: TEExpr, channel: TEExpr) => TEExpr;
  readonly accumulator: DType;
}

/** Product sum over input channels and window, for any layouts, groups, strides and dilations. */
export function computeConv(
  operands: ConvOperands,
  attrs: ConvAttributes,
  family: ConvFamily,
  output: { readonly shape: readonly number[]; readonly dtype: DType },
): TETensor {
  const layouts = convLayouts(attrs, family);
  const padding = convWindow(attrs, family);
  if ('kind' in layouts || 'kind' in padding) throw new Error('convolution: attributes were not checked');
  const { data, weight, accumulator } = operands;
  const logicalShape = (shape: readonly number[], layout: Layout, order: Layout): number[] =>
    convertShape(layout, shape, order).map(Number);
  const dataShape = logicalShape(data.shape, layouts.data, layouts.dataOrder);
  const weightShape = logicalShape(weight.shape, layouts.kernel, layouts.kernelOrder);
  const outShape = logicalShape(output.shape, layouts.out, layouts.dataOrder);
  const offset = layouts.grouped ? 3 : 2;
  const kernel = weightShape.slice(offset);
  const depthwise = !layouts.grouped && isDepthwise(attrs, family, dataShape, weightShape);
  const reduced = depthwise ? 1 : (weightShape[offset - 1] ?? 1);
  const outPerGroup = Math.max(1, Math.floor((outShape[1] ?? 1) / attrs.groups));
  const padded = paddedReader(data, layouts.data, family, padding, operands.dataValue, accumulator);

  return compute('conv', output.shape, (...axes) => {
    const at = logicalIndices(layouts.out, axes);
    const channel = at.get('C') ?? int(0);
    const group = attrs.groups === 1 ? int(0) : floordiv(channel, int(outPerGroup));
    const sum = reduce('sum', [reduced, ...kernel], (rc, ...rk) => {
      const source = new Map(at);
      source.set('C', attrs.groups === 1 ? (rc ?? int(0)) : add(mul(group, int(reduced)), rc ?? int(0)));
      [...family.spatial].forEach((axis, i) => {
        const position = mul(at.get(axis) ?? int(0), int(attrs.strides[i] ?? 1));
        source.set(axis, add(position, mul(rk[i] ?? int(0), int(attrs.dilation[i] ?? 1))));
      });
      const filter = new Map<string, TEExpr>();
      [...family.spatial].forEach((axis, i) => filter.set(axis, rk[i] ?? int(0)));
      if (layouts.grouped) filter.set('G', group);
      filter.set('O', depthwise ? group : layouts.grouped ? floormod(channel, int(outPerGroup)) : channel);
      filter.set(
        'I',
        depthwise && outPerGroup > 1 ? floormod(channel, int(outPerGroup)) : depthwise ? int(0) : (rc ?? int(0)),
      );
      return mul(padded(source), operands.weightValue(loadIn(weight, layouts.kernel, filter), channel));
    });
    return cast(output.dtype, sum);
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
): (at: ReadonlyMap<string, TEExpr>) => TEExpr {
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
