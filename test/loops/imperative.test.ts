import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { runKernel } from '../../compiler/src/emit/js.ts';
import { lowerGeneric } from '../../compiler/src/loops/lower.ts';
import type { LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import { verifyKernel } from '../../compiler/src/loops/verify.ts';
import type { ElementArray } from '../../compiler/src/tensor/ndarray.ts';
import { hostCompiler, runOnHost, sanitizers } from '../emit/host.ts';
import { bytesOf, evaluated } from '../schedule/functions.ts';
import { nestCases, type NestCase } from './imperative-cases.ts';

function kernelOf({ name, func }: NestCase): LoweredKernel {
  const kernel = lowerGeneric('kernel', func);
  assert.ok(kernel.ok, kernel.ok ? '' : `${name}: ${kernel.error.message}`);
  return kernel.value;
}

/** The first element that differs. */
function difference(actual: ElementArray, expected: ElementArray, relative = 0): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} elements, not ${expected.length}`;
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i], expected[i]];
    if (a === e || Math.abs(Number(a) - Number(e)) <= relative * (1 + Math.abs(Number(e)))) continue;
    if (Number.isNaN(a) && Number.isNaN(e)) continue;
    return `element ${i}: ${a}, not ${e}`;
  }
  return undefined;
}

describe('imperative nests give what the evaluator says', () => {
  it('in JavaScript, where every subscript is checked', () => {
    const wrong = nestCases.flatMap((c) => {
      const kernel = kernelOf(c);
      const problems = [...verifyKernel(kernel)];
      const outputs = runKernel(kernel, c.inputs.map((i) => i.data)); // prettier-ignore
      evaluated(c.func, c.inputs).forEach((e, i) => {
        const found = difference(outputs[i] as ElementArray, e.data, c.relative);
        if (found !== undefined) problems.push(`output ${i}, ${found}`);
      });
      return problems.map((p) => `${c.name}: ${p}`);
    });
    assert.deepEqual(wrong, []);
  });

  it('in C, without undefined behaviour', function () {
    this.timeout(120_000);
    const cc = hostCompiler();
    if (!cc) return this.skip();
    const cases = nestCases.map((c) => ({ kernel: kernelOf(c), inputs: c.inputs.map((i) => bytesOf(i.data)) }));
    const results = runOnHost(cc, cases, sanitizers);
    const wrong = nestCases.flatMap((c, n) => {
      let at = 0;
      return evaluated(c.func, c.inputs).flatMap((e, i) => {
        const bytes = (results[n] as Uint8Array).slice(at, (at += e.data.byteLength));
        const typed = new (e.data.constructor as new (b: ArrayBufferLike) => ElementArray)(bytes.buffer);
        const found = difference(typed, e.data, c.relative);
        return found === undefined ? [] : [`${c.name}: output ${i}, ${found}`];
      });
    });
    assert.deepEqual(wrong, []);
  });
});
