/** Evaluates what is known at compile time. */
import { checkCancelled } from '../base/cancellation.ts';
import { constant, joinOrigins, tuple } from '../ir/build.ts';
import type { Call, Expr } from '../ir/expr.ts';
import { rewriteModule } from '../ir/visit.ts';
import { allocateElements, type NDArray } from '../tensor/ndarray.ts';
import { staticShape } from '../types/type.ts';
import type { Pass, PassContext } from './pass.ts';

/** A result may be this much larger than its operands in all, so that `zeros` of a huge shape stays a call. */
const growthLimit = 65536;

/**
 * `add(2, 3)` becomes `5`; operators on weights alone, projections of tuples, and branches on constants are resolved.
 * Operators without a meaning, and results much larger than their operands, stay.
 */
export const foldConstants: Pass = {
  name: 'fold-constants',
  summary: 'Evaluates calls whose arguments are constants, projections of tuples, and branches on constants.',
  example: {
    before: `def @main(%x: Tensor[(2), float32]) {
  %0 = add(1f, 2f);
  %1 = (%x, %0);
  add(%x, %1.1)
}`,
    after: `def @main(%x: Tensor[(2), float32]) -> Tensor[(2), float32] {
  add(%x, 3f)
}`,
  },
  run(module, context) {
    const count = { folded: 0, projections: 0, branches: 0 };
    const result = rewriteModule(module, (e) => {
      if (e.kind === 'get' && e.tuple.kind === 'tuple') {
        const field = e.tuple.fields[e.index];
        if (field === undefined) return e;
        count.projections++;
        return field;
      }
      if (e.kind === 'if' && e.condition.kind === 'constant') {
        count.branches++;
        return e.condition.value.data[0] ? e.then : e.otherwise;
      }
      if (e.kind !== 'call' || e.callee.kind !== 'op') return e;
      const folded = foldCall(e, e.callee.name, context);
      if (folded === undefined) return e;
      count.folded++;
      return folded;
    });
    return {
      module: result,
      statistics: {
        'constants folded': count.folded,
        'projections resolved': count.projections,
        'branches resolved': count.branches,
      },
    };
  },
};

/** The constant argument, or constants of a tuple argument. */
function constantOf(e: Expr): NDArray | readonly NDArray[] | undefined {
  if (e.kind === 'constant') return e.value;
  if (e.kind !== 'tuple') return undefined;
  const arrays: NDArray[] = [];
  for (const field of e.fields) {
    if (field.kind !== 'constant') return undefined;
    arrays.push(field.value);
  }
  return arrays;
}

/** An array of the shape of `e` without elements, for operators that look at the shape alone. */
function hollow(e: Expr): NDArray | undefined {
  const shape = e.type.kind === 'tensor' ? staticShape(e.type) : undefined;
  const dtype = e.type.kind === 'tensor' ? e.type.dtype : '';
  const data = allocateElements(dtype, 0);
  return shape && data ? { dtype, shape, data } : undefined;
}

/** The constant that a call of the operator `name` on constants gives; undefined when it stays a call. */
export function foldCall(e: Call, name: string, context: PassContext): Expr | undefined {
  const operator = context.operators.get(name);
  if (operator === undefined || (operator.compute === undefined && operator.kernel === undefined)) return undefined;
  const args: (NDArray | readonly NDArray[])[] = [];
  let elements = 0;
  for (const arg of e.args) {
    const value = operator.ofShapes ? hollow(arg) : constantOf(arg);
    if (value === undefined) return undefined;
    args.push(value);
    for (const array of [value].flat() as readonly NDArray[]) elements += array.data.length;
  }
  if (resultElements(e) > elements + growthLimit) return undefined;
  checkCancelled(context.token);
  const values = context.evaluate(operator, args, e.attrs, e.type);
  if (values === undefined) return undefined;
  const origin = joinOrigins(...e.args.map((a) => a.origin), e.origin);
  const constants = values.map((v) => constant(v, origin));
  if (e.type.kind === 'tuple') return tuple(constants, origin);
  return constants[0];
}

function resultElements(e: Call): number {
  const types = e.type.kind === 'tuple' ? e.type.fields : [e.type];
  let total = 0;
  for (const type of types) {
    if (type.kind !== 'tensor') return Infinity;
    total += type.shape.reduce<number>((n, d) => (typeof d === 'number' ? n * d : Infinity), 1);
  }
  return total;
}
