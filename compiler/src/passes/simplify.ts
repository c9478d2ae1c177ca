/** Algebra: operators that do nothing, or that one simpler operator can say. */
import { callOperator, joinOrigins, operatorName } from '../ir/build.ts';
import type { Call, Expr } from '../ir/expr.ts';
import { rewriteModule } from '../ir/visit.ts';
import { integerRange, isFloat, isInteger } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { equalTypes } from '../types/equal.ts';
import type { TensorType } from '../types/type.ts';
import type { Pass, PassContext } from './pass.ts';

/** A rule for calls of some operators: the simpler expression, or undefined where it does not apply. */
interface Rule {
  /** What it does, as a label for statistics. */
  readonly label: string;
  readonly operators: readonly string[];
  rewrite(e: Call, context: PassContext): Expr | undefined;
}

const views: readonly string[] = ['reshape', 'contrib_reverse_reshape', 'squeeze', 'expand_dims', 'nn.batch_flatten'];

const rules: readonly Rule[] = [
  {
    label: 'reshapes removed',
    operators: views,
    rewrite: (e) => (sameType(e, e.args[0]) ? e.args[0] : undefined),
  },
  {
    label: 'reshapes joined',
    operators: views,
    rewrite(e, context) {
      const inner = e.args[0];
      const type = tensorOf(e);
      if (inner?.kind !== 'call' || type === undefined || !views.includes(operatorName(inner) ?? '')) return undefined;
      const source = inner.args[0];
      if (source === undefined || e.args.length !== 1 || inner.args.length !== 1) return undefined;
      if (!type.shape.every((d) => typeof d === 'number' && d > 0)) return undefined;
      const attrs = { newshape: type.shape.map(Number) };
      return callOperator(context.operators, 'reshape', [source], attrs, joinOrigins(inner.origin, e.origin));
    },
  },
  {
    label: 'casts removed',
    operators: ['cast', 'cast_like'],
    rewrite: (e) => (sameType(e, e.args[0]) ? e.args[0] : undefined),
  },
  {
    label: 'clips removed',
    operators: ['clip'],
    rewrite(e) {
      const type = tensorOf(e);
      const range = type !== undefined && isInteger(type.dtype) ? integerRange(type.dtype) : undefined;
      const [low, high] = [e.attrs['a_min'], e.attrs['a_max']];
      if (range === undefined || typeof low !== 'number' || typeof high !== 'number') return undefined;
      return low <= Number(range.min) && high >= Number(range.max) ? e.args[0] : undefined;
    },
  },
  {
    label: 'clips joined',
    operators: ['clip'],
    rewrite(e, context) {
      const inner = e.args[0];
      if (inner?.kind !== 'call' || operatorName(inner) !== 'clip' || inner.args[0] === undefined) return undefined;
      const [low, high, low2, high2] = [e.attrs['a_min'], e.attrs['a_max'], inner.attrs['a_min'], inner.attrs['a_max']];
      if (typeof low !== 'number' || typeof high !== 'number' || typeof low2 !== 'number' || typeof high2 !== 'number')
        return undefined;
      // Disjoint ranges give a constant that no single clip gives.
      const bounds = { a_min: Math.max(low, low2), a_max: Math.min(high, high2) };
      if (bounds.a_min > bounds.a_max) return undefined;
      return callOperator(context.operators, 'clip', [inner.args[0]], bounds, joinOrigins(inner.origin, e.origin));
    },
  },
  {
    label: 'transposes removed',
    operators: ['transpose'],
    rewrite(e) {
      const axes = axesOf(e);
      const type = tensorOf(e.args[0]);
      if (axes === undefined || type === undefined) return undefined;
      return axes.every((a, i) => a === i) ? e.args[0] : undefined;
    },
  },
  {
    label: 'transposes joined',
    operators: ['transpose'],
    rewrite(e, context) {
      const inner = e.args[0];
      if (inner?.kind !== 'call' || operatorName(inner) !== 'transpose' || inner.args[0] === undefined)
        return undefined;
      const [outer, first] = [axesOf(e), axesOf(inner)];
      if (outer === undefined || first === undefined) return undefined;
      const axes = outer.map((a) => first[a] ?? 0);
      return callOperator(
        context.operators,
        'transpose',
        [inner.args[0]],
        { axes },
        joinOrigins(inner.origin, e.origin),
      );
    },
  },
  {
    label: 'transposes that keep the order of elements made reshapes',
    operators: ['transpose'],
    rewrite(e, context) {
      const [type, source] = [tensorOf(e), tensorOf(e.args[0])];
      const axes = axesOf(e)?.filter((a) => source?.shape[a] !== 1);
      if (type === undefined || axes === undefined || axes.some((a, i) => i > 0 && a < (axes[i - 1] ?? 0)))
        return undefined;
      if (!type.shape.every((d) => typeof d === 'number' && d > 0)) return undefined;
      return callOperator(
        context.operators,
        'reshape',
        [e.args[0] as Expr],
        { newshape: type.shape.map(Number) },
        e.origin,
      );
    },
  },
  {
    label: 'additions of zero removed',
    operators: ['add', 'subtract', 'nn.bias_add'],
    rewrite(e) {
      const [a, b] = e.args;
      if (isFilled(b, 0) && sameType(e, a)) return a;
      return operatorName(e) === 'add' && isFilled(a, 0) && sameType(e, b) ? b : undefined;
    },
  },
  {
    label: 'multiplications by one removed',
    operators: ['multiply', 'divide'],
    rewrite(e) {
      const [a, b] = e.args;
      if (isFilled(b, 1) && sameType(e, a)) return a;
      return operatorName(e) === 'multiply' && isFilled(a, 1) && sameType(e, b) ? b : undefined;
    },
  },
  {
    label: 'paddings removed',
    operators: ['nn.pad'],
    rewrite: (e) => (sameType(e, e.args[0]) ? e.args[0] : undefined),
  },
  {
    label: 'copies removed',
    operators: ['copy', 'stop_gradient', 'annotation.stop_fusion', 'annotation.cast_hint'],
    rewrite: (e) => (sameType(e, e.args[0]) ? e.args[0] : undefined),
  },
  {
    label: 'broadcasts removed',
    operators: ['broadcast_to', 'broadcast_to_like', 'tile', 'repeat', 'strided_slice', 'slice_like'],
    rewrite(e) {
      // Reversal keeps the shape and is no identity.
      const strides = e.attrs['strides'];
      if (Array.isArray(strides) && strides.some((s) => s !== 1)) return undefined;
      return sameType(e, e.args[0]) ? e.args[0] : undefined;
    },
  },
  {
    label: 'concatenations removed',
    operators: ['concatenate', 'stack'],
    rewrite(e) {
      const inputs = e.args[0];
      if (inputs?.kind !== 'tuple' || inputs.fields.length !== 1) return undefined;
      return sameType(e, inputs.fields[0]) ? inputs.fields[0] : undefined;
    },
  },
  {
    label: 'requantisations removed',
    operators: ['qnn.requantize'],
    rewrite(e) {
      const [data, scale, zero, outScale, outZero] = e.args.map((a) => (a.kind === 'constant' ? a.value : undefined));
      if (data !== undefined || !sameType(e, e.args[0])) return undefined;
      return sameElements(scale, outScale) && sameElements(zero, outZero) ? e.args[0] : undefined;
    },
  },
];

const byOperator = new Map<string, Rule[]>();
for (const rule of rules)
  for (const name of rule.operators) byOperator.set(name, [...(byOperator.get(name) ?? []), rule]);

/** `clip(%x, -128, 127)` on int8 is `%x`; so are dropout in inference, adding zero, reshaping to the same shape. */
export const simplify: Pass = {
  name: 'simplify',
  summary: 'Removes operators that change nothing and joins chains of reshapes, clips and transposes.',
  example: {
    before: `def @main(%x: Tensor[(2, 3), float32]) {
  %0 = reshape(%x, newshape=[6]);
  %1 = reshape(%0, newshape=[3, 2]);
  clip(multiply(%1, 1f), a_min=0f, a_max=6f)
}`,
    after: `def @main(%x: Tensor[(2, 3), float32]) -> Tensor[(3, 2), float32] {
  %0 = reshape(%x, newshape=[3, 2]);
  clip(%0, a_min=0f, a_max=6f)
}`,
  },
  run(module, context) {
    const counts: Record<string, number> = {};
    const counted = (label: string): void => void (counts[label] = (counts[label] ?? 0) + 1);
    const result = rewriteModule(module, (original) => {
      let e = original;
      for (let again = true; again;) {
        again = false;
        if (e.kind === 'get' && e.index === 0 && operatorName(e.tuple) === 'nn.dropout' && e.tuple.kind === 'call') {
          const data = e.tuple.args[0];
          if (data === undefined) return e;
          counted('dropouts removed');
          return data;
        }
        if (e.kind !== 'call' || e.callee.kind !== 'op') return e;
        for (const rule of byOperator.get(e.callee.name) ?? []) {
          const simpler = rule.rewrite(e, context);
          if (simpler === undefined) continue;
          counted(rule.label);
          e = simpler;
          again = true;
          break;
        }
      }
      return e;
    });
    return { module: result, statistics: counts };
  },
};

function tensorOf(e: Expr | undefined): TensorType | undefined {
  return e?.type.kind === 'tensor' ? e.type : undefined;
}

/** Same static tensor type. */
function sameType(a: Expr, b: Expr | undefined): boolean {
  const [x, y] = [tensorOf(a), tensorOf(b)];
  if (x === undefined || y === undefined || !x.shape.every((d) => typeof d === 'number')) return false;
  return equalTypes(x, y);
}

function isFilled(e: Expr | undefined, value: number): boolean {
  if (e?.kind !== 'constant') return false;
  // −0 is the neutral element of float addition; adding +0 turns −0 into +0, which compares equal.
  const elements: Iterable<number | bigint> = e.value.data;
  for (const x of elements) if (Number(x) !== value) return false;
  return isFloat(e.value.dtype) || isInteger(e.value.dtype);
}

function sameElements(a: NDArray | undefined, b: NDArray | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const first = b.data[0];
  if (b.data.length !== 1) return false;
  return Array.from<number | bigint>(a.data).every((x) => x === first);
}

function axesOf(e: Call): readonly number[] | undefined {
  const rank = tensorOf(e)?.shape.length;
  if (rank === undefined) return undefined;
  const axes = e.attrs['axes'];
  if (!Array.isArray(axes) || axes.length === 0) return Array.from({ length: rank }, (_, i) => rank - 1 - i);
  return axes.map((a) => (Number(a) < 0 ? Number(a) + rank : Number(a)));
}
