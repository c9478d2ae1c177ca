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

describe('emitted C gives what the operators say, without undefined behaviour', () => {
  it('for every template and the plain loops', function () {
    this.timeout(120_000);
    const cc = hostCompiler();
    if (!cc) return this.skip();
    const cases: HostCase[] = [];
    const expected: { name: string; bytes: Uint8Array }[] = [];
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
        cases.push({ kernel: { ...kernel.value, flags: [] }, inputs: inputs.map((i) => bytesOf(i.data)) });
        expected.push({ name, bytes: bytesOf(result!.data) });
      }
    }
    runOnHost(cc, cases, sanitizers).forEach((bytes, i) =>
      assert.deepEqual(bytes, expected[i]?.bytes, expected[i]?.name),
    );
  });
});
