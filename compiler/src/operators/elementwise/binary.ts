/** Arithmetic, comparisons, logic and bits on two broadcast operands. */
import { isFloat } from '../../tensor/dtype.ts';
import type { BinaryOp, CompareOp, TEExpr } from '../../tensor/te.ts';
import { compare, dtypeOf, unary } from '../../tensor/te.ts';
import { op } from '../compute/tensors.ts';
import { adviseBits, adviseDivision, adviseShift } from '../advice/values.ts';
import type { Algebra, Operator } from '../operator.ts';
import type { BinaryRow } from './define.ts';
import { binaryOperator } from './define.ts';

type Combine = (a: TEExpr, b: TEExpr) => TEExpr;

const by =
  (name: BinaryOp): Combine =>
  (a, b) =>
    op(name, a, b);
const bits =
  (name: BinaryOp): Combine =>
  (a, b) => {
    if (isFloat(dtypeOf(a))) throw new Error('floats have no bits to work on');
    return op(name, a, b);
  };
const comparison =
  (name: CompareOp): Combine =>
  (a, b) =>
    compare(name, a, b);
const floatOr =
  (ofFloat: Combine, ofInteger: BinaryOp): Combine =>
  (a, b) =>
    isFloat(dtypeOf(a)) ? ofFloat(a, b) : op(ofInteger, a, b);

const floored: Combine = (a, b) => unary('floor', op('div', a, b));
const truncated: Combine = (a, b) => unary('trunc', op('div', a, b));

const commutative: Algebra = { commutative: true, associative: false };
const monoid: Algebra = { commutative: true, associative: true };
const lattice: Algebra = { commutative: true, associative: true, of: 'integers' };

const rows: readonly BinaryRow[] = [
  { name: 'add', algebra: monoid, summary: 'Sum, with broadcasting: `lhs + rhs`.', compute: by('add') },
  { name: 'subtract', summary: 'Difference, with broadcasting: `lhs - rhs`.', compute: by('sub') },
  { name: 'multiply', algebra: monoid, summary: 'Product, with broadcasting: `lhs * rhs`.', compute: by('mul') },
  {
    name: 'divide',
    advise: adviseDivision,
    summary: 'Quotient, with broadcasting: `lhs / rhs`; integers round toward zero.',
    compute: floatOr(by('div'), 'truncdiv'),
  },
  {
    name: 'floor_divide',
    advise: adviseDivision,
    summary: 'Quotient rounded down.',
    compute: floatOr(floored, 'floordiv'),
  },
  {
    name: 'trunc_divide',
    advise: adviseDivision,
    summary: 'Quotient rounded toward zero.',
    compute: floatOr(truncated, 'truncdiv'),
  },
  { name: 'mod', advise: adviseDivision, summary: 'Remainder with the sign of the dividend.', compute: by('truncmod') },
  {
    name: 'floor_mod',
    advise: adviseDivision,
    summary: 'Remainder with the sign of the divisor.',
    compute: floatOr((a, b) => op('sub', a, op('mul', floored(a, b), b)), 'floormod'),
  },
  {
    name: 'trunc_mod',
    advise: adviseDivision,
    summary: 'Remainder with the sign of the dividend.',
    compute: by('truncmod'),
  },
  { name: 'power', summary: '`lhs` to the power of `rhs`.', compute: by('pow') },
  { name: 'maximum', algebra: lattice, summary: 'The greater of the two elements.', compute: by('max') },
  { name: 'minimum', algebra: lattice, summary: 'The lesser of the two elements.', compute: by('min') },
  { name: 'logical_and', algebra: monoid, example: 'bool', summary: 'True where both are true.', compute: by('and') },
  { name: 'logical_or', algebra: monoid, example: 'bool', summary: 'True where either is true.', compute: by('or') },
  {
    name: 'logical_xor',
    algebra: monoid,
    example: 'bool',
    summary: 'True where exactly one is true.',
    compute: by('xor'),
  },
  {
    name: 'bitwise_and',
    advise: adviseBits,
    algebra: monoid,
    example: 'int32',
    summary: 'Bits set in both.',
    compute: bits('and'),
  },
  {
    name: 'bitwise_or',
    advise: adviseBits,
    algebra: monoid,
    example: 'int32',
    summary: 'Bits set in either.',
    compute: bits('or'),
  },
  {
    name: 'bitwise_xor',
    advise: adviseBits,
    algebra: monoid,
    example: 'int32',
    summary: 'Bits set in exactly one.',
    compute: bits('xor'),
  },
  {
    name: 'left_shift',
    advise: adviseShift,
    example: 'int32',
    summary: 'Bits of `lhs` moved up by `rhs` places.',
    compute: bits('shl'),
  },
  {
    name: 'right_shift',
    advise: adviseShift,
    example: 'int32',
    summary: 'Bits of `lhs` moved down by `rhs` places; the sign is kept for signed integers.',
    compute: bits('shr'),
  },
  {
    name: 'equal',
    algebra: commutative,
    summary: 'True where the elements are equal.',
    dtype: 'bool',
    compute: comparison('eq'),
  },
  {
    name: 'not_equal',
    algebra: commutative,
    summary: 'True where the elements differ.',
    dtype: 'bool',
    compute: comparison('ne'),
  },
  { name: 'less', summary: 'True where `lhs < rhs`.', dtype: 'bool', compute: comparison('lt') },
  { name: 'less_equal', summary: 'True where `lhs <= rhs`.', dtype: 'bool', compute: comparison('le') },
  { name: 'greater', summary: 'True where `lhs > rhs`.', dtype: 'bool', compute: comparison('gt') },
  { name: 'greater_equal', summary: 'True where `lhs >= rhs`.', dtype: 'bool', compute: comparison('ge') },
];

export const binaryOperators: readonly Operator[] = rows.map(binaryOperator);
