/** Gradients of two-dimensional pooling and of the convolution's weight. */
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
  maximum,
  minimum,
  mul,
  reduce,
  select,
  sub,
} from '../../tensor/te.ts';
import type { Dim } from '../../types/type.ts';
import { constantDim, tensorType } from '../../types/type.ts';
import { printDim } from '../../types/print.ts';
import { number, outputOf, lowest, tensorAt } from '../compute/tensors.ts';
import type { ComputeContext } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { floorDivDims } from '../relations/dims.ts';
import { copyOf, fromAttribute } from '../relations/explain.ts';
import { convAttributes } from './conv.ts';
import { conv2dFamily, convWindow } from './convolution.ts';
import { shapeInLayout } from './conv-layouts.ts';
import { axisIndex, convertShape, loadIn, logicalIndices } from './layout.ts';
import { poolAttributes } from './pool.ts';
import type { PoolAttributes } from './pooling.ts';
import { poolLayout } from './pooling.ts';
import { badAttribute, checkAtLeast, fail, ok, onInput, tensorInput } from './relate.ts';
import { readLayout, readPadding } from './shapes.ts';

interface Side {
  readonly axis: number;
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly before: number;
  readonly windows: number;
}

function sides(context: ComputeContext<PoolAttributes>): readonly Side[] {
  const [grad, data] = [tensorAt(context, 0), tensorAt(context, 1)];
  const { attrs } = context;
  const layout = poolLayout(attrs.layout, 'HW');
  const padding = readPadding(attrs.padding, 2);
  if ('kind' in layout || 'kind' in padding) throw new Error('pooling gradient: attributes do not fit');
  return [...'HW'].map((name, i) => {
    const axis = axisIndex(layout, name);
    return {
      axis,
      size: data.shape[axis] ?? 1,
      kernel: attrs.pool_size[i] ?? 1,
      stride: attrs.strides[i] ?? 1,
      before: padding.before[i] ?? 0,
      windows: grad.shape[axis] ?? 1,
    };
  });
}

/** Sums over the windows that cover an element; `value` sees the window's indices. */
function overWindows(
  data: TETensor,
  windows: readonly Side[],
  value: (window: readonly TEExpr[], i: readonly TEExpr[]) => TEExpr,
): TETensor {
  return compute('pool_grad', data.shape, (...i) =>
    reduce(
      'sum',
      windows.map((w) => Math.ceil(w.kernel / w.stride)),
      (...r) => {
        const at: TEExpr[] = [...i];
        const conditions: TEExpr[] = [];
        windows.forEach((w, n) => {
          const last = floordiv(add(i[w.axis] ?? int(0), int(w.before)), int(w.stride));
          const index = sub(last, r[n] ?? int(0));
          const begin = mul(index, int(w.stride));
          conditions.push(compare('ge', index, int(0)), compare('lt', index, int(w.windows)));
          conditions.push(compare('lt', sub(add(i[w.axis] ?? int(0), int(w.before)), begin), int(w.kernel)));
          at[w.axis] = index;
        });
        return select(all(conditions), value(at, i), number(0, data.dtype));
      },
    ),
  );
}

const inputs = [
  { name: 'data', summary: 'Gradient of the pooled result.' },
  { name: 'grad', summary: 'The data that was pooled.' },
];

const relateGradient = (context: Parameters<typeof tensorInput>[0]) => {
  const data = tensorInput(context, 1, 'grad');
  return data.kind === 'tensor' ? ok(data) : data;
};

const avgPoolGrad = defineOperator({
  name: 'nn.avg_pool2d_grad',
  summary: 'Gradient of `nn.avg_pool2d`: spreads each gradient evenly over its window.',
  inputs,
  attributes: poolAttributes(2, 'NCHW'),
  attrsType: 'relay.attrs.MaxPool2DAttrs',
  relate: relateGradient,
  explain: (_context, _result, at) => copyOf(1, at.dim),
  compute(context) {
    const windows = sides(context);
    const grad = tensorAt(context, 0);
    return [
      overWindows(tensorAt(context, 1), windows, (at) => {
        let count: TEExpr = int(1);
        for (const w of windows) {
          const begin = sub(mul(at[w.axis] ?? int(0), int(w.stride)), int(w.before));
          const end = minimum(add(begin, int(w.kernel)), int(w.size));
          count = mul(count, sub(end, maximum(begin, int(0))));
        }
        return binary('div', load(grad, ...at), cast(grad.dtype, maximum(count, int(1))));
      }),
    ];
  },
  fusion: 'out-elementwise-fusable',
});

const maxPoolGrad = defineOperator({
  name: 'nn.max_pool2d_grad',
  summary: 'Gradient of `nn.max_pool2d`: passes each gradient to the first largest element of its window.',
  inputs,
  attributes: poolAttributes(2, 'NCHW'),
  attrsType: 'relay.attrs.MaxPool2DAttrs',
  relate: relateGradient,
  explain: (_context, _result, at) => copyOf(1, at.dim),
  compute(context) {
    const windows = sides(context);
    const [grad, data] = [tensorAt(context, 0), tensorAt(context, 1)];
    const [rows, columns] = windows as readonly [Side, Side];
    /** Reduces over a window; `body` sees element, its flat position, and whether it lies in the data. */
    const overElements = (
      o: readonly TEExpr[],
      op: 'max' | 'min',
      body: (element: TEExpr, flat: TEExpr, inside: TEExpr) => TEExpr,
    ): TEExpr =>
      reduce(op, [rows.kernel, columns.kernel], (...r) => {
        const at: TEExpr[] = [...o];
        const conditions = windows.flatMap((w, n) => {
          const index = add(sub(mul(o[w.axis] ?? int(0), int(w.stride)), int(w.before)), r[n] ?? int(0));
          at[w.axis] = index;
          return [compare('ge', index, int(0)), compare('lt', index, int(w.size))];
        });
        const flat = add(mul(at[rows.axis] ?? int(0), int(columns.size)), at[columns.axis] ?? int(0));
        return body(load(data, ...at), flat, all(conditions));
      });
    const greatest = compute('max', grad.shape, (...o) =>
      overElements(o, 'max', (element, _flat, inside) => select(inside, element, lowest(data.dtype))),
    );
    const outside = int(2 ** 31 - 1);
    const first = compute('first', grad.shape, (...o) =>
      overElements(o, 'min', (element, flat, inside) =>
        select(inside, select(compare('eq', element, load(greatest, ...o)), flat, outside), outside),
      ),
    );
    return [
      overWindows(data, windows, (at, i) => {
        const flat = add(mul(i[rows.axis] ?? int(0), int(columns.size)), i[columns.axis] ?? int(0));
        return select(compare('eq', load(first, ...at), flat), load(grad, ...at), number(0, data.dtype));
      }),
    ];
  },
  fusion: 'out-elementwise-fusable',
});

const order = (text: string) => ({ text, axes: [...text].map((axis) => ({ axis })) });

const convBackwardWeight = defineOperator({
  name: 'nn.conv2d_backward_weight',
  summary: 'Gradient of `nn.conv2d` with respect to the weight.',
  details: '`data_layout` is that of the gradient, `kernel_layout` that of the data, `out_layout` that of the result.',
  inputs: [
    { name: 'grad', summary: "Gradient of the convolution's result." },
    { name: 'data', summary: "The convolution's data." },
  ],
  attributes: convAttributes(2, 'NCHW', 'OIHW'),
  attrsType: 'relay.attrs.Conv2DAttrs',
  relate(context) {
    const { attrs } = context;
    const grad = tensorInput(context, 0, 'grad');
    if (grad.kind !== 'tensor') return grad;
    const data = tensorInput(context, 1, 'data');
    if (data.kind !== 'tensor') return data;
    if (!attrs.kernel_size)
      return badAttribute('kernel_size', '`kernel_size` is missing; the result needs it.', {
        remedy: 'Write the size of the window: `kernel_size=[3, 3]`.',
      });
    const short = checkAtLeast('kernel_size', attrs.kernel_size, 2);
    if (short) return short;
    if (attrs.groups === 0) return badAttribute('groups', '`groups` is 0, but it must be at least 1.');
    const gradLayout = readLayout('data_layout', attrs.data_layout, 'NCHW');
    if ('kind' in gradLayout) return gradLayout;
    const dataLayout = readLayout('kernel_layout', attrs.kernel_layout, 'NCHW');
    if ('kind' in dataLayout) return dataLayout;
    const outLayout = readLayout('out_layout', attrs.out_layout, 'OIHW');
    if ('kind' in outLayout) return outLayout;
    const dataShape = shapeInLayout(data, 1, 'data', dataLayout, 'kernel_layout', order('NCHW'));
    if ('kind' in dataShape) return dataShape;
    const gradShape = shapeInLayout(grad, 0, 'grad', gradLayout, 'data_layout', order('NCHW'));
    if ('kind' in gradShape) return gradShape;
    const input = dataShape[1] ?? 1;
    const channels = gradShape[1] ?? 1;
    const [n, m] = [constantDim(input), constantDim(channels)];
    if (n === undefined || m === undefined)
      return fail('cannot-infer', 'The channels of gradient and data must be known.', onInput(n === undefined ? 1 : 0));
    let inner: Dim = floorDivDims(input, attrs.groups);
    if (n === m && n === attrs.groups) {
      if (attrs.channels === null)
        return badAttribute('channels', '`channels` is missing; a depthwise convolution needs it.');
      inner = floorDivDims(attrs.channels, attrs.groups);
    }
    const shape = [channels, inner, attrs.kernel_size[0] ?? 1, attrs.kernel_size[1] ?? 1];
    return ok(tensorType(convertShape(order('OIHW'), shape, outLayout), attrs.out_dtype ?? grad.dtype));
  },
  explain(context, _result, at) {
    const layout = readLayout('out_layout', context.attrs.out_layout, 'OIHW');
    const axis = 'kind' in layout ? '' : (layout.axes[at.dim]?.axis ?? '');
    if (axis === 'H' || axis === 'W') return fromAttribute('kernel_size', axis === 'H' ? 0 : 1);
    const channel = (text: string): number => Math.max(0, text.indexOf('C'));
    if (axis === 'O') return copyOf(0, channel(context.attrs.data_layout));
    const dim = channel(context.attrs.kernel_layout);
    const data = context.inputs[1];
    if (context.attrs.groups === 1 || data?.kind !== 'tensor') return copyOf(1, dim);
    const whole = context.attrs.channels ?? printDim(data.shape[dim] ?? 1);
    const depthwise = data.shape[dim] === context.attrs.groups;
    return {
      formula: `floor(${depthwise ? whole : printDim(data.shape[dim] ?? 1)} / ${context.attrs.groups})`,
      sources: [
        depthwise ? { kind: 'attribute', name: 'channels' } : { kind: 'input', index: 1, dim },
        { kind: 'attribute', name: 'groups' },
      ],
    };
  },
  compute(context) {
    const [grad, data] = [tensorAt(context, 0), tensorAt(context, 1)];
    const output = outputOf(context);
    const { attrs } = context;
    const gradLayout = readLayout('data_layout', attrs.data_layout, 'NCHW');
    const dataLayout = readLayout('kernel_layout', attrs.kernel_layout, 'NCHW');
    const outLayout = readLayout('out_layout', attrs.out_layout, 'OIHW');
    const padding = convWindow(attrs, conv2dFamily);
    if ('kind' in gradLayout || 'kind' in dataLayout || 'kind' in outLayout || 'kind' in padding)
      throw new Error('convolution gradient: attributes were not checked');
    const gradShape = convertShape(gradLayout, grad.shape, order('NCHW')).map(Number);
    const dataShape = convertShape(dataLayout, data.shape, order('NCHW')).map(Number);
    const outPerGroup = Math.max(1, Math.floor((gradShape[1] ?? 1) / attrs.groups));
    const inPerGroup = Math.max(1, Math.floor((dataShape[1] ?? 1) / attrs.groups));
    return [
      compute('conv_weight_grad', output.shape, (...axes) => {
        const at = logicalIndices(outLayout, axes);
        const o = at.get('O') ?? int(0);
        const group = attrs.groups === 1 ? int(0) : floordiv(o, int(outPerGroup));
        const c =
          attrs.groups === 1
            ? (at.get('I') ?? int(0))
            : add(mul(group, int(inPerGroup)), floormod(at.get('I') ?? int(0), int(inPerGroup)));
        return reduce('sum', [gradShape[0] ?? 1, gradShape[2] ?? 1, gradShape[3] ?? 1], (n, y, x) => {
          const conditions: TEExpr[] = [];
          const source = new Map<string, TEExpr>([
            ['N', n ?? int(0)],
            ['C', c],
          ]);
          const target = new Map<string, TEExpr>([
            ['N', n ?? int(0)],
            ['C', o],
            ['H', y ?? int(0)],
            ['W', x ?? int(0)],
          ]);
          [...'HW'].forEach((axis, i) => {
            const begin = mul(target.get(axis) ?? int(0), int(attrs.strides[i] ?? 1));
            const offset = mul(at.get(axis) ?? int(0), int(attrs.dilation[i] ?? 1));
            const index = sub(add(begin, offset), int(padding.before[i] ?? 0));
            conditions.push(compare('ge', index, int(0)), compare('lt', index, int(dataShape[i + 2] ?? 1)));
            source.set(axis, index);
          });
          const product = mul(
            cast(output.dtype, loadIn(grad, gradLayout, target)),
            cast(output.dtype, loadIn(data, dataLayout, source)),
          );
          return select(all(conditions), product, number(0, output.dtype));
        });
      }),
    ];
  },
  fusion: 'out-elementwise-fusable',
  tolerance: { relative: 1e-4, absolute: 1e-5 },
});

export const gradientOperators = [avgPoolGrad, maxPoolGrad, convBackwardWeight];
