import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { emitKernel, selfContained } from '../../compiler/src/emit/c.ts';
import { Helpers } from '../../compiler/src/emit/helpers.ts';
import { runKernel } from '../../compiler/src/emit/js.ts';
import { lowerGeneric } from '../../compiler/src/loops/lower.ts';
import type { LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import * as examples from '../../compiler/src/schedule/primitives/examples.ts';
import { loopsOf, withNamedLoops } from '../../compiler/src/schedule/primitives/primitive.ts';
import { tensorInstructions } from '../../compiler/src/schedule/primitives/tensorise.ts';
import { applyStep, primitives, replay, type Step, type Trace } from '../../compiler/src/schedule/primitives/trace.ts';
import type { ElementArray } from '../../compiler/src/tensor/ndarray.ts';
import { compileModel } from '../../compiler/src/pipeline/compile.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import { generate } from '../differential/generate.ts';
import { contents, paramsOf, textOf } from '../differential/graph.ts';
import { Random } from '../differential/random.ts';

function inputsOf(kernel: LoweredKernel, seed: number): ElementArray[] {
  const r = new Random(seed);
  return kernel.inputs.map((b) => contents([b.length], b.dtype, undefined, r).data);
}

function textOfKernel(kernel: LoweredKernel): string {
  return selfContained(emitKernel(kernel, new Helpers()));
}

/** Both kernels give the same bytes on a few inputs. */
function assertSame(before: LoweredKernel, after: LoweredKernel, label: string): void {
  for (const seed of [1, 2]) {
    const inputs = inputsOf(before, seed);
    const [wanted, found] = [runKernel(before, inputs), runKernel(after, inputs)];
    for (const [i, array] of wanted.entries())
      assert.deepEqual(found[i], array, `${label}, output ${i}:\n${textOfKernel(after)}`);
  }
}

function must(result: ReturnType<typeof replay>): LoweredKernel {
  assert.ok(result.ok, result.ok ? '' : `${result.error.message} ${result.error.remedy ?? ''}`);
  return result.value;
}

function refusal(kernel: LoweredKernel, primitive: string, args: Step['args']): string {
  const result = applyStep(kernel, { primitive, args });
  assert.ok(!result.ok, `${primitive} is accepted`);
  return result.error.message;
}

describe('scheduling primitives', () => {
  for (const primitive of primitives) {
    it(`${primitive.name}: its example changes the loops and not the results`, () => {
      const { kernel, args } = primitive.example();
      const after = must(applyStep(kernel, { primitive: primitive.name, args }));
      assert.notEqual(textOfKernel(after), textOfKernel(kernel));
      assertSame(kernel, after, primitive.name);
      assert.ok(primitive.checks.length > 0 && primitive.args.every((a) => a.summary.endsWith('.')));
    });
  }

  it('refuse what would change results, and say why', () => {
    assert.match(
      refusal(examples.scaled(10), 'split', { loop: 'i', factor: 11 }),
      /runs 10 turns, which is less than 11/,
    );
    assert.match(refusal(examples.scaled(10), 'split', { loop: 'k', factor: 2 }), /no loop `k`/);
    assert.match(refusal(examples.scaled(10), 'split', { loop: 'i', factor: 0 }), /whole number from 1 on/);
    assert.match(refusal(examples.scaled(10), 'split', { loop: 'i', factor: 2, how: 'x' }), /no argument `how`/);
    assert.match(refusal(examples.scaled(100), 'unroll', { loop: 'i' }), /more than 64/);
    assert.match(refusal(examples.scaled(10), 'fuse', { loop: 'i' }), /does not hold one loop/);
    assert.match(refusal(examples.scaled(4), 'hoist', { loop: 'i' }), /Nothing .* is the same/);
    assert.match(refusal(examples.filtered(), 'reorder', { loop: 'i' }), /does not hold one loop alone/);
    assert.match(refusal(examples.filtered(), 'pack', { buffer: 'x' }), /no constant/);
    assert.match(refusal(examples.dot(2, 'int16'), 'tensorise', { loop: 'k', instruction: 'dot4' }), /does not run 4/);
    assert.match(
      refusal(examples.dot(4, 'int16'), 'tensorise', { loop: 'k', instruction: 'dot4' }),
      /not int8 or uint8/,
    );
    assert.match(refusal(examples.scaled(4), 'vectorise', { loop: 'k' }), /no primitive `vectorise`/);
  });

  it('keep the order of loops that carry values from turn to turn', () => {
    // y[i + 1, j] = y[i, j + 1]: a diagonal that reads what other turns write.
    const diagonal = examples.diagonal();
    assert.match(refusal(diagonal, 'reorder', { loop: 'i' }), /read or write elements of `y` that other turns write/);
    const floats = examples.rowSums('float32');
    assert.match(refusal(floats, 'reorder', { loop: 'r' }), /one loop alone/);
    assert.match(refusal(examples.total('float32'), 'reorder', { loop: 'i' }), /another result in another order/);
    const integers = examples.total('int32');
    assertSame(integers, must(applyStep(integers, { primitive: 'reorder', args: { loop: 'i' } })), 'integer sum');
  });

  it('compute a temporary only in the turn that reads it', () => {
    const refused = refusal(examples.differences(), 'compute_at', { buffer: 't', loop: 'r' });
    assert.match(refused, /reads what another turn computes/);
    const odd = applyStep(examples.filtered(), { primitive: 'split', args: { loop: 'k', factor: 2, tail: 'loop' } });
    assert.match(refusal(must(odd), 'tensorise', { loop: 'k_inner', instruction: 'dot2' }), /not int16/);
    // Half a word lies between the start of a row of six halves and the next but one.
    const rows = examples.rowsOfHalves();
    assert.match(refusal(rows, 'tensorise', { loop: 'k', instruction: 'dot2' }), /whole words/);
  });

  for (const instruction of tensorInstructions)
    it(`${instruction.name}: the instructions do what the loop says, for all kinds of values`, () => {
      const kernel = instruction.meaning();
      const args = { loop: instruction.loop, instruction: instruction.name };
      const after = must(applyStep(kernel, { primitive: 'tensorise', args }));
      const extremes = [-128, 127, -1, 0, 1, -32768, 32767, 2 ** 31 - 1, -(2 ** 31)];
      const r = new Random(7);
      for (let round = 0; round < 300; round++) {
        const inputs = kernel.inputs.map((b) => {
          const { data } = contents([b.length], b.dtype, undefined, r);
          for (let i = 0; i < b.length; i++) if (r.chance(0.3)) data[i] = r.pick(extremes) as never;
          return data;
        });
        assert.deepEqual(runKernel(after, inputs), runKernel(kernel, inputs));
      }
    });

  it('make one kernel from one trace, however often it is replayed and written down', () => {
    const kernel = examples.dot(16, 'int8');
    const trace: Trace = [
      { primitive: 'split', args: { loop: 'k', factor: 4 } },
      { primitive: 'tensorise', args: { loop: 'k_inner', instruction: 'dot4' } },
      { primitive: 'unroll', args: { loop: 'k_outer' } },
    ];
    const again = JSON.parse(JSON.stringify(trace)) as Trace;
    const [first, second] = [must(replay(kernel, trace)), must(replay(kernel, again))];
    assert.equal(textOfKernel(first), textOfKernel(second));
    assert.equal(textOfKernel(first).match(/smlad/g)?.length, 8);
    assertSame(kernel, first, 'trace');
    const broken = replay(kernel, [...trace, { primitive: 'unroll', args: { loop: 'k_outer' } }]);
    assert.ok(!broken.ok && /^Step 4, `unroll`: There is no loop/.test(broken.error.message));
  });

  it('give the same results in any legal order, on kernels of random programs', function () {
    this.timeout(60_000);
    const target = targetNamed('cortex-m4f');
    assert.ok(target.ok);
    const r = new Random(99);
    const used = new Map<string, number>();
    for (let seed = 1; seed <= 60; seed++) {
      const program = generate(seed, r.pick(['integer', 'operators', 'float']));
      const compiled = compileModel({ text: textOf(program), params: paramsOf(program), target: target.value });
      if (!compiled.ok) continue;
      for (const { step } of compiled.value.kernels) {
        const lowered = lowerGeneric('k', step.fused.func);
        if (!lowered.ok || lowered.value.outputs.some((o) => o.length > 4000)) continue;
        let kernel = withNamedLoops(lowered.value);
        for (let i = 0; i < 6; i++) {
          const next = randomStep(kernel, r);
          const result = next && applyStep(kernel, next);
          if (!next || !result?.ok) continue;
          used.set(next.primitive, (used.get(next.primitive) ?? 0) + 1);
          kernel = result.value;
        }
        assertSame(lowered.value, kernel, `seed ${seed}`);
      }
    }
    for (const name of ['split', 'fuse', 'reorder', 'tile', 'unroll', 'hoist', 'cache_read', 'pack'])
      assert.ok((used.get(name) ?? 0) > 0, `${name} was never legal: ${JSON.stringify([...used])}`);
  });
});

function randomStep(kernel: LoweredKernel, r: Random): Step | undefined {
  const loops = loopsOf(kernel.body).map((l) => l.loop.variable.name);
  const buffers = [...kernel.inputs, ...kernel.scratch, ...kernel.constants.map((c) => c.buffer)].map((b) => b.name);
  if (loops.length === 0 || buffers.length === 0) return undefined;
  const primitive = r.pick(primitives);
  const value = (spec: (typeof primitive.args)[number]): string | number | boolean => {
    if (spec.kind === 'loop') return r.pick(loops);
    if (spec.kind === 'buffer') return r.pick(buffers);
    return spec.kind === 'count' ? r.int(1, 5) : r.pick(spec.values ?? []);
  };
  return { primitive: primitive.name, args: Object.fromEntries(primitive.args.map((a) => [a.name, value(a)])) };
}
