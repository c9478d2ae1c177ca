/** `qnn.simulated_quantize` and `qnn.simulated_dequantize`: quantisation on floats, its type given by a number. */
import type { TEExpr, TETensor } from '../../tensor/te.ts';
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
  select,
  sub,
  unary,
} from '../../tensor/te.ts';
import { scalarLoad, outputOf, tensorAt } from '../compute/tensors.ts';
import { attr } from '../attributes.ts';
import type { ComputeContext, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { explainIdentity } from '../relations/identity.ts';
import { ok, tensorInput } from '../nn/relate.ts';
import { channelAxis, parameterAt } from './parameters.ts';

const axis = attr.int('The axis along which scale and zero point vary.', { default: -1 });
type Attributes = { readonly axis: number };

function relateAs(name: string) {
  return (context: Pick<RelateContext<unknown>, 'inputs'>): RelateResult => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const code = tensorInput(context, 1, name);
    return code.kind === 'tensor' ? ok(data) : code;
  };
}

/** Numbers of the types: 0 leaves the data, then int8, uint8, int32. */
const ranges: readonly (readonly [code: number, min: number, max: number])[] = [
  [1, -128, 127],
  [2, 0, 255],
  [3, -2147483648, 2147483647],
];

function simulate(
  context: ComputeContext<Attributes>,
  f: (x: TEExpr, scale: TEExpr, zero: TEExpr, code: TEExpr) => TEExpr,
): TETensor[] {
  const data = tensorAt(context, 0);
  const at = channelAxis(context.attrs.axis, data.shape.length);
  const code = cast('int32', scalarLoad(tensorAt(context, 1)));
  return [
    compute('simulated', outputOf(context).shape, (...i) => {
      const channel = i[at] ?? int(0);
      const parameter = (index: number): TEExpr => cast(data.dtype, parameterAt(context, index, channel));
      return f(load(data, ...i), parameter(2), parameter(3), code);
    }),
  ];
}

const parameters = (prefix: string) => [
  { name: `${prefix}_scale`, summary: 'Scale: a scalar, or one value for each element of `axis`.' },
  { name: `${prefix}_zero_point`, summary: 'Zero point: a scalar, or one value for each element of `axis`.' },
];
const code = 'Number of the integer type: 0 none, 1 int8, 2 uint8, 3 int32.';

export const simulatedQuantize = defineOperator({
  name: 'qnn.simulated_quantize',
  summary: 'Rounds and limits floats as `qnn.quantize` would, and keeps them floats.',
  inputs: [{ name: 'data', summary: 'The tensor.' }, { name: 'out_dtype', summary: code }, ...parameters('output')],
  attributes: { axis },
  attrsType: 'relay.attrs.SimulatedQuantizeAttrs',
  relate: relateAs('out_dtype'),
  explain: explainIdentity,
  compute: (context) =>
    simulate(context, (x, scale, zero, type) => {
      const { dtype } = outputOf(context);
      const value = add(unary('round', binary('div', x, scale)), zero);
      return ranges.reduce<TEExpr>((otherwise, [number, min, max]) => {
        const limited = maximum(minimum(value, constant(max, dtype)), constant(min, dtype));
        return select(compare('eq', type, int(number)), limited, otherwise);
      }, x);
    }),
  fusion: 'elementwise',
});

export const simulatedDequantize = defineOperator({
  name: 'qnn.simulated_dequantize',
  summary: 'Converts floats that stand for integers to real values, as `qnn.dequantize` would.',
  inputs: [{ name: 'data', summary: 'The tensor.' }, { name: 'in_dtype', summary: code }, ...parameters('input')],
  attributes: { axis },
  attrsType: 'relay.attrs.DequantizeAttrs',
  relate: relateAs('in_dtype'),
  explain: explainIdentity,
  compute: (context) =>
    simulate(context, (x, scale, zero, type) => select(compare('eq', type, int(0)), x, mul(sub(x, zero), scale))),
  fusion: 'elementwise',
});
