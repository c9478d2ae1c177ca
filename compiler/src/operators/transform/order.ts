/** Operators that reorder or repeat elements. */
import type { Dim } from '../../types/type.ts';
import { anyDim, tensorType } from '../../types/type.ts';
import { printDim, printShape } from '../../types/print.ts';
import { dtypeInfo } from '../../tensor/dtype.ts';
import { cast, compare, compute, floordiv, floormod, int, load, select, sub } from '../../tensor/te.ts';
import { attr } from '../attributes.ts';
import { asIndex, number, outputOf, tensorAt } from '../compute/tensors.ts';
import type { Operator } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { normalizeAxis, normalizeAxes, isFailed, wrapAxis } from '../relations/axes.ts';
import { dimValue, isAnyDim, mayEqual, mulDims } from '../relations/dims.ts';
import { attributeSource, copyOf, inputDim, originOf } from '../relations/explain.ts';
import { explainIdentity } from '../relations/identity.ts';
import { badAttribute, done, failed, inputBlame, requireDType, requireRank, tensorInput } from '../relations/inputs.ts';
import { dataInput, moveElements } from './define.ts';

/** Source dimension of each result dimension. */
function permutation(axes: readonly number[] | null, rank: number): readonly number[] {
  if (axes === null) return Array.from({ length: rank }, (_, i) => rank - 1 - i);
  return axes.map((a) => (a < 0 ? a + rank : a));
}

const transpose = defineOperator({
  name: 'transpose',
  summary: 'Reorders the dimensions: result dimension `i` is dimension `axes[i]` of `data`; reversed without `axes`.',
  inputs: [dataInput],
  attributes: { axes: attr.maybeInts('a permutation of the dimensions; `None` reverses them') },
  attrsType: 'relay.attrs.TransposeAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const rank = data.shape.length;
    const { axes } = context.attrs;
    if (axes !== null) {
      if (axes.length !== rank)
        return badAttribute(
          'axes',
          `\`axes\` must name each of the ${rank} dimensions of \`data\` ${printShape(data.shape)} once, found ${axes.length}: [${axes.join(', ')}].`,
          `Write ${rank} axes.`,
        );
      const wrapped = normalizeAxes(axes, rank, 'axes');
      if (isFailed(wrapped)) return wrapped;
      const twice = wrapped.find((a, i) => wrapped.indexOf(a) !== i);
      if (twice !== undefined)
        return badAttribute('axes', `\`axes\` names dimension ${twice} twice.`, 'Name each dimension once.');
    }
    return done(
      tensorType(
        permutation(axes, rank).map((a) => data.shape[a] ?? 1),
        data.dtype,
      ),
    );
  },
  explain: (context, result, at) => {
    const rank = result.kind === 'tensor' ? result.shape.length : 0;
    const source = permutation(context.attrs.axes, rank)[at.dim];
    return source === undefined ? undefined : copyOf(0, source);
  },
  compute: moveElements('transpose', (i, context, data) => {
    const order = permutation(context.attrs.axes, data.shape.length);
    return order.map((_, d) => i[order.indexOf(d)] ?? int(0));
  }),
  gradient: (b, { args, adjoint, attrs }) => {
    const order = attrs.axes?.map((a) => (a < 0 ? a + (attrs.axes?.length ?? 0) : a));
    return args.map(() =>
      b.call('transpose', [adjoint], { axes: order ? order.map((_, d) => order.indexOf(d)) : null }),
    );
  },
  fusion: 'injective',
  examples: [
    {
      title: 'Channels last',
      source: 'fn (%x: Tensor[(1, 3, 8, 8), float32]) { transpose(%x, axes=[0, 2, 3, 1]) }',
    },
  ],
});

const reverse = defineOperator({
  name: 'reverse',
  summary: 'Turns the order of the elements along `axis` around.',
  inputs: [dataInput],
  attributes: { axis: attr.int('the dimension to turn around') },
  attrsType: 'relay.attrs.ReverseAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const axis = normalizeAxis(context.attrs.axis, data.shape.length);
    return typeof axis === 'number' ? done(data) : axis;
  },
  explain: explainIdentity,
  compute: moveElements('reverse', (i, context, data) => {
    const axis = wrapAxis(context.attrs.axis, data.shape.length);
    return i.map((v, d) => (d === axis ? sub(int((data.shape[d] ?? 1) - 1), v) : v));
  }),
  gradient: (b, { args, adjoint, attrs }) => args.map(() => b.call('reverse', [adjoint], { axis: attrs.axis })),
  fusion: 'injective',
  examples: [{ title: 'Backwards', source: 'fn (%x: Tensor[(4), int32]) { reverse(%x, axis=0) }' }],
});

const reverseSequence = defineOperator({
  name: 'reverse_sequence',
  summary: 'Turns the first `seq_lengths[b]` elements along `seq_axis` around, for each index `b` along `batch_axis`.',
  inputs: [dataInput, { name: 'seq_lengths', summary: 'how many elements to turn around, a vector of integers' }],
  attributes: {
    seq_axis: attr.int('the dimension to turn around', { default: 1 }),
    batch_axis: attr.int('the dimension that indexes `seq_lengths`', { default: 0 }),
  },
  attrsType: 'relay.attrs.ReverseSequenceAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const lengths = tensorInput(context, 1, 'seq_lengths');
    if (lengths.kind !== 'tensor') return lengths;
    const problem =
      requireRank(lengths, 1, 'seq_lengths', 1) ??
      requireDType(lengths, 1, 'seq_lengths', (d) => dtypeInfo(d)?.code === 'int', 'a signed integer type');
    if (problem) return problem;
    const batch = normalizeAxis(context.attrs.batch_axis, data.shape.length, 'batch_axis');
    if (typeof batch !== 'number') return batch;
    const have = lengths.shape[0] ?? 1;
    const want = data.shape[batch] ?? 1;
    if (!mayEqual(have, want))
      return failed(
        'shape-mismatch',
        `\`seq_lengths\` must have one length for each of the ${printDim(want)} indices along \`batch_axis\`, found ${printDim(have)}.`,
        inputBlame(1, 0),
        {
          remedy: `Pass ${printDim(want)} lengths.`,
          related: [{ blame: inputBlame(0, batch), message: `\`data\` has ${printDim(want)} here.` }],
        },
      );
    const axis = normalizeAxis(context.attrs.seq_axis, data.shape.length, 'seq_axis');
    return typeof axis === 'number' ? done(data) : axis;
  },
  explain: explainIdentity,
  compute: (context) => {
    const data = tensorAt(context, 0);
    const lengths = tensorAt(context, 1);
    const axis = wrapAxis(context.attrs.seq_axis, data.shape.length) ?? 0;
    const batch = wrapAxis(context.attrs.batch_axis, data.shape.length) ?? 0;
    const extent = data.shape[axis] ?? 1;
    return [
      compute('reverse_sequence', data.shape, (...i) => {
        const at = i[axis] ?? int(0);
        const length = asIndex(load(lengths, i[batch] ?? int(0)));
        const turned = select(
          compare('ge', at, length),
          at,
          select(compare('gt', length, int(extent)), sub(int(extent - 1), at), sub(sub(length, int(1)), at)),
        );
        return load(data, ...i.map((v, d) => (d === axis ? turned : v)));
      }),
    ];
  },
  fusion: 'injective',
});

/** Sizes of data and repetitions, padded with ones at the left to one rank. */
function alignedRepetitions(shape: readonly Dim[], reps: readonly number[]) {
  const rank = Math.max(shape.length, reps.length);
  return Array.from({ length: rank }, (_, d) => ({
    source: d - (rank - shape.length),
    dim: shape[d - (rank - shape.length)] ?? 1,
    element: d - (rank - reps.length),
    times: reps[d - (rank - reps.length)] ?? 1,
  }));
}

const tile = defineOperator({
  name: 'tile',
  summary: 'Repeats the whole tensor `reps[i]` times along dimension `i`.',
  inputs: [dataInput],
  attributes: { reps: attr.ints('how often along each dimension, aligned at the right') },
  attrsType: 'relay.attrs.TileAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const bad = context.attrs.reps.findIndex((n) => n <= 0);
    if (bad >= 0)
      return badAttribute(
        'reps',
        `Every element of \`reps\` must be at least 1; element ${bad} is ${context.attrs.reps[bad]}.`,
      );
    return done(
      tensorType(
        alignedRepetitions(data.shape, context.attrs.reps).map((d) =>
          dimValue(d.dim) === undefined
            ? isAnyDim(d.dim)
              ? anyDim
              : mulDims(d.dim, d.times)
            : mulDims(d.dim, d.times),
        ),
        data.dtype,
      ),
    );
  },
  explain: (context, _result, at) => {
    const [data] = context.inputs;
    if (data?.kind !== 'tensor') return undefined;
    const d = alignedRepetitions(data.shape, context.attrs.reps)[at.dim];
    if (!d) return undefined;
    const times = d.element >= 0 ? [attributeSource('reps', d.element)] : [];
    const size = d.source >= 0 ? [inputDim(0, d.source)] : [];
    if (d.source < 0 || d.times === 1) return originOf('', ...(d.source < 0 ? times : size));
    return originOf(`${printDim(d.dim)} · ${d.times}`, ...size, ...times);
  },
  compute: moveElements('tile', (i, _context, data) => {
    const skip = i.length - data.shape.length;
    return data.shape.map((extent, d) => floormod(i[d + skip] ?? int(0), int(extent)));
  }),
  fusion: 'broadcast',
  examples: [{ title: 'Twice along the rows', source: 'fn (%x: Tensor[(2, 3), float32]) { tile(%x, reps=[2, 1]) }' }],
});

const repeat = defineOperator({
  name: 'repeat',
  summary: 'Repeats every element `repeats` times along `axis`, neighbours staying together.',
  inputs: [dataInput],
  attributes: {
    repeats: attr.int('how often'),
    axis: attr.int('the dimension to repeat along'),
  },
  attrsType: 'relay.attrs.RepeatAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const { repeats } = context.attrs;
    if (repeats < 1) return badAttribute('repeats', `\`repeats\` must be at least 1, found ${repeats}.`);
    const axis = normalizeAxis(context.attrs.axis, data.shape.length);
    if (typeof axis !== 'number') return axis;
    return done(
      tensorType(
        data.shape.map((dim, d) => (d === axis ? mulDims(dim, repeats) : dim)),
        data.dtype,
      ),
    );
  },
  explain: (context, result, at) => {
    const [data] = context.inputs;
    if (data?.kind !== 'tensor' || result.kind !== 'tensor') return undefined;
    const { axis, repeats } = context.attrs;
    if (wrapAxis(axis, data.shape.length) !== at.dim) return copyOf(0, at.dim);
    const dim = printDim(data.shape[at.dim] ?? 1);
    return originOf(`${dim} · ${repeats}`, inputDim(0, at.dim), attributeSource('repeats'));
  },
  compute: moveElements('repeat', (i, context, data) => {
    const axis = wrapAxis(context.attrs.axis, data.shape.length);
    return i.map((v, d) => (d === axis ? floordiv(v, int(context.attrs.repeats)) : v));
  }),
  fusion: 'broadcast',
  examples: [{ title: 'Each twice', source: 'fn (%x: Tensor[(3), int32]) { repeat(%x, repeats=2, axis=0) }' }],
});

const sequenceMask = defineOperator({
  name: 'sequence_mask',
  summary: 'Puts `mask_value` at the positions of each sequence beyond its valid length.',
  details: 'One of the first two dimensions runs along the sequence (`axis`), the other one numbers the sequences.',
  inputs: [dataInput, { name: 'valid_length', summary: 'the length of each sequence, a vector' }],
  attributes: {
    mask_value: attr.float('the value beyond the length', { default: 0 }),
    axis: attr.int('the dimension along the sequence, 0 or 1', { default: 0 }),
  },
  attrsType: 'relay.attrs.SequenceMaskAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const length = tensorInput(context, 1, 'valid_length');
    if (length.kind !== 'tensor') return length;
    const { axis } = context.attrs;
    if (axis !== 0 && axis !== 1)
      return badAttribute(
        'axis',
        `\`axis\` must be 0 or 1, found ${axis}.`,
        'Move the sequence to one of the first two dimensions.',
      );
    const batch = data.shape[1 - axis];
    if (batch === undefined)
      return failed(
        'rank-mismatch',
        `\`data\` must have at least 2 dimensions, found ${printShape(data.shape)}.`,
        inputBlame(0),
        { remedy: 'Pass sequences with a batch dimension.' },
      );
    const want = tensorType([batch], length.dtype);
    const have = length.shape[0];
    if (length.shape.length !== 1 || have === undefined || !mayEqual(have, batch))
      return failed(
        'shape-mismatch',
        `\`valid_length\` must have shape ${printShape([batch])}, found ${printShape(length.shape)}.`,
        inputBlame(1),
        {
          remedy: 'Pass one length for each sequence.',
          related: [{ blame: inputBlame(0, 1 - axis), message: `\`data\` has ${printDim(batch)} sequences.` }],
        },
      );
    return { kind: 'ok', result: data, assign: [{ index: 1, type: want }] };
  },
  explain: explainIdentity,
  compute: (context) => {
    const data = tensorAt(context, 0);
    const length = tensorAt(context, 1);
    const { axis, mask_value: mask } = context.attrs;
    return [
      compute('sequence_mask', outputOf(context).shape, (...i) => {
        const limit = load(length, i[1 - axis] ?? int(0));
        const beyond = compare('ge', cast(length.dtype, i[axis] ?? int(0)), limit);
        return select(beyond, number(mask, data.dtype), load(data, ...i));
      }),
    ];
  },
  fusion: 'injective',
});

export const orderOperators: readonly Operator[] = [transpose, reverse, reverseSequence, tile, repeat, sequenceMask];
