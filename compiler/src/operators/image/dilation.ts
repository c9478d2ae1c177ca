/** `image.dilation2d`. */
import { add, all, cast, compare, compute, int, mul, reduce, select, sub } from '../../tensor/te.ts';
import { tensorType } from '../../types/type.ts';
import type { Dim } from '../../types/type.ts';
import { adviseSameChannels, adviseWindows } from '../advice/shapes.ts';
import { attr } from '../attributes.ts';
import { number, outputOf, tensorAt } from '../compute/tensors.ts';
import type { RelateContext } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import type { Layout } from '../nn/layout.ts';
import { convertShape, loadIn, logicalIndices, parseLayout } from '../nn/layout.ts';
import { shapeInLayout } from '../nn/conv-layouts.ts';
import type { Failure } from '../nn/relate.ts';
import { checkAtLeast, checkNonZero, ok, tensorInput } from '../nn/relate.ts';
import type { Padding } from '../nn/shapes.ts';
import { readLayout, readPadding, windowSources } from '../nn/shapes.ts';
import { isAnyDim } from '../relations/dims.ts';
import { copyOf } from '../relations/explain.ts';
import type { Window } from '../relations/windows.ts';
import { windowFormula, windowOutput } from '../relations/windows.ts';
import { canonicalLayout } from './resample.ts';

const dataOrder = canonicalLayout('HW');
const weightOrder: Layout = { text: 'IHW', axes: [...'IHW'].map((axis) => ({ axis })) };

interface Attributes {
  readonly strides: readonly number[];
  readonly padding: readonly number[];
  readonly dilations: readonly number[];
  readonly data_layout: string;
  readonly kernel_layout: string;
}

function windows(attrs: Attributes, kernel: readonly Dim[], padding: Padding): readonly Window[] {
  return kernel.map((extent, d) => ({
    kernel: extent,
    stride: attrs.strides[d] ?? 1,
    dilation: attrs.dilations[d] ?? 1,
    padBefore: padding.before[d] ?? 0,
    padAfter: padding.after[d] ?? 0,
  }));
}

function known(text: string): Layout {
  const layout = parseLayout(text);
  if (typeof layout === 'string') throw new Error('dilation2d: the layout was not checked');
  return layout;
}

function knownPadding(attrs: Attributes): Padding {
  const padding = readPadding(attrs.padding, 2);
  if ('kind' in padding) throw new Error('dilation2d: the padding was not checked');
  return padding;
}

function relateDilation(
  context: Pick<RelateContext<Attributes & { readonly out_dtype: string | null }>, 'inputs' | 'attrs'>,
) {
  const { attrs } = context;
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const weight = tensorInput(context, 1, 'weight');
  if (weight.kind !== 'tensor') return weight;
  const layout = readLayout('data_layout', attrs.data_layout, 'NCHW');
  if ('kind' in layout) return layout;
  const kernelLayout = readLayout('kernel_layout', attrs.kernel_layout, 'IHW');
  if ('kind' in kernelLayout) return kernelLayout;
  const shape = shapeInLayout(data, 0, 'data', layout, 'data_layout', dataOrder);
  if ('kind' in shape) return shape;
  const kernel = shapeInLayout(weight, 1, 'weight', kernelLayout, 'kernel_layout', weightOrder);
  if ('kind' in kernel) return kernel;
  const padding: Padding | Failure = readPadding(attrs.padding, 2);
  if ('kind' in padding) return padding;
  const problem =
    checkAtLeast('strides', attrs.strides, 2) ??
    checkNonZero('strides', attrs.strides) ??
    checkAtLeast('dilations', attrs.dilations, 2);
  if (problem) return problem;
  const sizes = windows(attrs, kernel.slice(1), padding).map((window, d): Dim => {
    const size = shape[d + 2] ?? 1;
    return isAnyDim(size) ? size : windowOutput(size, window);
  });
  const result = [shape[0] ?? 1, kernel[0] ?? 1, ...sizes];
  return ok(tensorType(convertShape(dataOrder, result, layout), attrs.out_dtype ?? data.dtype));
}

const dilation2d = defineOperator({
  name: 'image.dilation2d',
  summary: 'Grayscale dilation: the greatest sum of the data and a structuring element within a window.',
  details: 'Each channel has an element of its own. The padding counts as zeros.',
  inputs: [
    { name: 'data', summary: 'The images.' },
    { name: 'weight', summary: 'The structuring elements, one a channel.' },
  ],
  attributes: {
    strides: attr.ints('Distance of windows along height and width.', { default: [1, 1] }),
    padding: attr.ints('Zeros around the data: all, [vertical, horizontal], or [top, left, bottom, right].', {
      default: [0, 0],
    }),
    dilations: attr.ints('Distance of elements within a window.', { default: [1, 1] }),
    data_layout: attr.string("Order of the data's dimensions.", { default: 'NCHW' }),
    kernel_layout: attr.string("Order of the weight's dimensions.", { default: 'IHW' }),
    out_dtype: attr.dtype('Element type of the result; that of the data when empty.', { default: null }),
  },
  attrsType: 'relay.attrs.Dilation2DAttrs',
  relate: relateDilation,
  advise: (context, result) => {
    const [data, weight] = context.inputs;
    const channels = { type: data, dim: context.attrs.data_layout.indexOf('C') };
    const own = { type: weight, dim: context.attrs.kernel_layout.indexOf('I') };
    return [...adviseSameChannels(channels, own), ...adviseWindows({ inputs: context.inputs, attrs: {} }, result)];
  },
  explain(context, _result, at) {
    const { attrs } = context;
    const layout = parseLayout(attrs.data_layout);
    const kernelLayout = parseLayout(attrs.kernel_layout);
    const [data, weight] = context.inputs;
    if (typeof layout === 'string' || typeof kernelLayout === 'string') return undefined;
    if (data?.kind !== 'tensor' || weight?.kind !== 'tensor') return undefined;
    const axis = layout.axes[at.dim]?.axis ?? '';
    const inKernel = (name: string): number => kernelLayout.axes.findIndex((a) => a.axis === name);
    if (axis === 'C') return copyOf(1, inKernel('I'));
    const d = 'HW'.indexOf(axis);
    const window = windows(attrs, convertShape(kernelLayout, weight.shape, weightOrder).slice(1), knownPadding(attrs))[
      d
    ];
    if (d < 0 || !window) return copyOf(0, at.dim);
    return {
      formula: windowFormula(data.shape[at.dim] ?? 1, window),
      sources: [
        { kind: 'input', index: 0, dim: at.dim },
        { kind: 'input', index: 1, dim: inKernel(axis) },
        ...windowSources(knownPadding(attrs), d, window).map((source) =>
          source.kind === 'attribute' && source.name === 'dilation' ? { ...source, name: 'dilations' } : source,
        ),
      ],
    };
  },
  compute(context) {
    const { attrs } = context;
    const data = tensorAt(context, 0);
    const weight = tensorAt(context, 1);
    const output = outputOf(context);
    const [layout, kernelLayout] = [known(attrs.data_layout), known(attrs.kernel_layout)];
    const sizes = convertShape(layout, data.shape, dataOrder).map(Number).slice(2);
    const kernel = convertShape(kernelLayout, weight.shape, weightOrder).map(Number).slice(1);
    const window = windows(attrs, kernel, knownPadding(attrs));
    return [
      compute('dilation2d', output.shape, (...i) => {
        const logical = logicalIndices(layout, i);
        return reduce('max', kernel, (...r) => {
          const source = new Map(logical);
          const inside = ['H', 'W'].flatMap((axis, d) => {
            const { stride = 1, dilation = 1, padBefore = 0 } = window[d] ?? {};
            const start = mul(logical.get(axis) ?? int(0), int(stride));
            const at = sub(add(start, mul(r[d] ?? int(0), int(dilation))), int(padBefore));
            source.set(axis, at);
            return [compare('ge', at, int(0)), compare('lt', at, int(sizes[d] ?? 1))];
          });
          const element = select(all(inside), loadIn(data, layout, source), number(0, data.dtype));
          const channel = logical.get('C') ?? int(0);
          const place = new Map([['I', channel], ...['H', 'W'].map((axis, d) => [axis, r[d] ?? int(0)] as const)]);
          return add(cast(output.dtype, element), cast(output.dtype, loadIn(weight, kernelLayout, place)));
        });
      }),
    ];
  },
  fusion: 'out-elementwise-fusable',
});

export const dilationOperators = [dilation2d];
