/** Small kernels that the primitives' examples start from. */
import {
  add,
  assign,
  bin,
  block,
  buffer,
  cast,
  declare,
  i32,
  ix,
  load,
  local,
  loop,
  mul,
  store,
} from '../../loops/build.ts';
import type { Buffer, LoweredKernel } from '../../loops/kernel.ts';
import type { LExpr, Stmt } from '../../loops/ir.ts';
import { allocateElements } from '../../tensor/ndarray.ts';

interface Parts {
  readonly inputs: readonly Buffer[];
  readonly outputs: readonly Buffer[];
  readonly scratch?: readonly Buffer[];
  readonly constants?: LoweredKernel['constants'];
  readonly body: Stmt;
}

function kernel(name: string, { inputs, outputs, scratch = [], constants = [], body }: Parts): LoweredKernel {
  return { name, inputs, outputs, constants, scratch, body, overlaps: [], flags: [], macs: 0, origin: [] };
}

/** `y[i] = 3 · x[i]`. */
export function scaled(length: number): LoweredKernel {
  const [x, y] = [buffer('x', 'int32', length), buffer('y', 'int32', length)];
  const body = loop('i', length, (i) => store(y, i, mul(load(x, i), i32(3))));
  return kernel('scaled', { inputs: [x], outputs: [y], body });
}

/** `y[j, i] = x[i, j]`, 4 × 6. */
export function transposed(): LoweredKernel {
  const [x, y] = [buffer('x', 'int32', 24), buffer('y', 'int32', 24)];
  const body = loop('i', 4, (i) => loop('j', 6, (j) => store(y, add(mul(j, 4), i), load(x, add(mul(i, 6), j)))));
  return kernel('transposed', { inputs: [x], outputs: [y], body });
}

/** `y[0] = Σ a[k] · b[k]` of narrow integers. */
export function dot(length: number, dtype = 'int16'): LoweredKernel {
  const [a, b, y] = [buffer('a', dtype, length), buffer('b', dtype, length), buffer('y', 'int32', 1)];
  const acc = local('acc');
  const product = (k: Parameters<Parameters<typeof loop>[2]>[0]): Stmt =>
    assign(acc, add(acc, mul(cast('int32', load(a, k)), cast('int32', load(b, k)))));
  const body = block(declare(acc, 0), loop('k', length, product), store(y, 0, acc));
  return kernel('dot', { inputs: [a, b], outputs: [y], body });
}

/** Products of rows of three halves: every other row starts within a word. */
export function rowsOfHalves(): LoweredKernel {
  const [a, b, y] = [buffer('a', 'int16', 12), buffer('b', 'int16', 2), buffer('y', 'int32', 4)];
  const acc = local('acc');
  const body = loop('r', 4, (r) =>
    block(
      declare(acc, 0),
      loop('k', 2, (k) => {
        const left = cast('int32', load(a, add(mul(r, 3), k)));
        return assign(acc, add(acc, mul(left, cast('int32', load(b, k)))));
      }),
      store(y, r, acc),
    ),
  );
  return kernel('rows_of_halves', { inputs: [a, b], outputs: [y], body });
}

/** Bytes copied. */
export function copied(length: number): LoweredKernel {
  const [x, y] = [buffer('x', 'int8', length), buffer('y', 'int8', length)];
  return kernel('copied', { inputs: [x], outputs: [y], body: loop('i', length, (i) => store(y, i, load(x, i))) });
}

/** Sums clipped to eight bits. */
export function clipped(length: number): LoweredKernel {
  const [x, y] = [buffer('x', 'int32', length), buffer('y', 'int8', length)];
  const body = loop('i', length, (i) => {
    const v = load(x, i);
    const low = { kind: 'binary', op: 'max', dtype: 'int32', left: v, right: i32(-128) } as const;
    return store(y, i, cast('int8', { kind: 'binary', op: 'min', dtype: 'int32', left: low, right: i32(127) }));
  });
  return kernel('clipped', { inputs: [x], outputs: [y], body });
}

/** Two results in one loop. */
export function twoResults(): LoweredKernel {
  const [x, y, z] = [buffer('x', 'int32', 8), buffer('y', 'int32', 8), buffer('z', 'int32', 8)];
  const body = loop('i', 8, (i) => block(store(y, i, mul(load(x, i), i32(3))), store(z, i, add(load(x, i), i32(1)))));
  return kernel('two_results', { inputs: [x], outputs: [y, z], body });
}

/** `y[i, j] = x[i] · w[j]`: a value that does not change in the inner loop. */
export function outer(): LoweredKernel {
  const [x, w, y] = [buffer('x', 'int32', 4), buffer('w', 'int32', 6), buffer('y', 'int32', 24)];
  const body = loop('i', 4, (i) => loop('j', 6, (j) => store(y, add(mul(i, 6), j), mul(load(x, i), load(w, j)))));
  return kernel('outer', { inputs: [x, w], outputs: [y], body });
}

/** `y[i] = Σ x[i + k] · w[2 − k]`: weights read backwards, inputs read several times. */
export function filtered(): LoweredKernel {
  const [x, y, w] = [buffer('x', 'int8', 10), buffer('y', 'int32', 8), buffer('w', 'int8', 3)];
  const data = allocateElements('int8', 3) as Int8Array;
  data.set([1, -2, 3]);
  const acc = local('acc');
  const body = loop('i', 8, (i) =>
    block(
      declare(acc, 0),
      loop('k', 3, (k) => {
        const weight = load(w, add(mul(k, -1), 2));
        return assign(acc, add(acc, mul(cast('int32', load(x, add(i, k))), cast('int32', weight))));
      }),
      store(y, i, acc),
    ),
  );
  const constants = [{ buffer: w, value: { dtype: 'int8', shape: [3], data } }];
  return kernel('filtered', { inputs: [x], outputs: [y], constants, body });
}

/** A product of rows that is computed whole before its rows are summed. */
export function rowSums(dtype = 'int32'): LoweredKernel {
  const [x, y, t] = [buffer('x', dtype, 24), buffer('y', dtype, 4), buffer('t', dtype, 24)];
  const acc = local('acc', dtype);
  const body = block(
    loop('i', 4, (i) =>
      loop('j', 6, (j) => {
        const at = add(mul(i, 6), j);
        return store(t, at, mul(load(x, at), load(x, at)));
      }),
    ),
    loop('r', 4, (r) =>
      block(
        declare(acc, 0),
        loop('c', 6, (c) => assign(acc, add(acc, load(t, add(mul(r, 6), c))))),
        store(y, r, acc),
      ),
    ),
  );
  return kernel('row_sums', { inputs: [x], outputs: [y], scratch: [t], body });
}

/** `y[r] = x[r + 1]²` by way of a temporary: turns read what other turns of the producer computed. */
export function differences(): LoweredKernel {
  const [x, y, t] = [buffer('x', 'int32', 9), buffer('y', 'int32', 8), buffer('t', 'int32', 9)];
  const body = block(
    loop('i', 8, (i) => store(t, i, mul(load(x, i), load(x, i)))),
    loop('r', 8, (r) => store(y, r, load(t, add(r, 1)))),
  );
  return kernel('differences', { inputs: [x], outputs: [y], scratch: [t], body });
}

/** The sum of a matrix. */
export function total(dtype = 'int32'): LoweredKernel {
  const [x, y] = [buffer('x', dtype, 24), buffer('y', dtype, 1)];
  const acc = local('acc', dtype);
  const sum = loop('i', 4, (i) => loop('j', 6, (j) => assign(acc, add(acc, load(x, add(mul(i, 6), j))))));
  return kernel('total', { inputs: [x], outputs: [y], body: block(declare(acc, 0), sum, store(y, 0, acc)) });
}

/** `y[i + 1, j] = y[i, j + 1] + x[i, j]`: turns read what earlier turns wrote. */
export function diagonal(): LoweredKernel {
  const [x, y] = [buffer('x', 'int32', 24), buffer('y', 'int32', 32)];
  const body = loop('i', 4, (i) =>
    loop('j', 5, (j) => {
      const value = add(load(y, add(add(mul(i, 6), j), 1)), load(x, add(mul(i, 6), j)));
      return store(y, add(add(mul(i, 6), j), 6), value);
    }),
  );
  return kernel('diagonal', { inputs: [x], outputs: [y], body });
}

/** `y[i] = x[i − 2]` within x, else 7. */
export function padded(): LoweredKernel {
  const [x, y] = [buffer('x', 'int32', 6), buffer('y', 'int32', 10)];
  const body = loop('i', 10, (i) => {
    const at = add(i, -2);
    const above = { kind: 'compare', op: 'ge', left: at, right: ix(0) } as const;
    const below = { kind: 'compare', op: 'lt', left: at, right: ix(6) } as const;
    const condition = { kind: 'binary', op: 'and', dtype: 'bool', left: above, right: below } as const;
    return store(y, i, { kind: 'select', condition, then: load(x, at), otherwise: i32(7), dtype: 'int32' });
  });
  return kernel('padded', { inputs: [x], outputs: [y], body });
}

/** `y[i, j] = 3 · x[i, j]`, rows one behind the other. */
export function flatScaled(): LoweredKernel {
  const [x, y] = [buffer('x', 'int32', 24), buffer('y', 'int32', 24)];
  const at = (i: LExpr, j: LExpr): LExpr => add(mul(i, 6), j);
  const body = loop('i', 4, (i) => loop('j', 6, (j) => store(y, at(i, j), mul(load(x, at(i, j)), i32(3)))));
  return kernel('flat_scaled', { inputs: [x], outputs: [y], body });
}

/** Bytes set to one value. */
export function filled(length: number): LoweredKernel {
  const y = buffer('y', 'int8', length);
  const body = loop('i', length, (i) => store(y, i, { kind: 'const', dtype: 'int8', value: -7 }));
  return kernel('filled', { inputs: [], outputs: [y], body });
}

/** Bytes scaled by fixed-point numbers of 64 bits. */
export function rescaled(length: number): LoweredKernel {
  const [x, y] = [buffer('x', 'int8', length), buffer('y', 'int32', length)];
  const body = loop('i', length, (i) => {
    const args = [add(cast('int32', load(x, i)), i32(5)), i32(1_518_500_250), i32(-3)];
    return store(y, i, add({ kind: 'intrinsic', name: 'qmulshift', args, dtype: 'int32' }, i32(11)));
  });
  return kernel('rescaled', { inputs: [x], outputs: [y], body });
}

/** Floats rounded to bytes of a scale and a zero point. */
export function quantised(length: number): LoweredKernel {
  const [x, y] = [buffer('x', 'float32', length), buffer('y', 'int8', length)];
  const f32 = (value: number): LExpr => ({ kind: 'const', dtype: 'float32', value });
  const body = loop('i', length, (i) => {
    const quotient = bin('div', load(x, i), f32(0.5));
    const rounded: LExpr = { kind: 'unary', op: 'round', dtype: 'float32', operand: quotient };
    return store(y, i, cast('int8', bin('max', bin('min', add(rounded, f32(3)), f32(127)), f32(-128))));
  });
  return kernel('quantised', { inputs: [x], outputs: [y], body });
}

/** Exponentials of dequantised bytes. */
export function exponentials(length: number): LoweredKernel {
  const [x, y] = [buffer('x', 'int8', length), buffer('y', 'float32', length)];
  const scale: LExpr = { kind: 'const', dtype: 'float32', value: 0.5 };
  const body = loop('i', length, (i) => {
    const operand = mul(cast('float32', load(x, i)), scale);
    return store(y, i, { kind: 'unary', op: 'exp', dtype: 'float32', operand });
  });
  return kernel('exponentials', { inputs: [x], outputs: [y], body });
}

/** The largest of dequantised bytes. */
export function largest(length: number): LoweredKernel {
  const [x, y] = [buffer('x', 'int8', length), buffer('y', 'float32', 1)];
  const f32 = (value: number): LExpr => ({ kind: 'const', dtype: 'float32', value });
  const acc = local('acc', 'float32');
  const dequantised = (i: LExpr): LExpr => mul(cast('float32', add(cast('int32', load(x, i)), i32(-3))), f32(0.5));
  const found = loop('i', length, (i) => assign(acc, bin('max', acc, dequantised(i))));
  return kernel('largest', { inputs: [x], outputs: [y], body: block(declare(acc, f32(-20)), found, store(y, 0, acc)) });
}
