/** Gradients of elementwise operators, as programs of other operators. */
import type { DType } from '../../tensor/dtype.ts';
import type { GradientBuilder, GradientRule } from '../operator.ts';

type Rule = GradientRule<Record<never, never>>;

/** A builder's vocabulary around one call. */
interface Terms<E> {
  readonly x: E;
  readonly y: E;
  readonly output: E;
  readonly adjoint: E;
  call(operator: string, ...args: readonly E[]): E;
  number(value: number): E;
}

function terms<E>(
  b: GradientBuilder<E>,
  call: { readonly args: readonly E[]; readonly output: E; readonly adjoint: E },
): Terms<E> | undefined {
  const [x, y = x] = call.args;
  if (x === undefined || y === undefined) return undefined;
  const type = b.typeOf(x);
  const dtype: DType = type.kind === 'tensor' ? type.dtype : 'float32';
  return {
    x,
    y,
    output: call.output,
    adjoint: call.adjoint,
    call: (operator, ...args) => b.call(operator, args),
    number: (value) => b.scalar(value, dtype),
  };
}

/** The adjoint of the one input. */
function unary(rule: <E>(t: Terms<E>) => E): Rule {
  return (b, call) => {
    const t = terms(b, call);
    return t ? [rule(t)] : [];
  };
}

/** The adjoints of both inputs, summed back to the shapes before broadcasting. */
function binary(rule: <E>(t: Terms<E>) => readonly [E, E]): Rule {
  return (b, call) => {
    const t = terms(b, call);
    if (!t) return [];
    const [left, right] = rule(t);
    return [t.call('collapse_sum_like', left, t.x), t.call('collapse_sum_like', right, t.y)];
  };
}

const zero = unary((t) => t.call('zeros_like', t.x));
/** adjoint · factor. */
const times = (factor: <E>(t: Terms<E>) => E): Rule => unary((t) => t.call('multiply', t.adjoint, factor(t)));
/** adjoint / divisor. */
const over = (divisor: <E>(t: Terms<E>) => E): Rule => unary((t) => t.call('divide', t.adjoint, divisor(t)));
const square = <E>(t: Terms<E>, e: E): E => t.call('multiply', e, e);
const steps = binary((t) => [t.call('zeros_like', t.output), t.call('zeros_like', t.output)]);
/** x − y · quotient: the quotient steps, so it counts as constant. */
const remainder = (quotient: string): Rule =>
  binary((t) => [t.adjoint, t.call('negative', t.call('multiply', t.adjoint, t.call(quotient, t.x, t.y)))]);
const notDifferentiable: Rule = { none: 'its result is true or false' };

/** Rules by operator name. Step functions have the gradient zero. */
export const elementwiseGradients: Readonly<Record<string, Rule>> = {
  abs: times((t) => t.call('sign', t.x)),
  negative: unary((t) => t.call('negative', t.adjoint)),
  exp: times((t) => t.output),
  log: over((t) => t.x),
  log2: over((t) => t.call('multiply', t.x, t.number(Math.LN2))),
  log10: over((t) => t.call('multiply', t.x, t.number(Math.LN10))),
  sqrt: over((t) => t.call('multiply', t.output, t.number(2))),
  rsqrt: times((t) => t.call('multiply', t.number(-0.5), t.call('multiply', t.output, square(t, t.output)))),
  sigmoid: times((t) => t.call('multiply', t.output, t.call('subtract', t.number(1), t.output))),
  tanh: times((t) => t.call('subtract', t.number(1), square(t, t.output))),
  erf: times((t) =>
    t.call('multiply', t.number(2 / Math.sqrt(Math.PI)), t.call('exp', t.call('negative', square(t, t.x)))),
  ),
  sin: times((t) => t.call('cos', t.x)),
  cos: times((t) => t.call('negative', t.call('sin', t.x))),
  tan: times((t) => t.call('add', t.number(1), square(t, t.output))),
  asin: over((t) => t.call('sqrt', t.call('subtract', t.number(1), square(t, t.x)))),
  acos: unary((t) =>
    t.call('negative', t.call('divide', t.adjoint, t.call('sqrt', t.call('subtract', t.number(1), square(t, t.x))))),
  ),
  atan: over((t) => t.call('add', t.number(1), square(t, t.x))),
  sinh: times((t) => t.call('cosh', t.x)),
  cosh: times((t) => t.call('sinh', t.x)),
  asinh: over((t) => t.call('sqrt', t.call('add', square(t, t.x), t.number(1)))),
  acosh: over((t) => t.call('sqrt', t.call('subtract', square(t, t.x), t.number(1)))),
  atanh: over((t) => t.call('subtract', t.number(1), square(t, t.x))),
  fast_exp: times((t) => t.output),
  fast_tanh: times((t) => t.call('subtract', t.number(1), square(t, t.output))),
  fast_erf: times((t) =>
    t.call('multiply', t.number(2 / Math.sqrt(Math.PI)), t.call('exp', t.call('negative', square(t, t.x)))),
  ),
  copy: unary((t) => t.adjoint),
  sign: zero,
  floor: zero,
  ceil: zero,
  trunc: zero,
  round: zero,
  zeros_like: zero,
  ones_like: zero,
  isnan: notDifferentiable,
  isinf: notDifferentiable,
  isfinite: notDifferentiable,
  equal: notDifferentiable,
  not_equal: notDifferentiable,
  less: notDifferentiable,
  less_equal: notDifferentiable,
  greater: notDifferentiable,
  greater_equal: notDifferentiable,
  add: binary((t) => [t.adjoint, t.adjoint]),
  subtract: binary((t) => [t.adjoint, t.call('negative', t.adjoint)]),
  multiply: binary((t) => [t.call('multiply', t.adjoint, t.y), t.call('multiply', t.adjoint, t.x)]),
  divide: binary((t) => [
    t.call('divide', t.adjoint, t.y),
    t.call('negative', t.call('divide', t.call('multiply', t.adjoint, t.output), t.y)),
  ]),
  power: binary((t) => [
    t.call('multiply', t.adjoint, t.call('multiply', t.y, t.call('power', t.x, t.call('subtract', t.y, t.number(1))))),
    t.call('multiply', t.adjoint, t.call('multiply', t.output, t.call('log', t.x))),
  ]),
  floor_divide: steps,
  trunc_divide: steps,
  floor_mod: remainder('floor_divide'),
  trunc_mod: remainder('trunc_divide'),
  mod: remainder('trunc_divide'),
  maximum: binary((t) => [
    t.call('where', t.call('greater_equal', t.x, t.y), t.adjoint, t.call('zeros_like', t.adjoint)),
    t.call('where', t.call('greater_equal', t.x, t.y), t.call('zeros_like', t.adjoint), t.adjoint),
  ]),
  minimum: binary((t) => [
    t.call('where', t.call('less_equal', t.x, t.y), t.adjoint, t.call('zeros_like', t.adjoint)),
    t.call('where', t.call('less_equal', t.x, t.y), t.call('zeros_like', t.adjoint), t.adjoint),
  ]),
};
