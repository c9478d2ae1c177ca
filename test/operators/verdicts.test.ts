/**
 * Calls with unusual operands and attributes, and what TVM 0.12's relations say of them: `error`, `accepted`, or the
 * type of the result. A row is `verdict | parameters | call`; parameters are shapes with an element type (float32 when
 * absent) or whole types, named %a, %b, ….
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { printTvmType } from '../../compiler/src/types/print-tvm.ts';

const folder = new URL('./verdicts/', import.meta.url);

function parameter(text: string, index: number): string {
  const shape = /^\(([^)]*)\)\s*(\w+)?$/.exec(text);
  const type = shape ? `Tensor[(${shape[1] ?? ''}), ${shape[2] ?? 'float32'}]` : text;
  return `%${'abcdefghij'[index] ?? ''}: ${type}`;
}

function verdictOf(parameters: string, call: string): string {
  const list = parameters === '' ? [] : parameters.split(';').map((p, i) => parameter(p.trim(), i));
  const result = check(parseSource(`#[version = "0.0.5"]\ndef @main(${list.join(', ')}) { ${call} }\n`));
  const errors = [...result.tree.errors, ...result.diagnostics].filter((d) => d.severity === 'error');
  if (errors.length > 0) return 'error';
  const main = result.globals.get('main');
  return main?.kind === 'func' ? printTvmType(main.ret) : 'no type';
}

for (const file of readdirSync(folder)) {
  const rows = readFileSync(new URL(file, folder), 'utf8').trim().split('\n');
  describe(`verdicts on unusual calls: ${file.replace('.txt', '')}`, () => {
    for (const row of rows) {
      const [verdict = '', parameters = '', ...call] = row.split(' | ');
      it(`${verdict}: ${call.join(' | ')} of ${parameters === '' ? 'nothing' : parameters}`, () => {
        const found = verdictOf(parameters, call.join(' | '));
        if (verdict === 'accepted') assert.notEqual(found, 'error');
        else assert.equal(found, verdict);
      });
    }
  });
}
