/** `nn.correlation` and `nn.deformable_conv2d`. */
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import {
  add,
  all,
  binary,
  cast,
  compare,
  compute,
  floordiv,
  floormod,
  int,
  load,
  mul,
  reduce,
  select,
  sub,
  unary,
} from '../../tensor/te.ts';
import { tensorType } from '../../types/type.ts';
import { printDim } from '../../types/print.ts';
import { attr } from '../attributes.ts';
import { number, outputOf, tensorAt } from '../compute/tensors.ts';
import type { ComputeContext } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { addDims, floorDivDims, mulDims, subDims } from '../relations/dims.ts';
import { copyOf } from '../relations/explain.ts';
import { convAttributes } from './conv.ts';
import type { ConvAttributes } from './conv-layouts.ts';
import { conv2dFamily, convExplainer, convWindow, relateConv } from './convolution.ts';
import { convLayouts } from './conv-layouts.ts';
import { convertShape, loadIn, logicalIndices } from './layout.ts';
import { badAttribute, checkRank, checkShape, fail, ok, onInput, optionalTensor, tensorInput } from './relate.ts';
import { readPadding } from './shapes.ts';

const tolerance = { relative: 1e-4, absolute: 1e-5 };

export const correlation = defineOperator({
  name: 'nn.correlation',
  summary: 'Compares each patch of one feature map with the patches of another that lie within a displacement.',
  details:
    'Each displacement gives one channel: the mean of products, or of absolute differences, over patch and channels.',
  inputs: [
    { name: 'data1', summary: 'The first feature map, NCHW.' },
    { name: 'data2', summary: 'The second feature map, NCHW.' },
  ],
  attributes: {
    kernel_size: attr.int('Edge of a patch, an odd number.', { default: 1 }),
    max_displacement: attr.int('Largest displacement.', { default: 1 }),
    stride1: attr.int('Distance of patches in the first map.', { default: 1 }),
    stride2: attr.int('Distance of displacements in the second map.', { default: 1 }),
    padding: attr.ints('Zeros added around both maps.', { default: [0, 0] }),
    is_multiply: attr.bool('Products; absolute differences when false.', { default: true }),
    layout: attr.string("Order of the data's dimensions.", { default: 'NCHW', values: ['NCHW'] }),
  },
  attrsType: 'relay.attrs.CorrelationAttrs',
  relate(context) {
    const { attrs } = context;
    const a = tensorInput(context, 0, 'data1');
    if (a.kind !== 'tensor') return a;
    const b = tensorInput(context, 1, 'data2');
    if (b.kind !== 'tensor') return b;
    if (attrs.layout !== 'NCHW')
      return badAttribute('layout', `\`layout\` must be "NCHW", but it is "${attrs.layout}".`);
    const padding = readPadding(attrs.padding, 2);
    if ('kind' in padding) return padding;
    const wrong = checkRank(a, 4, 0, 'data1', 'NCHW') ?? checkRank(b, 4, 1, 'data2', 'NCHW');
    if (wrong) return wrong;
    for (const name of ['stride1', 'stride2'] as const)
      if (attrs[name] === 0) return badAttribute(name, `\`${name}\` is 0, but it must be at least 1.`);
    const border = attrs.max_displacement + Math.trunc((attrs.kernel_size - 1) / 2);
    const count = 2 * Math.trunc(attrs.max_displacement / attrs.stride2) + 1;
    const size = (dim: Parameters<typeof addDims>[0], i: number) => {
      const padded = addDims(dim, (padding.before[i] ?? 0) + (padding.after[i] ?? 0));
      return floorDivDims(addDims(subDims(padded, 2 * border), attrs.stride1 - 1), attrs.stride1);
    };
    return ok(
      tensorType([a.shape[0] ?? 1, count * count, size(a.shape[2] ?? 1, 0), size(b.shape[3] ?? 1, 1)], a.dtype),
    );
  },
  explain(context, _result, at) {
    const { attrs } = context;
    const [a] = context.inputs;
    if (at.dim === 0 || a?.kind !== 'tensor') return copyOf(0, 0);
    if (at.dim === 1)
      return {
        formula: `(2·floor(${attrs.max_displacement}/${attrs.stride2}) + 1)²`,
        sources: [
          { kind: 'attribute', name: 'max_displacement' },
          { kind: 'attribute', name: 'stride2' },
        ],
      };
    const border = attrs.max_displacement + Math.trunc((attrs.kernel_size - 1) / 2);
    return {
      formula: `ceil((${printDim(a.shape[at.dim] ?? 1)} + padding − 2·${border})/${attrs.stride1})`,
      sources: [
        { kind: 'input', index: 0, dim: at.dim },
        { kind: 'attribute', name: 'padding' },
        { kind: 'attribute', name: 'max_displacement' },
        { kind: 'attribute', name: 'stride1' },
      ],
    };
  },
  compute(context) {
    const [a, b] = [tensorAt(context, 0), tensorAt(context, 1)];
    const output = outputOf(context);
    const { attrs } = context;
    const padding = readPadding(attrs.padding, 2);
    if ('kind' in padding) throw new Error('correlation: the padding was not checked');
    const radius = Math.trunc(attrs.max_displacement / attrs.stride2);
    const count = 2 * radius + 1;
    const channels = a.shape[1] ?? 1;
    const at = (t: TETensor, n: TEExpr, c: TEExpr, y: TEExpr, x: TEExpr): TEExpr => {
      const row = sub(y, int(padding.before[0] ?? 0));
      const column = sub(x, int(padding.before[1] ?? 0));
      const inside = all([
        compare('ge', row, int(0)),
        compare('lt', row, int(t.shape[2] ?? 1)),
        compare('ge', column, int(0)),
        compare('lt', column, int(t.shape[3] ?? 1)),
      ]);
      return select(inside, load(t, n, c, row, column), number(0, t.dtype));
    };
    const elements = attrs.kernel_size * attrs.kernel_size * channels;
    return [
      compute('correlation', output.shape, (...i) => {
        const [n, q, y, x] = i.map((e) => e) as [TEExpr, TEExpr, TEExpr, TEExpr];
        const sum = reduce('sum', [channels, attrs.kernel_size, attrs.kernel_size], (...r) => {
          const [c, ky, kx] = r.map((e) => e) as [TEExpr, TEExpr, TEExpr];
          const y1 = add(add(mul(y, int(attrs.stride1)), int(attrs.max_displacement)), ky);
          const x1 = add(add(mul(x, int(attrs.stride1)), int(attrs.max_displacement)), kx);
          const y2 = add(y1, mul(sub(floordiv(q, int(count)), int(radius)), int(attrs.stride2)));
          const x2 = add(x1, mul(sub(floormod(q, int(count)), int(radius)), int(attrs.stride2)));
          const left = at(a, n, c, y1, x1);
          const right = at(b, n, c, y2, x2);
          return attrs.is_multiply ? mul(left, right) : unary('abs', sub(left, right));
        });
        return binary('div', sum, number(elements, output.dtype));
      }),
    ];
  },
  fusion: 'out-elementwise-fusable',
  tolerance,
});

interface DeformableAttributes extends ConvAttributes {
  readonly deformable_groups: number;
}

/** The data sampled between its elements; elements outside count as zero, and so do samples outside. */
function bilinear(
  data: TETensor,
  read: (y: TEExpr, x: TEExpr) => TEExpr,
  y: TEExpr,
  x: TEExpr,
  height: number,
  width: number,
): TEExpr {
  const { dtype } = data;
  const low = (e: TEExpr): TEExpr => cast('int32', unary('floor', e));
  const [y0, x0] = [low(y), low(x)];
  const [y1, x1] = [add(y0, int(1)), add(x0, int(1))];
  const wy = sub(y, cast(dtype, y0));
  const wx = sub(x, cast(dtype, x0));
  const rest = (e: TEExpr): TEExpr => sub(number(1, dtype), e);
  const corner = (row: TEExpr, column: TEExpr, weight: TEExpr): TEExpr => {
    const inside = all([compare('lt', row, int(height)), compare('lt', column, int(width))]);
    return select(inside, mul(weight, read(row, column)), number(0, dtype));
  };
  const upper = add(corner(y0, x0, mul(rest(wx), rest(wy))), corner(y1, x0, mul(rest(wx), wy)));
  const lower = add(corner(y0, x1, mul(wx, rest(wy))), corner(y1, x1, mul(wx, wy)));
  const inside = all([
    compare('ge', y, number(0, dtype)),
    compare('ge', x, number(0, dtype)),
    compare('lt', y, number(height, dtype)),
    compare('lt', x, number(width, dtype)),
  ]);
  return select(inside, add(upper, lower), number(0, dtype));
}

export const deformableConv2d = defineOperator({
  name: 'nn.deformable_conv2d',
  summary:
    'A convolution whose window elements are displaced by learned offsets; samples between elements are interpolated.',
  inputs: [
    { name: 'data', summary: 'The tensor that is convolved.' },
    { name: 'offset', summary: 'Two displacements (down, right) for each window element and position.' },
    { name: 'weight', summary: 'The filters.' },
  ],
  attributes: {
    ...convAttributes(2, 'NCHW', 'OIHW'),
    deformable_groups: attr.int('Number of groups of channels that share offsets.', { default: 1 }),
  },
  attrsType: 'relay.attrs.DeformableConv2DAttrs',
  relate(context) {
    const { attrs } = context;
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const [dataInput, , weightInput] = context.inputs;
    if (!dataInput || !weightInput) return { kind: 'wait' };
    const plain = { inputs: [dataInput, weightInput], attrs };
    const result = relateConv(plain, { spatial: 'HW' });
    if (result.kind === 'error') {
      const moved = <B extends { readonly kind: string }>(blame: B): B =>
        'index' in blame && blame.index === 1 ? { ...blame, index: 2 } : blame;
      const { error } = result;
      return {
        kind: 'error',
        error: {
          ...error,
          blame: moved(error.blame),
          ...(error.related ? { related: error.related.map((r) => ({ ...r, blame: moved(r.blame) })) } : {}),
        },
      };
    }
    if (result.kind !== 'ok' || result.result.kind !== 'tensor') return result;
    const layouts = convLayouts(attrs, conv2dFamily);
    if ('kind' in layouts) return layouts;
    const out = convertShape(layouts.out, result.result.shape, layouts.dataOrder);
    const weight = optionalTensor(context, 2, 'weight');
    if (weight?.kind === 'error') return weight;
    const kernel =
      attrs.kernel_size ??
      (weight ? convertShape(layouts.kernel, weight.shape, layouts.kernelOrder).slice(2) : undefined);
    if (!kernel) return { kind: 'wait' };
    const elements = mulDims(mulDims(kernel[0] ?? 1, kernel[1] ?? 1), 2 * attrs.deformable_groups);
    const offsetShape = convertShape(
      layouts.dataOrder,
      [out[0] ?? 1, elements, out[2] ?? 1, out[3] ?? 1],
      layouts.data,
    );
    const offset = optionalTensor(context, 1, 'offset');
    if (offset?.kind === 'error') return offset;
    if (offset) {
      const problem = checkShape(offset, offsetShape, 1, 'offset', 'for these windows');
      if (problem) return problem;
      if (offset.dtype !== data.dtype)
        return fail(
          'dtype-mismatch',
          `\`offset\` must be ${data.dtype} like \`data\`, but it is ${offset.dtype}.`,
          onInput(1),
        );
    }
    if (weight && weight.dtype !== data.dtype && attrs.kernel_size && attrs.channels !== null)
      return fail(
        'dtype-mismatch',
        `\`weight\` must be ${data.dtype} like \`data\`, but it is ${weight.dtype}.`,
        onInput(2),
      );
    return ok(result.result, [
      { index: 1, type: tensorType(offsetShape, data.dtype) },
      ...(result.assign ?? []).map((a) => ({ ...a, index: 2 })),
    ]);
  },
  explain(context, result, at) {
    const [data, , weight] = context.inputs;
    if (!data || !weight) return undefined;
    const origin = convExplainer(conv2dFamily)({ ...context, inputs: [data, weight] }, result, at);
    if (!origin) return undefined;
    return {
      formula: origin.formula,
      sources: origin.sources.map((s) => (s.kind === 'input' && s.index === 1 ? { ...s, index: 2 } : s)),
    };
  },
  compute(context: ComputeContext<DeformableAttributes>) {
    const [data, offset, weight] = [0, 1, 2].map((i) => tensorAt(context, i)) as [TETensor, TETensor, TETensor];
    const output = outputOf(context);
    const { attrs } = context;
    const layouts = convLayouts(attrs, conv2dFamily);
    const padding = convWindow(attrs, conv2dFamily);
    if ('kind' in layouts || 'kind' in padding) throw new Error('deformable convolution: attributes were not checked');
    const shape = (t: TETensor, of: 'data' | 'kernel' | 'out'): number[] =>
      convertShape(layouts[of], t.shape, of === 'kernel' ? layouts.kernelOrder : layouts.dataOrder).map(Number);
    const [, channels = 1, height = 1, width = 1] = shape(data, 'data');
    const [outChannels = 1, reduced = 1, kh = 1, kw = 1] = shape(weight, 'kernel');
    const outPerGroup = Math.max(1, Math.floor(outChannels / attrs.groups));
    const perOffset = Math.max(1, Math.floor(channels / attrs.deformable_groups));
    return [
      compute('deformable_conv', output.shape, (...axes) => {
        const at = logicalIndices(layouts.out, axes);
        const [n, o, y, x] = [...'NCHW'].map((axis) => at.get(axis) ?? int(0)) as [TEExpr, TEExpr, TEExpr, TEExpr];
        const sum = reduce('sum', [reduced, kh, kw], (...r) => {
          const [rc, ry, rx] = r.map((e) => e) as [TEExpr, TEExpr, TEExpr];
          const c = attrs.groups === 1 ? rc : add(mul(floordiv(o, int(outPerGroup)), int(reduced)), rc);
          const element = add(mul(ry, int(kw)), rx);
          const base = add(mul(floordiv(c, int(perOffset)), int(2 * kh * kw)), mul(element, int(2)));
          const shift = (k: number): TEExpr =>
            loadIn(
              offset,
              layouts.data,
              new Map([
                ['N', n],
                ['C', add(base, int(k))],
                ['H', y],
                ['W', x],
              ]),
            );
          const position = (out: TEExpr, i: number, rk: TEExpr): TEExpr => {
            const begin = sub(mul(out, int(attrs.strides[i] ?? 1)), int(padding.before[i] ?? 0));
            return add(cast(data.dtype, add(begin, mul(rk, int(attrs.dilation[i] ?? 1)))), shift(i));
          };
          const read = (h: TEExpr, w: TEExpr): TEExpr =>
            loadIn(
              data,
              layouts.data,
              new Map([
                ['N', n],
                ['C', c],
                ['H', h],
                ['W', w],
              ]),
            );
          const sample = bilinear(data, read, position(y, 0, ry), position(x, 1, rx), height, width);
          const filter = loadIn(
            weight,
            layouts.kernel,
            new Map([
              ['O', o],
              ['I', rc],
              ['H', ry],
              ['W', rx],
            ]),
          );
          return mul(cast(output.dtype, sample), cast(output.dtype, filter));
        });
        return sum;
      }),
    ];
  },
  fusion: 'out-elementwise-fusable',
  tolerance,
});
