import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { format } from '../../compiler/src/format/format.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import { modulesEqual } from '../../compiler/src/ir/equal.ts';
import type { IRModule } from '../../compiler/src/ir/expr.ts';
import { printModule } from '../../compiler/src/ir/print.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { corpus } from '../syntax/support.ts';

function load(text: string): IRModule | undefined {
  const tree = parseSource(text);
  const checked = check(tree);
  if ([...tree.errors, ...checked.diagnostics].some((d) => d.severity === 'error')) return undefined;
  const module = elaborate(checked);
  return module.ok ? module.value : undefined;
}

const step = process.env['ALL_PROGRAMS'] === undefined ? 17 : 1;

describe('printed programs', () => {
  for (const name of ['tvm-suite', 'generated'])
    it(`of ${name} are plain Relay in strict mode, and formatting them keeps their meaning`, function () {
      this.timeout(300_000);
      const programs = corpus(name).filter(({ ok }, i) => ok && i % step === 0);
      if (programs.length === 0) {
        console.log('      the conformance corpora are absent beside the project');
        return this.skip();
      }
      const failures: string[] = [];
      let compared = 0;
      for (const { id, text } of programs) {
        const module = load(text);
        if (module === undefined) continue;
        compared++;
        const strict = printModule(module, { operators: operatorRegistry, strict: true }).text;
        const foreign = parseSource(strict).errors[0];
        if (foreign) failures.push(`${id}: ${foreign.message}`);
        const printed = printModule(module, { operators: operatorRegistry }).text;
        // Whether printed text reads back at all is a question for the printer's own tests.
        const unformatted = load(printed);
        if (unformatted === undefined || !modulesEqual(module, unformatted)) continue;
        const formatted = format(printed);
        const again = formatted.ok ? load(formatted.value.text) : undefined;
        if (again === undefined || !modulesEqual(module, again)) failures.push(`${id}: another program`);
      }
      assert.deepEqual(failures.slice(0, 10), []);
      assert.ok(compared > programs.length / 2);
    });
});
