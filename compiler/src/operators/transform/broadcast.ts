/** Explicit broadcasting, its reverse (summing back), and selection. */
import { printDim, printShape } from '../../types/print.ts';
import type { Dim, TensorType } from '../../types/type.ts';
import { anyDim, constantDim, tensorType } from '../../types/type.ts';
import type { TETensor } from '../../tensor/te.ts';
import { compare, compute, dtypeOf, int, load, reduce, select } from '../../tensor/te.ts';
import { attr, writtenDim } from '../attributes.ts';
import { broadcastLoad, number, outputOf, tensorAt } from '../compute/tensors.ts';
import type { Operator, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { broadcastOperands, broadcastShapes, explainBroadcastOf } from '../relations/broadcast.ts';
import { copyOf, fromAttribute } from '../relations/explain.ts';
import {
  attributeBlame,
  done,
  failed,
  inputBlame,
  reasonableRank,
  requireRank,
  tensorInput,
} from '../relations/inputs.ts';
import { dimValue, mayEqual } from '../relations/dims.ts';
import { dataInput, moveElements } from './define.ts';
import { initAttributes } from './init.ts';

/** Inner loads of a tensor broadcast to the result's shape. */
const broadcastMove = (name: string) =>
  moveElements(name, (i, _context, data) => {
    const skip = i.length - data.shape.length;
    return data.shape.map((extent, d) => (extent === 1 ? int(0) : (i[d + skip] ?? int(0))));
  });

/** Why `from` does not broadcast to `to`, counted from the last dimension; undefined where it does, or may. */
function misfit(from: readonly Dim[], to: readonly Dim[]): RelateResult | undefined {
  const skip = to.length - from.length;
  const wrong = from.findIndex((dim, d) => {
    const [have, want] = [constantDim(dim), d + skip < 0 ? undefined : constantDim(to[d + skip] ?? 1)];
    if (d + skip < 0) return true;
    return have !== undefined && want !== undefined && Number(have) !== 1 && Number(have) !== Number(want);
  });
  if (wrong < 0) return undefined;
  const why =
    skip < 0
      ? `it has ${from.length} dimensions and the target ${to.length}`
      : `its dimension ${wrong} is ${printDim(from[wrong] ?? 1)}, where the target has ${printDim(to[wrong + skip] ?? 1)}`;
  return failed(
    'shape-mismatch',
    `A tensor of shape ${printShape(from)} does not broadcast to ${printShape(to)}: ${why}.`,
    attributeBlame('shape'),
    { remedy: 'Give every dimension of the tensor its own size, or that of the target where it is 1.' },
  );
}

const broadcastTo = defineOperator({
  name: 'broadcast_to',
  summary: 'Repeats dimensions of size 1 so that the tensor takes the given shape.',
  inputs: [dataInput],
  attributes: initAttributes,
  attrsType: 'relay.attrs.InitOpAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const shape = context.attrs.shape.map(writtenDim);
    return misfit(data.shape, shape) ?? done(tensorType(shape, data.dtype));
  },
  explain: (_context, _result, at) => fromAttribute('shape', at.dim),
  compute: broadcastMove('broadcast_to'),
  gradient: (b, { args: [x], adjoint }) => (x === undefined ? [] : [b.call('collapse_sum_like', [adjoint, x])]),
  fusion: 'broadcast',
  examples: [
    {
      title: 'A row to a matrix',
      source: 'fn (%x: Tensor[(1, 3), float32]) { broadcast_to(%x, shape=[2, 3], dtype="") }',
    },
  ],
});

/** Both tensors, after a check that `small` broadcasts to exactly `large`'s shape. */
function sameDType(data: TensorType, like: TensorType, name: string, result: TensorType): RelateResult {
  if (data.dtype === like.dtype) return done(result);
  return failed(
    'dtype-mismatch',
    `Both tensors must have the same element type; \`data\` has ${data.dtype} and \`${name}\` has ${like.dtype}.`,
    inputBlame(1),
    { remedy: 'Convert one side with `cast`.', result },
  );
}

const broadcastToLike = defineOperator({
  name: 'broadcast_to_like',
  summary: 'Repeats dimensions of size 1 so that `data` takes the shape of `broadcast_type`.',
  inputs: [dataInput, { name: 'broadcast_type', summary: 'the tensor whose shape is taken' }],
  attributes: {},
  relate: (context) => likeRelation(context.inputs, 'broadcast_type', 'wider'),
  explain: (_context, _result, at) => copyOf(1, at.dim),
  compute: broadcastMove('broadcast_to_like'),
  fusion: 'broadcast',
});

/** The result has the type of input 1, with which input 0 must broadcast. */
/** The result has the type of input 1: the broadcast of both (`wider`), or a shape that broadcasts to `data`'s. */
function likeRelation(
  inputs: Parameters<typeof tensorInput>[0]['inputs'],
  name: string,
  side: 'wider' | 'narrower',
): RelateResult {
  const data = tensorInput({ inputs }, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const like = tensorInput({ inputs }, 1, name);
  if (like.kind !== 'tensor') return like;
  const shape = broadcastOperands({ index: 0, name: 'data', shape: data.shape }, { index: 1, name, shape: like.shape });
  if (!('ok' in shape)) return shape;
  const [from, to] = side === 'wider' ? [data.shape, like.shape] : [like.shape, data.shape];
  if (shape.shape.length !== to.length || shape.shape.some((dim, i) => !mayEqual(dim, to[i] ?? 1)))
    return failed(
      'shape-mismatch',
      side === 'wider'
        ? `A tensor of shape ${printShape(from)} cannot be broadcast to ${printShape(to)}; together they make ${printShape(shape.shape)}.`
        : `A tensor of shape ${printShape(to)} cannot be summed to ${printShape(from)}; broadcast together they make ${printShape(shape.shape)}.`,
      inputBlame(1),
      {
        remedy:
          side === 'wider'
            ? `Give \`${name}\` a shape that \`data\` broadcasts to.`
            : `Give \`${name}\` a shape that broadcasts to that of \`data\`.`,
        related: [{ blame: inputBlame(0), message: `\`data\` is ${printShape(data.shape)}.` }],
      },
    );
  return sameDType(data, like, name, like);
}

/** Sums `data` over the dimensions that broadcasting the result's shape to `data` would repeat. */
function collapseSum(name: string, data: TETensor, shape: readonly number[]): TETensor {
  const skip = data.shape.length - shape.length;
  const summed = data.shape.flatMap((extent, d) => (d < skip || (shape[d - skip] === 1 && extent !== 1) ? [d] : []));
  return compute(name, shape, (...i) => {
    const kept = (d: number) => (data.shape[d] === 1 ? int(0) : (i[d - skip] ?? int(0)));
    if (summed.length === 0) return load(data, ...data.shape.map((_, d) => kept(d)));
    return reduce(
      'sum',
      summed.map((d) => data.shape[d] ?? 1),
      (...r) =>
        load(data, ...data.shape.map((_, d) => (summed.includes(d) ? (r[summed.indexOf(d)] ?? int(0)) : kept(d)))),
    );
  });
}

const collapseSumLike = defineOperator({
  name: 'collapse_sum_like',
  summary: 'Sums `data` to the shape of `collapse_type`: the reverse of broadcasting.',
  inputs: [dataInput, { name: 'collapse_type', summary: 'the tensor whose shape is taken' }],
  attributes: {},
  relate: (context) => likeRelation(context.inputs, 'collapse_type', 'narrower'),
  explain: (_context, _result, at) => copyOf(1, at.dim),
  compute: (context) => [collapseSum('collapse_sum_like', tensorAt(context, 0), outputOf(context).shape)],
  gradient: (b, { args: [x, like], adjoint }) =>
    x === undefined || like === undefined
      ? []
      : [b.call('broadcast_to_like', [adjoint, x]), b.call('zeros_like', [like])],
  fusion: 'reduction',
});

const collapseSumTo = defineOperator({
  name: 'collapse_sum_to',
  summary: 'Sums `data` to the given shape: the reverse of broadcasting.',
  inputs: [dataInput, { name: 'shape', summary: 'the sizes of the result, a vector of integers' }],
  attributes: {
    shape: attr.maybeInts('the sizes of the result; `None` when they are known only at run time', { default: null }),
    dtype: initAttributes.dtype,
  },
  attrsType: 'relay.attrs.InitOpAttrs',
  attrsTypeKey: true,
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const target = tensorInput(context, 1, 'shape');
    if (target.kind !== 'tensor') return target;
    const rank = target.shape.length === 0 ? undefined : dimValue(target.shape[0] ?? 0);
    if (rank === undefined)
      return (
        requireRank(target, 1, 'shape', 1) ??
        failed(
          'rank-mismatch',
          'The length of `shape` must be known, because it is the number of dimensions of the result.',
          inputBlame(1, 0),
          { remedy: 'Give `shape` a constant length.' },
        )
      );
    const count = reasonableRank(rank, inputBlame(1, 0));
    if (typeof count !== 'number') return count;
    const shape: readonly Dim[] = context.attrs.shape ?? Array.from({ length: count }, () => anyDim);
    if (!broadcastShapes(data.shape, shape).ok)
      return failed(
        'shape-mismatch',
        `${printShape(data.shape)} cannot be summed to ${printShape(shape)}.`,
        context.attrs.shape ? { kind: 'attribute', name: 'shape' } : inputBlame(1),
        { remedy: 'Aligned at the right, each size of the result must be that of `data` or 1.' },
      );
    return done(tensorType(shape, data.dtype));
  },
  explain: (context, _result, at) => (context.attrs.shape ? fromAttribute('shape', at.dim) : undefined),
  compute: (context) => [collapseSum('collapse_sum_to', tensorAt(context, 0), outputOf(context).shape)],
  fusion: 'reduction',
});

const where = defineOperator({
  name: 'where',
  summary: 'Elements of `x` where `condition` is true (not zero), of `y` elsewhere; all three broadcast.',
  inputs: [
    { name: 'condition', summary: 'the condition' },
    { name: 'x', summary: 'values where it holds' },
    { name: 'y', summary: 'values where it does not' },
  ],
  attributes: {},
  relate: (context) => {
    const condition = tensorInput(context, 0, 'condition');
    if (condition.kind !== 'tensor') return condition;
    const x = tensorInput(context, 1, 'x');
    if (x.kind !== 'tensor') return x;
    const y = tensorInput(context, 2, 'y');
    if (y.kind !== 'tensor') return y;
    if (x.dtype !== y.dtype)
      return failed(
        'dtype-mismatch',
        `\`x\` and \`y\` must have the same element type; \`x\` has ${x.dtype} and \`y\` has ${y.dtype}.`,
        inputBlame(2),
        {
          remedy: 'Convert one side with `cast`.',
          related: [{ blame: inputBlame(1), message: `\`x\` has ${x.dtype}.` }],
        },
      );
    const branches = broadcastOperands(
      { index: 1, name: 'x', shape: x.shape },
      { index: 2, name: 'y', shape: y.shape },
    );
    if (!('ok' in branches)) return branches;
    const shape = broadcastShapes(condition.shape, branches.shape);
    if (shape.ok) return done(tensorType(shape.shape, x.dtype));
    return failed(
      'shape-mismatch',
      `\`condition\` of shape ${printShape(condition.shape)} does not broadcast with \`x\` and \`y\` of shape ${printShape(branches.shape)}.`,
      inputBlame(0, shape.left),
      {
        remedy: 'Aligned at the right, each pair of dimensions must be equal or contain a 1.',
        related: [{ blame: inputBlame(1), message: `\`x\` has shape ${printShape(x.shape)}.` }],
      },
    );
  },
  explain: (context, result, at) =>
    result.kind === 'tensor' ? explainBroadcastOf(context.inputs, result.shape.length, at.dim, [0, 1, 2]) : undefined,
  compute: (context) => {
    const [condition, x, y] = [tensorAt(context, 0), tensorAt(context, 1), tensorAt(context, 2)];
    return [
      compute('where', outputOf(context).shape, (...i) => {
        const c = broadcastLoad(condition, i);
        const holds = dtypeOf(c) === 'bool' ? c : compare('ne', c, number(0, dtypeOf(c)));
        return select(holds, broadcastLoad(x, i), broadcastLoad(y, i));
      }),
    ];
  },
  fusion: 'broadcast',
  examples: [
    {
      title: 'Keep the positive ones',
      source: 'fn (%x: Tensor[(4), float32]) { where(greater(%x, 0f), %x, zeros_like(%x)) }',
    },
  ],
});

export const broadcastOperators: readonly Operator[] = [
  broadcastTo,
  broadcastToLike,
  collapseSumLike,
  collapseSumTo,
  where,
];
