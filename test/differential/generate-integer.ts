/** Random mixes of elementwise, broadcasting, reducing and rearranging operators on all integer types. */
import type { GraphBuilder } from './graph.ts';
import type { Built } from './generate-quantised.ts';
import type { Random } from './random.ts';

const dtypes = ['int8', 'uint8', 'int16', 'uint16', 'int32', 'int32', 'uint32', 'int64', 'uint64', 'bool'];

export function buildInteger(b: GraphBuilder, r: Random): Built {
  const known: number[] = [];
  const rank = r.int(0, 4);
  const shape = Array.from({ length: rank }, () => r.pick([1, 1, 2, 3, 4, 5, 7]));
  for (let i = r.int(1, 3); i > 0; i--) {
    const s = r.chance(0.7) ? shape : shape.map((n) => (r.chance(0.5) ? 1 : n)).slice(r.int(0, rank));
    const dtype = r.pick(dtypes);
    known.push(
      r.chance(0.8)
        ? b.add({ kind: 'input', shape: s, dtype })
        : b.add({ kind: 'param', shape: s, dtype, seed: r.int(1, 1e9) }),
    );
  }
  const steps = r.int(1, 8);
  for (let i = 0; i < steps; i++)
    for (let tries = 0; tries < 12; tries++) {
      const made = step(b, r, r.chance(0.6) ? (known.at(-1) as number) : r.pick(known), known);
      const fine = made?.every((m) => b.shape(m).reduce((x, y) => x * y, 1) <= 2000 && !b.shape(m).includes(0));
      if (!made || made.length === 0 || fine !== true) continue;
      known.push(...made);
      break;
    }
  const calls = known.filter((k) => b.nodes[k]?.kind === 'call' || b.nodes[k]?.kind === 'get');
  const outputs = [calls.at(-1) ?? (known[0] as number)];
  for (let i = r.int(0, 2); i > 0 && calls.length > 0; i--) outputs.push(r.pick(calls));
  return { outputs: [...new Set(outputs)], approximate: false };
}

function likeParam(
  b: GraphBuilder,
  r: Random,
  shape: readonly number[],
  dtype: string,
  low: number,
  high: number,
): number {
  return b.add({ kind: 'param', shape, dtype, range: { low, high, nonzero: true }, seed: r.int(1, 1e9) });
}

function step(b: GraphBuilder, r: Random, from: number, known: readonly number[]): number[] | undefined {
  const shape = b.shape(from);
  const dtype = b.dtype(from);
  const rank = shape.length;
  const one = (at: number | undefined): number[] | undefined => (at === undefined ? undefined : [at]);
  const unsigned = dtype.startsWith('u');
  const bits = Number(/\d+/.exec(dtype)?.[0] ?? 1);
  switch (r.int(0, 13)) {
    case 0:
    case 1: {
      const others = known.filter((k) => b.dtype(k) === dtype);
      const other = r.pick(others);
      const op = dtype === 'bool'
        ? r.pick(['logical_and', 'logical_or', 'logical_xor', 'equal', 'not_equal', 'add', 'subtract', 'multiply', 'maximum', 'minimum', 'less'])
        : r.pick(['add', 'subtract', 'multiply', 'maximum', 'minimum', 'bitwise_and', 'bitwise_or', 'bitwise_xor', 'less', 'less_equal', 'greater', 'greater_equal', 'equal', 'not_equal']); // prettier-ignore
      return one(b.attempt(op, r.chance(0.5) ? [from, other] : [other, from]));
    }
    case 2: {
      if (dtype === 'bool') return one(b.call('logical_not', [from]));
      const divisor = likeParam(b, r, r.chance(0.5) ? shape : [], dtype, unsigned ? 1 : -9, 9);
      return one(
        b.attempt(r.pick(['floor_divide', 'floor_mod', 'divide', 'mod', 'trunc_divide', 'trunc_mod']), [from, divisor]),
      );
    }
    case 3: {
      if (dtype === 'bool') return undefined;
      return one(b.attempt(r.pick(['left_shift', 'right_shift']), [from, b.add({ kind: 'param', shape: r.chance(0.5) ? shape : [], dtype, range: { low: 0, high: bits - 1 }, seed: r.int(1, 1e9) })])); // prettier-ignore
    }
    case 4: {
      if (dtype === 'bool') return undefined;
      if (r.chance(0.3)) {
        const low = unsigned ? r.int(0, 20) : r.int(-100, 20);
        return one(b.attempt('clip', [from], { a_min: low, a_max: low + r.int(0, 90) }));
      }
      return one(b.attempt(r.pick(['abs', 'negative', 'sign', 'bitwise_not', 'nn.relu', 'copy']), [from]));
    }
    case 5: {
      const to = r.pick(dtypes);
      return one(b.attempt('cast', [from], { dtype: to }));
    }
    case 6: {
      const flags = known.filter((k) => b.dtype(k) === 'bool');
      const others = known.filter((k) => b.dtype(k) === dtype);
      if (flags.length === 0) return undefined;
      return one(b.attempt('where', [r.pick(flags), from, r.pick(others)]));
    }
    case 7: {
      if (rank === 0) return undefined;
      const axes = shape.map((_, i) => i).filter(() => r.chance(0.5));
      const attrs = {
        axis: axes.length > 0 ? axes : null,
        keepdims: r.chance(0.5),
        exclude: axes.length > 0 && r.chance(0.1),
      };
      if (dtype === 'bool') return one(b.attempt(r.pick(['all', 'any', 'all', 'sum', 'max', 'min']), [from], attrs));
      const op = r.pick(['sum', 'max', 'min', 'prod', 'mean', 'argmax', 'argmin']);
      if (op === 'argmax' || op === 'argmin') return one(b.attempt(op, [from], { axis: [r.int(0, rank - 1)], keepdims: r.chance(0.5), select_last_index: r.chance(0.5) })); // prettier-ignore
      return one(b.attempt(op, [from], attrs));
    }
    case 8: {
      if (rank < 2) return one(b.attempt('expand_dims', [from], { axis: r.int(0, rank), num_newaxis: r.int(1, 2) }));
      return one(b.call('transpose', [from], { axes: r.shuffled(shape.map((_, i) => i)) }));
    }
    case 9: {
      const total = shape.reduce((x, y) => x * y, 1);
      const factor = [2, 3, 5, 7].filter((f) => total % f === 0);
      const first = factor.length > 0 ? r.pick(factor) : 1;
      return one(
        b.attempt('reshape', [from], { newshape: r.pick([[-1], [first, -1], [first, 1, total / first], [-1, first]]) }),
      );
    }
    case 10: {
      if (rank === 0) return undefined;
      const begin = shape.map((n) => (r.chance(0.6) ? 0 : r.int(0, n - 1)));
      const end = shape.map((n, i) => r.int(begin[i]! + 1, n));
      return one(
        b.attempt('strided_slice', [from], {
          begin,
          end,
          strides: shape.map(() => r.pick([1, 1, 1, 2, 3])),
          axes: null,
        }),
      );
    }
    case 11: {
      if (rank === 0) return undefined;
      const axis = r.int(0, rank - 1);
      const partners = known.filter((k) => b.dtype(k) === dtype && b.shape(k).length === rank && b.shape(k).every((n, i) => i === axis || n === shape[i])); // prettier-ignore
      const equal = partners.filter((k) => b.shape(k)[axis] === shape[axis]);
      if (r.chance(0.6)) return one(b.attempt('concatenate', [[from, r.pick(partners), ...(r.chance(0.3) ? [r.pick(partners)] : [])]], { axis: r.chance(0.3) ? axis - rank : axis })); // prettier-ignore
      return one(b.attempt('stack', [[r.pick(equal), from]], { axis: r.int(0, rank) }));
    }
    case 12: {
      if (rank === 0) return undefined;
      const axis = r.int(0, rank - 1);
      const n = shape[axis] ?? 1;
      switch (r.pick([0, 1, 2, 3, 5, 6, 7])) {
        case 0: {
          if (n < 2) return undefined;
          const at = b.attempt('split', [from], { indices_or_sections: n % 2 === 0 && r.chance(0.5) ? 2 : [r.int(1, n - 1)], axis }); // prettier-ignore
          return at === undefined ? undefined : [0, 1].map((index) => b.add({ kind: 'get', tuple: at, index }));
        }
        case 1:
          return one(b.attempt('reverse', [from], { axis }));
        case 2:
          return one(b.attempt('repeat', [from], { repeats: r.int(1, 3), axis }));
        case 3:
          return one(b.attempt('tile', [from], { reps: shape.map(() => r.int(1, 2)) }));
        case 5: {
          const indices = b.add({ kind: 'param', shape: r.pick([[], [1], [3], [2, 2]]), dtype: r.pick(['int32', 'int64']), range: { low: 0, high: n - 1 }, seed: r.int(1, 1e9) }); // prettier-ignore
          return one(b.attempt('take', [from, indices], { axis, mode: r.pick(['clip', 'wrap', 'fast']) }));
        }
        case 6:
          return one(b.attempt('squeeze', [from], shape.includes(1) ? { axis: [shape.indexOf(1)] } : {}));
        default: {
          if (bits < 8 || dtype === 'bool') return undefined;
          return one(b.attempt('nn.pad', [from, likeParam(b, r, [], dtype, 1, 5)], { pad_width: shape.map(() => [r.int(0, 2), r.int(0, 2)]), pad_mode: r.pick(['constant', 'edge']) })); // prettier-ignore
        }
      }
    }
    default: {
      const target = [
        ...(r.chance(0.4) && rank < 4 ? [r.int(1, 3)] : []),
        ...shape.map((n) => (n === 1 ? r.int(1, 4) : n)),
      ];
      return one(b.attempt('broadcast_to', [from], { shape: target }));
    }
  }
}
