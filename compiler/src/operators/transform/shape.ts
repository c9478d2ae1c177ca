/** Shapes as values. */
import { tensorType } from '../../types/type.ts';
import { compute } from '../../tensor/te.ts';
import { attr } from '../attributes.ts';
import { number, outputOf, tensorAt } from '../compute/tensors.ts';
import type { Operator } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { originOf } from '../relations/explain.ts';
import { done, tensorInput } from '../relations/inputs.ts';
import { choose } from './join.ts';

const dtype = attr.dtype('the element type of the sizes', { default: null });

/** `shape_of` under one of its names. */
function shapeOf(name: string, inputName: string): Operator {
  return defineOperator({
    name,
    summary: 'The sizes of a tensor, as a vector.',
    inputs: [{ name: inputName, summary: 'the tensor' }],
    attributes: { dtype },
    attrsType: 'relay.attrs.ShapeOfAttrs',
    relate: (context) => {
      const data = tensorInput(context, 0, inputName);
      if (data.kind !== 'tensor') return data;
      const rank = data.shape.length;
      return done(tensorType(rank === 0 ? [] : [rank], context.attrs.dtype ?? 'void'));
    },
    explain: () => originOf('number of dimensions'),
    compute: (context) => {
      const data = tensorAt(context, 0);
      const { shape, dtype: element } = outputOf(context);
      return [
        compute('shape_of', shape, (...[i]) =>
          i === undefined
            ? number(0, element)
            : choose(
                i,
                data.shape.map((n) => number(n, element)),
              ),
        ),
      ];
    },
    ofShapes: true,
    fusion: 'opaque',
  });
}

const ndarraySize = defineOperator({
  name: 'ndarray_size',
  summary: 'The number of elements of a tensor, as a scalar.',
  inputs: [{ name: 'data', summary: 'the tensor' }],
  attributes: { dtype },
  attrsType: 'relay.attrs.NdarraySizeAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    return data.kind === 'tensor' ? done(tensorType([], context.attrs.dtype ?? 'void')) : data;
  },
  compute: (context) => {
    const count = tensorAt(context, 0).shape.reduce((a, b) => a * b, 1);
    return [compute('ndarray_size', [], () => number(count, outputOf(context).dtype))];
  },
  ofShapes: true,
  fusion: 'injective',
});

export const vmShapeOf = shapeOf('vm.shape_of', 'tensor');
export const shapeOperators: readonly Operator[] = [shapeOf('shape_of', 'data'), ndarraySize];
