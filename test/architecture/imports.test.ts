import assert from 'node:assert/strict';
import path from 'node:path';
import { Linter } from 'eslint';
import { describe, it } from 'mocha';
import importDirection from '../../tools/eslint/import-direction.js';

const root = path.resolve(import.meta.dirname, '../..');

/** Messages of the import rule for one line of code in a file of the project. */
function lint(file: string, code: string): string[] {
  const linter = new Linter({ cwd: root });
  const messages = linter.verify(
    code,
    [
      {
        files: ['**/*.ts'],
        plugins: { relay: { rules: { 'import-direction': importDirection as never } } },
        rules: { 'relay/import-direction': 'error' },
      },
    ],
    { filename: path.join(root, file) },
  );
  return messages.map((m) => m.message);
}

describe('import directions', () => {
  const forbidden: readonly (readonly [string, string])[] = [
    ['compiler/src/syntax/parser.ts', '../check/check.ts'],
    ['compiler/src/operators/registry.ts', '../ir/expr.ts'],
    ['compiler/src/base/span.ts', '../syntax/tree.ts'],
    ['compiler/src/check/check.ts', '../../../boards/src/board.ts'],
    ['compiler/src/check/check.ts', 'node:fs'],
    ['boards/src/board.ts', '../../tuner/src/tune.ts'],
    ['server/src/main.ts', '../../boards/src/board.ts'],
    ['client/src/extension.ts', '../../compiler/src/base/span.ts'],
    ['cli/src/main.ts', '../../client/src/extension.ts'],
  ];
  for (const [file, specifier] of forbidden)
    it(`stop ${file} from importing ${specifier}`, () => {
      assert.equal(lint(file, `import x from '${specifier}';`).length, 1);
    });

  const permitted: readonly (readonly [string, string])[] = [
    ['compiler/src/check/check.ts', '../syntax/tree.ts'],
    ['compiler/src/pipeline/stages.ts', '../emit/module.ts'],
    ['tuner/src/tune.ts', '../../boards/src/board.ts'],
    ['client/src/extension.ts', '../../server/src/protocol.ts'],
    ['client/src/extension.ts', 'vscode'],
    ['cli/src/main.ts', '../../tuner/src/tune.ts'],
  ];
  for (const [file, specifier] of permitted)
    it(`let ${file} import ${specifier}`, () => {
      assert.deepEqual(lint(file, `import x from '${specifier}';`), []);
    });
});
