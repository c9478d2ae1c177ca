/** Relation and origins of the convolutions over one, two and three spatial dimensions. */
import type { DType } from '../../tensor/dtype.ts';
import type { Dim, TensorType, Type } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import { printDim, printShape } from '../../types/print.ts';
import type { DimOrigin, RelateContext, RelateResult } from '../operator.ts';
import { floorDivDims, isAnyDim, mayEqual } from '../relations/dims.ts';
import { copyOf, fromAttribute } from '../relations/explain.ts';
import type { Window } from '../relations/windows.ts';
import { windowFormula, windowOutput } from '../relations/windows.ts';
import type { ConvAttributes, ConvFamily, ConvLayouts } from './conv-layouts.ts';
import {
  channelMismatch,
  convLayouts,
  isDepthwise,
  shapeInLayout,
  windowLengths,
  windowMismatch,
} from './conv-layouts.ts';
import { axisIndex, blockFactor, convertShape, isBlocked } from './layout.ts';
import type { Failure, Related } from './relate.ts';
import {
  badAttribute,
  checkAtLeast,
  checkNonZero,
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
import { readPadding, windowSources } from './shapes.ts';

export const conv1dFamily: ConvFamily = { spatial: 'W', undividedChannels: true };
export const conv2dFamily: ConvFamily = { spatial: 'HW', depthwise: true, groupAxis: true };
export const conv3dFamily: ConvFamily = { spatial: 'DHW' };

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
  const window = windowMismatch(layouts, attrs, kernel, family.spatial);
  if (window) return window;
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
    return channelMismatch(layouts, attrs.groups, inputChannels, wanted, given);
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
  if (axis === 'I' && attrs.groups === 1) return channelMismatch(layouts, attrs.groups, inputChannels, wanted, given);
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
function explainConv(
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
