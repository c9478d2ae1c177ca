/** Running sums and products. */
import { isFloat } from '../../tensor/dtype.ts';
import { elementCount } from '../../tensor/ndarray.ts';
import { tensorType } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import type { Scalar } from '../compute/arrays.ts';
import { around, arrayAt, elementAt, setElement, zeros } from '../compute/arrays.ts';
import type { Operator } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { normalizeAxis, wrapAxis } from '../relations/axes.ts';
import { productOfDims } from '../relations/dims.ts';
import { copyOf, inputDim, originOf } from '../relations/explain.ts';
import { done, failed, inputBlame, tensorInput } from '../relations/inputs.ts';
import { printDim } from '../../types/print.ts';

function scan(name: string, summary: string, step: (a: Scalar, b: Scalar) => Scalar, start: 0 | 1): Operator {
  return defineOperator({
    name,
    summary,
    inputs: [{ name: 'data', summary: 'the tensor' }],
    attributes: {
      axis: attr.maybeInt('the dimension to run along; `None` runs over the flattened tensor', { default: null }),
      dtype: attr.dtype('the element type of the result; that of `data` when absent', { default: null }),
      exclusive: attr.bool('each element leaves out itself', { default: false }),
    },
    attrsType: 'relay.attrs.ScanopAttrs',
    attrsTypeKey: true,
    relate: (context) => {
      const data = tensorInput(context, 0, 'data');
      if (data.kind !== 'tensor') return data;
      const dtype = context.attrs.dtype ?? data.dtype;
      if (context.attrs.axis === null && data.shape.length === 0)
        return failed(
          'rank-mismatch',
          `\`data\` is a scalar; \`${name}\` without an axis needs a dimension.`,
          inputBlame(0),
          {
            remedy: 'Reshape it to one element, or write an axis.',
          },
        );
      if (context.attrs.axis === null) return done(tensorType([productOfDims(data.shape)], dtype));
      // A scalar has no axes, but its running sum is itself along any.
      const axis = data.shape.length === 0 ? 0 : normalizeAxis(context.attrs.axis, data.shape.length);
      return typeof axis === 'number' ? done(tensorType(data.shape, dtype)) : axis;
    },
    explain: (context, _result, at) => {
      const [data] = context.inputs;
      if (data?.kind !== 'tensor') return undefined;
      if (context.attrs.axis !== null || data.shape.length === 1) return copyOf(0, at.dim);
      return originOf(data.shape.map(printDim).join(' · '), ...data.shape.map((_, d) => inputDim(0, d)));
    },
    kernel: (context) => {
      const data = arrayAt(context, 0);
      const { axis, dtype, exclusive } = context.attrs;
      const flat = axis === null;
      const { outer, length, inner } = flat
        ? { outer: 1, length: elementCount(data.shape), inner: 1 }
        : around(data.shape, wrapAxis(axis, data.shape.length) ?? 0);
      const result = zeros(dtype ?? data.dtype, flat ? [length] : data.shape);
      const exact = !isFloat(result.dtype);
      const convert = (value: Scalar): Scalar => {
        if (!exact) return Number(value);
        return typeof value === 'bigint' ? value : BigInt(Math.trunc(value));
      };
      for (let o = 0; o < outer; o++)
        for (let i = 0; i < inner; i++) {
          let total = convert(start);
          for (let k = 0; k < length; k++) {
            const at = (o * length + k) * inner + i;
            const value = elementAt(data, at);
            const next = step(total, convert(value));
            setElement(result, at, exclusive ? total : next);
            // The accumulator has the result's own type, so it rounds and wraps at every step.
            total = exclusive ? rounded(next, result.dtype) : convert(elementAt(result, at));
          }
        }
      return [result];
    },
    fusion: 'opaque',
    tolerance: { relative: 1e-4, absolute: 1e-5 },
  });
}

function rounded(value: Scalar, dtype: string): Scalar {
  return dtype === 'float32' ? Math.fround(Number(value)) : value;
}

const sum = (a: Scalar, b: Scalar): Scalar =>
  typeof a === 'bigint' && typeof b === 'bigint' ? a + b : Number(a) + Number(b);
const product = (a: Scalar, b: Scalar): Scalar =>
  typeof a === 'bigint' && typeof b === 'bigint' ? a * b : Number(a) * Number(b);

export const scanOperators: readonly Operator[] = [
  scan('cumsum', 'Running sum along a dimension.', sum, 0),
  scan('cumprod', 'Running product along a dimension.', product, 1),
];
