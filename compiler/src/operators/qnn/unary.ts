/** Quantised functions of one tensor: dequantise, apply, quantise; and `qnn.leaky_relu`. */
import type { DType } from '../../tensor/dtype.ts';
import type { TEExpr } from '../../tensor/te.ts';
import {
  add,
  binary,
  cast,
  compare,
  compute,
  constant,
  int,
  load,
  maximum,
  minimum,
  mul,
  qmulshift,
  select,
  unary,
} from '../../tensor/te.ts';
import { attr } from '../attributes.ts';
import { outputOf, tensorAt } from '../compute/tensors.ts';
import type { RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { explainIdentity } from '../relations/identity.ts';
import { checkDType, ok, tensorInput, wait } from '../nn/relate.ts';
import { dequantizeElement, quantizeElement } from './convert.ts';
import { fixedPointMultiplier } from './fixed-point.ts';
import { constantScalar, parameterAt, saturate, scalarParameter, withoutZeroPoint } from './parameters.ts';
import { elementRescaler } from './requantize.ts';

const elementTypes: readonly DType[] = ['int8', 'uint8'];

function relate(context: Pick<RelateContext<unknown>, 'inputs'>): RelateResult {
  const data = tensorInput(context, 0, 'data');
  if (data.kind !== 'tensor') return data;
  const wrong = checkDType(data, elementTypes, 0, 'data');
  if (wrong) return wrong;
  if (context.inputs.slice(1).some((t) => t.kind === 'incomplete')) return wait;
  return (
    scalarParameter(context, 1, 'scale', 'float32') ??
    scalarParameter(context, 2, 'zero_point', 'int32') ??
    scalarParameter(context, 3, 'output_scale', 'float32') ??
    scalarParameter(context, 4, 'output_zero_point', 'int32') ??
    ok(data)
  );
}

const inputsOf = (prefix: string) => [
  { name: 'data', summary: 'The quantised tensor, int8 or uint8.' },
  { name: `${prefix}scale`, summary: 'Scale of the data, a scalar.' },
  { name: `${prefix}zero_point`, summary: 'Zero point of the data, a scalar.' },
  { name: 'output_scale', summary: 'Scale of the result, a scalar.' },
  { name: 'output_zero_point', summary: 'Zero point of the result, a scalar.' },
];

const real = (value: number): TEExpr => constant(value, 'float32');

const functions: Readonly<Record<string, readonly [summary: string, apply: (x: TEExpr) => TEExpr]>> = {
  abs: ['absolute value', (x) => unary('abs', x)],
  erf: ['error function', (x) => unary('erf', x)],
  exp: ['exponential', (x) => unary('exp', x)],
  hardswish: [
    '`x · min(max(x + 3, 0), 6) / 6`',
    (x) => binary('div', mul(x, maximum(minimum(add(x, real(3)), real(6)), real(0))), real(6)),
  ],
  log: ['natural logarithm', (x) => unary('log', x)],
  rsqrt: ['reciprocal of the square root', (x) => binary('div', real(1), unary('sqrt', x))],
  sigmoid: ['logistic function', (x) => unary('sigmoid', x)],
  sqrt: ['square root', (x) => unary('sqrt', x)],
  tanh: ['hyperbolic tangent', (x) => unary('tanh', x)],
};

export const unaryOperators = Object.entries(functions).map(([name, [summary, apply]]) =>
  defineOperator({
    name: `qnn.${name}`,
    summary: `Quantised ${summary}, element by element.`,
    details: 'The data is converted to real values, the function applied, and the result quantised.',
    inputs: inputsOf(''),
    attributes: {},
    relate,
    explain: explainIdentity,
    compute(context) {
      const data = tensorAt(context, 0);
      const output = outputOf(context);
      return [
        compute(name, output.shape, (...i) => {
          const centred = withoutZeroPoint(context, 2, load(data, ...i), int(0), 'int32');
          const value = apply(dequantizeElement(centred, parameterAt(context, 1, int(0))));
          const zero = parameterAt(context, 4, int(0));
          return quantizeElement(value, parameterAt(context, 3, int(0)), zero, output.dtype);
        }),
      ];
    },
    fusion: name === 'tanh' ? 'elementwise' : 'opaque',
  }),
);

export const leakyRelu = defineOperator({
  name: 'qnn.leaky_relu',
  summary: 'Quantised leaky rectifier: negative values are multiplied by `alpha`.',
  inputs: inputsOf('input_'),
  attributes: { alpha: attr.float('Slope for negative values.', { default: 0.25, min: 0 }) },
  attrsType: 'relay.attrs.LeakyReluAttrs',
  relate,
  explain: explainIdentity,
  compute(context) {
    const data = tensorAt(context, 0);
    const output = outputOf(context);
    const rescale = elementRescaler(context, { scale: 1, zeroPoint: 2, outScale: 3, outZeroPoint: 4 });
    const equal = (a: number, b: number): boolean => {
      const value = constantScalar(context, a);
      return value !== undefined && value === constantScalar(context, b);
    };
    const unchanged = equal(1, 3) && equal(2, 4);
    const scaled = (e: TEExpr, factor: number): TEExpr => {
      const { multiplier, shift } = fixedPointMultiplier(factor);
      return qmulshift(e, int(multiplier), int(shift));
    };
    return [
      compute('leaky_relu', output.shape, (...i) => {
        const element = cast('int32', load(data, ...i));
        const positive = unchanged ? element : rescale(element, int(0));
        const offset = scaled(parameterAt(context, 4, int(0)), 1 - context.attrs.alpha);
        const negative = add(scaled(positive, context.attrs.alpha), offset);
        const below = compare('lt', element, parameterAt(context, 2, int(0)));
        return saturate(select(below, negative, positive), 'int32', output.dtype);
      }),
    ];
  },
  fusion: 'opaque',
});
