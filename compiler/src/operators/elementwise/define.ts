/** Records of regular elementwise operators from a table's row. */
import { tensorType } from '../../types/type.ts';
import type { DType } from '../../tensor/dtype.ts';
import type { TEExpr } from '../../tensor/te.ts';
import { mapElements, outputOf, tensorAt, zipElements } from '../compute/tensors.ts';
import type { AttributeSchema } from '../attributes.ts';
import type {
  Advice,
  Algebra,
  GradientRule,
  Operator,
  OperatorExample,
  RelateContext,
  Tolerance,
} from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { broadcastRelation, explainBroadcast } from '../relations/broadcast.ts';
import { elementwiseGradients } from './gradients.ts';
import { explainIdentity, identityRelation } from '../relations/identity.ts';
import { unaryRelation } from '../relations/inputs.ts';

interface Row {
  readonly name: string;
  readonly summary: string;
  readonly details?: string;
  /** The result's element type where it is not the operand's. */
  readonly dtype?: DType;
  readonly tolerance?: Tolerance;
  /** The element type of the shown example; `float32` unless given. */
  readonly example?: DType;
  readonly advise?: (context: Pick<RelateContext<unknown>, 'inputs' | 'constant'>) => readonly Advice[];
}
export interface UnaryRow extends Row {
  readonly compute: (x: TEExpr) => TEExpr;
}
export interface BinaryRow extends Row {
  readonly algebra?: Algebra;
  readonly compute: (a: TEExpr, b: TEExpr) => TEExpr;
}

const noAttributes: AttributeSchema = {};

function gradientOf(row: Row): { readonly gradient?: GradientRule<Record<never, never>> } {
  const gradient = elementwiseGradients[row.name];
  return gradient ? { gradient } : {};
}

function example(row: Row, source: string): readonly OperatorExample[] {
  return [{ title: row.summary.replace(/[.:;].*$/s, ''), source }];
}

/** The operator that a row of a table describes. */
export function unaryOperator(row: UnaryRow): Operator {
  const { compute, dtype, example: element = 'float32', advise, ...rest } = row;
  return defineOperator({
    ...rest,
    inputs: [{ name: 'data', summary: 'the operand' }],
    attributes: noAttributes,
    relate: dtype === undefined ? identityRelation : unaryRelation((data) => tensorType(data.shape, dtype)),
    ...(advise ? { advise } : {}),
    explain: explainIdentity,
    compute: (context) => [mapElements(row.name, tensorAt(context, 0), compute)],
    ...gradientOf(row),
    fusion: 'elementwise',
    examples: example(row, `fn (%x: Tensor[(2, 3), ${element}]) { ${row.name}(%x) }`),
  });
}

/** The operator with broadcasting that a row of a table describes. */
export function binaryOperator(row: BinaryRow): Operator {
  const { compute, dtype, example: element = 'float32', advise, ...rest } = row;
  return defineOperator({
    ...rest,
    inputs: [
      { name: 'lhs', summary: 'the left operand' },
      { name: 'rhs', summary: 'the right operand, of the same element type' },
    ],
    attributes: noAttributes,
    relate: broadcastRelation(dtype),
    ...(advise ? { advise } : {}),
    explain: explainBroadcast,
    compute: (context) => [
      zipElements(row.name, outputOf(context).shape, tensorAt(context, 0), tensorAt(context, 1), compute),
    ],
    ...gradientOf(row),
    fusion: 'broadcast',
    examples: example(row, `fn (%x: Tensor[(2, 3), ${element}], %y: Tensor[(3), ${element}]) { ${row.name}(%x, %y) }`),
  });
}
