/** Relation and origins of the transposed convolutions. */
import type { Dim, TensorType } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import { printDim, printShape } from '../../types/print.ts';
import type { DimOrigin, RelateContext, RelateResult } from '../operator.ts';
import { addDims, floorDivDims, isAnyDim, mayEqual, mulDims, subDims } from '../relations/dims.ts';
import { copyOf, fromAttribute } from '../relations/explain.ts';
import { dilatedExtent } from '../relations/windows.ts';
import type { ConvAttributes, ConvFamily, ConvLayouts } from './conv-layouts.ts';
import { channelMismatch, convLayouts, shapeInLayout, windowLengths, windowMismatch } from './conv-layouts.ts';
import { axisIndex, convertShape } from './layout.ts';
import type { Failure } from './relate.ts';
import {
  badAttribute,
  checkAtLeast,
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
import { readPadding } from './shapes.ts';

export interface TransposedAttributes extends ConvAttributes {
  readonly output_padding: readonly number[];
}

const familyOf = (spatial: string): ConvFamily => ({ spatial, inputFirst: true, groupAxis: spatial === 'HW' });

/** The layouts of a transposed convolution. */
export const transposedLayouts = (attrs: TransposedAttributes, spatial: string): ConvLayouts | Failure =>
  convLayouts(attrs, familyOf(spatial));

/** Checks the list attributes and reads the padding. */
export function transposedPadding(attrs: TransposedAttributes, n: number): Padding | Failure {
  const problem =
    checkAtLeast('strides', attrs.strides, n) ??
    windowLengths(attrs, n, true) ??
    checkAtLeast('output_padding', attrs.output_padding, n);
  if (problem) return problem;
  if (attrs.groups === 0) return badAttribute('groups', '`groups` is 0, but it must be at least 1.');
  return readPadding(attrs.padding, n);
}

/** `(size − 1)·stride + dilated kernel − padding + output padding`; `?` stays `?`. */
function outputSize(attrs: TransposedAttributes, padding: Padding, size: Dim, kernel: Dim, i: number): Dim {
  if (isAnyDim(size)) return size;
  const spread = mulDims(subDims(size, 1), attrs.strides[i] ?? 1);
  const extent = dilatedExtent(kernel, attrs.dilation[i] ?? 1);
  const pads = (padding.before[i] ?? 0) + (padding.after[i] ?? 0);
  return addDims(subDims(addDims(spread, extent), pads), attrs.output_padding[i] ?? 0);
}

/** The relation of `nn.conv*_transpose`; the weight stands as input channels, output channels a group, window. */
export function relateTransposed(
  context: Pick<RelateContext<TransposedAttributes>, 'inputs' | 'attrs'>,
  spatial: string,
): RelateResult {
  const { attrs } = context;
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const weight = optionalTensor(context, 1, 'weight');
  if (weight?.kind === 'error') return weight;
  const layouts = transposedLayouts(attrs, spatial);
  if ('kind' in layouts) return layouts;
  const padding = transposedPadding(attrs, spatial.length);
  if ('kind' in padding) return padding;
  const shape = shapeInLayout(data, 0, 'data', layouts.data, 'data_layout', layouts.dataOrder);
  if ('kind' in shape) return shape;
  const channelsIn = shape[1] ?? 0;
  const result = (channels: Dim, kernel: readonly Dim[]): TensorType =>
    tensorType(
      convertShape(
        layouts.dataOrder,
        [shape[0] ?? 0, channels, ...kernel.map((k, i) => outputSize(attrs, padding, shape[i + 2] ?? 0, k, i))],
        layouts.out,
      ),
      attrs.out_dtype ?? data.dtype,
    );

  if (attrs.kernel_size && attrs.channels !== null) {
    const kernel = attrs.kernel_size.slice(0, spatial.length);
    const perGroup = floorDivDims(attrs.channels, attrs.groups);
    const leading = layouts.grouped
      ? [attrs.groups, floorDivDims(channelsIn, attrs.groups), perGroup]
      : [channelsIn, perGroup];
    const expected = convertShape(layouts.kernelOrder, [...leading, ...kernel], layouts.kernel);
    if (weight && !shapesMayEqual(weight.shape, expected)) return mismatch(weight, expected, layouts, channelsIn);
    return ok(result(attrs.channels, kernel), [{ index: 1, type: tensorType(expected, weight?.dtype ?? data.dtype) }]);
  }
  if (!weight) return wait;
  const w = shapeInLayout(weight, 1, 'weight', layouts.kernel, 'kernel_layout', layouts.kernelOrder);
  if ('kind' in w) return w;
  const offset = layouts.grouped ? 1 : 0;
  const kernel = w.slice(offset + 2);
  const window = windowMismatch(layouts, attrs, kernel, spatial);
  if (window) return window;
  const channelsOut = w[offset + 1] ?? 0;
  if (attrs.channels !== null && !mayEqual(floorDivDims(attrs.channels, attrs.groups), channelsOut))
    return fail(
      'shape-mismatch',
      `\`channels=${attrs.channels}\` in ${attrs.groups} group(s) needs ${Math.floor(attrs.channels / attrs.groups)} output channels in the weight, but it has ${printDim(channelsOut)}.`,
      onInput(1, axisIndex(layouts.kernel, 'O')),
      { related: [{ blame: onAttribute('channels'), message: `\`channels\` is ${attrs.channels}` }] },
    );
  const given = w[offset] ?? 0;
  if (!mayEqual(channelsIn, given)) return channelMismatch(layouts, 1, channelsIn, channelsIn, given);
  return ok(result(channelsOut, kernel));
}

function mismatch(weight: TensorType, expected: readonly Dim[], layouts: ConvLayouts, channels: Dim): Failure {
  const dim = expected.findIndex((d, i) => !mayEqual(d, weight.shape[i] ?? 0));
  const axis = layouts.kernel.axes[dim]?.axis;
  if (axis === 'I' && !layouts.grouped) return channelMismatch(layouts, 1, channels, channels, weight.shape[dim] ?? 0);
  const name = axis === 'O' || axis === 'G' ? 'channels' : 'kernel_size';
  return fail(
    'shape-mismatch',
    `The weight must have the shape ${printShape(expected)} (layout ${layouts.kernel.text}), but it has ${printShape(weight.shape)}.`,
    onInput(1, dim < 0 ? undefined : dim),
    {
      related: [{ blame: onAttribute(name), message: `\`${name}\` decides this dimension` }],
      remedy: 'Change the attribute, the weight, or `kernel_layout` so that they agree.',
    },
  );
}

/** Origin of dimension `dim` of a transposed convolution's result. */
export function explainTransposed(
  context: Pick<RelateContext<TransposedAttributes>, 'inputs' | 'attrs'>,
  spatial: string,
  dim: number,
): DimOrigin | undefined {
  const { attrs } = context;
  const layouts = transposedLayouts(attrs, spatial);
  const padding = transposedPadding(attrs, spatial.length);
  const [data, weight] = context.inputs;
  if ('kind' in layouts || 'kind' in padding || data?.kind !== 'tensor') return undefined;
  const axis = layouts.out.axes[dim]?.axis ?? '';
  if (axis === 'N') return copyOf(0, axisIndex(layouts.data, 'N'));
  if (axis === 'C')
    return attrs.channels !== null ? fromAttribute('channels') : copyOf(1, axisIndex(layouts.kernel, 'O'));
  const i = spatial.indexOf(axis);
  const dataDim = axisIndex(layouts.data, axis);
  const weightDim = axisIndex(layouts.kernel, axis);
  const kernel = attrs.kernel_size?.[i] ?? (weight?.kind === 'tensor' ? weight.shape[weightDim] : undefined);
  if (i < 0 || kernel === undefined) return undefined;
  const pads = (padding.before[i] ?? 0) + (padding.after[i] ?? 0);
  const extra = attrs.output_padding[i] ?? 0;
  const dilation = attrs.dilation[i] ?? 1;
  const extent = dilation === 1 ? printDim(kernel) : `((${printDim(kernel)} − 1)·${dilation} + 1)`;
  const spread = `(${printDim(data.shape[dataDim] ?? 0)} − 1)·${attrs.strides[i] ?? 1}`;
  return {
    formula: `${spread} + ${extent}${pads === 0 ? '' : ` − ${pads}`}${extra === 0 ? '' : ` + ${extra}`}`,
    sources: [
      { kind: 'input', index: 0, dim: dataDim },
      { kind: 'attribute', name: 'strides', element: i },
      attrs.kernel_size
        ? { kind: 'attribute', name: 'kernel_size', element: i }
        : { kind: 'input', index: 1, dim: weightDim },
      ...(pads === 0 ? [] : [{ kind: 'attribute' as const, name: 'padding' }]),
      ...(extra === 0 ? [] : [{ kind: 'attribute' as const, name: 'output_padding', element: i }]),
    ],
  };
}
