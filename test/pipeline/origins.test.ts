import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { resolveSpan } from '../../compiler/src/base/span.ts';
import { lowerTo } from '../../compiler/src/pipeline/compile.ts';
import { stageNamed } from '../../compiler/src/pipeline/stages.ts';
import type { Target } from '../../compiler/src/targets/target.ts';
import { referenceModels } from '../models.ts';

const target: Target = { name: 'cortex-m4f', features: { dsp: true, fpu: true, bits: 32 }, littleEndian: true };

/** Lines of kernel functions and how many of them lead to a place in the source. */
function coverage(text: string, params: Uint8Array): { readonly lines: number; readonly traced: number } {
  const lowered = lowerTo({ text, params, target, name: 'model' }, 'c');
  assert.ok(lowered.ok, lowered.ok ? '' : lowered.error.message);
  const { emitted, check } = lowered.value;
  const anchors = check?.tree.anchors ?? new Map();
  const kernels = new Set(emitted?.functions);
  const printed = stageNamed('c')?.print(lowered.value);
  let kernelHead = false;
  let inside = false;
  let lines = 0;
  let traced = 0;
  for (const line of printed?.lines ?? []) {
    const head = /^[A-Za-z_].*?\b(\w+)\(/.exec(line.text)?.[1];
    if (head !== undefined) kernelHead = kernels.has(head);
    if (line.text.endsWith(';')) kernelHead = false; // a declaration
    if (line.text === '{') inside = kernelHead;
    if (!inside) continue;
    if (line.text.trim() !== '') {
      lines++;
      const leads = line.origin.some((span) => {
        const { start, end } = resolveSpan(anchors, span);
        return anchors.has(span.anchor) && start < end && end <= text.length;
      });
      if (leads) traced++;
    }
    if (line.text === '}') inside = false;
  }
  return { lines, traced };
}

describe('lines of generated C', () => {
  for (const model of referenceModels())
    it(`of ${model.name} lead back to the source, 99 of 100 and more`, function () {
      this.timeout(120_000);
      const { lines, traced } = coverage(model.text, model.params);
      assert.ok(lines > 100, `${lines} lines`);
      const share = traced / lines;
      console.log(`      ${model.name}: ${traced} of ${lines} lines, ${(100 * share).toFixed(2)} %`);
      assert.ok(share >= 0.99);
    });
  it('are measured on the reference models', function () {
    if (referenceModels().length > 0) return;
    console.log('      the reference models are not there');
    this.skip();
  });
});
