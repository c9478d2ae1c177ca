import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { tensorValue, tensorsOf } from '../../compiler/src/evaluate/value.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import { bindParams } from '../../compiler/src/passes/bind-params.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { decodeParams } from '../../compiler/src/tensor/params.ts';
import { inputOf, referenceModels } from '../models.ts';

describe('reference models in the evaluator', () => {
  const models = referenceModels();
  if (models.length === 0)
    it('are absent beside the project', function () {
      this.skip();
    });
  for (const model of models)
    it(`${model.name} gives the expected bytes for every input`, function () {
      this.timeout(120_000);
      const checked = check(parseSource(model.text));
      assert.deepEqual(
        checked.diagnostics.filter((d) => d.severity === 'error').map((d) => d.message),
        [],
      );
      const module = elaborate(checked);
      assert.ok(module.ok);
      const params = decodeParams(model.params);
      assert.ok(params.ok);
      const bound = bindParams(module.value, params.value);
      assert.ok(bound.ok, bound.ok ? '' : bound.error.message);
      const name = bound.value.functions.get('main')!.params[0]!.name;
      for (const c of model.cases) {
        const t = performance.now();
        const result = evaluateFunction(bound.value, 'main', new Map([[name, tensorValue(inputOf(model, c))]]));
        assert.ok(result.ok, result.ok ? '' : result.error.message);
        if (process.env['SHOW_TIMES']) console.log(model.name, Math.round(performance.now() - t), 'ms');
        assert.deepEqual([...tensorsOf(result.value)![0]!.data], c.output);
      }
    });
});
