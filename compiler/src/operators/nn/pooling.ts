/** Relation, origins and meaning of pooling with a sliding window over one, two or three spatial dimensions. */
import type { DType } from '../../tensor/dtype.ts';
import { dtypeInfo, isFloat } from '../../tensor/dtype.ts';
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import {
  add,
  all,
  binary,
  cast,
  compare,
  compute,
  int,
  load,
  maximum,
  minimum,
  mul,
  reduce,
  select,
  sub,
} from '../../tensor/te.ts';
import type { TensorType } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import { printType } from '../../types/print.ts';
import { lowest, number, outputOf, tensorAt } from '../compute/tensors.ts';
import type { ComputeContext, DimOrigin, RelateContext, RelateResult } from '../operator.ts';
import { copyOf } from '../relations/explain.ts';
import type { Window } from '../relations/windows.ts';
import { windowFormula } from '../relations/windows.ts';
import type { Layout } from './layout.ts';
import { axisIndex, isBlocked, parseLayout } from './layout.ts';
import type { Failure } from './relate.ts';
import { badAttribute, checkAtLeast, checkNonZero, fail, ok, onAttribute, onInput, tensorInput } from './relate.ts';
import type { Padding } from './shapes.ts';
import { poolOutput, readPadding, windowSources } from './shapes.ts';

export interface PoolAttributes {
  readonly pool_size: readonly number[];
  readonly strides: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: readonly number[];
  readonly layout: string;
  readonly out_layout: string;
  readonly ceil_mode: boolean;
  readonly count_include_pad?: boolean;
}

/** The layout of pooled data: it must have the spatial axes, uncut. */
export function poolLayout(text: string, spatial: string): Layout | Failure {
  const layout = parseLayout(text);
  const example = `Write for example "NC${spatial}" or "N${spatial}C".`;
  if (typeof layout === 'string')
    return badAttribute('layout', `\`layout="${text}"\` is not a layout: ${layout}.`, { remedy: example });
  for (const axis of spatial) {
    if (axisIndex(layout, axis) < 0)
      return badAttribute('layout', `\`layout="${text}"\` must have the axis ${axis}.`, { remedy: example });
    if (isBlocked(layout, axis))
      return badAttribute(
        'layout',
        `\`layout="${text}"\` cuts the axis ${axis} into blocks; a pooled axis must be whole.`,
        {
          remedy: example,
        },
      );
  }
  return layout;
}

/** Positions of the spatial axes in the data; a failure when the data has too few dimensions for the layout. */
export function spatialAxes(data: TensorType, layout: Layout, spatial: string): readonly number[] | Failure {
  const axes = [...spatial].map((axis) => axisIndex(layout, axis));
  const needed = Math.max(...axes) + 1;
  if (data.shape.length >= needed) return axes;
  return fail(
    'rank-mismatch',
    `\`data\` must have ${layout.axes.length} dimensions in layout ${layout.text}, but \`${printType(data)}\` has ${data.shape.length}.`,
    onInput(0),
    { related: [{ blame: onAttribute('layout'), message: `\`layout\` is "${layout.text}"` }] },
  );
}

interface PoolShape {
  readonly axes: readonly number[];
  readonly padding: Padding;
}

function poolShape(data: TensorType, attrs: PoolAttributes, spatial: string): PoolShape | Failure {
  const n = spatial.length;
  const layout = poolLayout(attrs.layout, spatial);
  if ('kind' in layout) return layout;
  // Over two dimensions the attribute is not even read.
  const out = n === 2 ? layout : parseLayout(attrs.out_layout);
  if (typeof out === 'string')
    return badAttribute('out_layout', `\`out_layout="${attrs.out_layout}"\` is not a layout: ${out}.`, {
      remedy: 'Leave it out: the result has the layout of the data.',
    });
  const axes = spatialAxes(data, layout, spatial);
  if ('kind' in axes) return axes;
  const problem =
    checkAtLeast('pool_size', attrs.pool_size, n) ??
    checkAtLeast('strides', attrs.strides, n) ??
    checkAtLeast('dilation', attrs.dilation, n) ??
    checkNonZero('strides', attrs.strides.slice(0, n));
  if (problem) return problem;
  const padding = readPadding(attrs.padding, n);
  return 'kind' in padding ? padding : { axes, padding };
}

function windowAt(attrs: PoolAttributes, padding: Padding, i: number): Window {
  return {
    kernel: attrs.pool_size[i] ?? 1,
    stride: attrs.strides[i] ?? 1,
    dilation: attrs.dilation[i] ?? 1,
    padBefore: padding.before[i] ?? 0,
    padAfter: padding.after[i] ?? 0,
    ceil: attrs.ceil_mode,
  };
}

/** The type of a pooled tensor over the spatial axes that `spatial` names. */
export function relatePool(
  context: Pick<RelateContext<PoolAttributes>, 'inputs' | 'attrs'>,
  spatial: string,
): RelateResult {
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const shape = poolShape(data, context.attrs, spatial);
  if ('kind' in shape) return shape;
  const result = data.shape.map((dim, d) => {
    const i = shape.axes.indexOf(d);
    return i < 0 ? dim : poolOutput(dim, windowAt(context.attrs, shape.padding, i));
  });
  return ok(tensorType(result, data.dtype));
}

/** Where dimension `dim` of that type comes from. */
export function explainPool(
  context: Pick<RelateContext<PoolAttributes>, 'inputs' | 'attrs'>,
  spatial: string,
  dim: number,
): DimOrigin | undefined {
  const [data] = context.inputs;
  if (data?.kind !== 'tensor') return undefined;
  const shape = poolShape(data, context.attrs, spatial);
  if ('kind' in shape) return undefined;
  const i = shape.axes.indexOf(dim);
  const size = data.shape[dim];
  if (i < 0 || size === undefined) return copyOf(0, dim);
  const window = windowAt(context.attrs, shape.padding, i);
  return {
    formula: windowFormula(size, window),
    sources: [
      { kind: 'input', index: 0, dim },
      { kind: 'attribute', name: 'pool_size', element: i },
      ...windowSources(shape.padding, i, window),
    ],
  };
}

/** The dtype in which a sum is divided: narrow integers are widened first. */
function quotientType(dtype: DType): DType {
  const info = dtypeInfo(dtype);
  return !isFloat(dtype) && info && info.bits < 32 ? 'int32' : dtype;
}

/** `sum / count`, truncating for integers. */
export function average(sum: TEExpr, count: TEExpr, dtype: DType): TEExpr {
  const wide = quotientType(dtype);
  const op = isFloat(wide) ? 'div' : 'truncdiv';
  return cast(dtype, binary(op, cast(wide, sum), cast(wide, count)));
}

/** Maximum or average over the window. */
export function computePool(context: ComputeContext<PoolAttributes>, spatial: string, kind: 'max' | 'avg'): TETensor[] {
  const data = tensorAt(context, 0);
  const output = outputOf(context);
  const { attrs } = context;
  const shape = poolShape(tensorType(data.shape, data.dtype), attrs, spatial);
  if ('kind' in shape) throw new Error('pooling: attributes were not checked');
  const windows = shape.axes.map((axis, i) => {
    const w = windowAt(attrs, shape.padding, i);
    const size = data.shape[axis] ?? 1;
    const count = output.shape[axis] ?? 1;
    const last = (count - 1) * w.stride - w.padBefore + (Number(w.kernel) - 1) * w.dilation;
    return { ...w, kernel: Number(w.kernel), axis, size, low: w.padBefore > 0, high: last >= size };
  });
  const guarded = windows.some((w) => w.low || w.high);
  const start = (w: (typeof windows)[number], i: readonly TEExpr[]): TEExpr =>
    sub(mul(i[w.axis] ?? int(0), int(w.stride)), int(w.padBefore));

  return [
    compute(kind === 'max' ? 'max_pool' : 'avg_pool', output.shape, (...i) => {
      const pooled = reduce(
        kind === 'max' ? 'max' : 'sum',
        windows.map((w) => w.kernel),
        (...r) => {
          const at: TEExpr[] = [...i];
          const conditions: TEExpr[] = [];
          windows.forEach((w, n) => {
            const index = add(start(w, i), mul(r[n] ?? int(0), int(w.dilation)));
            if (w.low) conditions.push(compare('ge', index, int(0)));
            if (w.high) conditions.push(compare('lt', index, int(w.size)));
            at[w.axis] = index;
          });
          const element = load(data, ...at);
          if (conditions.length === 0) return element;
          return select(all(conditions), element, kind === 'max' ? lowest(data.dtype) : number(0, data.dtype));
        },
      );
      if (kind === 'max') return pooled;
      let count: TEExpr = int(1);
      if (!guarded) count = int(windows.reduce((product, w) => product * w.kernel, 1));
      else for (const w of windows) count = mul(count, covered(start(w, i), w, attrs.count_include_pad === true));
      if (guarded && attrs.count_include_pad !== true) count = maximum(count, int(1));
      return average(pooled, count, output.dtype);
    }),
  ];
}

/** How many elements of a window along one dimension count: those within the data, or within data and padding. */
function covered(
  start: TEExpr,
  w: { readonly kernel: number; readonly dilation: number; readonly size: number; readonly padAfter: number },
  includePadding: boolean,
): TEExpr {
  const truncdiv = (a: TEExpr, b: number): TEExpr => (b === 1 ? a : binary('truncdiv', a, int(b)));
  const end = add(start, int((w.kernel - 1) * w.dilation));
  if (includePadding) {
    const last = minimum(end, int(w.size + w.padAfter - 1));
    return add(truncdiv(sub(last, start), w.dilation), int(1));
  }
  const skipped = maximum(truncdiv(sub(int(w.dilation - 1), start), w.dilation), int(0));
  const first = add(start, mul(int(w.dilation), skipped));
  return add(truncdiv(sub(minimum(end, int(w.size - 1)), first), w.dilation), int(1));
}
