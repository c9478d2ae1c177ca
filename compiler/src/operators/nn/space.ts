/** Moving elements between space, depth and batch, spreading them, and a sliding buffer. */
import type { TEExpr } from '../../tensor/te.ts';
import { add, all, compare, compute, floordiv, floormod, int, load, mul, select, sub } from '../../tensor/te.ts';
import type { Dim } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import { printDim, printShape } from '../../types/print.ts';
import { adviseBlocks } from '../advice/shapes.ts';
import { attr } from '../attributes.ts';
import { number, outputOf, tensorAt } from '../compute/tensors.ts';
import type { DimOrigin, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { addDims, floorDivDims, isAnyDim, mulDims, subDims } from '../relations/dims.ts';
import { copyOf } from '../relations/explain.ts';
import { shapeInLayout } from './conv-layouts.ts';
import { convertShape, loadIn, logicalIndices, parseLayout } from './layout.ts';
import { badAttribute, fail, ok, onInput, resolveAxis, tensorInput } from './relate.ts';
import { readLayout } from './shapes.ts';

interface BlockAttributes {
  readonly block_size: number;
  readonly layout: string;
}
const blockAttributes = (what: string) => ({
  block_size: attr.int(`Edge of the square block ${what}.`, { default: 1 }),
  layout: attr.string("Order of the data's dimensions.", { default: 'NCHW' }),
  mode: attr.string('Order of channels: `DCR` puts the block first; any other, usually `CRD`, the channel.', {
    default: 'DCR',
  }),
});
const nchw = { text: 'NCHW', axes: [...'NCHW'].map((axis) => ({ axis })) };

function relateBlocks(
  context: Pick<RelateContext<BlockAttributes>, 'inputs' | 'attrs'>,
  channels: (c: Dim, area: number) => Dim,
  size: (n: Dim, block: number) => Dim,
): RelateResult {
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const { block_size: block } = context.attrs;
  if (block === 0) return badAttribute('block_size', '`block_size` is 0, but it must be at least 1.');
  const layout = readLayout('layout', context.attrs.layout, 'NCHW');
  if ('kind' in layout) return layout;
  const shape = shapeInLayout(data, 0, 'data', layout, 'layout', nchw);
  if ('kind' in shape) return shape;
  const [n = 1, c = 1, h = 1, w = 1] = shape;
  const keep = (dim: Dim, f: (d: Dim) => Dim): Dim => (isAnyDim(dim) ? dim : f(dim));
  const result = [
    n,
    keep(c, (d) => channels(d, block * block)),
    keep(h, (d) => size(d, block)),
    keep(w, (d) => size(d, block)),
  ];
  return ok(tensorType(convertShape(nchw, result, layout), data.dtype));
}

function explainBlocks(
  context: Pick<RelateContext<BlockAttributes>, 'inputs' | 'attrs'>,
  dim: number,
  formulas: { readonly channel: string; readonly space: string },
): DimOrigin | undefined {
  const layout = parseLayout(context.attrs.layout);
  const [data] = context.inputs;
  if (typeof layout === 'string' || data?.kind !== 'tensor') return undefined;
  const axis = layout.axes[dim]?.axis;
  if (axis === 'N' || axis === undefined) return copyOf(0, dim);
  const block = context.attrs.block_size;
  const size = printDim(data.shape[dim] ?? 1);
  const term = (a: string, op: string, b: string): string => (op === '/' ? `floor(${a} / ${b})` : `${a} ${op} ${b}`);
  return {
    formula: axis === 'C' ? term(size, formulas.channel, `${block}²`) : term(size, formulas.space, String(block)),
    sources: [
      { kind: 'input', index: 0, dim },
      { kind: 'attribute', name: 'block_size' },
    ],
  };
}

const layoutOf = (text: string) => {
  const layout = parseLayout(text);
  if (typeof layout === 'string') throw new Error('the layout was not checked');
  return layout;
};

const depthToSpace = defineOperator({
  name: 'nn.depth_to_space',
  summary: 'Moves blocks of channels into height and width.',
  inputs: [{ name: 'data', summary: 'A tensor of 4 dimensions.' }],
  attributes: blockAttributes('that a group of channels becomes'),
  attrsType: 'relay.attrs.SubPixelAttrs',
  relate: (context) => relateBlocks(context, floorDivDims, mulDims),
  explain: (context, _result, at) => explainBlocks(context, at.dim, { channel: '/', space: '·' }),
  compute(context) {
    const data = tensorAt(context, 0);
    const output = outputOf(context);
    const { block_size: block, mode } = context.attrs;
    const layout = layoutOf(context.attrs.layout);
    const channels = Number(convertShape(layout, output.shape, nchw)[1]);
    return [
      compute('depth_to_space', output.shape, (...i) => {
        const at = logicalIndices(layout, i);
        const [c, h, w] = [at.get('C'), at.get('H'), at.get('W')].map((e) => e ?? int(0)) as [TEExpr, TEExpr, TEExpr];
        const within = add(mul(floormod(h, int(block)), int(block)), floormod(w, int(block)));
        const source = new Map(at);
        source.set('C', mode === 'DCR' ? add(mul(within, int(channels)), c) : add(mul(c, int(block * block)), within));
        source.set('H', floordiv(h, int(block)));
        source.set('W', floordiv(w, int(block)));
        return loadIn(data, layout, source);
      }),
    ];
  },
  fusion: 'injective',
});

const spaceToDepth = defineOperator({
  name: 'nn.space_to_depth',
  summary: 'Moves blocks of height and width into channels.',
  inputs: [{ name: 'data', summary: 'A tensor of 4 dimensions.' }],
  attributes: blockAttributes('that becomes a group of channels'),
  attrsType: 'relay.attrs.SubPixelAttrs',
  relate: (context) => relateBlocks(context, mulDims, floorDivDims),
  advise: adviseBlocks,
  explain: (context, _result, at) => explainBlocks(context, at.dim, { channel: '·', space: '/' }),
  compute(context) {
    const data = tensorAt(context, 0);
    const output = outputOf(context);
    const { block_size: block } = context.attrs;
    const layout = layoutOf(context.attrs.layout);
    const channels = Number(convertShape(layout, data.shape, nchw)[1]);
    return [
      compute('space_to_depth', output.shape, (...i) => {
        const at = logicalIndices(layout, i);
        const [c, h, w] = [at.get('C'), at.get('H'), at.get('W')].map((e) => e ?? int(0)) as [TEExpr, TEExpr, TEExpr];
        const offset = floordiv(c, int(channels));
        const source = new Map(at);
        source.set('C', floormod(c, int(channels)));
        source.set('H', add(mul(h, int(block)), floordiv(offset, int(block))));
        source.set('W', add(mul(w, int(block)), floormod(offset, int(block))));
        return loadIn(data, layout, source);
      }),
    ];
  },
  fusion: 'injective',
});

type Pairs = readonly (readonly number[])[];

/** Demands a pair for each block dimension and enough dimensions in the data. */
function checkBlocks(
  shape: readonly Dim[],
  block: readonly number[],
  pairs: Pairs,
  name: string,
): RelateResult | undefined {
  if (shape.length <= 1)
    return fail('rank-mismatch', `\`data\` must have at least 2 dimensions, but it has ${shape.length}.`, onInput(0));
  if (pairs.length !== block.length)
    return badAttribute(
      name,
      `\`${name}\` must have a pair for each of the ${block.length} elements of \`block_shape\`, but it has ${pairs.length}.`,
    );
  const wrong = pairs.findIndex((pair) => pair.length !== 2);
  if (wrong >= 0)
    return badAttribute(
      name,
      `\`${name}[${wrong}]\` must be a pair, but it has ${pairs[wrong]?.length ?? 0} elements.`,
    );
  if (block.length >= shape.length)
    return badAttribute(
      'block_shape',
      `\`block_shape\` has ${block.length} elements, but \`data\` has only ${shape.length - 1} dimensions after the batch.`,
      { related: [{ blame: onInput(0), message: `the data has the shape ${printShape(shape)}` }] },
    );
  const zero = block.indexOf(0);
  return zero < 0
    ? undefined
    : badAttribute('block_shape', `\`block_shape[${zero}]\` is 0, but it must be at least 1.`);
}

const product = (values: readonly number[]): number => values.reduce((a, b) => a * b, 1);

const spaceToBatch = defineOperator({
  name: 'nn.space_to_batch_nd',
  summary: 'Cuts the dimensions after the batch into blocks and interleaves the blocks in the batch.',
  inputs: [{ name: 'data', summary: 'Tensor of shape (batch, spatial…, rest…).' }],
  attributes: {
    block_shape: attr.ints('Size of a block, one number a spatial dimension.', { default: [1, 1] }),
    paddings: attr.intPairs('A pair (before, after) for each spatial dimension.'),
    pad_value: attr.float('Value of the padding.', { default: 0 }),
  },
  attrsType: 'relay.attrs.SpaceToBatchNDAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const { block_shape: block, paddings } = context.attrs;
    const problem = checkBlocks(data.shape, block, paddings, 'paddings');
    if (problem) return problem;
    const shape = data.shape.map((dim, d): Dim => {
      if (d === 0) return mulDims(dim, product(block));
      const [before = 0, after = 0] = paddings[d - 1] ?? [];
      return d > block.length ? dim : floorDivDims(addDims(dim, before + after), block[d - 1] ?? 1);
    });
    return ok(tensorType(shape, data.dtype));
  },
  explain(context, _result, at) {
    const [data] = context.inputs;
    const { block_shape: block, paddings } = context.attrs;
    if (data?.kind !== 'tensor' || at.dim > block.length) return copyOf(0, at.dim);
    const size = printDim(data.shape[at.dim] ?? 1);
    const pads = (paddings[at.dim - 1] ?? []).map((p) => ` + ${p}`).join('');
    return {
      formula: at.dim === 0 ? `${size} · ${product(block)}` : `floor((${size}${pads})/${block[at.dim - 1] ?? 1})`,
      sources: [
        { kind: 'input', index: 0, dim: at.dim },
        { kind: 'attribute', name: 'block_shape', ...(at.dim === 0 ? {} : { element: at.dim - 1 }) },
      ],
    };
  },
  compute(context) {
    const data = tensorAt(context, 0);
    const { block_shape: block, paddings, pad_value: fill } = context.attrs;
    const batch = data.shape[0] ?? 1;
    return [
      compute('space_to_batch', outputOf(context).shape, (...i) => {
        let rest = floordiv(i[0] ?? int(0), int(batch));
        const offsets: TEExpr[] = [];
        for (let d = block.length - 1; d >= 0; d--) {
          offsets[d] = floormod(rest, int(block[d] ?? 1));
          rest = floordiv(rest, int(block[d] ?? 1));
        }
        const conditions: TEExpr[] = [];
        const at = data.shape.map((extent, d): TEExpr => {
          const index = i[d] ?? int(0);
          if (d === 0) return floormod(index, int(batch));
          if (d > block.length) return index;
          const [before = 0, after = 0] = paddings[d - 1] ?? [];
          const position = sub(add(mul(index, int(block[d - 1] ?? 1)), offsets[d - 1] ?? int(0)), int(before));
          if (before > 0) conditions.push(compare('ge', position, int(0)));
          if (after > 0) conditions.push(compare('lt', position, int(extent)));
          return position;
        });
        const element = load(data, ...at);
        return conditions.length === 0 ? element : select(all(conditions), element, number(fill, data.dtype));
      }),
    ];
  },
  fusion: 'injective',
});

const batchToSpace = defineOperator({
  name: 'nn.batch_to_space_nd',
  summary: 'Puts blocks interleaved in the batch back into the dimensions after it, and crops them.',
  inputs: [{ name: 'data', summary: 'Tensor of shape (batch · blocks, spatial…, rest…).' }],
  attributes: {
    block_shape: attr.ints('Size of a block, one number a spatial dimension.', { default: [1, 1] }),
    crops: attr.intPairs('A pair (before, after) for each spatial dimension.'),
  },
  attrsType: 'relay.attrs.BatchToSpaceNDAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const { block_shape: block, crops } = context.attrs;
    const problem = checkBlocks(data.shape, block, crops, 'crops');
    if (problem) return problem;
    const shape = data.shape.map((dim, d): Dim => {
      if (d === 0) return floorDivDims(dim, product(block));
      const [before = 0, after = 0] = crops[d - 1] ?? [];
      return d > block.length ? dim : subDims(mulDims(dim, block[d - 1] ?? 1), before + after);
    });
    return ok(tensorType(shape, data.dtype));
  },
  explain(context, _result, at) {
    const [data] = context.inputs;
    const { block_shape: block, crops } = context.attrs;
    if (data?.kind !== 'tensor' || at.dim > block.length) return copyOf(0, at.dim);
    const size = printDim(data.shape[at.dim] ?? 1);
    const cut = (crops[at.dim - 1] ?? []).map((p) => ` − ${p}`).join('');
    return {
      formula: at.dim === 0 ? `floor(${size} / ${product(block)})` : `${size} · ${block[at.dim - 1] ?? 1}${cut}`,
      sources: [
        { kind: 'input', index: 0, dim: at.dim },
        { kind: 'attribute', name: 'block_shape', ...(at.dim === 0 ? {} : { element: at.dim - 1 }) },
      ],
    };
  },
  compute(context) {
    const data = tensorAt(context, 0);
    const output = outputOf(context);
    const { block_shape: block, crops } = context.attrs;
    const batch = output.shape[0] ?? 1;
    return [
      compute('batch_to_space', output.shape, (...i) => {
        let blockIndex: TEExpr = int(0);
        const rest = data.shape.slice(1).map((_, k): TEExpr => {
          const index = i[k + 1] ?? int(0);
          if (k >= block.length) return index;
          const position = add(index, int(crops[k]?.[0] ?? 0));
          const size = int(block[k] ?? 1);
          blockIndex = add(mul(blockIndex, size), floormod(position, size));
          return floordiv(position, size);
        });
        return load(data, add(mul(blockIndex, int(batch)), i[0] ?? int(0)), ...rest);
      }),
    ];
  },
  fusion: 'injective',
});

const dilate = defineOperator({
  name: 'nn.dilate',
  summary: 'Spreads the elements of each dimension apart and fills the gaps.',
  inputs: [{ name: 'x', summary: 'The tensor.' }],
  attributes: {
    strides: attr.ints('Distance of neighbouring elements in the result, one number a dimension.', {
      default: [1, 1],
    }),
    dilation_value: attr.float('Value of the gaps.', { default: 0 }),
  },
  attrsType: 'relay.attrs.DilateAttrs',
  attrsTypeKey: true,
  relate(context) {
    const x = tensorInput(context, 0, 'x');
    if (x.kind !== 'tensor') return x;
    const { strides } = context.attrs;
    if (strides.length !== x.shape.length)
      return badAttribute(
        'strides',
        `\`strides\` must have ${x.shape.length} elements, one a dimension of \`x\`, but it has ${strides.length}.`,
        { related: [{ blame: onInput(0), message: `the shape is ${printShape(x.shape)}` }] },
      );
    const shape = x.shape.map((dim, d) =>
      isAnyDim(dim) ? dim : addDims(mulDims(subDims(dim, 1), strides[d] ?? 1), 1),
    );
    return ok(tensorType(shape, x.dtype));
  },
  explain(context, _result, at) {
    const [x] = context.inputs;
    const stride = context.attrs.strides[at.dim] ?? 1;
    if (x?.kind !== 'tensor' || stride === 1) return copyOf(0, at.dim);
    return {
      formula: `(${printDim(x.shape[at.dim] ?? 1)} − 1)·${stride} + 1`,
      sources: [
        { kind: 'input', index: 0, dim: at.dim },
        { kind: 'attribute', name: 'strides', element: at.dim },
      ],
    };
  },
  compute(context) {
    const x = tensorAt(context, 0);
    const { strides, dilation_value: fill } = context.attrs;
    return [
      compute('dilate', outputOf(context).shape, (...i) => {
        const conditions: TEExpr[] = [];
        const at = i.map((index, d): TEExpr => {
          const stride = strides[d] ?? 1;
          if (stride === 1) return index;
          conditions.push(compare('eq', floormod(index, int(stride)), int(0)));
          return floordiv(index, int(stride));
        });
        const element = load(x, ...at);
        return conditions.length === 0 ? element : select(all(conditions), element, number(fill, x.dtype));
      }),
    ];
  },
  fusion: 'injective',
});

const fifoBuffer = defineOperator({
  name: 'nn.fifo_buffer',
  summary: 'Shifts a buffer along an axis and puts new data at its end.',
  inputs: [
    { name: 'data', summary: 'The new elements.' },
    { name: 'buffer', summary: 'The elements so far.' },
  ],
  attributes: { axis: attr.int('The axis of time.', { default: 0 }) },
  attrsType: 'relay.attrs.FIFOBufferAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const buffer = tensorInput(context, 1, 'buffer');
    if (buffer.kind !== 'tensor') return buffer;
    if (data.shape.length !== buffer.shape.length)
      return fail(
        'rank-mismatch',
        `\`data\` and \`buffer\` must have the same rank, but they have the shapes ${printShape(data.shape)} and ${printShape(buffer.shape)}.`,
        onInput(0),
        { related: [{ blame: onInput(1), message: `the buffer has ${buffer.shape.length} dimensions` }] },
      );
    const axis = resolveAxis(context.attrs.axis, buffer.shape.length, 'axis', 'the buffer');
    return typeof axis === 'number' ? ok(buffer) : axis;
  },
  explain: (_context, _result, at) => copyOf(1, at.dim),
  compute(context) {
    const data = tensorAt(context, 0);
    const buffer = tensorAt(context, 1);
    const axis = context.attrs.axis < 0 ? context.attrs.axis + buffer.shape.length : context.attrs.axis;
    const fresh = data.shape[axis] ?? 1;
    const kept = (buffer.shape[axis] ?? 1) - fresh;
    return [
      compute('fifo_buffer', buffer.shape, (...i) => {
        const index = i[axis] ?? int(0);
        const at = (e: TEExpr): TEExpr[] => i.map((x, d) => (d === axis ? e : x));
        return select(
          compare('lt', index, int(kept)),
          load(buffer, ...at(add(index, int(fresh)))),
          load(data, ...at(sub(index, int(kept)))),
        );
      }),
    ];
  },
  fusion: 'opaque',
});

export const spaceOperators = [depthToSpace, spaceToDepth, spaceToBatch, batchToSpace, dilate, fifoBuffer];
