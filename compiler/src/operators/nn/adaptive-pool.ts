/** Pooling to a given size: `nn.adaptive_*_pool*`, and to one element: `nn.global_*_pool2d`. */
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import { add, all, binary, compare, compute, floordiv, int, load, mul, reduce, select, sub } from '../../tensor/te.ts';
import type { Dim } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import { lowest, number, outputOf, tensorAt } from '../compute/tensors.ts';
import type { ComputeContext, DimOrigin, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { copyOf, fromAttribute } from '../relations/explain.ts';
import { average, poolLayout, spatialAxes } from './pooling.ts';
import { badAttribute, ok, tensorInput } from './relate.ts';

interface AdaptiveAttributes {
  readonly output_size: readonly number[] | null;
  readonly layout: string;
}
type Relating = Pick<RelateContext<AdaptiveAttributes>, 'inputs' | 'attrs'>;

/** The size asked for along spatial dimension `i`; undefined keeps the data's. */
function requested(
  attrs: AdaptiveAttributes,
  i: number,
): { readonly size: number; readonly element: number } | undefined {
  const sizes = attrs.output_size ?? [];
  const element = sizes.length === 1 ? 0 : i;
  const size = sizes[element];
  return size === undefined ? undefined : { size, element };
}

function relateAdaptive(context: Relating, spatial: string): RelateResult {
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const layout = poolLayout(context.attrs.layout, spatial);
  if ('kind' in layout) return layout;
  const axes = spatialAxes(data, layout, spatial);
  if ('kind' in axes) return axes;
  const given = (context.attrs.output_size ?? []).length;
  if (given > spatial.length)
    return badAttribute(
      'output_size',
      `\`output_size\` must have at most ${spatial.length} element${spatial.length === 1 ? '' : 's'}, but it has ${given}.`,
    );
  if (given > 1 && given < spatial.length)
    return badAttribute(
      'output_size',
      `\`output_size\` must have 0, 1 or ${spatial.length} elements, but it has ${given}.`,
    );
  const shape = data.shape.map((dim, d): Dim => {
    const i = axes.indexOf(d);
    return i < 0 ? dim : (requested(context.attrs, i)?.size ?? dim);
  });
  return ok(tensorType(shape, data.dtype));
}

function explainAdaptive(context: Relating, spatial: string, dim: number): DimOrigin | undefined {
  const [data] = context.inputs;
  const layout = poolLayout(context.attrs.layout, spatial);
  if (data?.kind !== 'tensor' || 'kind' in layout) return undefined;
  const axes = spatialAxes(data, layout, spatial);
  if ('kind' in axes) return undefined;
  const i = axes.indexOf(dim);
  const size = i < 0 ? undefined : requested(context.attrs, i);
  return size ? fromAttribute('output_size', size.element) : copyOf(0, dim);
}

/** Window of output o along a dimension: floor(o·in/out) up to ceil((o+1)·in/out). */
function computeAdaptive(
  context: Pick<ComputeContext<{ readonly layout: string }>, 'inputs' | 'attrs' | 'outputs'>,
  spatial: string,
  kind: 'max' | 'avg',
): TETensor[] {
  const data = tensorAt(context, 0);
  const output = outputOf(context);
  const layout = poolLayout(context.attrs.layout, spatial);
  if ('kind' in layout) throw new Error('adaptive pooling: the layout was not checked');
  const axes = spatialAxes(tensorType(data.shape, data.dtype), layout, spatial);
  if ('kind' in axes) throw new Error('adaptive pooling: the rank was not checked');
  const windows = axes.map((axis) => {
    const size = data.shape[axis] ?? 1;
    const count = output.shape[axis] ?? 1;
    const even = size % count === 0;
    return { axis, size, count, even, extent: even ? size / count : Math.ceil(size / count) + 1 };
  });
  type Span = (typeof windows)[number];
  const start = (w: Span, i: readonly TEExpr[]): TEExpr => {
    const o = i[w.axis] ?? int(0);
    return w.even ? mul(o, int(w.extent)) : floordiv(mul(o, int(w.size)), int(w.count));
  };
  const length = (w: Span, i: readonly TEExpr[]): TEExpr => {
    if (w.even) return int(w.extent);
    const next = mul(add(i[w.axis] ?? int(0), int(1)), int(w.size));
    const end = floordiv(add(next, int(w.count - 1)), int(w.count));
    return sub(end, start(w, i));
  };
  return [
    compute('adaptive_pool', output.shape, (...i) => {
      const pooled = reduce(
        kind === 'max' ? 'max' : 'sum',
        windows.map((w) => w.extent),
        (...r) => {
          const at: TEExpr[] = [...i];
          const conditions: TEExpr[] = [];
          windows.forEach((w, n) => {
            const offset = r[n] ?? int(0);
            at[w.axis] = add(start(w, i), offset);
            if (!w.even) conditions.push(compare('lt', offset, length(w, i)));
          });
          const element = load(data, ...at);
          if (conditions.length === 0) return element;
          return select(all(conditions), element, kind === 'max' ? lowest(data.dtype) : number(0, data.dtype));
        },
      );
      if (kind === 'max') return pooled;
      let count: TEExpr = int(1);
      for (const w of windows) count = binary('mul', count, length(w, i));
      return average(pooled, count, output.dtype);
    }),
  ];
}

const data = [{ name: 'data', summary: 'The tensor that is pooled.' }];
const outLayout = attr.string("Order of the result's dimensions; only that of the data is supported.", { default: '' });

function adaptive(n: 1 | 2 | 3, kind: 'max' | 'avg') {
  const spatial = ['W', 'HW', 'DHW'][n - 1] ?? 'HW';
  return defineOperator({
    name: `nn.adaptive_${kind}_pool${n}d`,
    summary: `${kind === 'max' ? 'Largest element' : 'Mean'} of windows chosen so that the result has the size asked for.`,
    inputs: data,
    attributes: {
      output_size: attr.maybeInts(
        'Size of the result: none keeps the size, one number serves all spatial dimensions.',
        {
          default: [],
        },
      ),
      layout: attr.string("Order of the data's dimensions.", { default: `NC${spatial}` }),
      out_layout: outLayout,
    },
    attrsType: `relay.attrs.AdaptivePool${n}DAttrs`,
    relate: (context) => relateAdaptive(context, spatial),
    explain: (context, _result, at) => explainAdaptive(context, spatial, at.dim),
    compute: (context) => computeAdaptive(context, spatial, kind),
    fusion: 'out-elementwise-fusable',
  });
}

function global(kind: 'max' | 'avg') {
  const one = (attrs: { readonly layout: string }): AdaptiveAttributes => ({ layout: attrs.layout, output_size: [1] });
  return defineOperator({
    name: `nn.global_${kind}_pool2d`,
    summary: `${kind === 'max' ? 'Largest element' : 'Mean'} of each channel over height and width.`,
    inputs: data,
    attributes: {
      layout: attr.string("Order of the data's dimensions.", { default: 'NCHW' }),
      out_layout: outLayout,
    },
    attrsType: 'relay.attrs.GlobalPool2DAttrs',
    relate: (context) => relateAdaptive({ inputs: context.inputs, attrs: one(context.attrs) }, 'HW'),
    explain(context, _result, at) {
      const origin = explainAdaptive({ inputs: context.inputs, attrs: one(context.attrs) }, 'HW', at.dim);
      return origin?.sources[0]?.kind === 'attribute' ? { formula: '1', sources: [] } : origin;
    },
    compute: (context) => computeAdaptive(context, 'HW', kind),
    fusion: 'out-elementwise-fusable',
  });
}

export const adaptivePoolOperators = [
  adaptive(1, 'avg'),
  adaptive(2, 'avg'),
  adaptive(3, 'avg'),
  adaptive(1, 'max'),
  adaptive(2, 'max'),
  adaptive(3, 'max'),
  global('avg'),
  global('max'),
];
