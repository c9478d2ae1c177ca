import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { runKernel } from '../../compiler/src/emit/js.ts';
import { fusedMultiplyAdd } from '../../compiler/src/targets/float-intrinsics.ts';
import { intrinsics } from '../../compiler/src/targets/intrinsics.ts';
import { bytesOf } from '../schedule/functions.ts';
import { hostCompiler, runOnHost, sanitizers } from './host.ts';
import { edges, kernelOf } from './intrinsic-kernels.ts';

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
