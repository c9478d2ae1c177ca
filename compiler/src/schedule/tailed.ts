/**
 * Filters of integers whose function does something else with the results than a template's own epilogue says: results
 * in int32 or int16, activations, dequantisation, operators in another order. As many steps as the template knows are
 * taken by it, the rest comes from the operators' own meaning.
 */
import { operatorName } from '../ir/build.ts';
import type { Call, Expr, Func } from '../ir/expr.ts';
import { parentsOf, postOrder } from '../ir/visit.ts';
import { ix } from '../loops/build.ts';
import type { LExpr } from '../loops/ir.ts';
import { elementCount } from '../tensor/ndarray.ts';
import { anchored } from './anchored.ts';
import { filterOf, shapeOf } from './filter.ts';
import { operandsOfFilter, parseBehind, problemOf } from './parse.ts';
import type { ConvProblem, Epilogue } from './problem.ts';
import type { Tail } from './templates/parts.ts';

export interface TailedFilter {
  readonly problem: ConvProblem;
  /** Whether the problem's epilogue is applied before the tail; else it is given the sums. */
  readonly scaled: boolean;
  /** The tail and buffers of one kernel. */
  bind(): Tail;
}

/** Stands where sums are not scaled. */
const noEpilogue: Epilogue = { multiplier: [2 ** 30], shift: [1], zeroPoint: 0, dtype: 'int8', min: -128, max: 127 };

/** The function as a filter of integers and what is done behind it; undefined when it is another. */
export function parseTailed(func: Func): TailedFilter | undefined {
  const base = postOrder(func.body).find((e): e is Call => e.kind === 'call' && filterOf(e) !== undefined);
  const read = base && operandsOfFilter(base, func);
  if (!read) return undefined;
  const { filter, operands } = read;
  const taken = knownSteps(func, base, filter.outC);
  const around = anchored(
    func,
    (call) => call === taken.last,
    () => operands.data,
  );
  const problem = problemOf(filter, operands, { bias: taken.bias, epilogue: taken.epilogue ?? noEpilogue });
  if (!around || !problem || around.shape.length < 2 || around.data !== operands.data) return undefined;
  // Pixels are counted through the whole result: what else is read must lie as it does, or belong to channels.
  const others = postOrder(func.body).filter((e) => e.kind === 'constant' || (e.kind === 'var' && e !== around.data));
  const own = new Set<Expr>(taken.constants);
  if (others.some((e) => !own.has(e) && !liesAlong(shapeOf(e) ?? [], around.shape))) return undefined;
  return {
    problem,
    scaled: taken.epilogue !== undefined,
    bind() {
      const { data, output, buffers, finish, overlaps } = around.bind();
      // The axis along which neighbours are pixels: those behind it have one place.
      const spatial = around.shape.slice(0, -1);
      const axis = Math.max(
        0,
        spatial.findLastIndex((n) => n > 1),
      );
      const at = (pixel: LExpr): readonly LExpr[] => spatial.map((_, d) => (d === axis ? pixel : ix(0)));
      return {
        data,
        output,
        buffers,
        overlaps,
        finish: (pixel: LExpr, channel, value) => finish([...at(pixel), channel], value),
      };
    },
  };
}

/** Steps behind the filter that the template knows, and the constants that they and the filter read. */
function knownSteps(
  func: Func,
  base: Call,
  channels: number,
): {
  readonly last: Call;
  readonly bias: readonly number[];
  readonly epilogue: Epilogue | undefined;
  readonly constants: readonly Expr[];
} {
  const parents = parentsOf(func.body);
  const steps: Call[] = [];
  let known = {
    bias: new Array<number>(channels).fill(0) as readonly number[],
    epilogue: undefined as Epilogue | undefined,
  };
  for (let at: Expr = base; ;) {
    const [next, another]: readonly (Expr | undefined)[] = parents.get(at) ?? [];
    if (next?.kind !== 'call' || another !== undefined || next.args[0] !== at) break;
    if (operatorName(next) === 'reshape' || operatorName(next) === 'qnn.add') break;
    const parsed = parseBehind([...steps, next], func, channels);
    if (!parsed) break;
    steps.push(next);
    known = parsed;
    at = next;
  }
  const calls = [base, ...steps];
  return { ...known, last: steps.at(-1) ?? base, constants: calls.flatMap((c) => c.args) };
}

/** Whether a tensor has one element, one a channel, or one for each of the result's. */
function liesAlong(shape: readonly number[], result: readonly number[]): boolean {
  const count = elementCount(shape);
  if (count === 1) return true;
  if (shape.at(-1) !== result.at(-1)) return false;
  return count === result.at(-1) || count === elementCount(result);
}
