/** Markers for passes: the value passes through. */
import { withoutGradients } from '../derivation.ts';
import { tensorType } from '../../types/type.ts';
import type { AttributeSchema } from '../attributes.ts';
import { attr } from '../attributes.ts';
import { mapElements, tensorAt } from '../compute/tensors.ts';
import type { Operator } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { explainIdentity, identityRelation } from '../relations/identity.ts';
import { failed, inputBlame, tensorInput } from '../relations/inputs.ts';
import { printShape } from '../../types/print.ts';

interface Row {
  readonly name: string;
  readonly summary: string;
  readonly attributes?: AttributeSchema;
  readonly attrsType?: string;
}

/** A marker whose result is its argument, whatever that is. */
function marker(row: Row): Operator {
  return defineOperator({
    name: row.name,
    summary: row.summary,
    inputs: [{ name: 'data', summary: 'the value' }],
    attributes: row.attributes ?? {},
    ...(row.attrsType ? { attrsType: row.attrsType, attrsTypeKey: true } : {}),
    relate: identityRelation,
    explain: explainIdentity,
    transparent: true,
    compute: (context) => {
      const [input] = context.inputs;
      const tensors = Array.isArray(input) ? (input as readonly ReturnType<typeof tensorAt>[]) : [tensorAt(context, 0)];
      return tensors.map((t) => mapElements(row.name, t, (x) => x));
    },
    fusion: 'opaque',
  });
}

const compiler = { compiler: attr.string('the compiler’s name', { default: '' }) };

const simulatedQuantize = defineOperator({
  name: 'relay.op.annotation.simulated_quantize',
  summary: 'A marker of calibration: where values are quantised and back.',
  inputs: [
    { name: 'data', summary: 'the values' },
    { name: 'dom_scale', summary: 'the scale, a float32 scalar' },
    { name: 'clip_min', summary: 'the least quantised value, a float32 scalar' },
    { name: 'clip_max', summary: 'the greatest quantised value, a float32 scalar' },
  ],
  attributes: {
    kind: attr.int('what is quantised: input, weight, activation', { default: 0 }),
    sign: attr.bool('signed values', { default: true }),
    rounding: attr.string('how values are rounded', { default: 'round' }),
    axis: attr.int('the dimension with scales of its own; -1 for none', { default: -1 }),
  },
  attrsType: 'relay.attrs.SimulatedQuantizeAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    if (data.shape.length === 0)
      return failed('rank-mismatch', '`data` must have at least 1 dimension, found a scalar.', inputBlame(0), {
        remedy: 'Pass a tensor.',
      });
    const scalar = tensorType([], 'float32');
    for (const [index, name] of ['dom_scale', 'clip_min', 'clip_max'].entries()) {
      const type = context.inputs[index + 1];
      if (type?.kind !== 'tensor' || (type.shape.length === 0 && type.dtype === 'float32')) continue;
      return failed(
        'dtype-mismatch',
        `\`${name}\` must be a float32 scalar, found ${type.dtype} ${printShape(type.shape)}.`,
        inputBlame(index + 1),
        {
          remedy: 'Pass a float32 scalar.',
        },
      );
    }
    return { kind: 'ok', result: data, assign: [1, 2, 3].map((index) => ({ index, type: scalar })) };
  },
  explain: explainIdentity,
  noMeaning: 'calibration replaces it before a program runs',
  fusion: 'elementwise',
});

const withFuncId = defineOperator({
  name: 'annotation.with_funcid',
  summary: 'Names a function for device placement.',
  inputs: [{ name: 'func', summary: 'the function' }],
  attributes: {},
  relate: identityRelation,
  transparent: true,
  noMeaning: 'a compiler annotation',
  fusion: 'opaque',
});

export const annotationOperators: readonly Operator[] = withoutGradients(
  [
    ...[
      { name: 'annotation.bitpack_start', summary: 'Marks where packed bits begin.' },
      { name: 'annotation.bitpack_end', summary: 'Marks where packed bits end.' },
      {
        name: 'annotation.cast_hint',
        summary: 'Suggests an element type for the value.',
        attributes: { dtype: attr.dtype('the element type', { default: null }) },
        attrsType: 'relay.attrs.CastHintAttrs',
      },
      { name: 'annotation.checkpoint', summary: 'Marks a value that is kept, not recomputed, for the gradient.' },
      {
        name: 'annotation.compiler_begin',
        summary: 'Marks where a region for an external compiler begins.',
        attributes: compiler,
        attrsType: 'relay.attrs.CompilerAttrs',
      },
      {
        name: 'annotation.compiler_end',
        summary: 'Marks where a region for an external compiler ends.',
        attributes: compiler,
        attrsType: 'relay.attrs.CompilerAttrs',
      },
      { name: 'annotation.stop_fusion', summary: 'Keeps operators before and after it in separate kernels.' },
    ].map(marker),
    withFuncId,
    simulatedQuantize,
  ],
  'it only marks a program',
);
