import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { staticShape } from '../../compiler/src/types/type.ts';
import { runNatively } from './batch.ts';
import { contents, type Range } from './graph.ts';
import { checkArena, checkPasses, prepareText, type Prepared } from './oracle.ts';
import { Random } from './random.ts';

/** An example as a program: a function becomes `@main`. */
function programOf(source: string): string {
  return `#[version = "0.0.5"]\n${source.replace(/^\s*fn\s*\(/, 'def @main(')}`;
}

function rangeOf(dtype: string): Range | undefined {
  if (dtype.startsWith('float')) return { low: 0.1, high: 0.9 };
  return dtype === 'int8' || dtype === 'uint8' ? undefined : { low: 0, high: 1 };
}

function inputsOf(text: string, seed: number): Map<string, NDArray> | undefined {
  const module = elaborate(check(parseSource(text)));
  const main = module.ok ? module.value.functions.get('main') : undefined;
  if (!main) return undefined;
  const inputs = new Map<string, NDArray>();
  for (const p of main.params) {
    const shape = p.type.kind === 'tensor' ? staticShape(p.type) : undefined;
    if (!shape || p.type.kind !== 'tensor') return undefined;
    inputs.set(p.name, contents(shape, p.type.dtype, rangeOf(p.type.dtype), new Random(seed)));
  }
  return inputs;
}

describe('the examples of operators, compiled', function () {
  this.timeout(120_000);

  it('give what the evaluator says, or are refused with a reason', function () {
    const target = targetNamed('cortex-m4f');
    assert.ok(target.ok);
    const run: { readonly name: string; readonly prepared: Prepared }[] = [];
    const wrong: string[] = [];
    let seed = 1;
    for (const operator of operatorRegistry.all())
      for (const example of operator.examples ?? []) {
        const name = `${operator.name}: ${example.title}`;
        const text = programOf(example.source);
        const inputs = inputsOf(text, seed++);
        if (!inputs) continue;
        const prepared = prepareText(text, inputs, { target: target.value });
        if ('where' in prepared) {
          if (!/^(no-loops|not-compilable|no-narrow-float|no-static-shape)/.test(prepared.detail))
            wrong.push(`${name}: ${prepared.where}, ${prepared.detail}`);
          continue;
        }
        const problem = checkPasses(prepared) ?? checkArena(prepared);
        if (problem) wrong.push(`${name}: ${problem.where}, ${problem.detail}`);
        else run.push({ name, prepared });
      }
    assert.deepEqual(wrong, []);
    assert.ok(run.length > 100);
    if (spawnSync('gcc', ['--version']).status !== 0) {
      console.log('      no C compiler here: install gcc to run the C as well');
      return;
    }
    const flags = ['-O0', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
    const verdicts = runNatively(
      run.map((r) => r.prepared),
      { compiler: 'gcc', flags },
    );
    assert.deepEqual(
      verdicts.flatMap((v, i) => (v ? [`${run[i]?.name}: ${v.detail}`] : [])),
      [],
    );
  });
});
