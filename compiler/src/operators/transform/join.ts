/** Operators that join tensors or cut one into several. */
import type { Dim, TensorType } from '../../types/type.ts';
import { anyDim, tensorType, tupleType } from '../../types/type.ts';
import { printDim, printShape } from '../../types/print.ts';
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import { add, compare, compute, int, load, select, sub } from '../../tensor/te.ts';
import { attr } from '../attributes.ts';
import { broadcastLoad, tensorAt, tensorsAt, outputOf } from '../compute/tensors.ts';
import type { Operator, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { normalizeAxis, normalizeInsertAxis, wrapAxis } from '../relations/axes.ts';
import { dimValue, floorDivDims, isAnyDim, mayEqual, subDims, sumOfDims } from '../relations/dims.ts';
import { attributeSource, copyOf, inputDim, originOf } from '../relations/explain.ts';
import { badAttribute, done, failed, inputBlame, mostFields, tensorInput, tupleInput } from '../relations/inputs.ts';

type Failed = Extract<RelateResult, { kind: 'error' }>;

/** All fields agree with the first in rank and element type, or the failure that says which does not. */
function sameRankAndDType(fields: readonly TensorType[]): Failed | undefined {
  const [first] = fields;
  if (!first)
    return failed('bad-argument', 'The tuple must have at least one tensor, found `()`.', inputBlame(0), {
      remedy: 'Put tensors into the tuple.',
    });
  for (const [i, field] of fields.entries()) {
    const related = (message: string) => [{ blame: inputBlame(0, undefined, 0), message }];
    if (field.shape.length !== first.shape.length)
      return failed(
        'rank-mismatch',
        `All tensors must have the same number of dimensions; field 0 has ${first.shape.length}, field ${i} has ${field.shape.length}.`,
        inputBlame(0, undefined, i),
        { remedy: 'Reshape one of them.', related: related(`Field 0 has shape ${printShape(first.shape)}.`) },
      );
    if (field.dtype !== first.dtype)
      return failed(
        'dtype-mismatch',
        `All tensors must have the same element type; field 0 has ${first.dtype}, field ${i} has ${field.dtype}.`,
        inputBlame(0, undefined, i),
        { remedy: `Convert field ${i} with \`cast\`.`, related: related(`Field 0 has ${first.dtype}.`) },
      );
  }
  return undefined;
}

function dimsDisagree(
  i: number,
  dim: number,
  first: TensorType,
  firstIndex: number,
  field: TensorType,
  what: string,
): Failed {
  const a = printDim(first.shape[dim] ?? 1);
  const b = printDim(field.shape[dim] ?? 1);
  return failed(
    'shape-mismatch',
    `Except along ${what}, all dimensions must agree; dimension ${dim} is ${a} in field ${firstIndex} and ${b} in field ${i}.`,
    inputBlame(0, dim, i),
    {
      remedy: 'Make the tensors agree, or choose another `axis`.',
      related: [{ blame: inputBlame(0, dim, firstIndex), message: `Field ${firstIndex} has ${a} here.` }],
    },
  );
}

/** Result type of a concatenation of `fields` along a written `axis`. Shared with the quantised form. */
export function concatenateType(fields: readonly TensorType[], written: number): TensorType | Failed {
  const [first] = fields;
  const axis = first ? normalizeAxis(written, first.shape.length, 'axis', 'field 0') : 0;
  if (typeof axis !== 'number') return axis;
  const problem = sameRankAndDType(fields);
  if (problem || !first) return problem ?? failed('bad-argument', 'The tuple is empty.', inputBlame(0));
  const along = fields.map((f) => f.shape[axis] ?? 1);
  const total = sumOfDims(along);
  const shape: Dim[] = [];
  for (let d = 0; d < first.shape.length; d++) {
    if (d === axis) {
      shape.push(total);
      continue;
    }
    const known = fields.flatMap((f, i) => (isAnyDim(f.shape[d] ?? 1) ? [] : [{ dim: f.shape[d] ?? 1, i }]));
    for (const { dim, i } of known) {
      const reference = known[0];
      const field = fields[i];
      if (reference && field && !mayEqual(reference.dim, dim))
        return dimsDisagree(i, d, fields[reference.i] ?? first, reference.i, field, `axis ${axis}`);
    }
    const trusted = known.length === fields.length || (known.length > 0 && isAnyDim(total));
    shape.push((trusted ? known[0]?.dim : undefined) ?? anyDim);
  }
  return tensorType(shape, first.dtype);
}

/** The tensors laid end to end along `axis`. */
export function concatenateTensors(
  name: string,
  tensors: readonly TETensor[],
  axis: number,
  shape: readonly number[],
): TETensor {
  return compute(name, shape, (...i) => {
    const position = i[axis] ?? int(0);
    const at = (tensor: TETensor, index: TEExpr): TEExpr =>
      load(tensor, ...i.map((axisVar, d) => (d === axis ? index : axisVar)));
    let start = shape[axis] ?? 0;
    let result: TEExpr | undefined;
    for (const tensor of [...tensors].reverse()) {
      const extent = tensor.shape[axis] ?? 0;
      start -= extent;
      if (extent === 0) continue;
      const value = at(tensor, sub(position, int(start)));
      result = result === undefined ? value : select(compare('lt', position, int(start + extent)), value, result);
    }
    if (result === undefined) throw new Error('concatenation of nothing');
    return result;
  });
}

const concatenate = defineOperator({
  name: 'concatenate',
  summary: 'Lays tensors end to end along `axis`.',
  inputs: [{ name: 'data', summary: 'a tuple of tensors that agree in all other dimensions', tuple: true }],
  attributes: { axis: attr.int('the dimension to lay them along', { default: 0 }) },
  attrsType: 'relay.attrs.ConcatenateAttrs',
  relate: (context) => {
    const data = tupleInput(context, 0, 'data');
    if (data.kind !== 'tensors') return data;
    const type = concatenateType(data.fields, context.attrs.axis);
    return type.kind === 'tensor' ? done(type) : type;
  },
  explain: (context, _result, at) => {
    const data = tupleInput(context, 0, 'data');
    if (data.kind !== 'tensors') return undefined;
    const axis = wrapAxis(context.attrs.axis, data.fields[0]?.shape.length ?? 0);
    if (at.dim !== axis) return copyOf(0, at.dim, 0);
    return originOf(
      data.fields.map((f) => printDim(f.shape[axis] ?? 1)).join(' + '),
      ...data.fields.map((_, field) => inputDim(0, axis, field)),
    );
  },
  compute: (context) => {
    const { shape } = outputOf(context);
    const axis = wrapAxis(context.attrs.axis, shape.length) ?? 0;
    return [concatenateTensors('concatenate', tensorsAt(context, 0), axis, shape)];
  },
  gradient: (b, { args: [data], adjoint, attrs }) => {
    if (data === undefined) return [];
    const type = b.typeOf(data);
    const fields = type.kind === 'tuple' ? type.fields : [];
    const ends: number[] = [];
    let end = 0;
    for (const field of fields.slice(0, -1)) {
      const shape = field.kind === 'tensor' ? field.shape : [];
      end += Number(dimValue(shape[wrapAxis(attrs.axis, shape.length) ?? 0] ?? 0) ?? 0n);
      ends.push(end);
    }
    if (fields.length === 1) return [b.tuple([adjoint])];
    const parts = b.call('split', [adjoint], { indices_or_sections: ends, axis: attrs.axis });
    return [b.tuple(fields.map((_, i) => b.project(parts, i)))];
  },
  fusion: 'injective',
  examples: [
    {
      title: 'Two along the channels',
      source: 'fn (%a: Tensor[(1, 2), float32], %b: Tensor[(1, 3), float32]) { concatenate((%a, %b), axis=1) }',
    },
  ],
});

const stack = defineOperator({
  name: 'stack',
  summary: 'Lays tensors of one shape along a new dimension.',
  inputs: [{ name: 'data', summary: 'a tuple of tensors of one shape', tuple: true }],
  attributes: { axis: attr.int('where the new dimension stands', { default: 0 }) },
  attrsType: 'relay.attrs.StackAttrs',
  relate: (context) => {
    const data = tupleInput(context, 0, 'data');
    if (data.kind !== 'tensors') return data;
    const problem = sameRankAndDType(data.fields);
    const [first] = data.fields;
    if (problem || !first) return problem ?? failed('bad-argument', 'The tuple is empty.', inputBlame(0));
    const axis = normalizeInsertAxis(context.attrs.axis, first.shape.length, 'axis', 'field 0');
    if (typeof axis !== 'number') return axis;
    for (const [i, field] of data.fields.entries())
      for (const [d, dim] of field.shape.entries())
        if (d !== axis && !mayEqual(dim, first.shape[d] ?? dim))
          return dimsDisagree(i, d, first, 0, field, 'the new one');
    const shape = [...first.shape.slice(0, axis), data.fields.length, ...first.shape.slice(axis)];
    return done(tensorType(shape, first.dtype));
  },
  explain: (context, result, at) => {
    const rank = result.kind === 'tensor' ? result.shape.length : 0;
    const axis = wrapAxis(context.attrs.axis, rank) ?? 0;
    if (at.dim === axis) return originOf('number of tensors');
    return copyOf(0, at.dim < axis ? at.dim : at.dim - 1, 0);
  },
  compute: (context) => {
    const { shape } = outputOf(context);
    const axis = wrapAxis(context.attrs.axis, shape.length) ?? 0;
    const tensors = tensorsAt(context, 0);
    return [
      compute('stack', shape, (...i) => {
        const rest = i.filter((_, d) => d !== axis);
        return choose(
          i[axis] ?? int(0),
          tensors.map((t) => load(t, ...rest)),
        );
      }),
    ];
  },
  fusion: 'injective',
});

/** The value at position `index` of a list. */
export function choose(index: TEExpr, values: readonly TEExpr[]): TEExpr {
  let result: TEExpr | undefined;
  for (let k = values.length - 1; k >= 0; k--) {
    const value = values[k];
    if (value === undefined) continue;
    result = result === undefined ? value : select(compare('eq', index, int(k)), value, result);
  }
  if (result === undefined) throw new Error('choice among nothing');
  return result;
}

/** Starts and sizes of the pieces of `split`; a failure when they do not fit. */
function pieces(
  extent: Dim,
  spec: number | readonly number[] | null,
  axis: number,
): readonly { readonly start: number; readonly size: Dim; readonly formula: string }[] | Failed {
  const name = 'indices_or_sections';
  if (spec === null) return badAttribute(name, `\`${name}\` must be a number of pieces or a list of positions.`);
  const value = dimValue(extent);
  if (typeof spec === 'number') {
    if (spec < 1 || spec > mostFields)
      return badAttribute(name, `The number of pieces must be from 1 to ${mostFields}, found ${spec}.`);
    if (value !== undefined && value % BigInt(spec) !== 0n)
      return badAttribute(
        name,
        `Dimension ${axis} of \`data\` is ${value}, which does not divide into ${spec} equal pieces.`,
        'Choose a divisor, or list the positions at which to cut.',
      );
    const size = floorDivDims(extent, spec);
    const step = Number(dimValue(size) ?? 0n);
    const formula = `${printDim(extent)} / ${spec}`;
    return Array.from({ length: spec }, (_, i) => ({ start: i * step, size, formula }));
  }
  const result: { start: number; size: Dim; formula: string }[] = [];
  let begin = 0;
  for (const end of spec) {
    if (end <= begin)
      return badAttribute(
        name,
        `The positions to cut at must rise from above 0; ${end} follows ${begin}.`,
        'Sort the positions and remove duplicates.',
      );
    result.push({ start: begin, size: end - begin, formula: `${end} − ${begin}` });
    begin = end;
  }
  if (value !== undefined && BigInt(begin) >= value)
    return badAttribute(
      name,
      `The last position to cut at is ${begin}, but dimension ${axis} of \`data\` is ${value}.`,
      `Keep positions below ${value}.`,
    );
  result.push({ start: begin, size: subDims(extent, begin), formula: `${printDim(extent)} − ${begin}` });
  return result;
}

const split = defineOperator({
  name: 'split',
  summary: 'Cuts a tensor along `axis` into equal pieces or at the given positions; a tuple.',
  inputs: [{ name: 'data', summary: 'the tensor to cut' }],
  attributes: {
    indices_or_sections: attr.intOrInts('how many equal pieces, or the positions to cut at'),
    axis: attr.int('the dimension to cut', { default: 0 }),
  },
  attrsType: 'relay.attrs.SplitAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const axis = normalizeAxis(context.attrs.axis, data.shape.length);
    if (typeof axis !== 'number') return axis;
    const parts = pieces(data.shape[axis] ?? 1, context.attrs.indices_or_sections, axis);
    if ('kind' in parts) return parts;
    return done(
      tupleType(
        parts.map((p) =>
          tensorType(
            data.shape.map((dim, i) => (i === axis ? p.size : dim)),
            data.dtype,
          ),
        ),
      ),
    );
  },
  explain: (context, _result, at) => {
    const [data] = context.inputs;
    if (data?.kind !== 'tensor') return undefined;
    const axis = wrapAxis(context.attrs.axis, data.shape.length) ?? 0;
    if (at.dim !== axis) return copyOf(0, at.dim);
    const parts = pieces(data.shape[axis] ?? 1, context.attrs.indices_or_sections, axis);
    const part = 'kind' in parts ? undefined : parts[at.field ?? 0];
    return part && originOf(part.formula, inputDim(0, axis), attributeSource('indices_or_sections'));
  },
  compute: (context) => {
    const data = tensorAt(context, 0);
    const axis = wrapAxis(context.attrs.axis, data.shape.length) ?? 0;
    const parts = pieces(data.shape[axis] ?? 1, context.attrs.indices_or_sections, axis);
    if ('kind' in parts) throw new Error(parts.error.message);
    return parts.map((p, k) =>
      compute(`split${k}`, outputOf(context, k).shape, (...i) =>
        load(data, ...i.map((axisVar, d) => (d === axis ? add(axisVar, int(p.start)) : axisVar))),
      ),
    );
  },
  gradient: (b, { args, output, adjoint, attrs }) => {
    const type = b.typeOf(output);
    const count = type.kind === 'tuple' ? type.fields.length : 0;
    if (args.length !== 1) return [];
    const fields = Array.from({ length: count }, (_, i) => b.project(adjoint, i));
    return [b.call('concatenate', [b.tuple(fields)], { axis: attrs.axis })];
  },
  fusion: 'injective',
  examples: [
    {
      title: 'Four gates',
      source: 'fn (%x: Tensor[(1, 8), float32]) { split(%x, indices_or_sections=4, axis=1) }',
    },
  ],
});

const meshgrid = defineOperator({
  name: 'meshgrid',
  summary: 'Coordinate grids of one-dimensional tensors; a tuple with one grid for each.',
  inputs: [{ name: 'data', summary: 'a tuple of vectors or scalars', tuple: true }],
  attributes: {
    indexing: attr.string('`ij`: dimensions in the order of the tensors; `xy`: the first two exchanged', {
      default: 'ij',
    }),
  },
  attrsType: 'relay.attrs.MeshgridAttrs',
  relate: (context) => {
    const data = tupleInput(context, 0, 'data');
    if (data.kind !== 'tensors') return data;
    const [first] = data.fields;
    if (!first) return failed('bad-argument', 'The tuple must have at least one tensor.', inputBlame(0));
    for (const [i, field] of data.fields.entries()) {
      if (field.dtype !== first.dtype)
        return failed(
          'dtype-mismatch',
          `All tensors must have the same element type; field 0 has ${first.dtype}, field ${i} has ${field.dtype}.`,
          inputBlame(0, undefined, i),
          { remedy: `Convert field ${i} with \`cast\`.` },
        );
      if (field.shape.length > 1)
        return failed(
          'rank-mismatch',
          `Grids are made of vectors and scalars; field ${i} has shape ${printShape(field.shape)}.`,
          inputBlame(0, undefined, i),
          { remedy: 'Reshape it to one dimension.' },
        );
    }
    const sizes = gridOrder(
      data.fields.map((f) => f.shape[0] ?? 1),
      context.attrs.indexing,
    );
    return done(tupleType(data.fields.map(() => tensorType(sizes, first.dtype))));
  },
  explain: (context, _result, at) => {
    const order = gridOrder(
      context.inputs[0]?.kind === 'tuple' ? context.inputs[0].fields.map((_, i) => i) : [],
      context.attrs.indexing,
    );
    return copyOf(0, 0, order[at.dim] ?? 0);
  },
  compute: (context) => {
    const tensors = tensorsAt(context, 0);
    const order = gridOrder(
      tensors.map((_, i) => i),
      context.attrs.indexing,
    );
    return tensors.map((tensor, k) =>
      compute(`meshgrid${k}`, outputOf(context, k).shape, (...i) => {
        const index = i[order.indexOf(k)] ?? int(0);
        return broadcastLoad(tensor, tensor.shape.length === 0 ? [] : [index]);
      }),
    );
  },
  fusion: 'injective',
});

function gridOrder<T>(list: readonly T[], indexing: string): readonly T[] {
  const [first, second, ...rest] = list;
  return indexing === 'xy' && first !== undefined && second !== undefined ? [second, first, ...rest] : list;
}

export const joinOperators: readonly Operator[] = [concatenate, stack, split, meshgrid];
