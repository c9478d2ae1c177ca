/**
 * What operators compute, against formulas written down again from their definitions, over random shapes and attributes.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { tensorsOf, tensorValue, type Value } from '../../compiler/src/evaluate/value.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';

/** A tensor by its elements at index tuples. */
interface Table {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const at = ({ shape, data }: Table, ...i: readonly number[]): number =>
  data[i.reduce((sum, k, d) => sum * (shape[d] ?? 1) + k, 0)] ?? NaN;
function table(shape: readonly number[], f: (...i: number[]) => number): Table {
  const data: number[] = [];
  const walk = (i: number[]): void => {
    if (i.length === shape.length) data.push(f(...i));
    else for (let k = 0; k < (shape[i.length] ?? 0); k++) walk([...i, k]);
  };
  walk([]);
  return { shape, data };
}
/** Values between −1 and 1 that repeat late. */
function random(shape: readonly number[], seed: number): Table {
  let state = seed >>> 0;
  return table(shape, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 23 - 1;
  });
}
const sum = (n: number, f: (i: number) => number): number =>
  Array.from({ length: n }, (_, i) => f(i)).reduce((a, b) => a + b, 0);

type Kind = 'float64' | 'int32' | 'int8' | 'bool';

function evaluate(call: string, inputs: Readonly<Record<string, Table>>, dtype: Kind = 'float64'): readonly Table[] {
  const kindOf = (name: string): Kind => (name.startsWith('i') ? 'int32' : dtype);
  const params = Object.entries(inputs).map(([n, t]) => `%${n}: Tensor[(${t.shape.join(', ')}), ${kindOf(n)}]`);
  const tree = parseSource(`#[version = "0.0.5"]\ndef @main(${params.join(', ')}) { ${call} }\n`);
  const checked = check(tree);
  assert.deepEqual(
    [...tree.errors, ...checked.diagnostics].filter((d) => d.severity === 'error').map((d) => d.message),
    [],
    call,
  );
  const module = elaborate(checked);
  assert.ok(module.ok);
  const arrays = { float64: Float64Array, int32: Int32Array, int8: Int8Array, bool: Uint8Array };
  const values = new Map<string, Value>(
    Object.entries(inputs).map(([n, t]) => {
      const kind = kindOf(n);
      return [n, tensorValue({ dtype: kind, shape: t.shape, data: arrays[kind].from(t.data) })];
    }),
  );
  const result = evaluateFunction(module.value, 'main', values);
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return (tensorsOf(result.value) ?? []).map((a) => ({
    shape: a.shape,
    data: Array.from(a.data as Float64Array, Number),
  }));
}

function same(found: Table | undefined, wanted: Table, call: string): void {
  assert.deepEqual(found?.shape, wanted.shape, call);
  wanted.data.forEach((value, i) => {
    const got = found?.data[i] ?? NaN;
    assert.ok(Object.is(got, value) || Math.abs(got - value) < 1e-9, `${call}: element ${i} is ${got}, not ${value}`);
  });
}

const small = (low: number, high: number): fc.Arbitrary<number> => fc.integer({ min: low, max: high });
const pair = (low: number, high: number): fc.Arbitrary<[number, number]> =>
  fc.tuple(small(low, high), small(low, high));
const list = (...numbers: readonly number[]): string => `[${numbers.join(', ')}]`;
const runs = { numRuns: 60, seed: 11 };

const convolution = fc.record({
  seed: small(1, 1e6),
  batch: small(1, 2),
  groups: small(1, 3),
  inGroup: small(1, 2),
  outGroup: small(1, 2),
  kernel: pair(1, 3),
  strides: pair(1, 3),
  dilation: pair(1, 2),
  before: pair(0, 2),
  after: pair(0, 2),
  extra: pair(0, 3),
});

describe('operators agree with their definitions', () => {
  it('nn.conv2d with groups, strides, dilation and any padding', () => {
    fc.assert(
      fc.property(convolution, (c) => {
        const extent = c.kernel.map((k, d) => (k - 1) * (c.dilation[d] ?? 1) + 1);
        const [h = 1, w = 1] = extent.map((e, d) => Math.max(1, e + (c.extra[d] ?? 0) - (c.before[d] ?? 0)));
        const channels = c.groups * c.inGroup;
        const x = random([c.batch, channels, h, w], c.seed);
        const f = random([c.groups * c.outGroup, c.inGroup, ...c.kernel], c.seed + 1);
        const out = [h, w].map((n, d) => {
          const room = n + (c.before[d] ?? 0) + (c.after[d] ?? 0) - (extent[d] ?? 1);
          return Math.floor(room / (c.strides[d] ?? 1)) + 1;
        });
        fc.pre(out.every((n) => n > 0));
        const wanted = table([c.batch, c.groups * c.outGroup, ...out], (n, o, y, z) =>
          sum(c.inGroup, (i) =>
            sum(c.kernel[0], (a) =>
              sum(c.kernel[1], (b) => {
                const p = (y ?? 0) * c.strides[0] + a * c.dilation[0] - c.before[0];
                const q = (z ?? 0) * c.strides[1] + b * c.dilation[1] - c.before[1];
                const inside = p >= 0 && q >= 0 && p < h && q < w;
                const channel = Math.floor((o ?? 0) / c.outGroup) * c.inGroup + i;
                return inside ? at(x, n ?? 0, channel, p, q) * at(f, o ?? 0, i, a, b) : 0;
              }),
            ),
          ),
        );
        const attributes = `strides=${list(...c.strides)}, padding=${list(...c.before, ...c.after)}, dilation=${list(...c.dilation)}, groups=${c.groups}`;
        const plain = `nn.conv2d(%x, %f, ${attributes})`;
        // A weight of as many filters as groups is read by input channel and multiplier.
        if (c.outGroup === 1 || c.inGroup > 1 || c.groups === 1) same(evaluate(plain, { x, f })[0], wanted, plain);
        if (c.groups > 1) return;
        const nhwc = `transpose(nn.conv2d(transpose(%x, axes=[0, 2, 3, 1]), transpose(%f, axes=[2, 3, 1, 0]), ${attributes}, data_layout="NHWC", kernel_layout="HWIO"), axes=[0, 3, 1, 2])`;
        same(evaluate(nhwc, { x, f })[0], wanted, nhwc);
      }),
      runs,
    );
  });

  it('nn.conv2d_transpose: every element spreads over its window', () => {
    fc.assert(
      fc.property(convolution, (c) => {
        const [h, w] = [1 + c.extra[0], 1 + c.extra[1]];
        const x = random([c.batch, c.groups * c.inGroup, h, w], c.seed);
        const f = random([c.groups * c.inGroup, c.outGroup, ...c.kernel], c.seed + 1);
        const more = c.strides.map((s) => s - 1);
        const full = [h, w].map(
          (n, d) =>
            (n - 1) * (c.strides[d] ?? 1) + ((c.kernel[d] ?? 1) - 1) * (c.dilation[d] ?? 1) + 1 + (more[d] ?? 0),
        );
        const out = full.map((n, d) => n - (c.before[d] ?? 0) - (c.after[d] ?? 0));
        fc.pre(out.every((n) => n > 0));
        const shape = [c.batch, c.groups * c.outGroup, ...out];
        const sums = Array<number>(size(shape)).fill(0);
        table(x.shape, (n = 0, i = 0, y = 0, z = 0) => {
          const group = Math.floor(i / c.inGroup);
          table([c.outGroup, ...c.kernel], (o = 0, a = 0, b = 0) => {
            const p = y * c.strides[0] + a * c.dilation[0] - c.before[0];
            const q = z * c.strides[1] + b * c.dilation[1] - c.before[1];
            if (p < 0 || q < 0 || p >= (out[0] ?? 0) || q >= (out[1] ?? 0)) return 0;
            const to = [n, group * c.outGroup + o, p, q].reduce((t, k, d) => t * (shape[d] ?? 1) + k, 0);
            sums[to] = (sums[to] ?? 0) + at(x, n, i, y, z) * at(f, i, o, a, b);
            return 0;
          });
          return 0;
        });
        const call = `nn.conv2d_transpose(%x, %f, strides=${list(...c.strides)}, padding=${list(...c.before, ...c.after)}, dilation=${list(...c.dilation)}, output_padding=${list(...more)}, groups=${c.groups}, channels=${c.groups * c.outGroup}, kernel_size=${list(...c.kernel)})`;
        same(evaluate(call, { x, f })[0], { shape, data: sums }, call);
      }),
      runs,
    );
  });

  it('nn.max_pool2d and nn.avg_pool2d, rounding up, with and without padding in the mean', () => {
    fc.assert(
      fc.property(convolution, fc.boolean(), fc.boolean(), (c, ceil, include) => {
        const [h, w] = [c.kernel[0] + 2 + c.extra[0], c.kernel[1] + 2 + c.extra[1]];
        fc.pre(c.before.every((n, d) => n < (c.kernel[d] ?? 1)) && c.after.every((n, d) => n < (c.kernel[d] ?? 1)));
        const x = random([c.batch, 2, h, w], c.seed);
        const out = [h, w].map((n, d) => {
          const room = n + (c.before[d] ?? 0) + (c.after[d] ?? 0) - (c.kernel[d] ?? 1);
          return (ceil ? Math.ceil : Math.floor)(room / (c.strides[d] ?? 1)) + 1;
        });
        // A last window that lies in the padding alone has no elements.
        fc.pre([h, w].every((n, d) => ((out[d] ?? 1) - 1) * (c.strides[d] ?? 1) - (c.before[d] ?? 0) < n));
        const windows = (n: number, i: number, y: number, z: number) => {
          const values: number[] = [];
          let counted = 0;
          for (let a = 0; a < c.kernel[0]; a++)
            for (let b = 0; b < c.kernel[1]; b++) {
              const [p, q] = [y * c.strides[0] + a - c.before[0], z * c.strides[1] + b - c.before[1]];
              const inside = p >= 0 && q >= 0 && p < h && q < w;
              if (inside) values.push(at(x, n, i, p, q));
              if (inside || (include && p < h + c.after[0] && q < w + c.after[1])) counted++;
            }
          return { values, counted };
        };
        const shape = [c.batch, 2, ...out];
        const attributes = `pool_size=${list(...c.kernel)}, strides=${list(...c.strides)}, padding=${list(...c.before, ...c.after)}, ceil_mode=${ceil ? 'True' : 'False'}`;
        const max = `nn.max_pool2d(%x, ${attributes})`;
        same(
          evaluate(max, { x })[0],
          table(shape, (n = 0, i = 0, y = 0, z = 0) => Math.max(...windows(n, i, y, z).values)),
          max,
        );
        const mean = `nn.avg_pool2d(%x, ${attributes}, count_include_pad=${include ? 'True' : 'False'})`;
        same(
          evaluate(mean, { x })[0],
          table(shape, (n = 0, i = 0, y = 0, z = 0) => {
            const { values, counted } = windows(n, i, y, z);
            return values.reduce((a, b) => a + b, 0) / Math.max(1, counted);
          }),
          mean,
        );
      }),
      runs,
    );
  });

  it('integer quotients and remainders by sign', () => {
    const pairs = fc.array(
      fc.tuple(
        small(-128, 127),
        small(-128, 127).filter((n) => n !== 0),
      ),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(pairs, (all) => {
        const list = all.filter(([a, b]) => a !== -128 || b !== -1);
        fc.pre(list.length > 0);
        const vector = (k: 0 | 1): Table => ({ shape: [list.length], data: list.map((p) => p[k]) });
        const rows: readonly [string, (a: number, b: number) => number][] = [
          ['floor_divide', (a, b) => Math.floor(a / b)],
          ['floor_mod', (a, b) => a - Math.floor(a / b) * b],
          ['trunc_divide', (a, b) => Math.trunc(a / b)],
          ['trunc_mod', (a, b) => a - Math.trunc(a / b) * b],
          ['divide', (a, b) => Math.trunc(a / b)],
          ['right_shift', (a, b) => a >> (b & 7)],
        ];
        for (const [name, f] of rows) {
          const shift = name === 'right_shift';
          const rhs = shift ? { shape: [list.length], data: list.map((p) => p[1] & 7) } : vector(1);
          const found = evaluate(`${name}(%a, %b)`, { a: vector(0), b: rhs }, 'int8')[0];
          same(found, { shape: [list.length], data: list.map(([a, b]) => f(a, b) + 0) }, name);
        }
      }),
      runs,
    );
  });

  it('strided_slice with any signs, as a loop over positions', () => {
    fc.assert(
      fc.property(small(1, 7), small(-9, 9), small(-9, 9), small(-3, 3), (n, begin, end, step) => {
        fc.pre(step !== 0);
        const x = random([n], n);
        const wrap = (k: number): number => (k < 0 ? k + n : k);
        const limit = (k: number): number => Math.min(Math.max(wrap(k), step > 0 ? 0 : -1), step > 0 ? n : n - 1);
        const picked: number[] = [];
        for (let k = limit(begin); step > 0 ? k < limit(end) : k > limit(end); k += step) picked.push(at(x, k));
        fc.pre(picked.length > 0);
        const call = `strided_slice(%x, begin=[${begin}], end=[${end}], strides=[${step}], axes=None)`;
        same(evaluate(call, { x })[0], { shape: [picked.length], data: picked }, call);
      }),
      { ...runs, numRuns: 200 },
    );
  });

  it('argsort and topk keep equal elements in order', () => {
    fc.assert(
      fc.property(fc.array(small(0, 3), { minLength: 1, maxLength: 9 }), fc.boolean(), (values, ascending) => {
        const n = values.length;
        const order = [...values.keys()].sort((a, b) => {
          const [p = 0, q = 0] = [values[a], values[b]];
          return (ascending ? p - q : q - p) || a - b;
        });
        const x = { shape: [n], data: values };
        const flag = ascending ? 'True' : 'False';
        const sorted = `argsort(%ix, is_ascend=${flag}, dtype="int32")`;
        same(evaluate(sorted, { ix: x })[0], { shape: [n], data: order }, sorted);
        const k = Math.ceil(n / 2);
        const top = `topk(%ix, k=${k}, is_ascend=${flag}, dtype="int32")`;
        same(evaluate(top, { ix: x })[1], { shape: [k], data: order.slice(0, k) }, top);
      }),
      runs,
    );
  });

  it('gather_nd with batch dimensions, and scatter_nd in all modes', () => {
    fc.assert(
      fc.property(small(1, 3), small(1, 4), small(1, 3), small(1, 1e6), (batch, n, picks, seed) => {
        const x = random([batch, n, 2], seed);
        const pick = random([batch, picks], seed + 1).data.map((v) => Math.floor(((v + 1) / 2) * n));
        const batched = 'gather_nd(%x, %i, batch_dims=1)';
        same(
          evaluate(batched, { x, i: { shape: [1, batch, picks], data: pick } })[0],
          table([batch, picks, 2], (b = 0, p = 0, c = 0) => at(x, b, pick[b * picks + p] ?? 0, c)),
          batched,
        );
        const flat = random([n, 2], seed);
        const updates = random([picks, 2], seed + 2);
        const rows = pick.slice(0, picks);
        const modes: Record<string, (a: number, b: number) => number> = {
          update: (_, b) => b,
          add: (a, b) => a + b,
          mul: (a, b) => a * b,
          min: Math.min,
          max: Math.max,
        };
        for (const [mode, f] of Object.entries(modes)) {
          const data = [...flat.data];
          rows.forEach((r, k) => {
            for (const c of [0, 1]) data[r * 2 + c] = f(data[r * 2 + c] ?? 0, at(updates, k, c));
          });
          const call = `scatter_nd(%x, %i, %u, mode="${mode}", attrs_type_key="relay.attrs.ScatterNDAttrs")`;
          same(
            evaluate(call, { x: flat, i: { shape: [1, picks], data: rows }, u: updates })[0],
            { shape: [n, 2], data },
            call,
          );
        }
      }),
      runs,
    );
  });

  it('floats become integers by cutting off, held to the range', () => {
    const values = [1.9, -1.9, 127.5, 128, 300, -128.9, -300, NaN, 1e20];
    const found = evaluate('cast(%x, dtype="int8")', { x: { shape: [values.length], data: values } })[0];
    assert.deepEqual(found?.data, [1, -1, 127, 127, 127, -128, -128, 0, 127]);
  });
});
