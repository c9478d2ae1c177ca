import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { describe, it } from 'mocha';
import { compileModel, type CompiledModel, type CompileRequest } from '../../compiler/src/pipeline/compile.ts';
import { passes } from '../../compiler/src/pipeline/simplification.ts';
import { referenceModels } from '../models.ts';
import { cortexM4 } from '../schedule/functions.ts';
import { arenaMemory, runArena } from '../run-arena.ts';

const kws = referenceModels().find((m) => m.name === 'kws_int8');

function compiled(options: Partial<CompileRequest>): CompiledModel {
  assert.ok(kws);
  const result = compileModel({ text: kws.text, params: kws.params, target: cortexM4, ...options });
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value;
}

describe('an arena with a budget', () => {
  const given = kws === undefined ? it.skip : it;

  given('makes kernels where memory is tightest take less scratch memory, and no others', () => {
    const free = compiled({});
    const tight = compiled({ arenaBudget: 8300 });
    assert.ok(free.report.arena.bytes > 8300);
    assert.ok(tight.report.arena.bytes <= 8300);
    const changed = tight.kernels.filter((k, i) => !isDeepStrictEqual(k.config, free.kernels[i]!.config));
    assert.ok(changed.length > 0 && changed.length < tight.kernels.length);
    const memory = arenaMemory(tight.arena);
    assert.equal(runArena(tight.arena, memory), undefined);
  });

  given('takes the cheapest measured schedule that fits', () => {
    const free = compiled({});
    const of = (at: number): CompiledModel['kernels'][number] => free.kernels[at]!;
    // All pointwise kernels share a task: one schedule is fastest, another is second and needs no scratch memory.
    const task = of(2).task.key;
    const fast = of(2).config;
    const [slow, small] = [
      { ...fast, pixels: 1 },
      { ...fast, pixels: 2 },
    ];
    const choices = [
      { config: fast, cost: 100 },
      { config: small, cost: 110 },
      { config: slow, cost: 150 },
    ];
    const tight = compiled({
      arenaBudget: 8300,
      configFor: (t) => (t.key === task ? fast : undefined),
      choicesFor: (t) => (t.key === task ? choices : []),
    });
    assert.ok(tight.report.arena.bytes <= 8300);
    assert.deepEqual(tight.kernels[2]!.config, small);
    assert.equal(tight.kernels[2]!.choice, 'tuned');
  });

  given('does not let recorded schedules take more memory than the defaults, unless more is granted', () => {
    const free = compiled({});
    const depthwise = free.kernels[1]!;
    const greedy = free.kernels[2]!;
    const wide = { ...greedy.config, pixels: 4, channels: 2 };
    const configFor: CompileRequest['configFor'] = (t) => (t.key === greedy.task.key ? wide : undefined);
    const granted = compiled({ configFor });
    assert.deepEqual(granted.kernels[2]!.config, wide);
    const held = compiled({ configFor, arenaBudget: 'untuned' });
    assert.ok(held.report.arena.bytes <= free.report.arena.bytes);
    assert.deepEqual(held.kernels[1]!.config, depthwise.config);
  });

  given('ends in the smallest that is known when no schedule fits', () => {
    const least = compiled({ arenaBudget: 1 });
    assert.ok(least.report.arena.bytes > 1 && least.report.arena.bytes < compiled({}).report.arena.bytes);
  });
});

describe('passes that are left out', () => {
  it('are those of the list, by name; another name is refused with the list', () => {
    const text = '#[version = "0.0.5"]\ndef @main(%x: Tensor[(4), float32]) {\n  add(%x, add(1f, 2f))\n}\n';
    for (const pass of passes) {
      const result = compileModel({ text, target: cortexM4, withoutPasses: [pass.name] });
      assert.ok(result.ok, result.ok ? '' : `${pass.name}: ${result.error.message}`);
    }
    const refused = compileModel({ text, target: cortexM4, withoutPasses: ['speed'] });
    assert.ok(!refused.ok);
    assert.equal(refused.error.code, 'unknown-pass');
    assert.ok(refused.error.remedy?.includes('fold-constants'));
  });
});
