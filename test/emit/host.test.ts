import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import { lowerGeneric } from '../../compiler/src/loops/lower.ts';
import {
  bytesOf,
  convCases,
  convFunction,
  cortexM4,
  denseFunction,
  evaluated,
  inputsFor,
} from '../schedule/functions.ts';
import { hostCompiler, runOnHost, sanitizers, type HostCase } from './host.ts';

/** A case with the name and the bytes that it is expected to give. */
interface Expected {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly run: HostCase;
}

/** Runs all cases as one program; names those that give other bytes. */
function assertSame(cc: string, cases: readonly Expected[]): void {
  const results = runOnHost(
    cc,
    cases.map((c) => c.run),
    sanitizers,
  );
  const wrong = cases.filter((c, i) => Buffer.compare(c.bytes, results[i]!) !== 0).map((c) => c.name);
  assert.deepEqual(wrong, []);
}

describe('emitted C gives what the operators say, without undefined behaviour', () => {
  it('when the output takes the memory of an input, at the distance that the kernel allows', function () {
    this.timeout(120_000);
    const cc = hostCompiler();
    if (!cc) return this.skip();
    const cases: Expected[] = [];
    const functions = [
      ...convCases.map((c) => ({ name: c.name, fused: convFunction(c) })),
      { name: 'dense', fused: denseFunction(1, 24, 9) },
      { name: 'dense, rows', fused: denseFunction(7, 12, 5) },
      { name: 'dense, rows that grow', fused: denseFunction(7, 4, 9) },
    ];
    for (const { name, fused } of functions) {
      const inputs = inputsFor(fused.func, 31);
      const result = evaluated(fused.func, inputs)[0];
      const space = scheduler.spaceOf(extractTask(fused), cortexM4);
      const kernels = [space.default, { ...space.default, strip: 0, rows: 0 }, { ...space.default, bytes: true }];
      for (const config of kernels.filter((k) => space.isValid(k))) {
        const kernel = scheduler.lower(fused, cortexM4, config);
        assert.ok(kernel.ok);
        for (const { input, leadBytes, exact } of kernel.value.overlaps) {
          for (const lead of exact || config !== space.default ? [leadBytes] : [leadBytes, leadBytes + 8]) {
            // Places are aligned as buffers are.
            const distance = Math.ceil(lead / 4) * 4;
            if (exact && distance !== lead) continue;
            cases.push({
              name: `${name}, input ${input}, ${JSON.stringify(config)}`,
              bytes: bytesOf(result!.data),
              run: {
                kernel: { ...kernel.value, flags: [] },
                inputs: inputs.map((i) => bytesOf(i.data)),
                shared: { input, lead: distance },
              },
            });
          }
        }
      }
    }
    assert.ok(cases.length > 40);
    assertSame(cc, cases);
  });

  it('for every template and the plain loops', function () {
    this.timeout(120_000);
    const cc = hostCompiler();
    if (!cc) return this.skip();
    const cases: Expected[] = [];
    const functions = [
      ...convCases.map((c) => ({ name: c.name, fused: convFunction(c) })),
      { name: 'dense', fused: denseFunction(1, 21, 9) },
      { name: 'dense, rows', fused: denseFunction(4, 12, 5) },
    ];
    for (const { name, fused } of functions) {
      const inputs = inputsFor(fused.func, 23);
      const result = evaluated(fused.func, inputs)[0];
      const space = scheduler.spaceOf(extractTask(fused), cortexM4);
      const wide = { ...space.default, requantize: 'wide' };
      for (const kernel of [
        scheduler.lower(fused, cortexM4, space.default),
        scheduler.lower(fused, cortexM4, wide),
        lowerGeneric('generic', fused.func),
      ]) {
        assert.ok(kernel.ok, kernel.ok ? '' : kernel.error.message);
        const run = { kernel: { ...kernel.value, flags: [] }, inputs: inputs.map((i) => bytesOf(i.data)) };
        cases.push({ name, bytes: bytesOf(result!.data), run });
      }
    }
    assertSame(cc, cases);
  });
});
