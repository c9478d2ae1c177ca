import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { resolveSpan } from '../../compiler/src/base/span.ts';
import { runKernel } from '../../compiler/src/emit/js.ts';
import { evaluateExpr, evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { smallValues } from '../../compiler/src/evaluate/seeded.ts';
import { tensorValue, tensorsOf } from '../../compiler/src/evaluate/value.ts';
import type { Frame } from '../../compiler/src/evaluate/value.ts';
import { programModule, storageOf } from '../../compiler/src/passes/program.ts';
import type { ProgramValue } from '../../compiler/src/passes/program.ts';
import { compileModel, lowerTo } from '../../compiler/src/pipeline/compile.ts';
import type { CompiledModel } from '../../compiler/src/pipeline/compile.ts';
import { stages } from '../../compiler/src/pipeline/stages.ts';
import type { Target } from '../../compiler/src/targets/target.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { inputOf, referenceModels } from '../models.ts';

const target: Target = { name: 'cortex-m4f', features: { dsp: true, fpu: true, bits: 32 }, littleEndian: true };

const program = `#[version = "0.0.5"]
def @main(%x: Tensor[(1, 8, 8, 4), float32], %w: Tensor[(3, 3, 4, 4), float32]) {
  %0 = nn.conv2d(%x, %w, padding=[1, 1, 1, 1], channels=4, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="HWIO");
  %1 = nn.relu(%0);
  %2 = reshape(%1, newshape=[1, -1]);
  nn.softmax(%2)
}
`;
const params = new Map([['w', smallValues('float32', [3, 3, 4, 4], 9)!]]);

function compiled(text: string, given: ReadonlyMap<string, NDArray> | Uint8Array): CompiledModel {
  const result = compileModel({ text, params: given, target });
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value;
}

describe('the stages of compilation', () => {
  it('are named once, in order, each with a title and a summary', () => {
    assert.deepEqual(
      stages.map((s) => s.name),
      ['source', 'typed', 'simplified', 'fused', 'loops', 'scheduled', 'planned', 'c'],
    );
    for (const s of stages) assert.match(s.summary, /^[A-Z].*\.$/);
  });

  for (const stage of stages)
    it(`${stage.name} prints text whose lines lead back to the source`, () => {
      const result = lowerTo({ text: program, params, target }, stage.name);
      assert.ok(result.ok, result.ok ? '' : result.error.message);
      const printed = stage.print(result.value);
      assert.equal(
        printed.text.trimEnd(),
        printed.lines
          .map((l) => l.text)
          .join('\n')
          .trimEnd(),
      );
      if (stage.name === 'source') return;
      const anchors = result.value.check!.tree.anchors;
      const sources = printed.lines.flatMap((l) =>
        l.origin.map((span) => {
          const range = resolveSpan(anchors, span);
          return program.slice(range.start, range.end);
        }),
      );
      assert.ok(
        sources.some((s) => s.startsWith('nn.conv2d(')),
        'a line comes from the convolution',
      );
    });

  it('report errors of the program instead of compiling it', () => {
    const result = lowerTo({ text: program.replace('%w:', '%ww:'), target }, 'c');
    assert.ok(!result.ok);
    assert.equal(result.error.origin.length, 1);
  });

  it('say which construct cannot be compiled, and where', () => {
    const text = '#[version = "0.0.5"]\ndef @main(%x: Tensor[(?, 2), float32]) { nn.relu(%x) }\n';
    const result = compileModel({ text, target });
    assert.ok(!result.ok);
    assert.match(result.error.message, /%x is Tensor\[\(\?, 2\), float32\]/);
    assert.equal(result.error.origin.length, 1);
  });

  it('compute the same before and after fusion', () => {
    const { typed, program: fused } = compiled(program, params);
    const inputs = new Map([['x', tensorValue(smallValues('float32', [1, 8, 8, 4], 2)!)]]);
    assert.deepEqual(evaluateFunction(programModule(fused), 'main', inputs), evaluateFunction(typed, 'main', inputs));
  });

  it('keep live tensors apart in the arena, unless a kernel works in place', () => {
    const { arena } = compiled(program, params);
    for (const a of arena.buffers)
      for (const b of arena.buffers) {
        if (a === b || a.first > b.last || b.first > a.last || a.last === b.first || b.last === a.first) continue;
        assert.ok(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset, `${a.name} and ${b.name}`);
      }
  });

  it('report macs, constants and memory of every layer', () => {
    const { report, emitted } = compiled(program, params);
    assert.ok(emitted.files[0]!.text.includes(`${report.macs} multiply-accumulates`), 'the C tells the same count');
    assert.equal(report.macs, 8 * 8 * 4 * 3 * 3 * 4 + report.layers.slice(1).reduce((sum, l) => sum + l.macs, 0));
    assert.equal(report.inputs[0]!.bytes, 8 * 8 * 4 * 4);
    assert.ok(report.arena.bytes >= report.arena.lowerBound && report.arena.lowerBound >= 2048);
    assert.ok(report.arena.peak.buffers.length > 0);
  });
});

describe('kernels of the reference models', () => {
  const models = referenceModels();
  if (models.length === 0)
    it('are absent beside the project', function () {
      this.skip();
    });
  for (const model of models)
    it(`${model.name}: every scheduled kernel equals its meaning`, function () {
      this.timeout(120_000);
      const { program: fused, kernels } = compiled(model.text, model.params);
      const values = new Map<ProgramValue, NDArray>([[fused.inputs[0]!, inputOf(model, model.cases[0]!)]]);
      for (const { step, lowered } of kernels) {
        const args = step.args.map((a) => ({ ...values.get(storageOf(a))!, shape: a.shape }));
        const frame: Frame = { variables: new Map(), values: new Map(), parent: undefined };
        step.fused.func.params.forEach((p, i) => frame.variables.set(p, tensorValue(args[i]!)));
        const meaning = evaluateExpr({ functions: new Map(), types: new Map() }, step.fused.func.body, frame);
        assert.ok(meaning.ok);
        const wanted = tensorsOf(meaning.value)!;
        const found = runKernel(
          lowered,
          args.map((a) => a.data),
        );
        wanted.forEach((want, i) => {
          if (want.dtype === 'float32') return;
          assert.deepEqual(found[i], want.data, lowered.name);
        });
        step.results.forEach((r, i) => values.set(r, wanted[i]!));
      }
      assert.deepEqual([...values.get(storageOf(fused.outputs[0]!))!.data], model.cases[0]!.output);
    });
});
