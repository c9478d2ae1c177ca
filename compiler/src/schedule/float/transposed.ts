/** Transposed convolution in float32, as interleaved convolutions. */
import { operatorName } from '../../ir/build.ts';
import type { Call, Func } from '../../ir/expr.ts';
import { anchored } from '../anchored.ts';
import { dtypeOf } from '../filter.ts';
import { partsOf } from '../transposed.ts';
import type { FilterProblem } from './conv.ts';

/** The parts of a transposed convolution in float32 with constant weights; undefined when the function is another. */
export function parseTransposed(func: Func): readonly FilterProblem[] | undefined {
  const around = anchored(func, (call: Call) => operatorName(call) === 'nn.conv2d_transpose');
  if (!around) return undefined;
  const { anchor, data } = around;
  const weights = anchor.args[1];
  const float = [anchor, data, weights].every((e) => dtypeOf(e) === 'float32');
  if (!float || weights?.kind !== 'constant') return undefined;
  const found = partsOf(anchor);
  // A product by zero is not left out where the input may be infinite, nor made where there is none.
  if (!found || found.parts.some((p) => p.filter.at(0, 0, 0, 0) < 0)) return undefined;
  return found.parts.map(({ filter, row, column }) => ({
    filter,
    weights: weights.value.data as ArrayLike<number>,
    around,
    indices: (n, y, x, c) => (filter.channelsLast ? [n, row(y), column(x), c] : [n, c, row(y), column(x)]),
  }));
}
