/** What the relations of plain and transposed convolutions share: layouts, lengths of attributes, mismatches. */
import type { DType } from '../../tensor/dtype.ts';
import type { Dim, TensorType } from '../../types/type.ts';
import { printDim, printShape } from '../../types/print.ts';
import { mayEqual } from '../relations/dims.ts';
import type { Layout } from './layout.ts';
import { axisIndex, convertShape } from './layout.ts';
import type { Failure, Related } from './relate.ts';
import { checkAtLeast, checkLength, checkRank, fail, onAttribute, onInput } from './relate.ts';
import { readLayout } from './shapes.ts';

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
  /** The weight is stored by input channel first, then output channel (transposed convolutions). */
  readonly inputFirst?: boolean;
  /** The weight may have an axis G for its groups. */
  readonly groupAxis?: boolean;
  /** A weight given beside `groups` is not divided by them when its shape decides (one dimension). */
  readonly undividedChannels?: boolean;
  /** A weight of `groups` whole filters is stored by input channel and multiplier (two dimensions). */
  readonly depthwise?: boolean;
}

export interface ConvLayouts {
  readonly data: Layout;
  readonly kernel: Layout;
  readonly out: Layout;
  /** `NCHW`, parsed. */
  readonly dataOrder: Layout;
  /** `OIHW` (or `IOHW`), parsed; with a leading G when the weight has a group axis. */
  readonly kernelOrder: Layout;
  readonly grouped: boolean;
}

function plain(text: string): Layout {
  return { text, axes: [...text].map((axis) => ({ axis })) };
}

/** Reads the three layouts. */
export function convLayouts(attrs: ConvAttributes, family: ConvFamily): ConvLayouts | Failure {
  const grouped = family.groupAxis === true && attrs.groups > 1 && attrs.kernel_layout.includes('G');
  const dataOrder = plain(`NC${family.spatial}`);
  const kernelOrder = plain(`${grouped ? 'G' : ''}${family.inputFirst ? 'IO' : 'OI'}${family.spatial}`);
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

/** The weight's window contradicts `kernel_size`. */
export function windowMismatch(
  layouts: ConvLayouts,
  attrs: ConvAttributes,
  kernel: readonly Dim[],
  spatial: string,
): Failure | undefined {
  const { kernel_size: sizes } = attrs;
  const wrong = sizes?.findIndex((k, i) => i < kernel.length && !mayEqual(k, kernel[i] ?? 0)) ?? -1;
  if (wrong < 0 || sizes === null) return undefined;
  return fail(
    'shape-mismatch',
    `The weight's kernel is ${printShape(kernel)}, but \`kernel_size\` says (${sizes.join(', ')}).`,
    onInput(1, axisIndex(layouts.kernel, spatial[wrong] ?? '')),
    {
      related: [{ blame: onAttribute('kernel_size'), message: `\`kernel_size[${wrong}]\` is ${sizes[wrong] ?? 0}` }],
    },
  );
}

/** The weight's input channels contradict the data's, of which each group takes `wanted`. */
export function channelMismatch(layouts: ConvLayouts, groups: number, input: Dim, wanted: Dim, given: Dim): Failure {
  const dataDim = axisIndex(layouts.data, 'C');
  const weightDim = axisIndex(layouts.kernel, 'I');
  const share = groups === 1 ? '' : ` in ${groups} groups`;
  const related = [
    { blame: onInput(0, dataDim), message: `the data has ${printDim(input)} channels (layout ${layouts.data.text})` },
    ...(groups === 1 ? [] : [{ blame: onAttribute('groups'), message: `\`groups\` is ${groups}` }]),
  ];
  return fail(
    'shape-mismatch',
    `The data has ${printDim(input)} channels${share}, so the weight must have ${printDim(wanted)} input channels, but it has ${printDim(given)} (dimension ${weightDim}, layout ${layouts.kernel.text}).`,
    onInput(1, weightDim),
    {
      related,
      remedy:
        groups === 1 && given === 1 && typeof input === 'number'
          ? `For a depthwise convolution write \`groups=${input}\`; otherwise check \`data_layout\` and \`kernel_layout\`.`
          : 'Check that `data_layout` and `kernel_layout` name the stored order of dimensions.',
    },
  );
}

/** Whether the weight is stored by input channel and multiplier. */
export function isDepthwise(
  attrs: ConvAttributes,
  family: ConvFamily,
  dataShape: readonly Dim[],
  weight: readonly Dim[],
): boolean {
  return family.depthwise === true && attrs.groups > 1 && dataShape[1] === attrs.groups && weight[0] === attrs.groups;
}
