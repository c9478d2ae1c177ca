/** Advice on sizes that the type relations of TVM accept, and that its compiler refuses or computes nonsense of. */
import type { Dim, Type } from '../../types/type.ts';
import { constantDim } from '../../types/type.ts';
import type { Advice, RelateContext } from '../operator.ts';

type Sized<A> = Pick<RelateContext<A>, 'inputs' | 'attrs'>;

function dimsOf(type: Type | undefined): readonly Dim[] {
  return type?.kind === 'tensor' ? type.shape : [];
}

/** The size as a number; undefined when it is symbolic. */
function sizeOf(dim: Dim | undefined): number | undefined {
  const value = dim === undefined ? undefined : constantDim(dim);
  return value === undefined ? undefined : Number(value);
}

/** Windows that do not fit into the data with its padding leave nothing; `window` says where their size comes from. */
export function adviseWindows(
  context: Sized<{ readonly kernel_size?: unknown; readonly pool_size?: unknown }>,
  result: Type,
): readonly Advice[] {
  if (dimsOf(context.inputs[0]).some((dim) => (sizeOf(dim) ?? 1) <= 0)) return [];
  const dims = dimsOf(result);
  const at = dims.findIndex((dim) => (sizeOf(dim) ?? 1) <= 0);
  if (at < 0) return [];
  const { attrs } = context;
  const named = attrs.pool_size != null ? 'pool_size' : attrs.kernel_size != null ? 'kernel_size' : undefined;
  return [
    {
      code: 'empty-result',
      message: `The window is larger than the data with its padding, so dimension ${at} of the result is ${sizeOf(dims[at])}.`,
      remedy: 'Make the window smaller, add padding, or pass larger data.',
      blame: named === undefined ? { kind: 'input', index: 1 } : { kind: 'attribute', name: named },
      related: [{ blame: { kind: 'input', index: 0 }, message: 'This is the data.' }],
    },
  ];
}

interface ConvAttributes {
  readonly groups: number;
  readonly data_layout: string;
  readonly out_layout: string;
  readonly kernel_size: readonly number[] | null;
}

/** Groups that do not divide the channels, and windows that do not fit. */
export function adviseConv(context: Sized<ConvAttributes>, result: Type): readonly Advice[] {
  const { groups, data_layout: layout, out_layout: outLayout } = context.attrs;
  const windows = adviseWindows(context, result);
  if (groups <= 1 || /\d/.test(layout + outLayout)) return windows;
  const input = sizeOf(dimsOf(context.inputs[0])[layout.indexOf('C')]);
  const output = sizeOf(dimsOf(result)[(outLayout === '' ? layout : outLayout).indexOf('C')]);
  return [
    ...uneven('groups', groups, input, 'input channels', { kind: 'input', index: 0 }),
    ...uneven('groups', groups, output, 'output channels', { kind: 'input', index: 1 }),
  ]
    .slice(0, 1)
    .concat(windows);
}

/** Height and width that blocks do not divide: what is left over at the end is lost. */
export function adviseBlocks(
  context: Sized<{ readonly block_size: number; readonly layout: string }>,
): readonly Advice[] {
  const { block_size: block, layout } = context.attrs;
  const shape = dimsOf(context.inputs[0]);
  const left = [...'HW'].map((axis) => layout.indexOf(axis)).find((dim) => (sizeOf(shape[dim]) ?? 0) % block !== 0);
  if (left === undefined) return [];
  const size = sizeOf(shape[left]) ?? 0;
  return [
    {
      code: 'unchecked-mismatch',
      message: `Dimension ${left} of \`data\` is ${size}, which blocks of ${block} do not divide: the last ${size % block} are lost.`,
      remedy: 'Pad the data, or take another block size.',
      blame: { kind: 'attribute', name: 'block_size' },
      related: [{ blame: { kind: 'input', index: 0, dim: left }, message: `Dimension ${left} is ${size}.` }],
    },
  ];
}

/** Channels of one tensor that are split into `num_groups`. */
export function adviseGroups(
  context: Sized<{ readonly num_groups: number; readonly axis: number }>,
): readonly Advice[] {
  const shape = dimsOf(context.inputs[0]);
  const { num_groups: groups, axis } = context.attrs;
  const channels = sizeOf(shape[axis < 0 ? axis + shape.length : axis]);
  if (groups >= 1) return uneven('num_groups', groups, channels, 'channels', { kind: 'input', index: 0 });
  return [
    {
      code: 'uneven-groups',
      message: `\`num_groups\` is ${groups}, but the channels have to be split into at least 1 group.`,
      remedy: 'Write the number of groups as `num_groups`.',
      blame: { kind: 'attribute', name: 'num_groups' },
    },
  ];
}

function uneven(
  name: string,
  groups: number,
  channels: number | undefined,
  what: string,
  counted: Advice['blame'],
): readonly Advice[] {
  if (channels === undefined || channels <= 0 || channels % groups === 0) return [];
  const fitting = divisors(channels).sort((a, b) => Math.abs(a - groups) - Math.abs(b - groups));
  return [
    {
      code: 'uneven-groups',
      message: `${channels} ${what} cannot be split into ${groups} groups of the same size.`,
      remedy: `Write a divisor of ${channels}, for example \`${name}=${fitting[0] ?? 1}\`.`,
      blame: { kind: 'attribute', name },
      related: [{ blame: counted, message: `These are ${channels} ${what}.` }],
    },
  ];
}

function divisors(n: number): number[] {
  const found: number[] = [];
  for (let d = 1; d * d <= n; d++) if (n % d === 0) found.push(d, n / d);
  return found;
}

/** Two inputs with a size for each channel, which nothing compares. */
export function adviseSameChannels(
  data: { readonly type: Type | undefined; readonly dim: number },
  weight: { readonly type: Type | undefined; readonly dim: number },
): readonly Advice[] {
  const channels = sizeOf(dimsOf(data.type)[data.dim]);
  const own = sizeOf(dimsOf(weight.type)[weight.dim]);
  if (channels === undefined || own === undefined || channels === own) return [];
  return [
    {
      code: 'unchecked-mismatch',
      message: `\`data\` has ${channels} channels (dimension ${data.dim}), but \`weight\` has an element for ${own} (dimension ${weight.dim}).`,
      remedy: `Pass a weight for ${channels} channels.`,
      blame: { kind: 'input', index: 1, dim: weight.dim },
      related: [{ blame: { kind: 'input', index: 0, dim: data.dim }, message: `\`data\` has ${channels} channels` }],
    },
  ];
}

/** Reductions without a neutral element, over dimensions of size 0. */
export function adviseReduction(type: Type | undefined, axes: readonly number[], what: string): readonly Advice[] {
  const shape = dimsOf(type);
  const empty = axes.find((axis) => sizeOf(shape[axis]) === 0);
  if (empty === undefined) return [];
  return [
    {
      code: 'empty-reduction',
      message: `Dimension ${empty} of \`data\` is 0: there is no ${what} of no elements.`,
      remedy: 'Reduce over dimensions with elements.',
      blame: { kind: 'input', index: 0, dim: empty },
    },
  ];
}
