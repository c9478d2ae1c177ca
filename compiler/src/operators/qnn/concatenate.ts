/** `qnn.concatenate`. */
import { cast, compute, int, load } from '../../tensor/te.ts';
import type { TensorType } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import { outputOf, tensorsAt } from '../compute/tensors.ts';
import type { ComputeContext, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { inputBlame, tupleInput } from '../relations/inputs.ts';
import { concatenateTensors, concatenateType } from '../transform/join.ts';
import { fail, ok, wait } from '../nn/relate.ts';
import { saturate, scalarParameter } from './parameters.ts';
import { elementRescaler } from './requantize.ts';

/** Demands a tuple of scalars of `dtype`, one for each of `count` fields. */
function scalarTuple(
  context: Pick<RelateContext<unknown>, 'inputs'>,
  index: number,
  name: string,
  dtype: string,
): RelateResult | undefined {
  const tuple = tupleInput(context, index, name);
  if (tuple.kind !== 'tensors') return tuple;
  const wrong = tuple.fields.findIndex((f: TensorType) => f.shape.length !== 0 || f.dtype !== dtype);
  if (wrong < 0) return undefined;
  const field = tuple.fields[wrong];
  return fail(
    field?.dtype === dtype ? 'rank-mismatch' : 'dtype-mismatch',
    `Field ${wrong} of \`${name}\` must be a ${dtype} scalar, but it is a ${field?.dtype ?? ''} of rank ${field?.shape.length ?? 0}.`,
    inputBlame(index, undefined, wrong),
  );
}

export const concatenate = defineOperator({
  name: 'qnn.concatenate',
  summary: 'Lays quantised tensors end to end, each rescaled to the scale of the result.',
  inputs: [
    { name: 'data', summary: 'The tensors.', tuple: true },
    { name: 'input_scales', summary: 'A scale for each tensor.', tuple: true },
    { name: 'input_zero_points', summary: 'A zero point for each tensor.', tuple: true },
    { name: 'output_scale', summary: 'Scale of the result, a scalar.' },
    { name: 'output_zero_point', summary: 'Zero point of the result, a scalar.' },
  ],
  attributes: { axis: attr.int('The dimension along which the tensors are laid.', { default: 0 }) },
  attrsType: 'relay.attrs.ConcatenateAttrs',
  relate(context) {
    const data = tupleInput(context, 0, 'data');
    if (data.kind !== 'tensors') return data;
    if (context.inputs.slice(1).some((t) => t.kind === 'incomplete')) return wait;
    const problem =
      scalarTuple(context, 1, 'input_scales', 'float32') ??
      scalarTuple(context, 2, 'input_zero_points', 'int32') ??
      scalarParameter(context, 3, 'output_scale', 'float32') ??
      scalarParameter(context, 4, 'output_zero_point', 'int32');
    if (problem) return problem;
    const type = concatenateType(data.fields, context.attrs.axis);
    return type.kind === 'tensor' ? ok(type) : type;
  },
  explain(context, _result, at) {
    const [data] = context.inputs;
    if (data?.kind !== 'tuple') return undefined;
    const [first] = data.fields;
    if (first?.kind !== 'tensor') return undefined;
    const axis = context.attrs.axis < 0 ? context.attrs.axis + first.shape.length : context.attrs.axis;
    if (at.dim !== axis) return { formula: '', sources: [{ kind: 'input', index: 0, dim: at.dim, field: 0 }] };
    return {
      formula: data.fields.map((f) => (f.kind === 'tensor' ? String(f.shape[axis]) : '?')).join(' + '),
      sources: data.fields.map((_, field) => ({ kind: 'input', index: 0, dim: axis, field })),
    };
  },
  compute(context: ComputeContext<{ readonly axis: number }>) {
    const data = tensorsAt(context, 0);
    const scales = tensorsAt(context, 1);
    const zeroPoints = tensorsAt(context, 2);
    const [outScale, outZeroPoint] = [tensorsAt(context, 3), tensorsAt(context, 4)];
    const output = outputOf(context);
    const axis = context.attrs.axis < 0 ? context.attrs.axis + output.shape.length : context.attrs.axis;
    const rescaled = data.map((tensor, field) => {
      // Each field is rescaled as one call of its own.
      const [scale, zero, scaleOut, zeroOut] = [scales[field], zeroPoints[field], outScale[0], outZeroPoint[0]];
      if (!scale || !zero || !scaleOut || !zeroOut) throw new Error('concatenation: a parameter is absent');
      const rescale = elementRescaler(
        {
          inputs: [tensor, scale, zero, scaleOut, zeroOut],
          constant: (index) => (index >= 3 ? context.constant(index) : context.constant(index, field)),
        },
        { scale: 1, zeroPoint: 2, outScale: 3, outZeroPoint: 4 },
      );
      return compute('rescaled', tensor.shape, (...i) =>
        saturate(rescale(cast('int32', load(tensor, ...i)), int(0)), 'int32', output.dtype),
      );
    });
    return [concatenateTensors('concatenate', rescaled, axis, output.shape)];
  },
  fusion: 'injective',
});
