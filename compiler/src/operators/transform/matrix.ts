/** Diagonals, triangles and Einstein sums. */
import type { Dim } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import { printDim } from '../../types/print.ts';
import type { TEExpr } from '../../tensor/te.ts';
import { add, all, compare, compute, int, load, minimum, mul, reduce, select, sub } from '../../tensor/te.ts';
import { attr } from '../attributes.ts';
import { asIndex, number, outputOf, scalarLoad, tensorAt, tensorsAt } from '../compute/tensors.ts';
import type { DimOrigin, Operator } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { broadcastDim } from '../relations/broadcast.ts';
import { inputDim, originOf } from '../relations/explain.ts';
import { explainIdentity } from '../relations/identity.ts';
import { badAttribute, done, failed, inputBlame, requireRank, tensorInput, tupleInput } from '../relations/inputs.ts';

const matrixSetDiag = defineOperator({
  name: 'matrix_set_diag',
  summary: 'A copy of `input` with the diagonals `k1` to `k2` of its last two dimensions replaced.',
  inputs: [
    { name: 'input', summary: 'the matrices' },
    { name: 'diagonal', summary: 'the new diagonals; from the uppermost down where there are several' },
  ],
  attributes: {
    k1: attr.int('the lowest diagonal; 0 is the main one, negative ones lie below', { default: 0 }),
    k2: attr.int('the highest diagonal', { default: 0 }),
    super_diag_right_align: attr.bool('shorter diagonals above the main one are aligned at the right', {
      default: true,
    }),
    sub_diag_right_align: attr.bool('shorter diagonals below the main one are aligned at the right', {
      default: false,
    }),
  },
  attrsType: 'relay.attrs.MatrixSetDiagAttrs',
  relate: (context) => {
    const input = tensorInput(context, 0, 'input');
    if (input.kind !== 'tensor') return input;
    const diagonal = tensorInput(context, 1, 'diagonal');
    if (diagonal.kind !== 'tensor') return diagonal;
    const { k1, k2 } = context.attrs;
    if (k2 < k1) return badAttribute('k2', `\`k2\` must not be below \`k1\`; \`k1\` is ${k1}, \`k2\` is ${k2}.`);
    if (input.shape.length < 2)
      return failed(
        'rank-mismatch',
        `\`input\` must have at least 2 dimensions, found ${input.shape.length}.`,
        inputBlame(0),
        {
          remedy: 'Pass matrices.',
        },
      );
    if (diagonal.shape.length < 1)
      return failed('rank-mismatch', '`diagonal` must have at least 1 dimension, found a scalar.', inputBlame(1), {
        remedy: 'Pass the elements of the diagonal.',
      });
    if (k1 !== k2 && diagonal.shape.length < 2)
      return failed(
        'rank-mismatch',
        `\`diagonal\` must have at least 2 dimensions for the diagonals ${k1} to ${k2}, found ${diagonal.shape.length}.`,
        inputBlame(1),
        { remedy: 'Pass one row a diagonal, the uppermost first.' },
      );
    return done(input);
  },
  explain: explainIdentity,
  compute: (context) => {
    const [input, diagonal] = [tensorAt(context, 0), tensorAt(context, 1)];
    const { k1, k2, super_diag_right_align: above, sub_diag_right_align: below } = context.attrs;
    const rank = input.shape.length;
    const [height, width] = [input.shape[rank - 2] ?? 1, input.shape[rank - 1] ?? 1];
    const longest = diagonal.shape.at(-1) ?? 1;
    return [
      compute('matrix_set_diag', input.shape, (...i) => {
        const [row, column] = [i[rank - 2] ?? int(0), i[rank - 1] ?? int(0)];
        const k = sub(column, row);
        const upper = compare('ge', k, int(0));
        const missing = (m: TEExpr, n: TEExpr): TEExpr => sub(int(longest), minimum(m, n));
        const offset =
          k1 === k2
            ? int(0)
            : select(
                upper,
                above ? missing(int(height), sub(int(width), k)) : int(0),
                below ? missing(add(int(height), k), int(width)) : int(0),
              );
        const along = add(select(upper, row, column), offset);
        const lead = [...i.slice(0, rank - 2), ...(k1 === k2 ? [] : [sub(int(k2), k)])];
        const inside = all([compare('ge', k, int(k1)), compare('le', k, int(k2))]);
        return select(inside, load(diagonal, ...lead, along), load(input, ...i));
      }),
    ];
  },
  fusion: 'injective',
});

const trilu = defineOperator({
  name: 'trilu',
  summary: 'Keeps the upper or lower triangle of the last two dimensions and puts zeros elsewhere.',
  inputs: [
    { name: 'data', summary: 'the matrices' },
    { name: 'k', summary: 'the diagonal that bounds the triangle, a scalar' },
  ],
  attributes: { upper: attr.bool('keep the upper triangle; else the lower one', { default: true }) },
  attrsType: 'relay.attrs.TriluAttrs',
  attrsTypeKey: true,
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const k = tensorInput(context, 1, 'k');
    if (k.kind !== 'tensor') return k;
    return requireRank(k, 1, 'k', 0) ?? done(data);
  },
  explain: explainIdentity,
  compute: (context) => {
    const [data, k] = [tensorAt(context, 0), tensorAt(context, 1)];
    const rank = data.shape.length;
    return [
      compute('trilu', data.shape, (...i) => {
        const distance = sub(i[rank - 1] ?? int(0), i[rank - 2] ?? int(0));
        const kept = compare(context.attrs.upper ? 'ge' : 'le', distance, asIndex(scalarLoad(k)));
        return select(kept, load(data, ...i), number(0, data.dtype));
      }),
    ];
  },
  fusion: 'elementwise',
});

interface Equation {
  /** Labels of each operand; those of an ellipsis are numbered from the right: `.0`, `.1`. */
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[];
}

/** An Einstein equation against the operands' ranks; a string says what is wrong with it. */
function parseEquation(text: string, ranks: readonly number[]): Equation | string {
  const [left = '', right, ...more] = text.replace(/\s/g, '').split('->');
  if (more.length > 0) return 'it has more than one `->`';
  const terms = left.split(',');
  if (terms.length !== ranks.length) return `it names ${terms.length} operands, but ${ranks.length} are given`;
  const inputs: string[][] = [];
  let dots = 0;
  for (const [k, term] of terms.entries()) {
    const labels = labelsOf(term, ranks[k] ?? 0);
    if (typeof labels === 'string') return labels;
    dots = Math.max(dots, labels.filter((l) => l.startsWith('.')).length);
    inputs.push(labels);
  }
  const ellipsis = Array.from({ length: dots }, (_, i) => `.${dots - 1 - i}`);
  if (right === undefined) {
    const every = inputs.flat().filter((l) => !l.startsWith('.'));
    const once = [...new Set(every)].filter((l) => every.indexOf(l) === every.lastIndexOf(l)).sort();
    return { inputs, output: [...ellipsis, ...once] };
  }
  const output = labelsOf(right, right.replace('...', '').length + dots);
  if (typeof output === 'string') return output;
  const unknown = output.find((l) => !inputs.some((labels) => labels.includes(l)));
  return unknown === undefined ? { inputs, output } : `its result has the label ${unknown}, which no operand has`;
}

function labelsOf(term: string, rank: number): string[] | string {
  const [before = '', after, ...more] = term.split('...');
  if (more.length > 0) return `«${term}» has more than one ellipsis`;
  const letters = `${before}${after ?? ''}`;
  if (!/^[A-Za-z]*$/.test(letters)) return `«${term}» has characters that are no labels`;
  const dots = after === undefined ? 0 : rank - letters.length;
  if (dots < 0 || (after === undefined && letters.length !== rank))
    return `«${term}» has ${letters.length} labels, but that operand has ${rank} dimensions`;
  return [...before, ...Array.from({ length: dots }, (_, i) => `.${dots - 1 - i}`), ...(after ?? '')];
}

const einsum = defineOperator({
  name: 'einsum',
  summary: 'Sums products of elements over repeated indices, by an equation such as `ij,jk->ik`.',
  inputs: [{ name: 'data', summary: 'a tuple of the operands', tuple: true }],
  attributes: { equation: attr.string('the labels of the operands’ dimensions and, after `->`, of the result’s') },
  attrsType: 'relay.attrs.EinsumAttrs',
  relate: (context) => {
    const data = tupleInput(context, 0, 'data');
    if (data.kind !== 'tensors') return data;
    const [first] = data.fields;
    if (!first) return failed('bad-argument', 'The tuple must have at least one tensor.', inputBlame(0));
    const other = data.fields.findIndex((f) => f.dtype !== first.dtype);
    if (other >= 0)
      return failed(
        'dtype-mismatch',
        `All operands must have the same element type; field 0 has ${first.dtype}, field ${other} has ${data.fields[other]?.dtype ?? ''}.`,
        inputBlame(0, undefined, other),
        {
          remedy: `Convert field ${other} with \`cast\`.`,
        },
      );
    const equation = parseEquation(
      context.attrs.equation,
      data.fields.map((f) => f.shape.length),
    );
    if (typeof equation === 'string') return badAttribute('equation', `The equation does not fit: ${equation}.`);
    const sizes = new Map<string, { dim: Dim; field: number; at: number }>();
    for (const [field, labels] of equation.inputs.entries())
      for (const [at, label] of labels.entries()) {
        const dim = data.fields[field]?.shape[at] ?? 1;
        const known = sizes.get(label);
        const merged = known === undefined ? dim : broadcastDim(known.dim, dim);
        if (merged === undefined)
          return failed(
            'shape-mismatch',
            `Label ${label} stands for dimensions of different sizes: ${printDim(known?.dim ?? 1)} in field ${known?.field ?? 0} and ${printDim(dim)} in field ${field}.`,
            inputBlame(0, at, field),
            {
              remedy: 'Make the dimensions of one label agree.',
              related: [
                {
                  blame: inputBlame(0, known?.at ?? 0, known?.field ?? 0),
                  message: `It is ${printDim(known?.dim ?? 1)} here.`,
                },
              ],
            },
          );
        sizes.set(label, { dim: merged, field, at });
      }
    return done(
      tensorType(
        equation.output.map((l) => sizes.get(l)?.dim ?? 1),
        first.dtype,
      ),
    );
  },
  explain: (context, _result, at): DimOrigin | undefined => {
    const data = tupleInput(context, 0, 'data');
    if (data.kind !== 'tensors') return undefined;
    const equation = parseEquation(
      context.attrs.equation,
      data.fields.map((f) => f.shape.length),
    );
    if (typeof equation === 'string') return undefined;
    const label = equation.output[at.dim] ?? '';
    const sources = equation.inputs.flatMap((labels, field) =>
      labels.includes(label) ? [inputDim(0, labels.indexOf(label), field)] : [],
    );
    return originOf(label.startsWith('.') ? '' : `label ${label}`, ...sources);
  },
  compute: (context) => {
    const tensors = tensorsAt(context, 0);
    const { shape, dtype } = outputOf(context);
    const equation = parseEquation(
      context.attrs.equation,
      tensors.map((t) => t.shape.length),
    );
    if (typeof equation === 'string') throw new Error(equation);
    const summed = [...new Set(equation.inputs.flat())].filter((l) => !equation.output.includes(l));
    const extent = (label: string): number =>
      Math.max(
        ...equation.inputs.flatMap((labels, k) =>
          labels.flatMap((l, d) => (l === label ? [tensors[k]?.shape[d] ?? 1] : [])),
        ),
      );
    return [
      compute('einsum', shape, (...i) => {
        const product = (r: readonly TEExpr[]): TEExpr => {
          let result: TEExpr | undefined;
          for (const [k, tensor] of tensors.entries()) {
            const labels = equation.inputs[k] ?? [];
            const at = labels.map((l, d) => {
              if (tensor.shape[d] === 1) return int(0);
              return i[equation.output.indexOf(l)] ?? r[summed.indexOf(l)] ?? int(0);
            });
            const value = load(tensor, ...at);
            result = result === undefined ? value : mul(result, value);
          }
          return result ?? number(0, dtype);
        };
        return summed.length === 0 ? product([]) : reduce('sum', summed.map(extent), (...r) => product(r));
      }),
    ];
  },
  fusion: 'injective',
  tolerance: { relative: 1e-4, absolute: 1e-5 },
  examples: [
    {
      title: 'A matrix product',
      source:
        'fn (%a: Tensor[(2, 3), float32], %b: Tensor[(3, 4), float32]) { einsum((%a, %b), equation="ij,jk->ik") }',
    },
  ],
});

export const matrixOperators: readonly Operator[] = [matrixSetDiag, trilu, einsum];
