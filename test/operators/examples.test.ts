import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { smallValues } from '../../compiler/src/evaluate/seeded.ts';
import type { Value } from '../../compiler/src/evaluate/value.ts';
import { tensorValue } from '../../compiler/src/evaluate/value.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';

describe('the examples of operators', () => {
  for (const operator of operatorRegistry.all())
    for (const example of operator.examples ?? [])
      it(`${operator.name}: «${example.title}» checks and runs`, () => {
        const body = example.source.replace(/^fn /, 'def @main');
        const tree = parseSource(`#[version = "0.0.5"]\n${body}\n`);
        const checked = check(tree);
        const problems = [...tree.errors, ...checked.diagnostics].filter((d) => d.severity === 'error');
        assert.deepEqual(
          problems.map((d) => d.message),
          [],
        );
        const module = elaborate(checked);
        assert.ok(module.ok);
        const main = checked.globals.get('main');
        assert.ok(main);
        const parameters = [...example.source.matchAll(/%(\w+): /g)].map((m) => m[1] ?? '');
        const inputs = new Map<string, Value>();
        for (const [i, type] of main.params.entries()) {
          assert.equal(type.kind, 'tensor');
          if (type.kind !== 'tensor') continue;
          const value = smallValues(type.dtype, type.shape.map(Number), i + 1);
          if (value) inputs.set(parameters[i] ?? '', tensorValue(value));
        }
        const result = evaluateFunction(module.value, 'main', inputs);
        assert.ok(result.ok, result.ok ? '' : result.error.message);
      });
});
