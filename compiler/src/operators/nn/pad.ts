/** `nn.pad`, `nn.mirror_pad`, `nn.batch_flatten`. */
import type { TEExpr } from '../../tensor/te.ts';
import { all, cast, compare, compute, floormod, int, load, maximum, minimum, select, sub } from '../../tensor/te.ts';
import type { Dim } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import { printDim, printShape } from '../../types/print.ts';
import { attr } from '../attributes.ts';
import { reindex } from '../compute/reindex.ts';
import { outputOf, scalarLoad, tensorAt } from '../compute/tensors.ts';
import type { DimOrigin, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { addDims, dimValue, isAnyDim, mulDims } from '../relations/dims.ts';
import { copyOf } from '../relations/explain.ts';
import { badAttribute, fail, ok, onInput, tensorInput } from './relate.ts';

type Widths = readonly (readonly number[])[];
const padWidth = attr.intPairs('A pair (before, after) for each dimension.');

/** Demands a pair for each dimension and sums them up; `lenient` admits negative widths and keeps `?`. */
function relatePad(
  context: Pick<RelateContext<{ readonly pad_width: Widths }>, 'inputs' | 'attrs'>,
  lenient: boolean,
): RelateResult {
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const widths = context.attrs.pad_width;
  if (widths.length !== data.shape.length)
    return badAttribute(
      'pad_width',
      `\`pad_width\` must have a pair for each of the ${data.shape.length} dimensions of \`data\`, but it has ${widths.length}.`,
      { related: [{ blame: onInput(0), message: `the data has the shape ${printShape(data.shape)}` }] },
    );
  const wrong = widths.findIndex((pair) => pair.length !== 2);
  if (wrong >= 0)
    return badAttribute(
      'pad_width',
      `\`pad_width[${wrong}]\` must be a pair (before, after), but it has ${widths[wrong]?.length ?? 0} elements.`,
    );
  const taken = lenient ? -1 : widths.findIndex((pair) => pair.some((w) => w < 0));
  if (taken >= 0)
    return badAttribute(
      'pad_width',
      `\`pad_width[${taken}]\` must not be negative, but it is [${(widths[taken] ?? []).join(', ')}].`,
    );
  const shape = data.shape.map((dim, i): Dim => {
    const [before = 0, after = 0] = widths[i] ?? [];
    return lenient && isAnyDim(dim) ? dim : addDims(dim, before + after);
  });
  const negative = shape.findIndex((dim) => (dimValue(dim) ?? 0n) < 0n);
  if (negative >= 0)
    return badAttribute(
      'pad_width',
      `\`pad_width[${negative}]\` takes away more than dimension ${negative} of \`data\` has: ${printDim(data.shape[negative] ?? 0)} becomes ${printDim(shape[negative] ?? 0)}.`,
      {
        related: [{ blame: onInput(0, negative), message: `this dimension is ${printDim(data.shape[negative] ?? 0)}` }],
      },
    );
  return ok(tensorType(shape, data.dtype));
}

function explainPad(
  context: Pick<RelateContext<{ readonly pad_width: Widths }>, 'inputs' | 'attrs'>,
  dim: number,
): DimOrigin | undefined {
  const [data] = context.inputs;
  const [before = 0, after = 0] = context.attrs.pad_width[dim] ?? [];
  if (data?.kind !== 'tensor' || (before === 0 && after === 0)) return copyOf(0, dim);
  return {
    formula: `${before} + ${printDim(data.shape[dim] ?? 0)} + ${after}`,
    sources: [
      { kind: 'input', index: 0, dim },
      { kind: 'attribute', name: 'pad_width', element: dim },
    ],
  };
}

/**
 * A position mirrored at both ends as often as it takes to come into the tensor; `edge`: 1 where elements at the ends are
 * repeated, else 0.
 */
function mirroredOften(index: TEExpr, extent: number, edge: 0 | 1): TEExpr {
  const period = 2 * extent - 2 + 2 * edge;
  if (period <= 0) return int(0);
  const place = floormod(index, int(period));
  return minimum(place, sub(int(period - edge), place));
}

export const pad = defineOperator({
  name: 'nn.pad',
  summary: 'Adds elements before and after each dimension.',
  inputs: [
    { name: 'data', summary: 'The tensor.' },
    { name: 'pad_val', summary: 'The value of new elements, a scalar; used by the mode `constant`.' },
  ],
  attributes: {
    pad_width: padWidth,
    pad_mode: attr.string('`constant` fills with `pad_val`, `edge` repeats the border, `reflect` mirrors without it.', {
      default: 'constant',
      values: ['constant', 'edge', 'reflect'],
    }),
  },
  attrsType: 'relay.attrs.PadAttrs',
  relate: (context) => relatePad(context, true),
  explain: (context, _result, at) => explainPad(context, at.dim),
  compute(context) {
    const data = tensorAt(context, 0);
    const fill = tensorAt(context, 1);
    const { pad_width: widths, pad_mode: mode } = context.attrs;
    return [
      compute('pad', outputOf(context).shape, (...i) => {
        const conditions: TEExpr[] = [];
        const at = data.shape.map((extent, d): TEExpr => {
          const [before = 0, after = 0] = widths[d] ?? [];
          const index = sub(i[d] ?? int(0), int(before));
          if (mode === 'edge') return minimum(maximum(index, int(0)), int(extent - 1));
          if (mode === 'reflect') {
            if (Math.max(before, after) >= extent) return mirroredOften(index, extent, 0);
            const mirrored = select(compare('lt', index, int(0)), sub(int(0), index), index);
            return select(compare('ge', mirrored, int(extent)), sub(int(2 * extent - 2), mirrored), mirrored);
          }
          if (before > 0) conditions.push(compare('ge', index, int(0)));
          if (after > 0) conditions.push(compare('lt', index, int(extent)));
          return index;
        });
        const element = load(data, ...at);
        if (conditions.length === 0) return element;
        return select(all(conditions), element, cast(data.dtype, scalarLoad(fill)));
      }),
    ];
  },
  fusion: 'injective',
  examples: [
    {
      title: 'A border of zeros around an NHWC image',
      source: `def @main(%x: Tensor[(1, 8, 8, 3), float32]) {
  nn.pad(%x, 0f, pad_width=[[0, 0], [1, 1], [1, 1], [0, 0]])
}`,
    },
  ],
});

export const mirrorPad = defineOperator({
  name: 'nn.mirror_pad',
  summary: 'Adds a mirror image of the data before and after each dimension.',
  inputs: [{ name: 'data', summary: 'The tensor.' }],
  attributes: {
    mode: attr.string('`SYMMETRIC` repeats the border element, `REFLECT` does not.', {
      default: 'SYMMETRIC',
      values: ['SYMMETRIC', 'REFLECT'],
    }),
    pad_width: padWidth,
  },
  attrsType: 'relay.attrs.MirrorPadAttrs',
  relate: (context) => relatePad(context, false),
  explain: (context, _result, at) => explainPad(context, at.dim),
  compute(context) {
    const data = tensorAt(context, 0);
    const { pad_width: widths, mode } = context.attrs;
    const edge = mode === 'REFLECT' ? 0 : 1;
    return [
      compute('mirror_pad', outputOf(context).shape, (...i) =>
        load(
          data,
          ...data.shape.map((extent, d): TEExpr => {
            const [before = 0, after = 0] = widths[d] ?? [];
            const index = sub(i[d] ?? int(0), int(before));
            if (before <= 0 && after <= 0) return index;
            if (Math.max(before, after) > extent - 1 + edge) return mirroredOften(index, extent, edge);
            const below = sub(int(-edge), index);
            const above = sub(int(2 * extent - 2 + edge), index);
            return select(compare('lt', index, int(0)), below, select(compare('ge', index, int(extent)), above, index));
          }),
        ),
      ),
    ];
  },
  fusion: 'injective',
});

export const batchFlatten = defineOperator({
  name: 'nn.batch_flatten',
  summary: 'Joins all dimensions but the first into one.',
  inputs: [{ name: 'data', summary: 'A tensor of at least one dimension.' }],
  attributes: {},
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const [batch, ...rest] = data.shape;
    if (batch === undefined)
      return fail('rank-mismatch', '`data` must have at least 1 dimension, but it is a scalar.', onInput(0));
    const any = rest.find(isAnyDim);
    return ok(tensorType([batch, any ?? rest.reduce<Dim>(mulDims, 1)], data.dtype));
  },
  explain(context, _result, at) {
    const [data] = context.inputs;
    if (at.dim === 0 || data?.kind !== 'tensor') return copyOf(0, 0);
    const rest = data.shape.slice(1);
    if (rest.length === 1) return copyOf(0, 1);
    return {
      formula: rest.map(printDim).join(' · '),
      sources: rest.map((_, d) => ({ kind: 'input', index: 0, dim: d + 1 })),
    };
  },
  compute(context) {
    const data = tensorAt(context, 0);
    const { shape } = outputOf(context);
    return [compute('batch_flatten', shape, (...i) => load(data, ...reindex(i, shape, data.shape)))];
  },
  fusion: 'injective',
  examples: [
    {
      title: 'From an image to features',
      source: `def @main(%x: Tensor[(1, 16, 4, 4), float32]) {\n  nn.batch_flatten(%x)\n}`,
    },
  ],
});
