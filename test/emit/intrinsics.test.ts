import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { runKernel } from '../../compiler/src/emit/js.ts';
import { block, buffer, declare, deref, load, local, point, pointer, store } from '../../compiler/src/loops/build.ts';
import type { Local, Stmt } from '../../compiler/src/loops/ir.ts';
import type { LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import { fusedMultiplyAdd } from '../../compiler/src/targets/float-intrinsics.ts';
import { intrinsics, type Intrinsic } from '../../compiler/src/targets/intrinsics.ts';
import { bytesOf } from '../schedule/functions.ts';
import { hostCompiler, runOnHost, sanitizers } from './host.ts';

/** A kernel that applies one instruction to the elements of its input. */
function kernelOf(record: Intrinsic): LoweredKernel {
  const dtype = record.dtype ?? 'int32';
  const input = buffer('input', dtype, 8, 8);
  const output = buffer('output', dtype, 9, 8);
  const args = record.params.map((_, i) => load(input, i));
  // What the instruction does not set would be whatever memory held.
  const body: Stmt[] = Array.from({ length: 9 }, (_, i) => store(output, i, { kind: 'const', dtype, value: 0 }));
  if (!record.results) body.push(store(output, 0, { kind: 'intrinsic', name: record.name, args, dtype }));
  else {
    const p = pointer('p', record.writes === undefined ? input : output, dtype);
    const results: Local[] = record.results.map((r) => local(r, dtype));
    body.push(point(p, 0), ...results.map((r) => declare(r, 0)));
    body.push({
      kind: 'perform',
      name: record.name,
      results,
      at: { pointer: p, offset: { kind: 'const', dtype: 'index', value: 0 } },
      args,
    });
    results.forEach((r, i) => body.push(store(output, i, r)));
    if (record.writes !== undefined) body.push(store(output, 2, deref(p, 1)));
    if (record.moves !== undefined) body.push(store(output, 8, deref(p, -1)));
  }
  return {
    name: `do_${record.name}`, inputs: [input], outputs: [output], constants: [], scratch: [], body: block(...body),
    overlaps: [], flags: [], macs: 0, origin: [],
  }; // prettier-ignore
}

const edges = [
  0,
  1,
  -1,
  127,
  128,
  -128,
  255,
  256,
  32767,
  -32768,
  65535,
  0x7fffffff,
  -0x80000000,
  0x00ff00ff,
  0x80008000 | 0,
];

describe('instructions', () => {
  it('mean in portable C what their records say', function () {
    this.timeout(60_000);
    const cc = hostCompiler();
    if (!cc) return this.skip();
    const word = fc.oneof(fc.integer(), fc.constantFrom(...edges));
    const eight = <T>(of: fc.Arbitrary<T>): T[][] =>
      fc.sample(fc.array(of, { minLength: 8, maxLength: 8 }), { numRuns: 12, seed: 1 });
    const words = eight(word).map((w) => Int32Array.from(w));
    const floats = eight(fc.float({ noNaN: true, min: -1000, max: 1000 })).map((f) => Float32Array.from(f));
    const cases = intrinsics.flatMap((record) => {
      // One function an instruction, called with all samples.
      const kernel = kernelOf(record);
      const samples = record.dtype === 'float32' ? floats : words;
      return samples.map((data) => ({ kernel, inputs: [bytesOf(data)], data }));
    });
    const results = runOnHost(cc, cases, sanitizers);
    cases.forEach((c, i) => {
      const expected = runKernel(c.kernel, [c.data])[0]!;
      assert.deepEqual(results[i], bytesOf(expected), `${c.kernel.name}(${c.data.join(', ')})`);
    });
  });

  it('round a product and a sum once, as the processor does', () => {
    const f = Math.fround;
    // The sum in double precision is the middle of two floats; what it lost decides.
    assert.equal(fusedMultiplyAdd(f(1 + 2 ** -23), f(2 ** -24), 1), f(1 + 2 ** -23));
    assert.equal(fusedMultiplyAdd(f(1 - 2 ** -24), f(2 ** -24), f(1 + 2 ** -23)), f(1 + 2 ** -23));
    assert.equal(fusedMultiplyAdd(3, 5, 7), 22);
    assert.equal(fusedMultiplyAdd(1e30, 1e30, 0), Infinity);
    assert.ok(Number.isNaN(fusedMultiplyAdd(Infinity, 0, 1)));
  });
});
