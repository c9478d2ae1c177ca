import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { runKernel } from '../../compiler/src/emit/js.ts';
import {
  block,
  buffer,
  declare,
  deref,
  intr,
  load,
  local,
  point,
  pointer,
  store,
} from '../../compiler/src/loops/build.ts';
import type { Local, Stmt } from '../../compiler/src/loops/ir.ts';
import type { LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import { intrinsics, type Intrinsic } from '../../compiler/src/targets/intrinsics.ts';
import { bytesOf } from '../schedule/functions.ts';
import { hostCompiler, runOnHost, sanitizers } from './host.ts';

/** A kernel that applies one instruction to the words of its input. */
function kernelOf(record: Intrinsic): LoweredKernel {
  const input = buffer('input', 'int32', 4, 8);
  const output = buffer('output', 'int32', 4, 8);
  const args = record.params.map((_, i) => load(input, i));
  const body: Stmt[] = [];
  if (!record.results) body.push(store(output, 0, intr(record.name, ...args)));
  else {
    const p = pointer('p', record.writes === undefined ? input : output, 'int32');
    const results: Local[] = record.results.map((r) => local(r));
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
    const samples = fc.sample(fc.tuple(word, word, word, word), { numRuns: 12, seed: 1 });
    const cases = intrinsics.flatMap((record) => {
      // Only the first element is set by one-result instructions; the rest is whatever memory held.
      const kernel = kernelOf(record);
      const cleared = {
        ...kernel,
        body: block(
          [0, 1, 2, 3].map((i) => store(kernel.outputs[0]!, i, { kind: 'const', dtype: 'int32', value: 0 })),
          kernel.body,
        ),
      };
      return samples.map((s) => ({ kernel: cleared, inputs: [bytesOf(Int32Array.from(s))], words: s }));
    });
    // One function an instruction, called with all samples.
    const results = runOnHost(cc, cases, sanitizers);
    cases.forEach((c, i) => {
      const expected = runKernel(c.kernel, [Int32Array.from(c.words)])[0]!;
      assert.deepEqual(new Int32Array(results[i]!.slice().buffer), expected, `${c.kernel.name}(${c.words.join(', ')})`);
    });
  });
});
