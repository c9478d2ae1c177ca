import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { connectBoard, Toolchain } from '../../boards/src/index.ts';
import { runJob } from '../../boards/src/runner.ts';
import { emitKernels } from '../../compiler/src/emit/module.ts';
import { runKernel } from '../../compiler/src/emit/js.ts';
import { intrinsics } from '../../compiler/src/targets/intrinsics.ts';
import { edges, kernelOf } from '../emit/intrinsic-kernels.ts';
import { random } from '../schedule/functions.ts';
import { must, needTools, profileOf } from './support.ts';

const samples = 4096;
const [inWords, outWords] = [8, 9];

/** Operands, eight words a sample: all bytes in all places first, then words at edges and random ones. */
function operands(seed: number): Int32Array {
  const next = random(seed);
  const word = (): number => (next(65536) << 16) | next(65536);
  return Int32Array.from({ length: samples * inWords }, (_, i) => {
    const [sample, place] = [Math.floor(i / inWords), i % inWords];
    if (sample < 1024) {
      const value = (sample + 37 * place) & 0xff;
      return place === 0 ? (value << (8 * (sample >> 8))) | (word() & ~(0xff << (8 * (sample >> 8)))) : word();
    }
    // Around the bounds of eight and sixteen bits, and beyond.
    if (sample < 2048) return next(3) === 0 ? (edges[next(edges.length)] ?? 0) : next(140_000) - 70_000;
    return next(4) === 0 ? (edges[next(edges.length)] ?? 0) : word();
  });
}

describe('instructions on processors that have them', function () {
  this.timeout(120_000);
  for (const name of ['mps2-an386', 'mps2-an505', 'mps3-an547'])
    it(`give on ${name} what their records say`, async function () {
      const profile = profileOf(name);
      needTools(this, profile);
      const records = intrinsics.filter((record) => record.dtype === undefined);
      const kernels = records.map(kernelOf);
      const emitted = emitKernels(kernels);
      const cases = emitted.functions.map(
        (f, i) => `  if (job == ${i}) for (int s = 0; s < ${samples}; s++) ${f.name}(given + ${inWords} * s, results + ${outWords} * s);`,
      ); // prettier-ignore
      const driver = [
        '#include "relay_harness.h"',
        ...emitted.functions.map((f) => `${f.prototype};`),
        `int32_t given[${samples * inWords}], results[${samples * outWords}];`,
        'void relay_run_job(uint32_t job) {',
        '  relay_begin();',
        ...cases,
        '  relay_end();',
        '}',
      ].join('\n');
      const toolchain = must(await Toolchain.open(profile));
      const board = must(await connectBoard(profile));
      try {
        const image = must(await toolchain.build([...emitted.files, { name: 'driver.c', text: driver }]));
        must(await board.load(image));
        for (const [index, record] of records.entries()) {
          const given = operands(index + 1);
          const writes = [{ symbol: 'given', bytes: new Uint8Array(given.buffer) }];
          const reads = [{ symbol: 'results', bytes: 4 * samples * outWords }];
          const done = must(await runJob(board, image, { index, writes, reads, limitMs: 30_000 }));
          const results = new Int32Array((done.reads[0] ?? new Uint8Array()).slice().buffer);
          const kernel = kernels[index];
          assert.ok(kernel);
          // Instructions that touch memory are all alike, a part of the samples will do.
          const step = record.results === undefined ? 1 : 16;
          for (let s = 0; s < samples; s += step) {
            const words = given.slice(inWords * s, inWords * (s + 1));
            const found = [...results.subarray(outWords * s, outWords * (s + 1))];
            const wanted: readonly number[] =
              record.results === undefined
                ? [...record.meaning(...words.subarray(0, record.params.length)), ...new Array<number>(8).fill(0)]
                : [...((runKernel(kernel, [words])[0] ?? []) as Int32Array)];
            assert.deepEqual(found, wanted, `${record.name}(${words.join(', ')})`);
          }
        }
      } finally {
        await board.close();
        await toolchain.close();
      }
    });
});
