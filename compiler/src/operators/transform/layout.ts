/** Changes of storage layout. */
import type { RelateResult, Operator } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import type { Dim } from '../../types/type.ts';
import { anyDim, tensorType } from '../../types/type.ts';
import { printShape } from '../../types/print.ts';
import type { TEExpr } from '../../tensor/te.ts';
import { add, compare, compute, floordiv, floormod, int, load, mul, select, all } from '../../tensor/te.ts';
import { attr } from '../attributes.ts';
import { arrayAt, elementAt, forEachIndex, positionOf, setElement, stridesOf, zeros } from '../compute/arrays.ts';
import type { IndexMap } from '../index-map.ts';
import { termRange, termValue } from '../index-map.ts';
import { dimValue } from '../relations/dims.ts';
import { number, outputOf, tensorAt } from '../compute/tensors.ts';
import type { Layout } from '../nn/layout.ts';
import {
  axisIndex,
  blockFactor,
  convertible,
  convertShape,
  isBlocked,
  loadIn,
  logicalIndices,
  parseLayout,
} from '../nn/layout.ts';
import { attributeSource, copyOf, inputDim, originOf } from '../relations/explain.ts';
import { badAttribute, done, failed, requireRank, tensorInput } from '../relations/inputs.ts';
import { dataInput } from './define.ts';

type Failed = Extract<RelateResult, { kind: 'error' }>;

const layoutAttributes = {
  src_layout: attr.string('the layout of `data`, such as `NCHW`'),
  dst_layout: attr.string('the layout of the result, such as `NHWC` or `NCHW4c`'),
};

function layouts(attrs: { src_layout: string; dst_layout: string }): { from: Layout; to: Layout } | Failed {
  const from = parseLayout(attrs.src_layout);
  if (typeof from === 'string') return badAttribute('src_layout', `"${attrs.src_layout}" is no layout: ${from}.`);
  const to = parseLayout(attrs.dst_layout);
  if (typeof to === 'string') return badAttribute('dst_layout', `"${attrs.dst_layout}" is no layout: ${to}.`);
  if (!convertible(from, to))
    return badAttribute(
      'dst_layout',
      `The layouts "${from.text}" and "${to.text}" must name the same axes to be converted into each other.`,
      'Use layouts of the same axes.',
    );
  return { from, to };
}

const layoutTransform = defineOperator({
  name: 'layout_transform',
  summary: 'Reorders the dimensions from one layout to another and cuts blocks from them or joins these.',
  inputs: [dataInput],
  attributes: layoutAttributes,
  attrsType: 'relay.attrs.LayoutTransformAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const found = layouts(context.attrs);
    if ('kind' in found) return found;
    const rank = found.from.axes.length;
    const problem = requireRank(data, 0, 'data', rank, `in layout "${found.from.text}"`);
    return problem ?? done(tensorType(convertShape(found.from, data.shape, found.to), data.dtype));
  },
  explain: (context, _result, at) => {
    const found = layouts(context.attrs);
    const [data] = context.inputs;
    if ('kind' in found || data?.kind !== 'tensor') return undefined;
    const axis = found.to.axes[at.dim];
    if (!axis) return undefined;
    if (axis.block !== undefined) return originOf(`block of ${axis.axis}`, attributeSource('dst_layout'));
    const source = axisIndex(found.from, axis.axis);
    const [cut, join] = [blockFactor(found.to, axis.axis), blockFactor(found.from, axis.axis)];
    if (cut === 1 && join === 1) return copyOf(0, source);
    return originOf(
      `${axis.axis}${join === 1 ? '' : ` · ${join}`}${cut === 1 ? '' : ` / ${cut}`}`,
      inputDim(0, source),
      attributeSource('dst_layout'),
    );
  },
  compute: (context) => {
    const data = tensorAt(context, 0);
    const found = layouts(context.attrs);
    if ('kind' in found) throw new Error(found.error.message);
    const { from, to } = found;
    return [
      compute('layout_transform', outputOf(context).shape, (...i) => {
        const at = logicalIndices(to, i);
        const value = loadIn(data, from, at);
        // Blocks that do not divide an axis are filled up with zeros.
        const guards: TEExpr[] = [];
        for (const [axis, index] of at) {
          const extent = (data.shape[axisIndex(from, axis)] ?? 1) * blockFactor(from, axis);
          if (isBlocked(to, axis) && extent % blockFactor(to, axis) !== 0)
            guards.push(compare('lt', index, int(extent)));
        }
        return guards.length === 0 ? value : select(all(guards), value, number(0, data.dtype));
      }),
    ];
  },
  fusion: 'injective',
  examples: [
    {
      title: 'Channels last',
      source: 'fn (%x: Tensor[(1, 3, 8, 8), float32]) { layout_transform(%x, src_layout="NCHW", dst_layout="NHWC") }',
    },
  ],
});

interface Part {
  readonly extent: number;
  readonly axis: string;
}

/** A scheduler's layout: sizes with axis names, `1n7c4h`. Undefined when it has other characters. */
function parseParts(text: string): readonly Part[] | undefined {
  if (!/^[0-9A-Za-z]*$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+)([A-Za-z]+)/g)].map((m) => ({ extent: Number(m[1]), axis: m[2] ?? '' }));
}

const autoScheduler = defineOperator({
  name: 'auto_scheduler_layout_transform',
  summary: 'Moves a tensor between layouts that a scheduler chose, written with sizes: `1n7h4w3c`.',
  inputs: [dataInput],
  attributes: {
    src_layout: attr.string('the layout of `data` with sizes'),
    dst_layout: attr.string('the layout of the result with sizes'),
  },
  attrsType: 'relay.attrs.AutoSchedulerLayoutTransformAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const parts = parseParts(context.attrs.dst_layout);
    if (!parts)
      return badAttribute(
        'dst_layout',
        `"${context.attrs.dst_layout}" must be sizes with axis names, such as "1n7c4h".`,
      );
    return done(
      tensorType(
        parts.map((p) => p.extent),
        data.dtype,
      ),
    );
  },
  explain: () => originOf('', attributeSource('dst_layout')),
  compute: (context) => {
    const data = tensorAt(context, 0);
    const [from, to] = [parseParts(context.attrs.src_layout) ?? [], parseParts(context.attrs.dst_layout) ?? []];
    return [
      compute('auto_scheduler_layout_transform', outputOf(context).shape, (...i) => {
        const whole = new Map<string, TEExpr>();
        for (const [k, part] of to.entries()) {
          const before = whole.get(part.axis);
          const index = i[k] ?? int(0);
          whole.set(part.axis, before === undefined ? index : add(mul(before, int(part.extent)), index));
        }
        const indices = [...from].reverse().map((part) => {
          const rest = whole.get(part.axis) ?? int(0);
          whole.set(part.axis, floordiv(rest, int(part.extent)));
          return floormod(rest, int(part.extent));
        });
        return load(data, ...indices.reverse());
      }),
    ];
  },
  fusion: 'injective',
});

const metaSchedule = defineOperator({
  name: 'meta_schedule_layout_transform',
  summary: 'Moves a tensor by an index map that a scheduler chose.',
  inputs: [dataInput],
  attributes: { index_map: attr.object('the index map, an object of the metadata section') },
  attrsType: 'relay.attrs.MetaScheduleLayoutTransformAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const map = context.attrs.index_map?.indexMap;
    if (!map)
      return failed(
        'bad-attribute',
        `The shape that the index map makes of ${printShape(data.shape)} cannot be told: it is no index map of sums, products and quotients.`,
        { kind: 'attribute', name: 'index_map' },
        { remedy: 'Write the move as `layout_transform`, or as `reshape` and `transpose`.' },
      );
    const problem = requireRank(data, 0, 'data', map.rank, 'like the index map');
    return problem ?? done(tensorType(mappedShape(map, data.shape), data.dtype));
  },
  explain: (context, _result, at) => {
    const term = context.attrs.index_map?.indexMap?.terms[at.dim];
    if (term?.kind === 'index') return copyOf(0, term.position);
    return originOf('size of the index map’s range', attributeSource('index_map'));
  },
  kernel: (context) => {
    const data = arrayAt(context, 0);
    const map = context.attrs.index_map?.indexMap;
    if (!map) throw new Error('the index map is not known');
    const result = zeros(
      data.dtype,
      mappedShape(map, data.shape).map((dim) => Number(dimValue(dim) ?? 0n)),
    );
    const strides = stridesOf(result.shape);
    forEachIndex(data.shape, (indices, at) => {
      const to = map.terms.map((term) => termValue(term, indices));
      setElement(result, positionOf(to, strides), elementAt(data, at));
    });
    return [result];
  },
  fusion: 'injective',
});

/** The sizes of a map's result: the ranges of its terms. */
function mappedShape(map: IndexMap, shape: readonly Dim[]): readonly Dim[] {
  const sizes = shape.map((dim) => {
    const value = dimValue(dim);
    return value === undefined ? undefined : Number(value);
  });
  return map.terms.map((term) => {
    if (term.kind === 'index') return shape[term.position] ?? 1;
    const range = termRange(term, sizes);
    return range ? range.high + 1 : anyDim;
  });
}

export const layoutOperators: readonly Operator[] = [layoutTransform, autoScheduler, metaSchedule];
