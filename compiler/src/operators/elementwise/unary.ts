/** Functions of one element. */
import { isFloat } from '../../tensor/dtype.ts';
import type { TEExpr, UnaryFn } from '../../tensor/te.ts';
import { compare, constant, dtypeOf, select, unary } from '../../tensor/te.ts';
import { adviseBits } from '../advice/values.ts';
import { number } from '../compute/tensors.ts';
import type { Operator } from '../operator.ts';
import type { UnaryRow } from './define.ts';
import { unaryOperator } from './define.ts';

const fn =
  (name: UnaryFn) =>
  (x: TEExpr): TEExpr =>
    unary(name, x);
const bitwiseNot = (x: TEExpr): TEExpr => {
  if (isFloat(dtypeOf(x))) throw new Error('floats have no bits to invert');
  return unary('not', x);
};
/** Floats are true when they are not zero. */
const logicalNot = (x: TEExpr): TEExpr =>
  isFloat(dtypeOf(x))
    ? select(compare('eq', x, number(0, dtypeOf(x))), number(1, dtypeOf(x)), number(0, dtypeOf(x)))
    : unary('not', x);
/** A rounding function; integers are already round. */
const rounding =
  (name: UnaryFn) =>
  (x: TEExpr): TEExpr =>
    isFloat(dtypeOf(x)) ? unary(name, x) : x;
/** A classification of floats; for integers a constant. */
const classify =
  (name: UnaryFn, ofInteger: 0 | 1) =>
  (x: TEExpr): TEExpr =>
    isFloat(dtypeOf(x)) ? unary(name, x) : constant(ofInteger, 'bool');

const coarse = { relative: 1e-3, absolute: 1e-4 };
const approximate = { relative: 1e-5, absolute: 1e-6 };

/** 1, −1 or 0 by the sign; NaN has none and gives 0. */
function sign(x: TEExpr): TEExpr {
  const dtype = dtypeOf(x);
  const zero = number(0, dtype);
  const negative = select(compare('lt', x, zero), number(-1, dtype), zero);
  return select(compare('gt', x, zero), number(1, dtype), negative);
}

const rows: readonly UnaryRow[] = [
  { name: 'abs', summary: 'Absolute value: `|x|`.', compute: fn('abs') },
  { name: 'negative', summary: 'Negation: `-x`.', compute: fn('neg') },
  { name: 'sign', summary: 'Sign: 1 above zero, -1 below, 0 at zero.', compute: sign },
  { name: 'exp', summary: 'Exponential function: `e^x`.', compute: fn('exp'), tolerance: approximate },
  { name: 'log', summary: 'Natural logarithm.', compute: fn('log'), tolerance: approximate },
  { name: 'log2', summary: 'Logarithm to base 2.', compute: fn('log2'), tolerance: approximate },
  { name: 'log10', summary: 'Logarithm to base 10.', compute: fn('log10'), tolerance: approximate },
  { name: 'sqrt', summary: 'Square root.', compute: fn('sqrt'), tolerance: approximate },
  { name: 'rsqrt', summary: 'Reciprocal square root: `1/√x`.', compute: fn('rsqrt'), tolerance: approximate },
  { name: 'sigmoid', summary: 'Logistic function: `1 / (1 + e^-x)`.', compute: fn('sigmoid'), tolerance: approximate },
  { name: 'tanh', summary: 'Hyperbolic tangent.', compute: fn('tanh'), tolerance: approximate },
  { name: 'erf', summary: 'Gauss error function.', compute: fn('erf'), tolerance: approximate },
  { name: 'sin', summary: 'Sine of an angle in radians.', compute: fn('sin'), tolerance: approximate },
  { name: 'cos', summary: 'Cosine of an angle in radians.', compute: fn('cos'), tolerance: approximate },
  { name: 'tan', summary: 'Tangent of an angle in radians.', compute: fn('tan'), tolerance: approximate },
  { name: 'asin', summary: 'Arc sine, in radians.', compute: fn('asin'), tolerance: approximate },
  { name: 'acos', summary: 'Arc cosine, in radians.', compute: fn('acos'), tolerance: approximate },
  { name: 'atan', summary: 'Arc tangent, in radians.', compute: fn('atan'), tolerance: approximate },
  { name: 'sinh', summary: 'Hyperbolic sine.', compute: fn('sinh'), tolerance: approximate },
  { name: 'cosh', summary: 'Hyperbolic cosine.', compute: fn('cosh'), tolerance: approximate },
  { name: 'asinh', summary: 'Inverse hyperbolic sine.', compute: fn('asinh'), tolerance: approximate },
  { name: 'acosh', summary: 'Inverse hyperbolic cosine.', compute: fn('acosh'), tolerance: approximate },
  { name: 'atanh', summary: 'Inverse hyperbolic tangent.', compute: fn('atanh'), tolerance: approximate },
  { name: 'floor', summary: 'Greatest integer not above `x`.', compute: rounding('floor') },
  { name: 'ceil', summary: 'Least integer not below `x`.', compute: rounding('ceil') },
  { name: 'trunc', summary: 'The integer part: rounds toward zero.', compute: rounding('trunc') },
  { name: 'round', summary: 'Nearest integer; halves go away from zero.', compute: rounding('round') },
  { name: 'isnan', summary: 'True where `x` is not a number.', dtype: 'bool', compute: classify('isnan', 0) },
  { name: 'isinf', summary: 'True where `x` is infinite.', dtype: 'bool', compute: classify('isinf', 0) },
  {
    name: 'isfinite',
    summary: 'True where `x` is neither infinite nor NaN.',
    dtype: 'bool',
    compute: classify('isfinite', 1),
  },
  { name: 'copy', summary: 'The same values in storage of their own.', compute: (x) => x },
  {
    name: 'bitwise_not',
    advise: adviseBits,
    example: 'int32',
    summary: 'Every bit inverted: `~x`.',
    compute: bitwiseNot,
  },
  { name: 'logical_not', example: 'bool', summary: 'True where `x` is false.', compute: logicalNot },
  {
    name: 'zeros_like',
    summary: 'Zeros in the shape and element type of the operand.',
    compute: (x) => number(0, dtypeOf(x)),
  },
  {
    name: 'ones_like',
    summary: 'Ones in the shape and element type of the operand.',
    compute: (x) => number(1, dtypeOf(x)),
  },
];

/** Approximations: their exact counterparts within a wider tolerance. */
const fastRows: readonly UnaryRow[] = [
  {
    name: 'fast_exp',
    summary: 'Exponential function, approximated where that is faster.',
    compute: fn('exp'),
    tolerance: coarse,
  },
  {
    name: 'fast_tanh',
    summary: 'Hyperbolic tangent, approximated where that is faster.',
    compute: fn('tanh'),
    tolerance: coarse,
  },
  {
    name: 'fast_erf',
    summary: 'Gauss error function, approximated where that is faster.',
    compute: fn('erf'),
    tolerance: coarse,
  },
];

export const unaryOperators: readonly Operator[] = [...rows, ...fastRows].map(unaryOperator);
