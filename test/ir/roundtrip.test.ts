import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import { modulesEqual } from '../../compiler/src/ir/equal.ts';
import type { IRModule } from '../../compiler/src/ir/expr.ts';
import { printModule } from '../../compiler/src/ir/print.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { referenceModels, sharedRoot } from '../models.ts';

/** The module of a text, or what is wrong with it. */
function load(text: string): IRModule | string {
  const tree = parseSource(text);
  const checked = check(tree);
  const error = [...tree.errors, ...checked.diagnostics].find((d) => d.severity === 'error');
  if (error !== undefined) return `${error.code}: ${error.message}`;
  const module = elaborate(checked);
  return module.ok ? module.value : `${module.error.code}: ${module.error.message}`;
}

/** What is lost between printing and reading again; undefined when nothing is. */
function lost(module: IRModule): string | undefined {
  const text = printModule(module, { operators: operatorRegistry }).text;
  const again = load(text);
  if (typeof again === 'string') return `${again}\n${text.slice(0, 1500)}`;
  return modulesEqual(module, again) ? undefined : `not equal\n${text.slice(0, 1500)}`;
}

describe('printing and reading back', () => {
  const models = referenceModels();
  if (models.length === 0)
    it('reference models are absent beside the project', function () {
      this.skip();
    });
  for (const model of models)
    it(`${model.name} stays the same`, () => {
      const module = load(model.text);
      assert.ok(typeof module !== 'string', String(module));
      assert.equal(lost(module), undefined);
    });

  for (const file of ['tvm-suite', 'generated'])
    it(`programs of ${file} stay the same`, function () {
      this.timeout(300_000);
      const path = `${sharedRoot}conformance/${file}.jsonl`;
      if (!existsSync(path)) return this.skip();
      const lines = readFileSync(path, 'utf8').trim().split('\n');
      const step = process.env['ALL_PROGRAMS'] === undefined ? 12 : 1;
      const failures: string[] = [];
      const refused = new Map<string, number>();
      let same = 0;
      for (let i = 0; i < lines.length; i += step) {
        const c = JSON.parse(lines[i]!) as { id: string; ok: boolean; text: string };
        if (!c.ok) continue;
        const module = load(c.text);
        if (typeof module === 'string') {
          const code = module.slice(0, 60);
          refused.set(code, (refused.get(code) ?? 0) + 1);
          continue;
        }
        const problem = lost(module);
        if (problem === undefined) same++;
        else failures.push(`${c.id}: ${problem}`);
      }
      if (process.env['ALL_PROGRAMS'] !== undefined) console.log(same, 'same', failures.length, 'lost', refused);
      assert.deepEqual(failures.slice(0, 12), []);
    });
});
